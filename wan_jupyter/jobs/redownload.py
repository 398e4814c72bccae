"""Download a video again whose file is gone or damaged, while the service still has it. Costs nothing.

A job that is downloaded again is DOWNLOADING and already has a file name. It never ends as EXPIRED, after which its
cell would generate, and pay for, a new video: if the service no longer has it, the job is SUCCEEDED again, with an
error.
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

# How long a result is expected to be kept where the service does not say. DashScope keeps it for 24 h
# (alibabacloud.com/help/en/model-studio/image-to-video-general-api-reference, 2026-06-16); gateways pass its links on.
DEFAULT_RETENTION_S = 24 * 3600.0
DEAD_LINK = frozenset({"expired_link", "unreadable"})  # codes with which storage refuses a link
FORGOTTEN = frozenset({"lost", "gateway_unknown"})  # advice on refused ids, of services without a status for it


class FileState(Enum):
    """What became of a video's file."""

    AS_IT_CAME = "as it came"
    EDITED = "edited"
    DAMAGED = "damaged"
    GONE = "gone"


def file_changed(record: JobRecord) -> bool:
    """Return whether a saved video's file is gone, or was written since. Reads no byte of it."""
    path = Path(record.snapshot.file)
    return not path.is_file() or (record.size is not None and stamp(path) != (record.size, record.mtime))


def inspect_file(path: Path, record: JobRecord) -> FileState:
    """Return what became of a video's file. A changed file that still decodes was edited by the user. Slow."""
    if not path.is_file():
        return FileState.GONE
    if not file_changed(replace(record, snapshot=replace(record.snapshot, file=str(path)))):
        return FileState.AS_IT_CAME
    try:
        if digest_of(path) == record.sha256:
            return FileState.AS_IT_CAME
        inspect(path)
    except (OSError, OutputError, ValueError):
        return FileState.DAMAGED
    return FileState.EDITED


def is_again(job: Job) -> bool:
    """Return whether the job's video was downloaded before."""
    return job.status is Status.DOWNLOADING and job.snapshot.file != ""


def is_downloadable(record: JobRecord, retention_s: float, now: float) -> bool:
    """Return whether the service should still have a task's video.

    Args:
        retention_s: how long the service keeps results; 0 where it does not say.
        now: epoch seconds.
    """
    age = now - (record.sent_at or record.created_at)
    return bool(record.snapshot.remote_id) and age < (retention_s or DEFAULT_RETENTION_S)


def retention_s(context: JobContext) -> float:
    """Return for how many seconds the job's service keeps results."""
    return context.protocol.task_retention_s or DEFAULT_RETENTION_S


def gone_for_good(identity: str, file: str, created_at: float) -> JobError:
    """Return the error for a video that was paid for and can no longer be downloaded."""
    key = "job.file_damaged" if Path(file).is_file() else "job.file_gone"
    made = time.strftime("%Y-%m-%d %H:%M", time.localtime(created_at))
    return JobError(key, id=identity, file=file, made=made)


async def take_back(context: JobContext, record: JobRecord) -> bool:
    """Claim a job for re-download; False if another process claimed it first.

    Raises:
        JobError: the service no longer has the video.
    """
    now, kept = context.clock.time(), retention_s(context)
    if not is_downloadable(record, kept, now):
        raise gone_for_good(context.job.id, context.job.snapshot.file, context.job.info.created_at)
    take = partial(context.journal.refetch, context.job.id, context.owner, record.heartbeat, now - kept)
    if not await context.work(take):
        return False
    context.publish((await context.work(context.journal.get, context.job.id)).snapshot)
    return True


# ---- links --------------------------------------------------------------------------------------------------------


async def refresh_link(context: JobContext, error: ProblemError | None = None) -> None:
    """Ask the service for a fresh link.

    Args:
        error: why the last download failed; only a refused link needs a fresh one. None before a re-download.

    Raises:
        JobExpired: the service has forgotten the task.
        JobError: the service no longer has the video.
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
        old = context.age_s >= retention_s(context)
        forgotten = (is_again(context.job) or old) and error.problem.advice in FORGOTTEN
        return Snapshot(Status.EXPIRED, problem=error.problem) if forgotten else None


async def _end_if_forgotten(context: JobContext, seen: Snapshot) -> None:
    """End a download whose link has expired, if the service will not have another."""
    age = context.age_s
    old = age >= retention_s(context)
    if is_again(context.job) and (old or seen.status.ended):
        await context.work(context.paths.discard)
        await context.advance(replace(context.job.snapshot, status=Status.SUCCEEDED, progress=None, note=""))
        raise gone_for_good(context.job.id, context.job.snapshot.file, context.job.info.created_at)
    if seen.status is Status.EXPIRED and age >= context.protocol.task_retention_s:
        await context.work(context.paths.discard)
        await context.advance(seen)
        raise JobExpired("job.expired", problem=seen.problem or Problem(), id=context.job.id)
    if old:
        made = time.strftime("%Y-%m-%d %H:%M", time.localtime(context.job.info.created_at))
        raise JobError("job.too_old", id=context.job.id, made=made)
