"""One home with an emulator in process and sessions that share its clock."""

from __future__ import annotations

import asyncio
import contextlib
import io
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from PIL import Image

from tests.support.clock import PATIENCE, FakeClock
from tests.support.emulator_client import Emulator
from wan_jupyter.config.settings import Settings
from wan_jupyter.emulator import create_app
from wan_jupyter.jobs import background
from wan_jupyter.jobs.job import Job
from wan_jupyter.session.session import Session

SMALL: Mapping[str, Any] = {"model": "wan2.2-i2v-flash", "resolution": "480P"}  # rendered in a moment


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
    clips: Path | None = None  # rendered once for all worlds that share it

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def outputs(self) -> Path:
        return self.folder / "wan_outputs"

    def settings(self, **more: Any) -> Settings:
        emulator = {"clip_seconds": 0.2, "now": self.clock.time, "clips": self.clips}
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
