"""What stands for a job's pictures on the wire: an address, a data URI, or a link into the service's own storage.

Floor 4, part of PREPARING: it costs nothing and may be repeated freely. What fails here leaves the job where it was.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType

from ..errors import (
    ConnectionProblem,
    OutputError,
    ProblemError,
)
from ..media.image.conversion import Fit, convert_to_fit
from ..media.image.reader import Image, data_uri
from ..media.video.video import thumbnail
from ..scheduling import retry
from ..status import Status
from .background import logger
from .context import JobContext, pause, rate_limited, unless_canceled
from .job import Job

# A link must outlive the job's wait in the service's queue: it is used again only this long before its end.
MARGIN = 6 * 3600.0
# Storage wants names that fit what is in the file.
EXTENSIONS: Mapping[str, str] = MappingProxyType(
    {"image/jpeg": "jpg", "image/png": "png", "image/bmp": "bmp", "image/webp": "webp"}
)


@dataclass(frozen=True, slots=True)
class Ready:
    """A picture as it is sent: its address, or a file."""

    url: str = ""
    data: bytes = b""
    mime: str = ""
    digest: str = ""
    repairs: tuple[tuple[str, Mapping[str, str]], ...] = ()


async def prepare_inputs(job: Job, tools: JobContext) -> dict[str, str]:
    """Spool the pictures and return what stands for them on the wire, by role; fewer once the job is canceled.

    Raises:
        ImageError: a picture cannot be read to its end.
        ProblemError: a picture could not be put into the service's storage.
        OutputError: the spool or the journal cannot be used.
    """
    images = [image for _, image in job.request.frames if image.source is not None]
    tools.engine.start(partial(_draw_thumbnails, job, images, tools))
    ready = {role: await tools.engine.work(_ready, image, tools) for role, image in job.request.frames}
    job.forget_pixels()
    await _tell_repairs(job, tools, ready.values())
    made = {role: await _inline(picture, tools) for role, picture in ready.items() if not _is_uploaded(picture, tools)}
    waiting = {role: picture for role, picture in ready.items() if role not in made}
    total, gone = sum(len(picture.data) for picture in waiting.values()), 0
    with _progress(job, total) as show:
        for role, picture in waiting.items():
            share = partial(_show_share, show, gone, len(picture.data))
            link = await unless_canceled(job, _stored(job, tools, picture, share))
            if link is None:
                break
            made[role] = link
            gone += len(picture.data)
    return made


def _ready(image: Image, tools: JobContext) -> Ready:
    """Spool a picture and return it as it is sent: made fit for its model. Slow: for workers."""
    if image.url:
        return Ready(url=image.url)
    data = tools.spool.read(image.digest) if image.source is None else image.encoded()
    tools.spool.keep(image.digest, data)
    bounds = tools.order.bounds
    fit = convert_to_fit(data, bounds, image.label) if bounds is not None else Fit(data, image.mime)
    return Ready("", fit.data, fit.mime, hashlib.sha256(fit.data).hexdigest(), fit.repairs)


def _is_uploaded(picture: Ready, tools: JobContext) -> bool:
    return not picture.url and tools.protocol.needs_upload(tools.order, len(picture.data))


async def _inline(picture: Ready, tools: JobContext) -> str:
    return picture.url or await tools.engine.work(data_uri, picture.mime, picture.data)


# ---- the service's storage ----------------------------------------------------------------------------------------


async def _stored(job: Job, tools: JobContext, picture: Ready, share: Callable[[float], None]) -> str:
    """Return the link of a picture in the service's storage: of an earlier upload, else of one made now.

    Jobs with the same picture wait for one another, so that it is sent once.
    """
    key = (*tools.whose, picture.digest)
    async with tools.engine.share(("upload", key), asyncio.Lock):
        kept = await tools.engine.work(tools.journal.uploaded, tools.whose, picture.digest, tools.clock.time())
        if kept:
            return kept
        link = await _upload(job, tools, picture, share)
        now = tools.clock.time()
        expires = now + tools.protocol.storage - MARGIN
        await tools.engine.work(tools.journal.keep_upload, tools.whose, picture.digest, link, now, expires)
        return link


async def _upload(job: Job, tools: JobContext, picture: Ready, share: Callable[[float], None]) -> str:
    """Put a picture into storage; where trying again may help, once more, with a fresh policy."""
    name = f"{picture.digest}.{EXTENSIONS.get(picture.mime) or picture.mime.rpartition('/')[2]}"
    tries = 0
    while True:
        tries += 1
        try:
            flow = tools.protocol.upload(tools.order.model, name, picture.data, picture.mime)
            await rate_limited(tools, "upload")
            return await tools.client.upload(flow, share)
        except ProblemError as error:
            if not error.problem.again or tries >= retry.UPLOAD_TRIES:
                raise _about_upload(error) from None
            await pause(job, tools, retry.after_failure(error, tools.pace, tries, random.random()))  # noqa: S311


def _about_upload(error: ProblemError) -> ProblemError:
    """Say of a broken connection that it was the picture's, and that nothing was billed."""
    if not isinstance(error, ConnectionProblem):
        return error
    return ConnectionProblem(error.key, problem=replace(error.problem, advice="upload"))


# ---- what is shown ------------------------------------------------------------------------------------------------


async def _tell_repairs(job: Job, tools: JobContext, pictures: Iterable[Ready]) -> None:
    """Have the card and the caption say what was done to the pictures, also in a later kernel."""
    before = job.facts.remarks
    said = tuple(repair for picture in pictures for repair in picture.repairs if repair not in before)
    if said:
        job.facts = replace(job.facts, remarks=(*before, *said))
        await tools.engine.work(tools.journal.remark, job.id, tools.owner, job.facts.remarks)
        job.show(job.snapshot)


@contextlib.contextmanager
def _progress(job: Job, total: int) -> Iterator[Callable[[int], None]]:
    """Let a job show how many bytes of its uploads went, and nothing of it once they are over."""
    try:
        yield lambda sent: job.show(replace(job.snapshot, progress=sent / max(1, total), moved=(sent, total)))
    finally:
        if job.snapshot.moved is not None:
            job.show(replace(job.snapshot, progress=None, moved=None))


def _show_share(show: Callable[[int], None], gone: int, weight: int, share: float) -> None:
    show(gone + round(weight * share))


async def _draw_thumbnails(job: Job, images: list[Image], tools: JobContext) -> None:
    """Make small pictures for the displays, beside the submit, which does not wait for them."""
    try:
        job.thumbnails = tuple([await tools.engine.work(_thumbnail, image) for image in images])
    except OutputError:  # a picture that the service takes may still be one that we cannot draw
        return
    if not job.done:
        job.show(job.snapshot)


def _thumbnail(image: Image) -> bytes:
    return thumbnail(image.encoded())


def _let_go(job: Job, tools: JobContext) -> None:
    """Remove spooled pictures that no job under way needs; one that stays behind hurts nobody."""
    try:
        _drop_unneeded(job, tools)
    except Exception:  # the video is on disk: nothing may keep it from being shown
        logger.warning("the pictures of job %s stay in the spool", job.id, exc_info=True)


def _drop_unneeded(job: Job, tools: JobContext) -> None:
    if job.status is Status.FAILED:  # a link into storage may be why: the next job's pictures are put there anew
        tools.journal.forget_uploads(tools.whose)
    needed = {frame.get("digest") for row in tools.journal.unsettled() for frame in row.request["frames"].values()}
    for _, image in job.request.frames:
        if image.digest and image.digest not in needed:
            tools.spool.drop(image.digest)
