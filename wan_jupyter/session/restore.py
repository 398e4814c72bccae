"""Jobs as the journal keeps them: what a row says of a job, and what is written beside its video. Floor 5."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ..billing.money import Amount, Price
from ..catalog.plan import Provider
from ..errors import JobError
from ..jobs.job import Job, JobInfo
from ..media.video.video import Video
from ..status import Status
from ..storage.journal.journal import JobRecord
from ..storage.output_files import read_sidecar


def file_of(row: JobRecord, folder: Path) -> Path:
    """Return where a job's video lies: where it was saved, or this notebook's own copy of it."""
    saved = Path(row.snapshot.file)
    copy = folder / saved.name
    return copy if not saved.is_file() and copy.is_file() else saved


def beside(row: JobRecord, folder: Path) -> JobRecord:
    """Return a row with its video's path as `file_of` finds it."""
    return replace(row, snapshot=replace(row.snapshot, file=str(file_of(row, folder))))


def cost_of(row: JobRecord) -> Amount | None:
    """Return what a job cost, None where that is unknown."""
    return Price(row.cost, row.currency).rounded if row.cost is not None else None


def facts_of(row: JobRecord, where: Provider | None, expected: float | None = None) -> JobInfo:
    """Return what never changes about a job; `where` is its provider's row, None for one that is known no more."""
    estimate = str(Price(row.estimate, row.currency)) if row.estimate is not None else ""
    emulated = where is not None and where.emulated
    return JobInfo(
        id=row.id,
        provider=row.provider,
        model=row.model,
        created_at=row.created_at,
        take=row.take,
        folder=row.folder,
        emulated=emulated,
        estimate=estimate,
        cell=row.cell,
        session=row.session,
        remarks=row.remarks,
        expected=expected,
    )


def end_as_kept(job: Job) -> None:
    """End a job that comes from the journal, if it had ended there."""
    if job.status is Status.SUCCEEDED:
        path = Path(job.snapshot.file)
        job._succeed(Video(path, read_sidecar(path)))
    elif job.status.ended:
        job._fail_as_reported()
    elif job.remote_id:
        job._fail(JobError("job.not_here", id=job.id, provider=job.provider, task=job.remote_id))
    else:
        job._fail(JobError("job.not_here_no_task", id=job.id, provider=job.provider))
