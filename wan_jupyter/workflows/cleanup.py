"""What lies about in the home and in the folders of videos, and what of it nothing refers to any more. Floor 5.

A finished video and its sidecar are never among what may go, nor is anything that an unfinished or uncertain job needs.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..catalog import plan
from ..session.resources import SessionResources
from ..status import Status
from ..storage.home import HomeLayout
from ..storage.journal.journal import JobRecord
from ..storage.output_files import half_written

HALF_WRITTEN = 3600.0  # seconds after which nobody is writing a temporary file any more
ALL = 10**9


@dataclass(frozen=True, slots=True)
class DiskUsage:
    """One kind of files.

    Attributes:
        name: key under `clean.name` in `messages`.
        files: all of them, as far as they are there.
        spare: those that nothing refers to.
        kept: key under `clean` for why none is spare, "" where there is no such reason.
    """

    name: str
    where: Path
    files: tuple[Path, ...]
    spare: tuple[Path, ...] = ()
    kept: str = ""


def look(means: SessionResources) -> list[DiskUsage]:
    """Return every kind of files with what may go; nothing is removed."""
    rows = means.journal.recent(ALL)
    home = HomeLayout(means.journal.path.parent)
    return [
        DiskUsage("videos", means.outputs, tuple(_videos(rows))),
        _halves(means, rows),
        _spool(home.inputs, rows),
        _emulator(means, home.emulator, rows),
        _owners(means, home.owners, rows),
        DiskUsage("journal", home.root, tuple(home.root.glob(f"{means.journal.path.name}*"))),
    ]


def clear(means: SessionResources) -> tuple[int, int]:
    """Remove what may go, while nobody can begin a job that would need it; return how many files and bytes."""
    with means.journal.undisturbed():
        found = [(path, weight([path])) for shelf in look(means) for path in shelf.spare]
        sizes = [size for path, size in found if _remove(path)]
    return len(sizes), sum(sizes)


def weight(files: Iterable[Path]) -> int:
    """Return how many bytes files have together; one that is gone meanwhile has none."""
    total = 0
    for path in files:
        with suppress(OSError):
            total += path.stat().st_size
    return total


def _remove(path: Path) -> bool:
    try:
        path.unlink()
    except OSError:  # gone already, or in use where a system forbids it then
        return False
    return True


# ---- the shelves --------------------------------------------------------------------------------------------------


def _is_open(row: JobRecord) -> bool:
    """Tell whether a job may still come to need what it began with."""
    return row.snapshot.status.live or row.snapshot.status is Status.UNCERTAIN


def _videos(rows: Iterable[JobRecord]) -> Iterator[Path]:
    for row in rows:
        video = Path(row.snapshot.file)
        if row.snapshot.file and video.is_file():
            yield from (path for path in (video, video.with_suffix(".json")) if path.is_file())


def _halves(means: SessionResources, rows: list[JobRecord]) -> DiskUsage:
    """Find videos and sidecars that came half, of jobs that have ended."""
    ended = {row.id for row in rows if not _is_open(row)}
    folders = {means.outputs, *(Path(row.folder) for row in rows)}
    found = sorted(pair for folder in folders for pair in half_written(folder))
    spare = tuple(path for path, job in found if job in ended)
    return DiskUsage("halves", means.outputs, tuple(path for path, _ in found), spare)


def _spool(folder: Path, rows: Iterable[JobRecord]) -> DiskUsage:
    needed = {frame.get("digest") for row in rows if _is_open(row) for frame in row.request["frames"].values()}
    files = _files(folder)
    return DiskUsage(
        "spool", folder, files, tuple(path for path in files if path.name not in needed and _is_still(path))
    )


def _is_still(path: Path) -> bool:
    """Tell whether nobody writes a file: its name is final, or it is old."""
    try:
        return not path.name.startswith(".") or time.time() - path.stat().st_mtime > HALF_WRITTEN
    except OSError:
        return False


def _emulator(means: SessionResources, folder: Path, rows: list[JobRecord]) -> DiskUsage:
    """Find tasks and clips that no job stands for; none may go while a job's task is not known, or others serve."""
    files = _files(folder)
    unknown = [row for row in rows if _is_open(row) and not row.snapshot.remote_id and _is_emulated(row)]
    if unknown or not files:
        return DiskUsage("emulator", folder, files, kept="emulator_open" if unknown else "")
    spare = means.emulator_spare({row.snapshot.remote_id for row in rows if row.snapshot.remote_id})
    return DiskUsage("emulator", folder, files, tuple(spare or ()), "emulator_served" if spare is None else "")


def _is_emulated(row: JobRecord) -> bool:
    where = plan.providers().get(row.provider)
    return where is None or where.emulated


def _owners(means: SessionResources, folder: Path, rows: Iterable[JobRecord]) -> DiskUsage:
    busy = {row.owner for row in rows if row.snapshot.status.live}
    return DiskUsage("owners", folder, _files(folder), tuple(means.owner.spare(busy)))


def _files(folder: Path) -> tuple[Path, ...]:
    return tuple(sorted(path for path in folder.rglob("*") if path.is_file()))
