"""`wan_jupyter.rendering`: nothing that it is given breaks out, acts, or gives a secret away."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.view_examples import CARD, PLAYER, Page, shown
from wan_jupyter.rendering import (
    clean,
    live_card,
    one_line,
    static_card,
    table,
    terminal_line,
    text_block,
    video_player,
)
from wan_jupyter.status import Status

NASTY = ("<script>", "</style>", "</div>", "<source", '"', "'", "&quot;", " onload=x ", "`", "\x1b[31m", "\x1b]0;t\x07",
         "\u202e", "\u2066", "\ud800", "\0", "\r\n", "\u2028", "javascript:", "{0}", "%s", "<!--", "]]>")  # fmt: skip
anything = st.lists(st.one_of(st.sampled_from(NASTY), st.text(max_size=8)), max_size=6).map("".join)
words = anything.map(lambda text: "w" + text)  # never blank, so that no element is left out


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_no_text_of_a_player_becomes_an_element_or_an_attribute(data: st.DataObject) -> None:
    """Whatever stands in any field, the elements are those of a harmless video."""
    names = ("job_id", "src", "path", "prompt", "model", "provider", "resolution", "cost", "warning", "cell")
    view = replace(PLAYER, **{name: data.draw(words, name) for name in names}, embedded=data.draw(st.booleans()))
    bundle = video_player(view)

    assert Page(bundle["text/html"]).shape <= Page(video_player(PLAYER)["text/html"]).shape
    assert_harmless(bundle)


@given(st.data(), st.sampled_from(Status))
@settings(max_examples=150, deadline=None)
def test_no_text_of_a_card_becomes_an_element_or_an_attribute(data: st.DataObject, status: Status) -> None:
    """Alive, at rest and as plain text."""
    names = ("job_id", "prompt", "model", "provider", "note")
    lists = {name: tuple(data.draw(st.lists(words, min_size=1, max_size=3), name)) for name in ("chips", "lines")}
    harmless = replace(CARD, status=status)
    view = replace(harmless, **{name: data.draw(words, name) for name in names}, **lists)

    assert shown(view).shape == shown(harmless).shape
    assert Page(static_card(view)["text/html"]).shape == Page(static_card(harmless)["text/html"]).shape
    assert_harmless({"text/html": live_card(view)})
    assert_harmless(static_card(view))
    assert "\n" not in terminal_line(view)
    assert_harmless({"text/plain": terminal_line(view)})


@given(st.lists(st.lists(anything, min_size=2, max_size=3), max_size=3), anything)
@settings(max_examples=150, deadline=None)
def test_no_text_of_a_table_or_a_page_becomes_an_element(rows: list[list[str]], text: str) -> None:
    """Ragged rows included."""
    expected = {("table", "class"), ("thead",), ("tbody",), ("tr",), ("th", "scope", "style"), ("td", "dir", "style")}

    assert Page(table(rows, ["a", "b"])["text/html"]).shape <= expected
    assert Page(text_block(text)["text/html"]).shape == {("pre", "style")}
    assert_harmless(table(rows, ["a", "b"]))
    assert_harmless(text_block(text))


def assert_harmless(bundle: dict[str, Any]) -> None:
    """Hold what is true of every output: no script, no source, and text that JSON and a terminal can carry."""
    markup = bundle.get("text/html", "").lower()
    assert "<script" not in markup
    assert "<source" not in markup
    json.dumps(bundle).encode("ascii")
    for text in bundle.values():
        text.encode("utf-8")
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)


def test_an_address_that_is_no_path_is_never_a_link() -> None:
    """A link runs what it points at; a video's source does not."""
    for src in (
        "javascript:alert(1)",
        "//evil.example/x.mp4",
        "https://evil.example/x.mp4",
        "java\nscript:x",
        "",
        "\\\\x",
    ):
        assert shown(replace(PLAYER, src=src)).all("a") == []


def test_the_query_of_an_address_is_never_shown() -> None:
    """It may be a signature, which is a secret."""
    signed = "see https://oss.example/v.mp4?Expires=1&Signature=SECRET now"
    view = replace(PLAYER, prompt=signed, warning=signed, cell=signed, model=signed, path=signed)
    failed = replace(CARD, status=Status.FAILED, lines=(signed,), prompt=signed)
    everything = (*video_player(view).values(), live_card(failed), *static_card(failed).values(), terminal_line(failed))

    assert not [text for text in everything if "SECRET" in text]
    assert clean(signed) == "see https://oss.example/v.mp4?… now"


def test_what_acts_in_a_text_is_taken_out_and_what_is_read_stays() -> None:
    """Colour codes vanish; a bell and an override leave a mark; scripts, joiners and emoji stay whole."""
    assert clean("\x1b[31mred\x1b[0m \x07 a\u202eb") == "red \ufffd a\ufffdb"
    assert clean("a\r\nb\rc\u2028d") == "a\nb\nc\nd"
    for text in ("가나다 かな 汉字", "קטן \u200fא", "👩\u200d🚀", "می\u200cخواهم", "a\tb"):
        assert clean(text) == text
    assert one_line("a\n  b\tc") == "a b c"
    assert one_line("abcdef", 4) == "abc…"
