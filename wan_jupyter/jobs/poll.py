"""Follow a task until the service says that it has ended."""

from __future__ import annotations

from dataclasses import replace

from ..errors import (
    ConnectionProblem,
    JobError,
    ProblemError,
    ServiceError,
)
from ..scheduling import polling
from ..status import Snapshot, Status
from .context import CANCELED_PROBLEM, JobContext
from .job import Job
from .redownload import DEFAULT_RETENTION_S, FORGOTTEN

SEEN = ("status", "word", "note", "progress", "result", "problem", "file")


async def _follow(context: JobContext) -> None:
    waited, failures, told = 0.0, 0, float("-inf")
    while context.job.status in (Status.QUEUED, Status.RUNNING):
        await _pass_on_cancel(context)
        asked = context.job.snapshot.poll_after
        wait = asked if asked is not None else context.poll_interval(waited, failures)
        await context.pause(wait)
        waited += wait  # what we waited, not what a clock says: a machine that slept has not waited
        try:
            seen = await context.request("poll", context.protocol.poll(context.job.remote_id))
            failures = 0
        except ProblemError as error:
            failures += 1
            seen = _without_answer(context, error)
            await context.pause(context.retry_wait(error, failures))
        told = await _report(context, _believed(context, seen), told)
        if waited > polling.POLL_TIMEOUT_S and context.job.status in (Status.QUEUED, Status.RUNNING):
            raise JobError("job.deadline", id=context.job.id, word=context.job.snapshot.word)


async def _report(context: JobContext, seen: Snapshot, told: float) -> float:
    """Record what a poll said if it says anything new, or if the heartbeat is due; return when it was last recorded."""
    now = context.clock.time()
    before = context.job.snapshot
    if all(getattr(before, name) == getattr(seen, name) for name in SEEN) and now - told < polling.HEARTBEAT_INTERVAL_S:
        return told
    await context.advance(replace(seen, facts={**before.facts, **seen.facts}))
    return now


def _believed(context: JobContext, seen: Snapshot) -> Snapshot:
    """Return a poll's answer, or, where a young task is said to be unknown, the state it was in.

    UNKNOWN means expired only after the service's 24 h; before that it may be another account's key, or a lagging
    replica.
    """
    age = context.age_s
    stopped = context.job._cancel_answered and context.job.snapshot.note != "cannot_stop"
    if seen.status is Status.EXPIRED and stopped:  # a server that forgets what it was told to stop
        return replace(seen, status=Status.CANCELED, problem=CANCELED_PROBLEM)
    if seen.status is Status.EXPIRED and age < context.protocol.task_retention_s:
        return replace(context.job.snapshot, word=seen.word, note="unknown_task")
    return seen if seen.status is not context.job.status or seen.note else replace(seen, note=_kept_note(context.job))


def _kept_note(job: Job) -> str:
    return job.snapshot.note if job.snapshot.note == "cannot_stop" else ""


def _without_answer(context: JobContext, error: ProblemError) -> Snapshot:
    """Return where a job stands that could not be asked after; an old task that is said to be unknown is forgotten."""
    old = context.age_s >= (context.protocol.task_retention_s or DEFAULT_RETENTION_S)
    if old and error.problem.advice in FORGOTTEN:
        return replace(context.job.snapshot, status=Status.EXPIRED, problem=error.problem, note="")
    return replace(context.job.snapshot, note=_trouble(error))


def _trouble(error: ProblemError) -> str:
    return "key_refused" if error.problem.http in (401, 403) else "no_answer"


async def _pass_on_cancel(context: JobContext) -> None:
    """Ask the service once to stop; what it says next decides, and where it cannot stop the video is still saved."""
    if await _refuses_to_stop(context):
        await context.advance(replace(context.job.snapshot, note="cannot_stop"))


async def _pass_on_cancel_for_other(context: JobContext) -> None:
    """Ask the service to stop a job that another process carries out; that process will see what came of it."""
    if context.job.status in (Status.QUEUED, Status.RUNNING) and await _refuses_to_stop(context):
        context.publish(replace(context.job.snapshot, note="cannot_stop"))  # the row is the other process's to write


async def _refuses_to_stop(context: JobContext) -> bool:
    """Ask the service to stop if that is wanted, until it answers; tell whether it said now that it cannot."""
    if not context.job.cancel_requested or context.job._cancel_answered:
        return False
    try:
        stopped = await context.request("cancel", context.protocol.cancel(context.job.remote_id))
    except ConnectionProblem:
        return False  # not heard: asked again before the next look
    except ServiceError as error:
        if error.problem.again or error.problem.http >= 500:
            return False  # not decided either
        stopped = False
    context.job._cancel_answered = True
    return not stopped


def _as_told_here(job: Job, snapshot: Snapshot) -> Snapshot:
    """Return what another process wrote of its job, and what the service told this one: that it cannot be stopped."""
    goes_on = snapshot.status in (Status.QUEUED, Status.RUNNING) and not snapshot.note
    return replace(snapshot, note=_kept_note(job)) if goes_on else snapshot
