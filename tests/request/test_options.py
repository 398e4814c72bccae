"""The two declarations: what each kind of value accepts, from text and from Python, and what the journal keeps."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wan_jupyter.errors import OptionError
from wan_jupyter.i18n.messages import has_message
from wan_jupyter.i18n.suggestions import nearest, shorten
from wan_jupyter.media.image.reader import Image, read_image
from wan_jupyter.request.options import CellOptions, Declared, VideoRequest, declared, fingerprint
from wan_jupyter.request.values import KINDS, read_keywords, read_value

quick = settings(max_examples=100, deadline=None, database=None)

FIRST, LAST = Image("a.png", "1" * 64, "image/png", 4, 3, 9), read_image("https://host/b.png?Signature=s&size=2")
CLIP = "https://host/a.mp4?Signature=s"
ROWS = {row.name: row for row in declared(VideoRequest, CellOptions)}


def refused(name: str, value: object) -> OptionError:
    with pytest.raises(OptionError) as caught:
        read_value(ROWS[name], value)
    assert 1 <= len(caught.value.lines()) <= 2
    assert all("\n" not in line for line in caught.value.lines())
    return caught.value


class Unspeakable:
    """An object that cannot say what it is."""

    def __str__(self) -> str:
        raise RuntimeError

    __repr__ = __str__


ENDLESS: list[object] = []
ENDLESS.append(ENDLESS)


# ---- declarations ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", ROWS.values(), ids=lambda row: row.name)
def test_every_option_can_be_read_explained_and_refused(row: Declared) -> None:
    """Its kind is in the table, its sentence and its error are written, its flags are well formed."""
    assert row.option.kind in KINDS
    assert row.help
    assert has_message(f"option.bad_{row.option.kind}.text")
    assert row.option.flags[-1].startswith("--")
    assert bool(row.option.metavar) == (row.option.kind not in ("switch", "flag"))


def test_no_two_options_share_a_flag_or_a_name() -> None:
    """One line holds the options of both declarations."""
    flags = [flag for row in ROWS.values() for flag in row.option.flags]

    assert len(flags) == len(set(flags))
    assert len(ROWS) == len(declared(VideoRequest)) + len(declared(CellOptions))


@pytest.mark.parametrize(
    ("frames", "mode"),
    [
        ({"first": FIRST}, "first"),
        ({"first": FIRST, "last": LAST}, "first_last"),
        ({"last": LAST}, "last"),
        ({}, "text"),
    ],
)
def test_the_pictures_make_the_mode(frames: dict[str, Image], mode: str) -> None:
    """What is asked for follows from what is given."""
    request = VideoRequest(**frames)

    assert request.mode == mode
    assert dict(request.frames) == frames


@pytest.mark.parametrize(
    ("frames", "mode"),
    [
        ({}, "clip"),
        ({"last": LAST}, "clip_last"),
        ({"first": FIRST}, "clip"),
        ({"first": FIRST, "last": LAST}, "clip_last"),
    ],
)
def test_a_clip_takes_the_place_of_the_first_frame(frames: dict[str, Image], mode: str) -> None:
    """Both together are refused by the catalogue."""
    assert VideoRequest(clip_url=CLIP, **frames).mode == mode


@pytest.mark.parametrize("name", [row.name for row in declared(VideoRequest) if row.option.kind == "url"])
def test_an_address_counts_without_its_signature_and_is_not_shown(name: str) -> None:
    """Sound and clip: signed anew they are the same request; another query is another."""
    plain, signed, other = (
        VideoRequest(**{name: f"https://host/a?{query}"}) for query in ("v=1", "v=1&Signature=secret&Expires=9", "v=2")
    )
    marks = [fingerprint(request, "p", "https://o") for request in (plain, signed, other)]
    assert (marks[0] == marks[1], marks[0] == marks[2]) == (True, False)
    assert "secret" not in repr(signed)
    assert signed.links == {name: "https://host/a?v=1&Signature=secret&Expires=9"}


# ---- values ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("model", "wan2.6-i2v-flash", "wan2.6-i2v-flash"),
        ("duration", 5, 5),
        ("duration", " 5s", 5),
        ("duration", "-1", -1),
        ("seed", "0", 0),
        ("seed", 2147483647, 2147483647),
        ("resolution", 720, "720P"),
        ("resolution", "1080p", "1080P"),
        ("audio", False, False),
        ("audio_url", "https://host/a.mp3", "https://host/a.mp3"),
        ("clip_url", "https://host/a.mp4", "https://host/a.mp4"),
        ("shot_type", "multi", "multi"),
        ("out", "고양이", "고양이"),
        ("timeout", 90, 90.0),
        ("timeout", "1.5h", 5400.0),
        ("timeout", "20 min", 1200.0),
        ("params", "a.b=x=y", (("a.b", "x=y"),)),
        ("params", {"a": [1, "é"], "b": None}, (("a", '[1, "é"]'), ("b", "null"))),
        ("params", ["a=1", {"b": 2}], (("a", "1"), ("b", "2"))),
    ],
)
def test_a_value_is_read_from_text_and_from_python(name: str, value: object, read: object) -> None:
    """Both doors give the field's own type, and a value that was read before, as a cell's are, is read as it is."""
    assert read_value(ROWS[name], value) == read
    assert read_value(ROWS[name], read) == read
    assert type(read_value(ROWS[name], value)) is type(read)


def test_whole_numbers_of_other_libraries_are_whole_numbers() -> None:
    """numpy's integers say so with `__index__`, and become Python's."""

    class Int64:
        def __index__(self) -> int:
            return 5

    assert read_value(ROWS["duration"], Int64()) == 5
    assert read_value(ROWS["timeout"], Int64()) == 5.0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("model", ""),
        ("model", 5),
        ("duration", 0),
        ("duration", -2),
        ("duration", True),
        ("duration", 5.0),
        ("duration", "9" * 5000),
        ("duration", None),
        ("seed", -1),
        ("seed", 2147483648),
        ("resolution", "72P"),
        ("resolution", True),
        ("audio", "yes"),
        ("audio", 1),
        ("audio_url", "ftp://host"),
        ("clip_url", "cat.mp4"),
        ("shot_type", "Multi"),
        ("out", "a b"),
        ("timeout", 0),
        ("timeout", "5 parsecs"),
        ("timeout", "9" * 400),
        ("timeout", math.inf),
        ("timeout", math.nan),
        ("timeout", True),
        ("params", "a"),
        ("params", "=1"),
        ("params", {"a": object()}),
        ("params", {"a": math.nan}),
        ("params", {"": 1}),
        ("params", {5: 1}),
        ("params", ENDLESS),
        ("params", 5),
        ("model", 10**5000),
        ("model", Unspeakable()),
        ("duration", Unspeakable()),
        ("resolution", Unspeakable()),
        ("timeout", Unspeakable()),
        ("params", Unspeakable()),
        ("shot_type", "x" * 100_000),
    ],
    ids=lambda value: shorten(value, 20),
)
def test_a_wrong_value_is_refused_in_two_lines(name: str, value: object) -> None:
    """The error names the option and shows the value, shortened; even a value that cannot be shown."""
    error = refused(name, value)

    assert error.key == f"option.bad_{ROWS[name].option.kind}"
    assert ROWS[name].option.flags[-1] in error.message()
    assert len(str(error)) < 300


def test_a_misspelt_choice_is_answered_with_the_right_one() -> None:
    """And with all of them."""
    assert refused("embed", "alway").hint() == "Did you mean always? Choose from: auto, always, never."


def test_python_keywords_are_the_same_fields() -> None:
    """None means "not asked"; an unknown keyword is answered with the right one."""
    assert read_keywords(VideoRequest, {"duration": "5", "seed": None}) == {"duration": 5}
    with pytest.raises(OptionError, match=r"(?s)Unknown keyword durration.*Did you mean duration\?"):
        read_keywords(VideoRequest, {"durration": 5})
    with pytest.raises(OptionError, match="Unknown keyword wait"):
        read_keywords(VideoRequest, {"wait": True})


def test_text_in_an_error_is_one_short_line() -> None:
    """Line ends, controls and marks that turn the writing do not reach an error line."""
    assert shorten("a\nb\u2028c\u202ed\x85e") == "a b c d e"
    assert len(shorten("x" * 1000)) == 80
    assert shorten(Unspeakable()) == "Unspeakable"
    assert nearest("seeed", ["seed", "size"]) == "Did you mean seed? "
    assert nearest("qqq", ["seed"]) == ""


# ---- the journal's form ---------------------------------------------------------------------------------------------

texts = st.text()
images = st.builds(Image, texts, texts, texts, st.integers(), st.integers(), st.integers(), texts)
requests = st.builds(
    VideoRequest,
    prompt=texts,
    filled_prompt=texts,
    first=st.none() | images,
    last=st.none() | images,
    model=st.none() | texts,
    duration=st.none() | st.integers(),
    resolution=st.none() | texts,
    seed=st.none() | st.integers(),
    negative_prompt=st.none() | texts,
    audio=st.none() | st.booleans(),
    audio_url=st.none() | texts,
    clip_url=st.none() | texts,
    prompt_extend=st.none() | st.booleans(),
    watermark=st.none() | st.booleans(),
    shot_type=st.none() | texts,
    size=st.none() | texts,
    template=st.none() | texts,
    params=st.lists(st.tuples(texts, texts), max_size=3).map(tuple),
)


@quick
@given(requests)
def test_a_request_comes_back_from_the_journal_as_it_was(request_: VideoRequest) -> None:
    """JSON text and back, with every field."""
    kept = json.loads(json.dumps(request_.as_json()))

    assert VideoRequest.from_json(kept) == request_
    assert hash(VideoRequest.from_json(kept)) == hash(request_)


def test_the_round_trip_covers_every_field() -> None:
    """A field that is added must come back too."""
    request = VideoRequest(
        prompt="p",
        filled_prompt="f",
        first=FIRST,
        last=LAST,
        **read_keywords(
            VideoRequest,
            {
                row.name: {
                    "seconds": 5,
                    "seed": 1,
                    "resolution": 720,
                    "size": "1280x720",
                    "switch": False,
                    "url": "https://h",
                    "pairs": {"a": 1},
                }.get(row.option.kind, "single")
                for row in declared(VideoRequest)
            },
        ),
    )

    assert None not in [getattr(request, field.name) for field in dataclasses.fields(request)]
    assert VideoRequest.from_json(json.loads(json.dumps(request.as_json()))) == request


def test_what_is_not_asked_is_not_kept() -> None:
    """The journal's row of a plain cell is short, and keys of a later version do no harm."""
    kept = VideoRequest(prompt="p", filled_prompt="p", duration=5).as_json()

    assert kept == {"prompt": "p", "filled_prompt": "p", "duration": 5, "frames": {}}
    assert VideoRequest.from_json({**kept, "of_a_later_version": 1}).duration == 5


def test_what_is_kept_holds_no_bytes() -> None:
    """A picture's bytes lie in the spool; the journal has its digest."""
    picture = dataclasses.replace(FIRST, source=b"x" * 1000)

    assert len(json.dumps(VideoRequest(first=picture).as_json())) < 500


values: Any = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.builds(Unspeakable)
nested: Any = st.recursive(
    values, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)


@quick
@given(st.sampled_from(sorted(ROWS)), nested)
def test_any_value_is_read_or_refused_by_us(name: str, value: object) -> None:
    """Only an OptionError comes out, and what was read reads again as itself."""
    try:
        read = read_value(ROWS[name], value)
    except OptionError as error:
        told = str(error)
        assert len(told.encode().splitlines()) <= 2
    else:
        assert read == (read_value(ROWS[name], read) if ROWS[name].option.kind != "pairs" else read)
