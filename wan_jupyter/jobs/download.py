"""The last step of a job's life: the video is fetched until it is whole, and lies on disk before anyone hears of it.

Floor 4. What was paid for is asked for again and again; that it cannot be had now is never the end of a job. Where a
connection or a kernel dies, what has arrived stays under its temporary name and the next try goes on from there.
"""

from __future__ import annotations

import contextlib
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import LOST_ANSWER, ConnectionProblem, JobError, Problem, ProblemError, ServiceError
from ..i18n.messages import Phrase
from ..media.video.video import inspect, looks_like_mp4
from ..protocols.http_ranges import NOTHING, PartialFile, RangeReply, arriving
from ..scheduling import polling, retry
from ..status import Status
from ..storage.atomic_files import stamp
from ..storage.output_files import DownloadFile, set_aside
from ..transport.client import stream
from .background import logger
from .context import JobContext, advance, pause
from .job import Job
from .redownload import is_again, refresh_link

UNDECODABLE = "undecodable"
FETCHING = "fetching"  # the note of a download in trouble
TELLING = 12  # bytes that tell an MP4
LARGEST = 4 << 30  # bytes, which no video of some seconds has


async def download_video(job: Job, tools: JobContext) -> None:
    """Bring a finished video to disk, with its sidecar, and end the job as SUCCEEDED."""
    if job.status is not Status.DOWNLOADING:
        return
    digest, warning = await _settled(job, tools) or await _fetch_until_sound(job, tools)
    paid = {} if is_again(job) else _bill(job, tools)
    job.warning = warning
    await advance(job, tools, job.snapshot)  # still ours: nobody else may be writing where we settle
    path, size, mtime = await tools.engine.work(_settle, job, tools, digest)
    done = replace(job.snapshot, status=Status.SUCCEEDED, progress=None, moved=None, note="", file=str(path))
    await advance(job, tools, done, sha256=digest, size=size, mtime=mtime, warning=warning, **paid)


def _bill(job: Job, tools: JobContext) -> dict[str, Any]:
    """Work out what the video cost, for the job and for its row."""
    seconds = tools.protocol.billed(job.snapshot.usage)
    price = tools.price(seconds) if seconds is not None else None
    job.cost = str(price) if price else ""
    return {"cost": price.amount, "currency": price.currency} if price else {}


async def _settled(job: Job, tools: JobContext) -> tuple[str, str] | None:
    """Return SHA-256 and warning of a video that had its name before the process died that wrote it, None if none."""
    found = await tools.engine.work(tools.place.settled, job.id)
    if found is None:
        return None
    path, digest = found
    return digest, "" if await tools.engine.work(_is_sound, path) else UNDECODABLE


def _settle(job: Job, tools: JobContext, digest: str) -> tuple[Path, int, int]:
    """Give the video its name; a damaged one that has it is kept under another. Slow: for workers."""
    former = Path(job.snapshot.file)
    if is_again(job) and former.parent == tools.place.folder:
        set_aside(former, digest)
    path = tools.place.settle(digest, tools.sidecar(job))
    return path, *stamp(path)


# ---- fetching -----------------------------------------------------------------------------------------------------


async def _fetch_until_sound(job: Job, tools: JobContext) -> tuple[str, str]:
    """Download until both ends decode, or the same bytes fail twice; return the SHA-256 and a warning."""
    failed: set[str] = set()
    stall = retry.Stall()
    if is_again(job):
        await refresh_link(job, tools)
    while True:
        try:
            digest = await _fetch(job, tools)
        except ProblemError as error:
            stall = await _recover(job, tools, error, stall)
            continue
        if await tools.engine.work(_is_sound, tools.place.part):
            return digest, ""
        if digest in failed or len(failed) + 1 >= retry.DOWNLOAD_TRIES:
            return digest, UNDECODABLE
        failed.add(digest)
        await tools.engine.work(tools.place.discard)


async def _recover(job: Job, tools: JobContext, error: ProblemError, stall: retry.Stall) -> retry.Stall:
    """Wait after a failed try, and see to a fresh link where storage refused ours.

    Raises:
        ProblemError: the one that was given, once nothing more came for a long time; the row stays as it is.
    """
    held = await tools.engine.work(tools.place.held)
    stall = stall.failed(held.size)
    if stall.over:
        problem = replace(error.problem, advice="stalled")
        raise type(error)(error.key, problem=problem, **error.values) from None
    noted = replace(job.snapshot, note=job.snapshot.note or FETCHING)
    await advance(job, tools, noted)  # with it the heartbeat is renewed
    wait = retry.after_failure(error, tools.pace, stall.failures, random.random())  # noqa: S311 - jitter
    await pause(job, tools, wait)
    await refresh_link(job, tools, error)
    return stall.rested(wait)


async def _fetch(job: Job, tools: JobContext) -> str:
    """Bring the video to its temporary name, from where it broke off if that is safe, and return its SHA-256."""
    held = await tools.engine.work(tools.place.held)
    digest = await _receive(job, tools, held)
    if digest is None:  # storage has something else than what we began, or cannot give a part of it
        await tools.engine.work(tools.place.discard)
        digest = await _receive(job, tools, NOTHING)
    if digest is None:
        raise _broken("no_whole_file")
    return digest


async def _receive(job: Job, tools: JobContext, held: PartialFile) -> str | None:
    """Stream what is missing; None where the answer does not go on with what is there."""
    if held.whole:  # the process died just before the video got its name
        with contextlib.closing(await tools.engine.work(tools.place.receive, _rest(held))) as incoming:
            return await _finished(job, tools, incoming, held.total)
    wanted = tools.protocol.content(job.snapshot)
    async with tools.client.download(wanted, held) as response:
        arrival = arriving(response.status_code, response.headers, held)
        if arrival is None:
            return None
        if arrival.total > LARGEST:
            raise _oversized(job)
        with contextlib.closing(await tools.engine.work(tools.place.receive, arrival)) as incoming:
            beat = tools.clock.time()
            _show_progress(job, incoming.size, arrival.total)
            async for piece in stream(response):
                await tools.engine.work(incoming.add, piece)
                _show_progress(job, incoming.size, arrival.total)
                beat = await _beat(job, tools, beat)
                if _is_foreign(incoming) or incoming.size > (arrival.total or LARGEST):
                    break  # no video, or more than was announced: perhaps without end
            return await _finished(job, tools, incoming, arrival.total)


def _rest(held: PartialFile) -> RangeReply:
    return RangeReply(held.size, held.etag, held.total)


def _is_foreign(incoming: DownloadFile) -> bool:
    return len(incoming.head) >= TELLING and not looks_like_mp4(incoming.head)


async def _finished(job: Job, tools: JobContext, incoming: DownloadFile, total: int) -> str:
    """Return the SHA-256 of what is there if it is whole by length and begins as an MP4 does.

    What is too long, or no video, is removed: nothing can be gone on with.

    Raises:
        ConnectionProblem, ServiceError: it is not whole, or no video; it is asked for again.
        JobError: it is larger than a video can be; asked for at once, it would only come again.
    """
    digest = await tools.engine.work(incoming.finish)
    incoming.close()  # some systems remove no file that is open
    if not looks_like_mp4(incoming.head):
        await tools.engine.work(tools.place.discard)
        raise ServiceError("service.not_video", problem=Problem("not_a_video", advice="storage"))
    if incoming.size > (total or LARGEST):
        await tools.engine.work(tools.place.discard)
    if incoming.size > LARGEST:
        raise _oversized(job)
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
    job.show(replace(shot, progress=progress, moved=(size, total), note="" if shot.note == FETCHING else shot.note))


async def _beat(job: Job, tools: JobContext, last: float) -> float:
    """Renew the job's heartbeat if that is due: a download may take longer than the silence that means death."""
    now = tools.clock.time()
    if now - last < polling.HEARTBEAT:
        return last
    await advance(job, tools, job.snapshot)
    return now


def _oversized(job: Job) -> JobError:
    return JobError("job.oversized", id=job.id, limit=f"{LARGEST >> 30} GiB")


def _broken(how: str) -> ConnectionProblem:
    problem = Problem(LOST_ANSWER, Phrase(f"said.{how}", {}), advice="storage")
    return ConnectionProblem("service.lost", problem=problem)
