"""Taking widgets back from a kernel: each with its layout, its style and what it holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any


def close(*roots: Any) -> None:
    """Close widgets and all that they are made of; None stands for a widget that was never made."""
    for widget in list(_parts(roots, set())):
        widget.close()


def _parts(values: Iterable[Any], seen: set[int]) -> Iterator[Any]:
    from ipywidgets import Widget

    for value in values:
        if isinstance(value, tuple | list):
            yield from _parts(value, seen)
        elif isinstance(value, Widget) and id(value) not in seen:
            seen.add(id(value))
            yield from _parts(list(value._trait_values.values()), seen)
            yield value
