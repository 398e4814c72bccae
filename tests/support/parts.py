"""What the tests of the core share: a clock, pictures, homes, and the emulator in process and on a port."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx
from PIL import Image

from wan_jupyter.config.settings import Settings
from wan_jupyter.emulator import create_app
from wan_jupyter.jobs import background
from wan_jupyter.jobs.job import Job
from wan_jupyter.session.session import Session

START = 1_795_000_000.0  # a November evening in 2026
ROOT = Path(__file__).parents[2]
SMALL: Mapping[str, Any] = {"model": "wan2.2-i2v-flash", "resolution": "480P"}  # rendered in a moment
INSTALLED = MappingProxyType({"PYTHONPATH": "", "PYTHONSAFEPATH": "1"})  # what is installed, not this checkout
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


def picture(color: str = "teal", size: tuple[int, int] = (360, 360)) -> bytes:
    """Make the bytes of a small PNG that a service would take."""
    image = Image.new("RGB", size, color)
    image.paste("white", (size[0] // 3, size[1] // 3, size[0] // 2, size[1] // 2))
    sink = io.BytesIO()
    image.save(sink, "PNG")
    return sink.getvalue()


@dataclass
class World:
    """One home with an emulator in process, and sessions that share its clock."""

    folder: Path
    clock: FakeClock = field(default_factory=FakeClock)
    sessions: list[Session] = field(default_factory=list)

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def outputs(self) -> Path:
        return self.folder / "wan_outputs"

    def settings(self, **more: Any) -> Settings:
        emulator = {"clip_seconds": 0.2, "now": self.clock.time}
        return Settings(**{"home": self.home, "notebook": self.folder, "emulator": emulator, **more})

    def session(self, provider: str | None = "emulator", **how: Any) -> Session:
        how = {"settings": self.settings(), "outputs": self.outputs, **how}
        made = Session(provider, clock=self.clock, **how)
        self.sessions.append(made)
        return made

    def order(self, prompt: str = "A cat", **how: Any) -> Job:
        """Order a small video from the emulator in process."""
        session = how.pop("session", None) or self.session()
        return session.submit(prompt, **{"image": picture(), **SMALL, **how})

    def rows(self) -> list[sqlite3.Row]:
        """Read the journal from outside, oldest job first."""
        with contextlib.closing(sqlite3.connect(self.home / "journal.sqlite3")) as sql:
            sql.row_factory = sqlite3.Row
            return sql.execute("SELECT * FROM jobs ORDER BY rowid").fetchall()

    def emulator(self) -> Emulator:
        """Return the doors of the emulator that this world's sessions talk to in process."""
        folder = self.home / "emulator"
        app = background.current().share(("emulator", folder), lambda: create_app(folder, **self.settings().emulator))
        return Emulator("http://emulator.invalid", lambda: httpx.AsyncClient(transport=httpx.ASGITransport(app)))

    def close(self) -> None:
        """Let go of what the process holds for this home: connections, the owner's lock, jobs."""
        here = background.current()
        self.clock.release()
        quiet(here)
        for session in self.sessions:
            close_client(session)
        forget(self.home)
        here.jobs.clear()


@contextlib.contextmanager
def loop_held() -> Iterator[None]:
    """Keep the loop from doing anything, so that a watcher is there before a job takes its first step."""
    free = threading.Event()
    background.current().call(free.wait, PATIENCE)
    try:
        yield
    finally:
        free.set()


def quiet(here: background.Engine) -> None:
    """Stop what runs on an engine, and wait until its workers are idle: nobody may use what is closed next."""

    async def stop() -> None:
        others = [task for task in here._tasks if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    here.start(stop).result(PATIENCE)
    idle = threading.Barrier(background.WORKERS + 1)
    for _ in range(background.WORKERS):
        here._workers.submit(idle.wait, PATIENCE)
    idle.wait(PATIENCE)


def close_client(session: Session) -> None:
    if session._made is not None:
        background.current().start(session._made[1].close).result(PATIENCE)


def forget(home: Path) -> None:
    """Take a home's things out of this process's engine, as the end of the process would."""
    shared = background.current()._shared
    for key in [key for key in shared if key[1] == home or key[1] == home / "emulator"]:
        thing = shared.pop(key)
        for name in ("close", "release"):
            getattr(thing, name, lambda: None)()


@dataclass
class Emulator:
    """The emulator's own doors: its ledger and its faults."""

    url: str
    open: Callable[[], httpx.AsyncClient] = field(default=lambda: httpx.AsyncClient(trust_env=False, timeout=PATIENCE))

    @property
    def base_url(self) -> str:
        return f"{self.url}/api/v1"

    def faults(self, *faults: Mapping[str, Any]) -> None:
        answer = self._call("POST", "faults", json=list(faults))
        assert answer.status_code == 200, answer.text

    def fired(self) -> list[int]:
        return [fault["fired"] for fault in self._call("GET", "faults").json()]

    def clear(self) -> None:
        self._call("DELETE", "faults")

    def ledger(self) -> dict[str, Any]:
        return self._call("GET", "ledger").json()

    @property
    def tasks(self) -> list[dict[str, Any]]:
        return self.ledger()["tasks"]

    @property
    def requests(self) -> list[dict[str, Any]]:
        return self.ledger()["requests"]

    @property
    def creates(self) -> int:
        """How many create requests came in."""
        return sum(line["path"].endswith("/video-synthesis") for line in self.requests)

    @property
    def downloads(self) -> list[dict[str, Any]]:
        return [line for line in self.requests if line["path"].startswith("/results/")]

    @property
    def billed(self) -> float:
        return sum(task["billed_seconds"] for task in self.tasks)

    def _call(self, method: str, door: str, **body: Any) -> httpx.Response:
        async def once() -> httpx.Response:
            async with self.open() as http:
                return await http.request(method, f"{self.url}/_emulator/{door}", **body)

        return asyncio.run(once())


class PortEmulator(Emulator):
    """An emulator as a process of its own, on a port."""

    module = "wan_jupyter.emulator"

    def __init__(self, state: Path, *arguments: str, port: int = 0, python: Path | None = None) -> None:
        where = ["--port", str(port), "--state", str(state), "--clip-seconds", "0.2", "--speed", "200"]
        command = [str(python or sys.executable), "-m", self.module, *where, *arguments]
        variables = environment(state, **(INSTALLED if python else {}))
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=variables)
        assert self.process.stdout
        super().__init__(self.process.stdout.readline().split()[-1])

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(PATIENCE)
        assert self.process.stdout
        self.process.stdout.close()


def environment(home: Path, **more: str) -> dict[str, str]:
    """Return the environment of a child process: this checkout, a home of its own, no keys."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "SYSTEMROOT", "TMPDIR") if name in os.environ}
    path = str(ROOT)
    return {**kept, "PYTHONPATH": path, "HOME": str(home), "WAN_HOME": str(home / "wan"), "PYTHONUTF8": "1", **more}


def python(code: str, folder: Path, *, timeout: float = PATIENCE, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a script in a process of its own; its warnings are errors, too."""
    command = [sys.executable, "-W", "error", "-X", "faulthandler", "-c", code]
    folder.mkdir(parents=True, exist_ok=True)
    child = subprocess.Popen(
        command, cwd=folder, env=environment(folder, **variables), text=True, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    late = threading.Timer(timeout, os.killpg, (child.pid, signal.SIGABRT))  # with its children; says where it hung
    late.start()
    try:
        out, err = child.communicate()
    finally:
        late.cancel()
    return subprocess.CompletedProcess(command, child.returncode, out, err)
