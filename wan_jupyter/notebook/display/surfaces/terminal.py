"""Surface: one line in a terminal."""

from __future__ import annotations

import sys
from typing import Any

from .... import rendering
from ....rendering import Bundle
from ....rendering.columns import cut, padded, width
from .base import CARD, Cancel, Painter


class TerminalSurface:
    """One line that is written over on a terminal; one line a change of state where the output goes elsewhere.

    It is there while someone waits; afterwards the terminal belongs to what is typed.
    """

    redraw = 1.0
    closing = 0
    explains = False
    holds = False

    def __init__(self, cancel: Cancel, language: str, drawing: Painter = CARD) -> None:
        self._language, self._drawing = language, drawing
        self._shown = ""
        self._mark: object = None
        self._left = False

    def open(self, view: Any) -> None:
        """Write the first line."""
        self.update(view)

    def update(self, view: Any) -> None:
        """Write how things stand."""
        if self._left:
            return
        line = self._drawing.line(view, self._language)
        if sys.stderr.isatty():
            self._overwrite(line)
        elif self._drawing.mark(view) != self._mark:
            _write(line + "\n")
        self._mark = self._drawing.mark(view)

    def explain(self, request: str) -> None:
        """Have no room for it."""

    def speak(self, language: str) -> None:
        """Write the next line in another language."""
        self._language = language

    def ring(self, wish: str) -> float:
        """Ring the terminal's bell."""
        ring_bell(wish)
        return 0.0

    def end(self, final: Bundle, made: bool, inside: str = "") -> None:
        """Take the line away and say what was made; a failure is said by the error that ends the wait."""
        if self._left:
            return
        if self._shown:
            self._overwrite("")
            _write("\r")
        if made:
            print(final["text/plain"], flush=True)  # noqa: T201 - the terminal is the display

    def leave(self) -> None:
        """Close the line and stay silent from now on."""
        self._left = True
        if self._shown:
            _write("\n")

    def close(self) -> None:
        """Have nothing to give back."""

    def _overwrite(self, line: str) -> None:
        import shutil

        columns = shutil.get_terminal_size().columns - 1
        shown = cut(rendering.one_line(line), columns)
        _write("\r" + padded(shown, width(self._shown)))
        self._shown = shown


def ring_bell(wish: str) -> None:
    """Ring a terminal's bell where that is wished for; elsewhere the character would stand in a file."""
    if wish != "none" and sys.stderr.isatty():
        _write("\a")


def _write(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()


class QuietTerminalSurface(TerminalSurface):
    """No line on the way, only what was made."""

    redraw = 0.0

    def update(self, view: Any) -> None:
        """Stay silent."""
