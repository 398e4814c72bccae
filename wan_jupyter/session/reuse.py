"""When an earlier job answers a request, and when a job may be ordered again."""

from __future__ import annotations

from ..errors import JobError
from ..jobs import background
from ..jobs.job import Job
from ..request.options import VideoRequest
from ..status import Status
from ..storage.input_spool import Spool
from ..storage.journal.journal import JobRecord


def makes_needless(row: JobRecord) -> bool:
    """Tell whether a job stands for a new one with the same request: made, under way, or perhaps created."""
    status = row.snapshot.status
    return status.live or status in (Status.SUCCEEDED, Status.UNCERTAIN)


def left_by(row: JobRecord, cell: str, account: str) -> bool:
    """Tell whether a job is the take that this very cell began and nobody here carries out: dead kernel, full disk.

    Run again, a cell with `--new` goes on with it, as its output says: it was ordered once and may be paid for.
    """
    ours = bool(cell) and row.cell == cell and row.account == account
    known: Job | None = background.current().jobs.get(row.id)
    return ours and not row.snapshot.settled and (known is None or known.done)


def under_other_key(row: JobRecord) -> JobError:
    """Return the error of a job that is under way with another key; only its task can be gone on with."""
    if task := row.snapshot.remote_id:
        return JobError("job.other_key", id=row.id, task=task)
    return JobError("job.other_key_no_task", id=row.id)


def retried(row: JobRecord, ours: bool, spool: Spool) -> VideoRequest:
    """Return the request of a job that is to be sent once more.

    Raises:
        JobError: it must not be, or cannot be, and what to type instead.
    """
    status, request = row.snapshot.status, VideoRequest.from_json(row.request)
    if status is Status.SUCCEEDED:
        raise JobError("retry.made", id=row.id)
    if not ours and status.live and row.snapshot.remote_id:
        raise JobError("job.not_here", id=row.id, provider=row.provider, task=row.snapshot.remote_id)
    if not ours:
        raise JobError("retry.elsewhere", id=row.id, provider=row.provider)
    if not row.snapshot.settled:
        raise JobError("retry.searching" if status is Status.UNCERTAIN else "retry.live", id=row.id)
    if not all(image.url or spool.has(image.digest) for _, image in request.frames):
        raise JobError("retry.picture_gone", id=row.id)
    return request


def newer_stands(kept: JobRecord, row: JobRecord) -> bool:
    """Tell whether `row` was retried already: a job with the same request came after it, and is under way or made."""
    alive = kept.snapshot.status is Status.SUCCEEDED or not kept.snapshot.settled
    return kept.take > row.take and alive
