"""Going on with a download where it broke off: what to ask for, and whether an answer goes on with what we have.

Floor 2: pure. An answer goes on only if it provably gives the next bytes of the very same file: a 206 that begins where
we are, with the same strong ETag and the same length. Whatever else comes begins anew, or is asked for anew.
(RFC 9110, sections 8.8.3, 13.1.5 and 14.4. OSS answers 200 with the whole file to a range that does not fit.)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)", re.ASCII)
LENGTH = re.compile(r"\d{1,18}", re.ASCII)
STRONG = re.compile(r'"[\x21\x23-\x7e]{1,200}"')  # a weak one (W/"…") does not promise the same bytes
WHOLE, PART, UNFIT = 200, 206, 416
PLAIN = ("", "identity")


@dataclass(frozen=True, slots=True)
class PartialFile:
    """The beginning of a file that is on disk already; `NOTHING` where none is, or nobody knows of which file.

    Attributes:
        size: bytes that are there.
        etag: the strong ETag under which they came.
        total: bytes of the whole file, 0 where that is unknown.
    """

    size: int = 0
    etag: str = ""
    total: int = 0

    @property
    def whole(self) -> bool:
        """Whether nothing is missing."""
        return 0 < self.total == self.size


NOTHING = PartialFile()


@dataclass(frozen=True, slots=True)
class RangeReply:
    """What an answer brings.

    Attributes:
        start: where its first byte belongs; 0 begins anew.
        etag: the strong ETag under which more can be asked for later, "" where that is not safe.
        total: bytes of the whole file, 0 where that is unknown.
    """

    start: int
    etag: str
    total: int


def asking(held: PartialFile) -> dict[str, str]:
    """Return the headers of a download: never packed, since bytes are counted, and from where we are."""
    plain = {"Accept-Encoding": "identity"}
    return {**plain, "Range": f"bytes={held.size}-", "If-Range": held.etag} if held.size else plain


def taken(asked: Mapping[str, str]) -> tuple[int, ...]:
    """Return the HTTP states that answer a request with these headers; the others are errors."""
    return (WHOLE, PART, UNFIT) if "range" in asked else (WHOLE,)


def arriving(http: int, headers: Mapping[str, str], held: PartialFile) -> RangeReply | None:
    """Return what an answer brings, None where it is of no use and the file is to be asked for from its beginning.

    Args:
        http: the status, one of `taken`.
        headers: the answer's, by names in lower case.
        held: what was told to the service by `asking`.
    """
    packed = headers.get("content-encoding", "").strip().lower() not in PLAIN
    etag = "" if packed else _strong(headers.get("etag", ""))
    if http == WHOLE:  # a proxy that packs the answer gives the length of what it packed
        return RangeReply(0, etag, 0 if packed else _length(headers.get("content-length", "")))
    part = CONTENT_RANGE.fullmatch(headers.get("content-range", "").strip())
    if http != PART or part is None or not etag or etag != held.etag:
        return None
    first, last, total = int(part[1]), int(part[2]), held.total if part[3] == "*" else int(part[3])
    fits = first == held.size <= last < total and total == (held.total or total)
    return RangeReply(first, etag, total) if fits else None


def _strong(etag: str) -> str:
    return etag.strip() if STRONG.fullmatch(etag.strip()) else ""


def _length(value: str) -> int:
    return int(value) if LENGTH.fullmatch(value) else 0
