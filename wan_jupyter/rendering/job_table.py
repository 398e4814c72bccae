"""The board: many jobs in one table, live and at rest. One message moves all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ..i18n.messages import ENGLISH, tr
from ..security.sanitize import clean, one_line
from ..status import Status
from .card import GLYPHS, MOODS, clock, state_words
from .html import Bundle, Html, image, joined, style, tag
from .progress import amount, bar, percent
from .static import table
from .views import CardView

COLUMNS = ("job", "state", "time", "prompt")


def board(views: Sequence[CardView], language: str = ENGLISH) -> str:
    """Return the live table of several jobs, for an `ipywidgets.HTML`; its clocks and bars go on by themselves."""
    head = tag("tr", *(tag("th", tr(f"board.{name}", language), scope="col") for name in COLUMNS))
    body = tag("tbody", *(_row(view, language) for view in views))
    total = tag("div", tally(views, language), class_="wan-state", role="status", aria_live="polite")
    rows = tag("table", tag("thead", head), body, class_="wan-rows")
    return str(joined(style(), tag("div", total, rows, class_="wan-card wan-now wan-board")))


def board_still(views: Sequence[CardView], language: str = ENGLISH) -> Bundle:
    """Return the table of several jobs as it stands, for a notebook without its kernel and for a terminal."""
    rows = [[view.job_id, _said(view, language), one_line(view.prompt, 60), _news(view, language)] for view in views]
    heads = [tr(f"board.{name}", language) for name in ("job", "state", "prompt", "next")]
    made = table(rows, heads, pictures=[next(iter(view.thumbnails), b"") for view in views])
    summary = tally(views, language)
    return {
        "text/html": str(joined(tag("div", summary), Html(made["text/html"]))),
        "text/plain": f"{summary}\n{made['text/plain']}",
    }


def tally(views: Sequence[CardView], language: str = ENGLISH) -> str:
    """Return how many jobs stand where, in the order of a job's life."""
    ordered = sorted(views, key=lambda view: list(Status).index(view.status))
    counts = Counter(state_words(view, language) for view in ordered)
    parts = [tr("board.count", language, count=count, state=state) for state, count in counts.items()]
    return " · ".join([tr("board.jobs", language, count=len(views)), *parts])


def _row(view: CardView, language: str) -> Html:
    return tag(
        "tr",
        tag("td", *map(_small, view.thumbnails[:1]), tag("span", one_line(view.job_id), class_="wan-id wan-soft")),
        tag("td", _glyph(view), _said(view, language), bar(view, language)),
        tag("td", clock(view, language)),
        tag("td", tag("div", one_line(view.prompt), class_="wan-prompt", dir="auto", title=clean(view.prompt))),
        class_=MOODS.get(view.status),
    )


def _small(jpeg: bytes) -> Html:
    return image(jpeg, "")  # the prompt beside it says what it is


def _glyph(view: CardView) -> Html:
    return tag("span", GLYPHS[view.status], class_="wan-glyph", aria_hidden="true")


def _said(view: CardView, language: str) -> str:
    parts = (state_words(view, language), amount(view, language), percent(view, language))
    return " ".join(part for part in parts if part)


def _news(view: CardView, language: str) -> str:
    """Say in one line where the video is, or what happened, or what to type."""
    if view.lines:
        return one_line(" ".join(view.lines), 160)
    key = "board.pending" if view.status.live else "board.show"
    return " · ".join(part for part in (one_line(view.file), tr(key, language, job=one_line(view.job_id))) if part)
