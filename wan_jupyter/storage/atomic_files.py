"""Helpers for files: write them completely or not at all, rename without overwriting, compare."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

from ..errors import OutputError
from ..errors.system import reason_of


def digest_of(path: Path) -> str:
    """Return a file's SHA-256. Slow: call it on worker threads."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def stamp(video: Path) -> tuple[int, int]:
    """Return a file's size (bytes) and modification time (ns), which show whether it was changed; zeros if gone."""
    try:
        seen = video.stat()
    except OSError:
        return 0, 0
    return seen.st_size, seen.st_mtime_ns


def is_usable(folder: Path) -> bool:
    """Return whether a folder can be written or created, as far as permissions say."""
    here = next((place for place in (folder, *folder.parents) if os.path.lexists(place)), None)
    return here is not None and here.is_dir() and os.access(here, os.W_OK | os.X_OK)


def move(source: Path, target: Path) -> None:
    """Rename a file in one step without overwriting.

    Raises:
        FileExistsError: `target` exists.
    """
    try:
        os.link(source, target)
    except FileExistsError:
        raise
    except OSError:  # a file system without links: reserve the name with an empty file, then replace that
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644))
        try:
            source.replace(target)
        except OSError:
            target.unlink(missing_ok=True)
            raise
    else:
        source.unlink()


def write_whole(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Write a file under a temporary name, then rename it, so that no reader sees it incomplete."""
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


def sync_folder(folder: Path) -> None:
    """Flush a folder's entries to disk, where the system supports it."""
    with contextlib.suppress(OSError):  # not every system can open a folder
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def disk_errors(folder: Path) -> Iterator[None]:
    """Raise an `OSError` as `OutputError`, which says what to do."""
    try:
        yield
    except OSError as error:
        key = "output.disk_full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "output.unwritable"
        raise OutputError(key, folder=folder, reason=reason_of(error)) from None
