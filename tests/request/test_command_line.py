"""The line of a cell is read as people type it: quotes, backslashes, comments, prefixes, slips of the keyboard."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from wan_jupyter.errors import InputError, OptionError, PromptError
from wan_jupyter.request.command_line import help_text, read_line, read_partial, spellings, split, split_at_cursor
from wan_jupyter.request.options import CellOptions, VideoRequest, declared

quick = settings(max_examples=100, deadline=None, database=None)

PICTURE = object()
NAMES: dict[str, Any] = {
    "n": 7,
    "pic": PICTURE,
    "text": "blurry",
    "many": [PICTURE],
    "params": {"a.b": [1]},
    "no": "yes",
}


def asked(line: str) -> dict[str, Any]:
    return dict(read_line(line, NAMES).asked)


def refused(line: str) -> OptionError:
    with pytest.raises(OptionError) as caught:
        read_line(line, NAMES)
    assert 1 <= len(caught.value.lines()) <= 2
    assert all("\n" not in text for text in caught.value.lines())
    return caught.value


# ---- words ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", []),
        ("   ", []),
        ("cat.png -d 5", ["cat.png", "-d", "5"]),
        ('"my cat.png" b', ["my cat.png", "b"]),
        ("'my cat.png'", ["my cat.png"]),
        (r"C:\new\table.png", [r"C:\new\table.png"]),
        (r'"C:\My Pictures\new.png"', [r"C:\My Pictures\new.png"]),
        ('"C:\\dir\\" x', ["C:\\dir\\", "x"]),
        ("it's.png dog's.png", ["it's.png", "dog's.png"]),
        ("'it's here.png' b", ["it's here.png", "b"]),
        ("-n 'don't blink' -d 5", ["-n", "don't blink", "-d", "5"]),
        ('--negative="ugly, blurry" x', ["--negative=ugly, blurry", "x"]),
        ("-n='a # b'", ["-n=a # b"]),
        ('-n"a b"', ["-na b"]),
        ('-n ""', ["-n", ""]),
        ('say"hi" 6"tall', ['say"hi"', '6"tall']),
        ("cat.png # it's 'quoted", ["cat.png"]),
        ("# only a comment", []),
        ("cat#1.png a #b", ["cat#1.png", "a"]),
        ('"#1.png" "a # b"', ["#1.png", "a # b"]),
        ("고양이.png\u3000-d\u30005", ["고양이.png", "-d", "5"]),
        ("a\tb\nc", ["a", "b", "c"]),
    ],
)
def test_a_line_is_split_as_it_was_meant(line: str, words: list[str]) -> None:
    """A quote counts at the beginning of a word or value, a comment after a blank, a backslash never."""
    assert split(line) == words


@pytest.mark.parametrize(("line", "quote"), [('"cat.png', '"'), ("-n 'a b", "'"), ("'tis.png", "'"), ('-n="a', '"')])
def test_an_open_quote_is_refused(line: str, quote: str) -> None:
    """The hint names the quote that would close it."""
    error = refused(line)

    assert error.key == "option.unclosed_quote"
    assert f"Close it with {quote}" in error.hint()


# ---- pictures -------------------------------------------------------------------------------------------------------


def test_one_and_two_pictures_are_kept_as_typed() -> None:
    """Words stay words: nothing is opened here."""
    typed = read_line("a.png -d 5 https://h/b.png?x=1#y", NAMES)

    assert typed.images == typed.image_labels == ("a.png", "https://h/b.png?x=1#y")
    assert read_line("", NAMES).images == ()
    assert read_line("- b.png", NAMES).images == (None, "b.png")
    assert read_line("a=1", NAMES).images == ("a=1",)


def test_a_dollar_name_is_the_object_and_keeps_its_label() -> None:
    """`$pic` gives the object, `$many[0]` an item of one."""
    typed = read_line("$pic $many[0]", NAMES)

    assert typed.images == (PICTURE, PICTURE)
    assert typed.image_labels == ("$pic", "$many[0]")


def test_a_dollar_that_begins_no_name_is_plain_text() -> None:
    """`$` alone and `$5.png` are file names."""
    assert read_line("$ $5.png", NAMES).images == ("$", "$5.png")


def test_an_unknown_dollar_name_is_refused_with_the_right_one() -> None:
    """In a picture's place and in an option's."""
    for line in ("$pci", "-n $pci"):
        with pytest.raises(PromptError, match="Did you mean pic"):
            read_line(line, NAMES)


def test_a_third_picture_is_refused() -> None:
    """Most often it is a name with blanks, or a prompt on the wrong line."""
    assert refused("a b c").message().startswith("Unexpected argument: c.")


# ---- options --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line", ["-d 5", "-d5", "-d=5", "--duration 5", "--duration=5", "--dur 5", '--dur="5"', "-d 9 -d 5"]
)
def test_every_way_to_type_a_value_means_the_same(line: str) -> None:
    """Short, long, attached, with =, quoted, a prefix; of two, the last counts."""
    assert asked(line) == {"duration": 5}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("--audio", {"audio": True}),
        ("--no-audio", {"audio": False}),
        ("--no-wat", {"watermark": False}),
        ("--audio --no-audio", {"audio": False}),
        ("-d -1", {"duration": -1}),
        ("-r 720p -s 0", {"resolution": "720P", "seed": 0}),
        ("-d $n", {"duration": 7}),
        ("-d$n", {"duration": 7}),
        ("--dur=$n", {"duration": 7}),
        ("-n $text", {"negative_prompt": "blurry"}),
        ("-n $5", {"negative_prompt": "$5"}),
        ('-n "--no text"', {"negative_prompt": "--no text"}),
        ("-n=-x", {"negative_prompt": "-x"}),
        ("-p a=1 -p b.c=x=y -pd=2", {"params": (("a", "1"), ("b.c", "x=y"), ("d", "2"))}),
        ("-p $params", {"params": (("a.b", "[1]"),)}),
        ("-m wan2.6-i2v-flash # fast", {"model": "wan2.6-i2v-flash"}),
    ],
)
def test_options_become_values_of_the_request(line: str, expected: dict[str, Any]) -> None:
    """Already in the fields' own types."""
    assert asked(line) == expected


def test_what_the_cell_does_is_kept_apart() -> None:
    """The cell's options never reach the request."""
    typed = read_line("cat.png -o clip --wait --timeout 20m --new --dry-run --embed never --quiet -d 5", NAMES)

    expected = CellOptions(out="clip", wait=True, timeout=1200, new=True, dry_run=True, embed="never", quiet=True)
    assert typed.cell == expected
    assert dict(typed.asked) == {"duration": 5}
    assert read_line("cat.png", NAMES).cell == CellOptions()


def test_two_dashes_end_the_options() -> None:
    """What follows is a picture, even if it begins with a dash; so is what is quoted."""
    assert read_line("-d 5 -- -x.png --help", NAMES).images == ("-x.png", "--help")
    assert read_line('"-x.png" "--"', NAMES).images == ("-x.png", "--")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("--durration", "--duration"),
        ("-duration", "--duration"),
        ("-seed", "--seed"),
        ("-new", "--new"),
        ("-dur=5", "--duration"),
        ("–duration", "--duration"),
        ("—no-audio", "--no-audio"),
        ("--nowait", "--no-wait"),
        ("--Audio", "--audio"),
    ],
)
def test_a_misspelt_option_is_answered_with_the_right_one(typed: str, meant: str) -> None:
    """Letters, a missing dash, a dash that the system made longer."""
    error = refused(f"cat.png {typed} 5")

    assert error.key == "option.unknown"
    assert error.hint().startswith(f"Did you mean {meant}? ")


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("--zzz", "option.unknown"),
        ("-z", "option.unknown"),
        ("-5", "option.unknown"),
        ("--d 5", "option.ambiguous"),
        ("--no-w", "option.ambiguous"),
        ("-d", "option.needs_value"),
        ("-n -d 5", "option.needs_value"),
        ("-n --", "option.needs_value"),
        ("-n # none", "option.needs_value"),
        ("-d five", "option.bad_seconds"),
        ("-d 0", "option.bad_seconds"),
        ("-d $text", "option.bad_seconds"),
        ("-s -1", "option.bad_seed"),
        ("-r big", "option.bad_resolution"),
        ('-n ""', "option.bad_text"),
        ("--audio=yes", "option.bad_switch"),
        ("--new=1", "option.bad_flag"),
        ("-o my-video", "option.bad_name"),
        ("--timeout soon", "option.bad_time"),
        ("--embed alway", "option.bad_choice"),
        ("--audio-url cat.mp3", "option.bad_url"),
        ("-p a", "option.bad_pairs"),
        ("--budget much", "option.bad_amount"),
        ("--budget 5USD/day", "option.bad_amount"),
    ],
)
def test_a_wrong_option_or_value_is_refused(line: str, key: str) -> None:
    """Each kind of mistake has its own message."""
    assert refused(line).key == key


@pytest.mark.parametrize(
    "line",
    ["-p style='ink'", '-p style="ink wash"', "-p=style='ink'", "--param style='ink wash' a.png"],
)
def test_quotes_around_a_part_of_a_pair_are_refused(line: str) -> None:
    """They would be sent; the hint has them around the whole."""
    error = refused(line)
    assert error.key == "option.part_quoted"
    assert error.hint().endswith('"style=…"')


@pytest.mark.parametrize(
    ("line", "value"),
    [("-p 'style=ink wash'", "ink wash"), ('-p="style=ink wash"', "ink wash"), ("-pstyle='ink wash'", "ink wash"),
     ("-p style=it's", "it's"),
     ('-p style="ink"', '"ink"'), ("-p \"style='ink' wash\"", "'ink' wash"), ("-p='style=\"ink\" wash'", '"ink" wash')],
)  # fmt: skip
def test_quotes_that_belong_to_a_pair_are_kept(line: str, value: str) -> None:
    """JSON's own, an apostrophe, and those that stand in quotes themselves."""
    assert asked(line)["params"] == (("style", value),)


def test_an_ambiguous_beginning_names_what_it_could_be() -> None:
    """All of them can be typed."""
    assert refused("--no-w").message() == "--no-w is ambiguous: it could be --no-watermark, --no-wait."


@pytest.mark.parametrize("line", ["--help", "-h", "cat.png a b c --zzz -h", "-d --help", "--help '", "-n 'open --help"])
def test_help_wins_over_everything_else(line: str) -> None:
    """Who asks for help gets it, however wrong the line is."""
    assert read_line(line, NAMES).cell.help


@pytest.mark.parametrize("line", ['-n "--help"', "cat.png # --help", "-- --help"])
def test_help_that_is_no_option_is_not_asked_for(line: str) -> None:
    """Quoted, in a comment, or after two dashes."""
    assert not read_line(line, NAMES).cell.help


# ---- help -----------------------------------------------------------------------------------------------------------


def test_help_names_every_option_with_its_sentence() -> None:
    """It is made from the declarations, so nothing can be missing."""
    text = help_text()

    assert all(flag in text for flag in spellings())
    assert all(row.help in text for row in declared(VideoRequest, CellOptions))
    assert text.index("The request") < text.index("--seed") < text.index("The cell") < text.index("--quiet")


def test_help_is_plain_text_that_fits_a_narrow_notebook() -> None:
    """At most 100 columns, no control characters, no doubled braces."""
    text = help_text()

    assert max(map(len, text.splitlines())) <= 100
    assert text.replace("\n", "").isprintable()
    assert "{{{{" not in text


def test_the_examples_in_help_can_be_read() -> None:
    """What help shows must work."""
    lines = [line.strip() for line in help_text().partition("Examples")[2].splitlines()]
    cells = [line.removeprefix("%%wan ") for line in lines if line.startswith("%%wan ")]

    assert len(cells) == 3
    assert all(read_line(cell, {"picture": PICTURE}).images for cell in cells)


# ---- anything at all ------------------------------------------------------------------------------------------------

flags = st.sampled_from([*spellings(), "--", "-", "--x", "$n", "$", "'", '"', "#", "=", "5", "a=1", "-1", "cat.png"])
lines = (
    st.text()
    | st.lists(flags | st.text(max_size=5), max_size=6).map(" ".join)
    | st.lists(flags, max_size=4).map("".join)
)


@quick
@given(lines)
def test_any_line_is_read_or_refused_by_us(line: str) -> None:
    """Only our own errors come out, and they can be shown."""
    for ask in (lambda: split(line), lambda: read_line(line, NAMES)):
        try:
            ask()
        except InputError as error:
            told = str(error)
            assert len(told.encode().splitlines()) <= 2


@quick
@given(st.lists(st.text().filter(lambda word: '"' not in word or "'" not in word)))
def test_quoted_words_come_back_as_they_were(words: list[str]) -> None:
    """Blanks, backslashes, `#` and dashes are safe in quotes."""
    quoted = [f"'{word}'" if '"' in word else f'"{word}"' for word in words]

    assert split(" ".join(quoted)) == words
    assert split(" ".join(f"--negative={word}" for word in quoted)) == [f"--negative={word}" for word in words]


@quick
@given(st.lists(st.from_regex(r"[^\s\"'#\-]\S*", fullmatch=True)))
def test_plain_words_need_no_quotes(words: list[str]) -> None:
    """Whatever does not begin with a quote or `#` is a word as it stands."""
    assert split("  ".join(words)) == words


@quick
@given(
    st.integers(1, 60),
    st.integers(0, 2147483647),
    st.booleans(),
    st.text(st.characters(exclude_characters="\"'$", exclude_categories=("Cs",))),
)
def test_what_is_typed_is_what_is_asked(seconds: int, seed: int, sound: bool, text: str) -> None:
    """Values survive the line, in any order of options and pictures."""
    text = f"x{text}"
    line = f'"{text}" -d {seconds} --{"" if sound else "no-"}audio -n "{text}" --seed={seed}'

    assert asked(line) == {"duration": seconds, "audio": sound, "negative_prompt": text, "seed": seed}
    assert read_line(line, NAMES).images == (text,)


# ---- a line that is being typed -------------------------------------------------------------------------------------


@settings(max_examples=300, deadline=None, database=None)
@given(lines.map(lambda line: line.split("#")[0]))
@example("cat.png -d5 --no-aud -r=720P --sess 'my lab' -p a=1 -- -x")
@example("--seed -1 --neg='a, b' -n\"c\" –5")
def test_what_the_cell_reads_tab_reads_the_same(line: str) -> None:
    """The same words, pictures and options, however they are spelt or quoted; what the cell refuses is survived."""
    split_line = split_at_cursor(f"{line} ", len(line) + 1)
    try:
        whole = read_line(line, NAMES)
    except InputError:
        return
    if whole.cell.help:
        return
    assert split_line is not None
    partial = read_partial(split_line)
    said = {*whole.asked, *(row.name for row in declared(CellOptions) if getattr(whole.cell, row.name) is not None)}
    assert partial.images == whole.image_labels
    assert partial.waiting is None
    assert set(partial.asked) <= said
    assert set(whole.asked) <= set(partial.asked)


@pytest.mark.parametrize(
    ("line", "word", "waiting", "asked"),
    [
        ("cat.png -d |", (11, "", "", ""), "duration", {}),
        ("cat.png -d -|", (11, "-", "", ""), "duration", {}),
        ("cat.png -d --re|", (11, "--re", "", ""), None, {}),
        ("--dur=1|", (6, "1", "--dur", ""), "duration", {}),
        ("-d1|0", (2, "1", "-d", ""), "duration", {}),
        ('-n"a cat|', (2, "a cat", "-n", '"'), "negative_prompt", {}),
        ("--nonsense=1|", (11, "1", "--nonsense", ""), None, {}),
        ("--au x|", (5, "x", "", ""), None, {}),
        ("c| -m wan9 --no-audio", (0, "c", "", ""), None, {"model": "wan9", "audio": ""}),
        ("-- --dur=5|", (3, "--dur=5", "", ""), None, {}),
        ("-m a c| -m b", (5, "c", "", ""), None, {"model": "a"}),
    ],
)
def test_a_line_is_read_up_to_the_cursor(
    line: str, word: tuple[int, str, str, str], waiting: str | None, asked: dict[str, str]
) -> None:
    """The word at the cursor with the option that it is written onto, and the option that waits for its value."""
    before, _, after = line.partition("|")
    split_line = split_at_cursor(before + after, len(before))
    assert split_line is not None
    partial = read_partial(split_line)
    found = partial.word
    assert (found.start, found.text, found.flag, found.quote) == word
    assert (partial.waiting.name if partial.waiting else None) == waiting
    assert dict(partial.asked) == asked


@pytest.mark.parametrize("line", ["cat.png # --d", '"cat.png"', '-n "a"'])
def test_nothing_goes_into_a_comment_or_behind_a_closed_quote(line: str) -> None:
    """A blank begins the next word."""
    assert split_at_cursor(line, len(line)) is None
