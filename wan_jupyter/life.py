"""A job's life, told by one function, `carry_out`. It can be entered in the middle: resuming is polling a known id.

Floor 4. Only the service's word ends a job: an exception of ours, a full disk or a lost network leaves the journal's
row as it was, and `%wan resume` goes on from there. Everything that was paid for is asked for again until it is on
disk.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from . import pacing
from .client import Client, stream
from .engine import Clock, Engine, logger
from .errors import (
    LOST_ANSWER,
    NOT_CREATED,
    ConnectionProblem,
    JobError,
    OutputError,
    Problem,
    ProblemError,
    ServiceError,
    WanError,
)
from .image import Image
from .job import Job
from .journal import Journal
from .outputs import Incoming, Place, Spool, data_uri
from .prices import Price
from .protocols.base import Order, Protocol
from .status import Snapshot, Status, may_move
from .video import Video, inspect, looks_like_mp4

SERVICE_MEMORY = 24 * 3600.0  # seconds DashScope remembers a task (seed dashscope-kf2v, 2026-03-13)
HEARTBEAT = 60.0
CANCELED = Problem("canceled", advice="canceled")
SEEN = ("status", "word", "note", "progress", "result", "problem", "file")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What a job's life needs, one set a job.

    Attributes:
        owner: this process's name in the journal.
        pace: seconds between polls, at first and later.
        price: gives the price of some billed seconds, None where it is unknown.
        sidecar: gives what is written beside the video.
    """

    engine: Engine
    clock: Clock
    client: Client
    protocol: Protocol
    order: Order
    journal: Journal
    spool: Spool
    place: Place
    owner: str
    pace: tuple[float, float]
    price: Callable[[float], Price | None]
    sidecar: Callable[[Job], Mapping[str, Any]]


class TakenOver(Exception):
    """The journal's row is no longer ours."""


async def carry_out(job: Job, tools: Tools) -> None:
    """Live a job from where it stands to its end. Never raises; the outcome is the job's."""
    try:
        for step in (_create, _follow, _collect):
            await step(job, tools)
        await _finish(job, tools)
    except TakenOver:
        job.fail(JobError("job.taken_over", id=job.id))
    except WanError as error:
        job.fail(error)
    except Exception as error:
        logger.exception("job %s stopped", job.id)
        job.fail(JobError("job.internal", id=job.id, kind=type(error).__name__))


async def follow_other(job: Job, tools: Tools, alive: Callable[[str, float, float], bool]) -> None:
    """Follow a job that another process carries out, through its row; go on with it should that process die."""
    while True:
        row = await tools.engine.work(tools.journal.get, job.id)
        job.show(row.snapshot)
        if row.snapshot.status.ended:
            return await _finish(job, tools, row.warning)
        if not alive(row.owner, row.heartbeat, tools.clock.time()):
            await tools.engine.work(tools.journal.take_over, job.id, tools.owner, row.owner)
            return await carry_out(job, tools)
        await tools.clock.sleep(1.0)


# ---- create -------------------------------------------------------------------------------------------------------


async def _create(job: Job, tools: Tools) -> None:
    if job.status is Status.SUBMITTING and not job.remote_id:
        # Someone died between sending and hearing the answer.
        await _advance(job, tools, Snapshot(Status.UNCERTAIN, problem=Problem(LOST_ANSWER, advice="uncertain")))
    if job.status is not Status.PREPARING:
        return
    order = replace(tools.order, frames=await _links(job, tools))
    if job.cancel_requested:
        await _advance(job, tools, Snapshot(Status.CANCELED, problem=CANCELED))
        return
    await _advance(job, tools, Snapshot(Status.SUBMITTING), sent_at=tools.clock.time())
    await _advance(job, tools, await _submit(job, tools, order))


async def _submit(job: Job, tools: Tools, order: Order) -> Snapshot:
    """Send the create once, and again only while it provably never happened."""
    tries = 0
    while True:
        tries += 1
        try:
            return await tools.client.create(tools.protocol.submit(order))
        except ProblemError as error:
            verdict = pacing.judge_submit(error, tries)
            if verdict is not pacing.Verdict.AGAIN:
                return _not_submitted(error, verdict)
            job.show(replace(job.snapshot, note="waiting_to_submit"))
            await _pause(job, tools, pacing.submit_wait(error, tries, random.random()))  # noqa: S311 - jitter
        if job.cancel_requested:
            return Snapshot(Status.CANCELED, problem=CANCELED)


def _not_submitted(error: ProblemError, verdict: pacing.Verdict) -> Snapshot:
    if verdict is pacing.Verdict.UNCERTAIN:
        return Snapshot(Status.UNCERTAIN, problem=replace(error.problem, advice="uncertain"))
    problem = error.problem
    return Snapshot(Status.FAILED, problem=replace(problem, code=problem.code or NOT_CREATED))


async def _links(job: Job, tools: Tools) -> dict[str, str]:
    """Spool the pictures and return what stands for them on the wire."""
    links = {role: await tools.engine.work(_link, image, tools.spool) for role, image in job.request.frames}
    job.forget_pixels()
    return links


def _link(image: Image, spool: Spool) -> str:
    if image.url:
        return image.url
    data = spool.read(image.digest) if image.source is None else image.encoded()
    spool.keep(image.digest, data)
    return data_uri(image.mime, data)


# ---- follow -------------------------------------------------------------------------------------------------------


async def _follow(job: Job, tools: Tools) -> None:
    begun, failures, told = tools.clock.time(), 0, float("-inf")
    while job.status in (Status.QUEUED, Status.RUNNING):
        await _pass_on_cancel(job, tools)
        elapsed = tools.clock.time() - begun
        asked = job.snapshot.poll_after
        wait = asked if asked is not None else pacing.poll_wait(tools.pace, elapsed, failures, random.random())  # noqa: S311
        await _pause(job, tools, wait)
        if elapsed > pacing.DEADLINE:
            raise JobError("job.deadline", id=job.id, word=job.snapshot.word)
        try:
            seen = await tools.client.run(tools.protocol.poll(job.remote_id))
            failures = 0
        except ProblemError as error:
            failures += 1
            seen = replace(job.snapshot, note=_trouble(error))
            await _pause(job, tools, pacing.after_failure(error, tools.pace, failures, random.random()))  # noqa: S311
        told = await _report(job, tools, _believed(job, tools, seen), told)


async def _report(job: Job, tools: Tools, seen: Snapshot, told: float) -> float:
    """Record what a poll said if it says anything new, or if the heartbeat is due; return when it was last recorded."""
    now = tools.clock.time()
    before = job.snapshot
    if all(getattr(before, name) == getattr(seen, name) for name in SEEN) and now - told < HEARTBEAT:
        return told
    await _advance(job, tools, replace(seen, facts={**before.facts, **seen.facts}))
    return now


def _believed(job: Job, tools: Tools, seen: Snapshot) -> Snapshot:
    """Return a poll's answer, or, where a young task is said to be unknown, the state it was in.

    UNKNOWN means expired only after the service's 24 h; before that it may be another account's key, or a lagging
    replica.
    """
    age = tools.clock.time() - job.facts.created_at
    if seen.status is Status.EXPIRED and age < SERVICE_MEMORY:
        return replace(job.snapshot, word=seen.word, note="unknown_task")
    return seen if seen.status is not job.status or seen.note else replace(seen, note=_kept_note(job))


def _kept_note(job: Job) -> str:
    return job.snapshot.note if job.snapshot.note == "cannot_stop" else ""


def _trouble(error: ProblemError) -> str:
    return "key_refused" if error.problem.http in (401, 403) else "no_answer"


async def _pass_on_cancel(job: Job, tools: Tools) -> None:
    """Ask the service once to stop; what it says next decides, and where it cannot stop the video is still saved."""
    if not job.cancel_requested or job.cancel_answered:
        return
    try:
        stopped = await tools.client.run(tools.protocol.cancel(job.remote_id))
    except ConnectionProblem:
        return  # not heard: asked again before the next poll
    except ServiceError:
        stopped = False
    job.cancel_answered = True
    if not stopped:
        await _advance(job, tools, replace(job.snapshot, note="cannot_stop"))


async def _pause(job: Job, tools: Tools, seconds: float) -> None:
    """Wait, but no longer than until someone asks for the job to be stopped."""
    if seconds <= 0:
        return
    sleeping = asyncio.ensure_future(tools.clock.sleep(seconds))
    waking = asyncio.ensure_future(job.wake.wait())
    try:
        await asyncio.wait({sleeping, waking}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        job.wake.clear()
        sleeping.cancel()
        waking.cancel()


# ---- collect ------------------------------------------------------------------------------------------------------


async def _collect(job: Job, tools: Tools) -> None:
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
    await _advance(job, tools, done, sha256=digest, warning=warning, **paid)


async def _fetch_until_sound(job: Job, tools: Tools) -> tuple[str, str]:
    """Download until both ends decode, or the same bytes fail twice; return the SHA-256 and a warning."""
    failed: set[str] = set()
    tries = 0
    while True:
        tries += 1
        try:
            digest = await _fetch(job, tools)
            await tools.engine.work(inspect, tools.place.part)
            return digest, ""
        except OutputError as error:
            if error.key != "video.undecodable":
                raise
            if digest in failed:
                return digest, "undecodable"
            failed.add(digest)
        except ProblemError as error:
            if tries >= pacing.DOWNLOAD_TRIES:
                raise
            await _pause(job, tools, pacing.after_failure(error, tools.pace, tries, random.random()))  # noqa: S311
            await _refresh_link(job, tools, error)


async def _fetch(job: Job, tools: Tools) -> str:
    """Stream the video to its temporary name; it is complete by length and begins as an MP4 does."""
    wanted = tools.protocol.content(job.snapshot)
    async with tools.client.download(wanted) as response:
        length = response.headers.get("content-length", "")
        total = int(length) if length.isdigit() else 0
        with tools.place.receive() as incoming:
            async for piece in stream(response):
                await tools.engine.work(incoming.add, piece)
                _show_progress(job, incoming.size, total)
            digest = await tools.engine.work(incoming.finish)
            _check_whole(incoming, total)
    return digest


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
        await _advance(job, tools, replace(job.snapshot, result=seen.result))


# ---- moving and ending --------------------------------------------------------------------------------------------


async def _advance(job: Job, tools: Tools, snapshot: Snapshot, **more: Any) -> None:
    """Move a job: first in the journal, then for all to see. A move that goes back is noted and ignored."""
    if not may_move(job.status, snapshot.status):
        went = f"{job.status} to {snapshot.word or snapshot.status}"
        await tools.engine.work(tools.journal.note, job.id, "went back", went)
        return
    record = partial(tools.journal.record, job.id, tools.owner, snapshot, **more)
    if not await tools.engine.work(record):
        raise TakenOver
    job.show(snapshot)


async def _finish(job: Job, tools: Tools, warning: str = "") -> None:
    """End a job whose state is an end, with its video or its error; then let go of its pictures."""
    job.warning = job.warning or warning
    if job.status is Status.SUCCEEDED:
        job.succeed(Video(tools.place.video, tools.sidecar(job)))
    else:
        job.fail_as_told()
    if job.status is not Status.UNCERTAIN:
        await tools.engine.work(_let_go, job, tools)


def _let_go(job: Job, tools: Tools) -> None:
    """Remove spooled pictures that no job under way needs."""
    needed = {frame.get("digest") for row in tools.journal.unfinished() for frame in row.request["frames"].values()}
    for _, image in job.request.frames:
        if image.digest and image.digest not in needed:
            tools.spool.drop(image.digest)
