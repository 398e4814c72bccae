"""Every sentence a user reads, by key, in every language.

`locales/` holds one TOML file per language. A key is a dotted path to a string; `{name}` in it is replaced by a value.
Values are inserted as text and never read as templates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from types import MappingProxyType
from typing import Any

ENGLISH = "en"
LANGUAGES = ("en", "ko", "zh", "ja")

# The language in force where nobody names one. A context's own: each kernel request and each thread has one, so that
# nothing is shared between them; whoever draws in the background names its language.
current_language: ContextVar[str | Callable[[], str]] = ContextVar("wan_language", default=ENGLISH)


class Phrase(str):
    """A message that is a value of another message: English as text, translated into the language of the whole."""

    key: str
    values: Mapping[str, object]

    def __new__(cls, key: str, values: Mapping[str, object]) -> Phrase:
        """Return the phrase of a key, filled with `values`."""
        made = super().__new__(cls, tr(key, ENGLISH, **values))
        made.key, made.values = key, values
        return made

    def __reduce__(self) -> tuple[object, ...]:
        return Phrase, (self.key, self.values)


@cache
def catalogue(language: str) -> Mapping[str, str]:
    """Return all messages of a language (a BCP 47 primary tag such as "en") as a flat, read-only mapping."""
    import tomllib
    from importlib import resources

    text = (resources.files(__package__) / "locales" / f"{language}.toml").read_text(encoding="utf-8")
    return MappingProxyType(dict(_flatten(tomllib.loads(text))))


def tr(key: str, /, language: str = "", **values: object) -> str:
    """Return the message for `key` in a language ("": the current one), filled with `values`.

    Raises:
        KeyError: no such message, or a value that the message needs is missing.
    """
    spoken = language or language_in_force()
    return _template(key, spoken).format_map({name: translated(value, spoken) for name, value in values.items()})


def tr_count(key: str, count: int, /, language: str = "", **values: object) -> str:
    """Return the message for `key` in its form for `count` things, filled with `count` and `values`.

    English has `key.one` and `key.other`. Korean, Chinese and Japanese have one form, `key.other`.
    """
    spoken = language or language_in_force()
    form = f"{key}.one" if count == 1 and f"{key}.one" in catalogue(_known(spoken)) else f"{key}.other"
    return tr(form, spoken, count=count, **values)


def translated(value: object, language: str = "") -> Any:
    """Return a phrase in a language ("": the current one), and any other value unchanged."""
    return tr(value.key, language, **value.values) if isinstance(value, Phrase) else value


def language_in_force() -> str:
    """Return the language in force; a function in its place is asked now, when a sentence is needed."""
    language = current_language.get()
    return language() if callable(language) else language


@contextmanager
def language_scope(language: str) -> Iterator[None]:
    """Set the current language for a block; callbacks of widgets and worker threads start without one."""
    before = current_language.set(language)
    try:
        yield
    finally:
        current_language.reset(before)


# ---- stored as JSON -----------------------------------------------------------------------------------------------


def packed(value: object) -> object:
    """Return a value that JSON can hold; a phrase is stored by its key, to be read in another language later."""
    if isinstance(value, Phrase):
        return {"say": value.key, "with": {name: packed(one) for name, one in value.values.items()}}
    return value if isinstance(value, str | int | float | None) else str(value)


def unpacked(kept: Any) -> Any:
    """Return what `packed` was given; "" for a phrase that this release does not have."""
    if not isinstance(kept, Mapping):
        return kept
    try:
        return Phrase(kept["say"], {name: unpacked(one) for name, one in kept["with"].items()})
    except (KeyError, TypeError, AttributeError, ValueError):
        return ""


def has_message(key: str, /, language: str = "") -> bool:
    """Tell whether a message exists; what a language lacks is said in English."""
    return key in catalogue(ENGLISH) or key in catalogue(language or language_in_force())


def language_of(*tags: str) -> str:
    """Return the language of the first non-empty tag, such as "ko_KR.UTF-8" or "zh-Hans"; English if unsupported."""
    tag = next((tag for tag in tags if tag.strip()), "")
    primary = tag.strip().lower().replace("_", "-").partition("-")[0].partition(".")[0]
    return primary if primary in LANGUAGES else ENGLISH


def _template(key: str, language: str) -> str:
    own = catalogue(_known(language))
    return own[key] if key in own else catalogue(ENGLISH)[key]


def _known(language: str) -> str:
    return language if language in LANGUAGES else ENGLISH


def _flatten(table: Mapping[str, object], prefix: str = "") -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for name, value in table.items():
        if isinstance(value, Mapping):
            rows += _flatten(value, f"{prefix}{name}.")
        else:
            rows.append((prefix + name, str(value)))
    return rows
