"""Test code that uses `wan_jupyter`: an emulator in this process, a clock that never really waits, `drain()`.

For authors of courses, notebooks and libraries on top of `wan_jupyter`, and for the project's own tests:

    from wan_jupyter import testing

    def test_my_lesson(tmp_path):
        with testing.Sandbox(tmp_path) as sandbox:
            session = sandbox.session()
            job = session.submit("A cat looks up", image=sandbox.picture())
            assert job.result(60).duration > 0
            assert len(sandbox.ledger()["tasks"]) == 1

Nothing here needs a key, a network or a real second of waiting, and nothing can cost money. Clips are real MP4s.
"""

from __future__ import annotations

import asyncio
import io
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .config.settings import Settings
from .jobs import background
from .session.session import Session

if TYPE_CHECKING:
    from types import TracebackType

    from .jobs.job import Job

__all__ = ["CLIP_SECONDS", "START", "FakeClock", "Sandbox", "drain"]

START = 1_795_000_000.0  # epoch seconds at which a FakeClock begins: an evening in November 2026
CLIP_SECONDS = 0.2  # length of a sandbox's clips unless asked otherwise: rendered in a tenth of a second
ADMIN_URL = "http://emulator.invalid/_emulator"  # resolved by nobody: the app is called in this process


class FakeClock:
    """A clock on which time passes only while someone sleeps; after `hold()`, only when the test says so.

    Attributes:
        naps: the seconds of every sleep so far, in order.
    """

    def __init__(self, start: float = START) -> None:
        self.naps: list[float] = []
        self._now = start
        self._held = False
        self._lock = threading.Lock()
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def time(self) -> float:
        """Return the present time in epoch seconds."""
        return self._now

    async def sleep(self, seconds: float) -> None:
        """Let `seconds` pass at once; while the clock is held, wait until `advance` has passed them."""
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
        """Stop time: from now on whoever sleeps waits for `advance`."""
        self._held = True

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass, and wake whoever has slept long enough."""
        with self._lock:
            self._now += seconds
            due = [future for wake, future in self._sleepers if wake <= self._now]
            self._sleepers = [pair for pair in self._sleepers if pair[1] not in due]
        _wake(due)

    def release(self) -> None:
        """Let time pass by itself again, and wake everyone."""
        self._held = False
        self.advance(1e-3)
        with self._lock:
            left, self._sleepers = self._sleepers, []
        _wake([future for _, future in left])

    @property
    def sleeping(self) -> bool:
        """Whether someone waits for `advance`."""
        return any(not future.done() for _, future in self._sleepers)


class Sandbox:
    """A `WAN_HOME` of its own with an emulator in this process; its sessions share one clock.

    Use it as a context manager, or call `close()`.

    Args:
        folder: where journal, videos and the emulator's tasks go; pytest's `tmp_path` will do.
        clock: the clock of sessions and emulator; by default a new `FakeClock`.
        clips: a folder of rendered clips that several sandboxes may share, so that each clip is rendered once.
        clip_seconds: the length of every clip in seconds, above 0 and at most 60; bills stay as requested.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        clock: FakeClock | None = None,
        clips: str | Path | None = None,
        clip_seconds: float = CLIP_SECONDS,
    ) -> None:
        self.folder = Path(folder)
        self.clock = clock or FakeClock()
        self._emulator = {"clip_seconds": clip_seconds, "now": self.clock.time, "clips": clips}
        self._sessions: list[Session] = []

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def home(self) -> Path:
        """The sandbox's `WAN_HOME`."""
        return self.folder / "home"

    @property
    def outputs(self) -> Path:
        """The folder that videos are saved in."""
        return self.folder / "wan_outputs"

    def settings(self, **changes: Any) -> Settings:
        """Return the settings that the sandbox's sessions use; `changes` are fields of `Settings`."""
        return Settings(**{"home": self.home, "notebook": self.folder, "emulator": self._emulator, **changes})

    def session(self, provider: str | None = "emulator", **options: Any) -> Session:
        """Open a session in the sandbox; `options` are the keywords of `Session`.

        Another provider than the emulator needs `base_url`, such as that of an emulator on a port, and perhaps a key.
        """
        opened = Session(
            provider, clock=self.clock, **{"settings": self.settings(), "outputs": self.outputs, **options}
        )
        self._sessions.append(opened)
        return opened

    @staticmethod
    def picture(color: str = "teal", size: tuple[int, int] = (360, 360)) -> bytes:
        """Return a PNG of one colour with a white square, that every model accepts; `size` is in pixels."""
        from PIL import Image

        image = Image.new("RGB", size, color)
        image.paste("white", (size[0] // 3, size[1] // 3, size[0] // 2, size[1] // 2))
        sink = io.BytesIO()
        image.save(sink, "PNG")
        return sink.getvalue()

    def ledger(self) -> dict[str, Any]:
        """Return what the emulator was asked for: `tasks` (with `billed_seconds`) and `requests`."""
        found: dict[str, Any] = self._ask("GET", "ledger")
        return found

    def faults(self, *faults: Mapping[str, Any]) -> None:
        """Add faults to the emulator, such as `{"at": "submit", "do": "status", "status": 429, "times": 2}`.

        In process a dropped connection is a raised `ConnectionError`, and nothing is streamed or truncated; for that,
        run the emulator on a port.

        Raises:
            ValueError: the emulator does not know such a fault; the message is its answer.
        """
        self._ask("POST", "faults", list(faults))

    def clear_faults(self) -> None:
        """Remove all faults."""
        self._ask("DELETE", "faults")

    def drain(self, timeout_s: float = 60.0) -> list[Job]:
        """Wait until the jobs under way in this process have ended; see `drain`."""
        return drain(timeout_s)

    def close(self) -> None:
        """Stop the jobs under way and release files and connections, as the end of the process would."""
        self.clock.release()
        engine = background.current()
        engine.stop()
        for session in self._sessions:
            session._resources.release()
        engine.forget(self.home, self.home / "emulator")

    def _ask(self, method: str, door: str, body: object = None) -> Any:
        """Call one of the emulator's own routes in this process, and return its JSON."""
        app = background.current().share(("emulator", self.home / "emulator"), self._create_app)
        return asyncio.run(_call(app, method, f"{ADMIN_URL}/{door}", body))

    def _create_app(self) -> Any:
        from .emulator import create_app

        return create_app(self.home / "emulator", **self.settings().emulator)


def drain(timeout_s: float = 60.0) -> list[Job]:
    """Wait until no job of this process is under way, and return all jobs that this process followed, oldest first.

    A job that failed is in the list like the others: look at `job.error`.

    Raises:
        TimeoutError: a job is still under way after `timeout_s` real seconds; the message names it.
    """
    engine = background.peek()
    jobs: list[Job] = list(engine.jobs.values()) if engine is not None else []
    end = time.monotonic() + timeout_s
    for job in jobs:
        _wait(lambda job=job: job.done, end, job)  # type: ignore[misc]
    return jobs


def _wait(done: Callable[[], bool], end: float, job: Job) -> None:
    while not done():
        if time.monotonic() > end:
            raise TimeoutError(f"{job!r} is still under way")
        time.sleep(0.002)


def _wake(sleepers: list[asyncio.Future[None]]) -> None:
    for future in sleepers:
        future.get_loop().call_soon_threadsafe(_set, future)


def _set(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


async def _call(app: Any, method: str, url: str, body: object) -> Any:
    import httpx

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as http:
        answer = await http.request(method, url, json=body)
    if answer.status_code >= 400:
        raise ValueError(answer.text)
    return answer.json() if answer.content else None
