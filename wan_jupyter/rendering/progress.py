"""How far a job is and how long it takes: what is known, what earlier jobs let expect, and nothing else."""

from __future__ import annotations

import math

from ..i18n.messages import ENGLISH, tr
from ..status import Status
from .html import Html, tag
from .views import CardView

PROMISED = 0.9  # of the bar is full when the expected time is over; the rest is left for what takes longer
LAPS = 6  # expected times until the estimate stands still: the last line of `wan-near` in card.css
UNITS = ((1_000_000, "MB", 1), (1_000, "kB", 0), (1, "B", 0))


def amount(view: CardView, language: str = ENGLISH) -> str:
    """Return how many bytes went, and of how many where that is known; "" while nothing goes."""
    if view.moved is None or not view.status.live:
        return ""
    gone, total = view.moved
    size, unit, decimals = next(row for row in UNITS if max(gone, total) >= row[0] or row[0] == 1)
    key = "card.bytes" if total else "card.bytes_open"
    return tr(key, language, gone=f"{gone / size:.{decimals}f}", total=f"{total / size:.{decimals}f}", unit=unit)


def percent(view: CardView, language: str = ENGLISH) -> str:
    """Return the progress with its sign, "" where none is known."""
    number = _progress(view)
    return "" if number is None else tr("card.percent", language, percent=number)


def _progress(view: CardView) -> int | None:
    """Return whole per cent, rounded down so that 100 means done; None where nothing is known."""
    if view.status.ended or view.progress is None or math.isnan(view.progress):
        return None
    return int(100 * min(1.0, max(0.0, view.progress)))


def elapsed(view: CardView) -> str:
    """Return the time since the job began, as minutes and seconds."""
    return _minutes(age(view))


def age(view: CardView) -> float:
    """Return the seconds since the job began."""
    return max(0.0, view.now - view.since)


def expectation(view: CardView, language: str = ENGLISH) -> str:
    """Return about how long the job may take in all, "" where nothing is known or it has ended."""
    if not _has_expectation(view):
        return ""
    return tr("card.about", language, time=_minutes(max(1.0, view.expected or 0.0)))


def bar(view: CardView, language: str = ENGLISH) -> Html:
    """Draw what is known: a share; else an estimate that never comes to its end; else a movement that promises nothing.

    An estimate is no value of a progress bar: it is said in words, with "about".
    """
    if view.status.ended:
        return Html()
    number = _progress(view)
    hoped = expectation(view, language) if number is None else ""
    return tag(
        "div", _fill(view, number), class_="wan-bar", role="progressbar", aria_label=tr("card.progress", language),
        aria_valuemin=0, aria_valuemax=100, aria_valuenow=number,
        aria_valuetext=f"{elapsed(view)} {hoped}" if hoped else None,
    )  # fmt: skip


def _fill(view: CardView, number: int | None) -> Html:
    if number is not None:
        return tag("span", style=f"width:{number}%")
    if _has_expectation(view):
        lasts = LAPS * max(1.0, view.expected or 0.0)
        look = f"width:{int(100 * estimate(view))}%;animation-duration:{lasts:.1f}s;animation-delay:-{age(view):.1f}s"
        return tag("span", class_="wan-about", style=look)
    return tag("span", class_="wan-unknown", style=f"animation-delay:-{age(view) % 2.4:.1f}s")


def estimate(view: CardView) -> float:
    """Return how far a job may be, 0 to below 1: evenly up to its expected time, then slower and slower."""
    laps = age(view) / max(1.0, view.expected or 0.0)
    return PROMISED * laps if laps < 1 else 1 - (1 - PROMISED) / laps


def _has_expectation(view: CardView) -> bool:
    """Whether a time may be told: of a job that is still to be rendered; a download has its bytes."""
    return view.expected is not None and view.status.live and view.status is not Status.DOWNLOADING


def _minutes(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02}"
