"""The displays of a shell that outlive their cell: they change language with it and are closed with it."""

from __future__ import annotations

from typing import Protocol
from weakref import WeakSet


class Translatable(Protocol):
    """A display whose texts can change language while it is shown."""

    def set_language(self, language: str) -> None:
        """Show all texts in `language` from now on."""


class Closable(Protocol):
    """A display that holds widgets in the kernel."""

    def close(self) -> None:
        """Release what the kernel holds for it."""


class Form(Translatable, Closable, Protocol):
    """A form of the composer, as far as the presenter knows it."""

    def display(self) -> None:
        """Show the form as the output of the running cell."""

    def cell(self) -> str:
        """Return the text of the cell that makes the same request."""


class OpenDisplays:
    """The live displays and forms of one shell."""

    def __init__(self) -> None:
        self._translated: WeakSet[Translatable] = WeakSet()
        self._closable: list[Closable] = []

    def translate(self, display: Translatable) -> None:
        """Have `display` follow the shell's language for as long as something else keeps it alive."""
        self._translated.add(display)

    def close_at_end(self, display: Closable) -> None:
        """Have `display` closed with the shell."""
        self._closable.append(display)

    def set_language(self, language: str) -> None:
        """Show all displays in `language` from now on."""
        for display in list(self._translated):
            display.set_language(language)

    def close(self) -> None:
        """Release the widgets of all displays but those of unfinished jobs."""
        for display in self._closable:
            display.close()
