"""Values of options, read from text or from Python."""

from __future__ import annotations

import json
import math
import operator
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from ..billing.money import read_amount
from ..errors import OptionError
from ..i18n.suggestions import nearest, shorten
from ..security.sanitize import whole
from .options import MAX_SEED, Declared, declared


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError
    return whole(value)


def _whole(value: Any) -> int:
    if isinstance(value, bool):
        raise ValueError
    return int(value) if isinstance(value, str) else operator.index(value)  # numpy's integers too


def _typed(value: Any) -> str:
    """Return a number as a user would type it; text as it is."""
    if isinstance(value, str):
        return value.strip()
    return str(value if isinstance(value, float) else _whole(value))


def _seconds(value: Any) -> int:
    """Seconds as a whole number of at least 1, or -1 (let the model choose): 5, "5", "5s"."""
    number = _whole(value.strip().removesuffix("s") if isinstance(value, str) else value)
    if number < 1 and number != -1:
        raise ValueError
    return number


def _seed(value: Any) -> int:
    number = _whole(value)
    if not 0 <= number <= MAX_SEED:
        raise ValueError
    return number


def _resolution(value: Any) -> str:
    """A tier: 720P, "720p", 720."""
    found = re.fullmatch(r"([0-9]{3,4})[pP]?", _typed(value))
    if not found:
        raise ValueError
    return f"{found[1]}P"


def _size(value: Any) -> str:
    """Width and height: "1280x720", "1280*720"."""
    found = re.fullmatch(r"([1-9][0-9]{1,4})\s*[x*×]\s*([1-9][0-9]{1,4})", _text(value).strip().lower())
    if not found:
        raise ValueError
    return f"{found[1]}x{found[2]}"


def _switch(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError
    return value


def _url(value: Any) -> str:
    if not isinstance(value, str) or not value.startswith(("http://", "https://")):
        raise ValueError
    return value


def _name(value: Any) -> str:
    if not isinstance(value, str) or not value.isidentifier():
        raise ValueError
    return value


UNITS: Mapping[str, int] = MappingProxyType({"": 1, "s": 1, "m": 60, "min": 60, "h": 3600})


def _time(value: Any) -> float:
    """A time in seconds: 90, "90s", "20m", "1.5h"."""
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*([a-z]*)", _typed(value))
    if not found or found[2] not in UNITS:
        raise ValueError
    seconds = float(found[1]) * UNITS[found[2]]
    if not (0 < seconds < math.inf):
        raise ValueError
    return seconds


def _pairs(value: Any) -> tuple[tuple[str, str], ...]:
    """PATH=VALUE from a cell, one an item, or a mapping from Python, whose values become JSON text."""
    if isinstance(value, Mapping):
        return tuple((_text(path), json.dumps(one, ensure_ascii=False, allow_nan=False)) for path, one in value.items())
    if isinstance(value, str):
        path, equals, item = value.partition("=")
        if not equals or not path.strip():
            raise ValueError
        return ((path.strip(), item),)
    return tuple(pair for item in value for pair in ((item,) if _is_pair(item) else _pairs(item)))


def _is_pair(item: Any) -> bool:
    """Return whether an item is a pair that was read before; no path contains "="."""
    return (
        isinstance(item, tuple)
        and len(item) == 2
        and all(isinstance(part, str) for part in item)
        and "=" not in item[0]
    )


KINDS: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {
        "text": _text,
        "seconds": _seconds,
        "seed": _seed,
        "resolution": _resolution,
        "size": _size,
        "switch": _switch,
        "flag": _switch,
        "url": _url,
        "name": _name,
        "time": _time,
        "pairs": _pairs,
        "amount": read_amount,
        "choice": _text,
    }
)


def read_value(declaration: Declared, value: Any) -> Any:
    """Return `value` (text from a cell, or an object from Python) as the field's own type.

    Raises:
        OptionError: the option does not take the value.
    """
    try:
        read = KINDS[declaration.option.kind](value)
    except (ValueError, TypeError, OverflowError, RecursionError):
        raise refusal(declaration, value) from None
    if declaration.option.choices and read not in declaration.option.choices:
        raise refusal(declaration, value)
    return read


def refusal(declaration: Declared, value: Any) -> OptionError:
    """Return the error for a value that an option does not take; it names what the option does take."""
    said = {
        "choices": ", ".join(declaration.option.choices),
        "flag": declaration.option.flags[-1],
        "value": shorten(value),
    }
    return OptionError(
        f"option.bad_{declaration.option.kind}", suggestion=nearest(said["value"], declaration.option.choices), **said
    )


def read_keywords(kind: type, keywords: Mapping[str, Any]) -> dict[str, Any]:
    """Return Python keywords as field values; None means "not set".

    Raises:
        OptionError: an unknown keyword, or a value that the option does not take.
    """
    options = {option.name: option for option in declared(kind)}
    for name in keywords.keys() - options.keys():
        raise OptionError("option.unknown_keyword", name=name, suggestion=nearest(name, options))
    return {name: read_value(options[name], value) for name, value in keywords.items() if value is not None}
