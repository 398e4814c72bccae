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
    """Return a number as it would be typed; text as it is."""
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
    """PATH=VALUE from the cell (once an item), or a mapping from Python, whose values become JSON text."""
    if isinstance(value, Mapping):
        return tuple((_text(path), json.dumps(one, ensure_ascii=False, allow_nan=False)) for path, one in value.items())
    if isinstance(value, str):
        path, equals, item = value.partition("=")
        if not equals or not path.strip():
            raise ValueError
        return ((path.strip(), item),)
    return tuple(pair for item in value for pair in _pairs(item))


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


def read_value(row: Declared, value: Any) -> Any:
    """Return `value` (text from a cell, or an object from Python) as the field's own type.

    Raises:
        OptionError: the value is not one that this option takes.
    """
    try:
        read = KINDS[row.option.kind](value)
    except (ValueError, TypeError, OverflowError, RecursionError):
        raise refusal(row, value) from None
    if row.option.choices and read not in row.option.choices:
        raise refusal(row, value)
    return read


def refusal(row: Declared, value: Any) -> OptionError:
    """Return the error for a value that an option does not take, naming what it does take."""
    said = {"choices": ", ".join(row.option.choices), "flag": row.option.flags[-1], "value": shorten(value)}
    return OptionError(f"option.bad_{row.option.kind}", suggestion=nearest(said["value"], row.option.choices), **said)


def read_keywords(kind: type, keywords: Mapping[str, Any]) -> dict[str, Any]:
    """Return Python keywords as field values; None means "not asked".

    Raises:
        OptionError: an unknown keyword, or a value that the option does not take.
    """
    rows = {row.name: row for row in declared(kind)}
    for name in keywords.keys() - rows.keys():
        raise OptionError("option.unknown_keyword", name=name, suggestion=nearest(name, rows))
    return {name: read_value(rows[name], value) for name, value in keywords.items() if value is not None}
