"""The live card of a job. Its clock and bar move by CSS alone; a message is sent only when something changes."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ..i18n.messages import ENGLISH, tr
from ..security.sanitize import clean, one_line
from ..status import Status
from .html import Html, image, joined, style, tag
from .progress import age, bytes_text, elapsed, expectation, percent, progress_bar
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


def live_card(view: CardView, language: str = ENGLISH) -> str:
    """Return the live card, for an `ipywidgets.HTML` next to one with the `card_details`; its clock runs by itself."""
    classes = f"wan-card wan-now {MOODS.get(view.status, '')}".strip()
    return str(tag("div", _thumbnails(view, language), _body(view, language), class_=classes))


def _thumbnails(view: CardView, language: str) -> Html:
    alts = ("card.first_frame", "card.last_frame")
    images = [image(jpeg, tr(key, language)) for jpeg, key in zip(view.thumbnails, alts, strict=False)]
    return tag("div", *images, class_="wan-thumbs") if images else Html()


def _body(view: CardView, language: str) -> Html:
    notes = view.lines if view.status.ended else (view.note,)
    return tag(
        "div",
        _top(view, language),
        tag("div", one_line(view.prompt), class_="wan-prompt", dir="auto", title=clean(view.prompt)),
        _chips(view, language),
        *(tag("div", one_line(note), class_="wan-note", dir="auto") for note in notes if note),
        progress_bar(view, language),
        class_="wan-body",
    )


def _top(view: CardView, language: str) -> Html:
    glyph = tag("span", GLYPHS[view.status], class_="wan-glyph", aria_hidden="true")
    state = tag("span", state_words(view, language), role="status", aria_live="polite")
    cancel = cancel_note(view, language)
    known = [words for words in (bytes_text(view, language), percent(view, language)) if words]
    return tag(
        "div",
        tag("span", glyph, state, class_="wan-state"),
        *(tag("span", words, class_="wan-clock") for words in known),
        clock(view, language),
        tag("span", f"· {cancel}", class_="wan-soft") if cancel else Html(),
        tag("span", one_line(view.job_id), class_="wan-id wan-soft", title=tr("card.id", language)),
        class_="wan-top",
    )


def state_words(view: CardView, language: str = ENGLISH) -> str:
    """Return the state of the job in words."""
    if view.stopped:
        return tr("state.stopped", language)
    if view.status is Status.PREPARING and view.moved is not None:
        return tr("state.uploading", language)
    return tr(f"state.{view.status.lower()}", language)


def cancel_note(view: CardView, language: str) -> str:
    """Return "cancel requested" while the job is being canceled, else ""."""
    return tr("card.cancel_requested", language) if view.cancel_requested and view.status.live else ""


def clock(view: CardView, language: str) -> Html:
    """Return the elapsed time, which counts by itself, and the expected time."""
    shown = tag("span", elapsed(view), class_="wan-live" if view.status.live else None)
    since = f"--wan-since:-{age(view):.1f}s" if view.status.live else None
    label = tr("card.elapsed", language)
    timer = tag("span", shown, class_="wan-clock wan-soft", role="timer", aria_label=label, style=since)
    expected = expectation(view, language)
    if not expected:
        return timer
    return joined(timer, tag("span", expected, class_="wan-clock wan-soft", title=tr("card.expected", language)))


def card_details(text: str = "", language: str = ENGLISH) -> str:
    """Return the part of a card that does not change: its style and, folded, the request that was sent."""
    if not text:
        return str(style())
    summary = tag("summary", tr("card.request", language))
    label = tr("card.request_label", language)
    body = tag("pre", clean(text), dir="auto", tabindex=0, role="region", aria_label=label)
    return str(joined(style(), tag("details", summary, body, class_="wan-request")))


def _chips(view: CardView, language: str) -> Html:
    words = [one_line(word) for word in (view.model, *view.chips, view.provider)]
    chips = [tag("span", word, dir="auto") for word in words if word]
    if view.emulated:
        chips.append(tag("span", tr("card.emulated", language), class_="wan-badge"))
    return tag("div", *chips, class_="wan-chips")
