"""Which processes are alive, by lock files in `$WAN_HOME/owners/`.

An owner is one process on one host. It holds a lock that the system releases when the process ends, however it ends, so
a process on a machine that slept does not look dead. Where locks do not work, or for a process on another host, the
journal's heartbeat decides.
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

HEARTBEAT_TIMEOUT_S = 600.0  # ten times `polling.HEARTBEAT_INTERVAL_S`: a slow disk or a stopped process is not dead
NEW_LOCK_GRACE_S = 60.0  # a process may be delayed between creating its file and locking it


class Owner:
    """This process, as the journal knows it; the lock is held until `release` or the end of the process."""

    def __init__(self, home: Path) -> None:
        self._folder = HomeLayout(home).owners
        for folder in (home, self._folder):  # those that only `parents=True` creates ignore `mode`
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.pid = os.getpid()
        self.name = f"{socket.gethostname()}:{self.pid}:{secrets.token_hex(4)}"
        self._file = _open(self._path(self.name))
        self.locked = _lock(self._file)
        # A forked child inherits the lock, and would make this process look alive after its end.
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._file.close)

    def is_alive(self, name: str, heartbeat: float, now: float) -> bool:
        """Return whether the owner of that name is running; `heartbeat` and `now` are epoch seconds."""
        if not name or name == self.name:  # a released job has no owner
            return bool(name)
        verdict = self._by_lock(name) if name.partition(":")[0] == socket.gethostname() else None
        return now - heartbeat < HEARTBEAT_TIMEOUT_S if verdict is None else verdict

    def release(self) -> None:
        """Release the lock and remove its file."""
        self._file.close()
        self._path(self.name).unlink(missing_ok=True)

    def spare(self, busy: Collection[str]) -> list[Path]:
        """List lock files of this host's ended processes, except `busy` ones, whose jobs are yet to be taken over."""
        ours = {self._path(name) for name in (self.name, *busy)}
        found = sorted(path for path in self._folder.glob(f"{socket.gethostname()}-*.lock") if path not in ours)
        return [path for path in found if self.locked and _is_free(path)]

    def _by_lock(self, name: str) -> bool | None:
        """Return whether that owner's lock is held, None where locks do not work or the file is gone."""
        if not self.locked:
            return None
        path = self._path(name)
        if not path.exists():
            return None  # removed by a clean-up: the process may be running all the same
        try:
            with _open(path) as file:
                return not _lock(file)
        except OSError:
            return None

    def _path(self, name: str) -> Path:
        return self._folder / f"{name.replace(':', '-')}.lock"


def _is_free(path: Path) -> bool:
    """Return whether a lock is not held, and not so new that its process may be about to take it."""
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
    """Take the lock without waiting; False if another process holds it or locks do not work here."""
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
