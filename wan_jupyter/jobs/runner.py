"""Carry a job out: create its task, poll it, download the video. A job can be resumed at any of these steps.

Only the service's answer ends a job: an exception of ours, a full disk or a lost network leaves the journal's record as
it was, and `%wan resume` resumes from there. What was paid for is requested again until it is on disk.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

from ..errors import (
    JobError,
    OutputError,
    WanError,
)
from ..media.video.video import Video
from ..status import Status
from ..storage.journal.journal import JobRecord
from ..storage.output_files import bring, read_sidecar
from .background import logger
from .context import JobContext, OwnershipLost
from .download import download_video
from .poll import cancel_for_other, follow_task, with_own_note
from .recovery import recover_task
from .redownload import FileState, inspect_file, take_back
from .submit import create_task
from .upload_inputs import release_inputs

Alive = Callable[[str, float, float], bool]  # whether an owner of that name lives, by its heartbeat and the time


async def carry_out(context: JobContext) -> None:
    """Carry a job out from its present state to its end. Never raises; the job holds the outcome."""
    await _run(context, _live(context))


async def follow_other(context: JobContext, alive: Alive) -> None:
    """Follow a job that another process carries out, through its record; take it over if that process dies."""
    await _run(context, _follow_record(context, alive))


async def restore_video(context: JobContext, record: JobRecord, alive: Alive, beside: Path) -> None:
    """Show an earlier job's video. If its file is gone or damaged, download it again, or follow the process that does.

    Args:
        alive: returns whether a process is alive.
        record: as it was when the file was found to need a look.
        beside: the folder of the notebook that asks.
    """
    await _run(context, _restore(context, record, alive, beside))


async def _run(context: JobContext, steps: Awaitable[None]) -> None:
    """Await a job's steps. An exception ends what this process does for the job, never the job itself."""
    try:
        await steps
    except OwnershipLost:
        context.job._fail(JobError("job.taken_over", id=context.job.id))
    except WanError as error:
        await _release(context)
        context.job._fail(error)
    except Exception as error:
        logger.exception("job %s stopped", context.job.id)
        await _release(context)
        key = "job.internal_unsent" if context.job.status is Status.PREPARING else "job.internal"
        context.job._fail(JobError(key, id=context.job.id, kind=type(error).__name__))


async def _release(context: JobContext) -> None:
    """Release a job that this process gives up: others would follow a record that never changes."""
    with contextlib.suppress(OutputError):
        await context.work(context.journal.set_free, context.job.id, context.owner)


async def _live(context: JobContext) -> None:
    for step in (create_task, recover_task, follow_task, download_video):
        await step(context)
    await _finish(context)


async def _restore(context: JobContext, record: JobRecord, alive: Alive, beside: Path) -> None:
    found = await context.work(inspect_file, Path(context.job.snapshot.file), record)
    if found in (FileState.GONE, FileState.DAMAGED):
        again = await take_back(context, record)
        return await (_live(context) if again else _follow_record(context, alive))
    path = await context.work(bring, Path(context.job.snapshot.file), beside)
    context.publish(replace(context.job.snapshot, file=str(path)))
    return await _finish(context, "edited" if found is FileState.EDITED else record.warning)


async def _follow_record(context: JobContext, alive: Alive) -> None:
    while True:
        record = await context.work(context.journal.get, context.job.id)
        context.publish(with_own_note(context.job, record.snapshot))
        if record.snapshot.settled:
            return await _finish(context, record.warning)
        if record.owner == context.owner:
            return await _live(context)
        if alive(record.owner, record.heartbeat, context.clock.time()):
            await cancel_for_other(context)
            await context.pause(1.0)
        else:  # once it is ours, the record is read anew: its owner may have sent the create with its last breath
            await context.work(context.journal.take_over, context.job.id, context.owner, record.owner)


async def _finish(context: JobContext, warning: str = "") -> None:
    """Remove a job's images from the spool, then end it with its video or its error."""
    context.job.warning = context.job.warning or warning
    if context.job.status is not Status.UNCERTAIN:
        await context.work(release_inputs, context)
    if context.job.status is Status.SUCCEEDED:
        path = Path(context.job.snapshot.file)
        context.job._succeed(Video(path, await context.work(read_sidecar, path) or context.sidecar()))
    else:
        context.job._fail_as_reported()
