"""Send the create request once; repeat it only while it provably never happened."""

from __future__ import annotations

import random
from dataclasses import replace
from functools import partial
from typing import NoReturn

from ..errors import (
    LOST_ANSWER,
    NOT_CREATED,
    ImageError,
    JobError,
    OutputError,
    Problem,
    ProblemError,
    WanError,
)
from ..protocols.base import CreateRequest
from ..scheduling import retry
from ..status import Snapshot, Status
from .background import logger
from .context import CANCELED_PROBLEM, JobContext, OwnershipLost
from .recovery import uncertain
from .upload_inputs import prepare_inputs, release_inputs

WAITING = "waiting_to_submit"  # note of a SUBMITTING job that has provably created nothing yet
# Waits between tries to record a new task's id while the journal cannot be written (a full disk, a locked database):
# four minutes in all.
RECORD_BACKOFF_S = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 60.0, 60.0)


async def create_task(context: JobContext) -> None:
    """Create the job's task at the service, unless that happened before.

    Raises:
        WanError: an image cannot be sent, or the journal cannot be used.
        OwnershipLost: another process owns the job now.
    """
    unsent = context.job.status is Status.PREPARING or context.job.snapshot.note == WAITING
    if context.job.status is Status.SUBMITTING and not unsent:
        # A process died between sending the request and receiving its answer: the task may exist.
        await context.advance(uncertain(context, Problem(LOST_ANSWER)))
    if not unsent:
        return
    if await _canceled_unsent(context):
        return
    try:
        order = replace(context.create_request, frames=await prepare_inputs(context))
    except ImageError as error:  # the same bytes cannot be read next time either
        await _fail_unsent(context, error, Problem(NOT_CREATED, error.phrase(), advice="picture"))
    except OutputError as error:
        if error.key != "output.spool_gone":
            raise
        await _fail_unsent(context, error, Problem(NOT_CREATED, error.phrase(), advice="picture_gone"))
    if not await _canceled_unsent(context):
        await _record(context, await _submit(context, order))


async def _fail_unsent(context: JobContext, error: WanError, problem: Problem) -> NoReturn:
    """End a job whose image cannot be sent, and raise the error that says why."""
    await context.advance(Snapshot(Status.FAILED, problem=problem))
    await context.work(release_inputs, context)
    raise error


async def _canceled_unsent(context: JobContext) -> bool:
    """End a job that was not sent yet, if it was canceled; return whether it was."""
    if context.job.cancel_requested:
        await context.advance(Snapshot(Status.CANCELED, problem=CANCELED_PROBLEM))
    return context.job.cancel_requested


async def _submit(context: JobContext, order: CreateRequest) -> Snapshot:
    """Send the create request once; repeat it only while it provably never happened."""
    tries = 0
    while True:
        tries += 1
        try:
            await context.rate_limited("submit")
            if context.job.cancel_requested:
                return Snapshot(Status.CANCELED, problem=CANCELED_PROBLEM)
            return await context.client.create(context.protocol.submit(order), partial(_commit, context))
        except ProblemError as error:
            verdict = retry.judge_submit(error, tries)
            if verdict is not retry.SubmitVerdict.AGAIN:
                return _not_submitted(context, error, verdict)
            await context.advance(replace(context.job.snapshot, note=WAITING))
            await context.pause(retry.submit_wait(error, tries, random.random()))  # noqa: S311 - jitter
        if context.job.cancel_requested:
            return Snapshot(Status.CANCELED, problem=CANCELED_PROBLEM)


async def _commit(context: JobContext) -> None:
    """Record that the create request is sent now, if the job is still ours. Also renews the heartbeat."""
    context.job._sent_at = context.clock.time()
    await context.advance(Snapshot(Status.SUBMITTING), sent_at=context.job._sent_at)


async def _record(context: JobContext, created: Snapshot) -> None:
    """Record the result of the create request, with retries: a task whose id is lost is paid for and never seen."""
    was = context.job.status
    record = partial(context.journal.record, context.job.id, context.owner, was, created)
    for wait in (*RECORD_BACKOFF_S, None):
        try:
            if await context.work(record):
                context.publish(created)
                return
            if created.remote_id:
                await context.work(context.journal.keep_task, context.job.id, created)
            raise OwnershipLost
        except OutputError as error:
            context.publish(created)
            logger.error("job %s is task %s; the journal cannot be written", context.job.id, created.remote_id)
            if wait is None:
                raise JobError(
                    "job.unrecorded", id=context.job.id, task=created.remote_id, why=error.phrase()
                ) from None
            await context.pause(wait)


def _not_submitted(context: JobContext, error: ProblemError, verdict: retry.SubmitVerdict) -> Snapshot:
    if verdict is retry.SubmitVerdict.UNCERTAIN:
        return uncertain(context, error.problem)
    problem = error.problem
    return Snapshot(Status.FAILED, problem=replace(problem, code=problem.code or NOT_CREATED))
