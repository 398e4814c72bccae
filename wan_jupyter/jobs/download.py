"""Download a finished video until it is complete, and save it before anything is shown.

A video was paid for, so a failed download is repeated and never ends a job. When a connection or a kernel dies, what
has arrived is kept under a temporary name, and the next try resumes from there.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import LOST_ANSWER, ConnectionProblem, JobError, Problem, ProblemError, ServiceError
from ..i18n.messages import Phrase
from ..media.video.video import inspect, looks_like_mp4
from ..protocols.http_ranges import NOTHING, PartialFile, RangeReply, read_reply
from ..scheduling import polling, retry
from ..status import Status
from ..storage.atomic_files import stamp
from ..storage.output_files import DownloadFile, set_aside
from ..transport.downloads import stream
from .background import logger
from .context import JobContext
from .job import Job
from .redownload import is_again, refresh_link

UNDECODABLE = "undecodable"
DOWNLOAD_FAILING = "fetching"  # note of a job whose download is being repeated
MP4_HEADER_BYTES = 12  # enough to recognize an MP4
MAX_VIDEO_BYTES = 4 << 30  # far above any video of some seconds; what is larger would fill the disk


async def download_video(context: JobContext) -> None:
    """Save a finished video with its sidecar, and end the job as SUCCEEDED."""
    if context.job.status is not Status.DOWNLOADING:
        return
    digest, warning = await _settled(context) or await _download_until_sound(context)
    paid = {} if is_again(context.job) else _bill(context)
    context.job.warning = warning
    await context.advance(context.job.snapshot)  # raises unless the job is ours: two processes must not write one file
    path, size, mtime = await context.work(_settle, context, digest)
    done = replace(context.job.snapshot, status=Status.SUCCEEDED, progress=None, moved=None, note="", file=str(path))
    await context.advance(done, sha256=digest, size=size, mtime=mtime, warning=warning, **paid)


def _bill(context: JobContext) -> dict[str, Any]:
    """Set the job's cost from what the service billed, and return it as columns of the job's record."""
    seconds = context.protocol.billed_seconds(context.job.snapshot.usage)
    price = context.price(seconds) if seconds is not None else None
    context.job._cost = price.rounded if price else None
    return {"cost": price.amount, "currency": price.currency} if price else {}


async def _settled(context: JobContext) -> tuple[str, str] | None:
    """Return the SHA-256 and the warning of a video that an earlier process completed before it died; None without."""
    found = await context.work(context.paths.settled, context.job.id)
    if found is None:
        return None
    path, digest = found
    return digest, "" if await context.work(_is_sound, path) else UNDECODABLE


def _settle(context: JobContext, digest: str) -> tuple[Path, int, int]:
    """Give the video its final name; a damaged file of that name is kept under another one. Slow."""
    former = Path(context.job.snapshot.file)
    if is_again(context.job) and former.parent == context.paths.folder:
        set_aside(former, digest)
    path = context.paths.settle(digest, context.sidecar())
    return path, *stamp(path)


# ---- downloading -----------------------------------------------------------------------------------------------------


async def _download_until_sound(context: JobContext) -> tuple[str, str]:
    """Download until the ends decode, or the same bytes fail twice; return the SHA-256 and a warning."""
    failed: set[str] = set()
    stall = retry.Stall()
    if is_again(context.job):
        await refresh_link(context)
    while True:
        try:
            digest = await _download(context)
        except ProblemError as error:
            stall = await _recover(context, error, stall)
            continue
        if await context.work(_is_sound, context.paths.part):
            return digest, ""
        if digest in failed or len(failed) + 1 >= retry.MAX_DOWNLOAD_TRIES:
            return digest, UNDECODABLE
        failed.add(digest)
        await context.work(context.paths.discard)


async def _recover(context: JobContext, error: ProblemError, stall: retry.Stall) -> retry.Stall:
    """Wait after a failed try, and get a fresh link where storage refused ours.

    Raises:
        ProblemError: `error`, once nothing more came for `DOWNLOAD_TIMEOUT_S`; the job's record stays as it is.
    """
    held = await context.work(context.paths.held)
    stall = stall.failed(held.size)
    if stall.over:
        problem = replace(error.problem, advice="stalled")
        raise type(error)(error.key, problem=problem, **error.values) from None
    noted = replace(context.job.snapshot, note=context.job.snapshot.note or DOWNLOAD_FAILING)
    await context.advance(noted)  # also renews the heartbeat
    wait = context.retry_wait(error, stall.failures)
    await context.pause(wait)
    await refresh_link(context, error)
    return stall.rested(wait)


async def _download(context: JobContext) -> str:
    """Download the video to its temporary file, resuming where that is safe, and return its SHA-256."""
    held = await context.work(context.paths.held)
    digest = await _receive(context, held)
    if digest is None:  # the file has changed, or storage does not serve ranges
        await context.work(context.paths.discard)
        digest = await _receive(context, NOTHING)
    if digest is None:
        raise _broken("no_whole_file")
    return digest


async def _receive(context: JobContext, held: PartialFile) -> str | None:
    """Stream what is missing; None where the response does not continue what is there."""
    if held.whole:  # the process died just before the video got its name
        with contextlib.closing(await context.work(context.paths.receive, _rest(held))) as incoming:
            return await _finished(context, incoming, held.total)
    wanted = context.protocol.content(context.job.snapshot)
    async with context.client.download(wanted, held) as response:
        arrival = read_reply(response.status_code, response.headers, held)
        if arrival is None:
            return None
        if arrival.total > MAX_VIDEO_BYTES:
            raise _oversized(context.job)
        with contextlib.closing(await context.work(context.paths.receive, arrival)) as incoming:
            beat = context.clock.time()
            _show_progress(context.job, incoming.size, arrival.total)
            async for piece in stream(response):
                await context.work(incoming.add, piece)
                _show_progress(context.job, incoming.size, arrival.total)
                beat = await _beat(context, beat)
                if _is_foreign(incoming) or incoming.size > (arrival.total or MAX_VIDEO_BYTES):
                    break  # not a video, or more than was announced: perhaps an endless stream
            return await _finished(context, incoming, arrival.total)


def _rest(held: PartialFile) -> RangeReply:
    return RangeReply(held.size, held.etag, held.total)


def _is_foreign(incoming: DownloadFile) -> bool:
    return len(incoming.head) >= MP4_HEADER_BYTES and not looks_like_mp4(incoming.head)


async def _finished(context: JobContext, incoming: DownloadFile, total: int) -> str:
    """Return the SHA-256 of the downloaded file, if it has the announced length and begins as an MP4 does.

    A file that is too long, or not a video, is removed: no download can resume from it.

    Raises:
        ConnectionProblem, ServiceError: it is incomplete, or not a video; the download is repeated.
        JobError: it is larger than `MAX_VIDEO_BYTES`; repeating the download now would only bring it again.
    """
    digest = await context.work(incoming.finish)
    incoming.close()  # Windows does not remove an open file
    if not looks_like_mp4(incoming.head):
        await context.work(context.paths.discard)
        raise ServiceError("service.not_video", problem=Problem("not_a_video", advice="storage"))
    if incoming.size > (total or MAX_VIDEO_BYTES):
        await context.work(context.paths.discard)
    if incoming.size > MAX_VIDEO_BYTES:
        raise _oversized(context.job)
    if total and incoming.size != total:
        raise _broken("wrong_length")
    return digest


def _is_sound(path: Path) -> bool:
    """Return whether the first and last frame of a video decode. Either way it was paid for and is kept."""
    try:
        inspect(path)
    except Exception as error:
        logger.debug("%s does not decode", path.name, exc_info=error)
        return False
    return True


def _show_progress(job: Job, size: int, total: int) -> None:
    shot = job.snapshot
    progress = min(1.0, size / total) if total else None
    note = "" if shot.note == DOWNLOAD_FAILING else shot.note
    job._publish(replace(shot, progress=progress, moved=(size, total), note=note))


async def _beat(context: JobContext, last: float) -> float:
    """Renew the job's heartbeat if due: without it, a process counts as dead before a long download ends."""
    now = context.clock.time()
    if now - last < polling.HEARTBEAT_INTERVAL_S:
        return last
    await context.advance(context.job.snapshot)
    return now


def _oversized(job: Job) -> JobError:
    return JobError("job.oversized", id=job.id, limit=f"{MAX_VIDEO_BYTES >> 30} GiB")


def _broken(how: str) -> ConnectionProblem:
    problem = Problem(LOST_ANSWER, Phrase(f"said.{how}", {}), advice="storage")
    return ConnectionProblem("service.lost", problem=problem)
