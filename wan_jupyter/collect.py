"""The last step of a job's life: the video is fetched until it is whole, and lies on disk before anyone hears of it.

Floor 4. What was paid for is asked for again and again; that it cannot be had now is never the end of a job.
"""

from __future__ import annotations

import contextlib
import random
from dataclasses import replace
from pathlib import Path

from . import pacing
from .client import stream
from .engine import logger
from .errors import LOST_ANSWER, ConnectionProblem, JobExpired, Problem, ProblemError, ServiceError
from .job import Job
from .outputs import Incoming
from .status import Status
from .tools import Tools, advance, pause
from .video import inspect, looks_like_mp4


async def collect(job: Job, tools: Tools) -> None:
    """Bring a finished video to disk, with its sidecar, and end the job as SUCCEEDED."""
    if job.status is not Status.DOWNLOADING:
        return
    digest, warning = await _fetch_until_sound(job, tools)
    seconds = tools.protocol.billed(job.snapshot.usage)
    price = tools.price(seconds) if seconds is not None else None
    job.cost, job.warning = str(price) if price else "", warning
    await tools.engine.work(tools.place.write_sidecar, tools.sidecar(job))
    path = await tools.engine.work(tools.place.settle)
    done = replace(job.snapshot, status=Status.SUCCEEDED, progress=None, note="", file=str(path))
    paid = {"cost": price.amount, "currency": price.currency} if price else {}
    await advance(job, tools, done, sha256=digest, warning=warning, **paid)


async def _fetch_until_sound(job: Job, tools: Tools) -> tuple[str, str]:
    """Download until both ends decode, or the same bytes fail twice; return the SHA-256 and a warning."""
    failed: set[str] = set()
    tries = 0
    while True:
        tries += 1
        try:
            digest = await _fetch(job, tools)
            if await tools.engine.work(_is_sound, tools.place.part):
                return digest, ""
            if digest in failed or tries >= pacing.DOWNLOAD_TRIES:
                return digest, "undecodable"
            failed.add(digest)
        except ProblemError as error:
            if tries >= pacing.DOWNLOAD_TRIES:
                raise
            await pause(job, tools, pacing.after_failure(error, tools.pace, tries, random.random()))  # noqa: S311
            await _refresh_link(job, tools, error)


async def _fetch(job: Job, tools: Tools) -> str:
    """Stream the video to its temporary name; it is complete by length and begins as an MP4 does."""
    wanted = tools.protocol.content(job.snapshot)
    async with tools.client.download(wanted) as response:
        # A proxy that packs the answer gives the length of what it packed.
        length = "" if "content-encoding" in response.headers else response.headers.get("content-length", "")
        total = int(length) if length.isdigit() else 0
        with contextlib.closing(await tools.engine.work(tools.place.receive)) as incoming:
            async for piece in stream(response):
                await tools.engine.work(incoming.add, piece)
                _show_progress(job, incoming.size, total)
            digest = await tools.engine.work(incoming.finish)
            _check_whole(incoming, total)
    return digest


def _is_sound(path: Path) -> bool:
    """Tell whether both ends of a video decode. Whatever a decoder makes of a file, it was paid for and is kept."""
    try:
        inspect(path)
    except Exception as error:
        logger.debug("%s does not decode", path.name, exc_info=error)
        return False
    return True


def _check_whole(incoming: Incoming, total: int) -> None:
    if total and incoming.size != total:
        raise ConnectionProblem("service.lost", problem=Problem(LOST_ANSWER, "wrong length", advice="storage"))
    if not looks_like_mp4(incoming.head):
        raise ServiceError("service.not_video", problem=Problem("not_a_video", advice="storage"))


def _show_progress(job: Job, size: int, total: int) -> None:
    progress = min(1.0, size / total) if total else None
    job.show(replace(job.snapshot, progress=progress))


async def _refresh_link(job: Job, tools: Tools, error: ProblemError) -> None:
    """Ask the service for a fresh link where storage refused the one we have."""
    if error.problem.code != "expired_link":
        return
    try:
        seen = await tools.client.run(tools.protocol.poll(job.remote_id))
    except ProblemError:
        return
    if seen.status is Status.DOWNLOADING:
        await advance(job, tools, replace(job.snapshot, result=seen.result))
    forgotten = tools.clock.time() - (job.sent_at or job.facts.created_at) >= tools.protocol.memory
    if seen.status is Status.EXPIRED and forgotten:
        await advance(job, tools, seen)
        raise JobExpired("job.expired", problem=seen.problem or Problem(), id=job.id)
