"""Files: inputs are spooled, videos arrive under temporary names, and nothing half-written ever has a final name.

Floor 3: the disk only. File names are ours, never a service's, and what is not ours is never overwritten: a video whose
name is taken gets the next free one (`-2`, `-3`), its sidecar with it.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any, BinaryIO

from ..protocols.http_ranges import NOTHING, PartialFile, RangeReply
from .atomic_files import digest_of, disk_errors, move, stamp, sync_folder, write_whole

PIECE = 1 << 20  # bytes read at a time

# A temporary name: that of a job's video or sidecar behind a dot or two, and something after it.
HALF = re.compile(r"\.{1,2}\d{4}-\d\d-\d\d-([a-z0-9]{5})(?:-\d+)?\.(?:mp4|json)\.")


@dataclass(frozen=True, slots=True)
class OutputPaths:
    """Where one job's files go: `<date>-<job id>.mp4` and `.json` in a folder."""

    folder: Path
    stem: str

    @property
    def video(self) -> Path:
        """The finished video."""
        return self.folder / f"{self.stem}.mp4"

    @property
    def sidecar(self) -> Path:
        """What is known of it, as JSON."""
        return self.folder / f"{self.stem}.json"

    @property
    def part(self) -> Path:
        """The video while it arrives; hidden, so that no file browser offers half a video."""
        return self.folder / f".{self.stem}.mp4.part"

    @property
    def label(self) -> Path:
        """Whose beginning the arriving video is: storage's ETag and the whole length, as JSON."""
        return self.folder / f".{self.stem}.mp4.part.json"

    def held(self) -> PartialFile:
        """Return what is there of a download that broke off; `NOTHING` where nobody knows whose beginning it is."""
        try:
            label = json.loads(self.label.read_text("utf-8"))
            held = PartialFile(self.part.stat().st_size, str(label["etag"]), int(label["total"]))
        except (OSError, ValueError, TypeError, KeyError):
            return NOTHING
        return held if held.size and held.etag and held.size <= (held.total or held.size) else NOTHING

    def receive(self, arrival: RangeReply) -> DownloadFile:
        """Open the temporary file for what arrives, after what is there or anew; close it after.

        Raises:
            OutputError: the folder cannot be made or written.
        """
        with disk_errors(self.folder):
            if arrival.start:
                return DownloadFile(self.part.open("r+b", buffering=0), arrival.start)
            self.folder.mkdir(parents=True, exist_ok=True)
            self.discard()
            if arrival.etag:
                label = json.dumps({"etag": arrival.etag, "total": arrival.total})
                write_whole(self.label, label.encode())
            # A new file, not the old one emptied: who was taken over and does not know yet may still write into that.
            return DownloadFile(self.part.open("xb", buffering=0))

    def discard(self) -> None:
        """Remove what has arrived; the label first, so that it never stands beside other bytes."""
        with disk_errors(self.folder):
            if self.folder.is_dir():
                self.label.unlink(missing_ok=True)
                self.part.unlink(missing_ok=True)

    def settle(self, digest: str, facts: Mapping[str, Any]) -> Path:
        """Give the finished download its final name, in one step, its sidecar written before; return where it lies.

        Args:
            digest: the video's SHA-256; a file with the name and these very bytes is the video already.
            facts: for the sidecar; `job` says whose an older sidecar must be to be written anew.

        Raises:
            OutputError: the folder cannot be written.
        """
        with disk_errors(self.folder):
            for place in self._names():
                if not place._is_free(digest, facts["job"]):
                    continue
                added = read_sidecar(place.video)  # by the user, to an earlier sidecar of this job
                place.write_sidecar({**added, **facts, "file": place.video.name, "sha256": digest})
                try:
                    if not os.path.lexists(place.video):  # else it is this very video
                        move(self.part, place.video)
                except FileExistsError:  # someone took the name in this moment
                    place.sidecar.unlink(missing_ok=True)
                    continue
                self.discard()
                self._sweep()
                sync_folder(self.folder)
                return place.video
        raise AssertionError("names do not run out")

    def settled(self, job: str) -> tuple[Path, str] | None:
        """Return a job's whole video, with its SHA-256, that got its name just before its process died; else None."""
        for place in self._names():
            if not (place.video.is_file() or os.path.lexists(place.sidecar)):
                return None
            facts = read_sidecar(place.video)
            with disk_errors(self.folder):
                whole = facts.get("job") == job and place.video.is_file()
                if whole and facts.get("sha256") == digest_of(place.video):
                    return place.video, str(facts["sha256"])
        return None

    def write_sidecar(self, facts: Mapping[str, Any]) -> Path:
        """Write what is known of the video beside it."""
        with disk_errors(self.folder):
            text = json.dumps(facts, ensure_ascii=False, indent=1)
            write_whole(self.sidecar, text.encode("utf-8", "replace"), mode=0o644)
        return self.sidecar

    def _sweep(self) -> None:
        """Remove what processes left of this job's small files when they were killed while they wrote."""
        for path in self.folder.glob(".*"):
            if HALF.match(path.name) and self.stem in path.name:
                path.unlink(missing_ok=True)

    def _names(self) -> Iterator[OutputPaths]:
        yield self
        yield from (replace(self, stem=f"{self.stem}-{number}") for number in count(2))

    def _is_free(self, digest: str, job: str) -> bool:
        """Tell whether nothing foreign has our names."""
        if os.path.lexists(self.sidecar) and read_sidecar(self.video).get("job") != job:
            return False
        return not os.path.lexists(self.video) or (self.video.is_file() and digest_of(self.video) == digest)


class DownloadFile:
    """Bytes that arrive: written, counted and hashed. Unbuffered, so that closing cannot fail for want of room."""

    def __init__(self, file: BinaryIO, size: int = 0) -> None:
        """Write to a file from its beginning, or after the first `size` bytes, which are read for the digest. Slow."""
        self._file = file
        self._hash = hashlib.sha256()
        self.size = 0
        self.head = b""
        try:
            while self.size < size:
                piece = file.read(min(PIECE, size - self.size))
                if not piece:
                    raise OSError(errno.EIO, os.strerror(errno.EIO))  # it became shorter
                self._count(piece)
            if size:
                file.truncate(size)
        except BaseException:
            file.close()
            raise

    def add(self, piece: bytes) -> None:
        """Write one piece.

        Raises:
            OutputError: the disk is full, or the file cannot be written.
        """
        rest = memoryview(piece)
        with disk_errors(Path(self._file.name).parent):
            while rest:
                rest = rest[self._file.write(rest) :]
        self._count(piece)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def finish(self) -> str:
        """Bring the bytes to disk and return their SHA-256."""
        with disk_errors(Path(self._file.name).parent):
            os.fsync(self._file.fileno())
        return self._hash.hexdigest()

    def _count(self, piece: bytes) -> None:
        self._hash.update(piece)
        self.size += len(piece)
        self.head = (self.head + piece[: 16 - len(self.head)]) if len(self.head) < 16 else self.head


def set_aside(video: Path, digest: str) -> None:
    """Give a damaged video another name (`….mp4.damaged`), unless it is whole after all; nothing is ever removed."""
    with disk_errors(video.parent):
        if not video.is_file() or digest_of(video) == digest:
            return
        names = (f"{video.name}.damaged{f'-{number}' if number > 1 else ''}" for number in count(1))
        move(video, next(path for path in map(video.with_name, names) if not os.path.lexists(path)))


def output_paths(folder: str | Path, job: str, created_at: float) -> OutputPaths:
    """Return the place of a job's files; the date is the day it was begun, in local time."""
    return OutputPaths(Path(folder), f"{time.strftime('%Y-%m-%d', time.localtime(created_at))}-{job}")


def half_written(folder: Path) -> Iterator[tuple[Path, str]]:
    """Yield what was left of videos and sidecars that never came whole, each with the id of its job."""
    for path in folder.glob(".*"):
        if found := HALF.match(path.name):
            yield path, found[1]


def bring(video: Path, folder: Path) -> Path:
    """Return a video's path in `folder`: where it is, or a hard link (else a copy) there, with its sidecar.

    What has the video's name there and is not this video stays as it is: the next free name is taken.

    Raises:
        OutputError: the folder cannot be written.
    """
    if video.parent == folder:
        return video
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        there = next(place.video for place in OutputPaths(folder, video.stem)._names() if _may_be(video, place.video))
        for suffix in (".mp4", ".json"):
            _link_or_copy(video.with_suffix(suffix), there.with_suffix(suffix))
    return there


def _may_be(video: Path, there: Path) -> bool:
    """Tell whether a name in another folder is free for a video, or is the video's already, perhaps edited there."""
    if not os.path.lexists(there):
        return not os.path.lexists(there.with_suffix(".json")) or _same_job(video, there)
    return there.exists() and (there.samefile(video) or stamp(there)[0] == stamp(video)[0] or _same_job(video, there))


def _same_job(video: Path, there: Path) -> bool:
    job = read_sidecar(video).get("job")
    return job is not None and read_sidecar(there).get("job") == job


def _link_or_copy(source: Path, target: Path) -> None:
    if target.exists() or not source.exists():
        return
    try:
        os.link(source, target)
    except OSError:  # another disk, or a file system without links
        write_whole(target, source.read_bytes(), mode=0o644)


def read_sidecar(video: Path) -> dict[str, Any]:
    """Return what is known of a video from the file beside it, {} where there is none."""
    try:
        found = json.loads(video.with_suffix(".json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
