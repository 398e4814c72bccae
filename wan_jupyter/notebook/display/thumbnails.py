"""Thumbnails of jobs for tables: the video's first frame, else the picture that was sent. Slow: for worker threads.

They are cached in memory only, for the life of the process: a table is drawn often, and nobody wants a folder full of
small files.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...errors import OutputError
from ...jobs.background import Engine
from ...jobs.job import Job

WIDTH = 96  # pixels
MAX_BYTES = 6_000  # of one thumbnail
TIMEOUT_S = 20.0  # for all thumbnails of a table
MAX_CACHED = 500  # thumbnails

# By path, size in bytes and time of modification (ns), so that a changed file is drawn anew.
ThumbnailCache = dict[tuple[str, int, int], bytes]


def pictures(jobs: Sequence[Job], engine: Engine) -> list[bytes]:
    """Return a small JPEG for each job, b"" where there is none; it waits for workers, so never call it on the loop."""
    cache = thumbnail_cache(engine)

    async def draw() -> list[bytes]:
        return [await engine.work(thumbnail_of, job, cache) for job in jobs]

    try:
        return engine.start(draw).result(TIMEOUT_S)
    except TimeoutError:  # a slow network drive: show the table without pictures
        return [b""] * len(jobs)


def thumbnail_cache(engine: Engine) -> ThumbnailCache:
    """Return the cache that all tables of the process share."""
    return engine.share(("thumbs", WIDTH), dict)


def thumbnail_of(job: Job, cache: ThumbnailCache) -> bytes:
    """Return a small JPEG of a job, b"" if there is none."""
    if job.video is None:
        return next(iter(job.thumbnails), b"")
    try:
        return _first_frame(job.video.path, job, cache)
    except (OutputError, OSError):  # missing or damaged: its table row says where it was
        return next(iter(job.thumbnails), b"")


def _first_frame(path: Path, job: Job, cache: ThumbnailCache) -> bytes:
    stat = path.stat()
    key = (str(path), stat.st_size, stat.st_mtime_ns)
    if key not in cache and job.video is not None:
        while len(cache) >= MAX_CACHED:
            cache.pop(next(iter(cache)), None)
        cache[key] = next(jpeg for width in (WIDTH, 64, 32) if len(jpeg := job.video.jpeg(width)) <= MAX_BYTES)
    return cache[key]
