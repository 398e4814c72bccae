"""When an earlier job answers a request, and when a job may be sent again."""

from __future__ import annotations

from ..errors import JobError
from ..jobs import background
from ..jobs.job import Job
from ..request.options import VideoRequest
from ..status import Status
from ..storage.input_spool import Spool
from ..storage.journal.journal import JobRecord


def makes_new_job_needless(record: JobRecord) -> bool:
    """Check whether a job with the same request has a video, is under way, or may have been created."""
    status = record.snapshot.status
    return status.live or status in (Status.SUCCEEDED, Status.UNCERTAIN)


def left_unfinished_by(record: JobRecord, cell: str, account: str) -> bool:
    """Check whether a job was begun by this very cell and nobody here carries it out: dead kernel, full disk.

    A cell with `--new` that is run again resumes it, as its output says: it was sent once and may be paid for.
    """
    ours = bool(cell) and record.cell == cell and record.account == account
    known: Job | None = background.current().jobs.get(record.id)
    return ours and not record.snapshot.settled and (known is None or known.done)


def under_other_key(record: JobRecord) -> JobError:
    """Return the error for a job that is under way with another key; it can only be adopted by its task's id."""
    if task := record.snapshot.remote_id:
        return JobError("job.other_key", id=record.id, task=task)
    return JobError("job.other_key_no_task", id=record.id)


def request_to_retry(record: JobRecord, ours: bool, spool: Spool) -> VideoRequest:
    """Return the request of a job that ended without a video.

    A job that may still get a video, or that was perhaps created, is never sent again: both would be billed.

    Args:
        ours: whether the job was sent to this session's address with this session's key.

    Raises:
        JobError: the job cannot be retried; the hint says what to type instead.
    """
    status, request = record.snapshot.status, VideoRequest.from_json(record.request)
    if status is Status.SUCCEEDED:
        raise JobError("retry.made", id=record.id)
    if not ours and status.live and record.snapshot.remote_id:
        raise JobError("job.not_here", id=record.id, provider=record.provider, task=record.snapshot.remote_id)
    if not ours:
        raise JobError("retry.elsewhere", id=record.id, provider=record.provider)
    if not record.snapshot.settled:
        raise JobError("retry.searching" if status is Status.UNCERTAIN else "retry.live", id=record.id)
    if not all(image.url or spool.has(image.digest) for _, image in request.frames):
        raise JobError("retry.picture_gone", id=record.id)
    return request


def is_newer_version(record: JobRecord, of: JobRecord) -> bool:
    """Check whether a job was retried already: `record` came after it, and has a video or is unfinished."""
    alive = record.snapshot.status is Status.SUCCEEDED or not record.snapshot.settled
    return record.take > of.take and alive
