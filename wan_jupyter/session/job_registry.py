"""The jobs of a session: created, found in the journal, resumed, restored, brought in."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from ..catalog import plan as catalog
from ..catalog.dry_run import sent_later
from ..catalog.plan import Plan
from ..errors import JobError
from ..jobs import background
from ..jobs.context import JobContext
from ..jobs.job import Job, JobInfo
from ..jobs.redownload import file_changed, gone_for_good, is_downloadable
from ..jobs.runner import carry_out, follow_other, restore_video
from ..request.options import VideoRequest
from ..scheduling.expected_time import expected_time
from ..status import Status
from ..storage import output_files
from ..storage.atomic_files import is_usable
from ..storage.journal.journal import Admit, JobRecord
from . import adoption
from .resources import SessionResources
from .restore import cost_of, end_as_recorded, info_of, video_path, with_video_path
from .reuse import request_to_retry, under_other_key
from .session_billing import SessionBilling
from .sidecar import sidecar_of


class JobRegistry:
    """The jobs of one session: what the journal knows of them, and what this process carries out."""

    def __init__(self, resources: SessionResources, billing: SessionBilling) -> None:
        self._resources = resources
        self._billing = billing

    # ---- new jobs -------------------------------------------------------------------------------------------------

    def begin(
        self, plan: Plan, fingerprint: str, cell: str, reuse: Callable[[JobRecord], bool], admit: Admit | None
    ) -> Job:
        """Begin a job, or return the one with the same fingerprint that `reuse` accepts.

        The record is in the journal before anything is sent: what may have been paid for is never lost.

        Raises:
            BudgetError: `admit` refuses the new job.
            JobError: the job to reuse is under way, or being searched for, with another key.
        """
        make = partial(self.new_record, plan, fingerprint, cell, self._resources.account)
        with background.current().ordering:
            record, is_new = self._resources.journal.begin(fingerprint, make, reuse, admit)
            if not is_new and not record.snapshot.settled:
                # In another account's task list its task is missing, which must not be taken for "never created".
                if record.account != self._resources.account:
                    raise under_other_key(record)
                return self.attach(record, plan.request)
            if not is_new:
                return self._reuse_ended(record)
            job = Job(self._info(record), plan.request, record.snapshot, background.current(), "new")
            job._dry_run = sent_later(plan, self._resources.provider, self._billing.price)
            return self._start(self.context(job, plan, record))

    def new_record(self, plan: Plan, fingerprint: str, cell: str, account: str, identity: str, take: int) -> JobRecord:
        """Return the journal's record of a job that begins now.

        Args:
            account: passed in, since the journal calls this inside a transaction, and the first account of a
                `WAN_HOME` writes to the journal itself.
            identity: the job's id, chosen by the journal.
            take: the number of the job among those with its fingerprint, chosen by the journal.
        """
        resources, price = self._resources, self._billing.price(plan)
        return JobRecord(
            id=identity,
            created_at=resources.clock.time(),
            owner=resources.owner.name,
            account=account,
            provider=resources.provider.name,
            base_url=resources.provider.base_url,
            session=resources.name,
            model=plan.model.id,
            mode=plan.request.mode,
            request=plan.request.as_json(),
            fingerprint=fingerprint,
            take=take,
            folder=str(resources.outputs),
            cell=cell,
            estimate=price.amount if price else None,
            currency=price.currency if price else "",
            remarks=plan.remarks,
        )

    def context(self, job: Job, plan: Plan, record: JobRecord) -> JobContext:
        """Return what carries a job out."""
        resources = self._resources
        # If the job's own folder can no longer be written, its video goes to the session's present one.
        folder = record.folder if is_usable(Path(record.folder)) else resources.outputs
        paths = output_files.output_paths(folder, record.id, record.created_at)
        return JobContext(
            job=job,
            engine=background.current(),
            clock=resources.clock,
            client=resources.client,
            protocol=resources.provider.speak(),
            create_request=plan.order,
            journal=resources.journal,
            spool=resources.spool,
            paths=paths,
            owner=resources.owner.name,
            account=resources.account,
            poll_intervals_s=resources.provider.poll,
            price=partial(self._billing.price, plan),
            sidecar=partial(sidecar_of, job, paths),
            requests_per_s=self._rates(plan),
            count_processes=resources.count_processes,
            may_adopt=not resources.settings.shared_key,
        )

    def _rates(self, plan: Plan) -> Mapping[str, float]:
        """Return the account's documented rate limits; the emulator has none."""
        provider = self._resources.provider
        return {} if provider.emulated else {**provider.speak().rate_limits, "submit": plan.model.submit_rps}

    def _info(self, record: JobRecord) -> JobInfo:
        """Return the facts of a job that is under way, with the time that similar jobs took."""
        return info_of(record, self._resources.provider, expected_time(self._resources.journal.times(record)))

    def _start(self, context: JobContext) -> Job:
        background.current().jobs[context.job.id] = context.job
        background.current().start(partial(carry_out, context))
        return context.job

    def _reuse_ended(self, record: JobRecord) -> Job:
        """Return the ended job that makes a new one needless, with its video in this notebook's folder.

        Raises:
            JobError: the file is gone, and the service no longer keeps it.
        """
        resources = self._resources
        if self._has_changed_file(record):
            kept = is_downloadable(record, resources.provider.speak().task_retention_s, resources.clock.time())
            if not kept and not video_path(record, resources.outputs).is_file():
                raise gone_for_good(record.id, record.snapshot.file, record.created_at)
            return self._restore_file(record)
        if record.snapshot.status is Status.SUCCEEDED:
            path = output_files.bring(video_path(record, resources.outputs), resources.outputs)
            record = replace(record, snapshot=replace(record.snapshot, file=str(path)))
        job = self._from_record(record)
        background.current().jobs[job.id] = job
        return job

    # ---- jobs that exist ------------------------------------------------------------------------------------------

    def find(self, beginning: str) -> Job:
        """Return the job whose id begins so; download its video again if its file is gone or damaged.

        Raises:
            JobError: no job has such an id, or several have.
        """
        record = self._resources.journal.get(beginning)
        if self._has_changed_file(record) and self._is_here(record):
            return self._restore_file(record)
        return self._from_record(record)

    def follow(self, identity: str) -> Job:
        """Return a job; if it is unfinished and was sent with this session's key, resume it here or follow it.

        Raises:
            JobError: there is no such job.
        """
        # The lock: a job that ended between the look and the step would be resumed.
        with background.current().ordering:
            record = self._resources.journal.get(identity)
            resumable = self.is_ours(record) and not record.snapshot.settled
            return self.attach(record) if resumable else self.find(record.id)

    def resume(self) -> list[Job]:
        """Resume this session's unfinished jobs that this process does not follow yet."""
        engine = background.current()
        with engine.ordering:
            followed = {job.id for job in live_jobs()}
            unfinished = self._resources.journal.unfinished()
            return [self.attach(record) for record in unfinished if self.is_ours(record) and record.id not in followed]

    def history(self, limit: int, since: float, states: Iterable[Status], model: str) -> list[Job]:
        """Return the newest jobs in the journal, newest first, as `Session.history`."""
        records = self._resources.journal.recent(limit, since=since, states=states, model=model)
        return [self._from_record(record) for record in records]

    def to_retry(self, beginning: str) -> tuple[JobRecord, VideoRequest]:
        """Return the record of a job that ended without a video, and its request.

        Raises:
            JobError: it has a video, is under way, is being searched for, or its images are gone.
        """
        record = self._resources.journal.get(beginning)
        return record, request_to_retry(record, self.is_ours(record), self._resources.spool)

    def has_lost_video(self, identity: str) -> bool:
        """Check whether a job's video was made and its file is gone, or was written to since."""
        return self._has_changed_file(self._resources.journal.get(identity))

    def _has_changed_file(self, record: JobRecord) -> bool:
        there = with_video_path(record, self._resources.outputs)
        return record.snapshot.status is Status.SUCCEEDED and file_changed(there)

    def attach(self, record: JobRecord, fresh: VideoRequest | None = None) -> Job:
        """Return an unfinished job: this process's own, one that another process carries out, or one taken over.

        Args:
            fresh: the same request with its images in memory, in case their spooled copies are gone.
        """
        engine, resources = background.current(), self._resources
        with engine.ordering:
            known: Job | None = engine.jobs.get(record.id)
            if known is not None and not known.done:
                known.origin = "attached"
                return known
            request = VideoRequest.from_json(record.request)
            if fresh is not None:
                request = replace(request, first=fresh.first, last=fresh.last)
            plan = catalog.plan_of(request, resources.provider)
            job = self._live_job(record, request, "attached")
            context = self.context(job, plan, record)
            job._dry_run = sent_later(plan, resources.provider, self._billing.price)
            if record.owner == resources.owner.name:
                return self._start(context)
            engine.jobs[job.id] = job
            engine.start(partial(follow_other, context, resources.owner.is_alive))
            return job

    def is_ours(self, record: JobRecord) -> bool:
        """Check whether a job was sent to this session's address with this session's key."""
        return self._is_here(record) and record.account == self._resources.account

    def _is_here(self, record: JobRecord) -> bool:
        provider = self._resources.provider
        return (record.provider, record.base_url) == (provider.name, provider.base_url)

    def _restore_file(self, record: JobRecord) -> Job:
        """Return a job whose video was made; its file is checked, and downloaded again if needed, in the background."""
        engine, resources = background.current(), self._resources
        with engine.ordering:
            known: Job | None = engine.jobs.get(record.id)
            if known is not None and not known.done:
                return known
            record = with_video_path(record, resources.outputs)
            request = VideoRequest.from_json(record.request)
            job = self._live_job(record, request, "shown")
            context = self.context(job, catalog.plan_of(request, resources.provider), record)
            engine.jobs[record.id] = job
            engine.start(partial(restore_video, context, record, resources.owner.is_alive, resources.outputs))
            return job

    def _live_job(self, record: JobRecord, request: VideoRequest, origin: str) -> Job:
        """Return a new `Job` in the state that its record has."""
        job = Job(self._info(record), request, record.snapshot, background.current(), origin)
        job._sent_at, job._cost = record.sent_at, cost_of(record)
        return job

    @staticmethod
    def _from_record(record: JobRecord) -> Job:
        """Return a job as the journal knows it; for one that this process carries out, that very object."""
        known: Job | None = background.current().jobs.get(record.id)
        if known is not None and not known.done:
            return known
        request = VideoRequest.from_json(record.request)
        info = info_of(record, catalog.providers().get(record.provider))
        job = Job(info, request, record.snapshot, background.current(), "shown")
        job.warning, job._cost = record.warning, cost_of(record)
        end_as_recorded(job)
        return job

    # ---- tasks that were started elsewhere ------------------------------------------------------------------------

    def adopt(self, task_id: object, model: str) -> Job:
        """Return the job of a task, recording it if the journal does not know it, as `Session.adopt`."""
        task = adoption.read_task_id(task_id)
        record = self._resources.journal.with_task(self._resources.provider.base_url, task) or self._unrecorded(task)
        record = record or self._record_task(task, model)
        return self._attach_with_this_key(record) if self._has_other_key(record) else self.follow(record.id)

    def _unrecorded(self, task: str) -> JobRecord | None:
        """Record a task that a job of this process has and the journal could not store in time; None if none has it."""
        provider, journal = self._resources.provider, self._resources.journal
        ended = (job for job in background.current().jobs.values() if job.done and job.provider == provider.name)
        job = next((job for job in ended if job.remote_id == task), None)
        if job is None:
            return None
        with contextlib.suppress(JobError):  # a job of another WAN_HOME
            journal.get(job.id)
            journal.keep_task(job.id, job.snapshot)
            return journal.get(job.id)
        return None

    def _record_task(self, task: str, model: str) -> JobRecord:
        """Return the record for a task of no known job: of the only uncertain job that it fits, else a new one.

        A new record's fingerprint is unique, so that it never answers a request that someone types.
        """
        resources = self._resources
        found = adoption.fetch_task(task, model, resources.provider, resources.client)
        unsettled = resources.journal.unsettled()
        fits = [record for record in unsettled if self.is_ours(record) and found.fits(record)]
        if len(fits) == 1 and resources.journal.identify(fits[0].id, resources.owner.name, found.seen):
            _wake(fits[0].id)
            return resources.journal.get(fits[0].id)
        plan = catalog.plan_of(found.request, resources.provider)
        fingerprint = f"adopted {resources.provider.base_url} {task}"
        make = partial(self.new_record, plan, fingerprint, "", resources.account)
        return resources.journal.begin(fingerprint, lambda *new: found.put_into(make(*new)), lambda _: True)[0]

    def _attach_with_this_key(self, record: JobRecord) -> Job:
        """Resume a job that was sent with another key, once the service knows its task with the present one.

        Where a living process carries the job out, it is followed, and stays that process's own.

        Raises:
            JobError: the service does not know the task with this key.
            ServiceError, ConnectionProblem: the service could not be asked.
        """
        resources, mine = self._resources, self._resources.owner
        adoption.ask_status(record.snapshot.remote_id, resources.provider, resources.client)
        with background.current().ordering:
            record = resources.journal.get(record.id)
            if record.owner == mine.name or not mine.is_alive(record.owner, record.heartbeat, resources.clock.time()):
                resources.journal.change_key(record.id, resources.account, mine.name, record.owner)
                record = resources.journal.get(record.id)
            return self._from_record(record) if record.snapshot.settled else self.attach(record)

    def _has_other_key(self, record: JobRecord) -> bool:
        """Check whether an unfinished job at this address has another account, perhaps this one's former key."""
        return self._is_here(record) and record.account != self._resources.account and not record.snapshot.settled


def live_jobs() -> list[Job]:
    """Return the jobs that this process follows, oldest first."""
    return [job for job in background.current().jobs.values() if not job.done]


def _wake(identity: str) -> None:
    """Let a job that is being searched for here read its record at once."""
    engine = background.current()
    known = engine.jobs.get(identity)
    if known is not None and not known.done:
        engine.call(known._wake.set)
