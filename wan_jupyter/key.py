"""The one object that holds an API key. Floor 0: knows the standard library only.

Its text leaves through `reveal` alone, which `client` calls to sign a request for the key's own origin. Printing,
formatting, pickling and copying into a dict show where the key came from, never what it is.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import NoReturn


class Key:
    """An API key and where it was found."""

    __slots__ = ("__text", "source")

    def __init__(self, text: str, source: str) -> None:
        self.__text = text.strip()
        self.source = source

    def reveal(self) -> str:
        """Return the key itself, for the `Authorization` header of its own origin."""
        return self.__text

    def tag(self, salt: bytes) -> str:
        """Return a name for the account that does not give the key away: an HMAC with a salt of this machine."""
        return hmac.new(salt, self.__text.encode(), hashlib.sha256).hexdigest()[:16]

    def __repr__(self) -> str:
        return f"Key(from {self.source})"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a key is never pickled or copied; make the session again where you need it")
