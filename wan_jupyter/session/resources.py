"""What a session works with: its provider and key, its client, the process's journal, owner and emulator. Floor 5."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from ..billing import budget as budget_module
from ..billing import money
from ..billing.budget import Budget, Spending, Terms
from ..billing.money import Amount, Price
from ..catalog import plan as catalog
from ..catalog.plan import Plan, Provider
from ..config.provider_selection import ProviderSelection
from ..config.settings import OUTPUTS
from ..jobs import background
from ..jobs.background import Clock, Engine, RealClock
from ..jobs.context import JobContext
from ..jobs.job import Job
from ..security.api_key import Key
from ..security.log_redaction import Scrubber
from ..storage.atomic_files import is_usable
from ..storage.home import HomeLayout
from ..storage.input_spool import Spool
from ..storage.journal.journal import Admit, JobRecord, Journal
from ..storage.output_files import output_paths
from ..storage.process_lock import Owner
from ..transport.client import Client
from .sidecar import sidecar_of


class SessionResources:
    """One provider, one key, one outputs folder; what a process has only once is shared through its engine."""

    def __init__(
        self, chosen: ProviderSelection, outputs: str | Path | None, clock: Clock | None, budget: Budget | None = None
    ) -> None:
        self._settings = chosen.settings
        self._clock = clock or RealClock()
        self.name: str = chosen.name
        self.provider: Provider = chosen.provider
        self.key: Key | None = chosen.key
        self.budget: Budget | None = budget or self._budget_of(chosen.name)
        usual = self._settings.outputs or self._settings.notebook / OUTPUTS
        self.outputs = Path(outputs).expanduser().absolute() if outputs else usual
        self._made: tuple[Engine, Client] | None = None

    @property
    def journal(self) -> Journal:
        """The journal of this home."""
        home = self._settings.home
        shared: Journal = background.current().share(("journal", home), lambda: Journal(home))
        return shared

    @cached_property
    def account(self) -> str:
        """A name for the key's account that does not give the key away."""
        return self.key.tag(self.journal.salt()) if self.key else ""

    @property
    def owner(self) -> Owner:
        """This process, as the journal knows it."""
        home = self._settings.home
        shared: Owner = background.current().share(("owner", home), lambda: Owner(home))
        return shared

    @property
    def _client(self) -> Client:
        """This process's client; after a fork the parent's connections are not ours."""
        if self._made is None or self._made[0] is not background.current():
            here = background.current()
            scrubber = here.share(("scrubber", ""), lambda: Scrubber(here.is_here))
            scrubber.know(self.key if self.provider.key != "built-in" else None)
            self._made = here, Client(self.provider.origin, self.key, self._emulator())
        return self._made[1]

    def let_go(self) -> None:
        """Close connections that nobody uses; a session whose jobs are under way keeps its own."""
        here = background.current()
        mine = [job for job in here.jobs.values() if not job.done and job.info.session == self.name]
        if self._made is not None and self._made[0] is here and not mine:
            here.start(self._made[1].close)

    @property
    def in_process(self) -> bool:
        """Whether the service runs in this very process: the emulator, unless it has an address of its own."""
        return self.provider.base_url == catalog.provider(catalog.EMULATOR).base_url

    @property
    def _spool(self) -> Spool:
        return Spool(HomeLayout(self._settings.home).inputs)

    def _emulator(self) -> Any:
        """Return the emulator in process; imported here, for the default only."""
        if not self.in_process:
            return None
        from ..emulator import create_app

        folder, how = HomeLayout(self._settings.home).emulator, self._settings.emulator
        return background.current().share(("emulator", folder), lambda: create_app(folder, **how))

    def emulator_spare(self, known: Collection[str]) -> list[Path] | None:
        """List the emulator's files that tasks of these ids do not need; None while another process serves them."""
        from ..emulator.cleanup import spare

        now = self._settings.emulator.get("now", self._clock.time)
        return spare(HomeLayout(self._settings.home).emulator, known, now())

    # ---- records, contexts and prices -------------------------------------------------------------------------------

    def _row(self, plan: Plan, mark: str, cell: str, account: str, identity: str, number: int) -> JobRecord:
        price = self._price(plan)
        return JobRecord(
            id=identity,
            created_at=self._clock.time(),
            owner=self.owner.name,
            account=account,
            provider=self.provider.name,
            base_url=self.provider.base_url,
            session=self.name,
            model=plan.model.id,
            mode=plan.request.mode,
            request=plan.request.as_json(),
            fingerprint=mark,
            take=number,
            folder=str(self.outputs),
            cell=cell,
            estimate=price.amount if price else None,
            currency=price.currency if price else "",
            remarks=plan.remarks,
        )

    def _context(self, job: Job, plan: Plan, row: JobRecord) -> JobContext:
        # A job whose folder cannot be written any more goes into the one that was chosen since.
        folder = row.folder if is_usable(Path(row.folder)) else self.outputs
        place = output_paths(folder, row.id, row.created_at)
        return JobContext(
            job=job,
            engine=background.current(),
            clock=self._clock,
            client=self._client,
            protocol=self.provider.speak(),
            create_request=plan.order,
            journal=self.journal,
            spool=self._spool,
            paths=place,
            owner=self.owner.name,
            account=self.account,
            poll_intervals_s=self.provider.poll,
            price=partial(self._price, plan),
            sidecar=partial(sidecar_of, job, place),
            requests_per_s=self._rates(plan),
            count_processes=self._sharing,
            may_adopt=not self._settings.shared_key,
        )

    def _rates(self, plan: Plan) -> Mapping[str, float]:
        """Return the account's documented limits; the emulator has none."""
        return {} if self.provider.emulated else {**self.provider.speak().rate_limits, "submit": plan.model.submit_rps}

    def _sharing(self) -> int:
        """Count the living processes with jobs of this account at this address; this one is among them."""
        now, mine = self._clock.time(), self.owner
        owners = self.journal.owners_of(self.account, self.provider.base_url)
        return len({mine.name, *(name for name, beat in owners if mine.is_alive(name, beat, now))})

    def _price(self, plan: Plan, seconds: float | None = None) -> Price | None:
        """Return what a plan costs, for as many seconds as were billed, or as it asks for; None where nobody knows."""
        request = plan.request
        hidden = money.set_by_hand(request.params)
        return money.estimate(
            () if hidden & money.TIER or (hidden and seconds is None) else plan.model.prices,
            tariff=self.provider.tariff,
            resolution=request.resolution or "",
            seconds=float(request.duration or 0) if seconds is None else seconds,
            silent=request.audio is False or not plan.model.sound,
        )

    # ---- what may be spent ------------------------------------------------------------------------------------

    def spend(self, since: str = "all") -> tuple[Spending, ...]:
        """Return what the jobs in the journal came to, by session, provider and currency.

        Args:
            since: "today" counts the jobs of this machine's calendar day only; what is left of a budget is told by
                the budget's own span.

        Raises:
            OptionError: another word.
        """
        return budget_module.spending_summary(self.journal.spending, since, self._clock.time(), self._budgets())

    def _budget_of(self, name: str) -> Budget | None:
        """Return the budget that the user's file gives a session: its own, else everyone's."""
        named = self._settings.sessions.get(name)
        return named.budget if named is not None and named.budget is not None else self._settings.budget

    def _budgets(self) -> dict[str, Budget]:
        """Return every budget by its session's name; "" stands for those that are not named."""
        told = {"": self._settings.budget, **{name: self._budget_of(name) for name in self._settings.sessions}}
        return {name: budget for name, budget in {**told, self.name: self.budget}.items() if budget is not None}

    def _admit(self, cap: Amount | None, yes: bool) -> Admit | None:
        """Return what refuses a new row that may not be paid for, None where everything may."""
        budget = self.budget
        if budget is None and cap is None:
            return None

        def admit(row: JobRecord, sums: Callable[[str, float], tuple[Spending, ...]]) -> None:
            estimate = None if row.estimate is None else Amount(row.estimate, row.currency)
            others = sums(row.session, budget.since(self._clock.time())) if budget is not None else ()
            Terms(budget, cap, yes).admit(row.session, estimate, others)

        return admit
