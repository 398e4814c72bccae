"""Texts for error messages: a shortened value, and the most similar name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from ..security.sanitize import shown_name
from .messages import Phrase


def nearest(word: str, among: Iterable[str], cutoff: float = 0.5) -> str:
    """Return "Did you mean X? " with the most similar of `among`, "" if none is similar."""
    close = difflib.get_close_matches(word, list(among), n=1, cutoff=cutoff)
    return Phrase("option.did_you_mean", {"word": close[0]}) if close else ""


def shorten(value: object, limit: int = 80) -> str:
    """Return a value as text for an error line: one line, at most `limit` characters."""
    try:
        text = str(value)
    except Exception:  # the user's object may have a broken __str__
        text = type(value).__name__
    return shown_name(text, limit)
