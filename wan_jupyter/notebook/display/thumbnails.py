"""Small pictures of jobs for tables: the video's first frame, else the picture that was sent. Slow: for workers.

Kept in memory only, for as long as the process lives: a table is drawn often, and a folder full of small files is
nobody's wish.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...errors import OutputError
from ...jobs.background import Engine
from ...jobs.job import Job

WIDTH = 96
HEAVIEST = 6_000  # bytes of one picture
PATIENCE = 20.0  # seconds for all pictures of a table
MOST = 500  # pictures that are kept

Kept = dict[tuple[str, int, int], bytes]


def pictures(jobs: Sequence[Job], engine: Engine) -> list[bytes]:
    """Return a small JPEG for each job, b"" where there is none; waits for workers, so not for the loop."""
    kept = shelf(engine)

    async def draw() -> list[bytes]:
        return [await engine.work(picture_of, job, kept) for job in jobs]

    try:
        return engine.start(draw).result(PATIENCE)
    except TimeoutError:  # a sleepy network drive; the table is worth more than its pictures
        return [b""] * len(jobs)


def shelf(engine: Engine) -> Kept:
    """Return the process's place for pictures that were drawn."""
    return engine.share(("thumbs", WIDTH), dict)


def picture_of(job: Job, kept: Kept) -> bytes:
    """Return a job's small JPEG."""
    if job.video is None:
        return next(iter(job.thumbnails), b"")
    try:
        return _first_frame(job.video.path, job, kept)
    except (OutputError, OSError):  # gone, or damaged: its row says where it was
        return next(iter(job.thumbnails), b"")


def _first_frame(path: Path, job: Job, kept: Kept) -> bytes:
    told = path.stat()
    key = (str(path), told.st_size, told.st_mtime_ns)
    if key not in kept and job.video is not None:
        while len(kept) >= MOST:
            kept.pop(next(iter(kept)), None)
        kept[key] = next(made for width in (WIDTH, 64, 32) if len(made := job.video.jpeg(width)) <= HEAVIEST)
    return kept[key]
