"""Every sentence a user reads, by key. Floor 0: knows data files and nothing else.

One TOML file a language lies in `lang/`. A key is a dotted path to a string; `{name}` in it is filled from the
values. A value is put in as text and never read as a template again.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from types import MappingProxyType

ENGLISH = "en"


@cache
def catalogue(language: str) -> Mapping[str, str]:
    """Return all messages of a language (a BCP 47 primary tag such as "en") as a flat, read-only mapping."""
    text = (resources.files("wan_jupyter") / "lang" / f"{language}.toml").read_text(encoding="utf-8")
    return MappingProxyType(dict(_flatten(tomllib.loads(text))))


def say(key: str, /, language: str = ENGLISH, **values: object) -> str:
    """Return the message for `key`, filled with `values`.

    Raises:
        KeyError: no such message, or a value that the message needs was not given.
    """
    return catalogue(language)[key].format_map(values)


def known(key: str, /, language: str = ENGLISH) -> bool:
    """Tell whether a message exists."""
    return key in catalogue(language)


def _flatten(table: Mapping[str, object], prefix: str = "") -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for name, value in table.items():
        if isinstance(value, Mapping):
            rows += _flatten(value, f"{prefix}{name}.")
        else:
            rows.append((prefix + name, str(value)))
    return rows
