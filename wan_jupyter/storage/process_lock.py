"""Who is alive. Floor 3: lock files in `$WAN_HOME/owners/`; knows nothing of jobs.

An owner is one process on one host. It holds a lock that the system frees when the process ends, however it ends, so a
machine that slept does not look dead. Where locks do not work, or from another host, the journal's heartbeat decides.
"""

from __future__ import annotations

import os
import secrets
import socket
import sys
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import IO

from .home import HomeLayout

HEARTBEAT_TIMEOUT_S = 600.0
NEW_LOCK_GRACE_S = 60.0  # seconds: between making its file and locking it, a process may be held up


class Owner:
    """This process, as the journal knows it; the lock is held until `release` or the end of the process."""

    def __init__(self, home: Path) -> None:
        self._folder = HomeLayout(home).owners
        for folder in (home, self._folder):  # what `parents` makes would be open to everyone
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.pid = os.getpid()
        self.name = f"{socket.gethostname()}:{self.pid}:{secrets.token_hex(4)}"
        self._file = _open(self._path(self.name))
        self.locked = _lock(self._file)
        # A forked child holds the same lock and would keep us alive beyond our end.
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._file.close)

    def is_alive(self, name: str, heartbeat: float, now: float) -> bool:
        """Tell whether the owner of that name still runs; `heartbeat` and `now` are epoch seconds."""
        if not name or name == self.name:  # a job that was given up is nobody's
            return bool(name)
        verdict = self._by_lock(name) if name.partition(":")[0] == socket.gethostname() else None
        return now - heartbeat < HEARTBEAT_TIMEOUT_S if verdict is None else verdict

    def release(self) -> None:
        """Let go of the lock and remove its file."""
        self._file.close()
        self._path(self.name).unlink(missing_ok=True)

    def spare(self, busy: Collection[str]) -> list[Path]:
        """List the locks of this host's processes that are gone, but of those whose jobs are yet to be taken over."""
        ours = {self._path(name) for name in (self.name, *busy)}
        found = sorted(path for path in self._folder.glob(f"{socket.gethostname()}-*.lock") if path not in ours)
        return [path for path in found if self.locked and _is_free(path)]

    def _by_lock(self, name: str) -> bool | None:
        """Return whether someone holds that owner's lock, None where locks tell nothing."""
        if not self.locked:
            return None
        path = self._path(name)
        if not path.exists():
            return None  # someone cleaned up: its process may live all the same
        try:
            with _open(path) as file:
                return not _lock(file)
        except OSError:
            return None

    def _path(self, name: str) -> Path:
        return self._folder / f"{name.replace(':', '-')}.lock"


def _is_free(path: Path) -> bool:
    """Tell whether nobody holds a lock, and it is no lock that someone is about to take."""
    try:
        if time.time() - path.stat().st_mtime < NEW_LOCK_GRACE_S:
            return False
        with _open(path) as file:
            return _lock(file)
    except OSError:
        return False


def _open(path: Path) -> IO[bytes]:
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b")


def _lock(file: IO[bytes]) -> bool:
    """Take the lock without waiting; False when another process holds it or locks do not work here."""
    try:
        _locker()(file.fileno())
    except OSError:
        return False
    return True


def _locker() -> Callable[[int], None]:
    if sys.platform == "win32":
        import msvcrt

        return lambda number: msvcrt.locking(number, msvcrt.LK_NBLCK, 1)
    import fcntl

    return lambda number: fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
