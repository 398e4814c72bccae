"""Budgets as people write them, and what they let through: hard caps, in one currency, by whole calendar days."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wan_jupyter.billing.budget import Budget, Spending, Terms, left_of, midnight, read_budget
from wan_jupyter.billing.money import Amount, read_amount
from wan_jupyter.errors import BudgetError, InputError, OptionError

quick = settings(max_examples=200, deadline=None, database=None)
amounts = st.decimals(0, 999_999_999, places=6, allow_nan=False, allow_infinity=False).map(float)
currencies = st.sampled_from(["", "USD", "CNY", "EUR"])
spans = st.sampled_from(["day", "total"])
budgets = st.builds(Budget, amounts, currencies, spans)

# ---- how a budget is written ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (5, Budget(5)),
        (0, Budget(0)),
        (0.5, Budget(0.5)),
        (Decimal("2.5"), Budget(2.5)),
        (np.float32(2), Budget(2)),
        (np.int64(2), Budget(2)),
        ("5", Budget(5)),
        ("5 USD", Budget(5, "USD")),
        ("5 usd", Budget(5, "USD")),
        ("5 USD/day", Budget(5, "USD", "day")),
        ("20CNY / day", Budget(20, "CNY", "day")),
        ("5/day", Budget(5, "", "day")),
        ("5 USD per day", Budget(5, "USD", "day")),
        ("50 USD total", Budget(50, "USD")),
        ("50 total", Budget(50)),
        (" 50 USD in total ", Budget(50, "USD")),
        (Budget(1, "USD", "day"), Budget(1, "USD", "day")),
    ],
)
def test_a_budget_is_read_as_it_is_written(written: object, meant: Budget) -> None:
    """Without a span it is the total, which is the narrower of the two."""
    assert read_budget(written) == meant


@pytest.mark.parametrize(
    "written",
    [
        "", " ", "much", "-5", -5, "5,5", "1,000 USD", "5 dollars", "5 day", "5 days", "USD 5", "$5", "5 USD/week",
        "5 USD day", "1e3", "nan", "inf", float("nan"), float("inf"), 10**400, Decimal("sNaN"), True, None, b"5", [5],
        "٥", "5 USD/day/day",
    ],
)  # fmt: skip
def test_what_is_no_budget_is_said_with_what_is(written: object) -> None:
    """In two lines; nothing is guessed where money is spent."""
    with pytest.raises(OptionError) as caught:
        read_budget(written)
    assert "5 USD/day" in caught.value.hint()
    assert "50 USD total" in caught.value.hint()
    assert len(caught.value.lines()) == 2


@quick
@given(budgets)
def test_a_budget_can_be_read_as_it_is_shown(budget: Budget) -> None:
    """What a message shows can be typed again."""
    assert read_budget(str(budget)) == budget


@quick
@given(st.text(max_size=30) | st.from_regex(r"[0-9. ]{0,6}[A-Za-z/ ]{0,10}", fullmatch=True))
def test_whatever_is_written_is_a_budget_or_an_error(text: str) -> None:
    """Never below nothing, never without end, never a day by mistake."""
    try:
        budget = read_budget(text)
    except OptionError:
        return
    assert 0 <= budget.amount < 1e9
    assert budget.currency == "" or len(budget.currency) == 3
    assert (budget.span == "day") is text.strip().lower().endswith("day")


@quick
@given(amounts, currencies)
def test_a_cells_cap_is_an_amount_without_a_span(number: float, currency: str) -> None:
    """`--budget 0.5USD`; the span is the session's."""
    assert read_amount(str(Amount(number, currency))) == Amount(number, currency)
    with pytest.raises(ValueError, match=r"^$"):
        read_amount(f"{Amount(number, currency)}/day")


# ---- what it lets through -------------------------------------------------------------------------------------------

USD = Amount(0.25, "USD")


def rows(spent: float = 0.0, reserved: float = 0.0, currency: str = "USD") -> Spending:
    return Spending(session="s", provider="p", currency=currency, jobs=1, spent=spent, reserved=reserved)


def admitted(budget: Any, estimate: Amount | None, *others: Spending, cap: Any = None, yes: bool = False) -> str:
    """Return "" for a job that is let through, else the key of the error."""
    terms = Terms(None if budget is None else read_budget(budget), None if cap is None else read_amount(cap), yes)
    try:
        terms.admit("s", estimate, others)
    except BudgetError as error:
        return error.key
    return ""


@pytest.mark.parametrize(
    ("budget", "estimate", "others", "yes", "key"),
    [
        ("1 USD", USD, [], False, ""),
        ("1 USD", USD, [rows(0.5, 0.25)], False, ""),
        ("1 USD", USD, [rows(0.5, 0.26)], False, "budget.over"),
        ("1 USD", USD, [rows(0.5, 0.26)], True, "budget.over"),
        ("0.3 USD", Amount(0.1, "USD"), [rows(0.1, 0.1)], False, ""),  # 0.1 + 0.1 + 0.1 is 0.30000000000000004
        ("0 USD", USD, [], True, "budget.over"),
        ("0 USD", Amount(0.0), [], False, ""),
        ("1 USD", Amount(0.0), [rows(9)], False, ""),
        ("1 USD", None, [], False, "budget.unknown"),
        ("1 USD", None, [], True, ""),
        ("1 USD", None, [rows(1.0)], True, "budget.gone"),
        ("1 USD", Amount(0.5, "CNY"), [], False, "budget.currency"),
        ("1 USD", Amount(0.5, "CNY"), [], True, ""),
        ("1 USD", USD, [rows(9, 0, "CNY")], False, ""),
        (1, USD, [rows(0.75)], False, ""),
        (1, USD, [rows(0.76)], False, "budget.over"),
        (1, USD, [rows(0.1, 0, "CNY")], False, "budget.mixed"),
        (1, USD, [rows(0.1, 0, "CNY")], True, ""),
        (1, USD, [rows(0, 0, "CNY"), rows(0, 0, "")], False, ""),
        (1, None, [rows(1.0)], True, "budget.gone"),
    ],
)
def test_a_budget_is_a_hard_cap(
    budget: Any, estimate: Amount | None, others: list[Spending], yes: bool, key: str
) -> None:
    """Yes is said to a price that nobody knows, never to one that is too high; what is free passes."""
    assert admitted(budget, estimate, *others, yes=yes) == key


@pytest.mark.parametrize(
    ("cap", "estimate", "yes", "key"),
    [
        ("0.25", USD, False, ""),
        ("0.24", USD, False, "budget.cell"),
        ("0.24 USD", USD, True, "budget.cell"),
        ("9 CNY", USD, False, "budget.currency"),
        ("1", None, False, "budget.unknown"),
        ("1", None, True, ""),
        ("0", Amount(0.0), False, ""),
    ],
)
def test_a_cells_cap_looks_at_its_estimate_alone(cap: str, estimate: Amount | None, yes: bool, key: str) -> None:
    """Whatever was spent before."""
    assert admitted(None, estimate, rows(99), cap=cap, yes=yes) == key


def test_a_refusal_says_spent_reserved_estimate_and_cap() -> None:
    """And what to type next."""
    with pytest.raises(BudgetError) as caught:
        Terms(Budget(1, "USD", "day")).admit("work", USD, [rows(0.5, 0.3)])
    assert isinstance(caught.value, InputError)
    assert len(caught.value.lines()) == 2
    told = str(caught.value)
    for words in ("0.25 USD", "1 USD/day", "0.5 USD spent", "0.3 USD reserved", "%wan spend", "session work"):
        assert words in told


@quick
@given(st.lists(st.floats(0.01, 5).map(lambda cost: round(cost, 2)), max_size=40), st.floats(0.1, 20))
def test_whatever_is_let_through_never_adds_up_to_more(costs: list[float], most: float) -> None:
    """One job after the other, each counted once it is through."""
    through = 0.0
    for cost in costs:
        if not admitted(Budget(most, "USD"), Amount(cost, "USD"), rows(reserved=through)):
            through += cost
    assert through <= most + 1e-5


# ---- days -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("zone", ["UTC", "Asia/Seoul", "America/Los_Angeles"])
def test_a_day_begins_at_this_machines_midnight(monkeypatch: pytest.MonkeyPatch, zone: str) -> None:
    """Also on days that have 23 or 25 hours."""
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        for day in (datetime(2026, 3, 8), datetime(2026, 11, 1), datetime(2026, 11, 21)):
            noon, next_day = (day + timedelta(hours=12)).timestamp(), (day + timedelta(days=1)).timestamp()
            assert midnight(noon) == day.timestamp()
            assert midnight(next_day) == next_day
            assert Budget(1, "USD", "day").since(noon) == day.timestamp()
            assert Budget(1, "USD").since(noon) == 0
    finally:
        monkeypatch.undo()
        time.tzset()


def test_what_is_left_counts_a_session_and_a_currency() -> None:
    """Over all its providers; below nothing where the service billed more."""
    other = Spending(session="t", provider="p", currency="USD", spent=5.0)
    kept = [rows(0.5, 0.25), rows(0.5), rows(7, 0, "CNY"), other]
    assert left_of(Budget(2, "USD"), "s", "USD", kept) == 0.75
    assert left_of(Budget(1, "USD"), "s", "USD", kept) == -0.25
