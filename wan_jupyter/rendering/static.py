"""Outputs without a kernel or without HTML: a job at rest, one line for a log, a page of text, a table."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from ..i18n.messages import ENGLISH, tr
from ..security.sanitize import clean, one_line
from .card import GLYPHS, MOODS, asked, state_words
from .columns import padded, width
from .html import LOOK, Bundle, Html, badge, bdi, image, said, tag
from .progress import amount, elapsed, expectation, percent
from .views import CardView

ONE_LINE = 24  # columns of text up to which a table's cell is not broken


def still(view: CardView, language: str = ENGLISH) -> Bundle:
    """Return a job's static output (`text/html`, `text/plain`), which a notebook shows without its kernel."""
    title = f"{'!' if view.stopped else GLYPHS[view.status]} {state_words(view, language)}"
    lines = [one_line(line) for line in view.lines if line] or [_next_step(view, language)]
    facts = " · ".join(one_line(part) for part in (view.model, *view.chips, view.provider) if part)
    box = tag(
        "div",
        tag("div", title, " · ", bdi(one_line(view.job_id)), style=LOOK["title"]),
        *(tag("div", line, dir="auto", style=LOOK["line"]) for line in lines),
        said(one_line(view.prompt), "soft"),
        tag("div", badge(view.emulated, language), bdi(facts), style=LOOK["soft"]),
        class_="wan-card wan-still",
        style=LOOK["bad" if view.stopped or MOODS.get(view.status) == "wan-bad" else "still"],
    )
    return {"text/html": str(box), "text/plain": "\n".join([f"{title} · {one_line(view.job_id)}", *lines])}


def _next_step(view: CardView, language: str) -> str:
    ended = view.status.lower() if view.status.ended else "pending"
    when = datetime.fromtimestamp(max(0.0, view.since)).strftime("%Y-%m-%d %H:%M")
    return tr(f"card.next.{ended}", language, job=one_line(view.job_id), when=when)


def line(view: CardView, language: str = ENGLISH) -> str:
    """Return a job as one plain line for a terminal or a log."""
    known = (state_words(view, language), amount(view, language), percent(view, language))
    state = " ".join(part for part in known if part)
    time = " ".join(part for part in (elapsed(view), expectation(view, language)) if part)
    facts = " ".join(part for part in (view.model, *view.chips) if part)
    emulated = tr("card.emulated", language) if view.emulated else ""
    news = " ".join(view.lines) if view.status.ended else view.note
    # What a narrow terminal cuts off is what does not change.
    parts = (view.job_id, state, time, asked(view, language), news, emulated, facts)
    return " · ".join(one_line(part) for part in parts if part)


def page(text: str) -> Bundle:
    """Return plain text as an output that keeps its line breaks."""
    text = clean(text)
    return {"text/html": str(tag("pre", text, style=LOOK["line"])), "text/plain": text}


def table(rows: Sequence[Sequence[str]], head: Sequence[str], *, pictures: Sequence[bytes] | None = None) -> Bundle:
    """Return a table as `text/html`, and as `text/plain` with columns that line up in CJK text too.

    Args:
        rows: texts, one list a row.
        head: the columns' titles.
        pictures: a small JPEG a row, b"" for none; they stand in a first column, in HTML only.
    """
    grid = [[one_line(text) for text in row] for row in (head, *rows)]
    lead = [Html()] * len(grid) if pictures is None else [tag("td"), *map(_picture_cell, pictures)]
    top = tag("tr", lead[0], *(tag("th", text, scope="col", style=LOOK["short"]) for text in grid[0]))
    cells = ([tag("td", text, dir="auto", style=_look(text)) for text in row] for row in grid[1:])
    body = tag("tbody", *(tag("tr", first, *row) for first, row in zip(lead[1:], cells, strict=True)))
    return {
        "text/html": str(tag("table", tag("thead", top), body, class_="wan-table")),
        "text/plain": _columns(grid),
    }


def _look(text: str) -> str:
    """Keep what is short in one line: a date or a model's name that is broken at its dashes is hard to read."""
    return LOOK["short" if width(text) <= ONE_LINE else "cell"]


def _picture_cell(jpeg: bytes) -> Html:
    return tag("td", image(jpeg, "", "thumb") if jpeg else Html(), style=LOOK["short"])  # its row says what it shows


def _columns(grid: Sequence[Sequence[str]]) -> str:
    count = max(map(len, grid))
    widths = [max(width(row[i]) for row in grid if i < len(row)) for i in range(count)]
    filled = ([padded(text, widths[i]) for i, text in enumerate(row)] for row in grid)
    return "\n".join("  ".join(row).rstrip() for row in filled)
