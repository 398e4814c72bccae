"""Prompt text: fill `{{ templates }}`, look up `$name`, and normalise prompts for comparison.

Names are passed in; nothing here knows IPython. Nothing is evaluated: a template is a name, then attributes and
indexes, then a format.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..errors import PromptError
from ..i18n.suggestions import nearest, shorten
from ..security.sanitize import whole

_STEP = r"""\.[^\W\d]\w*|\[\s*(?:-?[0-9]{1,18}|'[^'\n]*'|"[^"\n]*")\s*\]"""
_PATH = rf"[^\W\d]\w*(?:{_STEP})*"

STEP = re.compile(_STEP)
WORD = re.compile(rf"\$?({_PATH})")
# `{{` and the beginning of a name; then either a whole template or, with `path` None, an error to report.
TEMPLATE = re.compile(rf"\{{\{{\s*(?=[^\W\d])(?:(?P<path>{_PATH})\s*(?::(?P<spec>[^{{}}]*))?\}}\}})?")


def normal(text: str) -> str:
    """Return a prompt as it is sent: line ends unified to \\n, outer blanks stripped.

    Half a character (a lone surrogate, left by a broken copy) becomes U+FFFD: neither JSON nor SQLite accepts it.
    """
    return whole(text).replace("\r\n", "\n").replace("\r", "\n").strip()


def fill(text: str, names: Mapping[str, object]) -> str:
    """Return `text` with each `{{ name }}`, `{{ name.attribute }}`, `{{ name[0]["key"] }}`, `{{ name:spec }}` filled.

    One pass: filled-in text is never read as a template. Only `{{` before the beginning of a name opens one; a
    single brace, `}}` alone, and `{{` before anything else (`{{"a": 1}}`, `{{{`, `{{ 5`) pass untouched.

    Raises:
        PromptError: an unknown name, attribute or index, an expression that is none of the above, a format that does
            not suit the value, a template that is never closed, or an exception raised by the user's own object.
    """
    return TEMPLATE.sub(lambda found: _filled(found, names), text)


def lookup(word: str, names: Mapping[str, object]) -> object:
    """Return the object that `$name`, `$name.attribute` or `$name[0]` refers to.

    Raises:
        PromptError: no such name, attribute or index, or a word that is none of these.
    """
    found = WORD.fullmatch(word)
    if not found:
        raise PromptError("prompt.bad_expression", value=shorten(word))
    return _follow(found[1], names)


def is_lookup(word: str) -> bool:
    """Check whether a word is `$` and an expression; `$`, `$5.png` and `$a-b` are plain text."""
    return word.startswith("$") and WORD.fullmatch(word) is not None


def _filled(found: re.Match[str], names: Mapping[str, object]) -> str:
    if found["path"] is None:
        raise _complaint(found.string[found.start() :])
    value = _follow(found["path"], names)
    return _written(value, (found["spec"] or "").rstrip(), found["path"])


def _complaint(rest: str) -> PromptError:
    """Return the error for a text that opens a template and does not continue as one."""
    body, closing, _ = rest.partition("}}")
    key = "prompt.bad_expression" if closing else "prompt.unclosed"
    return PromptError(key, value=shorten(body + closing, 60))


def _follow(path: str, names: Mapping[str, object]) -> object:
    """Return what a path of a name, attributes and indexes leads to."""
    name = re.split(r"[.\[]", path, maxsplit=1)[0]
    known = unicodedata.normalize("NFKC", name)  # as Python itself reads names
    if known not in names:
        raise PromptError("prompt.unknown_name", name=shorten(name), suggestion=nearest(known[:80], _public(names)))
    value = names[known]
    for step in STEP.finditer(path, len(name)):
        take = _item if step[0].startswith("[") else _attribute
        value = take(value, step[0], path[: step.start()])
    return value


def _attribute(value: Any, step: str, path: str) -> object:
    word = unicodedata.normalize("NFKC", step[1:])
    if word.startswith("_"):
        raise PromptError("prompt.private", word=shorten(word), name=shorten(path))
    try:
        return _guarded(lambda: getattr(value, word), path + step, AttributeError)
    except AttributeError:
        has = _guarded(lambda: dir(value), path)
        suggestion = nearest(word[:80], _public(has))
        values = {"name": shorten(path), "word": shorten(word), "suggestion": suggestion}
        raise PromptError("prompt.unknown_attribute", **values) from None


def _item(value: Any, step: str, path: str) -> object:
    inner = step[1:-1].strip()
    key = inner[1:-1] if inner[0] in "'\"" else int(inner)
    try:
        return _guarded(lambda: value[key], path + step, LookupError, TypeError)
    except (LookupError, TypeError):
        raise PromptError("prompt.unknown_index", name=shorten(path), word=shorten(inner)) from None


def _written(value: object, spec: str, path: str) -> str:
    # Without a format, an error is the object's own; with one, most likely the format does not fit.
    ours = (ValueError, TypeError) if spec else ()
    try:
        return str(_guarded(lambda: format(value, spec), path, *ours))
    except ours as error:
        raise PromptError("prompt.bad_format", name=shorten(path), spec=shorten(spec), error=shorten(error)) from None


def _guarded(ask: Callable[[], Any], path: str, *passed: type[Exception]) -> Any:
    """Ask a user's object for something; report what it raises, except `passed`, as an error of the prompt."""
    try:
        return ask()
    except passed:
        raise
    except Exception as error:
        reported = shorten(f"{type(error).__name__}: {shorten(error)}")
        raise PromptError("prompt.raised", name=shorten(path), error=reported) from error


def _public(words: Iterable[str]) -> list[str]:
    return [word for word in words if not word.startswith("_")]
