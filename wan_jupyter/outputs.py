"""Files: inputs are spooled, videos arrive under temporary names, and nothing half-written ever has a final name.

Floor 3: the disk only. File names are ours, never a service's.
"""

from __future__ import annotations

import base64
import contextlib
import errno
import hashlib
import json
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from .errors import OutputError


@dataclass(frozen=True, slots=True)
class Spool:
    """What was there when the cell ran, kept until its job ends: `$WAN_HOME/inputs/<sha256>`, 0600."""

    folder: Path

    def keep(self, digest: str, data: bytes) -> Path:
        """Write a picture's bytes once; a second job with the same picture finds them there."""
        path = self.folder / digest
        if not path.exists():
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write_whole(path, data)
        return path

    def read(self, digest: str) -> bytes:
        """Return a spooled picture.

        Raises:
            OutputError: it is gone.
        """
        try:
            return (self.folder / digest).read_bytes()
        except OSError as error:
            raise OutputError("output.spool_gone", reason=_reason(error)) from None

    def has(self, digest: str) -> bool:
        """Tell whether a picture is here."""
        return (self.folder / digest).is_file()

    def drop(self, digest: str) -> None:
        """Remove a picture that no job needs any more."""
        with contextlib.suppress(OSError):
            (self.folder / digest).unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class Place:
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

    def receive(self) -> Incoming:
        """Open the temporary file anew for a download; close it after.

        Raises:
            OutputError: the folder cannot be made or written.
        """
        with _told(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            return Incoming(self.part.open("wb"))

    def settle(self) -> Path:
        """Give the finished download its final name, in one step."""
        with _told(self.folder):
            self.part.replace(self.video)
            _sync_folder(self.folder)
        return self.video

    def write_sidecar(self, facts: Mapping[str, Any]) -> Path:
        """Write what is known of the video beside it."""
        with _told(self.folder):
            text = json.dumps(facts, ensure_ascii=False, indent=1)
            _write_whole(self.sidecar, text.encode("utf-8", "replace"), mode=0o644)
        return self.sidecar


class Incoming:
    """Bytes that arrive: written, counted and hashed."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self.size = 0
        self.head = b""

    def add(self, piece: bytes) -> None:
        """Write one piece.

        Raises:
            OutputError: the disk is full, or the file cannot be written.
        """
        with _told(Path(self._file.name).parent):
            self._file.write(piece)
        self._hash.update(piece)
        self.size += len(piece)
        self.head = (self.head + piece[: 16 - len(self.head)]) if len(self.head) < 16 else self.head

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def finish(self) -> str:
        """Bring the bytes to disk and return their SHA-256."""
        with _told(Path(self._file.name).parent):
            self._file.flush()
            os.fsync(self._file.fileno())
        return self._hash.hexdigest()


def place_for(folder: str | Path, job: str, created_at: float) -> Place:
    """Return the place of a job's files; the date is the day it was begun, in local time."""
    return Place(Path(folder), f"{time.strftime('%Y-%m-%d', time.localtime(created_at))}-{job}")


def bring(video: Path, folder: Path) -> Path:
    """Return a video's path in `folder`: where it is, or a hard link (else a copy) there, with its sidecar.

    Raises:
        OutputError: the folder cannot be written.
    """
    if video.parent == folder:
        return video
    with _told(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for source in (video, video.with_suffix(".json")):
            _link_or_copy(source, folder / source.name)
    return folder / video.name


def _link_or_copy(source: Path, target: Path) -> None:
    if target.exists() or not source.exists():
        return
    try:
        os.link(source, target)
    except OSError:  # another disk, or a file system without links
        _write_whole(target, source.read_bytes(), mode=0o644)


def data_uri(mime: str, data: bytes) -> str:
    """Return bytes as a data URI."""
    return f"data:{mime};base64,{base64.b64encode(data).decode('ascii')}"


def read_sidecar(video: Path) -> dict[str, Any]:
    """Return what is known of a video from the file beside it, {} where there is none."""
    try:
        found = json.loads(video.with_suffix(".json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _write_whole(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Write a file under a temporary name of this process, then rename it: no reader ever sees half of it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{time.monotonic_ns()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _sync_folder(folder: Path) -> None:
    with contextlib.suppress(OSError):  # not every system lets a folder be opened
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def _told(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        key = "output.disk_full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "output.unwritable"
        raise OutputError(key, folder=folder, reason=_reason(error)) from None


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__
