"""Columns of text in a terminal, where some characters are two cells wide."""

from __future__ import annotations

import unicodedata


def width(text: str) -> int:
    """Return how many columns a text takes in a terminal: wide letters take two, marks on letters none."""
    return sum(_columns(letter) for letter in text)


def padded(text: str, columns: int) -> str:
    """Return a text filled with blanks to so many columns."""
    return text + " " * max(0, columns - width(text))


def cut(text: str, columns: int) -> str:
    """Return a text cut to so many columns, with an ellipsis where something is missing."""
    if width(text) <= columns:
        return text
    kept, taken = "", 1
    for letter in text:
        taken += _columns(letter)
        if taken > columns:
            break
        kept += letter
    return kept + "…"


def _columns(letter: str) -> int:
    if unicodedata.combining(letter) or unicodedata.category(letter) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in ("W", "F") else 1
