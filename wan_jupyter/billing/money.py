"""Sums of money as people write them: 5, "5", "0.5 USD". Floor 0: pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from numbers import Real
from typing import Any

# A number, then perhaps a currency's three letters; "5 day" forgets the stroke of "5/day" and is no currency.
AMOUNT = r"(?P<number>[0-9]{1,9}(?:\.[0-9]{1,6})?)\s*(?P<currency>(?!(?i:day)\b)[A-Za-z]{3})?"
TOO_MUCH = 1_000_000_000
SMALLEST = 1e-6  # what is less than this is the rounding of a sum, not money


@dataclass(frozen=True, slots=True)
class Amount:
    """A sum of money, at least 0; `currency` is "" where none was named."""

    number: float
    currency: str = ""

    def __str__(self) -> str:
        number = f"{self.number:.6f}".rstrip("0").rstrip(".")
        return f"{number} {self.currency}".rstrip()


def read_amount(value: object) -> Amount:
    """Return an amount: 0.5, "0.5", "0.5 USD", "0.5usd".

    Raises:
        ValueError: it is none.
    """
    if isinstance(value, Amount):
        return value
    if isinstance(value, str):
        return of_text(re.fullmatch(rf"\s*{AMOUNT}\s*", value, re.ASCII))
    return of_number(value)


def of_text(found: re.Match[str] | None) -> Amount:
    """Return what a match of `AMOUNT` found as an amount.

    Raises:
        ValueError: there was none.
    """
    if found is None:
        raise ValueError
    return Amount(float(found["number"]), (found["currency"] or "").upper())


def of_number(value: object) -> Amount:
    """Return a number as an amount without a currency.

    Raises:
        ValueError: it is no number, below 0, or beyond all sense.
    """
    if isinstance(value, bool) or not isinstance(value, Real | Decimal):
        raise ValueError
    try:
        number = float(value)
    except OverflowError:
        raise ValueError from None
    if not 0 <= number < TOO_MUCH:  # also what is not a number, or infinite
        raise ValueError
    return Amount(round(number, 6))


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

    @property
    def rounded(self) -> Amount:
        """The amount as `str` shows it: four significant digits, and no currency where nothing is charged."""
        return Amount(float(f"{self.amount:.4g}"), self.currency if self.amount else "")


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
