"""A video that was made, and whose file is gone or damaged: fetched again while the service has it, at no cost.

Floor 4. A job that is fetched again is DOWNLOADING and has a file's name already. It never ends as EXPIRED, after which
its cell would make, and pay for, a new one: what cannot be had any more goes back to SUCCEEDED, and the user is told.
"""

from __future__ import annotations

import time
from dataclasses import replace
from enum import Enum
from functools import partial
from pathlib import Path

from ..errors import JobError, JobExpired, OutputError, Problem, ProblemError
from ..media.video.video import inspect
from ..status import Snapshot, Status
from ..storage.atomic_files import digest_of, stamp
from ..storage.journal.journal import JobRecord
from .context import JobContext
from .job import Job

DAY = 24 * 3600.0  # what services promise to keep results for, and what we count on where one promises nothing
DEAD_LINK = frozenset({"expired_link", "unreadable"})
FORGOTTEN = frozenset({"lost", "gateway_unknown"})  # how services without a word for it refuse an id


class FileState(Enum):
    """What became of a video's file."""

    AS_IT_CAME = "as it came"
    EDITED = "edited"
    DAMAGED = "damaged"
    GONE = "gone"


def file_changed(row: JobRecord) -> bool:
    """Tell whether a saved video's file has to be looked at: it is gone, or was written since. Reads no byte of it."""
    path = Path(row.snapshot.file)
    return not path.is_file() or (row.size is not None and stamp(path) != (row.size, row.mtime))


def inspect_file(path: Path, row: JobRecord) -> FileState:
    """Return what became of a video's file. What still decodes is the user's own doing. Slow: for workers."""
    if not path.is_file():
        return FileState.GONE
    if not file_changed(replace(row, snapshot=replace(row.snapshot, file=str(path)))):
        return FileState.AS_IT_CAME
    try:
        if digest_of(path) == row.sha256:
            return FileState.AS_IT_CAME
        inspect(path)
    except (OSError, OutputError, ValueError):
        return FileState.DAMAGED
    return FileState.EDITED


def is_again(job: Job) -> bool:
    """Tell whether a download is not a job's first."""
    return job.status is Status.DOWNLOADING and job.snapshot.file != ""


def is_downloadable(row: JobRecord, memory: float, now: float) -> bool:
    """Tell whether a task is young enough for its service to have its video; `memory` is the service's own, seconds."""
    return bool(row.snapshot.remote_id) and now - (row.sent_at or row.created_at) < (memory or DAY)


def gone_for_good(identity: str, file: str, created_at: float) -> JobError:
    """Return the error of a video that was paid for and cannot be had again."""
    key = "job.file_damaged" if Path(file).is_file() else "job.file_gone"
    made = time.strftime("%Y-%m-%d %H:%M", time.localtime(created_at))
    return JobError(key, id=identity, file=file, made=made)


async def take_back(context: JobContext, row: JobRecord) -> bool:
    """Make a job whose file is lost one that is downloaded, by us; False where someone else was quicker.

    Raises:
        JobError: the service keeps its video no more.
    """
    now, memory = context.clock.time(), context.protocol.task_retention_s
    if not is_downloadable(row, memory, now):
        raise gone_for_good(context.job.id, context.job.snapshot.file, context.job.facts.created_at)
    take = partial(context.journal.refetch, context.job.id, context.owner, row.heartbeat, now - (memory or DAY))
    if not await context.work(take):
        return False
    context.job.show((await context.work(context.journal.get, context.job.id)).snapshot)
    return True


# ---- links --------------------------------------------------------------------------------------------------------


async def refresh_link(context: JobContext, error: ProblemError | None = None) -> None:
    """Ask the service for a fresh link, where storage refused the one we have (`error`), or before a further download.

    Raises:
        JobExpired: the service has forgotten the task.
        JobError: it has no video of it any more.
    """
    if error is not None and error.problem.code not in DEAD_LINK:
        return
    seen = await _ask(context)
    if seen is None:
        return
    before = context.job.snapshot.result
    if seen.status is Status.DOWNLOADING:
        await context.advance(replace(context.job.snapshot, result=seen.result))
    if error is not None and (seen.status is not Status.DOWNLOADING or seen.result == before):
        await _end_if_forgotten(context, seen)


async def _ask(context: JobContext) -> Snapshot | None:
    try:
        return await context.client.run(context.protocol.poll(context.job.remote_id))
    except ProblemError as error:
        old = context.clock.time() - context.sent_at >= (context.protocol.task_retention_s or DAY)
        forgotten = (is_again(context.job) or old) and error.problem.advice in FORGOTTEN
        return Snapshot(Status.EXPIRED, problem=error.problem) if forgotten else None


async def _end_if_forgotten(context: JobContext, seen: Snapshot) -> None:
    """End a download whose link is dead if the service has no other, and will have none."""
    age = context.clock.time() - context.sent_at
    old = age >= (context.protocol.task_retention_s or DAY)
    if is_again(context.job) and (old or seen.status.ended):
        await context.work(context.paths.discard)
        await context.advance(replace(context.job.snapshot, status=Status.SUCCEEDED, progress=None, note=""))
        raise gone_for_good(context.job.id, context.job.snapshot.file, context.job.facts.created_at)
    if seen.status is Status.EXPIRED and age >= context.protocol.task_retention_s:
        await context.work(context.paths.discard)
        await context.advance(seen)
        raise JobExpired("job.expired", problem=seen.problem or Problem(), id=context.job.id)
    if old:
        made = time.strftime("%Y-%m-%d %H:%M", time.localtime(context.job.facts.created_at))
        raise JobError("job.too_old", id=context.job.id, made=made)
