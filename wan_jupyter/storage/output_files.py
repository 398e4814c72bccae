"""Videos and sidecars on disk: temporary names while they download, final names once they are complete.

File names are ours, never a service's. Other files are never overwritten: a video whose name is taken gets the next
free one (`-2`, `-3`), and its sidecar with it.
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

# A temporary name: a job's video or sidecar, with one or two dots before it and a suffix after it.
HALF = re.compile(r"\.{1,2}\d{4}-\d\d-\d\d-([a-z0-9]{5})(?:-\d+)?\.(?:mp4|json)\.")


@dataclass(frozen=True, slots=True)
class OutputPaths:
    """Paths of one job's files: `<date>-<job id>.mp4` and `.json` in a folder."""

    folder: Path
    stem: str

    @property
    def video(self) -> Path:
        """The finished video."""
        return self.folder / f"{self.stem}.mp4"

    @property
    def sidecar(self) -> Path:
        """The video's facts, as JSON."""
        return self.folder / f"{self.stem}.json"

    @property
    def part(self) -> Path:
        """The video while it downloads; hidden, so that no file browser offers an incomplete video."""
        return self.folder / f".{self.stem}.mp4.part"

    @property
    def label(self) -> Path:
        """Which file `part` is the beginning of: the storage's ETag and the full length, as JSON."""
        return self.folder / f".{self.stem}.mp4.part.json"

    def held(self) -> PartialFile:
        """Return what an interrupted download left; `NOTHING` if it is unknown which file it belongs to."""
        try:
            label = json.loads(self.label.read_text("utf-8"))
            held = PartialFile(self.part.stat().st_size, str(label["etag"]), int(label["total"]))
        except (OSError, ValueError, TypeError, KeyError):
            return NOTHING
        return held if held.size and held.etag and held.size <= (held.total or held.size) else NOTHING

    def receive(self, arrival: RangeReply) -> DownloadFile:
        """Open the temporary file to continue a download or to start anew; the caller closes it.

        Raises:
            OutputError: the folder cannot be created or written.
        """
        with disk_errors(self.folder):
            if arrival.start:
                return DownloadFile(self.part.open("r+b", buffering=0), arrival.start)
            self.folder.mkdir(parents=True, exist_ok=True)
            self.discard()
            if arrival.etag:
                label = json.dumps({"etag": arrival.etag, "total": arrival.total})
                write_whole(self.label, label.encode())
            # A new file, not the old one truncated: a process that lost the job may still write into the old one.
            return DownloadFile(self.part.open("xb", buffering=0))

    def discard(self) -> None:
        """Remove a partial download; the label first, so that it never describes other bytes."""
        with disk_errors(self.folder):
            if self.folder.is_dir():
                self.label.unlink(missing_ok=True)
                self.part.unlink(missing_ok=True)

    def settle(self, digest: str, facts: Mapping[str, Any]) -> Path:
        """Write the sidecar, then rename the complete download to its final name in one step; return that path.

        Args:
            digest: the video's SHA-256; a file of that name with the same bytes is the video already.
            facts: for the sidecar; an older sidecar is replaced only if it has the same `job`.

        Raises:
            OutputError: the folder cannot be written.
        """
        with disk_errors(self.folder):
            for place in self._names():
                if not place._is_free(digest, facts["job"]):
                    continue
                added = read_sidecar(place.video)  # fields that the user added to an earlier sidecar of this job
                place.write_sidecar({**added, **facts, "file": place.video.name, "sha256": digest})
                try:
                    if not os.path.lexists(place.video):  # otherwise it is this video
                        move(self.part, place.video)
                except FileExistsError:  # another process took the name just now
                    place.sidecar.unlink(missing_ok=True)
                    continue
                self.discard()
                self._sweep()
                sync_folder(self.folder)
                return place.video
        raise AssertionError("names do not run out")

    def settled(self, job: str) -> tuple[Path, str] | None:
        """Return a job's complete video and its SHA-256 if its process died right after renaming it, else None."""
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
        """Write the sidecar."""
        with disk_errors(self.folder):
            text = json.dumps(facts, ensure_ascii=False, indent=1)
            write_whole(self.sidecar, text.encode("utf-8", "replace"), mode=0o644)
        return self.sidecar

    def _sweep(self) -> None:
        """Remove temporary files of this job that killed processes left."""
        for path in self.folder.glob(".*"):
            if HALF.match(path.name) and self.stem in path.name:
                path.unlink(missing_ok=True)

    def _names(self) -> Iterator[OutputPaths]:
        yield self
        yield from (replace(self, stem=f"{self.stem}-{number}") for number in count(2))

    def _is_free(self, digest: str, job: str) -> bool:
        """Return whether no other job or file has these names."""
        if os.path.lexists(self.sidecar) and read_sidecar(self.video).get("job") != job:
            return False
        return not os.path.lexists(self.video) or (self.video.is_file() and digest_of(self.video) == digest)


class DownloadFile:
    """A file being downloaded: writes, counts and hashes. Unbuffered, so that closing cannot fail on a full disk."""

    def __init__(self, file: BinaryIO, size: int = 0) -> None:
        """Write to a file after its first `size` bytes, which are read for the digest (slow)."""
        self._file = file
        self._hash = hashlib.sha256()
        self.size = 0
        self.head = b""
        try:
            while self.size < size:
                piece = file.read(min(PIECE, size - self.size))
                if not piece:
                    raise OSError(errno.EIO, os.strerror(errno.EIO))  # the file became shorter
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
        """Close the file."""
        self._file.close()

    def finish(self) -> str:
        """Flush the bytes to disk and return their SHA-256."""
        with disk_errors(Path(self._file.name).parent):
            os.fsync(self._file.fileno())
        return self._hash.hexdigest()

    def _count(self, piece: bytes) -> None:
        self._hash.update(piece)
        self.size += len(piece)
        self.head = (self.head + piece[: 16 - len(self.head)]) if len(self.head) < 16 else self.head


def set_aside(video: Path, digest: str) -> None:
    """Rename a damaged video to `….mp4.damaged`, unless it is intact after all; remove nothing."""
    with disk_errors(video.parent):
        if not video.is_file() or digest_of(video) == digest:
            return
        names = (f"{video.name}.damaged{f'-{number}' if number > 1 else ''}" for number in count(1))
        move(video, next(path for path in map(video.with_name, names) if not os.path.lexists(path)))


def output_paths(folder: str | Path, job: str, created_at: float) -> OutputPaths:
    """Return the paths of a job's files; the date is the day of its creation, in local time."""
    return OutputPaths(Path(folder), f"{time.strftime('%Y-%m-%d', time.localtime(created_at))}-{job}")


def half_written(folder: Path) -> Iterator[tuple[Path, str]]:
    """Yield the temporary files of videos and sidecars in a folder, each with its job's id."""
    for path in folder.glob(".*"):
        if found := HALF.match(path.name):
            yield path, found[1]


def bring(video: Path, folder: Path) -> Path:
    """Return a video's path in `folder`; hard-link (else copy) it and its sidecar there if it is elsewhere.

    Another file of that name is left alone: the video gets the next free name.

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
    """Return whether a name is free for a video or is already that video, perhaps with an edited sidecar."""
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
    """Return a video's facts from its sidecar, {} without a readable one."""
    try:
        found = json.loads(video.with_suffix(".json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
