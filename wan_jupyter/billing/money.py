"""Amounts of money as people write them: 5, "5", "0.5 USD"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from numbers import Real

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
