"""What a face shows: a job's card, or the board of many jobs. Faces know how to show, drawings know what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from .... import rendering
from ....rendering import Bundle, CardView


@dataclass(frozen=True, slots=True)
class Drawing:
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


CARD = Drawing(rendering.card, rendering.still, rendering.line, lambda view: view.status, _timeless)
BOARD = Drawing(
    rendering.board,
    rendering.board_still,
    rendering.tally,
    lambda views: tuple(view.status for view in views),
    lambda views: tuple(map(_timeless, views)),
)
