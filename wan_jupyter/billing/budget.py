"""What may be spent: a session's budget, a cell's own cap, and the check of an estimate against both. Floor 2: pure.

A budget is a hard cap. An estimate counts as spent from the moment its job is written down (it is reserved) until the
service's own figure takes its place; what has no known price is refused, unless the user says yes to just that.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Literal

from ..errors import BudgetError, OptionError
from ..i18n.messages import Phrase
from ..i18n.suggestions import nearest, shorten
from .money import AMOUNT, SMALLEST, Amount, of_number, of_text

Span = Literal["day", "total"]

BUDGET = re.compile(rf"\s*{AMOUNT}\s*(?P<span>/\s*day|per\s+day|(?:in\s+)?total)?\s*", re.ASCII | re.IGNORECASE)
WRITTEN: Mapping[Span, str] = MappingProxyType({"day": "/day", "total": " total"})


@dataclass(frozen=True, slots=True)
class Budget:
    """What a named session may spend at most.

    Attributes:
        currency: "" for that of the prices it is compared with.
        span: a "day" of this machine's calendar, or "total": ever.
    """

    amount: float
    currency: str = ""
    span: Span = "total"

    def __str__(self) -> str:
        return f"{Amount(self.amount, self.currency)}{WRITTEN[self.span]}"

    @property
    def phrase(self) -> Phrase:
        """The same as a part of a sentence; `str` is how it is typed."""
        return Phrase(f"budget.span.{self.span}", {"amount": str(Amount(self.amount, self.currency))})

    def since(self, now: float) -> float:
        """Return the epoch second from which jobs count: this machine's midnight, or the beginning of all."""
        return midnight(now) if self.span == "day" else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """What the jobs of one session at one provider in one currency came to.

    Attributes:
        currency: "" where nothing is known of a price, and for what is free.
        made: how many ended with a video.
        spent: what the service said of them; where it did not say, their estimates.
        reserved: estimates of jobs under way, uncertain, or expired at the service: they may be billed.
        unknown: jobs that may cost something nobody knows; they count as nothing.
        budget: the session's, None where it has none in this currency.
        left: what is left of it in its own span, below 0 where the service billed more than was estimated.
    """

    session: str
    provider: str
    currency: str = ""
    jobs: int = 0
    made: int = 0
    spent: float = 0.0
    reserved: float = 0.0
    unknown: int = 0
    budget: Budget | None = None
    left: float | None = None

    @property
    def counted(self) -> float:
        """What counts towards a budget."""
        return self.spent + self.reserved


def read_budget(value: object) -> Budget:
    """Return a budget: 5, "5", "5 USD", "5 USD/day", "50 USD total"; without a span it is the total.

    Raises:
        OptionError: it is none.
    """
    if isinstance(value, Budget):
        return value
    try:
        found = BUDGET.fullmatch(value) if isinstance(value, str) else None
        amount = of_text(found) if isinstance(value, str) else of_number(value)
    except ValueError:
        raise OptionError("budget.bad", value=shorten(value)) from None
    span = (found["span"] or "total") if found else "total"
    return Budget(amount.number, amount.currency, "day" if span.lower().endswith("day") else "total")


def midnight(now: float) -> float:
    """Return when this machine's calendar day began, in epoch seconds."""
    return datetime.fromtimestamp(now).replace(hour=0, minute=0, second=0, microsecond=0).timestamp()


# Which jobs are asked for: word to the epoch second from which on they count, given the present one.
SINCE: Mapping[str, Callable[[float], float]] = MappingProxyType({"today": midnight, "all": lambda _: 0.0})


# ---- may this cell be paid for? -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms a new job may cost something.

    Attributes:
        budget: the session's.
        cap: the cell's own, compared with its estimate alone.
        yes: whether a price that is not known is taken into the bargain.
    """

    budget: Budget | None = None
    cap: Amount | None = None
    yes: bool = False

    def admit(self, session: str, estimate: Amount | None, rows: Iterable[Spending]) -> None:
        """Let a new job through, or refuse it.

        Args:
            session: whose budget it is.
            estimate: what the job costs, None where that is unknown.
            rows: what the session's jobs came to in the budget's span.

        Raises:
            BudgetError: it may not be paid for; nothing was sent.
        """
        if estimate is not None and not estimate.number:
            return
        if self.cap is not None:
            self._admit_cell(self.cap, estimate)
        if self.budget is not None:
            self._admit_session(self.budget, session, estimate, list(rows))

    def _admit_cell(self, cap: Amount, estimate: Amount | None) -> None:
        known = self._known(str(cap), cap.currency, estimate)
        if known is not None and known.number > cap.number + SMALLEST:
            raise BudgetError("budget.cell", estimate=known, cap=_in(cap, known.currency))

    def _admit_session(self, budget: Budget, session: str, estimate: Amount | None, rows: list[Spending]) -> None:
        known = self._known(budget.phrase, budget.currency, estimate)
        currency = budget.currency or self._currency(budget, session, known, rows)
        same = [row for row in rows if row.currency == currency]
        spent, reserved = sum(row.spent for row in same), sum(row.reserved for row in same)
        # What is unknown counts as nothing, but it is something: where nothing is left, it is refused as well.
        if spent + reserved + (known.number if known else 2 * SMALLEST) > budget.amount + SMALLEST:
            facts = {"spent": Amount(spent, currency), "reserved": Amount(reserved, currency), "session": session}
            raise BudgetError("budget.over" if known else "budget.gone", estimate=known, budget=budget.phrase, **facts)

    def _currency(self, budget: Budget, session: str, known: Amount | None, rows: list[Spending]) -> str:
        """Return which currency a budget is in that names none: that of all there is, this job's first.

        Raises:
            BudgetError: there are several, and the one budget would be spent in each of them.
        """
        used = [*([known.currency] if known else []), *(row.currency for row in rows if row.counted)]
        found = list(dict.fromkeys(used))
        if len(found) > 1 and not self.yes:
            example = f"{Amount(budget.amount, found[0])}{WRITTEN[budget.span]}"
            facts = {"budget": budget.phrase, "used": ", ".join(found), "example": example}
            raise BudgetError("budget.mixed", session=session, **facts)
        return found[0] if found else ""

    def _known(self, cap: str, currency: str, estimate: Amount | None) -> Amount | None:
        """Return an estimate that can be compared with a cap in a currency, None for one that need not be.

        Raises:
            BudgetError: it cannot be compared, and nobody said yes to that.
        """
        if estimate is None and not self.yes:
            raise BudgetError("budget.unknown", cap=cap)
        if estimate is None or not currency or estimate.currency == currency:
            return estimate
        if not self.yes:
            raise BudgetError("budget.currency", estimate=estimate, cap=cap, currency=estimate.currency)
        return None


def _in(cap: Amount, currency: str) -> Amount:
    return Amount(cap.number, cap.currency or currency)


# ---- what is left -------------------------------------------------------------------------------------------------


def left_of(budget: Budget, session: str, currency: str, rows: Iterable[Spending]) -> float:
    """Return what is left of a session's budget in a currency, by its rows in the budget's span."""
    return budget.amount - sum(row.counted for row in rows if (row.session, row.currency) == (session, currency))


Totals = Callable[[float], Sequence[Spending]]  # what the jobs since an epoch second came to


def spending_summary(totals: Totals, span: str, now: float, budgets: Mapping[str, Budget]) -> tuple[Spending, ...]:
    """Return a row for each session, provider and currency; a session with a budget and no job has one, too.

    Args:
        totals: what the jobs since an epoch second came to.
        span: a word of `SINCE`.
        budgets: session to budget; "" stands for every session that is not named.

    Raises:
        OptionError: no such word.
    """
    if span not in SINCE:
        raise OptionError("spend.span", value=shorten(span), suggestion=nearest(span, SINCE))
    rows = totals(SINCE[span](now))
    counted = {kind: totals(budget.since(now)) for kind, budget in _kinds(budgets.values())}
    return tuple(_with_budget(row, budgets, counted) for row in (*rows, *_idle(rows, budgets)))


def _kinds(budgets: Iterable[Budget]) -> Iterator[tuple[str, Budget]]:
    yield from {budget.span: budget for budget in budgets}.items()


def _idle(rows: Iterable[Spending], budgets: Mapping[str, Budget]) -> Iterator[Spending]:
    """Yield a row for each session whose budget would show nowhere."""
    shown = [row for row in rows if row.currency]
    for name, budget in budgets.items():
        if name and not any(row.session == name and budget.currency in ("", row.currency) for row in shown):
            yield Spending(session=name, provider="", currency=budget.currency)


def _with_budget(row: Spending, budgets: Mapping[str, Budget], counted: Mapping[str, Iterable[Spending]]) -> Spending:
    """Return a row with its session's budget, if that is in its currency."""
    budget = budgets.get(row.session, budgets.get(""))
    if budget is None or budget.currency not in ("", row.currency) or not (row.currency or not row.jobs):
        return row
    left = left_of(budget, row.session, row.currency, counted[budget.span])
    return replace(row, budget=budget, left=left)
