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
from .redownload import FORGOTTEN, retention_s

REPORTED = ("status", "word", "note", "progress", "result", "problem", "file")


async def follow_task(context: JobContext) -> None:
    """Poll a queued or running task until it has ended.

    Raises:
        JobError: it has not ended after `POLL_TIMEOUT_S` of waiting.
    """
    waited, failures, recorded_at = 0.0, 0, float("-inf")
    while context.job.status in (Status.QUEUED, Status.RUNNING):
        await _request_cancel(context)
        asked = context.job.snapshot.poll_after
        wait = asked if asked is not None else context.poll_interval(waited, failures)
        await context.pause(wait)
        waited += wait  # not by the clock: a machine that slept has not waited
        try:
            seen = await context.request("poll", context.protocol.poll(context.job.remote_id))
            failures = 0
        except ProblemError as error:
            failures += 1
            seen = _unanswered(context, error)
            await context.pause(context.retry_wait(error, failures))
        recorded_at = await _report(context, _accepted(context, seen), recorded_at)
        if waited > polling.POLL_TIMEOUT_S and context.job.status in (Status.QUEUED, Status.RUNNING):
            raise JobError("job.deadline", id=context.job.id, word=context.job.snapshot.word)


async def _report(context: JobContext, seen: Snapshot, recorded_at: float) -> float:
    """Record what a poll reported if it is new, or if the heartbeat is due; return when it was last recorded."""
    now = context.clock.time()
    before = context.job.snapshot
    is_new = any(getattr(before, name) != getattr(seen, name) for name in REPORTED)
    if not is_new and now - recorded_at < polling.HEARTBEAT_INTERVAL_S:
        return recorded_at
    await context.advance(replace(seen, facts={**before.facts, **seen.facts}))
    return now


def _accepted(context: JobContext, seen: Snapshot) -> Snapshot:
    """Return what a poll reported, or the present state where a young task is reported as unknown.

    DashScope keeps tasks for 24 h (alibabacloud.com/help/en/model-studio/manage-asynchronous-tasks, 2026-03-15), so
    UNKNOWN means expired only after that time; before, it may be another account's key, or a replica that lags.
    """
    age = context.age_s
    stopped = context.job._cancel_answered and context.job.snapshot.note != "cannot_stop"
    if seen.status is Status.EXPIRED and stopped:  # some servers forget a task that was canceled
        return replace(seen, status=Status.CANCELED, problem=CANCELED_PROBLEM)
    if seen.status is Status.EXPIRED and age < context.protocol.task_retention_s:
        return replace(context.job.snapshot, word=seen.word, note="unknown_task")
    return seen if seen.status is not context.job.status or seen.note else replace(seen, note=_kept_note(context.job))


def _kept_note(job: Job) -> str:
    return job.snapshot.note if job.snapshot.note == "cannot_stop" else ""


def _unanswered(context: JobContext, error: ProblemError) -> Snapshot:
    """Return the state after a failed poll; an old task whose id the service refuses has expired."""
    old = context.age_s >= retention_s(context)
    if old and error.problem.advice in FORGOTTEN:
        return replace(context.job.snapshot, status=Status.EXPIRED, problem=error.problem, note="")
    return replace(context.job.snapshot, note=_note_for(error))


def _note_for(error: ProblemError) -> str:
    return "key_refused" if error.problem.http in (401, 403) else "no_answer"


async def _request_cancel(context: JobContext) -> None:
    """Pass a request to cancel on to the service; where it cannot stop the task, the video is still saved."""
    if await _cannot_be_stopped(context):
        await context.advance(replace(context.job.snapshot, note="cannot_stop"))


async def cancel_for_other(context: JobContext) -> None:
    """Ask the service to cancel a job that another process carries out; that process will see the result."""
    if context.job.status in (Status.QUEUED, Status.RUNNING) and await _cannot_be_stopped(context):
        context.publish(replace(context.job.snapshot, note="cannot_stop"))  # the record is not ours to write


async def _cannot_be_stopped(context: JobContext) -> bool:
    """Ask the service to cancel, if requested and not yet answered; return whether it answered that it cannot."""
    if not context.job.cancel_requested or context.job._cancel_answered:
        return False
    try:
        stopped = await context.request("cancel", context.protocol.cancel(context.job.remote_id))
    except ConnectionProblem:
        return False  # perhaps not received: repeated before the next poll
    except ServiceError as error:
        if error.problem.again or error.problem.http >= 500:
            return False  # not a decision either
        stopped = False
    context.job._cancel_answered = True
    return not stopped


def with_own_note(job: Job, snapshot: Snapshot) -> Snapshot:
    """Return another process's snapshot; if the service said here that it cannot stop the task, with that note."""
    goes_on = snapshot.status in (Status.QUEUED, Status.RUNNING) and not snapshot.note
    return replace(snapshot, note=_kept_note(job)) if goes_on else snapshot
