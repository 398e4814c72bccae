"""Disk use of `WAN_HOME` and the video folders, and removal of files that nothing needs.

A finished video and its sidecar are never removed, nor is anything that an unfinished or uncertain job needs.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..catalog import plan
from ..session.session import Session
from ..status import Status
from ..storage.home import HomeLayout
from ..storage.journal.journal import JobRecord
from ..storage.output_files import half_written

MAX_WRITE_S = 3600.0  # seconds after which nobody is writing to a temporary file any more
ALL = 10**9


@dataclass(frozen=True, slots=True)
class DiskUsage:
    """One kind of files.

    Attributes:
        name: key under `clean.name` in `messages`.
        files: all files that exist.
        spare: those that can be removed.
        kept: key under `clean` of the reason why none can be removed, "" without such a reason.
    """

    name: str
    where: Path
    files: tuple[Path, ...]
    spare: tuple[Path, ...] = ()
    kept: str = ""


def look(session: Session) -> list[DiskUsage]:
    """Return every kind of file with what can be removed; remove nothing."""
    records = session._resources.journal.recent(ALL)
    home = HomeLayout(session._resources.journal.path.parent)
    return [
        DiskUsage("videos", session.outputs, tuple(_videos(records))),
        _halves(session, records),
        _spool(home.inputs, records),
        _emulator(session, home.emulator, records),
        _owners(session, home.owners, records),
        DiskUsage("journal", home.root, tuple(home.root.glob(f"{session._resources.journal.path.name}*"))),
    ]


def clear(session: Session) -> tuple[int, int]:
    """Remove what nothing needs while no process can begin a job that needs it; return how many files and bytes."""
    with session._resources.journal.undisturbed():
        found = [(path, weight([path])) for usage in look(session) for path in usage.spare]
        sizes = [size for path, size in found if _remove(path)]
    return len(sizes), sum(sizes)


def weight(files: Iterable[Path]) -> int:
    """Return the size of files in bytes; one that is gone meanwhile counts 0."""
    total = 0
    for path in files:
        with suppress(OSError):
            total += path.stat().st_size
    return total


def _remove(path: Path) -> bool:
    try:
        path.unlink()
    except OSError:  # gone already, or in use, which some systems forbid
        return False
    return True


# ---- kinds of files ------------------------------------------------------------------------------------------------


def _is_open(record: JobRecord) -> bool:
    """Check whether a job may still need its inputs."""
    return record.snapshot.status.live or record.snapshot.status is Status.UNCERTAIN


def _videos(records: Iterable[JobRecord]) -> Iterator[Path]:
    for record in records:
        video = Path(record.snapshot.file)
        if record.snapshot.file and video.is_file():
            yield from (path for path in (video, video.with_suffix(".json")) if path.is_file())


def _halves(session: Session, records: list[JobRecord]) -> DiskUsage:
    """Find incomplete videos and sidecars of jobs that have ended."""
    ended = {record.id for record in records if not _is_open(record)}
    folders = {session.outputs, *(Path(record.folder) for record in records)}
    found = sorted(pair for folder in folders for pair in half_written(folder))
    spare = tuple(path for path, job in found if job in ended)
    return DiskUsage("halves", session.outputs, tuple(path for path, _ in found), spare)


def _spool(folder: Path, records: Iterable[JobRecord]) -> DiskUsage:
    needed = {
        frame.get("digest") for record in records if _is_open(record) for frame in record.request["frames"].values()
    }
    files = _files(folder)
    return DiskUsage(
        "spool", folder, files, tuple(path for path in files if path.name not in needed and _is_complete(path))
    )


def _is_complete(path: Path) -> bool:
    """Check whether nobody writes to a file: its name is final, or it is old."""
    try:
        return not path.name.startswith(".") or time.time() - path.stat().st_mtime > MAX_WRITE_S
    except OSError:
        return False


def _emulator(session: Session, folder: Path, records: list[JobRecord]) -> DiskUsage:
    """Find tasks and clips of no job; keep all while a job's task is unknown or another process serves them."""
    files = _files(folder)
    unknown = [
        record for record in records if _is_open(record) and not record.snapshot.remote_id and _is_emulated(record)
    ]
    if unknown or not files:
        return DiskUsage("emulator", folder, files, kept="emulator_open" if unknown else "")
    spare = session._resources.unneeded_emulator_files(
        {record.snapshot.remote_id for record in records if record.snapshot.remote_id}
    )
    return DiskUsage("emulator", folder, files, tuple(spare or ()), "emulator_served" if spare is None else "")


def _is_emulated(record: JobRecord) -> bool:
    provider = plan.providers().get(record.provider)
    return provider is None or provider.emulated


def _owners(session: Session, folder: Path, records: Iterable[JobRecord]) -> DiskUsage:
    busy = {record.owner for record in records if record.snapshot.status.live}
    return DiskUsage("owners", folder, _files(folder), tuple(session._resources.owner.spare(busy)))


def _files(folder: Path) -> tuple[Path, ...]:
    return tuple(sorted(path for path in folder.rglob("*") if path.is_file()))
