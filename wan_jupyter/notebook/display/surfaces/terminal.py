"""Surface: one line in a terminal."""

from __future__ import annotations

import sys
from typing import Any

from .... import rendering
from ....rendering import Bundle
from ....rendering.columns import cut, padded, width
from .base import CARD, Cancel, Painter


class TerminalSurface:
    """One line, overwritten on a terminal; where stderr goes elsewhere, one line for each change of status.

    It is shown only while someone waits; afterwards the terminal belongs to what is typed.
    """

    redraw_interval_s = 1.0
    end_messages = 0
    shows_request = False
    keeps_html = False

    def __init__(self, cancel: Cancel, language: str, painter: Painter = CARD) -> None:
        self._language, self._painter = language, painter
        self._shown = ""
        self._milestone: object = None
        self._left = False

    def open(self, view: Any) -> None:
        """Write the first line."""
        self.update(view)

    def update(self, view: Any) -> None:
        """Write the line of `view`."""
        if self._left:
            return
        line = self._painter.line(view, self._language)
        if sys.stderr.isatty():
            self._overwrite(line)
        elif self._painter.milestone(view) != self._milestone:
            _write(line + "\n")
        self._milestone = self._painter.milestone(view)

    def show_request(self, request: str) -> None:
        """Do nothing: there is no room for it."""

    def set_language(self, language: str) -> None:
        """Write the next line in `language`."""
        self._language = language

    def notify(self, kind: str) -> float:
        """Ring the terminal's bell."""
        ring_bell(kind)
        return 0.0

    def end(self, final: Bundle, succeeded: bool, widget_html: str = "") -> None:
        """Remove the line and print the result; the error that ends the wait reports a failure."""
        if self._left:
            return
        if self._shown:
            self._overwrite("")
            _write("\r")
        if succeeded:
            print(final["text/plain"], flush=True)  # noqa: T201 - the terminal is the display

    def leave(self) -> None:
        """End the line and write nothing from now on."""
        self._left = True
        if self._shown:
            _write("\n")

    def close(self) -> None:
        """Do nothing: the kernel holds nothing for it."""

    def _overwrite(self, line: str) -> None:
        import shutil

        columns = shutil.get_terminal_size().columns - 1
        shown = cut(rendering.one_line(line), columns)
        _write("\r" + padded(shown, width(self._shown)))
        self._shown = shown


def ring_bell(kind: str) -> None:
    """Ring the bell unless `kind` is "none"; not where stderr is a file, which would keep the character."""
    if kind != "none" and sys.stderr.isatty():
        _write("\a")


def _write(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()


class QuietTerminalSurface(TerminalSurface):
    """No progress line, only the result."""

    redraw_interval_s = 0.0

    def update(self, view: Any) -> None:
        """Do nothing."""
