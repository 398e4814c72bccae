"""`complete`: from a line and a cursor to what may be typed there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

from ..picture_sources import written
from . import candidates
from .candidates import CompletionContext
from .partial_line import behind, scan

# `%%wan` begins its line; `%wan` may be indented, or give a name its value.
MAGIC = re.compile(r"(?:(?P<cell>%%wan)|(?:[^=%]*=\s*|\s*)%wan)(?=\s)")
LISTED = 500  # what IPython shows at most


@dataclass(frozen=True, slots=True)
class Completion:
    """One offer: `text` takes the place of the line from `start` up to `end`, which is the cursor."""

    start: int
    end: int
    text: str
    kind: str


def is_ours(line: str, cursor: int) -> bool:
    """Tell whether the cursor stands in the words that follow `%%wan` or `%wan`."""
    begun = MAGIC.match(line)
    return begun is not None and begun.end() < cursor <= len(line)


def complete(line: str, cursor: int, here: CompletionContext) -> list[Completion]:
    """Return what may be typed at `cursor` of a line that begins with `%%wan` or `%wan`, the likeliest first."""
    try:
        return list(islice(_completions(line, cursor, here), LISTED)) if is_ours(line, cursor) else []
    except Exception:  # Tab is no place for an error
        return []


def _completions(line: str, cursor: int, here: CompletionContext) -> Iterator[Completion]:
    begun = MAGIC.match(line)
    if begun is None:
        return
    words, token = scan(line[:cursor], begun.end())
    if token is None:
        return
    closed = bool(token.quote) and line[cursor : cursor + 1] == token.quote
    token = replace(token, behind=behind(line[cursor:], token.quote))
    offered = candidates.cell if begun["cell"] else candidates.command
    for text, kind in offered(words, token, here):
        word = written(text, kind, token.quote, closed)
        if word and word != line[token.start : cursor]:
            yield Completion(token.start, cursor, word, kind)
