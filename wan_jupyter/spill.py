"""Whether somebody typed a key into a cell, which the notebook and IPython's history would keep. Floor 0: no I/O.

What looks like a key is `sk-` and at least sixteen characters that change between letters and digits as no words do:
a prompt may speak of an sk-2026-spring-collection. Keys that are known are found whatever they look like.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise

from .key import LONG, Key

CANDIDATE = re.compile(r"(?<![A-Za-z0-9])(?:sk-|Bearer\s+)([A-Za-z0-9_.+/=-]{16,})")
CHANGES = 3  # from a letter to a digit or back; random text of this length has more, words and years have fewer
# What a value is called that is a key: in -p PATH=VALUE, and as an option that does not exist.
NAMED = re.compile(
    r"""(?:^|\s)(?:-p|--param)[\s=]+["']?(?:[\w-]+\.)*(?:authorization|cookie|(?:x[-_])?api[-_]?key|access[-_]token)["']?=\S
       |(?:^|\s)--?(?:api[-_]?)?key[\s=]+["']?[^\s"'$-]""",
    re.IGNORECASE | re.VERBOSE,
)


def holds_key(text: str, known: Iterable[Key] = ()) -> bool:
    """Tell whether a text holds a key: one that is known, or what looks like one."""
    return any(map(is_random, CANDIDATE.findall(text))) or any(key.is_in(text) for key in known)


def names_key(line: str) -> bool:
    """Tell whether a magic's line gives a value that is called a key, whatever it looks like."""
    return NAMED.search(line) is not None


def is_random(text: str) -> bool:
    """Tell whether a text is long and changes between letters and digits as no words do."""
    pairs = [(one, other) for one, other in pairwise(text) if one.isalnum() and other.isalnum()]
    changes = sum(one.isdigit() != other.isdigit() for one, other in pairs)
    return len(text) >= LONG and changes >= CHANGES
