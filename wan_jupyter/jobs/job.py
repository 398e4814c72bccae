"""`Job`: a video that is being generated, or was. The one mutable type.

A job holds one frozen `Snapshot` that is replaced whole, so any thread may read it. Only code on the background loop
replaces it (see `JobContext`). A job knows how to wait and who watches; displays, services and SQLite are elsewhere.
"""

from __future__ import annotations

import asyncio
import copy
import time
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

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
from ..media.display import show
from ..media.video.video import Video
from ..request.options import VideoRequest
from ..status import Snapshot, Status
from .background import Engine, logger, peek

if TYPE_CHECKING:
    from ..billing.money import Amount

WAIT_STEP_S = 0.2  # the longest that an interrupt has to wait until it ends `result()` or `await job`

ENDINGS: Mapping[Status, type[ProblemError]] = MappingProxyType(
    {
        Status.FAILED: JobFailed,
        Status.CANCELED: JobCanceled,
        Status.EXPIRED: JobExpired,
        Status.UNCERTAIN: JobUncertain,
    }
)

Remarks = tuple[tuple[str, Mapping[str, str]], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class JobInfo:
    """What never changes about a job.

    Attributes:
        created_at: epoch seconds.
        take: 1 for the first job with this request, 2 for the first `--new`, and so on.
        folder: where its files are written.
        emulated: whether the built-in emulator makes the video, so that nothing is charged.
        estimate: the expected price as text, "" where it is unknown.
        cell: the cell that made it, "" from Python.
        session: the name of the session that it started with.
        remarks: what the user should know of the request, as message keys with their values.
        expected: seconds that earlier jobs like it took, None where too few are known.
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
    remarks: Remarks = ()
    expected: float | None = None


class Job:
    """A video that is being generated, or was. `await job` and `job.result(timeout)` return the `Video`.

    Attributes:
        info: what never changes about it.
        request: the request that it carries out.
        snapshot: its state now.
        origin: how this session came by it: "new", "attached" (it was under way) or "shown" (it had ended).
        remarks: what the user should know, as message keys with their values.
        warning: key of a remark on the finished file, "" where there is none.
        thumbnails: small JPEGs of the request's images.
        cancel_requested: whether `cancel` was called.
    """

    def __init__(self, info: JobInfo, request: VideoRequest, snapshot: Snapshot, engine: Engine, origin: str) -> None:
        self.info = info
        self.request = request
        self.snapshot = snapshot
        self.origin = origin
        self.remarks: Remarks = info.remarks
        self.warning = ""
        self.thumbnails: tuple[bytes, ...] = ()
        self.cancel_requested = False
        self._cancel_answered = False
        self._cost: Amount | None = None
        self._sent_at: float | None = None
        self._dry_run: Callable[[], Any] | None = None  # returns what is sent for it, as `Session.dry_run` does
        self._wake = asyncio.Event()
        self._engine = engine
        self._watchers: list[Callable[[Snapshot], object]] = []
        self._error: WanError | None = None
        self._video: Video | None = None
        self._done: Future[None] = Future()

    # ---- what it is -----------------------------------------------------------------------------------------------

    @property
    def id(self) -> str:
        """Five letters and digits; commands also take any unique prefix."""
        return self.info.id

    @property
    def provider(self) -> str:
        """The name of the provider that generates it."""
        return self.info.provider

    @property
    def model(self) -> str:
        """The model that was asked for; "" for an adopted task that does not name one."""
        return self.info.model

    @property
    def prompt(self) -> str:
        """The prompt as it is sent, with its `{{ }}` filled in."""
        return self.request.filled_prompt

    @property
    def seed(self) -> int | None:
        """The seed, typed or drawn; None where none is sent."""
        return self.request.seed

    # ---- its state ------------------------------------------------------------------------------------------------

    @property
    def status(self) -> Status:
        """The state it is in."""
        return self.snapshot.status

    @property
    def remote_id(self) -> str:
        """The id of its task at the service, "" until there is one."""
        return self.snapshot.remote_id

    @property
    def error(self) -> WanError | None:
        """Why there is no video; None if there is one, or may still be."""
        return copy.copy(self._error)

    @property
    def video(self) -> Video | None:
        """The video, once it is on disk."""
        return self._video

    @property
    def path(self) -> Path | None:
        """The path of the saved MP4, None until it is on disk."""
        return None if self._video is None else self._video.path

    @property
    def cost(self) -> Amount | None:
        """What was charged; None while that is unknown."""
        return self._cost

    @property
    def done(self) -> bool:
        """Whether this process has nothing more to do for it."""
        return self._done.done()

    # ---- waiting --------------------------------------------------------------------------------------------------

    def result(self, timeout: float | None = None) -> Video:
        """Wait for the video. A keyboard interrupt ends the wait, never the job.

        Args:
            timeout: seconds, None to wait without a limit.

        Raises:
            WaitTimeout: the job is still running after `timeout`; it keeps running.
            JobError: the job ended without a video, or the call came from the background loop, which it would block.
        """
        if self._engine.is_here():
            raise JobError("job.blocking", id=self.id)
        end = None if timeout is None else time.monotonic() + timeout
        while not self._done.done():
            left = WAIT_STEP_S if end is None else min(WAIT_STEP_S, end - time.monotonic())
            if left <= 0:
                raise self._timed_out(f"{timeout:g}")
            try:  # in small steps: an untimed wait cannot be interrupted on every system
                self._done.result(left)
            except TimeoutError:
                continue
        return self._outcome()

    def __await__(self) -> Generator[Any, None, Video]:
        while not self._done.done():  # small steps: an interrupt does not end a longer await in ipykernel
            yield from asyncio.sleep(WAIT_STEP_S).__await__()
        return self._outcome()

    def _timed_out(self, seconds: str) -> WaitTimeout:
        error = WaitTimeout("wait.timeout", id=self.id, seconds=seconds)
        error.job = self
        return error

    def _outcome(self) -> Video:
        if self._video is None:
            raise self.error or JobError("job.no_video", id=self.id)
        return self._video

    # ---- acting ---------------------------------------------------------------------------------------------------

    def cancel(self) -> None:
        """Request cancellation, from any thread; `status` shows what became of it.

        Nothing is charged for a job that was not sent yet. A task that its service cannot stop is charged, and its
        video is saved.
        """
        self._engine.call(self._cancel)

    def show(self) -> None:
        """Display the job in the running notebook or IPython shell; elsewhere, print one line."""
        show(self)

    def watch(self, watcher: Callable[[Snapshot], object]) -> None:
        """Call `watcher(snapshot)` now and after each change, on the background loop.

        A watcher that raises is logged and removed.
        """
        self._engine.call(self._add_watcher, watcher)

    def __wan_image__(self) -> object:
        """Return the last frame, which makes a job an image for the next one."""
        return self.result().last_frame

    def __repr__(self) -> str:
        return f"<Job {self.id} {self.status} {self.model} on {self.provider}>"

    # ---- for this package, on the background loop only ------------------------------------------------------------

    def _publish(self, snapshot: Snapshot) -> None:
        """Replace the snapshot and notify the watchers."""
        self.snapshot = snapshot
        for watcher in list(self._watchers):
            self._notify(watcher)

    def _forget_pixels(self) -> None:
        """Drop the images' bytes, which are spooled by now."""
        frames: dict[str, Any] = {role: replace(image, source=None) for role, image in self.request.frames}
        self.request = replace(self.request, **frames)

    def _succeed(self, video: Video) -> None:
        """End with a video."""
        self._video = video
        self._end()

    def _fail(self, error: WanError) -> None:
        """End without a video, as far as this process is concerned."""
        self._error = error
        self._end()

    def _fail_as_reported(self) -> None:
        """End with the error that belongs to the snapshot's state."""
        kind = ENDINGS[self.status]
        problem = self.snapshot.problem or Problem(advice="canceled" if self.status is Status.CANCELED else "unknown")
        self._fail(kind(f"job.{self.status.lower()}", problem=problem, id=self.id))

    def _end(self) -> None:
        if not self._done.done():
            self._done.set_result(None)
        self._publish(self.snapshot)
        self._watchers.clear()

    def _cancel(self) -> None:
        self.cancel_requested = True
        self._wake.set()
        self._publish(self.snapshot)

    def _add_watcher(self, watcher: Callable[[Snapshot], object]) -> None:
        self._watchers.append(watcher)
        self._notify(watcher)
        if self.done:
            self._watchers.clear()

    def _notify(self, watcher: Callable[[Snapshot], object]) -> None:
        try:
            watcher(self.snapshot)
        except Exception:  # a display must never break a job that was paid for
            logger.exception("a watcher of job %s failed and is dropped", self.id)
            if watcher in self._watchers:
                self._watchers.remove(watcher)


def last() -> Job:
    """Return the newest job of this process, whether a cell, a form or Python code made it.

    Raises:
        JobError: there is none yet.
    """
    engine = peek()
    if engine is None or not engine.jobs:
        raise JobError("job.none")
    newest: Job = list(engine.jobs.values())[-1]
    return newest
