"""What did it cost, and what may it still cost: spend. Floor 6."""

from __future__ import annotations

from ...billing.budget import Spending
from ...billing.money import Amount
from ...i18n.messages import say, told
from ..shell_state import Desk

HEADS = ("session", "provider", "currency", "jobs", "made", "spent", "reserved", "unknown", "budget", "left")


def spend(desk: Desk, span: str = "all") -> None:
    """Show what the jobs came to, by session, provider and currency, and what is left of the budgets."""
    rows = desk.session().spend(span)
    if not rows:
        return desk.presenter.say("spend.nothing")
    return desk.presenter.show_rows([_cells(row) for row in rows], [say(f"spend.{head}") for head in HEADS])


def _cells(row: Spending) -> list[str]:
    counts = (row.jobs, row.made, Amount(row.spent), Amount(row.reserved), row.unknown)
    limits = ("" if row.budget is None else told(row.budget.phrase), "" if row.left is None else Amount(row.left))
    return [row.session, row.provider, row.currency, *map(str, counts), *map(str, limits)]
