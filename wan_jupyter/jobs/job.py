"""A job: the one mutable type. It holds one frozen snapshot that is replaced whole, so any thread may read it.

Floor 4. It knows how to wait and who watches, and nothing of displays, services or SQLite. Only the loop replaces its
snapshot; `life.carry_out` is what does so.
"""

from __future__ import annotations

import asyncio
import copy
import time
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from ..errors import (
    JobCanceled,
    JobError,
    JobExpired,
    JobFailed,
    JobUncertain,
    Problem,
    ProblemError,
    WaitTimeout,
    WanError,
)
from ..media.video.video import Video
from ..request.options import VideoRequest
from ..status import Snapshot, Status
from .background import Engine, logger, peek

POLL = 0.2  # seconds: the longest a stop button waits for us

ENDINGS: Mapping[Status, type[ProblemError]] = MappingProxyType(
    {
        Status.FAILED: JobFailed,
        Status.CANCELED: JobCanceled,
        Status.EXPIRED: JobExpired,
        Status.UNCERTAIN: JobUncertain,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobInfo:
    """What never changes about a job; times are epoch seconds.

    Attributes:
        take: 1 for the first job with this request, 2 for the first `--new`, and so on.
        emulated: whether no real service is asked.
        estimate: the expected price as text, "" where it is unknown.
        expected: seconds that earlier jobs like it took, None where too few are known.
        cell: the cell that made it, "" from Python.
        folder: where its files go.
        session: the name of the session that it started with.
        remarks: what the user should know, as message keys with their values.
    """

    id: str
    provider: str
    model: str
    created_at: float
    take: int
    folder: str
    emulated: bool = False
    estimate: str = ""
    cell: str = ""
    session: str = ""
    remarks: tuple[tuple[str, Mapping[str, str]], ...] = ()
    expected: float | None = None


class Job:
    """One video under way, or made. `await job`, or `job.result(timeout)`, gives the `Video`."""

    def __init__(self, facts: JobInfo, request: VideoRequest, snapshot: Snapshot, engine: Engine, origin: str) -> None:
        self.facts = facts
        self.request = request
        self.snapshot = snapshot
        self.origin = origin
        self.sent_at: float | None = None
        self.thumbnails: tuple[bytes, ...] = ()
        self.dry: Callable[[], Any] | None = None  # gives what is sent for it, as `Session.dry_run` does
        self.warning = ""
        self.cost = ""
        self.cancel_requested = False
        self.cancel_answered = False
        self.wake = asyncio.Event()
        self._engine = engine
        self._watchers: list[Callable[[Snapshot], object]] = []
        self._error: WanError | None = None
        self._video: Video | None = None
        self._done: Future[None] = Future()

    # ---- what everyone may read -------------------------------------------------------------------------------

    @property
    def id(self) -> str:
        """Five letters and digits; any unique beginning will do where an id is asked for."""
        return self.facts.id

    @property
    def status(self) -> Status:
        """Where it stands."""
        return self.snapshot.status

    @property
    def remote_id(self) -> str:
        """The service's own id, "" before it has one."""
        return self.snapshot.remote_id

    @property
    def provider(self) -> str:
        """The name of the provider it went to."""
        return self.facts.provider

    @property
    def error(self) -> WanError | None:
        """Why there is no video, None while there may still be one."""
        return copy.copy(self._error)

    @property
    def video(self) -> Video | None:
        """The video, once it is on disk."""
        return self._video

    @property
    def done(self) -> bool:
        """Whether this process has nothing more to do for it."""
        return self._done.done()

    # ---- waiting ----------------------------------------------------------------------------------------------

    def result(self, timeout: float | None = None) -> Video:
        """Wait for the video. A keyboard interrupt ends the wait, never the job.

        Args:
            timeout: seconds, None for ever.

        Raises:
            WaitTimeout: it is not there yet; the job goes on.
            JobError: the job ended without a video.
        """
        if self._engine.is_here():
            raise JobError("job.blocking", id=self.id)
        end = None if timeout is None else time.monotonic() + timeout
        while not self._done.done():
            left = POLL if end is None else min(POLL, end - time.monotonic())
            if left <= 0:
                raise WaitTimeout("wait.timeout", id=self.id, seconds=f"{timeout:g}")
            try:  # in small steps: an untimed wait cannot be interrupted on every system
                self._done.result(left)
            except TimeoutError:
                continue
        return self._outcome()

    def __await__(self) -> Generator[Any, None, Video]:
        while not self._done.done():  # small steps: an interrupt does not end a longer await in ipykernel
            yield from asyncio.sleep(POLL).__await__()
        return self._outcome()

    def _outcome(self) -> Video:
        if self._video is None:
            raise self.error or JobError("job.no_video", id=self.id)
        return self._video

    # ---- acting -----------------------------------------------------------------------------------------------

    def cancel(self) -> None:
        """Ask for the job to be stopped, from any thread; what became of it shows in `status`."""
        self._engine.call(self._cancel)

    def watch(self, watcher: Callable[[Snapshot], object]) -> None:
        """Have `watcher(snapshot)` called on the loop at each change, and once at the beginning."""
        self._engine.call(self._add_watcher, watcher)

    def __wan_image__(self) -> object:
        """Be a picture for the next job: the last frame."""
        return self.result().last_frame

    def __repr__(self) -> str:
        return f"<Job {self.id} {self.status} {self.facts.model} on {self.provider}>"

    # ---- on the loop only -------------------------------------------------------------------------------------

    def show(self, snapshot: Snapshot) -> None:
        """Replace the snapshot and tell who watches. A watcher that raises is dropped and logged."""
        self.snapshot = snapshot
        for watcher in list(self._watchers):
            self._tell(watcher)

    def forget_pixels(self) -> None:
        """Drop the pictures' bytes, which are spooled by now."""
        frames: dict[str, Any] = {role: replace(image, source=None) for role, image in self.request.frames}
        self.request = replace(self.request, **frames)

    def succeed(self, video: Video) -> None:
        """End with a video."""
        self._video = video
        self._end()

    def fail(self, error: WanError) -> None:
        """End without one, as far as this process is concerned."""
        self._error = error
        self._end()

    def fail_as_told(self) -> None:
        """End with the error that belongs to the snapshot's state."""
        kind = ENDINGS[self.status]
        problem = self.snapshot.problem or Problem(advice="canceled" if self.status is Status.CANCELED else "unknown")
        self.fail(kind(f"job.{self.status.lower()}", problem=problem, id=self.id))

    def _end(self) -> None:
        if not self._done.done():
            self._done.set_result(None)
        self.show(self.snapshot)
        self._watchers.clear()

    def _cancel(self) -> None:
        self.cancel_requested = True
        self.wake.set()
        self.show(self.snapshot)

    def _add_watcher(self, watcher: Callable[[Snapshot], object]) -> None:
        self._watchers.append(watcher)
        self._tell(watcher)
        if self.done:
            self._watchers.clear()

    def _tell(self, watcher: Callable[[Snapshot], object]) -> None:
        try:
            watcher(self.snapshot)
        except Exception:  # what is drawn must never hurt what is paid for
            logger.exception("a watcher of job %s failed and is dropped", self.id)
            if watcher in self._watchers:
                self._watchers.remove(watcher)


def last() -> Job:
    """Return the newest job of this kernel, whichever door it came through.

    Raises:
        JobError: there is none yet.
    """
    engine = peek()
    if engine is None or not engine.jobs:
        raise JobError("job.none")
    newest: Job = list(engine.jobs.values())[-1]
    return newest
