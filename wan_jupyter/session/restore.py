"""From a job's record in the journal back to the job."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ..billing.money import Amount
from ..billing.pricing import Price
from ..catalog.plan import Provider
from ..errors import JobError
from ..jobs.job import Job, JobInfo
from ..media.video.video import Video
from ..status import Status
from ..storage.journal.journal import JobRecord
from ..storage.output_files import read_sidecar


def video_path(record: JobRecord, folder: Path) -> Path:
    """Return the path of a job's video: where it was saved, or its copy in a notebook's own folder."""
    saved = Path(record.snapshot.file)
    copy = folder / saved.name
    return copy if not saved.is_file() and copy.is_file() else saved


def with_video_path(record: JobRecord, folder: Path) -> JobRecord:
    """Return a record with the path that `video_path` finds."""
    return replace(record, snapshot=replace(record.snapshot, file=str(video_path(record, folder))))


def cost_of(record: JobRecord) -> Amount | None:
    """Return what a job cost, None if that is unknown."""
    return Price(record.cost, record.currency).rounded if record.cost is not None else None


def info_of(record: JobRecord, provider: Provider | None, expected: float | None = None) -> JobInfo:
    """Return what never changes about a job.

    Args:
        provider: the job's provider, None if the catalogue no longer has it.
        expected: seconds that it may take.
    """
    return JobInfo(
        id=record.id,
        provider=record.provider,
        model=record.model,
        created_at=record.created_at,
        take=record.take,
        folder=record.folder,
        emulated=provider is not None and provider.emulated,
        estimate=str(Price(record.estimate, record.currency)) if record.estimate is not None else "",
        cell=record.cell,
        session=record.session,
        remarks=record.remarks,
        expected=expected,
    )


def end_as_recorded(job: Job) -> None:
    """End a job that comes from the journal; an unfinished one ends with the error that it is not resumed here."""
    if job.status is Status.SUCCEEDED:
        path = Path(job.snapshot.file)
        job._succeed(Video(path, read_sidecar(path)))
    elif job.status.ended:
        job._fail_as_reported()
    elif job.remote_id:
        job._fail(JobError("job.not_here", id=job.id, provider=job.provider, task=job.remote_id))
    else:
        job._fail(JobError("job.not_here_no_task", id=job.id, provider=job.provider))
