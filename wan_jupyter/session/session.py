"""A session: one provider, one key, one outputs folder, and the one call that everything goes through.

Floor 5. What the magics do is a session's `submit_request`; nothing here draws. Several sessions live side by
side; what a process has only once (loop, journal, owner's lock, emulator) is shared through its engine.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial, wraps
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Never, ParamSpec, TypeVar, cast

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
from ..protocols.ping import PingReply, ping
from ..request.build import build_request, refuse_keys, refuse_keys_in
from ..request.options import CellOptions, VideoRequest, fingerprint
from ..request.values import read_keywords
from ..status import Status
from . import adoption
from .job_registry import JobRegistry
from .reuse import left_by, makes_needless, newer_stands, retried

if TYPE_CHECKING:
    from ..request.build import ImageSource


P = ParamSpec("P")
R = TypeVar("R")
# Keywords of `submit` that are no part of the request.
NOT_IN_REQUEST = frozenset({"new", "budget", "yes"})


def _takes_what(pattern: Callable[P, Any]) -> Callable[[Callable[[Any, VideoRequest], R]], Callable[P, R]]:
    """Let a method that works on a request take the arguments of another one, which declares them once for both."""

    def decorate(method: Callable[[Any, VideoRequest], R]) -> Callable[P, R]:
        @wraps(method)
        def call(session: Any, *args: Any, **keywords: Any) -> R:
            return method(session, session._request(*args, **keywords))

        returns = signature(method).return_annotation
        call.__signature__ = signature(pattern).replace(return_annotation=returns)  # type: ignore[attr-defined]
        return cast("Callable[P, R]", call)

    return decorate


def _flat(keywords: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of a call from its local names: without `self`, and unknown keywords beside the others."""
    return {
        **{name: value for name, value in keywords.items() if name not in ("self", "unknown")},
        **keywords["unknown"],
    }


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
        prompt: str | VideoRequest = "",
        *,
        image: ImageSource | None = None,
        last_image: ImageSource | None = None,
        model: str | None = None,
        duration: int | None = None,
        resolution: str | int | None = None,
        size: str | None = None,
        seed: int | None = None,
        negative_prompt: str | None = None,
        audio: bool | None = None,
        audio_url: str | None = None,
        clip_url: str | None = None,
        prompt_extend: bool | None = None,
        watermark: bool | None = None,
        shot_type: Literal["single", "multi"] | None = None,
        template: str | None = None,
        params: Mapping[str, Any] | Sequence[str] | None = None,
        new: bool = False,
        budget: Amount | float | str | None = None,
        yes: bool = False,
        **unknown: Never,
    ) -> Job:
        """Make a video, or find the one that the same request made before; return at once.

        Args:
            prompt: the text, taken as it is; or a `VideoRequest`, then without image and options.
            image: the first frame: a path, URL, data URI, or Python object (PIL, numpy, bytes, figure, Video, Job).
            last_image: the last frame, in the same forms.
            model: the model; by default the provider's for this kind of request.
            duration: length in seconds; -1 lets a model choose that can.
            resolution: "480P", "720P" or "1080P"; the price depends on it.
            size: width and height in pixels, "1280x720", where a model takes them.
            seed: 0-2147483647; by default a random one, which is sent and recorded.
            negative_prompt: what the video should not show.
            audio: whether the video has sound, where the model lets you choose.
            audio_url: an http(s) link to the sound to use.
            clip_url: an http(s) link to a video to continue.
            prompt_extend: whether the service rewrites the prompt.
            watermark: whether the service marks the video.
            shot_type: a single shot, or several.
            template: a video effect of the service, by name.
            params: other fields of the request body by path, such as {"parameters.style": "film"}.
            new: make another version although the same request was made before.
            budget: the most that this job may cost, such as "0.5 USD".
            yes: run even if the price is unknown and there is a budget.

        Raises:
            BudgetError: the job costs more than the budget allows; nothing was sent.
            CredentialsError: a text of the request holds an API key; nothing was sent or saved.
            InputError: the request cannot be sent; nothing was.
        """
        keywords = dict(locals())  # first, before other names are bound: every keyword by its name
        request = self._request(**_flat(keywords))
        cell = read_keywords(CellOptions, {"budget": budget, "yes": yes})
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
            new: generate another version; a job that this same cell left unfinished is resumed first.
            cell: the whole cell that asks, "" from Python.
            budget: the most that the job may cost; the session's own budget applies in any case.
            yes: run even if the price is unknown and there is a budget.

        Raises:
            BudgetError: a new job may not be paid for; nothing was recorded or sent.
            CredentialsError: the request or the cell holds an API key; nothing was recorded or sent.
            InputError: something cannot be sent; nothing was.
        """
        refuse_keys({"cell": cell}, self.known_keys)
        plan = self.plan(request)
        mark = fingerprint(plan.request, self.provider.name, self.provider.origin)
        reuse = partial(left_by, cell=cell, account=self.account) if new else makes_needless
        return self._begin(_with_seed(plan), mark, cell, reuse, self._admit(budget, yes))

    @_takes_what(submit)
    def dry_run(self, request: VideoRequest) -> DryRun:
        """Return what `submit` would send for the same arguments, and what it would cost; send nothing.

        Raises:
            CredentialsError, InputError: as `submit`.
        """
        return dry_run(self.plan(request), self.provider, self._price)

    @_takes_what(submit)
    def price(self, request: VideoRequest) -> Price | None:
        """Return what `submit` would cost for the same arguments, None if that is unknown; send nothing.

        Raises:
            CredentialsError, InputError: as `submit`.
        """
        return self._price(self.plan(request))

    def _request(self, prompt: str | VideoRequest = "", **keywords: Any) -> VideoRequest:
        """Return the request that a call of `submit`, `dry_run` or `price` asks for."""
        given = {name: value for name, value in keywords.items() if name not in NOT_IN_REQUEST and value is not None}
        if isinstance(prompt, VideoRequest):
            if given:
                raise TypeError(f"a VideoRequest has its own {next(iter(given))}; use dataclasses.replace to change it")
            return prompt
        images = given.pop("image", None), given.pop("last_image", None)
        return build_request(prompt, images=images, options=given, keys=self.known_keys)

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
        """Resolve a request with the settings' defaults and check it against its model; send nothing.

        Raises:
            CredentialsError: the request, or a default that completes it, holds an API key.
            InputError: the model cannot do it.
        """
        refuse_keys_in(request, self.known_keys)
        plan = plan_with(request, self.provider, self._settings.usual)
        refuse_keys_in(plan.request, self.known_keys)
        return plan

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

    def knock(self, patience: float = 5.0) -> PingReply:
        """Ask the service for a task that nobody has: costs nothing, and tells whether it is there.

        Raises:
            ConnectionProblem: there was no answer after `patience` seconds.
        """
        asked = background.current().start(lambda: self._client.run(ping(self.provider.speak())))
        try:
            return asked.result(patience)
        except TimeoutError:
            silent = Problem(UNREACHED, Phrase("said.silent", {"seconds": f"{patience:g}"}), advice="connection")
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
    seed = secrets.randbelow(2147483647) + 1
    order = replace(plan.order, fields={**plan.order.fields, "seed": seed})
    return replace(plan, request=replace(plan.request, seed=seed), order=order)
