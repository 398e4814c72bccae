"""Waiting on the main thread, in small steps: an untimed wait cannot be interrupted on every system."""

from __future__ import annotations

import contextlib
from concurrent.futures import Future
from typing import Any

from ...errors import WaitTimeout, WanError
from ...jobs.job import POLL, Job


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
            future.result(POLL)
