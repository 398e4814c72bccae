"""The journal: a SQLite file with a record of every job.

A job is written before money can be spent. The file is 0600, since it holds result links, which are secrets. Every
write about a live job names its owner (`WHERE owner = me`): if no row changes, another process has taken the job over.
Each thread and process has its own connection; none is used across a fork.
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
from .records import JobRecord, Remarks, columns, of_remarks, of_snapshot, read_record
from .schema import MIGRATIONS
from .totals import read_sums

__all__ = ["MIGRATIONS", "Admit", "JobRecord", "Journal", "UploadScope"]

# Raises an error for a new record that may not be paid for. It gets the record, and a function that returns what a
# session's jobs cost since an epoch second.
Admit = Callable[[JobRecord, Callable[[str, float], tuple[Spending, ...]]], None]
UploadScope = tuple[str, str, str]  # account tag, base URL and model: who can use an uploaded picture

# Without look-alikes, so that an id can be read aloud. The first is a letter, so that no id looks like a number.
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
        """Insert a new job, or find one to reuse, in one immediate transaction.

        The transaction keeps two kernels from paying for the same request, and a budget from being spent twice.

        Args:
            fingerprint: equal for requests that count as the same.
            make: gets a free id and the take number (from 1) and returns the record to insert.
            reuse: returns whether to use an earlier job with this fingerprint; called for the newest take first.
            admit: raises an error if the budget does not allow the new record.

        Returns:
            The record, and whether it is new.
        """
        with self._transaction() as sql:
            found = self._records(_TAKES_OF, fingerprint)
            if kept := next(filter(reuse, found), None):
                return kept, False
            record = make(self._free_id(sql), found[0].take + 1 if found else 1)
            if admit is not None:
                admit(record, lambda session, since: read_sums(sql, since, session))
            values = columns(record, self._clock())
            marks = ", ".join("?" * len(values))
            sql.execute(f"INSERT INTO jobs ({', '.join(values)}) VALUES ({marks})", tuple(values.values()))  # noqa: S608 - our own column names
        return record, True

    def record(self, job: str, owner: str, was: Status, snapshot: Snapshot, **more: Any) -> bool:
        """Write a job's new state; return False if it is no longer `owner`'s, or no longer in the state it `was` in.

        Args:
            was: the status that its owner knows; a step that another process took must not be repeated.
            more: other columns (`sent_at`, `cost`, `currency`, `sha256`, `size`, `mtime`, `warning`).
        """
        now = self._clock()
        values = {**of_snapshot(snapshot), **more, "updated_at": now, "heartbeat": now}
        marks = ", ".join(f"{name} = ?" for name in values)
        with self._transaction() as sql:
            query = f"UPDATE jobs SET {marks} WHERE id = ? AND owner = ? AND status = ?"  # noqa: S608 - our own names
            return sql.execute(query, (*values.values(), job, owner, was)).rowcount == 1

    def keep_task(self, job: str, snapshot: Snapshot) -> None:
        """Write the task that a create request returned, even if another process has taken the job over.

        The new owner does not know the task's id; without it, a task that is paid for could not be polled.
        """
        values = of_snapshot(snapshot)
        marks = ", ".join(f"{name} = ?" for name in values)
        with self._transaction() as sql:
            query = f"UPDATE jobs SET {marks} WHERE id = ? AND remote_id IS NULL"  # noqa: S608 - our own names
            sql.execute(query, (*values.values(), job))

    def remark(self, job: str, owner: str, remarks: Remarks) -> None:
        """Write a job's remarks, for later displays."""
        with self._transaction() as sql:
            query = "UPDATE jobs SET remarks = ? WHERE id = ? AND owner = ?"
            sql.execute(query, (of_remarks(remarks), job, owner))

    def identify(self, job: str, owner: str, snapshot: Snapshot) -> bool:
        """Assign a task to an uncertain job, and the job to `owner`; return False if it is no longer uncertain."""
        values = {**of_snapshot(snapshot), "owner": owner, "heartbeat": self._clock()}
        marks = ", ".join(f"{name} = ?" for name in values)
        with self._transaction() as sql:
            query = f"UPDATE jobs SET {marks} WHERE id = ? AND status = ? AND remote_id IS NULL"  # noqa: S608 - our own
            return sql.execute(query, (*values.values(), job, Status.UNCERTAIN)).rowcount == 1

    def set_free(self, job: str, owner: str) -> None:
        """Release a job of `owner`'s, so that any process can resume it."""
        with self._transaction() as sql:
            sql.execute("UPDATE jobs SET owner = '', heartbeat = 0 WHERE id = ? AND owner = ?", (job, owner))

    def take_over(self, job: str, owner: str, former: str) -> bool:
        """Transfer a job to `owner`; return False if it is no longer `former`'s."""
        with self._transaction() as sql:
            query = "UPDATE jobs SET owner = ?, heartbeat = ? WHERE id = ? AND owner = ?"
            return sql.execute(query, (owner, self._clock(), job, former)).rowcount == 1

    def change_key(self, job: str, account: str, owner: str, former: str) -> bool:
        """Transfer a job to `owner` and to the account whose key reaches its task; False if no longer `former`'s."""
        with self._transaction() as sql:
            query = "UPDATE jobs SET account = ?, owner = ?, heartbeat = ? WHERE id = ? AND owner = ?"
            return sql.execute(query, (account, owner, self._clock(), job, former)).rowcount == 1

    def refetch(self, job: str, owner: str, as_of: float, since: float) -> bool:
        """Move a job whose file is lost from SUCCEEDED back to DOWNLOADING, as `owner`'s; its cost stays.

        Args:
            as_of: the record's heartbeat when its file was checked; a later writer may have repaired it.
            since: epoch seconds; the service no longer keeps results of jobs that were sent before.

        Returns:
            False if another process claimed the job first, or its result has expired.
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
        """Record an event that does not change a job's state, for finding faults: a report that was ignored."""
        with self._transaction() as sql:
            sql.execute("INSERT INTO events VALUES (?, ?, ?, ?)", (job, self._clock(), what, detail[:2000]))

    def keep_upload(self, scope: UploadScope, digest: str, link: str, now: float, expires: float) -> None:
        """Remember an uploaded picture's link until `expires` (epoch seconds), and drop links that have expired."""
        with self._transaction() as sql:
            sql.execute("DELETE FROM uploads WHERE expires <= ?", (now,))
            sql.execute("INSERT OR REPLACE INTO uploads VALUES (?, ?, ?, ?, ?, ?)", (*scope, digest, link, expires))

    def forget_uploads(self, scope: UploadScope) -> None:
        """Forget a scope's uploads: after a failure that a link may have caused, they are uploaded again."""
        with self._transaction() as sql:
            sql.execute("DELETE FROM uploads WHERE (account, base_url, model) = (?, ?, ?)", scope)

    @contextlib.contextmanager
    def undisturbed(self) -> Iterator[None]:
        """Block writes by other threads and processes inside the `with` block, so that no job can begin."""
        with self._transaction():
            yield

    # ---- reading ----------------------------------------------------------------------------------------------

    def get(self, beginning: str) -> JobRecord:
        """Return the job whose id starts with `beginning`.

        Raises:
            JobError: no id does, or several do.
        """
        escaped = "".join(letter for letter in beginning.lower() if letter.isalnum())
        found = self._records("WHERE id LIKE ? ORDER BY created_at DESC LIMIT 5", f"{escaped}%") if escaped else []
        if len(found) == 1 or (found and found[0].id == escaped):
            return found[0]
        if found:
            raise JobError("job.ambiguous", id=beginning, candidates=", ".join(record.id for record in found))
        raise JobError("job.unknown", id=beginning)

    def with_task(self, base_url: str, remote_id: str) -> JobRecord | None:
        """Return the job of a service's task, None if it is not ours."""
        return next(iter(self._records("WHERE base_url = ? AND remote_id = ?", base_url, remote_id)), None)

    def uploaded(self, scope: UploadScope, digest: str, now: float) -> str:
        """Return the link of an uploaded picture that has not expired at `now` (epoch seconds), else ""."""
        query = "SELECT link FROM uploads WHERE (account, base_url, model, digest) = (?, ?, ?, ?) AND expires > ?"
        with sqlite_errors(self.path):
            found = self._connection().execute(query, (*scope, digest, now)).fetchone()
        return found[0] if found else ""

    def recent(
        self, limit: int = 50, *, since: float = 0.0, states: Iterable[Status] = (), model: str = ""
    ) -> list[JobRecord]:
        """Return the newest jobs, newest first.

        Args:
            limit: the largest number of jobs.
            since: only jobs created at or after this epoch second.
            states: only jobs with one of these; empty for all.
            model: only jobs with this text in their model's name.
        """
        wanted = list(states) or list(Status)
        marks = ", ".join("?" * len(wanted))
        where = f"WHERE created_at >= ? AND status IN ({marks}) AND instr(lower(model), ?)"
        order = "ORDER BY created_at DESC, rowid DESC LIMIT ?"
        return self._records(f"{where} {order}", since, *wanted, model.lower(), limit)

    def times(self, record: JobRecord, limit: int = 20) -> list[float]:
        """Return the seconds from request to saved file of finished jobs like this one, newest first.

        Like it are jobs that were sent from this home to the same address, with the same model and `TIMED_BY` options.
        """
        like = {name: record.request.get(name) for name in TIMED_BY}
        query = (
            "SELECT request, updated_at - created_at FROM jobs WHERE model = ? AND base_url = ? AND status = ?"
            " AND sent_at IS NOT NULL AND updated_at > created_at ORDER BY created_at DESC LIMIT 200"
        )
        with sqlite_errors(self.path):
            rows = self._connection().execute(query, (record.model, record.base_url, Status.SUCCEEDED)).fetchall()
        kept = ((json.loads(request), seconds) for request, seconds in rows)
        alike = (seconds for asked, seconds in kept if all(asked.get(name) == like[name] for name in like))
        return list(islice(alike, limit))

    def unfinished(self) -> list[JobRecord]:
        """Return the jobs that still need work, oldest first."""
        return [record for record in self.unsettled() if not record.snapshot.settled]

    def unsettled(self) -> list[JobRecord]:
        """Return the live and the uncertain jobs, oldest first: their pictures may still be needed."""
        statuses = [*(status for status in Status if status.live), Status.UNCERTAIN]
        marks = ", ".join("?" * len(statuses))
        return self._records(f"WHERE status IN ({marks}) ORDER BY created_at", *statuses)

    def tasks_of(self, base_url: str, tasks: Iterable[str]) -> frozenset[str]:
        """Return those of a service's tasks that belong to jobs in this journal."""
        wanted = list(tasks)
        marks = ", ".join("?" * len(wanted))
        found = self._records(f"WHERE base_url = ? AND remote_id IN ({marks})", base_url, *wanted)
        return frozenset(record.snapshot.remote_id for record in found)

    def owners_of(self, account: str, base_url: str) -> list[tuple[str, float]]:
        """Return the owners of an account's unfinished jobs at an address, each with its newest heartbeat."""
        heartbeats: dict[str, float] = {}
        for record in self.unfinished():
            if (record.account, record.base_url) == (account, base_url):
                heartbeats[record.owner] = max(record.heartbeat, heartbeats.get(record.owner, 0.0))
        return list(heartbeats.items())

    def spending(self, since: float = 0.0) -> tuple[Spending, ...]:
        """Return what jobs sent since an epoch second cost, by session, provider and currency."""
        with sqlite_errors(self.path):
            return read_sums(self._connection(), since, None)

    def prompts_of(self, account: str, base_url: str) -> frozenset[str]:
        """Return the prompts, as sent, of an account's jobs whose task is known."""
        found = self._records("WHERE account = ? AND base_url = ? AND remote_id IS NOT NULL", account, base_url)
        return frozenset(str(record.request.get("filled_prompt", "")) for record in found)

    def events(self, job: str) -> list[tuple[float, str, str]]:
        """Return a job's events (epoch seconds, event, detail), oldest first; for finding faults only."""
        query = "SELECT at, what, detail FROM events WHERE job = ? ORDER BY at, rowid"
        return [(row[0], row[1], row[2]) for row in self._connection().execute(query, (job,))]

    def salt(self) -> bytes:
        """Return this journal's salt for account tags; the first call creates it."""
        with self._transaction() as sql:
            sql.execute("INSERT OR IGNORE INTO facts VALUES ('salt', ?)", (secrets.token_hex(16),))
            found: str = sql.execute("SELECT value FROM facts WHERE name = 'salt'").fetchone()[0]
        return bytes.fromhex(found)

    def _free_id(self, sql: sqlite3.Connection) -> str:
        while True:
            made = secrets.choice(LETTERS) + "".join(secrets.choice(LETTERS_AND_DIGITS) for _ in range(4))
            if sql.execute("SELECT 1 FROM jobs WHERE id = ?", (made,)).fetchone() is None:
                return made

    def _records(self, where: str, *values: object) -> list[JobRecord]:
        query = f"SELECT * FROM jobs {where}"  # noqa: S608 - written above, values are bound
        with sqlite_errors(self.path):
            return [read_record(row) for row in self._connection().execute(query, values)]
