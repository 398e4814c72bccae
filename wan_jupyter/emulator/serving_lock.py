"""Which processes serve a folder: each holds a lock file there, which the system frees when the process ends.

Check here before removing files.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import sys
from pathlib import Path

PREFIX = "in-use"


class ServingLock:
    """Holds this app's lock as long as the app exists."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._path = folder / f"{_ours()}{secrets.token_hex(4)}.lock"
        self._pid = os.getpid()
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        _lock(self._file)

    def __del__(self) -> None:
        with contextlib.suppress(OSError, AttributeError, TypeError):
            os.close(self._file)
            if self._pid == os.getpid():  # in a forked child the lock is still the parent's
                self._path.unlink(missing_ok=True)


def others(folder: Path) -> bool:
    """Return whether another process serves the folder; remove the locks of processes that have ended."""
    found = [path for path in folder.glob(f"{PREFIX}-*.lock") if not path.name.startswith(_ours())]
    return True in list(map(_is_held, found))  # checks every one, which removes dead locks


def _ours() -> str:
    return f"{PREFIX}-{socket.gethostname()}-{os.getpid()}-"


def _is_held(path: Path) -> bool:
    try:
        file = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    except OSError:
        return True  # unknown, so nothing is removed
    try:
        held = not _lock(file)
    finally:
        os.close(file)
    if not held:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
    return held


def _lock(file: int) -> bool:
    """Take a lock without waiting; False if another process holds it or locks do not work."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
