"""Which lines are completed: those that begin with `%%wan` or `%wan`."""

from __future__ import annotations

import re

# `%%wan` begins its line; `%wan` may be indented or assigned to a name.
MAGIC = re.compile(r"(?:(?P<cell>%%wan)|(?:[^=%]*=\s*|\s*)%wan)(?=\s)")


def is_ours(line: str, cursor: int) -> bool:
    """Return whether the cursor is in the words that follow `%%wan` or `%wan`."""
    magic = MAGIC.match(line)
    return magic is not None and magic.end() < cursor <= len(line)
