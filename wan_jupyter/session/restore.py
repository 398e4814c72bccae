"""Jobs as the journal keeps them: what a row says of a job, and what is written beside its video. Floor 5."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

from ..billing.prices import Price
from ..catalog.plan import Provider
from ..errors import JobError
from ..jobs import background
from ..jobs.job import Facts, Job
from ..media.image.reader import shown_url
from ..media.video.video import Video
from ..request.options import VideoRequest
from ..status import Status
from ..storage.journal.journal import Row
from ..storage.output_files import Place, Spool, read_sidecar


def makes_needless(row: Row) -> bool:
    """Tell whether a job stands for a new one with the same request: made, under way, or perhaps created."""
    status = row.snapshot.status
    return status.live or status in (Status.SUCCEEDED, Status.UNCERTAIN)


def left_by(row: Row, cell: str, account: str) -> bool:
    """Tell whether a job is the take that this very cell began and nobody here carries out: dead kernel, full disk.

    Run again, a cell with `--new` goes on with it, as its output says: it was ordered once and may be paid for.
    """
    ours = bool(cell) and row.cell == cell and row.account == account
    known: Job | None = background.current().jobs.get(row.id)
    return ours and not row.snapshot.settled and (known is None or known.done)


def under_other_key(row: Row) -> JobError:
    """Return the error of a job that is under way with another key; only its task can be gone on with."""
    if task := row.snapshot.remote_id:
        return JobError("job.other_key", id=row.id, task=task)
    return JobError("job.other_key_no_task", id=row.id)


def retried(row: Row, ours: bool, spool: Spool) -> VideoRequest:
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


def newer_stands(kept: Row, row: Row) -> bool:
    """Tell whether `row` was retried already: a job with the same request came after it, and is under way or made."""
    alive = kept.snapshot.status is Status.SUCCEEDED or not kept.snapshot.settled
    return kept.take > row.take and alive


def file_of(row: Row, folder: Path) -> Path:
    """Return where a job's video lies: where it was saved, or this notebook's own copy of it."""
    saved = Path(row.snapshot.file)
    copy = folder / saved.name
    return copy if not saved.is_file() and copy.is_file() else saved


def beside(row: Row, folder: Path) -> Row:
    """Return a row with its video's path as `file_of` finds it."""
    return replace(row, snapshot=replace(row.snapshot, file=str(file_of(row, folder))))


def cost_of(row: Row) -> str:
    """Return what a job cost, as text."""
    return str(Price(row.cost, row.currency)) if row.cost is not None else ""


ENOUGH = 2  # earlier jobs from which a time may be told
# In JSON a slash may be escaped. Looked for at the beginning of a run of letters only: one look at each.
ADDRESS = re.compile(r"""(?<![A-Za-z0-9+.-])([0-9+.-]*)([A-Za-z][A-Za-z0-9+.-]*:(?:\\?/){2}[^\s"'<>]*)""")


def expected_time(durations: Sequence[float]) -> float | None:
    """Return how many seconds a job may take, by those that earlier jobs like it took; None for too few."""
    return median(durations) if len(durations) >= ENOUGH else None


def facts_of(row: Row, where: Provider | None, expected: float | None = None) -> Facts:
    """Return what never changes about a job; `where` is its provider's row, None for one that is known no more."""
    estimate = str(Price(row.estimate, row.currency)) if row.estimate is not None else ""
    emulated = where is not None and where.emulated
    return Facts(
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
        job.succeed(Video(path, read_sidecar(path)))
    elif job.status.ended:
        job.fail_as_told()
    elif job.remote_id:
        job.fail(JobError("job.not_here", id=job.id, provider=job.provider, task=job.remote_id))
    else:
        job.fail(JobError("job.not_here_no_task", id=job.id, provider=job.provider))


def sidecar_of(job: Job, place: Place) -> Mapping[str, Any]:
    """Return what is written beside a video (DESIGN section 5, Files)."""
    request, shot = job.request, job.snapshot
    asked = {**request.asked(), **{name: shown_url(link) for name, link in request.links.items()}}
    options = {name: value for name, value in asked.items() if name not in ("seed", "model")}
    if request.params:
        options["params"] = [(path, _shown(value)) for path, value in request.params]
    times = {name: shot.facts[name] for name in ("submit_time", "scheduled_time", "end_time") if name in shot.facts}
    told = shot.facts.get("orig_prompt", "")  # an adopted task may not say it before it ends
    return {
        "prompt": request.prompt or told,
        "filled_prompt": request.filled_prompt or told,
        "actual_prompt": shot.facts.get("actual_prompt", ""),
        "provider": job.provider,
        "model": job.facts.model,
        "options": options,
        "seed": request.seed,
        "cost": job.cost,
        "times": {"created_at": job.facts.created_at, **times},
        "inputs": [{"role": role, "name": image.label, "sha256": image.digest} for role, image in request.frames],
        "task_id": job.remote_id,
        "take": job.facts.take,
        "job": job.id,
        "file": place.video.name,
    }


def _shown(value: str) -> str:
    """Return a parameter's value as it may be shown: its addresses without queries, which may be signatures."""
    try:
        told = json.loads(value)
        bare = _each(told)
        return value if bare == told else json.dumps(bare, ensure_ascii=False)
    except (ValueError, RecursionError):
        return _without_queries(value)


def _each(told: Any) -> Any:
    """Cut the addresses in every text of a JSON value."""
    if isinstance(told, dict):
        return {_shown(name): _each(one) for name, one in told.items()}
    if isinstance(told, list):
        return [_each(one) for one in told]
    return _shown(told) if isinstance(told, str) else told  # a text may be JSON, too


def _without_queries(text: str) -> str:
    return ADDRESS.sub(lambda found: found[1] + shown_url(found[2].replace("\\/", "/")), text)
