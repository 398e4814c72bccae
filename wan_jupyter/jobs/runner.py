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
from .context import JobContext, OwnershipLost, pause
from .download import download_video
from .job import Job
from .poll import _as_told_here, _follow, _pass_on_cancel_for_other
from .prepare_inputs import _let_go
from .recovery import recover_task
from .redownload import FileState, inspect_file, take_back
from .submit import _create

Alive = Callable[[str, float, float], bool]  # whether an owner of that name lives, by its heartbeat and the time


async def carry_out(job: Job, tools: JobContext) -> None:
    """Live a job from where it stands to its end. Never raises; the outcome is the job's."""
    await _told(job, tools, _live(job, tools))


async def follow_other(job: Job, tools: JobContext, alive: Alive) -> None:
    """Follow a job that another process carries out, through its row; go on with it should that process die."""
    await _told(job, tools, _follow_row(job, tools, alive))


async def restore_video(job: Job, tools: JobContext, row: JobRecord, alive: Alive, beside: Path) -> None:
    """Show a video that was made before; where its file is gone or damaged, fetch it again, or follow who does.

    Args:
        row: as it was when the file was found to need a look.
        beside: the folder of the notebook that asks.
    """
    await _told(job, tools, _put_right(job, tools, row, alive, beside))


async def _told(job: Job, tools: JobContext, life: Awaitable[None]) -> None:
    """Let a job live; an exception ends what this process does for it, never the job itself."""
    try:
        await life
    except OwnershipLost:
        job.fail(JobError("job.taken_over", id=job.id))
    except WanError as error:
        await _set_free(job, tools)
        job.fail(error)
    except Exception as error:
        logger.exception("job %s stopped", job.id)
        await _set_free(job, tools)
        key = "job.internal_unsent" if job.status is Status.PREPARING else "job.internal"
        job.fail(JobError(key, id=job.id, kind=type(error).__name__))


async def _set_free(job: Job, tools: JobContext) -> None:
    """Let others go on with a job that this process gives up; else they would follow a row that never changes."""
    with contextlib.suppress(OutputError):
        await tools.engine.work(tools.journal.set_free, job.id, tools.owner)


async def _live(job: Job, tools: JobContext) -> None:
    for step in (_create, recover_task, _follow, download_video):
        await step(job, tools)
    await _finish(job, tools)


async def _put_right(job: Job, tools: JobContext, row: JobRecord, alive: Alive, beside: Path) -> None:
    found = await tools.engine.work(inspect_file, Path(job.snapshot.file), row)
    if found in (FileState.GONE, FileState.DAMAGED):
        again = await take_back(job, tools, row)
        return await (_live(job, tools) if again else _follow_row(job, tools, alive))
    path = await tools.engine.work(bring, Path(job.snapshot.file), beside)
    job.show(replace(job.snapshot, file=str(path)))
    return await _finish(job, tools, "edited" if found is FileState.EDITED else row.warning)


async def _follow_row(job: Job, tools: JobContext, alive: Alive) -> None:
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


# ---- follow -------------------------------------------------------------------------------------------------------


# ---- ending -------------------------------------------------------------------------------------------------------


async def _finish(job: Job, tools: JobContext, warning: str = "") -> None:
    """Let go of a job's pictures, then end it, with its video or its error."""
    job.warning = job.warning or warning
    if job.status is not Status.UNCERTAIN:
        await tools.engine.work(_let_go, job, tools)
    if job.status is Status.SUCCEEDED:
        path = Path(job.snapshot.file)
        job.succeed(Video(path, await tools.engine.work(read_sidecar, path) or tools.sidecar(job)))
    else:
        job.fail_as_told()
