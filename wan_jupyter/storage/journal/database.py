"""The file under the journal: connections, transactions, migrations. One connection a thread and process."""

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
    """The journal's file in one folder."""

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
            try:  # BEGIN stands inside: an interrupt right after it must not leave the journal locked for everyone
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
    """Turn what SQLite or the disk says into an error that says what to do."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise OutputError("output.journal", path=path, reason=reason_of(error)) from None


MOUNTS = Path("/proc/self/mountinfo")
# Beginnings of the kinds of file systems that other machines may use at the same time. FUSE may be anything.
SHARED = ("nfs", "cifs", "smb", "9p", "fuse", "ceph", "lustre", "afs", "gpfs", "beegfs", "gluster", "drvfs", "virtiofs")


def is_shared(folder: Path) -> bool:
    """Tell whether other machines may use a folder's file system; SQLite itself does not see that."""
    if sys.platform == "win32":
        return str(folder).startswith("\\\\")
    try:
        mounts = MOUNTS.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return kind_of(folder, mounts).startswith(SHARED)


def kind_of(folder: Path, mounts: str) -> str:
    """Return the kind of file system that a folder is on, by the text of Linux's mountinfo; "" where it is not told."""
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
    """Undo the escapes that mountinfo has for blanks and backslashes."""
    for code, letter in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        name = name.replace(code, letter)
    return name
