"""Clocks for tests: time that passes only while someone sleeps, and a patient wait for other threads."""

from __future__ import annotations

import time
from collections.abc import Callable

from wan_jupyter.jobs import background
from wan_jupyter.testing import START, FakeClock

__all__ = ["PATIENCE", "START", "FakeClock", "QuickClock", "until"]

PATIENCE = 60.0  # seconds until a test gives up on something that should have happened at once


class QuickClock(background.RealClock):
    """The clock on the wall for those who sleep a twentieth of what they should: a service polls at its own pace."""

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds / 20)


def until(happened: Callable[[], object]) -> None:
    """Wait until something is so. Real time: for what other threads and processes do."""
    end = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.002)
