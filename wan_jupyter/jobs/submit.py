"""Send the create request: once, and again only while it provably never happened."""

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
from .prepare_inputs import _let_go, prepare_inputs
from .recovery import uncertain

WAITING = "waiting_to_submit"  # with this note a SUBMITTING job has provably created nothing yet
RECORD_BACKOFF_S = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 60.0, 60.0)


async def _create(context: JobContext) -> None:
    unsent = context.job.status is Status.PREPARING or context.job.snapshot.note == WAITING
    if context.job.status is Status.SUBMITTING and not unsent:
        # Someone died between sending and hearing the answer.
        await context.advance(uncertain(context, Problem(LOST_ANSWER)))
    if not unsent:
        return
    if await _dropped(context):
        return
    try:
        order = replace(context.create_request, frames=await prepare_inputs(context))
    except ImageError as error:  # the same bytes cannot be read next time either
        await _never_sent(context, error, Problem(NOT_CREATED, error.phrase(), advice="picture"))
    except OutputError as error:
        if error.key != "output.spool_gone":
            raise
        await _never_sent(context, error, Problem(NOT_CREATED, error.phrase(), advice="picture_gone"))
    if not await _dropped(context):
        await _keep(context, await _submit(context, order))


async def _never_sent(context: JobContext, error: WanError, problem: Problem) -> NoReturn:
    """End a job whose picture cannot be sent, with the error that says why."""
    await context.advance(Snapshot(Status.FAILED, problem=problem))
    await context.work(_let_go, context)
    raise error


async def _dropped(context: JobContext) -> bool:
    """End a job that was not sent yet, if someone asked for it to be stopped."""
    if context.job.cancel_requested:
        await context.advance(Snapshot(Status.CANCELED, problem=CANCELED_PROBLEM))
    return context.job.cancel_requested


async def _submit(context: JobContext, order: CreateRequest) -> Snapshot:
    """Send the create once, and again only while it provably never happened."""
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
    """Write down that a create goes out now, if the job is still ours; with it the heartbeat is renewed."""
    context.job._sent_at = context.clock.time()
    await context.advance(Snapshot(Status.SUBMITTING), sent_at=context.job._sent_at)


async def _keep(context: JobContext, brought: Snapshot) -> None:
    """Write down what the create brought, again and again: a task whose id is lost is paid for and never seen."""
    was = context.job.status
    record = partial(context.journal.record, context.job.id, context.owner, was, brought)
    for wait in (*RECORD_BACKOFF_S, None):
        try:
            if await context.work(record):
                context.publish(brought)
                return
            if brought.remote_id:
                await context.work(context.journal.keep_task, context.job.id, brought)
            raise OwnershipLost
        except OutputError as error:
            context.publish(brought)
            logger.error("job %s is task %s; the journal cannot be written", context.job.id, brought.remote_id)
            if wait is None:
                raise JobError(
                    "job.unrecorded", id=context.job.id, task=brought.remote_id, why=error.phrase()
                ) from None
            await context.pause(wait)


def _not_submitted(context: JobContext, error: ProblemError, verdict: retry.SubmitVerdict) -> Snapshot:
    if verdict is retry.SubmitVerdict.UNCERTAIN:
        return uncertain(context, error.problem)
    problem = error.problem
    return Snapshot(Status.FAILED, problem=replace(problem, code=problem.code or NOT_CREATED))
