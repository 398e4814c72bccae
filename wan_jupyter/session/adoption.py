"""Bringing in a task that was started elsewhere: asked after once, written down, then followed as any job. Floor 5."""

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

# Stands in a request whose model nobody told: the catalogue guesses a row for it, one without prices.
UNTOLD = "unknown"
APART = 60.0  # seconds that the service's clock and ours may differ


@dataclass(frozen=True, slots=True)
class Adopted:
    """What a service says of a task; `model` is "", and `created` (epoch seconds) None, where nobody says it."""

    seen: Snapshot
    model: str
    created: float | None = None

    @property
    def request(self) -> VideoRequest:
        """What is known of the request behind it: its prompt, as far as the service repeats it, and its model.

        Raises:
            OptionError: the model's name is none.
        """
        prompt = str(self.seen.facts.get("orig_prompt", ""))
        named = read_keywords(VideoRequest, {"model": self.model or UNTOLD})
        return VideoRequest(prompt=prompt, filled_prompt=prompt, **named)

    def fits(self, row: JobRecord) -> bool:
        """Tell whether an uncertain job may be this task: prompt, model and time fit, as far as they are told."""
        prompt = self.request.filled_prompt
        lost = row.snapshot.status is Status.UNCERTAIN and not row.snapshot.remote_id
        same = bool(prompt) and row.request.get("filled_prompt") == prompt and self.model in ("", row.model)
        begun = row.sent_at or row.created_at
        long = CREATE_TIMEOUT_S + APART
        return lost and same and (self.created is None or begun - APART <= self.created <= begun + long)

    def put_into(self, row: JobRecord) -> JobRecord:
        """Return a new job's row as this task's: nobody knows what pictures it has, or what it will cost."""
        return replace(row, model=self.model, mode="", estimate=None, snapshot=self.seen)


def task_named(task_id: object) -> str:
    """Return a task's id as it was typed, without blanks.

    Raises:
        JobError: there is none.
    """
    task = str(task_id).strip()
    if not task:
        raise JobError("adopt.which")
    return task


def look(task: str, model: str, where: Provider, client: Client) -> Adopted:
    """Ask a service once how a task stands, and where nobody named its model, once for that.

    Raises:
        JobError: the service does not know it.
        ServiceError, ConnectionProblem: it could not be asked.
    """
    seen = ask_after(task, where, client)
    created = None
    with suppress(ProblemError):  # a list is a comfort: the task is there without it
        found = _ask(client, where.speak().find_task(task))
        model, created = (model or found.model, found.created) if found else (model, None)
    return Adopted(seen, model, created)


def ask_after(task: str, where: Provider, client: Client) -> Snapshot:
    """Ask a service once how a task stands.

    Raises:
        JobError: the service does not know it, or not with this key.
        ServiceError, ConnectionProblem: it could not be asked.
    """
    unknown = JobError("adopt.unknown", task=shorten(task), provider=where.name)
    try:
        seen = _ask(client, where.speak().poll(task))
    except ServiceError as error:
        if error.problem.advice in FORGOTTEN:
            raise unknown from None
        raise
    if seen.status is Status.EXPIRED:
        raise unknown
    return seen


def _ask(client: Client, flow: Flow[T]) -> T:
    """Ask a service from this thread; in small steps, since an untimed wait cannot be interrupted on every system."""
    answer = background.current().start(partial(client.run, flow))
    while not answer.done():
        with suppress(TimeoutError):
            answer.exception(WAIT_STEP_S)
    return answer.result()
