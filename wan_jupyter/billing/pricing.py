"""What a video costs: the price per second of a model at a resolution, times its seconds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .money import Amount

FREE_TARIFF = "free"
FREE = "0"  # a price of zero, as text
# Parameters that determine the price, by the vendors' names.
LENGTH = frozenset({"duration", "seconds", "num_frames", "fps", "first_clip"})
TIER = frozenset({"model", "resolution", "size", "width", "height", "audio", "n"})


@dataclass(frozen=True, slots=True)
class Price:
    """An amount in a currency; `seen` and `source` say when and where the price was read."""

    amount: float
    currency: str = ""
    seen: str = ""
    source: str = ""

    def __str__(self) -> str:
        return f"{self.amount:.4g} {self.currency}" if self.amount else FREE

    @property
    def rounded(self) -> Amount:
        """The amount as `str` shows it: four significant digits, and no currency where nothing is charged."""
        return Amount(float(f"{self.amount:.4g}"), self.currency if self.amount else "")


def estimate(
    prices: Iterable[Mapping[str, Any]], *, tariff: str, resolution: str, seconds: float, silent: bool
) -> Price | None:
    """Return what `seconds` of video at a resolution tier cost, None if no price is known."""
    if tariff == FREE_TARIFF:
        return Price(0.0)
    if seconds < 0:  # the model chooses the length
        return None
    for price in prices:
        same_sound = price.get("sound", not silent) is not silent
        if same_sound and (price["tariff"], price["resolution"]) == (tariff, resolution):
            return Price(seconds * price["per_second"], price["currency"], price["seen"], price["source"])
    return None


def set_by_hand(params: Iterable[tuple[str, str]]) -> frozenset[str]:
    """Return the price-determining parameters that `--param` sets in the body, which no estimate can know.

    Args:
        params: paths with their values as typed; a JSON value may contain names, too.
    """
    texts = (f"{path} {value}" if value.lstrip()[:1] in ("{", "[") else path for path, value in params)
    return frozenset(re.findall(r"\w+", " ".join(texts))) & (LENGTH | TIER)
