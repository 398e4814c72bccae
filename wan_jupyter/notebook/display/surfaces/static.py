"""Surface: output that is written once and replaced at the end."""

from __future__ import annotations

from typing import Any

from ....rendering import Bundle
from .base import CARD, Cancel, Painter


class StaticSurface:
    """One static display that is updated: headless runs, Colab."""

    redraw_interval_s = 0.0
    end_messages = 1
    shows_request = False
    keeps_html = False

    def __init__(self, cancel: Cancel, language: str, painter: Painter = CARD) -> None:
        self._language, self._painter = language, painter
        self._milestone: object = None

    def open(self, view: Any) -> None:
        """Show the first text."""
        from IPython.display import display

        self._handle = display(self._painter.static_bundle(view, self._language), raw=True, display_id=True)

    def update(self, view: Any) -> None:
        """Show a change of status; nobody watches a percentage here."""
        if self._painter.milestone(view) != self._milestone:
            self._milestone = self._painter.milestone(view)
            self._handle.update(self._painter.static_bundle(view, self._language), raw=True)

    def show_request(self, request: str) -> None:
        """Do nothing: there is no room for it."""

    def set_language(self, language: str) -> None:
        """Write the next text in `language`."""
        self._language, self._milestone = language, None

    def notify(self, kind: str) -> float:
        """Do nothing: a sound in a saved notebook would be heard each time it is opened."""
        return 0.0

    def end(self, final: Bundle, succeeded: bool, widget_html: str = "") -> None:
        """Replace the text by the final output."""
        self._handle.update(final, raw=True)

    def leave(self) -> None:
        """Do nothing: the display belongs to the job, not to the wait."""

    def close(self) -> None:
        """Do nothing: the kernel holds nothing for it."""


class QuietSurface(StaticSurface):
    """A static display that is empty until the end."""

    def open(self, view: Any) -> None:
        """Display an empty text, to be replaced at the end."""
        from IPython.display import display

        self._handle = display({"text/plain": ""}, raw=True, display_id=True)

    def update(self, view: Any) -> None:
        """Do nothing."""
