"""Outputs without a kernel or without HTML: a static card, a terminal line, a block of text, a table."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from ..i18n.messages import ENGLISH, tr
from ..security.sanitize import clean, one_line
from .card import GLYPHS, MOODS, cancel_note, state_words
from .columns import padded, width
from .html import LOOK, Bundle, Html, badge, image, isolated, tag, text_div
from .progress import bytes_text, elapsed, expectation, percent
from .views import CardView

MAX_UNWRAPPED = 24  # columns of text up to which a table's cell is not wrapped


def static_card(view: CardView, language: str = ENGLISH) -> Bundle:
    """Return a job's static output (`text/html`, `text/plain`), which a notebook shows without its kernel."""
    title = f"{'!' if view.stopped else GLYPHS[view.status]} {state_words(view, language)}"
    lines = [one_line(line) for line in view.lines if line] or [_next_step(view, language)]
    facts = " · ".join(one_line(part) for part in (view.model, *view.chips, view.provider) if part)
    box = tag(
        "div",
        tag("div", title, " · ", isolated(one_line(view.job_id)), style=LOOK["title"]),
        *(tag("div", line, dir="auto", style=LOOK["line"]) for line in lines),
        text_div(one_line(view.prompt), "soft"),
        tag("div", badge(view.emulated, language), isolated(facts), style=LOOK["soft"]),
        class_="wan-card wan-still",
        style=LOOK["bad" if view.stopped or MOODS.get(view.status) == "wan-bad" else "still"],
    )
    return {"text/html": str(box), "text/plain": "\n".join([f"{title} · {one_line(view.job_id)}", *lines])}


def _next_step(view: CardView, language: str) -> str:
    ended = view.status.lower() if view.status.ended else "pending"
    when = datetime.fromtimestamp(max(0.0, view.since)).strftime("%Y-%m-%d %H:%M")
    return tr(f"card.next.{ended}", language, job=one_line(view.job_id), when=when)


def terminal_line(view: CardView, language: str = ENGLISH) -> str:
    """Return a job as one plain line for a terminal or a log."""
    known = (state_words(view, language), bytes_text(view, language), percent(view, language))
    state = " ".join(part for part in known if part)
    time = " ".join(part for part in (elapsed(view), expectation(view, language)) if part)
    facts = " ".join(part for part in (view.model, *view.chips) if part)
    emulated = tr("card.emulated", language) if view.emulated else ""
    news = " ".join(view.lines) if view.status.ended else view.note
    # What does not change comes last, where a narrow terminal cuts it off.
    parts = (view.job_id, state, time, cancel_note(view, language), news, emulated, facts)
    return " · ".join(one_line(part) for part in parts if part)


def text_block(text: str) -> Bundle:
    """Return plain text as an output that keeps its line breaks."""
    text = clean(text)
    return {"text/html": str(tag("pre", text, style=LOOK["line"])), "text/plain": text}


def table(rows: Sequence[Sequence[str]], head: Sequence[str], *, pictures: Sequence[bytes] | None = None) -> Bundle:
    """Return a table as `text/html`, and as `text/plain` with columns that line up in every script.

    Args:
        rows: the texts of each row.
        head: the columns' titles.
        pictures: a small JPEG for each row, b"" for none; shown as the first column, in HTML only.
    """
    grid = [[one_line(text) for text in row] for row in (head, *rows)]
    leading = [Html()] * len(grid) if pictures is None else [tag("td"), *map(_picture_cell, pictures)]
    top = tag("tr", leading[0], *(tag("th", text, scope="col", style=LOOK["short"]) for text in grid[0]))
    cells = ([tag("td", text, dir="auto", style=_look(text)) for text in row] for row in grid[1:])
    body = tag("tbody", *(tag("tr", first, *row) for first, row in zip(leading[1:], cells, strict=True)))
    return {
        "text/html": str(tag("table", tag("thead", top), body, class_="wan-table")),
        "text/plain": _columns(grid),
    }


def _look(text: str) -> str:
    """Keep short text on one line: a date or a model's name wrapped at its dashes is hard to read."""
    return LOOK["short" if width(text) <= MAX_UNWRAPPED else "cell"]


def _picture_cell(jpeg: bytes) -> Html:
    return tag(
        "td", image(jpeg, "", "thumb") if jpeg else Html(), style=LOOK["short"]
    )  # no alternative text: its row describes it


def _columns(grid: Sequence[Sequence[str]]) -> str:
    count = max(map(len, grid))
    widths = [max(width(row[i]) for row in grid if i < len(row)) for i in range(count)]
    filled = ([padded(text, widths[i]) for i, text in enumerate(row)] for row in grid)
    return "\n".join("  ".join(row).rstrip() for row in filled)
