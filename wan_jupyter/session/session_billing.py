"""What a session's jobs cost, and what they may cost."""

from __future__ import annotations

from collections.abc import Callable

from ..billing import budget as budgets
from ..billing import pricing
from ..billing.budget import Budget, Spending, Terms
from ..billing.money import Amount
from ..billing.pricing import Price
from ..catalog.plan import Plan
from ..config.settings import Settings
from ..storage.journal.journal import Admit, JobRecord
from .resources import SessionResources


class SessionBilling:
    """Prices, sums and the budget of one session.

    Attributes:
        budget: the most that this session's jobs may cost; by default the settings' budget for the session's name.
    """

    def __init__(self, resources: SessionResources, budget: Budget | None = None) -> None:
        self._resources = resources
        self.budget: Budget | None = budget or _budget_of(resources.name, resources.settings)

    def price(self, plan: Plan, seconds: float | None = None) -> Price | None:
        """Return what a plan costs, None if that is unknown.

        Args:
            seconds: seconds that were billed; by default those that the plan asks for.
        """
        request = plan.request
        # What `params` sets in the body is not known here: a tier makes any price wrong, a duration only the estimate.
        hidden = pricing.set_by_hand(request.params)
        return pricing.estimate(
            () if hidden & pricing.TIER or (hidden and seconds is None) else plan.model.prices,
            tariff=self._resources.provider.tariff,
            resolution=request.resolution or "",
            seconds=float(request.duration or 0) if seconds is None else seconds,
            silent=request.audio is False or not plan.model.sound,
        )

    def spend(self, since: str = "all") -> tuple[Spending, ...]:
        """Return what the jobs in the journal cost, as `Session.spend`."""
        resources = self._resources
        now = resources.clock.time()
        return budgets.spending_summary(resources.journal.spending, since, now, self._all_budgets())

    def admit(self, cap: Amount | None, yes: bool) -> Admit | None:
        """Return the check that refuses a new record whose job may not be paid for; None where there is no limit.

        The journal calls it inside the transaction that writes the record: two processes cannot both spend the rest
        of a budget.
        """
        budget, clock = self.budget, self._resources.clock
        if budget is None and cap is None:
            return None

        def check(record: JobRecord, sums: Callable[[str, float], tuple[Spending, ...]]) -> None:
            estimate = None if record.estimate is None else Amount(record.estimate, record.currency)
            others = sums(record.session, budget.since(clock.time())) if budget is not None else ()
            Terms(budget, cap, yes).admit(record.session, estimate, others)

        return check

    def _all_budgets(self) -> dict[str, Budget]:
        """Return every budget by its session's name; "" is for sessions without a budget of their own."""
        settings = self._resources.settings
        named = {"": settings.budget, **{name: _budget_of(name, settings) for name in settings.sessions}}
        every = {**named, self._resources.name: self.budget}
        return {name: budget for name, budget in every.items() if budget is not None}


def _budget_of(name: str, settings: Settings) -> Budget | None:
    """Return the budget that the settings give a session: its own, else the one for all sessions."""
    named = settings.sessions.get(name)
    return named.budget if named is not None and named.budget is not None else settings.budget
