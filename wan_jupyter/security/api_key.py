"""The only object that holds an API key.

The key's text leaves through `reveal` only, which `transport.client` calls to sign a request to the key's own origin.
Printing, formatting and copying show where the key came from, never the key; pickling is refused.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterator
from typing import NoReturn

PIECE = 8  # characters of a key that must never appear together
LONG = 16  # characters; a shorter "key", such as EMPTY, is a placeholder, and parts of it are ordinary words
STRUCK = "[key]"


class Key:
    """An API key, and where it was found."""

    __slots__ = ("__text", "__weakref__", "source")

    def __init__(self, text: str, source: str) -> None:
        self.__text = text.strip()
        self.source = source

    def reveal(self) -> str:
        """Return the key itself, for the `Authorization` header of its own origin."""
        return self.__text

    def tag(self, salt: bytes) -> str:
        """Return a name for the key's account that does not reveal the key: an HMAC with this machine's salt."""
        return hmac.new(salt, self.__text.encode(), hashlib.sha256).hexdigest()[:16]

    def strike(self, text: str, pieces: bool = True) -> str:
        """Return text without the key and its base64; with `pieces`, also without any eight characters in a row of it.

        A short key is a placeholder such as EMPTY, and an ordinary word: below 8 characters it stays, below 16 it is
        removed only as a whole.
        """
        gone = bytearray(len(text))
        for form in self.__forms(pieces):
            start = text.find(form)
            while start >= 0:
                gone[start : start + len(form)] = b"\1" * len(form)
                start = text.find(form, start + 1)
        return "".join(_without(text, gone)) if any(gone) else text

    def is_in(self, text: str) -> bool:
        """Return whether a text contains the key; a placeholder must appear as a word of its own."""
        if len(self.__text) >= LONG:
            return self.__text in text
        return len(self.__text) >= PIECE and self.__text in text.split()

    def __forms(self, pieces: bool) -> Iterator[str]:
        """Yield the strings that reveal the key; base64 has three forms, depending on the offset."""
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
    """Yield a text's remaining parts, and one placeholder for each removed run."""
    for at, letter in enumerate(text):
        if not gone[at]:
            yield letter
        elif at == 0 or not gone[at - 1]:
            yield STRUCK
