"""What a surface is: something that a job is drawn on until it ends."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Protocol

from .... import rendering
from ....rendering import Bundle, CardView

Cancel = Callable[[], object] | None
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


class Surface(Protocol):
    """What a live display can do; a view is what its drawing draws.

    Attributes:
        redraw: after how many seconds it wants to be drawn anew, 0 for never.
        closing: how many messages its end takes.
        explains: whether it has room for the request that was sent.
        holds: whether it keeps something of its own beside what remains in the notebook.
    """

    redraw: float
    closing: int
    explains: bool
    holds: bool

    def open(self, view: Any) -> None:
        """Show it for the first time; main thread."""

    def update(self, view: Any) -> None:
        """Show how things stand; the loop."""

    def explain(self, request: str) -> None:
        """Show the request that was sent; the loop."""

    def ring(self, wish: str) -> float:
        """Be heard, if that is wished for and can be, and return for how many seconds; the loop."""

    def end(self, final: Bundle, made: bool, inside: str = "") -> None:
        """Show what remains; `made` tells whether that is what was asked for, `inside` is for what it `holds`."""

    def speak(self, language: str) -> None:
        """Say what is shown from now on in another language; main thread."""

    def leave(self) -> None:
        """Nobody waits here any more, though the work goes on; main thread."""

    def close(self) -> None:
        """Give back what the kernel holds for it, after its end; main thread."""


@dataclass(frozen=True, slots=True)
class Painter:
    """How one kind of view is drawn; each call gets the view and the language.

    Attributes:
        live: HTML for a widget.
        still: a static bundle.
        line: one line of plain text.
        mark: what has changed when a reader without a live display should hear of it.
        visible: the view without what runs by itself.
    """

    live: Callable[[Any, str], str]
    still: Callable[[Any, str], Bundle]
    line: Callable[[Any, str], str]
    mark: Callable[[Any], object]
    visible: Callable[[Any], object]


def _timeless(view: CardView) -> CardView:
    return replace(view, now=0.0)


CARD = Painter(rendering.card, rendering.still, rendering.line, lambda view: view.status, _timeless)
BOARD = Painter(
    rendering.board,
    rendering.board_still,
    rendering.tally,
    lambda views: tuple(view.status for view in views),
    lambda views: tuple(map(_timeless, views)),
)


def close(*roots: Any) -> None:
    """Close widgets and all that they are made of; None stands for a widget that was never made."""
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
