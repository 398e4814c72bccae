"""A job's life, told by one function, `carry_out`. It can be entered in the middle: resuming is polling a known id.

Floor 4. Only the service's word ends a job: an exception of ours, a full disk or a lost network leaves the journal's
row as it was, and `%wan resume` goes on from there. Everything that was paid for is asked for again until it is on
disk.
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
from .poll import _as_told_here, _follow, _pass_on_cancel_for_other
from .prepare_inputs import _let_go
from .recovery import recover_task
from .redownload import FileState, inspect_file, take_back
from .submit import _create

Alive = Callable[[str, float, float], bool]  # whether an owner of that name lives, by its heartbeat and the time


async def carry_out(context: JobContext) -> None:
    """Live a job from where it stands to its end. Never raises; the outcome is the job's."""
    await _told(context, _live(context))


async def follow_other(context: JobContext, alive: Alive) -> None:
    """Follow a job that another process carries out, through its row; go on with it should that process die."""
    await _told(context, _follow_row(context, alive))


async def restore_video(context: JobContext, row: JobRecord, alive: Alive, beside: Path) -> None:
    """Show a video that was made before; where its file is gone or damaged, fetch it again, or follow who does.

    Args:
        row: as it was when the file was found to need a look.
        beside: the folder of the notebook that asks.
    """
    await _told(context, _put_right(context, row, alive, beside))


async def _told(context: JobContext, life: Awaitable[None]) -> None:
    """Let a job live; an exception ends what this process does for it, never the job itself."""
    try:
        await life
    except OwnershipLost:
        context.job._fail(JobError("job.taken_over", id=context.job.id))
    except WanError as error:
        await _set_free(context)
        context.job._fail(error)
    except Exception as error:
        logger.exception("job %s stopped", context.job.id)
        await _set_free(context)
        key = "job.internal_unsent" if context.job.status is Status.PREPARING else "job.internal"
        context.job._fail(JobError(key, id=context.job.id, kind=type(error).__name__))


async def _set_free(context: JobContext) -> None:
    """Let others go on with a job that this process gives up; else they would follow a row that never changes."""
    with contextlib.suppress(OutputError):
        await context.work(context.journal.set_free, context.job.id, context.owner)


async def _live(context: JobContext) -> None:
    for step in (_create, recover_task, _follow, download_video):
        await step(context)
    await _finish(context)


async def _put_right(context: JobContext, row: JobRecord, alive: Alive, beside: Path) -> None:
    found = await context.work(inspect_file, Path(context.job.snapshot.file), row)
    if found in (FileState.GONE, FileState.DAMAGED):
        again = await take_back(context, row)
        return await (_live(context) if again else _follow_row(context, alive))
    path = await context.work(bring, Path(context.job.snapshot.file), beside)
    context.publish(replace(context.job.snapshot, file=str(path)))
    return await _finish(context, "edited" if found is FileState.EDITED else row.warning)


async def _follow_row(context: JobContext, alive: Alive) -> None:
    while True:
        row = await context.work(context.journal.get, context.job.id)
        context.publish(_as_told_here(context.job, row.snapshot))
        if row.snapshot.settled:
            return await _finish(context, row.warning)
        if row.owner == context.owner:
            return await _live(context)
        if alive(row.owner, row.heartbeat, context.clock.time()):
            await _pass_on_cancel_for_other(context)
            await context.pause(1.0)
        else:  # once it is ours, the row is read anew: its owner may have sent the create with its last breath
            await context.work(context.journal.take_over, context.job.id, context.owner, row.owner)


# ---- create -------------------------------------------------------------------------------------------------------


# ---- follow -------------------------------------------------------------------------------------------------------


# ---- ending -------------------------------------------------------------------------------------------------------


async def _finish(context: JobContext, warning: str = "") -> None:
    """Let go of a job's pictures, then end it, with its video or its error."""
    context.job.warning = context.job.warning or warning
    if context.job.status is not Status.UNCERTAIN:
        await context.work(_let_go, context)
    if context.job.status is Status.SUCCEEDED:
        path = Path(context.job.snapshot.file)
        context.job._succeed(Video(path, await context.work(read_sidecar, path) or context.sidecar()))
    else:
        context.job._fail_as_reported()
