"""The last step of a job's life: the video is fetched until it is whole, and lies on disk before anyone hears of it.

Floor 4. What was paid for is asked for again and again; that it cannot be had now is never the end of a job. Where a
connection or a kernel dies, what has arrived stays under its temporary name and the next try goes on from there.
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
FETCHING = "fetching"  # the note of a download in trouble
MP4_HEADER_BYTES = 12  # bytes that tell an MP4
MAX_VIDEO_BYTES = 4 << 30  # bytes, which no video of some seconds has


async def download_video(context: JobContext) -> None:
    """Bring a finished video to disk, with its sidecar, and end the job as SUCCEEDED."""
    if context.job.status is not Status.DOWNLOADING:
        return
    digest, warning = await _settled(context) or await _fetch_until_sound(context)
    paid = {} if is_again(context.job) else _bill(context)
    context.job.warning = warning
    await context.advance(context.job.snapshot)  # still ours: nobody else may be writing where we settle
    path, size, mtime = await context.work(_settle, context, digest)
    done = replace(context.job.snapshot, status=Status.SUCCEEDED, progress=None, moved=None, note="", file=str(path))
    await context.advance(done, sha256=digest, size=size, mtime=mtime, warning=warning, **paid)


def _bill(context: JobContext) -> dict[str, Any]:
    """Work out what the video cost, for the job and for its row."""
    seconds = context.protocol.billed_seconds(context.job.snapshot.usage)
    price = context.price(seconds) if seconds is not None else None
    context.job._cost = price.rounded if price else None
    return {"cost": price.amount, "currency": price.currency} if price else {}


async def _settled(context: JobContext) -> tuple[str, str] | None:
    """Return SHA-256 and warning of a video that had its name before the process died that wrote it, None if none."""
    found = await context.work(context.paths.settled, context.job.id)
    if found is None:
        return None
    path, digest = found
    return digest, "" if await context.work(_is_sound, path) else UNDECODABLE


def _settle(context: JobContext, digest: str) -> tuple[Path, int, int]:
    """Give the video its name; a damaged one that has it is kept under another. Slow: for workers."""
    former = Path(context.job.snapshot.file)
    if is_again(context.job) and former.parent == context.paths.folder:
        set_aside(former, digest)
    path = context.paths.settle(digest, context.sidecar())
    return path, *stamp(path)


# ---- fetching -----------------------------------------------------------------------------------------------------


async def _fetch_until_sound(context: JobContext) -> tuple[str, str]:
    """Download until both ends decode, or the same bytes fail twice; return the SHA-256 and a warning."""
    failed: set[str] = set()
    stall = retry.Stall()
    if is_again(context.job):
        await refresh_link(context)
    while True:
        try:
            digest = await _fetch(context)
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
    """Wait after a failed try, and see to a fresh link where storage refused ours.

    Raises:
        ProblemError: the one that was given, once nothing more came for a long time; the row stays as it is.
    """
    held = await context.work(context.paths.held)
    stall = stall.failed(held.size)
    if stall.over:
        problem = replace(error.problem, advice="stalled")
        raise type(error)(error.key, problem=problem, **error.values) from None
    noted = replace(context.job.snapshot, note=context.job.snapshot.note or FETCHING)
    await context.advance(noted)  # with it the heartbeat is renewed
    wait = context.retry_wait(error, stall.failures)
    await context.pause(wait)
    await refresh_link(context, error)
    return stall.rested(wait)


async def _fetch(context: JobContext) -> str:
    """Bring the video to its temporary name, from where it broke off if that is safe, and return its SHA-256."""
    held = await context.work(context.paths.held)
    digest = await _receive(context, held)
    if digest is None:  # storage has something else than what we began, or cannot give a part of it
        await context.work(context.paths.discard)
        digest = await _receive(context, NOTHING)
    if digest is None:
        raise _broken("no_whole_file")
    return digest


async def _receive(context: JobContext, held: PartialFile) -> str | None:
    """Stream what is missing; None where the answer does not go on with what is there."""
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
                    break  # no video, or more than was announced: perhaps without end
            return await _finished(context, incoming, arrival.total)


def _rest(held: PartialFile) -> RangeReply:
    return RangeReply(held.size, held.etag, held.total)


def _is_foreign(incoming: DownloadFile) -> bool:
    return len(incoming.head) >= MP4_HEADER_BYTES and not looks_like_mp4(incoming.head)


async def _finished(context: JobContext, incoming: DownloadFile, total: int) -> str:
    """Return the SHA-256 of what is there if it is whole by length and begins as an MP4 does.

    What is too long, or no video, is removed: nothing can be gone on with.

    Raises:
        ConnectionProblem, ServiceError: it is not whole, or no video; it is asked for again.
        JobError: it is larger than a video can be; asked for at once, it would only come again.
    """
    digest = await context.work(incoming.finish)
    incoming.close()  # some systems remove no file that is open
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
    """Tell whether both ends of a video decode. Whatever a decoder makes of a file, it was paid for and is kept."""
    try:
        inspect(path)
    except Exception as error:
        logger.debug("%s does not decode", path.name, exc_info=error)
        return False
    return True


def _show_progress(job: Job, size: int, total: int) -> None:
    shot = job.snapshot
    progress = min(1.0, size / total) if total else None
    job._publish(replace(shot, progress=progress, moved=(size, total), note="" if shot.note == FETCHING else shot.note))


async def _beat(context: JobContext, last: float) -> float:
    """Renew the job's heartbeat if that is due: a download may take longer than the silence that means death."""
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
