"""What a video costs, by the price rows of a model. Floor 2: pure.

A price that no row states is unknown and is said to be; it is never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

FREE_TARIFF = "free"
FREE = "0"  # a price of nothing, as text
# What in a body makes the price, by the vendors' names for it.
LENGTH = frozenset({"duration", "seconds", "num_frames", "fps", "first_clip"})
TIER = frozenset({"model", "resolution", "size", "width", "height", "audio", "n"})


@dataclass(frozen=True, slots=True)
class Price:
    """An amount in a currency, with when and where its row was seen."""

    amount: float
    currency: str = ""
    seen: str = ""
    source: str = ""

    def __str__(self) -> str:
        return f"{self.amount:.4g} {self.currency}" if self.amount else FREE


def estimate(
    rows: Iterable[Mapping[str, Any]], *, tariff: str, resolution: str, seconds: float, silent: bool
) -> Price | None:
    """Return what `seconds` of video at a resolution tier cost, None where no row states it."""
    if tariff == FREE_TARIFF:
        return Price(0.0)
    if seconds < 0:  # the model chooses the length
        return None
    for row in rows:
        same_sound = row.get("sound", not silent) is not silent
        if same_sound and (row["tariff"], row["resolution"]) == (tariff, resolution):
            return Price(seconds * row["per_second"], row["currency"], row["seen"], row["source"])
    return None


def set_by_hand(params: Iterable[tuple[str, str]]) -> frozenset[str]:
    """Return which of what makes the price is set in the body itself (`--param`), past all that we know of it.

    Args:
        params: paths with their values as they were typed; a value that is JSON may hold names, too.
    """
    texts = (f"{path} {value}" if value.lstrip()[:1] in ("{", "[") else path for path, value in params)
    return frozenset(re.findall(r"\w+", " ".join(texts))) & (LENGTH | TIER)
