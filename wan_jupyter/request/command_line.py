"""The line of a cell, read: words, options, pictures; and the text of `--help`. Floor 0.

What options there are is said by `VideoRequest` and `CellOptions` alone. Knows nothing of IPython and opens no file:
pictures are handed on as they were typed, or as the object that `$name` stands for.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
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
NO_IMAGE = "-"  # in a picture's place: there is none
HELP_WIDTH = 100

# A quote counts at the beginning of a word, or of a value written onto its option (--opt="…", -n="…", -n"…"); it closes
# before a blank or the end. So `it's.png`, `'it's here.png'` and C:\new\cat.png need no escapes, and there are none.
TOKEN = re.compile(
    r"""\s*(?:(?P<comment>\#.*)
           |(?P<lead>--?[A-Za-z][\w-]*=|-[A-Za-z])?(?P<quote>["'])(?P<body>.*?)(?P=quote)(?=\s|\Z)
           |(?P<bare>\S+))""",
    re.DOTALL | re.VERBOSE,
)
OPEN_QUOTE = re.compile(r"""(?:--?[A-Za-z][\w-]*=|-[A-Za-z])?(["'])""")
DASHES = "-–—−－"  # what keyboards and word processors make of a minus


@dataclass(frozen=True, slots=True)
class ParsedCell:
    """What one line asked for.

    Attributes:
        images: at most two; words as typed, the objects that `$name` stands for, or None for a `-`.
        image_labels: what was typed for each.
        asked: the fields of `VideoRequest` that were typed, as values.
        cell: how the cell is to behave.
        looked_up: the fields whose value is that of a `$name`, which is taken as it is.
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
        quoted: whether it stood in quotes, so that it is never an option or the end of options.
        held: whether it, or the value written onto its option, did.
    """

    text: str
    quoted: bool = False
    held: bool = False


END = Word("--")


@dataclass(frozen=True, slots=True)
class Spelling:
    """What one spelling of an option means: its row, and the value it stands for (None: a value follows)."""

    row: Declared
    implied: bool | None = None


def split(line: str) -> list[str]:
    """Return the words of a line, without their quotes and without a trailing comment.

    Raises:
        OptionError: a quote is opened and never closed.
    """
    return [word.text for word in _words(line)]


def read_line(line: str, names: Mapping[str, object]) -> ParsedCell:
    """Return what a line asks for; `$name` is looked up in `names`.

    Raises:
        OptionError: an unknown, ambiguous or badly valued option, a third picture, an open quote.
        PromptError: a `$name` that does not exist.
    """
    if _wants_help(line):
        return ParsedCell((), (), MappingProxyType({}), CellOptions(help=True))
    labels, asked, looked_up = _read(_words(line), names)
    cell = {row.name for row in declared(CellOptions)}
    return ParsedCell(
        images=tuple(None if label == NO_IMAGE else _value(label, names) for label in labels),
        image_labels=tuple(labels),
        asked=MappingProxyType({name: value for name, value in asked.items() if name not in cell}),
        cell=CellOptions(**{name: value for name, value in asked.items() if name in cell}),
        looked_up=looked_up,
    )


@cache
def spellings() -> Mapping[str, Spelling]:
    """Return every way to write an option, with what it means; also what Tab offers."""
    return MappingProxyType(dict(_spelt(declared(VideoRequest, CellOptions))))


def _spelt(rows: Iterable[Declared]) -> Iterator[tuple[str, Spelling]]:
    for row in rows:
        given = True if row.option.kind in ("switch", "flag") else None
        yield from ((flag, Spelling(row, given)) for flag in row.option.flags)
        if row.option.kind == "switch":
            yield f"--no-{row.option.flags[-1][2:]}", Spelling(row, False)


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
    """Whether `--help` is asked for before `--`, however wrong the rest of the line is."""
    try:
        words = _words(line)
    except OptionError:
        words = [Word(text) for text in line.split()]
    ends = next((at for at, word in enumerate(words) if word == END), len(words))
    return any(not word.quoted and word.text in ("-h", "--help") for word in words[:ends])


# ---- options --------------------------------------------------------------------------------------------------------


def _read(words: Iterable[Word], names: Mapping[str, object]) -> tuple[list[str], dict[str, Any], frozenset[str]]:
    """Return the pictures as typed, the fields that were asked for, and those of them that were looked up.

    Of a field typed twice, the last counts.
    """
    labels: list[str] = []
    asked: dict[str, Any] = {}
    looked_up: dict[str, bool] = {}
    rest = deque(words)
    while rest:
        word = rest.popleft()
        if word == END:
            labels += [follower.text for follower in rest]
            break
        if not _is_option(word):
            labels.append(word.text)
            continue
        row, value, looked_up[row.name] = _option(word, rest, names)
        asked[row.name] = asked.get(row.name, ()) + value if row.option.kind == "pairs" else value
    if len(labels) > MAX_IMAGES:
        raise OptionError("option.too_many_images", value=shorten(labels[MAX_IMAGES]))
    return labels, asked, frozenset(name for name, so in looked_up.items() if so)


def _is_option(word: Word) -> bool:
    return len(word.text) > 1 and word.text[0] in DASHES and not word.quoted


def _option(word: Word, rest: deque[Word], names: Mapping[str, object]) -> tuple[Declared, Any, bool]:
    """Return the row of an option, its value, which may be the next of `rest`, and whether that was looked up."""
    flag, attached = _parted(word.text)
    spelling = _spelling(flag)
    row = spelling.row
    if spelling.implied is None:
        typed = _next(row, flag, rest) if attached is None else Word(attached, held=word.held)
        if row.option.kind == "pairs" and not typed.held:
            _refuse_part_quoted(flag, typed.text)
        return row, read_value(row, _value(typed.text, names)), is_lookup(typed.text)
    if attached is not None:
        raise refusal(row, attached)
    return row, spelling.implied, False


def _refuse_part_quoted(flag: str, text: str) -> None:
    """Refuse PATH='VALUE': a word's quotes stand around all of it, so these would be sent; JSON's own are JSON."""
    path, _, value = text.partition("=")
    if value[:1] not in ("'", '"'):
        return
    try:
        json.loads(value)
    except ValueError:
        raise OptionError("option.part_quoted", flag=flag, value=shorten(text), path=shorten(path)) from None


def _parted(text: str) -> tuple[str, str | None]:
    """Part an option from a value written onto it: --duration=5, -d=5, -d5. `-duration` has none: it lacks a dash."""
    flag, equals, value = text.partition("=")
    short = text[:2]
    if short in spellings() and flag != short and not _lacks_dash(flag):
        return short, text[2:]
    return flag, value if equals else None


def _lacks_dash(flag: str) -> bool:
    return len(flag) > 3 and any(known.startswith(f"-{flag}") for known in spellings())


def _spelling(flag: str) -> Spelling:
    """Return what a spelling means; the beginning of a long one will do if it fits one option only."""
    known = spellings()
    if flag in known:
        return known[flag]
    begun = [other for other in known if len(flag) > 2 and flag.startswith("--") and other.startswith(flag)]
    if len(begun) > 1:
        raise OptionError("option.ambiguous", name=flag, candidates=", ".join(begun))
    if begun:
        return known[begun[0]]
    suggestion = nearest(f"--{flag.strip(DASHES)[:40]}", known, cutoff=0.65)
    raise OptionError("option.unknown", name=shorten(flag), suggestion=suggestion)


def _next(row: Declared, flag: str, rest: deque[Word]) -> Word:
    """Take the next word as a value; a negative number is one, another option is not."""
    if not rest or (not rest[0].quoted and re.match(r"--|-[A-Za-z]", rest[0].text)):
        raise OptionError("option.needs_value", flag=flag, metavar=row.option.metavar)
    return rest.popleft()


def _value(text: str, names: Mapping[str, object]) -> object:
    return lookup(text, names) if is_lookup(text) else text


# ---- help -----------------------------------------------------------------------------------------------------------


def help_text() -> str:
    """Return what `%%wan --help` shows: plain text, at most 100 columns."""
    groups = ((tr("usage.request"), VideoRequest), (tr("usage.cell"), CellOptions))
    rows = {title: declared(kind) for title, kind in groups}
    width = max(len(_left(row)) for group in rows.values() for row in group) + 4
    parts = [tr("usage.line").strip()]
    parts += ["\n".join([title, *(_help_row(row, width) for row in group)]) for title, group in rows.items()]
    return "\n\n".join([*parts, tr("usage.examples").strip()]) + "\n"


def _left(row: Declared) -> str:
    flags = [flag for flag, spelling in spellings().items() if spelling.row == row]
    return f"{', '.join(flags)} {row.option.metavar}".strip()


def _help_row(row: Declared, width: int) -> str:
    left = f"  {_left(row)}".ljust(width)
    return textwrap.fill(row.help, HELP_WIDTH, initial_indent=left, subsequent_indent=" " * width)
