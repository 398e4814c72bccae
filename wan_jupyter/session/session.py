"""`Session`: one provider, one key, one outputs folder, and the calls that users make.

What the magics do is these calls; nothing here draws. Several sessions work side by side in one process.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial, wraps
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Never, ParamSpec, TypeVar, cast

from ..billing.budget import Budget, Spending, read_budget
from ..billing.money import Amount
from ..billing.pricing import Price
from ..catalog import plan as catalog
from ..catalog.defaults import plan_with
from ..catalog.dry_run import DryRun, dry_run
from ..catalog.plan import Plan, Provider
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
from ..request.options import MAX_SEED, CellOptions, VideoRequest, fingerprint
from ..request.values import read_keywords
from ..security.api_key import Key
from ..status import Status
from .job_registry import JobRegistry, live_jobs
from .resources import SessionResources
from .reuse import is_newer_version, left_unfinished_by, makes_new_job_needless
from .session_billing import SessionBilling

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


class Session:
    """One provider to make videos with. It finds the key and never shows it.

    Args:
        provider: a name from the catalogue, or of a session in the user's settings.toml; by default `WAN_PROVIDER`,
            then the one set in that file, then `dashscope-intl` if a DashScope key is found, then the emulator.
        key: the API key; by default it is looked for in the environment, the vendor's file and the keyring.
        base_url: another address for the provider's protocol, such as a workspace domain.
        budget: the most that this session's jobs may cost, such as "5 USD/day" or "50 USD total"; 5 is a total, in the
            currency of the model's prices. A job that exceeds it is refused before anything is sent.
        outputs: the folder for videos; by default `wan_outputs` beside the notebook.

    Raises:
        OptionError: the budget is not valid.
        SettingsError: an unknown provider, an address without a provider, or an error in a settings file.
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
        settings = settings or environment.read_settings_with_warnings()
        self._resources = SessionResources(select_provider(provider, base_url, key, settings), outputs, clock)
        self._billing = SessionBilling(self._resources, cap)
        self._registry = JobRegistry(self._resources, self._billing)

    @property
    def name(self) -> str:
        """The session's name: that of a named session in settings.toml, else its provider's."""
        return self._resources.name

    @property
    def provider(self) -> Provider:
        """The provider's entry in the catalogue, with this session's address."""
        return self._resources.provider

    @property
    def outputs(self) -> Path:
        """The folder for videos, absolute."""
        return self._resources.outputs

    @property
    def budget(self) -> Budget | None:
        """The most that this session's jobs may cost; None without a limit."""
        return self._billing.budget

    # ---- new videos -----------------------------------------------------------------------------------------------

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
        return self._submit(request, new=new, **cell)

    def _submit(
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
        refuse_keys({"cell": cell}, self._known_keys)
        plan = self._plan(request)
        digest = fingerprint(plan.request, self.provider.name, self.provider.origin)
        account = self._resources.account
        reuse = partial(left_unfinished_by, cell=cell, account=account) if new else makes_new_job_needless
        return self._registry.begin(_with_seed(plan), digest, cell, reuse, self._billing.admit(budget, yes))

    @_takes_what(submit)
    def dry_run(self, request: VideoRequest) -> DryRun:
        """Take the arguments of `submit`; return what it would send and what that would cost, and send nothing.

        Raises:
            CredentialsError, InputError: as `submit`.
        """
        return dry_run(self._plan(request), self.provider, self._billing.price)

    @_takes_what(submit)
    def price(self, request: VideoRequest) -> Price | None:
        """Take the arguments of `submit`; return what it would cost, None if that is unknown, and send nothing.

        Raises:
            CredentialsError, InputError: as `submit`.
        """
        return self._billing.price(self._plan(request))

    def _request(self, prompt: str | VideoRequest = "", **keywords: Any) -> VideoRequest:
        """Return the request that a call of `submit`, `dry_run` or `price` asks for."""
        given = {name: value for name, value in keywords.items() if name not in NOT_IN_REQUEST and value is not None}
        if isinstance(prompt, VideoRequest):
            if given:
                raise TypeError(f"a VideoRequest has its own {next(iter(given))}; use dataclasses.replace to change it")
            return prompt
        images = given.pop("image", None), given.pop("last_image", None)
        return build_request(prompt, images=images, options=given, keys=self._known_keys)

    def compose(self) -> Composer:
        """Return a form for a request; a notebook shows it if it is the last expression of a cell."""
        return Composer(self)

    # ---- jobs that exist ------------------------------------------------------------------------------------------

    def job(self, beginning: str) -> Job:
        """Return the job whose id begins so, in its present state.

        If the video's file is gone or damaged and the video was made at this session's address, it is downloaded again.

        Raises:
            JobError: no job has such an id, or several have.
        """
        return self._registry.find(beginning)

    def live_jobs(self) -> list[Job]:
        """Return the jobs that this process follows, oldest first."""
        return live_jobs()

    def history(
        self, limit: int = 50, *, since: float = 0.0, states: Iterable[Status] = (), model: str = ""
    ) -> list[Job]:
        """Return the newest jobs in the journal, newest first, of all sessions.

        Args:
            limit: the most jobs to return.
            since: only jobs begun at or after this time, in epoch seconds.
            states: only jobs in one of these states; by default in any.
            model: only jobs whose model has this in its name.
        """
        return self._registry.history(limit, since, states, model)

    def resume(self) -> list[Job]:
        """Resume this session's unfinished jobs, and return them; jobs that run elsewhere are followed."""
        return self._registry.resume()

    def retry(self, beginning: str, *, yes: bool = False) -> Job:
        """Send the request of a job that ended without a video again, as another version; this may be billed.

        Args:
            beginning: the job's id, or how it begins.
            yes: run even if the price is unknown and there is a budget.

        Raises:
            BudgetError: the job costs more than the budget allows; nothing was sent.
            JobError: it has a video, is under way, is still searched for at the service, or its images are gone.
        """
        record, request = self._registry.to_retry(beginning)
        plan = catalog.plan_of(request, self.provider)
        reuse = partial(is_newer_version, of=record)
        return self._registry.begin(plan, record.fingerprint, record.cell, reuse, self._billing.admit(None, yes))

    def adopt(self, task_id: str, *, model: str | None = None) -> Job:
        """Bring in a task that was started elsewhere with this account: follow it, and download its video.

        A job of this journal that was sent with another key of the account continues with the present key.

        Args:
            task_id: the service's own id; if the journal knows it, the job that has it is returned.
            model: the task's model, if the service does not report it; the price depends on it.

        Raises:
            JobError: the service does not know the task.
            ServiceError, ConnectionProblem: the service could not be asked.
        """
        return self._registry.adopt(task_id, model or "")

    # ---- service and money ----------------------------------------------------------------------------------------

    def ping(self, timeout_s: float = 5.0) -> PingReply:
        """Ask the service about a task that does not exist: free, and shows whether service and key work.

        Raises:
            ConnectionProblem: there was no answer within `timeout_s` seconds.
        """
        client, protocol = self._resources.client, self.provider.speak()
        asked = background.current().start(lambda: client.run(ping(protocol)))
        try:
            return asked.result(timeout_s)
        except TimeoutError:
            silent = Problem(UNREACHED, Phrase("said.silent", {"seconds": f"{timeout_s:g}"}), advice="connection")
            raise ConnectionProblem("service.unreached", problem=silent) from None

    def spend(self, since: str = "all") -> tuple[Spending, ...]:
        """Return what the jobs in the journal cost, by session, provider and currency.

        Args:
            since: "all", or "today" for the jobs of this machine's calendar day; what is left of a budget is computed
                for the budget's own span in either case.

        Raises:
            OptionError: another word.
        """
        return self._billing.spend(since)

    # ---- for the notebook and the workflows -----------------------------------------------------------------------

    @property
    def _known_keys(self) -> tuple[Key, ...]:
        return self._resources.known_keys

    def _plan(self, request: VideoRequest) -> Plan:
        """Resolve a request with the settings' defaults and check it against its model; send nothing.

        Raises:
            CredentialsError: the request, or a default that completes it, holds an API key.
            InputError: the model cannot do it.
        """
        refuse_keys_in(request, self._known_keys)
        plan = plan_with(request, self.provider, self._resources.settings.defaults)
        refuse_keys_in(plan.request, self._known_keys)
        return plan

    def __repr__(self) -> str:
        return f"<Session {self.provider.name} at {self.provider.origin}, {self._resources.key or 'no key'}>"


@dataclass(frozen=True, slots=True)
class Composer:
    """A form for one request; a notebook shows it as a cell's last expression, and so does `%wan compose`.

    Attributes:
        session: where its jobs go.
        named: whether the text of its cell names the session.
    """

    session: Session
    named: bool = True


def _with_seed(plan: Plan) -> Plan:
    """Draw a random seed if none was given, so that every result can be repeated; the fingerprint leaves it out."""
    if plan.request.seed is not None or "seed" not in plan.model.fields:
        return plan
    seed = secrets.randbelow(MAX_SEED) + 1
    order = replace(plan.order, fields={**plan.order.fields, "seed": seed})
    return replace(plan, request=replace(plan.request, seed=seed), order=order)
