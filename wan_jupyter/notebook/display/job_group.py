"""Many jobs as one: what a board follows."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import Any

from ...errors import WaitTimeout, WanError
from ...jobs.background import Engine
from ...jobs.job import WAIT_STEP_S, Job

CARDS_IN_A_CELL = 4  # what one cell shows beyond this shares a board


class JobGroup:
    """Jobs that are followed together; more may join while not all have ended.

    The loop alone lets them join, since it is the loop that finds that all have ended and draws the end.
    """

    def __init__(self, jobs: Iterable[Job], engine: Engine) -> None:
        self.jobs: tuple[Job, ...] = tuple(jobs)
        self._engine = engine
        self._watchers: list[Callable[[Any], object]] = []
        self._over = False

    @property
    def id(self) -> str:
        """Their ids."""
        return ", ".join(job.id for job in self.jobs)

    @property
    def done(self) -> bool:
        """Whether all have ended; no other joins then."""
        self._over = self._over or all(job.done for job in self.jobs)
        return self._over

    def watch(self, watcher: Callable[[Any], object]) -> None:
        """Have `watcher(snapshot)` called on the loop at each change of any of them."""
        self._watchers.append(watcher)
        for job in self.jobs:
            job.watch(watcher)

    def join(self, job: Job) -> bool:
        """Follow one job more, unless all had ended before it came; main thread."""
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
    """Wait for a job's end for some seconds; how it ended is raised once it is on display.

    Raises:
        WaitTimeout: it has not ended by then.
    """
    try:
        job.result(timeout)
    except WaitTimeout:
        raise
    except WanError:
        return True
    return True


def until_done(future: Future[Any]) -> None:
    """Wait for a future, as long as it takes."""
    while not future.done():
        with contextlib.suppress(TimeoutError):
            future.result(WAIT_STEP_S)
