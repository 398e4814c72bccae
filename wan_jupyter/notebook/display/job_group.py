"""Several jobs followed as one, for a table of jobs."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import Any

from ...errors import WaitTimeout, WanError
from ...jobs.background import Engine
from ...jobs.job import WAIT_STEP_S, Job

CARDS_PER_CELL = 4  # live jobs beyond these share a table


class JobGroup:
    """Jobs that are followed together; more can join until all have ended.

    Joining happens on the loop, which also finds that all have ended and draws the end, so the two cannot overlap.
    """

    def __init__(self, jobs: Iterable[Job], engine: Engine) -> None:
        self.jobs: tuple[Job, ...] = tuple(jobs)
        self._engine = engine
        self._watchers: list[Callable[[Any], object]] = []
        self._all_done = False

    @property
    def id(self) -> str:
        """The ids of the jobs, separated by commas."""
        return ", ".join(job.id for job in self.jobs)

    @property
    def done(self) -> bool:
        """Whether all have ended; then no other job can join."""
        self._all_done = self._all_done or all(job.done for job in self.jobs)
        return self._all_done

    def watch(self, watcher: Callable[[Any], object]) -> None:
        """Have `watcher(snapshot)` called on the loop at each change of any job."""
        self._watchers.append(watcher)
        for job in self.jobs:
            job.watch(watcher)

    def join(self, job: Job) -> bool:
        """Follow one more job; False if all had ended before it came. Main thread."""
        joining = self._engine.start(lambda: self._join(job))
        until_done(joining)
        return joining.result()

    async def _join(self, job: Job) -> bool:
        if self.done:
            return False
        self.jobs = (*self.jobs, job)
        for watcher in self._watchers:
            job.watch(watcher)
        return True


def ends_within(job: Job, timeout: float) -> bool:
    """Wait up to `timeout` seconds for a job to end; True also if it failed, which is raised after it is displayed.

    Raises:
        WaitTimeout: the job has not ended by then.
    """
    try:
        job.result(timeout)
    except WaitTimeout:
        raise
    except WanError:
        return True
    return True


def until_done(future: Future[Any]) -> None:
    """Wait for a future without a limit, in short steps so that Ctrl-C works."""
    while not future.done():
        with contextlib.suppress(TimeoutError):
            future.result(WAIT_STEP_S)
