"""Which answer goes on with what is there. The rule is pure; what it leads to is in test_resume."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wan_jupyter.protocols.http_ranges import (
    NOTHING,
    PartialFile,
    RangeReply,
    accepted_statuses,
    range_headers,
    read_reply,
)

HELD = PartialFile(100, '"e"', 1000)
GOOD = {"content-range": "bytes 100-999/1000", "etag": '"e"', "content-length": "900"}


def test_from_the_beginning_nothing_is_asked_for_but_plain_bytes() -> None:
    """Packed bytes cannot be counted."""
    assert range_headers(NOTHING) == {"Accept-Encoding": "identity"}
    assert accepted_statuses({"accept-encoding": "identity"}) == (200,)


def test_the_rest_is_asked_for_on_condition() -> None:
    """Only of the very same file; else the service sends the whole one."""
    assert range_headers(HELD) == {"Accept-Encoding": "identity", "Range": "bytes=100-", "If-Range": '"e"'}
    assert accepted_statuses({"range": "bytes=100-"}) == (200, 206, 416)


def test_a_206_that_fits_goes_on() -> None:
    """Where we are, of the same file, to its end or not."""
    assert read_reply(206, GOOD, HELD) == RangeReply(100, '"e"', 1000)
    assert read_reply(206, {**GOOD, "content-range": "bytes 100-199/1000"}, HELD) == RangeReply(100, '"e"', 1000)
    assert read_reply(206, {**GOOD, "content-range": "bytes 100-999/*"}, HELD) == RangeReply(100, '"e"', 1000)
    assert read_reply(206, GOOD, PartialFile(100, '"e"', 0)) == RangeReply(100, '"e"', 1000)


@pytest.mark.parametrize(
    "change",
    [
        {"etag": '"f"'},
        {"etag": ""},
        {"etag": 'W/"e"'},
        {"content-range": ""},
        {"content-range": "bytes 0-999/1000"},
        {"content-range": "bytes 99-999/1000"},
        {"content-range": "bytes 101-999/1000"},
        {"content-range": "bytes 100-1000/1000"},
        {"content-range": "bytes 100-99/1000"},
        {"content-range": "bytes 100-999/1001"},
        {"content-range": "bytes 100-999/" + "9" * 400},
        {"content-range": "bytes \u0661\u0660\u0660-999/1000"},
        {"content-range": "items 100-999/1000"},
        {"content-encoding": "gzip"},
    ],
    ids=str,
)
def test_a_206_that_does_not_fit_is_of_no_use(change: dict[str, str]) -> None:
    """One wrong word is enough."""
    assert read_reply(206, {**GOOD, **change}, HELD) is None


def test_a_part_of_nothing_is_of_no_use() -> None:
    """Without an ETag of our own, none is the same."""
    assert read_reply(206, {"content-range": "bytes 0-9/10"}, NOTHING) is None
    assert read_reply(206, {"content-range": "bytes 0-9/10", "etag": '"e"'}, NOTHING) is None


def test_a_range_that_cannot_be_had_is_of_no_use() -> None:
    """416: the file is another one, or we have all of it."""
    assert read_reply(416, {"content-range": "bytes */1000", "etag": '"e"'}, HELD) is None


@pytest.mark.parametrize(
    ("headers", "arrival"),
    [
        ({"content-length": "9", "etag": '"f"'}, RangeReply(0, '"f"', 9)),
        ({"content-length": "9", "etag": 'W/"f"'}, RangeReply(0, "", 9)),
        ({"content-length": "9", "etag": "f"}, RangeReply(0, "", 9)),
        ({"etag": '"f"'}, RangeReply(0, '"f"', 0)),
        ({"content-length": "-9"}, RangeReply(0, "", 0)),
        ({"content-length": "9", "etag": '"f"', "content-encoding": "gzip"}, RangeReply(0, "", 0)),
        ({"content-length": "9", "etag": '"f"', "content-encoding": "identity"}, RangeReply(0, '"f"', 9)),
    ],
)
def test_a_200_begins_anew(headers: dict[str, str], arrival: RangeReply) -> None:
    """Whatever was asked for."""
    assert read_reply(200, headers, HELD) == read_reply(200, headers, NOTHING) == arrival


@given(value=st.text(), http=st.sampled_from([200, 206, 416]))
def test_no_header_breaks_it(value: str, http: int) -> None:
    """They come from outside."""
    names = ("content-range", "etag", "content-length", "content-encoding")
    found = read_reply(http, dict.fromkeys(names, value), HELD)
    assert found is None or found.start in (0, HELD.size)
