"""The background of a process: one daemon thread with its own asyncio loop, and a few daemon worker threads.

On the kernel's own loop, progress and polling would freeze whenever a cell computes. The package's only module-level
state is here: the process's engine in one slot, keyed by process id, so that a fork gets an engine of its own.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import os
import queue
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NoReturn, Protocol, TypeVar

T = TypeVar("T")
WORKERS = 4  # threads: what runs on them is short (files, SQLite, encoding), and kernels often have two cores
logger = logging.getLogger("wan_jupyter")
logger.addHandler(logging.NullHandler())  # else Python prints log records into whichever cell runs


class Clock(Protocol):
    """The source of time and waiting; tests use one that never really waits."""

    def time(self) -> float:
        """Return epoch seconds."""

    def sleep(self, seconds: float) -> Awaitable[None]:
        """Wait on the loop."""


class RealClock:
    """The system's clock."""

    def time(self) -> float:
        """Return epoch seconds."""
        return time.time()

    async def sleep(self, seconds: float) -> None:
        """Wait on the loop."""
        await asyncio.sleep(seconds)


class Workers(ThreadPoolExecutor):
    """Daemon threads with the executor interface, which asyncio needs for `getaddrinfo` too.

    The standard pool is joined when the interpreter exits: a name lookup that hangs would delay the user's exit.
    """

    def __init__(self, count: int = WORKERS) -> None:
        super().__init__(max_workers=1)  # never used: `submit` below starts no thread of the pool
        self._tasks: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]]] = queue.SimpleQueue()
        for number in range(count):
            threading.Thread(target=self._serve, name=f"wan-worker-{number}", daemon=True).start()

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Run a call on one of the threads."""
        future: Future[T] = Future()
        self._tasks.put((future, lambda: fn(*args, **kwargs)))
        return future

    def _serve(self) -> None:
        while True:
            future, call = self._tasks.get()
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(call())
                except BaseException as error:
                    future.set_exception(error)
            del future, call  # else an image stays in memory until the next task


class Engine:
    """The loop, its thread and the workers of one process, and that process's jobs."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.jobs: dict[str, Any] = {}
        # Held from a job's record to its entry in `jobs`: no thread may see only one of them.
        self.ordering = threading.RLock()
        self._shared: dict[object, Any] = {}
        self._sharing = threading.Lock()
        self._loop = asyncio.new_event_loop()
        self._workers = Workers()
        self._loop.set_default_executor(self._workers)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._thread = threading.Thread(target=self._run, name="wan-loop", daemon=True)
        self._thread.start()

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("what runs in this process is never pickled or copied; take the job's id or its video's path")

    def start(self, make: Callable[[], Coroutine[Any, Any, T]]) -> Future[T]:
        """Start a coroutine on the loop, in an empty context: in a cell's context, headless output would be lost."""
        future: Future[T] = Future()

        def begin() -> None:
            task = self._loop.create_task(make())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            task.add_done_callback(lambda done: _hand_over(done, future))

        self._loop.call_soon_threadsafe(begin, context=contextvars.Context())
        return future

    def call(self, function: Callable[..., object], *args: Any) -> None:
        """Schedule a quick function on the loop, from any thread."""
        self._loop.call_soon_threadsafe(function, *args, context=contextvars.Context())

    async def work(self, function: Callable[..., T], *args: Any) -> T:
        """Run a slow function (files, encoding, SQLite) on a worker thread."""
        return await self._loop.run_in_executor(self._workers, function, *args)

    def share(self, key: object, make: Callable[[], T]) -> T:
        """Return the process's only object of its kind (a journal, a process lock), made on first use."""
        with self._sharing:
            if key not in self._shared:
                self._shared[key] = make()
            shared: T = self._shared[key]
            return shared

    def is_here(self) -> bool:
        """Return whether the caller runs on the loop's own thread, where nothing may block."""
        return threading.current_thread() is self._thread

    def stop(self, timeout_s: float = 60.0) -> None:
        """Cancel what runs on the loop and wait until the workers are idle, as the end of the process would: for tests.

        Jobs keep their rows in the journal; nothing is reported to the service.
        """

        async def cancel_all() -> None:
            others = [task for task in self._tasks if task is not asyncio.current_task()]
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

        self.start(cancel_all).result(timeout_s)
        idle = threading.Barrier(WORKERS + 1)
        for _ in range(WORKERS):
            self._workers.submit(idle.wait, timeout_s)
        idle.wait(timeout_s)

    def forget(self, *places: object) -> None:
        """Close what is shared for these folders (journal, owner's lock, emulator) and forget the jobs: for tests."""
        for key in [key for key in self._shared if isinstance(key, tuple) and key[1] in places]:
            thing = self._shared.pop(key)
            for name in ("close", "release"):
                getattr(thing, name, lambda: None)()
        self.jobs.clear()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()


class _Slot:
    """Holds the process's engine."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._engine: Engine | None = None

    def current(self) -> Engine:
        """Return this process's engine, made on first use and again after a fork."""
        engine = self._engine
        if engine is not None and engine.pid == os.getpid():
            return engine
        if engine is not None:
            self._lock = threading.Lock()  # a lock that was held during the fork is never released in the child
        with self._lock:
            if self._engine is None or self._engine.pid != os.getpid():
                self._engine = Engine()
            return self._engine

    def peek(self) -> Engine | None:
        """Return this process's engine, None if it has none yet."""
        engine = self._engine
        return engine if engine is not None and engine.pid == os.getpid() else None


_slot = _Slot()
current = _slot.current
peek = _slot.peek


def _hand_over(task: asyncio.Task[T], future: Future[T]) -> None:
    """Pass a task's result, error or cancellation to the future that another thread waits for."""
    if task.cancelled():
        future.cancel()
    elif error := task.exception():
        future.set_exception(error)
    else:
        future.set_result(task.result())
