"""Jobs begun, found again and gone on with: what a session does behind its calls. Floor 5."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import replace
from functools import partial

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
from ..scheduling.history import expected_time
from ..status import Status
from ..storage import output_files
from ..storage.journal.journal import Admit, JobRecord
from . import adoption
from .resources import SessionResources
from .restore import beside, cost_of, end_as_kept, facts_of, file_of
from .reuse import under_other_key


class JobRegistry(SessionResources):
    """A session's way with the journal's jobs."""

    def is_astray(self, row: JobRecord) -> bool:
        """Tell whether a job's video was made, and its file has to be looked at: it is gone, or was written since."""
        return row.snapshot.status is Status.SUCCEEDED and file_changed(beside(row, self.outputs))

    def _unwritten(self, task: str) -> JobRecord | None:
        """Return the row of a job of this process that is a task, which the journal could not take down at its time."""
        ours = (job for job in background.current().jobs.values() if job.done and job.provider == self.provider.name)
        job = next((job for job in ours if job.remote_id == task), None)
        if job is None:
            return None
        with contextlib.suppress(JobError):  # a job of another home
            self.journal.get(job.id)
            self.journal.keep_task(job.id, job.snapshot)
            return self.journal.get(job.id)
        return None

    def _brought_in(self, task: str, model: str) -> JobRecord:
        """Return the row of a task that no job was known to be: of the one uncertain job that it fits, else a new one.

        A new row's mark is its own, so that it never stands for a request that is typed.
        """
        found = adoption.look(task, model, self.provider, self._client)
        fits = [row for row in self.journal.unsettled() if self._is_ours(row) and found.fits(row)]
        if len(fits) == 1 and self.journal.identify(fits[0].id, self.owner.name, found.seen):
            _wake(fits[0].id)
            return self.journal.get(fits[0].id)
        plan = catalog.plan_of(found.request, self.provider)
        mark = f"adopted {self.provider.base_url} {task}"
        make = partial(self._row, plan, mark, "", self.account)
        return self.journal.begin(mark, lambda *new: found.put_into(make(*new)), lambda kept: True)[0]

    def _with_this_key(self, row: JobRecord) -> Job:
        """Go on with a job that was sent with another key, once the service knows its task with the present one.

        Where a living process carries it out, it is followed, and stays that process's own.

        Raises:
            JobError: the service does not know the task with this key.
            ServiceError, ConnectionProblem: it could not be asked.
        """
        adoption.ask_after(row.snapshot.remote_id, self.provider, self._client)
        mine = self.owner
        with background.current().ordering:
            row = self.journal.get(row.id)
            if row.owner == mine.name or not mine.is_alive(row.owner, row.heartbeat, self._clock.time()):
                self.journal.change_key(row.id, self.account, mine.name, row.owner)
                row = self.journal.get(row.id)
            return self._revive(row) if row.snapshot.settled else self._go_on(row)

    def _begin(self, plan: Plan, mark: str, cell: str, reuse: Callable[[JobRecord], bool], admit: Admit | None) -> Job:
        """Begin a job, or return the one with the same mark that is to be used instead.

        Raises:
            JobError: that one is under way, or searched for, with another key.
        """
        make = partial(self._row, plan, mark, cell, self.account)
        with background.current().ordering:
            row, is_new = self.journal.begin(mark, make, reuse, admit)
            if not is_new and not row.snapshot.settled:
                if row.account != self.account:  # in another account's list its task is missing, and means nothing
                    raise under_other_key(row)
                return self._go_on(row, plan.request)
            if not is_new:
                return self._shown(row)
            job = Job(self._facts(row), plan.request, row.snapshot, background.current(), "new")
            job._dry_run = sent_later(plan, self.provider, self._price)
            return self._start(self._context(job, plan, row))

    def _facts(self, row: JobRecord) -> JobInfo:
        """Return the facts of a job that is under way, with the time that it may take."""
        return facts_of(row, self.provider, expected_time(self.journal.times(row)))

    def _start(self, context: JobContext) -> Job:
        background.current().jobs[context.job.id] = context.job
        background.current().start(partial(carry_out, context))
        return context.job

    def _shown(self, row: JobRecord) -> Job:
        """Return the ended job that makes a new one needless, with its file beside this notebook.

        Raises:
            JobError: its file is gone, and the service keeps it no more.
        """
        if self.is_astray(row):
            kept = is_downloadable(row, self.provider.speak().task_retention_s, self._clock.time())
            if not kept and not file_of(row, self.outputs).is_file():
                raise gone_for_good(row.id, row.snapshot.file, row.created_at)
            return self._put_right(row)
        if row.snapshot.status is Status.SUCCEEDED:
            here = output_files.bring(file_of(row, self.outputs), self.outputs)
            row = replace(row, snapshot=replace(row.snapshot, file=str(here)))
        job = self._revive(row)
        background.current().jobs[job.id] = job
        return job

    def _put_right(self, row: JobRecord) -> Job:
        """Return a job whose video was made; what became of its file is looked at, and put right, in the background."""
        here = background.current()
        with here.ordering:
            known: Job | None = here.jobs.get(row.id)
            if known is not None and not known.done:
                return known
            row = beside(row, self.outputs)
            request = VideoRequest.from_json(row.request)
            job = self._made_anew(row, request, "shown")
            context = self._context(job, catalog.plan_of(request, self.provider), row)
            here.jobs[row.id] = job
            here.start(partial(restore_video, context, row, self.owner.is_alive, self.outputs))
            return job

    def _made_anew(self, row: JobRecord, request: VideoRequest, origin: str) -> Job:
        """Return a job as its row tells it, to be gone on with."""
        job = Job(self._facts(row), request, row.snapshot, background.current(), origin)
        job._sent_at, job._cost = row.sent_at, cost_of(row)
        return job

    def _go_on(self, row: JobRecord, fresh: VideoRequest | None = None) -> Job:
        """Return a live job: this process's own, one that another process carries out, or one taken over.

        Args:
            fresh: the same request with its pictures in hand, should the kept copies be gone.
        """
        here = background.current()
        with here.ordering:
            known: Job | None = here.jobs.get(row.id)
            if known is not None and not known.done:
                known.origin = "attached"
                return known
            request = VideoRequest.from_json(row.request)
            if fresh is not None:
                request = replace(request, first=fresh.first, last=fresh.last)
            plan = catalog.plan_of(request, self.provider)
            job = self._made_anew(row, request, "attached")
            context = self._context(job, plan, row)
            job._dry_run = sent_later(plan, self.provider, self._price)
            if row.owner == self.owner.name:
                return self._start(context)
            here.jobs[job.id] = job
            here.start(partial(follow_other, context, self.owner.is_alive))
            return job

    def _revive(self, row: JobRecord, origin: str = "shown") -> Job:
        """Return a job as the journal knows it; a live one of this process is the object itself."""
        known = background.current().jobs.get(row.id)
        if known is not None and origin != "shown":
            return known  # type: ignore[no-any-return]
        if known is not None and not known.done:
            return known  # type: ignore[no-any-return]
        request = VideoRequest.from_json(row.request)
        job = Job(
            facts_of(row, catalog.providers().get(row.provider)), request, row.snapshot, background.current(), origin
        )
        job.warning, job._cost = row.warning, cost_of(row)
        end_as_kept(job)
        return job

    def _is_ours(self, row: JobRecord) -> bool:
        return self._is_here(row) and row.account == self.account

    def _has_other_key(self, row: JobRecord) -> bool:
        """Tell whether a job is under way at this address as another account's, which may be this one's former key."""
        return self._is_here(row) and row.account != self.account and not row.snapshot.settled

    def _is_here(self, row: JobRecord) -> bool:
        return (row.provider, row.base_url) == (self.provider.name, self.provider.base_url)


def _wake(identity: str) -> None:
    """Have a job that is searched for here look at its row at once."""
    here = background.current()
    known = here.jobs.get(identity)
    if known is not None and not known.done:
        here.call(known._wake.set)
