"""Surface: output that is written once and replaced at the end."""

from __future__ import annotations

from typing import Any

from ....rendering import Bundle
from .base import CARD, Cancel, Painter


class StaticSurface:
    """One static display that is updated: headless runs, Colab."""

    redraw = 0.0
    closing = 1
    explains = False
    holds = False

    def __init__(self, cancel: Cancel, language: str, drawing: Painter = CARD) -> None:
        self._language, self._drawing = language, drawing
        self._mark: object = None

    def open(self, view: Any) -> None:
        """Show the first text."""
        from IPython.display import display

        self._handle = display(self._drawing.still(view, self._language), raw=True, display_id=True)

    def update(self, view: Any) -> None:
        """Show a change of state; nobody watches a percentage here."""
        if self._drawing.mark(view) != self._mark:
            self._mark = self._drawing.mark(view)
            self._handle.update(self._drawing.still(view, self._language), raw=True)

    def explain(self, request: str) -> None:
        """Have no room for it."""

    def speak(self, language: str) -> None:
        """Write the next text in another language."""
        self._language, self._mark = language, None

    def ring(self, wish: str) -> float:
        """Stay silent: what is heard here would be heard at each reading."""
        return 0.0

    def end(self, final: Bundle, made: bool, inside: str = "") -> None:
        """Show what remains."""
        self._handle.update(final, raw=True)

    def leave(self) -> None:
        """Go on: the display is there for the job, not for the wait."""

    def close(self) -> None:
        """Have nothing to give back."""


class QuietSurface(StaticSurface):
    """Nothing until the end."""

    def open(self, view: Any) -> None:
        """Make the display, empty."""
        from IPython.display import display

        self._handle = display({"text/plain": ""}, raw=True, display_id=True)

    def update(self, view: Any) -> None:
        """Stay silent."""
