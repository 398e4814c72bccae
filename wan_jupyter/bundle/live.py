"""The card: a job under way. Its clock and its bar move by CSS alone; a message is needed only for news."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType

from ..messages import ENGLISH, say
from ..status import Status
from ..text import clean, one_line
from .markup import Html, image, joined, style, tag
from .views import CardView

GLYPHS: Mapping[Status, str] = MappingProxyType(
    {
        Status.PREPARING: "↑",
        Status.SUBMITTING: "→",
        Status.QUEUED: "○",
        Status.RUNNING: "◐",
        Status.DOWNLOADING: "↓",
        Status.SUCCEEDED: "✓",
        Status.FAILED: "✕",
        Status.CANCELED: "■",
        Status.EXPIRED: "∅",
        Status.UNCERTAIN: "?",
    }
)
MOODS: Mapping[Status, str] = MappingProxyType(
    {
        Status.SUCCEEDED: "wan-good",
        Status.CANCELED: "wan-rest",
        Status.FAILED: "wan-bad",
        Status.EXPIRED: "wan-bad",
        Status.UNCERTAIN: "wan-bad",
    }
)


def card(view: CardView, language: str = ENGLISH) -> str:
    """Return the live card, for an `ipywidgets.HTML`; its clock goes on by itself."""
    look = f"wan-card wan-now {MOODS.get(view.status, '')}".strip()
    return str(joined(style(), tag("div", _thumbnails(view, language), _body(view, language), class_=look)))


def _thumbnails(view: CardView, language: str) -> Html:
    alts = ("card.first_frame", "card.last_frame")
    images = [image(jpeg, say(key, language)) for jpeg, key in zip(view.thumbnails, alts, strict=False)]
    return tag("div", *images, class_="wan-thumbs") if images else Html()


def _body(view: CardView, language: str) -> Html:
    notes = view.lines if view.status.ended else (view.note,)
    return tag(
        "div",
        _top(view, language),
        tag("div", one_line(view.prompt), class_="wan-prompt", dir="auto", title=clean(view.prompt)),
        _chips(view, language),
        *(tag("div", one_line(note), class_="wan-note", dir="auto") for note in notes if note),
        _bar(view, language),
        class_="wan-body",
    )


def _top(view: CardView, language: str) -> Html:
    glyph = tag("span", GLYPHS[view.status], class_="wan-glyph", aria_hidden="true")
    state = tag("span", state_words(view, language), role="status", aria_live="polite")
    cancel = asked(view, language)
    return tag(
        "div",
        tag("span", glyph, state, " ", percent(view, language), class_="wan-state"),
        _clock(view, language),
        tag("span", f"· {cancel}", class_="wan-soft") if cancel else Html(),
        tag("span", one_line(view.job_id), class_="wan-id wan-soft", title=say("card.id", language)),
        class_="wan-top",
    )


def state_words(view: CardView, language: str = ENGLISH) -> str:
    """Return where the job stands, in words."""
    if view.stopped:
        return say("state.stopped", language)
    return say(f"state.{view.status.lower()}", language)


def asked(view: CardView, language: str) -> str:
    """Return "cancel requested" while that is so."""
    return say("card.cancel_requested", language) if view.cancel_requested and view.status.live else ""


def percent(view: CardView, language: str) -> str:
    """Return the progress with its sign, "" where none is known."""
    number = _progress(view)
    return "" if number is None else say("card.percent", language, percent=number)


def _progress(view: CardView) -> int | None:
    """Return whole per cent, rounded down so that 100 means done; None where nothing is known."""
    if view.status.ended or view.progress is None or math.isnan(view.progress):
        return None
    return int(100 * min(1.0, max(0.0, view.progress)))


def elapsed(view: CardView) -> str:
    """Return the time since the job began, as minutes and seconds."""
    minutes, seconds = divmod(int(_age(view)), 60)
    return f"{minutes}:{seconds:02}"


def _age(view: CardView) -> float:
    return max(0.0, view.now - view.since)


def _clock(view: CardView, language: str) -> Html:
    written = tag("span", elapsed(view), class_="wan-live" if view.status.live else None)
    since = f"--wan-since:-{_age(view):.1f}s" if view.status.live else None
    label = say("card.elapsed", language)
    return tag("span", written, class_="wan-clock wan-soft", role="timer", aria_label=label, style=since)


def _chips(view: CardView, language: str) -> Html:
    words = [one_line(word) for word in (view.model, *view.chips, view.provider)]
    chips = [tag("span", word, dir="auto") for word in words if word]
    if view.emulated:
        chips.append(tag("span", say("card.emulated", language), class_="wan-badge"))
    return tag("div", *chips, class_="wan-chips")


def _bar(view: CardView, language: str) -> Html:
    """Draw what is known: a share, or a movement that promises nothing."""
    if view.status.ended:
        return Html()
    number = _progress(view)
    fill = (
        tag("span", class_="wan-unknown", style=f"animation-delay:-{_age(view) % 2.4:.1f}s")
        if number is None
        else tag("span", style=f"width:{number}%")
    )
    return tag(
        "div", fill, class_="wan-bar", role="progressbar", aria_label=say("card.progress", language),
        aria_valuemin=0, aria_valuemax=100, aria_valuenow=number,
    )  # fmt: skip
