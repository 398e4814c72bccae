"""Jobs that a kernel left behind: unfinished, and no living process carries them out. Floor 5."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..jobs import background
from ..storage.home import HomeLayout

if TYPE_CHECKING:
    from ..storage.journal.journal import JobRecord
    from ..storage.process_lock import Owner


@dataclass(frozen=True, slots=True)
class Orphan:
    """An unfinished job that nobody carries out, with the session and the provider that it was begun with."""

    id: str
    session: str
    provider: str


def orphans(home: Path, now: float | None = None) -> list[Orphan]:
    """Return the unfinished jobs of a home that nobody carries out, oldest first; `now` is in epoch seconds.

    A home without a journal is left as it is, and nothing is imported for it.

    Raises:
        OutputError: the journal cannot be read.
    """
    if not HomeLayout(home).journal.is_file():
        return []
    from ..storage.journal.journal import Journal
    from ..storage.process_lock import Owner

    journal = Journal(home)
    try:
        rows = journal.unfinished()
    finally:
        journal.close()
    if not rows:
        return []
    moment = time.time() if now is None else now
    here = background.peek()
    if here is not None:
        mine = here.share(("owner", home), lambda: Owner(home))
        followed = {job.id for job in here.jobs.values() if not job.done}
        return [_orphan(row) for row in rows if row.id not in followed and _is_free(row, mine, moment)]
    passing = Owner(home)  # to ask who is alive needs a lock of one's own
    try:
        return [_orphan(row) for row in rows if _is_free(row, passing, moment)]
    finally:
        passing.release()


def _orphan(row: JobRecord) -> Orphan:
    return Orphan(row.id, row.session, row.provider)


def _is_free(row: JobRecord, mine: Owner, now: float) -> bool:
    """Tell whether nobody carries a job out; what is ours and not followed here was given up."""
    return row.owner == mine.name or not mine.is_alive(row.owner, row.heartbeat, now)
