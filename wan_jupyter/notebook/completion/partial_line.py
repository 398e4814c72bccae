"""What a line says up to the cursor: its words, its options so far, and the word that is being typed. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from ...request.command_line import OPEN_QUOTE, TOKEN, Spelling, spellings

if TYPE_CHECKING:
    from ...request.options import Declared

Words = list[tuple[str, bool]]  # each with whether it stands in quotes, which makes it no option


@dataclass(frozen=True, slots=True)
class Token:
    """The word at the cursor: where its value begins, what of it is typed, the quote that is open, the words behind."""

    start: int
    text: str
    flag: str = ""
    quote: str = ""
    behind: tuple[tuple[str, bool], ...] = ()


@dataclass(frozen=True, slots=True)
class PartialLine:
    """What a line says: words that are no options, values by field, and the option that waits for its own."""

    plain: tuple[str, ...]
    asked: Mapping[str, str]
    waiting: Declared | None
    ended: bool


def scan(text: str, begin: int) -> tuple[Words, Token | None]:
    """Return the words before the last with whether each is quoted, and the last; None where nothing is completed."""
    words: Words = []
    for found in TOKEN.finditer(text, begin):
        if found["comment"] is not None:
            return words, None
        opened = OPEN_QUOTE.match(found["bare"] or "")
        if opened:
            start, at = found.start("bare"), found.start("bare") + opened.start(1)
            flag = text[start:at].rstrip("=")
            return words, Token(at, text[at + 1 :], flag, opened[1])
        if found.end() == len(text):
            return words, _last(found)
        words.append(_word(found))
    return words, Token(len(text), "")


def behind(rest: str, quote: str) -> tuple[tuple[str, bool], ...]:
    """Return the words that follow the one at the cursor, of which `rest` has the end."""
    after = rest.partition(quote)[2] if quote else re.sub(r"\S*", "", rest, count=1)
    return tuple(scan(f"{after} ", 0)[0])


def _word(found: re.Match[str]) -> tuple[str, bool]:
    if found["quote"]:
        return (found["lead"] or "") + found["body"], not found["lead"]
    return found["bare"], False


def _last(found: re.Match[str]) -> Token | None:
    """Return the word that ends at the cursor; a closed quote leaves nothing to complete."""
    if found["quote"]:
        return None
    word, start = found["bare"], found.start("bare")
    flag, value = _parted(word)
    return Token(start, word) if value is None else Token(start + len(word) - len(value), value, flag)


def _parted(word: str) -> tuple[str, str | None]:
    """Part an option from a value written onto it: --duration=5, -d=5, -d5."""
    if not is_option(word):
        return "", None
    flag, equals, value = word.partition("=")
    if equals:
        return flag, value
    return (word[:2], word[2:]) if len(word) > 2 and word[:2] in spellings() else (word, None)


def is_option(word: str) -> bool:
    """Tell whether a word without quotes is an option; a negative number is none."""
    return bool(re.match(r"--|-[A-Za-z]", word))


def spelling(flag: str) -> Spelling | None:
    """Return what a spelling means; the beginning of a long one will do if it fits one option only."""
    known = spellings()
    begun = [other for other in known if flag.startswith("--") and len(flag) > 2 and other.startswith(flag)]
    return known.get(flag) or (known[begun[0]] if len(begun) == 1 else None)


def read(words: Iterable[tuple[str, bool]]) -> PartialLine:
    """Return what the words before the cursor come to; what is wrong with them is left to the cell to say."""
    plain: list[str] = []
    asked: dict[str, str] = {}
    waiting: Declared | None = None
    ended = False
    for text, quoted in words:
        if ended or quoted or not is_option(text):
            if waiting is not None:
                asked[waiting.name], waiting = text, None
            else:
                plain.append(text)
            continue
        ended, waiting = text == "--", None
        flag, value = _parted(text)
        meant = spelling(flag)
        if meant is not None and meant.implied is None and value is None:
            waiting = meant.row
        elif meant is not None:
            asked[meant.row.name] = value or ""
    return PartialLine(tuple(plain), MappingProxyType(asked), waiting, ended)
