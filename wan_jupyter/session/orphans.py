"""Find jobs that a kernel left behind: unfinished, and no living process carries them out."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..storage.home import HomeLayout

if TYPE_CHECKING:
    from ..storage.journal.journal import JobRecord
    from ..storage.process_lock import Owner


@dataclass(frozen=True, slots=True)
class Orphan:
    """An unfinished job that no process carries out, and the session and provider that it was begun with."""

    id: str
    session: str
    provider: str


def orphans(home: Path, now: float | None = None) -> list[Orphan]:
    """Return the unfinished jobs of a `WAN_HOME` that no process carries out, oldest first.

    Without a journal nothing is created, and nothing is imported.

    Args:
        now: the present time in epoch seconds.

    Raises:
        OutputError: the journal cannot be read.
    """
    if not HomeLayout(home).journal.is_file():
        return []
    from ..jobs import background
    from ..storage.journal.journal import Journal
    from ..storage.process_lock import Owner

    journal = Journal(home)
    try:
        records = journal.unfinished()
    finally:
        journal.close()
    if not records:
        return []
    moment = time.time() if now is None else now
    engine = background.peek()
    if engine is not None:
        mine = engine.share(("owner", home), lambda: Owner(home))
        followed = {job.id for job in engine.jobs.values() if not job.done}
        return [_orphan(record) for record in records if record.id not in followed and _is_free(record, mine, moment)]
    passing = Owner(home)  # asking who is alive needs a lock of one's own
    try:
        return [_orphan(record) for record in records if _is_free(record, passing, moment)]
    finally:
        passing.release()


def _orphan(record: JobRecord) -> Orphan:
    return Orphan(record.id, record.session, record.provider)


def _is_free(record: JobRecord, mine: Owner, now: float) -> bool:
    """Check whether no process carries a job out; one of this process that is not followed was given up."""
    return record.owner == mine.name or not mine.is_alive(record.owner, record.heartbeat, now)
