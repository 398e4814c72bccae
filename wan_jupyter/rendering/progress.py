"""Progress and times of a job: what is known, and what earlier jobs suggest."""

from __future__ import annotations

import math

from ..i18n.messages import ENGLISH, tr
from ..status import Status
from .html import Html, tag
from .views import CardView

EXPECTED_SHARE = 0.9  # of the bar, filled when the expected time is over; the rest is for jobs that take longer
LAPS = 6  # expected times until the estimate stops: the last line of `wan-near` in card.css
UNITS = ((1_000_000, "MB", 1), (1_000, "kB", 0), (1, "B", 0))


def bytes_text(view: CardView, language: str = ENGLISH) -> str:
    """Return the bytes moved, and the total if it is known; "" while nothing is transferred."""
    if view.moved is None or not view.status.live:
        return ""
    moved, total = view.moved
    size, unit, decimals = next(unit for unit in UNITS if max(moved, total) >= unit[0] or unit[0] == 1)
    key = "card.bytes" if total else "card.bytes_open"
    return tr(key, language, gone=f"{moved / size:.{decimals}f}", total=f"{total / size:.{decimals}f}", unit=unit)


def percent(view: CardView, language: str = ENGLISH) -> str:
    """Return the progress in per cent, with its sign; "" if it is unknown."""
    number = _progress(view)
    return "" if number is None else tr("card.percent", language, percent=number)


def _progress(view: CardView) -> int | None:
    """Return the progress in whole per cent, rounded down so that 100 means done; None if it is unknown."""
    if view.status.ended or view.progress is None or math.isnan(view.progress):
        return None
    return int(100 * min(1.0, max(0.0, view.progress)))


def elapsed(view: CardView) -> str:
    """Return the time since the job began, as m:ss."""
    return _minutes(age(view))


def age(view: CardView) -> float:
    """Return the seconds since the job began."""
    return max(0.0, view.now - view.since)


def expectation(view: CardView, language: str = ENGLISH) -> str:
    """Return the expected time of the whole job; "" if it is unknown or the job has ended."""
    if not _has_expectation(view):
        return ""
    return tr("card.about", language, time=_minutes(max(1.0, view.expected or 0.0)))


def progress_bar(view: CardView, language: str = ENGLISH) -> Html:
    """Return a bar of the known progress, else of an estimate that never reaches its end, else an indeterminate one.

    An estimate is not the bar's `aria-valuenow`; it is given in words, with "about".
    """
    if view.status.ended:
        return Html()
    number = _progress(view)
    expected = expectation(view, language) if number is None else ""
    return tag(
        "div", _fill(view, number), class_="wan-bar", role="progressbar", aria_label=tr("card.progress", language),
        aria_valuemin=0, aria_valuemax=100, aria_valuenow=number,
        aria_valuetext=f"{elapsed(view)} {expected}" if expected else None,
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
    """Return the estimated progress, from 0 to below 1: linear up to the expected time, then ever slower."""
    laps = age(view) / max(1.0, view.expected or 0.0)
    return EXPECTED_SHARE * laps if laps < 1 else 1 - (1 - EXPECTED_SHARE) / laps


def _has_expectation(view: CardView) -> bool:
    """Return whether to show an expected time: until the video is rendered; a download has its bytes."""
    return view.expected is not None and view.status.live and view.status is not Status.DOWNLOADING


def _minutes(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02}"
