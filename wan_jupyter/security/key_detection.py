"""Detect keys that were typed into a cell, where the notebook and IPython's history would keep them.

A key looks like `sk-` with at least 16 characters that mix lower case, capitals and digits as no words do: a prompt may
mention an sk-2026-spring-collection. Known keys are always found.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise

from .api_key import LONG, Key

CANDIDATE = re.compile(r"(?<![A-Za-z0-9])(?:sk-|Bearer\s+)([A-Za-z0-9_.+/=-]{16,})")
RUN = re.compile(r"[A-Za-z0-9]{12,}")
CHANGES = 3  # in one run of letters and digits; random text has more, words, years and CamelCase have fewer
# Paths of parameters whose value is a key.
KEY_NAME = r"(?:[\w-]+\.)*(?:authorization|cookie|(?:x[-_])?api[-_]?key|access[-_]token)"
KEY_PATH = re.compile(KEY_NAME, re.IGNORECASE)
# Where a line gives such a value: in -p PATH=VALUE, and as an option that does not exist.
NAMED = re.compile(
    rf"""(?:^|\s)(?:-p|--param)[\s=]+["']?{KEY_NAME}["']?=\S
       |(?:^|\s)--?(?:api[-_]?)?key[\s=]+["']?[^\s"'$-]""",
    re.IGNORECASE | re.VERBOSE,
)


def holds_key(text: str, known: Iterable[Key] = ()) -> bool:
    """Return whether a text contains a known key, or what looks like a key."""
    return any(map(is_random, CANDIDATE.findall(text))) or any(key.is_in(text) for key in known)


def names_key(line: str) -> bool:
    """Return whether a magic's line assigns a value to a name for keys, whatever the value looks like."""
    return NAMED.search(line) is not None


def is_key_name(path: str) -> bool:
    """Return whether a parameter of this path holds a key, whatever it looks like: "authorization", "input.api_key"."""
    return KEY_PATH.fullmatch(path.strip()) is not None


def may_be_key(word: str) -> bool:
    """Return whether a word in place of a name may be a key; short, plain words are typing errors."""
    return word.startswith("sk-") or len(word) >= LONG or is_random(word)


def has_word(text: str, word: str) -> bool:
    """Return whether a word appears in a text on its own, not as a part of another."""
    return re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", text) is not None


def is_random(text: str) -> bool:
    """Return whether a part of a text alternates between lower case, capitals and digits as no words do."""
    return any(sum(_changes(*pair) for pair in pairwise(run)) >= CHANGES for run in RUN.findall(text))


def _changes(one: str, other: str) -> bool:
    """Return whether the kind of character changes; a capital before a lower-case letter begins a word."""
    digit = one.isdigit() or other.isdigit()
    return one.isdigit() != other.isdigit() if digit else one.islower() and other.isupper()
