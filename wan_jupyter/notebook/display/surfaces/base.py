"""The interface of a surface, on which a job is drawn until it ends."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Protocol

from .... import rendering
from ....rendering import Bundle, CardView

Cancel = Callable[[], object] | None
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


class Surface(Protocol):
    """One kind of display; its views are drawn by its `Painter`.

    Attributes:
        redraw_interval_s: seconds after which it is redrawn even without news, 0 for never.
        end_messages: number of messages that its end sends.
        shows_request: whether it has room for the request that was sent.
        keeps_html: whether it keeps HTML of its own besides the bundle that stays in the notebook.
    """

    redraw_interval_s: float
    end_messages: int
    shows_request: bool
    keeps_html: bool

    def open(self, view: Any) -> None:
        """Show the first view; main thread."""

    def update(self, view: Any) -> None:
        """Show a newer view; the loop."""

    def show_request(self, request: str) -> None:
        """Show the request that was sent; the loop."""

    def notify(self, kind: str) -> float:
        """Announce the end by "bell" or "sound" if possible, and return the seconds that takes; the loop."""

    def end(self, final: Bundle, succeeded: bool, widget_html: str = "") -> None:
        """Show the final output; `widget_html` is for a surface that `keeps_html`."""

    def set_language(self, language: str) -> None:
        """Show everything in `language` from now on; main thread."""

    def leave(self) -> None:
        """Show that nobody waits here any more, though the job keeps running; main thread."""

    def close(self) -> None:
        """Release what the kernel holds for it, after its end; main thread."""


@dataclass(frozen=True, slots=True)
class Painter:
    """How one kind of view is drawn; the first three get the view and the language.

    Attributes:
        live_html: HTML for a widget.
        static_bundle: a static bundle.
        line: one line of plain text.
        milestone: the part of the view whose change is reported where nothing is shown live.
        visible: the view without what runs by itself, such as the clock.
    """

    live_html: Callable[[Any, str], str]
    static_bundle: Callable[[Any, str], Bundle]
    line: Callable[[Any, str], str]
    milestone: Callable[[Any], object]
    visible: Callable[[Any], object]


def _timeless(view: CardView) -> CardView:
    return replace(view, now=0.0)


CARD = Painter(
    rendering.live_card,
    rendering.static_card,
    rendering.terminal_line,
    lambda view: view.status,
    _timeless,
)
JOB_TABLE = Painter(
    rendering.live_job_table,
    rendering.static_job_table,
    rendering.status_counts,
    lambda views: tuple(view.status for view in views),
    lambda views: tuple(map(_timeless, views)),
)


def close(*roots: Any) -> None:
    """Close widgets and all their parts; None stands for a widget that was never made."""
    for widget in list(_parts(roots, set())):
        widget.close()


def _parts(values: Iterable[Any], seen: set[int]) -> Iterator[Any]:
    from ipywidgets import Widget

    for value in values:
        if isinstance(value, tuple | list):
            yield from _parts(value, seen)
        elif isinstance(value, Widget) and id(value) not in seen:
            seen.add(id(value))
            yield from _parts(list(value._trait_values.values()), seen)
            yield value
