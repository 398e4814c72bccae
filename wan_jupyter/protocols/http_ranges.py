"""Resuming a download (RFC 9110): which headers to send, and whether the answer continues what is on disk.

An answer continues a file only if it provably holds the next bytes of the very same file: a 206 that begins at the
file's end, with the same strong ETag (section 8.8.3) and the same length. Any other answer starts over, or is requested
again. Alibaba Cloud OSS answers 200 with the whole file to a range that does not fit
(https://help.aliyun.com/en/oss/how-to-obtain-oss-resources-by-segmenting-http-range-requests, read 2026-11-21).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)", re.ASCII)  # RFC 9110, section 14.4
LENGTH = re.compile(r"\d{1,18}", re.ASCII)
STRONG_ETAG = re.compile(r'"[\x21\x23-\x7e]{1,200}"')  # a weak one (W/"…") does not promise the same bytes
OK, PARTIAL_CONTENT, RANGE_NOT_SATISFIABLE = 200, 206, 416
UNCOMPRESSED = ("", "identity")


@dataclass(frozen=True, slots=True)
class PartialFile:
    """The beginning of a file on disk; `NOTHING` if there is none, or nobody knows which file it belongs to.

    Attributes:
        size: bytes on disk.
        etag: the strong ETag they came with.
        total: bytes of the whole file, 0 if unknown.
    """

    size: int = 0
    etag: str = ""
    total: int = 0

    @property
    def whole(self) -> bool:
        """Whether the file is complete."""
        return 0 < self.total == self.size


NOTHING = PartialFile()


@dataclass(frozen=True, slots=True)
class RangeReply:
    """What an answer contains.

    Attributes:
        start: offset of its first byte; 0 starts over.
        etag: the strong ETag with which more can be requested later, "" if resuming is not safe.
        total: bytes of the whole file, 0 if unknown.
    """

    start: int
    etag: str
    total: int


def range_headers(on_disk: PartialFile) -> dict[str, str]:
    """Return a download's headers: no compression, since bytes are counted, and only the bytes that are missing."""
    headers = {"Accept-Encoding": "identity"}
    if on_disk.size:  # If-Range (RFC 9110, section 13.1.5): another file is sent whole
        headers |= {"Range": f"bytes={on_disk.size}-", "If-Range": on_disk.etag}
    return headers


def accepted_statuses(request_headers: Mapping[str, str]) -> tuple[int, ...]:
    """Return the HTTP statuses that answer a request with these headers; any other is an error."""
    return (OK, PARTIAL_CONTENT, RANGE_NOT_SATISFIABLE) if "range" in request_headers else (OK,)


def read_reply(http_status: int, headers: Mapping[str, str], on_disk: PartialFile) -> RangeReply | None:
    """Return what an answer contains; None if it is useless and the whole file must be requested.

    Args:
        http_status: one of `accepted_statuses`.
        headers: the answer's, with names in lower case.
        on_disk: what `range_headers` was called with.
    """
    compressed = headers.get("content-encoding", "").strip().lower() not in UNCOMPRESSED
    etag = "" if compressed else _strong(headers.get("etag", ""))
    if http_status == OK:  # a proxy that compresses gives the compressed length, which is not the file's
        return RangeReply(0, etag, 0 if compressed else _length(headers.get("content-length", "")))
    part = CONTENT_RANGE.fullmatch(headers.get("content-range", "").strip())
    if http_status != PARTIAL_CONTENT or part is None or not etag or etag != on_disk.etag:
        return None
    first, last, total = int(part[1]), int(part[2]), on_disk.total if part[3] == "*" else int(part[3])
    continues = first == on_disk.size <= last < total and total == (on_disk.total or total)
    return RangeReply(first, etag, total) if continues else None


def _strong(etag: str) -> str:
    return etag.strip() if STRONG_ETAG.fullmatch(etag.strip()) else ""


def _length(value: str) -> int:
    return int(value) if LENGTH.fullmatch(value) else 0
