"""The one parser of a cell's line: words, options, pictures; and the text of `--help`.

`read_line` is strict and raises; `read_partial` is its tolerant mode for Tab, which reads the same words by the same
rules up to the cursor. Options are declared by the fields of `VideoRequest` and `CellOptions`. Knows nothing of IPython
and opens no file: pictures are returned as typed, or as the object that `$name` refers to.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from types import MappingProxyType
from typing import Any

from ..errors import OptionError
from ..i18n.messages import tr
from ..i18n.suggestions import nearest, shorten
from .options import CellOptions, Declared, VideoRequest, declared
from .templates import is_lookup, lookup
from .values import read_value, refusal

MAX_IMAGES = 2
NO_IMAGE = "-"  # in place of a picture: no picture
HELP_WIDTH = 100

# A quote opens at the start of a word, or of a value attached to its option (--opt="…", -n="…", -n"…"), and closes
# before a blank or at the end. So `it's.png`, `'it's here.png'` and C:\new\cat.png need no escapes, and none exist.
TOKEN = re.compile(
    r"""\s*(?:(?P<comment>\#.*)
           |(?P<lead>--?[A-Za-z][\w-]*=|-[A-Za-z])?(?P<quote>["'])(?P<body>.*?)(?P=quote)(?=\s|\Z)
           |(?P<bare>\S+))""",
    re.DOTALL | re.VERBOSE,
)
OPEN_QUOTE = re.compile(r"""(?:--?[A-Za-z][\w-]*=|-[A-Za-z])?(["'])""")
OTHER_OPTION = re.compile(r"--|-[A-Za-z]")  # in place of a value; a negative number is a value
DASHES = "-–—−－"  # the characters that keyboards and word processors substitute for a hyphen


@dataclass(frozen=True, slots=True)
class ParsedCell:
    """A line, parsed.

    Attributes:
        images: at most two: words as typed, objects that `$name` refers to, or None for a `-`.
        image_labels: the word typed for each image.
        asked: values of the `VideoRequest` fields that were typed.
        cell: the options of the cell itself.
        looked_up: fields whose value came from a `$name`; templates in it are not filled.
    """

    images: tuple[object, ...]
    image_labels: tuple[str, ...]
    asked: Mapping[str, Any]
    cell: CellOptions
    looked_up: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a line.

    Attributes:
        text: the word without its quotes.
        quoted: whether all of it was in quotes; then it is neither an option nor the end of options.
        held: whether it, or the value attached to its option, was in quotes.
    """

    text: str
    quoted: bool = False
    held: bool = False


END = Word("--")


@dataclass(frozen=True, slots=True)
class Spelling:
    """The meaning of one spelling of an option: the option, and the value it implies (None: a value follows)."""

    option: Declared
    implied: bool | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a line: an option with its value, or a word that is not an option (`flag` is "").

    Attributes:
        word: the word as typed.
        flag: the option's spelling, "--" for the end of options.
        value: its value, attached or the next word; None where there is no value.
    """

    word: Word
    flag: str = ""
    value: Word | None = None


@dataclass(frozen=True, slots=True)
class PartialWord:
    """The word at the cursor.

    Attributes:
        start: column where it begins, or where the value attached to its option begins.
        text: the part typed so far, without the opening quote.
        flag: the option that `text` is attached to, or "".
        quote: the open quote, or "".
    """

    start: int
    text: str
    flag: str = ""
    quote: str = ""

    def value_of(self, flag: str, value: str) -> PartialWord:
        """Return the word as a value attached to an option."""
        return replace(self, start=self.start + len(self.text) - len(value), text=value, flag=flag)


@dataclass(frozen=True, slots=True)
class SplitLine:
    """The words of a line: before the cursor, at it, and behind it."""

    before: tuple[Word, ...]
    word: PartialWord
    behind: tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class PartialLine:
    """A line that is being typed, as far as it can be read.

    Attributes:
        images: the words that are not options.
        asked: option values as typed, by field name; "" for options without a value.
        word: the word at the cursor.
        waiting: the option whose value is expected at the cursor.
        ended: whether `--` before the cursor ended the options.
    """

    images: tuple[str, ...] = ()
    asked: Mapping[str, str] = field(default_factory=dict)
    word: PartialWord = PartialWord(0, "")
    waiting: Declared | None = None
    ended: bool = False


def split(line: str) -> list[str]:
    """Return the words of a line, without quotes and without a trailing comment.

    Raises:
        OptionError: a quote is not closed.
    """
    return [word.text for word in _words(line)]


def read_line(line: str, names: Mapping[str, object]) -> ParsedCell:
    """Parse a line; `$name` is looked up in `names`.

    Raises:
        OptionError: an option is unknown, ambiguous or has a bad value; there is a third picture or an open quote.
        PromptError: a `$name` does not exist.
    """
    if _wants_help(line):
        return ParsedCell((), (), MappingProxyType({}), CellOptions(help=True))
    labels, asked, looked_up = _read(_words(line), names)
    cell = {option.name for option in declared(CellOptions)}
    return ParsedCell(
        images=tuple(None if label == NO_IMAGE else _value(label, names) for label in labels),
        image_labels=tuple(labels),
        asked=MappingProxyType({name: value for name, value in asked.items() if name not in cell}),
        cell=CellOptions(**{name: value for name, value in asked.items() if name in cell}),
        looked_up=looked_up,
    )


@cache
def spellings() -> Mapping[str, Spelling]:
    """Return every spelling of every option with its meaning; Tab offers these spellings."""
    return MappingProxyType(dict(_spelt(declared(VideoRequest, CellOptions))))


def _spelt(options: Iterable[Declared]) -> Iterator[tuple[str, Spelling]]:
    for option in options:
        implied = True if option.option.kind in ("switch", "flag") else None
        yield from ((flag, Spelling(option, implied)) for flag in option.option.flags)
        if option.option.kind == "switch":
            yield f"--no-{option.option.flags[-1][2:]}", Spelling(option, False)


# ---- words ----------------------------------------------------------------------------------------------------------


def _words(line: str) -> list[Word]:
    return [_word(found) for found in TOKEN.finditer(line.strip()) if found["comment"] is None]


def _word(found: re.Match[str]) -> Word:
    if found["quote"]:
        return Word((found["lead"] or "") + found["body"], quoted=not found["lead"], held=True)
    opened = OPEN_QUOTE.match(found["bare"])
    if opened:
        raise OptionError("option.unclosed_quote", value=shorten(found["bare"]), quote=opened[1])
    return Word(found["bare"])


def _wants_help(line: str) -> bool:
    """Return whether `--help` precedes `--`, even if the rest of the line has mistakes."""
    try:
        words = _words(line)
    except OptionError:
        words = [Word(text) for text in line.split()]
    end = next((index for index, word in enumerate(words) if word == END), len(words))
    return any(not word.quoted and word.text in ("-h", "--help") for word in words[:end])


# ---- options --------------------------------------------------------------------------------------------------------


def _items(words: Iterable[Word]) -> Iterator[Item]:
    """Group words into pictures and options with their values; unknown options and missing values raise nothing."""
    rest = deque(words)
    while rest:
        word = rest.popleft()
        if word == END:
            yield Item(word, END.text)
            yield from map(Item, rest)
            return
        yield _option_item(word, rest) if _is_option(word) else Item(word)


def _option_item(word: Word, rest: deque[Word]) -> Item:
    """Return an option with its value, which may be the next word; another option is not a value."""
    flag, attached = _parted(word.text)
    if attached is not None:
        return Item(word, flag, Word(attached, held=word.held))
    takes_value = [spelling.implied for spelling in _matches(flag)] == [None]
    return Item(word, flag, rest.popleft() if takes_value and rest and not _is_other_option(rest[0]) else None)


def _is_option(word: Word) -> bool:
    return len(word.text) > 1 and word.text[0] in DASHES and not word.quoted


def _is_other_option(word: Word) -> bool:
    return not word.quoted and OTHER_OPTION.match(word.text) is not None


def _parted(text: str) -> tuple[str, str | None]:
    """Split an attached value from its option: --duration=5, -d=5, -d5. `-duration` lacks a dash: it has no value."""
    flag, equals, value = text.partition("=")
    short = text[:2]
    if short in spellings() and flag != short and not _lacks_dash(flag):
        return short, text[2:]
    return flag, value if equals else None


def _lacks_dash(flag: str) -> bool:
    return len(flag) > 3 and any(known.startswith(f"-{flag}") for known in spellings())


def _matches(flag: str) -> list[Spelling]:
    """Return the meanings of a spelling: one if known or abbreviated (long ones only), several if ambiguous."""
    known = spellings()
    return [known[flag]] if flag in known else [known[other] for other in _abbreviated(flag)]


def _abbreviated(flag: str) -> list[str]:
    return [other for other in spellings() if len(flag) > 2 and flag.startswith("--") and other.startswith(flag)]


# ---- strict ---------------------------------------------------------------------------------------------------------


def _read(words: Iterable[Word], names: Mapping[str, object]) -> tuple[list[str], dict[str, Any], frozenset[str]]:
    """Return the pictures as typed, the values by field, and the fields that were looked up.

    If an option is typed twice, the last value counts.
    """
    labels: list[str] = []
    asked: dict[str, Any] = {}
    looked_up: dict[str, bool] = {}
    for item in _items(words):
        if item.flag == "":
            labels.append(item.word.text)
        elif item.word != END:
            option, value, looked_up[option.name] = _option(item, names)
            asked[option.name] = asked.get(option.name, ()) + value if option.option.kind == "pairs" else value
    if len(labels) > MAX_IMAGES:
        raise OptionError("option.too_many_images", value=shorten(labels[MAX_IMAGES]))
    return labels, asked, frozenset(name for name, is_looked_up in looked_up.items() if is_looked_up)


def _option(item: Item, names: Mapping[str, object]) -> tuple[Declared, Any, bool]:
    """Return an option, its value, and whether the value was looked up."""
    spelling = _spelling(item.flag)
    option, typed = spelling.option, item.value
    if spelling.implied is not None:
        if typed is not None:
            raise refusal(option, typed.text)
        return option, spelling.implied, False
    if typed is None:
        raise OptionError("option.needs_value", flag=item.flag, metavar=option.option.metavar)
    if option.option.kind == "pairs" and not typed.held:
        _refuse_part_quoted(item.flag, typed.text)
    return option, read_value(option, _value(typed.text, names)), is_lookup(typed.text)


def _spelling(flag: str) -> Spelling:
    """Return the meaning of a spelling.

    Raises:
        OptionError: it is unknown, or abbreviates several options.
    """
    found = _matches(flag)
    if len(found) > 1:
        raise OptionError("option.ambiguous", name=flag, candidates=", ".join(_abbreviated(flag)))
    if found:
        return found[0]
    suggestion = nearest(f"--{flag.strip(DASHES)[:40]}", spellings(), cutoff=0.65)
    raise OptionError("option.unknown", name=shorten(flag), suggestion=suggestion)


def _refuse_part_quoted(flag: str, text: str) -> None:
    """Refuse PATH='VALUE': quotes inside a word are part of it, so they would be sent; quotes of JSON are valid."""
    path, _, value = text.partition("=")
    if value[:1] not in ("'", '"'):
        return
    try:
        json.loads(value)
    except ValueError:
        raise OptionError("option.part_quoted", flag=flag, value=shorten(text), path=shorten(path)) from None


def _value(text: str, names: Mapping[str, object]) -> object:
    return lookup(text, names) if is_lookup(text) else text


# ---- tolerant -------------------------------------------------------------------------------------------------------


def split_at_cursor(line: str, cursor: int, begin: int = 0) -> SplitLine | None:
    """Split a line from column `begin` into words; None in a comment and after a closed quote: nothing goes there."""
    before, word = _partial_words(line[:cursor], begin)
    if word is None:
        return None
    rest = line[cursor:]
    behind = rest.partition(word.quote)[2] if word.quote else re.sub(r"\S*", "", rest, count=1)
    return SplitLine(before, word, _partial_words(f"{behind} ", 0)[0])


def read_partial(line: SplitLine) -> PartialLine:
    """Read what is typed so far; mistakes are ignored, the cell reports them when it runs.

    Options behind the cursor count as well, since a line is also edited in its middle; those before it come first.
    """
    before, behind = _collect(line.before), _collect(line.behind)
    word, waiting = line.word, before.waiting
    if not before.ended and not word.quote and _is_option(Word(word.text)):
        flag, value = _parted(word.text)
        word = word if value is None else word.value_of(flag, value)
    if word.flag:
        found = _matches(word.flag)
        waiting = found[0].option if len(found) == 1 else None
    elif not word.quote and _is_other_option(Word(word.text)):
        waiting = None
    asked = MappingProxyType({**behind.asked, **before.asked})
    return PartialLine(before.images + behind.images, asked, word, waiting, before.ended)


def _collect(words: Iterable[Word]) -> PartialLine:
    """Collect pictures and option values; the last option may wait for its value."""
    images: list[str] = []
    asked: dict[str, str] = {}
    waiting: Declared | None = None
    ended = False
    for item in _items(words):
        waiting = None
        if item.flag == "":
            images.append(item.word.text)
        elif item.word == END:
            ended = True
        elif len(found := _matches(item.flag)) == 1:
            if found[0].implied is None and item.value is None:
                waiting = found[0].option
            else:
                asked[found[0].option.name] = item.value.text if item.value else ""
    return PartialLine(tuple(images), asked, waiting=waiting, ended=ended)


def _partial_words(text: str, begin: int) -> tuple[tuple[Word, ...], PartialWord | None]:
    """Return the words before the last, and the last, which the cursor ends."""
    words: list[Word] = []
    for found in TOKEN.finditer(text, begin):
        if found["comment"] is not None:
            return tuple(words), None
        opened = OPEN_QUOTE.match(found["bare"] or "")
        if opened:
            start = found.start("bare") + opened.start(1)
            lead = text[found.start("bare") : start].rstrip("=")
            return tuple(words), PartialWord(start, text[start + 1 :], lead, opened[1])
        if found.end() == len(text):
            return tuple(words), None if found["quote"] else PartialWord(found.start("bare"), found["bare"])
        words.append(_word(found))
    return tuple(words), PartialWord(len(text), "")


# ---- help -----------------------------------------------------------------------------------------------------------


def help_text() -> str:
    """Return the text of `%%wan --help`: plain, at most 100 columns."""
    groups = {tr("usage.request"): declared(VideoRequest), tr("usage.cell"): declared(CellOptions)}
    width = max(len(_left(option)) for group in groups.values() for option in group) + 4
    parts = [tr("usage.line").strip()]
    parts += ["\n".join([title, *(_help_lines(option, width) for option in group)]) for title, group in groups.items()]
    return "\n\n".join([*parts, tr("usage.examples").strip()]) + "\n"


def _left(option: Declared) -> str:
    flags = [flag for flag, spelling in spellings().items() if spelling.option == option]
    return f"{', '.join(flags)} {option.option.metavar}".strip()


def _help_lines(option: Declared, width: int) -> str:
    left = f"  {_left(option)}".ljust(width)
    return textwrap.fill(option.help, HELP_WIDTH, initial_indent=left, subsequent_indent=" " * width)
