"""Follow a task until the service says that it has ended."""

from __future__ import annotations

import random
from dataclasses import replace

from ..errors import (
    ConnectionProblem,
    JobError,
    ProblemError,
    ServiceError,
)
from ..scheduling import polling, retry
from ..status import Snapshot, Status
from .context import CANCELED_PROBLEM, JobContext, advance, pause, rate_limited
from .job import Job
from .redownload import DAY, FORGOTTEN

SEEN = ("status", "word", "note", "progress", "result", "problem", "file")


async def _follow(job: Job, tools: JobContext) -> None:
    waited, failures, told = 0.0, 0, float("-inf")
    while job.status in (Status.QUEUED, Status.RUNNING):
        await _pass_on_cancel(job, tools)
        asked = job.snapshot.poll_after
        wait = asked if asked is not None else polling.poll_wait(tools.pace, waited, failures, random.random())  # noqa: S311
        await pause(job, tools, wait)
        waited += wait  # what we waited, not what a clock says: a machine that slept has not waited
        try:
            await rate_limited(tools, "poll")
            seen = await tools.client.run(tools.protocol.poll(job.remote_id))
            failures = 0
        except ProblemError as error:
            failures += 1
            seen = _without_answer(job, tools, error)
            await pause(job, tools, retry.after_failure(error, tools.pace, failures, random.random()))  # noqa: S311
        told = await _report(job, tools, _believed(job, tools, seen), told)
        if waited > polling.DEADLINE and job.status in (Status.QUEUED, Status.RUNNING):
            raise JobError("job.deadline", id=job.id, word=job.snapshot.word)


async def _report(job: Job, tools: JobContext, seen: Snapshot, told: float) -> float:
    """Record what a poll said if it says anything new, or if the heartbeat is due; return when it was last recorded."""
    now = tools.clock.time()
    before = job.snapshot
    if all(getattr(before, name) == getattr(seen, name) for name in SEEN) and now - told < polling.HEARTBEAT:
        return told
    await advance(job, tools, replace(seen, facts={**before.facts, **seen.facts}))
    return now


def _believed(job: Job, tools: JobContext, seen: Snapshot) -> Snapshot:
    """Return a poll's answer, or, where a young task is said to be unknown, the state it was in.

    UNKNOWN means expired only after the service's 24 h; before that it may be another account's key, or a lagging
    replica.
    """
    age = tools.clock.time() - (job.sent_at or job.facts.created_at)
    stopped = job.cancel_answered and job.snapshot.note != "cannot_stop"
    if seen.status is Status.EXPIRED and stopped:  # a server that forgets what it was told to stop
        return replace(seen, status=Status.CANCELED, problem=CANCELED_PROBLEM)
    if seen.status is Status.EXPIRED and age < tools.protocol.memory:
        return replace(job.snapshot, word=seen.word, note="unknown_task")
    return seen if seen.status is not job.status or seen.note else replace(seen, note=_kept_note(job))


def _kept_note(job: Job) -> str:
    return job.snapshot.note if job.snapshot.note == "cannot_stop" else ""


def _without_answer(job: Job, tools: JobContext, error: ProblemError) -> Snapshot:
    """Return where a job stands that could not be asked after; an old task that is said to be unknown is forgotten."""
    old = tools.clock.time() - (job.sent_at or job.facts.created_at) >= (tools.protocol.memory or DAY)
    if old and error.problem.advice in FORGOTTEN:
        return replace(job.snapshot, status=Status.EXPIRED, problem=error.problem, note="")
    return replace(job.snapshot, note=_trouble(error))


def _trouble(error: ProblemError) -> str:
    return "key_refused" if error.problem.http in (401, 403) else "no_answer"


async def _pass_on_cancel(job: Job, tools: JobContext) -> None:
    """Ask the service once to stop; what it says next decides, and where it cannot stop the video is still saved."""
    if await _refuses_to_stop(job, tools):
        await advance(job, tools, replace(job.snapshot, note="cannot_stop"))


async def _pass_on_cancel_for_other(job: Job, tools: JobContext) -> None:
    """Ask the service to stop a job that another process carries out; that process will see what came of it."""
    if job.status in (Status.QUEUED, Status.RUNNING) and await _refuses_to_stop(job, tools):
        job.show(replace(job.snapshot, note="cannot_stop"))  # the row is the other process's to write


async def _refuses_to_stop(job: Job, tools: JobContext) -> bool:
    """Ask the service to stop if that is wanted, until it answers; tell whether it said now that it cannot."""
    if not job.cancel_requested or job.cancel_answered:
        return False
    try:
        await rate_limited(tools, "cancel")
        stopped = await tools.client.run(tools.protocol.cancel(job.remote_id))
    except ConnectionProblem:
        return False  # not heard: asked again before the next look
    except ServiceError as error:
        if error.problem.again or error.problem.http >= 500:
            return False  # not decided either
        stopped = False
    job.cancel_answered = True
    return not stopped


def _as_told_here(job: Job, snapshot: Snapshot) -> Snapshot:
    """Return what another process wrote of its job, and what the service told this one: that it cannot be stopped."""
    goes_on = snapshot.status in (Status.QUEUED, Status.RUNNING) and not snapshot.note
    return replace(snapshot, note=_kept_note(job)) if goes_on else snapshot
