"""A key is in one object and shows itself nowhere."""

from __future__ import annotations

import copy
import json
import pickle
import traceback

import pytest

from wan_jupyter.security.api_key import Key

SECRET = "sk-distinctive-0123456789"


@pytest.fixture
def key() -> Key:
    return Key(f" {SECRET}\n", "a test")


def test_a_key_is_revealed_only_when_asked(key: Key) -> None:
    """Stripped, for one header."""
    assert key.reveal() == SECRET


@pytest.mark.parametrize("show", [repr, str, format, "{}".format, "{!r}".format, lambda key: f"{key}", ascii])
def test_whatever_is_shown_of_a_key_is_where_it_came_from(key: Key, show: object) -> None:
    """In a cell, a log line, a traceback."""
    shown = show(key)  # type: ignore[operator]
    assert SECRET not in shown
    assert "a test" in shown


@pytest.mark.parametrize("write", [pickle.dumps, copy.copy, copy.deepcopy, lambda key: copy.deepcopy({"a": [key]})])
def test_a_key_is_neither_pickled_nor_copied(key: Key, write: object) -> None:
    """It would leave its one place."""
    with pytest.raises(TypeError) as caught:
        write(key)  # type: ignore[operator]
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_no_pickle_protocol_takes_a_key(key: Key, protocol: int) -> None:
    """Not the old ones either."""
    with pytest.raises(TypeError):
        pickle.dumps(key, protocol)


def test_a_key_has_no_dictionary_to_look_into(key: Key) -> None:
    """`vars` finds nothing, JSON neither."""
    with pytest.raises(TypeError):
        vars(key)
    with pytest.raises(TypeError):
        json.dumps(key)


def test_a_traceback_with_locals_does_not_show_a_key(key: Key) -> None:
    """%xmode Verbose and error trackers print the locals of every frame."""
    try:
        raise RuntimeError("oops")
    except RuntimeError as error:
        lines = traceback.TracebackException.from_exception(error, capture_locals=True).format()
    text = "".join(lines)
    assert "key = Key(from a test)" in text
    assert SECRET not in text


def test_the_account_tag_is_stable_and_tells_nothing(key: Key) -> None:
    """The same key and salt give the same tag; another key or salt another."""
    tag = key.tag(b"salt")
    assert tag == Key(SECRET, "elsewhere").tag(b"salt")
    assert len({tag, key.tag(b"other"), Key("sk-other", "a test").tag(b"salt")}) == 3
    assert (len(tag), SECRET[3:] in tag) == (16, False)
