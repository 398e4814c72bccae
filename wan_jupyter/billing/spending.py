"""What was spent, with what is left of each session's budget. Floor 5."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from ..errors import OptionError
from ..request.options import nearest, shorten
from .budget import SINCE, Budget, Spending, left_of

Totals = Callable[[float], Sequence[Spending]]  # what the jobs since an epoch second came to


def of_all(totals: Totals, span: str, now: float, budgets: Mapping[str, Budget]) -> tuple[Spending, ...]:
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
