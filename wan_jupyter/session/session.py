"""A session: one provider, one key, one outputs folder, and the one call that everything goes through.

Floor 5. What the magics do is a session's `submit_request`; nothing here draws. Several sessions live side by
side; what a process has only once (loop, journal, owner's lock, emulator) is shared through its engine.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from ..billing.budget import Budget, read_budget
from ..billing.money import Amount, Price
from ..catalog import plan as catalog
from ..catalog.defaults import plan_with
from ..catalog.dry_run import DryRun, dry_run
from ..catalog.plan import Plan
from ..config import settings as environment
from ..config.provider_selection import select_provider
from ..config.settings import Settings
from ..errors import UNREACHED, ConnectionProblem, Problem
from ..i18n.messages import Phrase
from ..jobs import background
from ..jobs.background import Clock
from ..jobs.job import Job
from ..media.image.reader import read_image
from ..protocols.ping import PingReply, ping
from ..request.options import MAX_SEED, CellOptions, VideoRequest, fingerprint
from ..request.templates import normal
from ..request.values import read_keywords
from ..security.sanitize import whole
from ..status import Status
from . import adoption
from .job_registry import JobRegistry
from .reuse import left_by, makes_needless, newer_stands, retried


class Session(JobRegistry):
    """A way to one provider. Find the key, hide the key, make videos.

    Args:
        provider: a name from the catalogue, or of a session in the user's settings.toml; by default `WAN_PROVIDER`,
            else the one that file is set to, else `dashscope-intl` if a DashScope key is found, else the emulator.
        key: the API key; by default it is looked for in the environment, the vendor's file and the keyring.
        base_url: another address for the provider's protocol, such as a workspace domain.
        budget: what this session's jobs may cost at most, such as "5 USD/day" or "50 USD total"; 5 is a total, in the
            currency of the model's prices. A job over it is refused before anything is sent.
        outputs: the folder for videos; by default `wan_outputs` beside the notebook.

    Raises:
        OptionError: the budget is none.
        SettingsError: no such provider, an address without one, or a settings file is wrong.
        CredentialsError: the provider needs a key and none was found.
    """

    def __init__(
        self,
        provider: str | None = None,
        *,
        key: str | None = None,
        base_url: str | None = None,
        budget: Budget | float | str | None = None,
        outputs: str | Path | None = None,
        settings: Settings | None = None,
        clock: Clock | None = None,
    ) -> None:
        cap = read_budget(budget) if budget is not None else None
        super().__init__(
            select_provider(provider, base_url, key, settings or environment.read_settings_with_warnings()),
            outputs,
            clock,
            cap,
        )

    # ---- the calls --------------------------------------------------------------------------------------------

    def submit(
        self,
        prompt: str = "",
        *,
        image: object = None,
        last_image: object = None,
        new: bool = False,
        budget: Amount | float | str | None = None,
        yes: bool = False,
        **options: Any,
    ) -> Job:
        """Make a video, or find the one that the same request made before; return at once.

        Args:
            prompt: the text, taken as it is.
            image: the first frame: a path, address, data URI, or Python object (PIL, numpy, bytes, figure, Video, Job).
            last_image: the last frame.
            new: make a further take although the same request was made before.
            budget: what this job may cost at most, such as "0.5 USD".
            yes: make it although nobody knows what it costs and there is a budget.
            options: the request's options by field name (`model`, `duration` in seconds, `resolution`, `seed`, …).

        Raises:
            BudgetError: it may not be paid for; nothing was sent.
            InputError: something cannot be sent; nothing was.
        """
        cell = read_keywords(CellOptions, {"budget": budget, "yes": yes})
        asked = read_keywords(VideoRequest, options)
        first = read_image(image) if image is not None else None
        last = read_image(last_image) if last_image is not None else None
        request = VideoRequest(prompt=whole(prompt), filled_prompt=normal(prompt), first=first, last=last, **asked)
        return self.submit_request(request, new=new, **cell)

    def submit_request(
        self,
        request: VideoRequest,
        *,
        new: bool = False,
        cell: str = "",
        budget: Amount | None = None,
        yes: bool = False,
    ) -> Job:
        """Carry out a request, or return the job that makes it needless (same request, same video).

        Args:
            new: make a further take; what this same cell left unfinished is gone on with first.
            cell: the cell that asks, whole.
            budget: what the job may cost at most; what the session may spend is asked in any case.
            yes: take a price that is not known into the bargain.

        Raises:
            BudgetError: a new job may not be paid for; nothing was written down or sent.
            InputError: something cannot be sent; nothing was.
        """
        plan = self.plan(request)
        mark = fingerprint(plan.request, self.provider.name, self.provider.origin)
        reuse = partial(left_by, cell=cell, account=self.account) if new else makes_needless
        return self._begin(_with_seed(plan), mark, cell, reuse, self._admit(budget, yes))

    def retry(self, beginning: str, *, yes: bool = False) -> Job:
        """Send the request of a job that ended without a video once more, as a further take; this may be billed.

        Args:
            yes: also if nobody knows what it costs and there is a budget.

        Raises:
            BudgetError: it may not be paid for; nothing was sent.
            JobError: it has a video, is under way, is still looked for at the service, or its pictures are gone.
        """
        row = self.journal.get(beginning)
        again = retried(row, self._is_ours(row), self._spool)
        plan = catalog.plan_of(again, self.provider)
        admit = self._admit(None, yes)
        return self._begin(plan, row.fingerprint, row.cell, lambda kept: newer_stands(kept, row), admit)

    def plan(self, request: VideoRequest) -> Plan:
        """Resolve a request and check it against the model's row; nothing is sent."""
        return plan_with(request, self.provider, self._settings.defaults)

    def dry_run(self, request: VideoRequest) -> DryRun:
        """Return what a request would send and cost; nothing is sent."""
        return dry_run(self.plan(request), self.provider, self._price)

    def price(self, request: VideoRequest) -> Price | None:
        """Return what a request would cost, None where that is not known; nothing is sent."""
        return self._price(self.plan(request))

    def compose(self) -> Composer:
        """Return a form for a request, which a notebook shows where it is a cell's last line."""
        return Composer(self)

    def job(self, beginning: str) -> Job:
        """Return the job whose id begins so, as it stands in the journal or in this process.

        A video whose file is gone or damaged is fetched again, where it was made at this session's address.

        Raises:
            JobError: none does, or several do.
        """
        row = self.journal.get(beginning)
        return self._put_right(row) if self.is_astray(row) and self._is_here(row) else self._revive(row)

    def follow(self, identity: str) -> Job:
        """Return a job, and go on with it here if it is under way and nobody does; only at its own address."""
        with background.current().ordering:  # a job that ends between the look and the step would be gone on with
            row = self.journal.get(identity)
            return self._go_on(row) if self._is_ours(row) and not row.snapshot.settled else self.job(row.id)

    def adopt(self, task_id: str, *, model: str | None = None) -> Job:
        """Bring in a task that was started elsewhere with this account: follow it, and fetch its video.

        A job of ours that was sent with another key of the account goes on with the key in use now.

        Args:
            task_id: the service's own id; one that the journal knows gives the job that it is.
            model: its model, where the service does not tell it; the price is worked out from that.

        Raises:
            JobError: the service does not know the task.
            ServiceError, ConnectionProblem: the service could not be asked.
        """
        task = adoption.task_named(task_id)
        row = self.journal.with_task(self.provider.base_url, task) or self._unwritten(task)
        row = row or self._brought_in(task, model or "")
        return self._with_this_key(row) if self._has_other_key(row) else self.follow(row.id)

    def ping(self, timeout_s: float = 5.0) -> PingReply:
        """Check that the service answers and accepts the key, by a free request.

        Raises:
            ConnectionProblem: no answer within `timeout_s` seconds.
        """
        asked = background.current().start(lambda: self._client.run(ping(self.provider.speak())))
        try:
            return asked.result(timeout_s)
        except TimeoutError:
            silent = Problem(UNREACHED, Phrase("said.silent", {"seconds": f"{timeout_s:g}"}), advice="connection")
            raise ConnectionProblem("service.unreached", problem=silent) from None

    def live_jobs(self) -> list[Job]:
        """Return the jobs that this process is following, oldest first."""
        return [job for job in background.current().jobs.values() if not job.done]

    def history(
        self, limit: int = 50, *, since: float = 0.0, states: Iterable[Status] = (), model: str = ""
    ) -> list[Job]:
        """Return the newest jobs in the journal, newest first, of all sessions.

        Args:
            limit: at most so many.
            since: only jobs begun at or after this epoch second.
            states: only jobs in one of these states; none named: in any.
            model: only jobs whose model has this in its name.
        """
        return [self._revive(row) for row in self.journal.recent(limit, since=since, states=states, model=model)]

    def resume(self) -> list[Job]:
        """Go on with this session's unfinished jobs that no living process carries out, and return them."""
        here = background.current()
        with here.ordering:
            known = {job.id for job in self.live_jobs()}
            rows = [row for row in self.journal.unfinished() if self._is_ours(row) and row.id not in known]
            return [self._go_on(row) for row in rows]

    def __repr__(self) -> str:
        return f"<Session {self.provider.name} at {self.provider.origin}, {self.key or 'no key'}>"


@dataclass(frozen=True, slots=True)
class Composer:
    """A form for one request of a session, drawn where it is a cell's last line; `%wan compose` shows it, too.

    Attributes:
        session: where its jobs go.
        named: whether the text of its cell names the session.
    """

    session: Session
    named: bool = True


def _with_seed(plan: Plan) -> Plan:
    """Draw a seed where none was typed, so that every result can be repeated; a drawn one does not count as asked."""
    if plan.request.seed is not None or "seed" not in plan.model.fields:
        return plan
    seed = secrets.randbelow(MAX_SEED) + 1
    order = replace(plan.order, fields={**plan.order.fields, "seed": seed})
    return replace(plan, request=replace(plan.request, seed=seed), order=order)
