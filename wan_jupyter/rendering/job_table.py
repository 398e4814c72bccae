"""Several jobs in one table, live and static. One message updates all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ..i18n.messages import ENGLISH, tr, tr_count
from ..security.sanitize import clean, one_line
from ..status import Status
from .card import GLYPHS, MOODS, clock, state_words
from .html import Bundle, Html, image, joined, style, tag
from .progress import bytes_text, percent, progress_bar
from .static import table
from .views import CardView

COLUMNS = ("job", "state", "time", "prompt")


def live_job_table(views: Sequence[CardView], language: str = ENGLISH) -> str:
    """Return the live table of several jobs, for an `ipywidgets.HTML`; its clocks and bars run by themselves."""
    head = tag("tr", *(tag("th", tr(f"board.{name}", language), scope="col") for name in COLUMNS))
    body = tag("tbody", *(_row(view, language) for view in views))
    total = tag("div", status_counts(views, language), class_="wan-state", role="status", aria_live="polite")
    rows = tag("table", tag("thead", head), body, class_="wan-rows")
    return str(joined(style(), tag("div", total, rows, class_="wan-card wan-now wan-board")))


def static_job_table(views: Sequence[CardView], language: str = ENGLISH) -> Bundle:
    """Return the table of several jobs as a bundle, for a notebook without its kernel and for a terminal."""
    rows = [
        [view.job_id, _state(view, language), one_line(view.prompt, 60), _next_step(view, language)] for view in views
    ]
    heads = [tr(f"board.{name}", language) for name in ("job", "state", "prompt", "next")]
    bundle = table(rows, heads, pictures=[next(iter(view.thumbnails), b"") for view in views])
    summary = status_counts(views, language)
    return {
        "text/html": str(joined(tag("div", summary), Html(bundle["text/html"]))),
        "text/plain": f"{summary}\n{bundle['text/plain']}",
    }


def status_counts(views: Sequence[CardView], language: str = ENGLISH) -> str:
    """Return the number of jobs, and of those in each state, in the order of a job's life."""
    ordered = sorted(views, key=lambda view: list(Status).index(view.status))
    counts = Counter(state_words(view, language) for view in ordered)
    parts = [tr("board.count", language, count=count, state=state) for state, count in counts.items()]
    return " · ".join([tr_count("board.jobs", len(views), language), *parts])


def _row(view: CardView, language: str) -> Html:
    return tag(
        "tr",
        tag("td", *map(_small, view.thumbnails[:1]), tag("span", one_line(view.job_id), class_="wan-id wan-soft")),
        tag("td", _glyph(view), _state(view, language), progress_bar(view, language)),
        tag("td", clock(view, language)),
        tag("td", tag("div", one_line(view.prompt), class_="wan-prompt", dir="auto", title=clean(view.prompt))),
        class_=MOODS.get(view.status),
    )


def _small(jpeg: bytes) -> Html:
    return image(jpeg, "")  # no alternative text: the prompt is next to it


def _glyph(view: CardView) -> Html:
    return tag("span", GLYPHS[view.status], class_="wan-glyph", aria_hidden="true")


def _state(view: CardView, language: str) -> str:
    parts = (state_words(view, language), bytes_text(view, language), percent(view, language))
    return " ".join(part for part in parts if part)


def _next_step(view: CardView, language: str) -> str:
    """Return in one line the video's file, what happened, or what to type."""
    if view.lines:
        return one_line(" ".join(view.lines), 160)
    key = "board.pending" if view.status.live else "board.show"
    return " · ".join(part for part in (one_line(view.file), tr(key, language, job=one_line(view.job_id))) if part)
