"""The journal: one SQLite file that knows every job that was ever begun. Floor 3: SQLite only.

It is written before money can be spent and holds the result links, which are secrets; so the file is 0600. Every write
about a live job says whose it is (`WHERE owner = me`): a row that did not change was taken over by someone else. One
connection a thread and process, never across a fork.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .errors import JobError, OutputError, Problem
from .status import Result, Snapshot, Status

Whose = tuple[str, str, str]  # account tag, base URL and model: who may use a picture in a service's storage

# Without look-alikes, so that an id can be read aloud; the first one is a letter, so that it is never read as a number.
LETTERS = "abcdefghjkmnpqrstuvwxyz"
LETTERS_AND_DIGITS = LETTERS + "23456789"

MIGRATIONS: Sequence[tuple[str, str]] = (
    (
        "0001 jobs",
        """
        CREATE TABLE jobs (
            id TEXT PRIMARY KEY, created_at REAL NOT NULL, updated_at REAL NOT NULL,
            status TEXT NOT NULL, owner TEXT NOT NULL, heartbeat REAL NOT NULL,
            account TEXT NOT NULL, provider TEXT NOT NULL, base_url TEXT NOT NULL, session TEXT NOT NULL,
            model TEXT NOT NULL, mode TEXT NOT NULL, request TEXT NOT NULL, fingerprint TEXT NOT NULL,
            take INTEGER NOT NULL, folder TEXT NOT NULL, cell TEXT NOT NULL,
            sent_at REAL, remote_id TEXT, word TEXT NOT NULL DEFAULT '', note TEXT NOT NULL DEFAULT '',
            problem TEXT, result TEXT, usage TEXT NOT NULL DEFAULT '{}', facts TEXT NOT NULL DEFAULT '{}',
            estimate REAL, cost REAL, currency TEXT NOT NULL DEFAULT '',
            file TEXT NOT NULL DEFAULT '', sha256 TEXT NOT NULL DEFAULT '', warning TEXT NOT NULL DEFAULT ''
        );
        CREATE INDEX jobs_by_fingerprint ON jobs (fingerprint, created_at);
        CREATE INDEX jobs_by_status ON jobs (status);
        CREATE UNIQUE INDEX jobs_by_task ON jobs (base_url, remote_id) WHERE remote_id IS NOT NULL;
        CREATE TABLE events (job TEXT NOT NULL, at REAL NOT NULL, what TEXT NOT NULL, detail TEXT NOT NULL);
        CREATE INDEX events_by_job ON events (job, at);
        CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
        """,
    ),
    (
        "0002 uploads",
        """
        CREATE TABLE uploads (
            account TEXT NOT NULL, base_url TEXT NOT NULL, model TEXT NOT NULL, digest TEXT NOT NULL,
            link TEXT NOT NULL, expires REAL NOT NULL, PRIMARY KEY (account, base_url, model, digest)
        )
        """,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One job as the journal keeps it; times are epoch seconds."""

    id: str
    created_at: float
    owner: str
    account: str
    provider: str
    base_url: str
    session: str
    model: str
    mode: str
    request: Mapping[str, Any]
    fingerprint: str
    take: int
    folder: str
    cell: str
    snapshot: Snapshot = field(default_factory=Snapshot)
    heartbeat: float = 0.0
    sent_at: float | None = None
    estimate: float | None = None
    cost: float | None = None
    currency: str = ""
    sha256: str = ""
    warning: str = ""


class Journal:
    """The journal in one folder."""

    def __init__(self, home: Path, clock: Callable[[], float] = time.time) -> None:
        self.path = home / "journal.sqlite3"
        self._clock = clock
        self._local = threading.local()
        self._all: list[sqlite3.Connection] = []
        with _told(self.path):
            home.mkdir(mode=0o700, parents=True, exist_ok=True)
            with contextlib.suppress(FileExistsError):
                os.close(os.open(self.path, os.O_CREAT | os.O_EXCL, 0o600))
        self._migrate()

    # ---- writing ----------------------------------------------------------------------------------------------

    def begin(
        self, fingerprint: str, make: Callable[[str, int], Row], reuse: Callable[[Row], bool]
    ) -> tuple[Row, bool]:
        """Insert a new job, or find the one that makes it needless, in one immediate transaction.

        Args:
            fingerprint: what makes two requests the same.
            make: gets a free id and the take number (from 1) and returns the row to insert.
            reuse: tells whether a job with this fingerprint is to be used instead; the newest take is asked first.

        Returns:
            The row, and whether it is new.
        """
        with self._transaction() as sql:
            found = self._rows(_TAKES_OF, fingerprint)
            if kept := next(filter(reuse, found), None):
                return kept, False
            row = make(self._free_id(sql), found[0].take + 1 if found else 1)
            values = _columns(row, self._clock())
            marks = ", ".join("?" * len(values))
            sql.execute(f"INSERT INTO jobs ({', '.join(values)}) VALUES ({marks})", tuple(values.values()))  # noqa: S608 - our own column names
        return row, True

    def record(self, job: str, owner: str, was: Status, snapshot: Snapshot, **more: Any) -> bool:
        """Write where a job stands; False when it is no longer `owner`'s, or no longer stands where it `was`.

        Args:
            was: what its owner believes; someone else's step, unseen, must not be taken a second time.
            more: other columns of the row (`sent_at`, `cost`, `currency`, `sha256`, `warning`).
        """
        now = self._clock()
        values = {**_of_snapshot(snapshot), **more, "updated_at": now, "heartbeat": now}
        marks = ", ".join(f"{name} = ?" for name in values)
        with self._transaction() as sql:
            query = f"UPDATE jobs SET {marks} WHERE id = ? AND owner = ? AND status = ?"  # noqa: S608 - our own names
            return sql.execute(query, (*values.values(), job, owner, was)).rowcount == 1

    def keep_task(self, job: str, snapshot: Snapshot) -> None:
        """Write down the task that a job's create brought, although the job was taken over meanwhile.

        Whoever has it now knows of no task; an id that is lost could not be asked for, and the task is paid for.
        """
        values = _of_snapshot(snapshot)
        marks = ", ".join(f"{name} = ?" for name in values)
        with self._transaction() as sql:
            query = f"UPDATE jobs SET {marks} WHERE id = ? AND remote_id IS NULL"  # noqa: S608 - our own names
            sql.execute(query, (*values.values(), job))

    def take_over(self, job: str, owner: str, former: str) -> bool:
        """Make a job ours if it still is `former`'s."""
        with self._transaction() as sql:
            query = "UPDATE jobs SET owner = ?, heartbeat = ? WHERE id = ? AND owner = ?"
            return sql.execute(query, (owner, self._clock(), job, former)).rowcount == 1

    def note(self, job: str, what: str, detail: str = "") -> None:
        """Keep something that happened to a job and is not a state: a report that went back, a strange word."""
        with self._transaction() as sql:
            sql.execute("INSERT INTO events VALUES (?, ?, ?, ?)", (job, self._clock(), what, detail[:2000]))

    def keep_upload(self, whose: Whose, digest: str, link: str, now: float, expires: float) -> None:
        """Keep where a picture lies in a service's storage, until an epoch second; what is past goes."""
        with self._transaction() as sql:
            sql.execute("DELETE FROM uploads WHERE expires <= ?", (now,))
            sql.execute("INSERT OR REPLACE INTO uploads VALUES (?, ?, ?, ?, ?, ?)", (*whose, digest, link, expires))

    def forget_uploads(self, whose: Whose) -> None:
        """Forget what lies in storage: a job failed, and its picture's link may be why."""
        with self._transaction() as sql:
            sql.execute("DELETE FROM uploads WHERE (account, base_url, model) = (?, ?, ?)", whose)

    # ---- reading ----------------------------------------------------------------------------------------------

    def get(self, beginning: str) -> Row:
        """Return the one job whose id begins so.

        Raises:
            JobError: none does, or several do.
        """
        escaped = "".join(letter for letter in beginning.lower() if letter.isalnum())
        rows = self._rows("WHERE id LIKE ? ORDER BY created_at DESC LIMIT 5", f"{escaped}%") if escaped else []
        if len(rows) == 1 or (rows and rows[0].id == escaped):
            return rows[0]
        if rows:
            raise JobError("job.ambiguous", id=beginning, candidates=", ".join(row.id for row in rows))
        raise JobError("job.unknown", id=beginning)

    def latest(self, fingerprint: str) -> Row | None:
        """Return the newest job with this fingerprint."""
        found = self._rows(_TAKES_OF, fingerprint)
        return found[0] if found else None

    def with_task(self, base_url: str, remote_id: str) -> Row | None:
        """Return the job that is a service's task."""
        return next(iter(self._rows("WHERE base_url = ? AND remote_id = ?", base_url, remote_id)), None)

    def uploaded(self, whose: Whose, digest: str, now: float) -> str:
        """Return the link of a picture that still lies in a service's storage, "" where none does."""
        query = "SELECT link FROM uploads WHERE (account, base_url, model, digest) = (?, ?, ?, ?) AND expires > ?"
        with _told(self.path):
            found = self._connection().execute(query, (*whose, digest, now)).fetchone()
        return found[0] if found else ""

    def recent(self, limit: int = 50) -> list[Row]:
        """Return the newest jobs, newest first."""
        return self._rows("ORDER BY created_at DESC, rowid DESC LIMIT ?", limit)

    def unfinished(self) -> list[Row]:
        """Return the jobs that have not ended, oldest first."""
        live = [status for status in Status if status.live]
        marks = ", ".join("?" * len(live))
        return self._rows(f"WHERE status IN ({marks}) ORDER BY created_at", *live)

    def events(self, job: str) -> list[tuple[float, str, str]]:
        """Return what was noted of a job, oldest first."""
        query = "SELECT at, what, detail FROM events WHERE job = ? ORDER BY at, rowid"
        return [(row[0], row[1], row[2]) for row in self._connection().execute(query, (job,))]

    def salt(self) -> bytes:
        """Return this machine's own salt for account tags, made once."""
        with self._transaction() as sql:
            sql.execute("INSERT OR IGNORE INTO facts VALUES ('salt', ?)", (secrets.token_hex(16),))
            found: str = sql.execute("SELECT value FROM facts WHERE name = 'salt'").fetchone()[0]
        return bytes.fromhex(found)

    def close(self) -> None:
        """Close every connection that this process opened; no thread may be using one."""
        for connection in self._all:
            connection.close()
        self._all.clear()
        self._local = threading.local()

    # ---- SQLite -----------------------------------------------------------------------------------------------

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
        # A file system that cannot do WAL answers with the mode it keeps; DELETE works everywhere.
        if connection.execute("PRAGMA journal_mode = WAL").fetchone()[0] != "wal":
            connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("PRAGMA synchronous = FULL")
        self._all.append(connection)
        return connection

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with _told(self.path):
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

    def _free_id(self, sql: sqlite3.Connection) -> str:
        while True:
            made = secrets.choice(LETTERS) + "".join(secrets.choice(LETTERS_AND_DIGITS) for _ in range(4))
            if sql.execute("SELECT 1 FROM jobs WHERE id = ?", (made,)).fetchone() is None:
                return made

    def _rows(self, where: str, *values: object) -> list[Row]:
        query = f"SELECT * FROM jobs {where}"  # noqa: S608 - written above, values are bound
        with _told(self.path):
            return [_row(kept) for kept in self._connection().execute(query, values)]


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    """Turn what SQLite or the disk says into an error that says what to do."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise OutputError("output.journal", path=path, reason=error) from None


_TAKES_OF = "WHERE fingerprint = ? ORDER BY take DESC"

_PLAIN = (
    "id", "created_at", "owner", "account", "provider", "base_url", "session", "model", "mode", "fingerprint", "take",
    "folder", "cell", "heartbeat", "sent_at", "estimate", "cost", "currency", "sha256", "warning",
)  # fmt: skip


def _columns(row: Row, now: float) -> dict[str, Any]:
    plain = {name: getattr(row, name) for name in _PLAIN}
    request = json.dumps(row.request, ensure_ascii=False)
    return {**plain, "heartbeat": now, "updated_at": now, "request": request, **_of_snapshot(row.snapshot)}


def _of_snapshot(shot: Snapshot) -> dict[str, Any]:
    return {
        "status": str(shot.status),
        "remote_id": shot.remote_id or None,
        "word": shot.word,
        "note": shot.note,
        "problem": json.dumps(asdict(shot.problem)) if shot.problem else None,
        "result": json.dumps(asdict(shot.result)) if shot.result else None,
        "usage": json.dumps(dict(shot.usage)),
        "facts": json.dumps(dict(shot.facts)),
        "file": shot.file,
    }


def _row(kept: sqlite3.Row) -> Row:
    snapshot = Snapshot(
        status=Status(kept["status"]),
        remote_id=kept["remote_id"] or "",
        word=kept["word"],
        note=kept["note"],
        problem=Problem(**json.loads(kept["problem"])) if kept["problem"] else None,
        result=Result(**json.loads(kept["result"])) if kept["result"] else None,
        usage=json.loads(kept["usage"]),
        facts=json.loads(kept["facts"]),
        file=kept["file"],
    )
    plain = {name: kept[name] for name in _PLAIN}
    return Row(**plain, request=json.loads(kept["request"]), snapshot=snapshot)
