"""Amounts of money as people write them (5, "5", "0.5 USD"), and price estimates."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from numbers import Real
from typing import Any

# A number, then optionally a currency's three letters; "5 day" is a mistyped "5/day", not a currency.
AMOUNT = r"(?P<number>[0-9]{1,9}(?:\.[0-9]{1,6})?)\s*(?P<currency>(?!(?i:day)\b)[A-Za-z]{3})?"
TOO_MUCH = 1_000_000_000
SMALLEST = 1e-6  # a smaller difference is a rounding error of a sum


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount of money, at least 0; `currency` is "" if none was named."""

    number: float
    currency: str = ""

    def __str__(self) -> str:
        number = f"{self.number:.6f}".rstrip("0").rstrip(".")
        return f"{number} {self.currency}".rstrip()


def read_amount(value: object) -> Amount:
    """Return an amount: 0.5, "0.5", "0.5 USD", "0.5usd".

    Raises:
        ValueError: it is not an amount.
    """
    if isinstance(value, Amount):
        return value
    if isinstance(value, str):
        return of_text(re.fullmatch(rf"\s*{AMOUNT}\s*", value, re.ASCII))
    return of_number(value)


def of_text(found: re.Match[str] | None) -> Amount:
    """Return the amount in a match of `AMOUNT`.

    Raises:
        ValueError: there was no match.
    """
    if found is None:
        raise ValueError
    return Amount(float(found["number"]), (found["currency"] or "").upper())


def of_number(value: object) -> Amount:
    """Return a number as an amount without a currency.

    Raises:
        ValueError: it is not a number, below 0, or `TOO_MUCH`.
    """
    if isinstance(value, bool) or not isinstance(value, Real | Decimal):
        raise ValueError
    try:
        number = float(value)
    except OverflowError:
        raise ValueError from None
    if not 0 <= number < TOO_MUCH:  # also NaN and infinity
        raise ValueError
    return Amount(round(number, 6))


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
