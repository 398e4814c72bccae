"""The journal's SQLite file: connections (one for each thread and process), transactions, migrations."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from ...errors import OutputError
from ...errors.system import reason_of
from ..home import HomeLayout
from .schema import MIGRATIONS


class Database:
    """The journal's file in a home folder, created and migrated on opening."""

    def __init__(self, home: Path, clock: Callable[[], float] = time.time) -> None:
        self.path = HomeLayout(home).journal
        self._clock = clock
        self._local = threading.local()
        self._all: list[sqlite3.Connection] = []
        with sqlite_errors(self.path):
            home.mkdir(mode=0o700, parents=True, exist_ok=True)
            with contextlib.suppress(FileExistsError):
                os.close(os.open(self.path, os.O_CREAT | os.O_EXCL, 0o600))
        self._migrate()

    def close(self) -> None:
        """Close every connection that this process opened; no thread may be using one."""
        for connection in self._all:
            connection.close()
        self._all.clear()
        self._local = threading.local()

    def _connection(self) -> sqlite3.Connection:
        mine = getattr(self._local, "connection", None)
        if mine is None or self._local.pid != os.getpid():
            mine = self._local.connection = self._open()
            self._local.pid = os.getpid()
        connection: sqlite3.Connection = mine
        return connection

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=30.0, isolation_level=None, check_same_thread=False)
        connection.row_factory = sqlite3.Row
        wanted = "DELETE" if is_shared(self.path.parent.resolve()) else "WAL"
        # A file system that cannot do WAL answers with the mode it keeps; DELETE works everywhere.
        if connection.execute(f"PRAGMA journal_mode = {wanted}").fetchone()[0] != "wal":
            connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("PRAGMA synchronous = FULL")
        self._all.append(connection)
        return connection

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with sqlite_errors(self.path):
            sql = self._connection()
            try:  # BEGIN is inside: an interrupt right after it must not leave the journal locked
                sql.execute("BEGIN IMMEDIATE")
                yield sql
                sql.execute("COMMIT")
            except BaseException:
                if sql.in_transaction:
                    sql.execute("ROLLBACK")
                raise

    def _migrate(self) -> None:
        with self._transaction() as sql:
            sql.execute("CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY, at REAL NOT NULL)")
            done = {row[0] for row in sql.execute("SELECT name FROM migrations")}
            for name, script in MIGRATIONS:
                if name not in done:
                    for statement in script.split(";"):
                        sql.execute(statement)
                    sql.execute("INSERT INTO migrations VALUES (?, ?)", (name, self._clock()))


@contextlib.contextmanager
def sqlite_errors(path: Path) -> Iterator[None]:
    """Raise an error of SQLite or the disk as `OutputError`, which says what to do."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise OutputError("output.journal", path=path, reason=reason_of(error)) from None


MOUNTS = Path("/proc/self/mountinfo")
# Prefixes of file system types that other machines may use at the same time. FUSE can be anything.
SHARED = ("nfs", "cifs", "smb", "9p", "fuse", "ceph", "lustre", "afs", "gpfs", "beegfs", "gluster", "drvfs", "virtiofs")


def is_shared(folder: Path) -> bool:
    """Return whether other machines may share a folder's file system, which makes WAL unsafe."""
    if sys.platform == "win32":
        return str(folder).startswith("\\\\")
    try:
        mounts = MOUNTS.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return kind_of(folder, mounts).startswith(SHARED)


def kind_of(folder: Path, mounts: str) -> str:
    """Return a folder's file system type from the text of Linux's mountinfo, "" if it is not listed."""
    best, kind = -1, ""
    for line in mounts.splitlines():
        words = line.split()
        if len(words) < 7 or "-" not in words[6:]:
            continue
        point = Path(_plain(words[4]))
        if (point == folder or point in folder.parents) and len(point.parts) >= best:  # a later mount hides an earlier
            best, kind = len(point.parts), words[words.index("-", 6) + 1]
    return kind


def _plain(name: str) -> str:
    """Decode mountinfo's escapes of white space and backslashes (proc(5))."""
    for code, letter in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        name = name.replace(code, letter)
    return name
