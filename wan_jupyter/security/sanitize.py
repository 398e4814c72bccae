"""Text that came from elsewhere, made safe to keep and to read. Floor 0: the standard library only.

What a service, a file name or a broken copy brings may hold half characters, terminal codes, marks that turn the
direction of the line, or a URL whose query is a signature. None of these is ours to pass on.
"""

from __future__ import annotations

import re

ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\^_])")
LINE_ENDS = re.compile(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]")
# Controls, lone surrogates (no JSON can carry them), and what turns the direction of the text around it.
HARMFUL = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufffe\uffff\ud800-\udfff]")
# Looked for at the beginning of a run of such letters only: one look at each letter, however long the text is.
SCHEME = re.compile(r"(?<![A-Za-z0-9+.-])[0-9+.-]*[A-Za-z][A-Za-z0-9+.-]*://")
PIECE = re.compile(r"[^\s\"<>]+")


def whole(text: str) -> str:
    """Return text without half characters (lone surrogates), which neither JSON nor SQLite takes."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def clean(text: str) -> str:
    """Return text without anything that acts instead of being read; the query of a URL may be a signature."""
    text = LINE_ENDS.sub("\n", ANSI.sub("", text))
    return without_queries(HARMFUL.sub("\ufffd", text))


def without_queries(text: str) -> str:
    """Return text without the queries of the URLs in it."""
    return PIECE.sub(_without_query, text) if "://" in text else text


def _without_query(found: re.Match[str]) -> str:
    piece = found[0]
    scheme = SCHEME.search(piece)
    query = piece.find("?", scheme.end()) if scheme else -1
    return piece if query < 0 else f"{piece[:query]}?…"


def one_line(text: str, limit: int = 0) -> str:
    """Return clean text on one line, cut to `limit` characters (0: as long as it is)."""
    text = " ".join(clean(text).split())
    return text if not limit or len(text) <= limit else text[: limit - 1] + "…"


# Controls, line and paragraph separators, marks that turn the direction of writing, and halves of characters.
UNSHOWN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]+")


def shown_name(text: str, limit: int = 80) -> str:
    """Return a text as it may stand in a line of ours: at most `limit` characters, none that ends or turns the line."""
    clean = UNSHOWN.sub(" ", text)
    return clean if len(clean) <= limit else f"{clean[: limit - 1]}…"
