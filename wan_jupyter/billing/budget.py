"""Spending limits: a session's budget, a cell's cap, and the check of an estimate against both.

A budget is a hard cap. An estimate counts from the moment its job is in the journal (it is reserved) until the service
reports the cost. A job without a known price is refused, unless the user agreed with `--yes`.
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
    """The most that a session may spend.

    Attributes:
        currency: "" for the currency of the prices it is compared with.
        span: "day" (in local time) or "total" (for ever).
    """

    amount: float
    currency: str = ""
    span: Span = "total"

    def __str__(self) -> str:
        return f"{Amount(self.amount, self.currency)}{WRITTEN[self.span]}"

    @property
    def phrase(self) -> Phrase:
        """The budget as part of a sentence; `str` gives it as typed."""
        return Phrase(f"budget.span.{self.span}", {"amount": str(Amount(self.amount, self.currency))})

    def since(self, now: float) -> float:
        """Return the epoch second from which jobs count: local midnight, or 0."""
        return midnight(now) if self.span == "day" else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """The cost of one session's jobs at one provider in one currency.

    Attributes:
        currency: "" for free jobs and jobs of unknown price.
        made: number of jobs that ended with a video.
        spent: their cost as the service reports it, else as estimated.
        reserved: estimates of jobs that are running, uncertain or expired at the service: they may be billed.
        unknown: number of jobs that may cost something but have no estimate; they count as 0.
        budget: the session's, None if it has none in this currency.
        left: the budget's remainder in its span; below 0 if the service billed more than was estimated.
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
        """The amount that counts against a budget."""
        return self.spent + self.reserved


def read_budget(value: object) -> Budget:
    """Return a budget: 5, "5", "5 USD", "5 USD/day", "50 USD total"; the default span is the total.

    Raises:
        OptionError: it is not a budget.
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
    """Return the beginning of the local calendar day in epoch seconds."""
    return datetime.fromtimestamp(now).replace(hour=0, minute=0, second=0, microsecond=0).timestamp()


# Word for a span of jobs -> the epoch second from which they count, given the present one.
SINCE: Mapping[str, Callable[[float], float]] = MappingProxyType({"today": midnight, "all": lambda _: 0.0})


# ---- checking a job -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Terms:
    """The conditions under which a new job may cost something.

    Attributes:
        budget: the session's.
        cap: the cell's own, compared with its estimate alone.
        yes: whether the user accepts a price that is unknown or cannot be compared.
    """

    budget: Budget | None = None
    cap: Amount | None = None
    yes: bool = False

    def admit(self, session: str, estimate: Amount | None, spending: Iterable[Spending]) -> None:
        """Accept a new job, or refuse it.

        Args:
            session: name of the session, for the error.
            estimate: the job's estimated cost, None if unknown.
            spending: the session's spending in the budget's span.

        Raises:
            BudgetError: the cap or the budget does not allow the job.
        """
        if estimate is not None and not estimate.number:
            return
        if self.cap is not None:
            self._admit_cell(self.cap, estimate)
        if self.budget is not None:
            self._admit_session(self.budget, session, estimate, list(spending))

    def _admit_cell(self, cap: Amount, estimate: Amount | None) -> None:
        known = self._known(str(cap), cap.currency, estimate)
        if known is not None and known.number > cap.number + SMALLEST:
            raise BudgetError("budget.cell", estimate=known, cap=_in(cap, known.currency))

    def _admit_session(self, budget: Budget, session: str, estimate: Amount | None, spending: list[Spending]) -> None:
        known = self._known(budget.phrase, budget.currency, estimate)
        currency = budget.currency or self._currency(budget, session, known, spending)
        same = [entry for entry in spending if entry.currency == currency]
        spent, reserved = sum(entry.spent for entry in same), sum(entry.reserved for entry in same)
        # An unknown price counts as 0, but is not 0: once the budget is used up, such a job is refused, too.
        if spent + reserved + (known.number if known else 2 * SMALLEST) > budget.amount + SMALLEST:
            facts = {"spent": Amount(spent, currency), "reserved": Amount(reserved, currency), "session": session}
            raise BudgetError("budget.over" if known else "budget.gone", estimate=known, budget=budget.phrase, **facts)

    def _currency(self, budget: Budget, session: str, known: Amount | None, spending: list[Spending]) -> str:
        """Return the currency of a budget that names none: the only one in use, counting this job.

        Raises:
            BudgetError: several are in use, so that the budget would be spent once in each.
        """
        used = [*([known.currency] if known else []), *(entry.currency for entry in spending if entry.counted)]
        found = list(dict.fromkeys(used))
        if len(found) > 1 and not self.yes:
            example = f"{Amount(budget.amount, found[0])}{WRITTEN[budget.span]}"
            facts = {"budget": budget.phrase, "used": ", ".join(found), "example": example}
            raise BudgetError("budget.mixed", session=session, **facts)
        return found[0] if found else ""

    def _known(self, cap: str, currency: str, estimate: Amount | None) -> Amount | None:
        """Return an estimate that can be compared with a cap, None if the user accepted that it cannot.

        Raises:
            BudgetError: it cannot be compared, and the user did not accept that.
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


# ---- summary -------------------------------------------------------------------------------------------------


def left_of(budget: Budget, session: str, currency: str, spending: Iterable[Spending]) -> float:
    """Return what is left of a session's budget in a currency, given the spending in the budget's span."""
    own = (entry.counted for entry in spending if (entry.session, entry.currency) == (session, currency))
    return budget.amount - sum(own)


Totals = Callable[[float], Sequence[Spending]]  # returns the spending since an epoch second


def spending_summary(totals: Totals, span: str, now: float, budgets: Mapping[str, Budget]) -> tuple[Spending, ...]:
    """Return the spending of each session, provider and currency, also of sessions with a budget and no job.

    Args:
        totals: returns the spending since an epoch second.
        span: a word of `SINCE`.
        budgets: budget of each session; "" is for sessions that are not named.

    Raises:
        OptionError: `span` is not a word of `SINCE`.
    """
    if span not in SINCE:
        raise OptionError("spend.span", value=shorten(span), suggestion=nearest(span, SINCE))
    shown = totals(SINCE[span](now))
    counted = {kind: totals(budget.since(now)) for kind, budget in _kinds(budgets.values())}
    return tuple(_with_budget(entry, budgets, counted) for entry in (*shown, *_idle(shown, budgets)))


def _kinds(budgets: Iterable[Budget]) -> Iterator[tuple[str, Budget]]:
    yield from {budget.span: budget for budget in budgets}.items()


def _idle(spending: Iterable[Spending], budgets: Mapping[str, Budget]) -> Iterator[Spending]:
    """Yield an empty entry for each session whose budget no other entry shows."""
    priced = [entry for entry in spending if entry.currency]
    for name, budget in budgets.items():
        if name and not any(entry.session == name and budget.currency in ("", entry.currency) for entry in priced):
            yield Spending(session=name, provider="", currency=budget.currency)


def _with_budget(entry: Spending, budgets: Mapping[str, Budget], counted: Mapping[str, Iterable[Spending]]) -> Spending:
    """Return an entry with its session's budget, if that is in its currency."""
    budget = budgets.get(entry.session, budgets.get(""))
    if budget is None or budget.currency not in ("", entry.currency) or not (entry.currency or not entry.jobs):
        return entry
    left = left_of(budget, entry.session, entry.currency, counted[budget.span])
    return replace(entry, budget=budget, left=left)
