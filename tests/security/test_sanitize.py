"""Text from elsewhere: what is cut out of it, and that a long one takes no longer than it is long."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wan_jupyter.security.log_redaction import discreet
from wan_jupyter.security.sanitize import one_line, without_queries
from wan_jupyter.security.urls import shown_url
from wan_jupyter.session.sidecar import _without_queries

# What is meant, as it is said shortest: a look at every letter for every other, so for small texts only.
QUERY = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://[^\s?\"<>]*)\?[^\s\"<>]*")
ADDRESS = re.compile(r"""[A-Za-z][A-Za-z0-9+.-]*:(?:\\?/){2}[^\s"'<>]*""")

PARTS = [
    "a",
    "://",
    ":",
    "/",
    "\\/",
    "?",
    "1",
    "+",
    "-",
    ".",
    "'",
    '"',
    "<",
    " ",
    "\n",
    "\u3000",
    "é",
    "https://x",
    "&b=c",
]
TEXTS = st.lists(st.sampled_from(PARTS), max_size=14).map("".join)
MEGABYTE = 1_000_000


@given(TEXTS)
@example("1://a?b")
@example("1a://b?c")
@example("é1a://b?c a?b://c?d'e")
def test_the_queries_of_urls_are_cut_and_nothing_else(text: str) -> None:
    """From the first question mark behind `scheme://` to the next blank, quote or bracket."""
    assert without_queries(text) == QUERY.sub(r"\1?…", text)


@given(TEXTS)
@example("1a:\\/\\/b?c'd://e?f")
def test_addresses_in_a_parameter_are_shown_without_queries(text: str) -> None:
    """Also where their slashes are escaped, as in JSON."""
    shown = ADDRESS.sub(lambda found: shown_url(found[0].replace("\\/", "/")), text)
    assert _without_queries(text) == shown


@pytest.mark.parametrize("tell", [one_line, discreet, _without_queries])
@pytest.mark.parametrize(
    "text",
    [
        "a" * MEGABYTE,
        "1" * MEGABYTE,
        "a://" * (MEGABYTE // 4),
        "a:" * (MEGABYTE // 2),
        "a." * 500_000 + "://" + "b" * 9,
    ],
    ids=["letters", "digits", "schemes", "colons", "one scheme"],
)
def test_a_megabyte_without_a_blank_is_read_at_once(tell: Callable[[str], str], text: str) -> None:
    """A prompt may be such a text, or a service's answer; the whole kernel waits while it is read."""
    begun = time.process_time()
    tell(text)
    assert time.process_time() - begun < 60  # a look at every letter for every other took an hour
