"""Prepare a job's images for its request: as a URL, a data URI, or an upload to the service's own storage.

Part of PREPARING: it costs nothing and may be repeated freely. A failure here leaves the job where it was.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
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
from .context import JobContext
from .job import Job

# An upload is used again only if its link stays valid for so long, which must outlast the wait in the service's queue.
# DashScope keeps uploads for 48 h (alibabacloud.com/help/en/model-studio/get-temporary-file-url, 2026-10-23).
UPLOAD_EXPIRY_MARGIN_S = 6 * 3600.0
# DashScope's storage requires an extension that fits the content (same page).
EXTENSIONS: Mapping[str, str] = MappingProxyType(
    {"image/jpeg": "jpg", "image/png": "png", "image/bmp": "bmp", "image/webp": "webp"}
)


@dataclass(frozen=True, slots=True)
class PreparedImage:
    """An image as it is sent: its URL, or a file."""

    url: str = ""
    data: bytes = b""
    mime: str = ""
    digest: str = ""
    repairs: tuple[tuple[str, Mapping[str, str]], ...] = ()


async def prepare_inputs(context: JobContext) -> dict[str, str]:
    """Spool the images, and return what is sent for each, by role; fewer if the job is canceled meanwhile.

    Raises:
        ImageError: an image file is damaged.
        ProblemError: an upload failed.
        OutputError: the spool or the journal cannot be used.
    """
    images = [image for _, image in context.job.request.frames if image.source is not None]
    context.engine.start(partial(_draw_thumbnails, context, images))
    ready = {role: await context.work(_prepare, image, context) for role, image in context.job.request.frames}
    context.job._forget_pixels()
    await _add_remarks(context, ready.values())
    waiting = {role: picture for role, picture in ready.items() if _is_uploaded(picture, context)}
    made = {role: await _inline(picture, context) for role, picture in ready.items() if role not in waiting}
    total, gone = sum(len(picture.data) for picture in waiting.values()), 0
    with _progress(context.job, total) as show:
        for role, picture in waiting.items():
            share = partial(_show_share, show, gone, len(picture.data))
            link = await context.unless_canceled(_stored(context, picture, share))
            if link is None:
                break
            made[role] = link
            gone += len(picture.data)
    return made


def _prepare(image: Image, context: JobContext) -> PreparedImage:
    """Spool an image, and convert it to what its model accepts. Slow."""
    if image.url:
        return PreparedImage(url=image.url)
    data = context.spool.read(image.digest) if image.source is None else image.encoded()
    context.spool.keep(image.digest, data)
    bounds = context.create_request.bounds
    fit = convert_to_fit(data, bounds, image.label) if bounds is not None else Fit(data, image.mime)
    return PreparedImage("", fit.data, fit.mime, hashlib.sha256(fit.data).hexdigest(), fit.repairs)


def _is_uploaded(picture: PreparedImage, context: JobContext) -> bool:
    return not picture.url and context.protocol.needs_upload(context.create_request, len(picture.data))


async def _inline(picture: PreparedImage, context: JobContext) -> str:
    return picture.url or await context.work(data_uri, picture.mime, picture.data)


# ---- the service's storage ----------------------------------------------------------------------------------------


async def _stored(context: JobContext, picture: PreparedImage, share: Callable[[float], None]) -> str:
    """Return an image's link in the service's storage, uploading it unless an earlier upload is still valid.

    Jobs with the same image wait for each other, so that it is uploaded once.
    """
    key = (*context.upload_scope, picture.digest)
    async with context.engine.share(("upload", key), asyncio.Lock):
        kept = await context.work(context.journal.uploaded, context.upload_scope, picture.digest, context.clock.time())
        if kept:
            return kept
        link = await _upload(context, picture, share)
        now = context.clock.time()
        expires = now + context.protocol.upload_retention_s - UPLOAD_EXPIRY_MARGIN_S
        await context.work(context.journal.keep_upload, context.upload_scope, picture.digest, link, now, expires)
        return link


async def _upload(context: JobContext, picture: PreparedImage, share: Callable[[float], None]) -> str:
    """Upload an image; where that may help, try once more with a fresh upload policy."""
    name = f"{picture.digest}.{EXTENSIONS.get(picture.mime) or picture.mime.rpartition('/')[2]}"
    tries = 0
    while True:
        tries += 1
        try:
            flow = context.protocol.upload(context.create_request.model, name, picture.data, picture.mime)
            await context.rate_limited("upload")
            return await context.client.upload(flow, share)
        except ProblemError as error:
            if not error.problem.again or tries >= retry.MAX_UPLOAD_TRIES:
                raise _about_upload(error) from None
            await context.pause(context.retry_wait(error, tries))


def _about_upload(error: ProblemError) -> ProblemError:
    """Mark a failed connection as the upload's, so that its message says that nothing was billed."""
    if not isinstance(error, ConnectionProblem):
        return error
    return ConnectionProblem(error.key, problem=replace(error.problem, advice="upload"))


# ---- what is shown ------------------------------------------------------------------------------------------------


async def _add_remarks(context: JobContext, pictures: Iterable[PreparedImage]) -> None:
    """Add to the job's remarks how its images were converted, also in the journal for a later kernel."""
    job = context.job
    said = tuple(repair for picture in pictures for repair in picture.repairs if repair not in job.remarks)
    if said:
        job.remarks = (*job.remarks, *said)
        await context.work(context.journal.remark, job.id, context.owner, job.remarks)
        context.publish(job.snapshot)


@contextlib.contextmanager
def _progress(job: Job, total: int) -> Iterator[Callable[[int], None]]:
    """Show how many bytes of the uploads were sent, until they are over."""
    try:
        yield lambda sent: job._publish(replace(job.snapshot, progress=sent / max(1, total), moved=(sent, total)))
    finally:
        if job.snapshot.moved is not None:
            job._publish(replace(job.snapshot, progress=None, moved=None))


def _show_share(show: Callable[[int], None], gone: int, weight: int, share: float) -> None:
    show(gone + round(weight * share))


async def _draw_thumbnails(context: JobContext, images: list[Image]) -> None:
    """Make thumbnails for the displays. Runs beside the submit, which does not wait for them."""
    try:
        context.job.thumbnails = tuple([await context.work(_thumbnail, image) for image in images])
    except OutputError:  # the service may accept an image that we cannot draw
        return
    if not context.job.done:
        context.publish(context.job.snapshot)


def _thumbnail(image: Image) -> bytes:
    return thumbnail(image.encoded())


def release_inputs(context: JobContext) -> None:
    """Remove spooled images that no unfinished job needs; failing to is harmless, and only logged."""
    try:
        _drop_unneeded(context)
    except Exception:  # the video is on disk: nothing may prevent it from being shown
        logger.warning("the pictures of job %s stay in the spool", context.job.id, exc_info=True)


def _drop_unneeded(context: JobContext) -> None:
    if context.job.status is Status.FAILED:  # perhaps because of an uploaded image: the next job uploads it anew
        context.journal.forget_uploads(context.upload_scope)
    records = context.journal.unsettled()
    needed = {frame.get("digest") for record in records for frame in record.request["frames"].values()}
    for _, image in context.job.request.frames:
        if image.digest and image.digest not in needed:
            context.spool.drop(image.digest)
