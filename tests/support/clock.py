"""Clocks for tests: time that passes only while someone sleeps, and a patient wait for other threads."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable

from wan_jupyter.jobs import background

START = 1_795_000_000.0  # a November evening in 2026
PATIENCE = 60.0  # seconds until a test gives up on something that should have happened at once


class FakeClock:
    """Time that passes only while someone sleeps; once held, only when the test says so."""

    def __init__(self) -> None:
        self._now = START
        self._held = False
        self._lock = threading.Lock()
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []
        self.naps: list[float] = []

    def time(self) -> float:
        return self._now

    async def sleep(self, seconds: float) -> None:
        with self._lock:
            self.naps.append(seconds)
            held = self._held
            if not held:
                self._now += max(0.0, seconds)
            else:
                future = asyncio.get_running_loop().create_future()
                self._sleepers.append((self._now + seconds, future))
        await (future if held else asyncio.sleep(0))

    def hold(self) -> None:
        """From now on whoever sleeps waits for `advance`."""
        self._held = True

    def advance(self, seconds: float) -> None:
        with self._lock:
            self._now += seconds
            due = [future for wake, future in self._sleepers if wake <= self._now]
            self._sleepers = [pair for pair in self._sleepers if pair[1] not in due]
        for future in due:
            future.get_loop().call_soon_threadsafe(_wake, future)

    def release(self) -> None:
        """Let time run by itself again."""
        self._held = False
        self.advance(1e-3)
        with self._lock:
            left, self._sleepers = self._sleepers, []
        for _, future in left:
            future.get_loop().call_soon_threadsafe(_wake, future)

    @property
    def sleeping(self) -> bool:
        """Whether someone waits for `advance`."""
        return any(not future.done() for _, future in self._sleepers)


class QuickClock(background.RealClock):
    """The clock on the wall for those who sleep a twentieth of what they should: a service polls at its own pace."""

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds / 20)


def _wake(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def until(happened: Callable[[], object]) -> None:
    """Wait until something is so. Real time: for what other threads and processes do."""
    end = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.002)
