"""The one object that holds an API key. Floor 0: knows the standard library only.

Its text leaves through `reveal` alone, which `client` calls to sign a request for the key's own origin. Printing,
formatting, pickling and copying into a dict show where the key came from, never what it is.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterator
from typing import NoReturn

PIECE = 8  # characters of a key that must not be seen together
LONG = 16  # characters; a shorter "key", such as EMPTY, is a placeholder whose pieces are words
STRUCK = "[key]"


class Key:
    """An API key and where it was found."""

    __slots__ = ("__text", "__weakref__", "source")

    def __init__(self, text: str, source: str) -> None:
        self.__text = text.strip()
        self.source = source

    def reveal(self) -> str:
        """Return the key itself, for the `Authorization` header of its own origin."""
        return self.__text

    def tag(self, salt: bytes) -> str:
        """Return a name for the account that does not give the key away: an HMAC with a salt of this machine."""
        return hmac.new(salt, self.__text.encode(), hashlib.sha256).hexdigest()[:16]

    def strike(self, text: str, pieces: bool = True) -> str:
        """Return text without the key and its base64; `pieces`: and without any eight characters of it in a row.

        A placeholder (below 16 characters) is a word that may stand anywhere: it is left alone below 8, and whole else.
        """
        gone = bytearray(len(text))
        for form in self.__forms(pieces):
            start = text.find(form)
            while start >= 0:
                gone[start : start + len(form)] = b"\1" * len(form)
                start = text.find(form, start + 1)
        return "".join(_without(text, gone)) if any(gone) else text

    def is_in(self, text: str) -> bool:
        """Tell whether a text holds the key; a placeholder must stand there as a word of its own."""
        if len(self.__text) >= LONG:
            return self.__text in text
        return len(self.__text) >= PIECE and self.__text in text.split()

    def __forms(self, pieces: bool) -> Iterator[str]:
        """Yield what gives the key away; base64 shows it in three ways, by where it begins."""
        if len(self.__text) < PIECE:
            return
        yield self.__text
        if len(self.__text) < LONG:
            return
        if pieces:
            yield from (self.__text[at : at + PIECE] for at in range(len(self.__text) - PIECE + 1))
        for shift in range(3):
            packed = base64.b64encode(b" " * shift + self.__text.encode()).decode().rstrip("=")
            yield packed[(0, 2, 3)[shift] : -1]

    def __repr__(self) -> str:
        return f"Key(from {self.source})"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a key is never pickled or copied; make the session again where you need it")


def _without(text: str, gone: bytearray) -> Iterator[str]:
    """Yield a text's parts that are not gone, and one mark for each run that is."""
    for at, letter in enumerate(text):
        if not gone[at]:
            yield letter
        elif at == 0 or not gone[at - 1]:
            yield STRUCK
