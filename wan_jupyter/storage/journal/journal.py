"""The journal: one SQLite file that knows every job that was ever begun. Floor 3: SQLite only.

It is written before money can be spent and holds the result links, which are secrets; so the file is 0600. Every write
about a live job says whose it is (`WHERE owner = me`): a row that did not change was taken over by someone else. One
connection a thread and process, never across a fork.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

from ...billing.budget import Spending
from ...errors import JobError
from ...status import Snapshot, Status
from .database import Database, sqlite_errors
from .records import JobRecord, Remarks, columns, of_remarks, of_snapshot, read_row
from .schema import MIGRATIONS
from .totals import read_sums

__all__ = ["MIGRATIONS", "Admit", "JobRecord", "Journal", "Whose"]

# Refuses a new row by an error; gets it with what tells how much a session's jobs came to since an epoch second.
Admit = Callable[[JobRecord, Callable[[str, float], tuple[Spending, ...]]], None]
Whose = tuple[str, str, str]  # account tag, base URL and model: who may use a picture in a service's storage

# Without look-alikes, so that an id can be read aloud; the first one is a letter, so that it is never read as a number.
LETTERS = "abcdefghjkmnpqrstuvwxyz"
LETTERS_AND_DIGITS = LETTERS + "23456789"

TIMED_BY = ("resolution", "size", "duration")  # options that decide how long a video takes

_TAKES_OF = "WHERE fingerprint = ? ORDER BY take DESC"


class Journal(Database):
    """The journal in one folder."""

    # ---- writing ----------------------------------------------------------------------------------------------

    def begin(
        self,
        fingerprint: str,
        make: Callable[[str, int], JobRecord],
        reuse: Callable[[JobRecord], bool],
        admit: Admit | None = None,
    ) -> tuple[JobRecord, bool]:
        """Insert a new job, or find the one that makes it needless, in one immediate transaction.

        Args:
            fingerprint: what makes two requests the same.
            make: gets a free id and the take number (from 1) and returns the row to insert.
            reuse: tells whether a job with this fingerprint is to be used instead; the newest take is asked first.
            admit: refuses a new row that may not be paid for; what the others came to cannot change meanwhile.

        Returns:
            The row, and whether it is new.
        """
        with self._transaction() as sql:
            found = self._rows(_TAKES_OF, fingerprint)
            if kept := next(filter(reuse, found), None):
                return kept, False
            row = make(self._free_id(sql), found[0].take + 1 if found else 1)
            if admit is not None:
                admit(row, lambda session, since: read_sums(sql, since, session))
            values = columns(row, self._clock())
            marks = ", ".join("?" * len(values))
            sql.execute(f"INSERT INTO jobs ({', '.join(values)}) VALUES ({marks})", tuple(values.values()))  # noqa: S608 - our own column names
        return row, True

    def record(self, job: str, owner: str, was: Status, snapshot: Snapshot, **more: Any) -> bool:
        """Write where a job stands; False when it is no longer `owner`'s, or no longer stands where it `was`.

        Args:
            was: what its owner believes; someone else's step, unseen, must not be taken a second time.
            more: other columns of the row (`sent_at`, `cost`, `currency`, `sha256`, `size`, `mtime`, `warning`).
        """
        now = self._clock()
        values = {**of_snapshot(snapshot), **more, "updated_at": now, "heartbeat": now}
        marks = ", ".join(f"{name} = ?" for name in values)
        with self._transaction() as sql:
            query = f"UPDATE jobs SET {marks} WHERE id = ? AND owner = ? AND status = ?"  # noqa: S608 - our own names
            return sql.execute(query, (*values.values(), job, owner, was)).rowcount == 1

    def keep_task(self, job: str, snapshot: Snapshot) -> None:
        """Write down the task that a job's create brought, although the job was taken over meanwhile.

        Whoever has it now knows of no task; an id that is lost could not be asked for, and the task is paid for.
        """
        values = of_snapshot(snapshot)
        marks = ", ".join(f"{name} = ?" for name in values)
        with self._transaction() as sql:
            query = f"UPDATE jobs SET {marks} WHERE id = ? AND remote_id IS NULL"  # noqa: S608 - our own names
            sql.execute(query, (*values.values(), job))

    def remark(self, job: str, owner: str, remarks: Remarks) -> None:
        """Write what the user should know about a job, for displays made later."""
        with self._transaction() as sql:
            query = "UPDATE jobs SET remarks = ? WHERE id = ? AND owner = ?"
            sql.execute(query, (of_remarks(remarks), job, owner))

    def identify(self, job: str, owner: str, snapshot: Snapshot) -> bool:
        """Make a task an uncertain job's, and the job `owner`'s; False when it is not uncertain any more."""
        values = {**of_snapshot(snapshot), "owner": owner, "heartbeat": self._clock()}
        marks = ", ".join(f"{name} = ?" for name in values)
        with self._transaction() as sql:
            query = f"UPDATE jobs SET {marks} WHERE id = ? AND status = ? AND remote_id IS NULL"  # noqa: S608 - our own
            return sql.execute(query, (*values.values(), job, Status.UNCERTAIN)).rowcount == 1

    def set_free(self, job: str, owner: str) -> None:
        """Make a job nobody's that `owner` gives up: whoever asks next goes on with it."""
        with self._transaction() as sql:
            sql.execute("UPDATE jobs SET owner = '', heartbeat = 0 WHERE id = ? AND owner = ?", (job, owner))

    def take_over(self, job: str, owner: str, former: str) -> bool:
        """Make a job ours if it still is `former`'s."""
        with self._transaction() as sql:
            query = "UPDATE jobs SET owner = ?, heartbeat = ? WHERE id = ? AND owner = ?"
            return sql.execute(query, (owner, self._clock(), job, former)).rowcount == 1

    def change_key(self, job: str, account: str, owner: str, former: str) -> bool:
        """Make a job ours if it still is `former`'s, and the account's whose key reaches its task now."""
        with self._transaction() as sql:
            query = "UPDATE jobs SET account = ?, owner = ?, heartbeat = ? WHERE id = ? AND owner = ?"
            return sql.execute(query, (account, owner, self._clock(), job, former)).rowcount == 1

    def refetch(self, job: str, owner: str, as_of: float, since: float) -> bool:
        """Take a job whose video was lost from SUCCEEDED back to DOWNLOADING, as `owner`'s; its cost stays.

        Args:
            as_of: the row's heartbeat when its file was looked at; whoever wrote since may have put it right.
            since: epoch seconds; what was sent before, the service keeps no more.
        """
        with self._transaction() as sql:
            query = """
                UPDATE jobs SET status = ?, note = 'fetched_again', owner = ?, heartbeat = ?, updated_at = ?
                WHERE id = ? AND status = ? AND heartbeat = ? AND remote_id IS NOT NULL
                AND COALESCE(sent_at, created_at) > ?
            """
            now = self._clock()
            values = (Status.DOWNLOADING, owner, now, now, job, Status.SUCCEEDED, as_of, since)
            return sql.execute(query, values).rowcount == 1

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

    @contextlib.contextmanager
    def undisturbed(self) -> Iterator[None]:
        """Keep every other thread and process from writing, for a moment: nobody can begin a job meanwhile."""
        with self._transaction():
            yield

    # ---- reading ----------------------------------------------------------------------------------------------

    def get(self, beginning: str) -> JobRecord:
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

    def latest(self, fingerprint: str) -> JobRecord | None:
        """Return the newest job with this fingerprint."""
        found = self._rows(_TAKES_OF, fingerprint)
        return found[0] if found else None

    def with_task(self, base_url: str, remote_id: str) -> JobRecord | None:
        """Return the job that is a service's task."""
        return next(iter(self._rows("WHERE base_url = ? AND remote_id = ?", base_url, remote_id)), None)

    def uploaded(self, whose: Whose, digest: str, now: float) -> str:
        """Return the link of a picture that still lies in a service's storage, "" where none does."""
        query = "SELECT link FROM uploads WHERE (account, base_url, model, digest) = (?, ?, ?, ?) AND expires > ?"
        with sqlite_errors(self.path):
            found = self._connection().execute(query, (*whose, digest, now)).fetchone()
        return found[0] if found else ""

    def recent(
        self, limit: int = 50, *, since: float = 0.0, states: Iterable[Status] = (), model: str = ""
    ) -> list[JobRecord]:
        """Return the newest jobs, newest first.

        Args:
            limit: at most so many.
            since: only jobs begun at or after this epoch second.
            states: only jobs in one of these; none named: in any.
            model: only jobs whose model has this in its name.
        """
        wanted = list(states) or list(Status)
        marks = ", ".join("?" * len(wanted))
        where = f"WHERE created_at >= ? AND status IN ({marks}) AND instr(lower(model), ?)"
        order = "ORDER BY created_at DESC, rowid DESC LIMIT ?"
        return self._rows(f"{where} {order}", since, *wanted, model.lower(), limit)

    def times(self, row: JobRecord, limit: int = 20) -> list[float]:
        """Return how many seconds the newest videos like a job's took, newest first, from the order to the saved file.

        Only jobs count that were sent from here, to the same address, with the same model, size and length.
        """
        like = {name: row.request.get(name) for name in TIMED_BY}
        query = (
            "SELECT request, updated_at - created_at FROM jobs WHERE model = ? AND base_url = ? AND status = ?"
            " AND sent_at IS NOT NULL AND updated_at > created_at ORDER BY created_at DESC LIMIT 200"
        )
        with sqlite_errors(self.path):
            rows = self._connection().execute(query, (row.model, row.base_url, Status.SUCCEEDED)).fetchall()
        kept = ((json.loads(request), seconds) for request, seconds in rows)
        alike = (seconds for asked, seconds in kept if all(asked.get(name) == like[name] for name in like))
        return list(islice(alike, limit))

    def unfinished(self) -> list[JobRecord]:
        """Return the jobs for which there is something to do, oldest first."""
        return [row for row in self.unsettled() if not row.snapshot.settled]

    def unsettled(self) -> list[JobRecord]:
        """Return the jobs that have not ended and the uncertain ones, oldest first: their pictures may be needed."""
        open_ones = [*(status for status in Status if status.live), Status.UNCERTAIN]
        marks = ", ".join("?" * len(open_ones))
        return self._rows(f"WHERE status IN ({marks}) ORDER BY created_at", *open_ones)

    def tasks_of(self, base_url: str, tasks: Iterable[str]) -> frozenset[str]:
        """Return those of a service's tasks that jobs are known to be."""
        wanted = list(tasks)
        marks = ", ".join("?" * len(wanted))
        rows = self._rows(f"WHERE base_url = ? AND remote_id IN ({marks})", base_url, *wanted)
        return frozenset(row.snapshot.remote_id for row in rows)

    def owners_of(self, account: str, base_url: str) -> list[tuple[str, float]]:
        """Return who has unfinished jobs of an account at an address, each with its newest heartbeat."""
        beats: dict[str, float] = {}
        for row in self.unfinished():
            if (row.account, row.base_url) == (account, base_url):
                beats[row.owner] = max(row.heartbeat, beats.get(row.owner, 0.0))
        return list(beats.items())

    def spending(self, since: float = 0.0) -> tuple[Spending, ...]:
        """Return what jobs came to that were sent since an epoch second, by session, provider and currency."""
        with sqlite_errors(self.path):
            return read_sums(self._connection(), since, None)

    def prompts_of(self, account: str, base_url: str) -> frozenset[str]:
        """Return the prompts, as sent, of an account's jobs that have their task."""
        rows = self._rows("WHERE account = ? AND base_url = ? AND remote_id IS NOT NULL", account, base_url)
        return frozenset(str(row.request.get("filled_prompt", "")) for row in rows)

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

    def _free_id(self, sql: sqlite3.Connection) -> str:
        while True:
            made = secrets.choice(LETTERS) + "".join(secrets.choice(LETTERS_AND_DIGITS) for _ in range(4))
            if sql.execute("SELECT 1 FROM jobs WHERE id = ?", (made,)).fetchone() is None:
                return made

    def _rows(self, where: str, *values: object) -> list[JobRecord]:
        query = f"SELECT * FROM jobs {where}"  # noqa: S608 - written above, values are bound
        with sqlite_errors(self.path):
            return [read_row(kept) for kept in self._connection().execute(query, values)]
