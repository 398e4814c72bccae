"""`complete`: from a line and a cursor to what can be typed there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from ...request.command_line import split_at_cursor
from ..picture_sources import written
from . import candidates
from .candidates import CompletionContext
from .magic_line import MAGIC, is_ours

MAX_OFFERS = 500  # as many as IPython shows


@dataclass(frozen=True, slots=True)
class Completion:
    """One offer: `text` replaces the line from `start` to `end`, the cursor."""

    start: int
    end: int
    text: str
    kind: str


def complete(line: str, cursor: int, context: CompletionContext) -> list[Completion]:
    """Return what can be typed at `cursor` of a line that begins with `%%wan` or `%wan`, the likeliest first."""
    try:
        return list(islice(_completions(line, cursor, context), MAX_OFFERS)) if is_ours(line, cursor) else []
    except Exception:  # completion must never raise into the user's typing
        return []


def _completions(line: str, cursor: int, context: CompletionContext) -> Iterator[Completion]:
    magic = MAGIC.match(line)
    split = split_at_cursor(line, cursor, magic.end()) if magic else None
    if magic is None or split is None:
        return
    word, offers = (candidates.cell if magic["cell"] else candidates.command)(split, context)
    closed = bool(word.quote) and line[cursor : cursor + 1] == word.quote
    for text, kind in offers:
        new = written(text, kind, word.quote, closed)
        if new and new != line[word.start : cursor]:
            yield Completion(word.start, cursor, new, kind)
