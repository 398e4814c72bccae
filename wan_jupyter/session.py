"""A session: one provider, one key, one outputs folder, and the one call that everything goes through, `order`.

Floor 5. What the magics do is a session's `order`; nothing here draws. Several sessions live side by side; what a
process has only once (loop, journal, owner's lock, emulator) is shared through its engine.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import adopting, catalog, engine, outputs
from . import settings as environment
from .catalog import Plan
from .choice import choose
from .dry import DryRun, dry_run
from .engine import Clock
from .errors import UNREACHED, ConnectionProblem, Problem
from .image import take
from .job import Job
from .journal import Row
from .kept import end_as_kept, facts_of, file_of, makes_needless, newer_stands, retried
from .life import carry_out, follow_other
from .means import Means
from .prices import Price
from .prompt import normal
from .protocols.knock import Answer, knock
from .request import VideoRequest, fingerprint, read_keywords
from .settings import Settings
from .status import Status
from .tools import Tools
from .usual import plan_with

if TYPE_CHECKING:
    from .composing import Composer


class Session(Means):
    """A way to one provider. Find the key, hide the key, make videos.

    Args:
        provider: a name from the catalogue, or of a session in the user's settings.toml; by default `WAN_PROVIDER`,
            else the one that file is set to, else `dashscope-intl` if a DashScope key is found, else the emulator.
        key: the API key; by default it is looked for in the environment, the vendor's file and the keyring.
        base_url: another address for the provider's protocol, such as a workspace domain.
        outputs: the folder for videos; by default `wan_outputs` beside the notebook.

    Raises:
        SettingsError: no such provider, an address without one, or a settings file is wrong.
        CredentialsError: the provider needs a key and none was found.
    """

    def __init__(
        self,
        provider: str | None = None,
        *,
        key: str | None = None,
        base_url: str | None = None,
        outputs: str | Path | None = None,
        settings: Settings | None = None,
        clock: Clock | None = None,
    ) -> None:
        super().__init__(choose(provider, base_url, key, settings or environment.read_aloud()), outputs, clock)

    # ---- the calls --------------------------------------------------------------------------------------------

    def submit(
        self, prompt: str = "", *, image: object = None, last_image: object = None, new: bool = False, **options: Any
    ) -> Job:
        """Make a video, or find the one that the same request made before; return at once.

        Args:
            prompt: the text, taken as it is.
            image: the first frame: a path, address, data URI, or Python object (PIL, numpy, bytes, figure, Video, Job).
            last_image: the last frame.
            new: make a further take although the same request was made before.
            options: the request's options by field name (`model`, `duration` in seconds, `resolution`, `seed`, …).

        Raises:
            InputError: something cannot be sent; nothing was.
        """
        asked = read_keywords(VideoRequest, options)
        first = take(image) if image is not None else None
        last = take(last_image) if last_image is not None else None
        request = VideoRequest(prompt=prompt, filled_prompt=normal(prompt), first=first, last=last, **asked)
        return self.order(request, new=new)

    def order(self, request: VideoRequest, *, new: bool = False, cell: str = "") -> Job:
        """Carry out a request, or return the job that makes it needless (same request, same video)."""
        plan = self.plan(request)
        mark = fingerprint(plan.request, self.provider.name, self.provider.origin)
        reuse = partial(makes_needless, folder=self.outputs, account=self.account)
        return self._begin(_with_seed(plan), mark, cell, lambda kept: not new and reuse(kept))

    def retry(self, beginning: str) -> Job:
        """Send the request of a job that ended without a video once more, as a further take; this may be billed.

        Raises:
            JobError: it has a video, is under way, is still looked for at the service, or its pictures are gone.
        """
        row = self.journal.get(beginning)
        again = retried(row, self._is_ours(row), self._spool)
        plan = catalog.plan_of(again, self.provider)
        return self._begin(plan, row.fingerprint, row.cell, lambda kept: newer_stands(kept, row))

    def plan(self, request: VideoRequest) -> Plan:
        """Resolve a request and check it against the model's row; nothing is sent."""
        return plan_with(request, self.provider, self._settings)

    def dry_run(self, request: VideoRequest) -> DryRun:
        """Return what a request would send and cost; nothing is sent."""
        return dry_run(self.plan(request), self.provider, self._price)

    def price(self, request: VideoRequest) -> Price | None:
        """Return what a request would cost, None where that is not known; nothing is sent."""
        return self._price(self.plan(request))

    def compose(self) -> Composer:
        """Return a form for a request, which a notebook shows where it is a cell's last line."""
        from .composing import Composer

        return Composer(self)

    def job(self, beginning: str) -> Job:
        """Return the job whose id begins so, as it stands in the journal or in this process.

        Raises:
            JobError: none does, or several do.
        """
        return self._revive(self.journal.get(beginning))

    def follow(self, identity: str) -> Job:
        """Return a job, and go on with it here if it is under way and nobody does; only at its own address."""
        with engine.current().ordering:  # a job that ends between the look and the step would be gone on with
            row = self.journal.get(identity)
            return self._go_on(row) if self._is_ours(row) and not row.snapshot.settled else self._revive(row)

    def adopt(self, task_id: str, *, model: str | None = None) -> Job:
        """Bring in a task that was started elsewhere with this account: follow it, and fetch its video.

        Args:
            task_id: the service's own id; one that the journal knows gives the job that it is.
            model: its model, where the service does not tell it; the price is worked out from that.

        Raises:
            JobError: the service does not know the task.
            ServiceError, ConnectionProblem: the service could not be asked.
        """
        task = adopting.task_named(task_id)
        row = self.journal.with_task(self.provider.base_url, task) or self._brought_in(task, model or "")
        return self.follow(row.id)

    def knock(self, patience: float = 5.0) -> Answer:
        """Ask the service for a task that nobody has: costs nothing, and tells whether it is there.

        Raises:
            ConnectionProblem: there was no answer after `patience` seconds.
        """
        asked = engine.current().start(lambda: self._client.run(knock(self.provider.speak())))
        try:
            return asked.result(patience)
        except TimeoutError:
            silent = Problem(UNREACHED, f"no answer after {patience:g} s", advice="connection")
            raise ConnectionProblem("service.unreached", problem=silent) from None

    def live_jobs(self) -> list[Job]:
        """Return the jobs that this process is following, oldest first."""
        return [job for job in engine.current().jobs.values() if not job.done]

    def history(self, limit: int = 50) -> list[Job]:
        """Return the newest jobs in the journal, newest first, of all sessions."""
        return [self._revive(row) for row in self.journal.recent(limit)]

    def resume(self) -> list[Job]:
        """Go on with this session's unfinished jobs that no living process carries out, and return them."""
        here = engine.current()
        with here.ordering:
            known = {job.id for job in self.live_jobs()}
            rows = [row for row in self.journal.unfinished() if self._is_ours(row) and row.id not in known]
            return [self._go_on(row) for row in rows]

    def __repr__(self) -> str:
        return f"<Session {self.provider.name} at {self.provider.origin}, {self.key or 'no key'}>"

    # ---- making and finding jobs ------------------------------------------------------------------------------

    def _brought_in(self, task: str, model: str) -> Row:
        """Return the row of a task that no job was known to be: of the one uncertain job that it fits, else a new one.

        A new row's mark is its own, so that it never stands for a request that is typed.
        """
        found = adopting.look(task, model, self.provider, self._client)
        fits = [row for row in self.journal.unsettled() if self._is_ours(row) and found.fits(row)]
        if len(fits) == 1 and self.journal.identify(fits[0].id, self.owner.name, found.seen):
            return self.journal.get(fits[0].id)
        plan = catalog.plan_of(found.request, self.provider)
        mark = f"adopted {self.provider.base_url} {task}"
        make = partial(self._row, plan, mark, "", self.account)
        return self.journal.begin(mark, lambda *new: found.put_into(make(*new)), lambda kept: True)[0]

    def _begin(self, plan: Plan, mark: str, cell: str, reuse: Callable[[Row], bool]) -> Job:
        """Begin a job, or return the one with the same mark that is to be used instead."""
        make = partial(self._row, plan, mark, cell, self.account)
        with engine.current().ordering:
            row, is_new = self.journal.begin(mark, make, reuse)
            if not is_new and not row.snapshot.settled:
                return self._go_on(row, plan.request)
            if not is_new:
                return self._shown(row)
            job = Job(facts_of(row, self.provider), plan.request, row.snapshot, engine.current(), "new")
            return self._start(job, self._tools(plan, row))

    def _start(self, job: Job, tools: Tools) -> Job:
        engine.current().jobs[job.id] = job
        engine.current().start(partial(carry_out, job, tools))
        return job

    def _shown(self, row: Row) -> Job:
        """Return the ended job that makes a new one needless, with its file beside this notebook."""
        if row.snapshot.status is Status.SUCCEEDED:
            here = outputs.bring(file_of(row, self.outputs), self.outputs)
            row = replace(row, snapshot=replace(row.snapshot, file=str(here)))
        job = self._revive(row)
        engine.current().jobs[job.id] = job
        return job

    def _go_on(self, row: Row, fresh: VideoRequest | None = None) -> Job:
        """Return a live job: this process's own, one that another process carries out, or one taken over.

        Args:
            fresh: the same request with its pictures in hand, should the kept copies be gone.
        """
        here = engine.current()
        with here.ordering:
            known: Job | None = here.jobs.get(row.id)
            if known is not None and not known.done:
                known.origin = "attached"
                return known
            request = VideoRequest.from_json(row.request)
            if fresh is not None:
                request = replace(request, first=fresh.first, last=fresh.last)
            tools = self._tools(catalog.plan_of(request, self.provider), row)
            job = Job(facts_of(row, self.provider), request, row.snapshot, here, "attached")
            job.sent_at = row.sent_at
            if row.owner == self.owner.name:
                return self._start(job, tools)
            here.jobs[job.id] = job
            here.start(partial(follow_other, job, tools, self.owner.is_alive))
            return job

    def _revive(self, row: Row, origin: str = "shown") -> Job:
        """Return a job as the journal knows it; a live one of this process is the object itself."""
        known = engine.current().jobs.get(row.id)
        if known is not None and origin != "shown":
            return known  # type: ignore[no-any-return]
        if known is not None and not known.done:
            return known  # type: ignore[no-any-return]
        request = VideoRequest.from_json(row.request)
        job = Job(facts_of(row, catalog.providers().get(row.provider)), request, row.snapshot, engine.current(), origin)
        job.warning, job.cost = row.warning, str(Price(row.cost, row.currency)) if row.cost is not None else ""
        end_as_kept(job)
        return job

    def _is_ours(self, row: Row) -> bool:
        return (row.provider, row.base_url, row.account) == (self.provider.name, self.provider.base_url, self.account)

def _with_seed(plan: Plan) -> Plan:
    """Draw a seed where none was typed, so that every result can be repeated; a drawn one does not count as asked."""
    if plan.request.seed is not None or "seed" not in plan.model.fields:
        return plan
    seed = secrets.randbelow(2147483647) + 1
    order = replace(plan.order, fields={**plan.order.fields, "seed": seed})
    return replace(plan, request=replace(plan.request, seed=seed), order=order)
