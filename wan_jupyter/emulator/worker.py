"""A background thread for work that must not block an event loop.

Not the default executor: an interpreter that exits would wait for it, and a clip may take seconds. The thread is a
daemon, starts with the first job and ends after the last, so an idle emulator costs nothing.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")


class Worker:
    """Runs jobs in order; jobs with the same key run once."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._jobs: deque[tuple[str, Callable[[], Any], Future[Any]]] = deque()
        self._futures: dict[str, Future[Any]] = {}
        self._thread: threading.Thread | None = None

    def start(self, key: str, job: Callable[[], T]) -> Future[T]:
        """Queue the job and return its future; if a job with this key is queued or running, return that one's."""
        with self._lock:
            if key not in self._futures:
                self._futures[key] = Future()
                self._jobs.append((key, job, self._futures[key]))
            future = self._futures[key]
            # A forked child inherits the name of a thread that does not run there: hence is_alive.
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
                self._thread.start()
        return future

    async def run(self, key: str, job: Callable[[], T]) -> T:
        """Wait for the job without blocking the loop; a canceled caller does not cancel the job for others."""
        return await asyncio.shield(asyncio.wrap_future(self.start(key, job)))

    def _work(self) -> None:
        while (item := self._next()) is not None:
            key, job, future = item
            try:
                answer = job()
            except BaseException as problem:
                self._forget(key)
                future.set_exception(problem)
            else:
                self._forget(key)
                future.set_result(answer)

    def _next(self) -> tuple[str, Callable[[], Any], Future[Any]] | None:
        with self._lock:
            if self._jobs:
                return self._jobs.popleft()
            self._thread = None
            return None

    def _forget(self, key: str) -> None:
        with self._lock:
            del self._futures[key]
