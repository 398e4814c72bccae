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
from .context import CANCELED_PROBLEM, JobContext, OwnershipLost, advance, pause, rate_limited
from .job import Job
from .prepare_inputs import _let_go, prepare_inputs
from .recovery import uncertain

WAITING = "waiting_to_submit"  # with this note a SUBMITTING job has provably created nothing yet
KEEP_WAITS = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 60.0, 60.0)


async def _create(job: Job, tools: JobContext) -> None:
    unsent = job.status is Status.PREPARING or job.snapshot.note == WAITING
    if job.status is Status.SUBMITTING and not unsent:
        # Someone died between sending and hearing the answer.
        await advance(job, tools, uncertain(job, tools, Problem(LOST_ANSWER)))
    if not unsent:
        return
    if await _dropped(job, tools):
        return
    try:
        order = replace(tools.order, frames=await prepare_inputs(job, tools))
    except ImageError as error:  # the same bytes cannot be read next time either
        await _never_sent(job, tools, error, Problem(NOT_CREATED, error.phrase(), advice="picture"))
    except OutputError as error:
        if error.key != "output.spool_gone":
            raise
        await _never_sent(job, tools, error, Problem(NOT_CREATED, error.phrase(), advice="picture_gone"))
    if not await _dropped(job, tools):
        await _keep(job, tools, await _submit(job, tools, order))


async def _never_sent(job: Job, tools: JobContext, error: WanError, problem: Problem) -> NoReturn:
    """End a job whose picture cannot be sent, with the error that says why."""
    await advance(job, tools, Snapshot(Status.FAILED, problem=problem))
    await tools.engine.work(_let_go, job, tools)
    raise error


async def _dropped(job: Job, tools: JobContext) -> bool:
    """End a job that was not sent yet, if someone asked for it to be stopped."""
    if job.cancel_requested:
        await advance(job, tools, Snapshot(Status.CANCELED, problem=CANCELED_PROBLEM))
    return job.cancel_requested


async def _submit(job: Job, tools: JobContext, order: CreateRequest) -> Snapshot:
    """Send the create once, and again only while it provably never happened."""
    tries = 0
    while True:
        tries += 1
        try:
            await rate_limited(tools, "submit")
            if job.cancel_requested:
                return Snapshot(Status.CANCELED, problem=CANCELED_PROBLEM)
            return await tools.client.create(tools.protocol.submit(order), partial(_commit, job, tools))
        except ProblemError as error:
            verdict = retry.judge_submit(error, tries)
            if verdict is not retry.SubmitVerdict.AGAIN:
                return _not_submitted(job, tools, error, verdict)
            await advance(job, tools, replace(job.snapshot, note=WAITING))
            await pause(job, tools, retry.submit_wait(error, tries, random.random()))  # noqa: S311 - jitter
        if job.cancel_requested:
            return Snapshot(Status.CANCELED, problem=CANCELED_PROBLEM)


async def _commit(job: Job, tools: JobContext) -> None:
    """Write down that a create goes out now, if the job is still ours; with it the heartbeat is renewed."""
    job.sent_at = tools.clock.time()
    await advance(job, tools, Snapshot(Status.SUBMITTING), sent_at=job.sent_at)


async def _keep(job: Job, tools: JobContext, brought: Snapshot) -> None:
    """Write down what the create brought, again and again: a task whose id is lost is paid for and never seen."""
    was = job.status
    record = partial(tools.journal.record, job.id, tools.owner, was, brought)
    for wait in (*KEEP_WAITS, None):
        try:
            if await tools.engine.work(record):
                job.show(brought)
                return
            if brought.remote_id:
                await tools.engine.work(tools.journal.keep_task, job.id, brought)
            raise OwnershipLost
        except OutputError as error:
            job.show(brought)
            logger.error("job %s is task %s; the journal cannot be written", job.id, brought.remote_id)
            if wait is None:
                raise JobError("job.unrecorded", id=job.id, task=brought.remote_id, why=error.phrase()) from None
            await pause(job, tools, wait)


def _not_submitted(job: Job, tools: JobContext, error: ProblemError, verdict: retry.SubmitVerdict) -> Snapshot:
    if verdict is retry.SubmitVerdict.UNCERTAIN:
        return uncertain(job, tools, error.problem)
    problem = error.problem
    return Snapshot(Status.FAILED, problem=replace(problem, code=problem.code or NOT_CREATED))
