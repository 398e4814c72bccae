"""Blocks a cell until the end of a job is on display."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from ...errors import WaitTimeout
from ...jobs.job import Job
from .job_group import ends_within, until_done
from .live_display import LiveDisplay

SETTLE_TIMEOUT_S = 10.0  # for rendering what is on disk already


class Waiter:
    """Waits in the cells of one shell."""

    def __init__(self, ip: Any) -> None:
        self._ip = ip
        self._unsettled: list[LiveDisplay] = []
        ip.events.register("post_run_cell", self._settle)

    def close(self) -> None:
        """Leave the shell."""
        self._ip.events.unregister("post_run_cell", self._settle)

    def wait(self, live: LiveDisplay, open_display: Callable[[], None], timeout: float | None = None) -> bool:
        """Open a display and wait until the end of its job is shown; False if the user interrupted the wait.

        Raises:
            WaitTimeout: the job did not end within `timeout` seconds.
        """
        try:  # an interrupt while the card is being made ends the wait as well
            open_display()
            subject = live.subject
            if timeout is None or not isinstance(subject, Job) or ends_within(subject, timeout):
                until_done(live.settled)
        except KeyboardInterrupt:
            live.leave()
            return False
        except WaitTimeout:
            live.leave()
            raise
        return True

    def settle_after_cell(self, live: LiveDisplay) -> None:
        """Have the cell end only after `live` shows its end, if its job ended in the cell."""
        self._unsettled.append(live)

    def _settle(self, _: object) -> None:
        """Finish the displays of ended jobs: in a headless run this cell may be the notebook's last."""
        self._unsettled = [live for live in self._unsettled if not live.settled.done()]
        for live in self._unsettled:
            with contextlib.suppress(TimeoutError):
                if live.subject.done:
                    live.settled.result(SETTLE_TIMEOUT_S)
