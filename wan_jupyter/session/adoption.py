"""Ask a service about a task that was started elsewhere, so that it can become a job."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from ..catalog.plan import Provider
from ..errors import JobError, ProblemError, ServiceError
from ..i18n.suggestions import shorten
from ..jobs import background
from ..jobs.job import WAIT_STEP_S
from ..jobs.redownload import FORGOTTEN
from ..protocols.base import Flow
from ..request.options import VideoRequest
from ..request.values import read_keywords
from ..scheduling.retry import CREATE_TIMEOUT_S
from ..status import Snapshot, Status
from ..storage.journal.journal import JobRecord
from ..transport.client import Client

T = TypeVar("T")

# The model of a request whose model nobody reports: the catalogue makes an entry without prices for it.
UNKNOWN_MODEL = "unknown"
MAX_CLOCK_SKEW_S = 60.0  # how far the service's clock and ours may differ


@dataclass(frozen=True, slots=True)
class FoundTask:
    """What a service reports of a task.

    Attributes:
        model: "" if the service does not report it.
        created: when the task was created, in epoch seconds; None if the service does not report it.
    """

    seen: Snapshot
    model: str
    created: float | None = None

    @property
    def request(self) -> VideoRequest:
        """The request behind the task, as far as it is known: the prompt, if the service repeats it, and the model.

        Raises:
            OptionError: the model's name is not valid.
        """
        prompt = str(self.seen.facts.get("orig_prompt", ""))
        named = read_keywords(VideoRequest, {"model": self.model or UNKNOWN_MODEL})
        return VideoRequest(prompt=prompt, filled_prompt=prompt, **named)

    def fits(self, record: JobRecord) -> bool:
        """Check whether an uncertain job may be this task: prompt, model and time match, as far as they are known."""
        prompt = self.request.filled_prompt
        lost = record.snapshot.status is Status.UNCERTAIN and not record.snapshot.remote_id
        same = bool(prompt) and record.request.get("filled_prompt") == prompt and self.model in ("", record.model)
        begun = record.sent_at or record.created_at
        latest = begun + CREATE_TIMEOUT_S + MAX_CLOCK_SKEW_S
        return lost and same and (self.created is None or begun - MAX_CLOCK_SKEW_S <= self.created <= latest)

    def put_into(self, record: JobRecord) -> JobRecord:
        """Return a new job's record for this task; its images and its estimate are unknown."""
        return replace(record, model=self.model, mode="", estimate=None, snapshot=self.seen)


def read_task_id(task_id: object) -> str:
    """Return a task's id without outer blanks.

    Raises:
        JobError: it is empty.
    """
    task = str(task_id).strip()
    if not task:
        raise JobError("adopt.which")
    return task


def fetch_task(task: str, model: str, provider: Provider, client: Client) -> FoundTask:
    """Ask a service for a task's state, and for its model and creation time in the list of tasks.

    Args:
        model: the task's model if the user named it, else "".

    Raises:
        JobError: the service does not know the task.
        ServiceError, ConnectionProblem: the service could not be asked.
    """
    seen = ask_status(task, provider, client)
    created = None
    with suppress(ProblemError):  # the task exists whether or not the list can be read
        found = _ask(client, provider.speak().find_task(task))
        model, created = (model or found.model, found.created) if found else (model, None)
    return FoundTask(seen, model, created)


def ask_status(task: str, provider: Provider, client: Client) -> Snapshot:
    """Ask a service once for a task's state.

    Raises:
        JobError: the service does not know the task, or not with this key.
        ServiceError, ConnectionProblem: the service could not be asked.
    """
    unknown = JobError("adopt.unknown", task=shorten(task), provider=provider.name)
    try:
        seen = _ask(client, provider.speak().poll(task))
    except ServiceError as error:
        if error.problem.advice in FORGOTTEN:
            raise unknown from None
        raise
    if seen.status is Status.EXPIRED:
        raise unknown
    return seen


def _ask(client: Client, flow: Flow[T]) -> T:
    """Ask a service and wait, in short steps: on some systems Ctrl-C cannot interrupt a wait without a timeout."""
    answer = background.current().start(partial(client.run, flow))
    while not answer.done():
        with suppress(TimeoutError):
            answer.exception(WAIT_STEP_S)
    return answer.result()
