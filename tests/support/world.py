"""One home with an emulator in process and sessions that share its clock."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx

from tests.support.clock import PATIENCE
from tests.support.emulator_client import Emulator
from wan_jupyter.jobs import background
from wan_jupyter.jobs.job import Job
from wan_jupyter.session.session import Session
from wan_jupyter.testing import Sandbox

SMALL: Mapping[str, Any] = {"model": "wan2.2-i2v-flash", "resolution": "480P"}  # rendered in a moment


picture = Sandbox.picture


class World(Sandbox):
    """A sandbox whose journal and emulator are looked at from outside."""

    @property
    def sessions(self) -> list[Session]:
        return self._sessions

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
        app = background.current().share(("emulator", self.home / "emulator"), self._create_app)
        return Emulator("http://emulator.invalid", lambda: httpx.AsyncClient(transport=httpx.ASGITransport(app)))


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
    here.stop(PATIENCE)


def close_client(session: Session) -> None:
    if session._resources._opened is not None:
        background.current().start(session._resources._opened[1].close).result(PATIENCE)


def forget(home: Path) -> None:
    """Take a home's things out of this process's engine, as the end of the process would."""
    background.current().forget(home, home / "emulator")
