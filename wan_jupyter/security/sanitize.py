"""Make text from elsewhere safe to store and to show.

Text from a service, a file name or a damaged copy may hold lone surrogates, terminal codes, characters that reverse the
direction of a line, or a URL whose query is a signature.
"""

from __future__ import annotations

import re

ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\^_])")
LINE_ENDS = re.compile(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]")
# Controls, lone surrogates (JSON cannot hold them), and marks that change the direction of the text around them.
HARMFUL = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufffe\uffff\ud800-\udfff]")
# Matched at the beginning of a run of such letters only: linear time, however long the text is.
SCHEME = re.compile(r"(?<![A-Za-z0-9+.-])[0-9+.-]*[A-Za-z][A-Za-z0-9+.-]*://")
PIECE = re.compile(r"[^\s\"<>]+")


def whole(text: str) -> str:
    """Return text with lone surrogates replaced, which neither JSON nor SQLite can store."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def clean(text: str) -> str:
    """Return text without control codes and without the queries of URLs, which may be signatures."""
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
    """Return clean text on one line, cut to `limit` characters (0: no limit)."""
    text = " ".join(clean(text).split())
    return text if not limit or len(text) <= limit else text[: limit - 1] + "…"


# Controls, line and paragraph separators, marks that change the direction of writing, and lone surrogates.
UNSHOWN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]+")


def shown_name(text: str, limit: int = 80) -> str:
    """Return text that is safe inside a line: at most `limit` characters, none that breaks or reverses the line."""
    clean = UNSHOWN.sub(" ", text)
    return clean if len(clean) <= limit else f"{clean[: limit - 1]}…"
