"""A job's life, told by one function, `carry_out`. It can be entered in the middle: resuming is polling a known id.

Floor 4. Only the service's word ends a job: an exception of ours, a full disk or a lost network leaves the journal's
row as it was, and `%wan resume` goes on from there. Everything that was paid for is asked for again until it is on
disk.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NoReturn

from ..errors import (
    CANCELED,
    LOST_ANSWER,
    NOT_CREATED,
    ConnectionProblem,
    ImageError,
    JobError,
    OutputError,
    Problem,
    ProblemError,
    ServiceError,
    WanError,
)
from ..media.video.video import Video
from ..protocols.base import Order
from ..scheduling import retry
from ..status import Snapshot, Status
from ..storage.journal.journal import Row
from ..storage.output_files import bring, read_sidecar
from .background import logger
from .context import TakenOver, Tools, advance, pause
from .download import collect
from .job import Job
from .prepare_inputs import links
from .recovery import recognise, uncertain
from .redownload import DAY, FORGOTTEN, File, look_at, take_back
from .turns import turn

CANCELED_PROBLEM = Problem(CANCELED, advice="canceled")
WAITING = "waiting_to_submit"  # with this note a SUBMITTING job has provably created nothing yet
KEEP_WAITS = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 60.0, 60.0)
SEEN = ("status", "word", "note", "progress", "result", "problem", "file")

Alive = Callable[[str, float, float], bool]  # whether an owner of that name lives, by its heartbeat and the time


async def carry_out(job: Job, tools: Tools) -> None:
    """Live a job from where it stands to its end. Never raises; the outcome is the job's."""
    await _told(job, tools, _live(job, tools))


async def follow_other(job: Job, tools: Tools, alive: Alive) -> None:
    """Follow a job that another process carries out, through its row; go on with it should that process die."""
    await _told(job, tools, _follow_row(job, tools, alive))


async def look_after(job: Job, tools: Tools, row: Row, alive: Alive, beside: Path) -> None:
    """Show a video that was made before; where its file is gone or damaged, fetch it again, or follow who does.

    Args:
        row: as it was when the file was found to need a look.
        beside: the folder of the notebook that asks.
    """
    await _told(job, tools, _put_right(job, tools, row, alive, beside))


async def _told(job: Job, tools: Tools, life: Awaitable[None]) -> None:
    """Let a job live; an exception ends what this process does for it, never the job itself."""
    try:
        await life
    except TakenOver:
        job.fail(JobError("job.taken_over", id=job.id))
    except WanError as error:
        await _set_free(job, tools)
        job.fail(error)
    except Exception as error:
        logger.exception("job %s stopped", job.id)
        await _set_free(job, tools)
        key = "job.internal_unsent" if job.status is Status.PREPARING else "job.internal"
        job.fail(JobError(key, id=job.id, kind=type(error).__name__))


async def _set_free(job: Job, tools: Tools) -> None:
    """Let others go on with a job that this process gives up; else they would follow a row that never changes."""
    with contextlib.suppress(OutputError):
        await tools.engine.work(tools.journal.set_free, job.id, tools.owner)


async def _live(job: Job, tools: Tools) -> None:
    for step in (_create, recognise, _follow, collect):
        await step(job, tools)
    await _finish(job, tools)


async def _put_right(job: Job, tools: Tools, row: Row, alive: Alive, beside: Path) -> None:
    found = await tools.engine.work(look_at, Path(job.snapshot.file), row)
    if found in (File.GONE, File.DAMAGED):
        again = await take_back(job, tools, row)
        return await (_live(job, tools) if again else _follow_row(job, tools, alive))
    path = await tools.engine.work(bring, Path(job.snapshot.file), beside)
    job.show(replace(job.snapshot, file=str(path)))
    return await _finish(job, tools, "edited" if found is File.EDITED else row.warning)


async def _follow_row(job: Job, tools: Tools, alive: Alive) -> None:
    while True:
        row = await tools.engine.work(tools.journal.get, job.id)
        job.show(_as_told_here(job, row.snapshot))
        if row.snapshot.settled:
            return await _finish(job, tools, row.warning)
        if row.owner == tools.owner:
            return await _live(job, tools)
        if alive(row.owner, row.heartbeat, tools.clock.time()):
            await _pass_on_cancel_for_other(job, tools)
            await pause(job, tools, 1.0)
        else:  # once it is ours, the row is read anew: its owner may have sent the create with its last breath
            await tools.engine.work(tools.journal.take_over, job.id, tools.owner, row.owner)


# ---- create -------------------------------------------------------------------------------------------------------


async def _create(job: Job, tools: Tools) -> None:
    unsent = job.status is Status.PREPARING or job.snapshot.note == WAITING
    if job.status is Status.SUBMITTING and not unsent:
        # Someone died between sending and hearing the answer.
        await advance(job, tools, uncertain(job, tools, Problem(LOST_ANSWER)))
    if not unsent:
        return
    if await _dropped(job, tools):
        return
    try:
        order = replace(tools.order, frames=await links(job, tools))
    except ImageError as error:  # the same bytes cannot be read next time either
        await _never_sent(job, tools, error, Problem(NOT_CREATED, error.phrase(), advice="picture"))
    except OutputError as error:
        if error.key != "output.spool_gone":
            raise
        await _never_sent(job, tools, error, Problem(NOT_CREATED, error.phrase(), advice="picture_gone"))
    if not await _dropped(job, tools):
        await _keep(job, tools, await _submit(job, tools, order))


async def _never_sent(job: Job, tools: Tools, error: WanError, problem: Problem) -> NoReturn:
    """End a job whose picture cannot be sent, with the error that says why."""
    await advance(job, tools, Snapshot(Status.FAILED, problem=problem))
    await tools.engine.work(_let_go, job, tools)
    raise error


async def _dropped(job: Job, tools: Tools) -> bool:
    """End a job that was not sent yet, if someone asked for it to be stopped."""
    if job.cancel_requested:
        await advance(job, tools, Snapshot(Status.CANCELED, problem=CANCELED_PROBLEM))
    return job.cancel_requested


async def _submit(job: Job, tools: Tools, order: Order) -> Snapshot:
    """Send the create once, and again only while it provably never happened."""
    tries = 0
    while True:
        tries += 1
        try:
            await turn(tools, "submit")
            if job.cancel_requested:
                return Snapshot(Status.CANCELED, problem=CANCELED_PROBLEM)
            return await tools.client.create(tools.protocol.submit(order), partial(_commit, job, tools))
        except ProblemError as error:
            verdict = retry.judge_submit(error, tries)
            if verdict is not retry.Verdict.AGAIN:
                return _not_submitted(job, tools, error, verdict)
            await advance(job, tools, replace(job.snapshot, note=WAITING))
            await pause(job, tools, retry.submit_wait(error, tries, random.random()))  # noqa: S311 - jitter
        if job.cancel_requested:
            return Snapshot(Status.CANCELED, problem=CANCELED_PROBLEM)


async def _commit(job: Job, tools: Tools) -> None:
    """Write down that a create goes out now, if the job is still ours; with it the heartbeat is renewed."""
    job.sent_at = tools.clock.time()
    await advance(job, tools, Snapshot(Status.SUBMITTING), sent_at=job.sent_at)


async def _keep(job: Job, tools: Tools, brought: Snapshot) -> None:
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
            raise TakenOver
        except OutputError as error:
            job.show(brought)
            logger.error("job %s is task %s; the journal cannot be written", job.id, brought.remote_id)
            if wait is None:
                raise JobError("job.unrecorded", id=job.id, task=brought.remote_id, why=error.phrase()) from None
            await pause(job, tools, wait)


def _not_submitted(job: Job, tools: Tools, error: ProblemError, verdict: retry.Verdict) -> Snapshot:
    if verdict is retry.Verdict.UNCERTAIN:
        return uncertain(job, tools, error.problem)
    problem = error.problem
    return Snapshot(Status.FAILED, problem=replace(problem, code=problem.code or NOT_CREATED))


# ---- follow -------------------------------------------------------------------------------------------------------


async def _follow(job: Job, tools: Tools) -> None:
    waited, failures, told = 0.0, 0, float("-inf")
    while job.status in (Status.QUEUED, Status.RUNNING):
        await _pass_on_cancel(job, tools)
        asked = job.snapshot.poll_after
        wait = asked if asked is not None else retry.poll_wait(tools.pace, waited, failures, random.random())  # noqa: S311
        await pause(job, tools, wait)
        waited += wait  # what we waited, not what a clock says: a machine that slept has not waited
        try:
            await turn(tools, "poll")
            seen = await tools.client.run(tools.protocol.poll(job.remote_id))
            failures = 0
        except ProblemError as error:
            failures += 1
            seen = _without_answer(job, tools, error)
            await pause(job, tools, retry.after_failure(error, tools.pace, failures, random.random()))  # noqa: S311
        told = await _report(job, tools, _believed(job, tools, seen), told)
        if waited > retry.DEADLINE and job.status in (Status.QUEUED, Status.RUNNING):
            raise JobError("job.deadline", id=job.id, word=job.snapshot.word)


async def _report(job: Job, tools: Tools, seen: Snapshot, told: float) -> float:
    """Record what a poll said if it says anything new, or if the heartbeat is due; return when it was last recorded."""
    now = tools.clock.time()
    before = job.snapshot
    if all(getattr(before, name) == getattr(seen, name) for name in SEEN) and now - told < retry.HEARTBEAT:
        return told
    await advance(job, tools, replace(seen, facts={**before.facts, **seen.facts}))
    return now


def _believed(job: Job, tools: Tools, seen: Snapshot) -> Snapshot:
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


def _without_answer(job: Job, tools: Tools, error: ProblemError) -> Snapshot:
    """Return where a job stands that could not be asked after; an old task that is said to be unknown is forgotten."""
    old = tools.clock.time() - (job.sent_at or job.facts.created_at) >= (tools.protocol.memory or DAY)
    if old and error.problem.advice in FORGOTTEN:
        return replace(job.snapshot, status=Status.EXPIRED, problem=error.problem, note="")
    return replace(job.snapshot, note=_trouble(error))


def _trouble(error: ProblemError) -> str:
    return "key_refused" if error.problem.http in (401, 403) else "no_answer"


async def _pass_on_cancel(job: Job, tools: Tools) -> None:
    """Ask the service once to stop; what it says next decides, and where it cannot stop the video is still saved."""
    if await _refuses_to_stop(job, tools):
        await advance(job, tools, replace(job.snapshot, note="cannot_stop"))


async def _pass_on_cancel_for_other(job: Job, tools: Tools) -> None:
    """Ask the service to stop a job that another process carries out; that process will see what came of it."""
    if job.status in (Status.QUEUED, Status.RUNNING) and await _refuses_to_stop(job, tools):
        job.show(replace(job.snapshot, note="cannot_stop"))  # the row is the other process's to write


async def _refuses_to_stop(job: Job, tools: Tools) -> bool:
    """Ask the service to stop if that is wanted, until it answers; tell whether it said now that it cannot."""
    if not job.cancel_requested or job.cancel_answered:
        return False
    try:
        await turn(tools, "cancel")
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


# ---- ending -------------------------------------------------------------------------------------------------------


async def _finish(job: Job, tools: Tools, warning: str = "") -> None:
    """Let go of a job's pictures, then end it, with its video or its error."""
    job.warning = job.warning or warning
    if job.status is not Status.UNCERTAIN:
        await tools.engine.work(_let_go, job, tools)
    if job.status is Status.SUCCEEDED:
        path = Path(job.snapshot.file)
        job.succeed(Video(path, await tools.engine.work(read_sidecar, path) or tools.sidecar(job)))
    else:
        job.fail_as_told()


def _let_go(job: Job, tools: Tools) -> None:
    """Remove spooled pictures that no job under way needs; one that stays behind hurts nobody."""
    try:
        _drop_unneeded(job, tools)
    except Exception:  # the video is on disk: nothing may keep it from being shown
        logger.warning("the pictures of job %s stay in the spool", job.id, exc_info=True)


def _drop_unneeded(job: Job, tools: Tools) -> None:
    if job.status is Status.FAILED:  # a link into storage may be why: the next job's pictures are put there anew
        tools.journal.forget_uploads(tools.whose)
    needed = {frame.get("digest") for row in tools.journal.unsettled() for frame in row.request["frames"].values()}
    for _, image in job.request.frames:
        if image.digest and image.digest not in needed:
            tools.spool.drop(image.digest)
