"""An IPython shell in this process, and the folder that its cells run in."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import sqlite3
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from tests.support.clock import PATIENCE
from tests.support.emulator_client import Emulator
from tests.support.world import picture
from wan_jupyter.emulator import create_app
from wan_jupyter.jobs import background

FAST = {"WAN_EMULATOR_SPEED": "200", "WAN_EMULATOR_CLIP_SECONDS": "0.2"}
SMALL = "-m wan2.5-i2v-preview -r 480P"  # a small clip, rendered in a moment
WIDGET = "application/vnd.jupyter.widget-view+json"
LOAD = "%load_ext wan_jupyter"
HELD = {"at": "poll", "do": "word", "status": "RUNNING", "times": 0}


def joined(text: str | list[str]) -> str:
    """Return a text of an output, which nbformat keeps as lines."""
    return text if isinstance(text, str) else "".join(text)


class Workspace:
    """One folder with a notebook's pictures, the home beside it, and what can be seen of both from outside."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.outputs = folder / "wan_outputs"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "cat.png").write_bytes(picture())

    def rows(self) -> list[sqlite3.Row]:
        """Read the journal, oldest job first; none where there is no journal yet."""
        if not (self.home / "journal.sqlite3").exists():
            return []
        with contextlib.closing(sqlite3.connect(self.home / "journal.sqlite3")) as sql:
            sql.row_factory = sqlite3.Row
            return sql.execute("SELECT * FROM jobs ORDER BY rowid").fetchall()

    def tasks(self) -> list[dict[str, Any]]:
        """Read the tasks that the built-in emulator of this home took."""
        return [json.loads(path.read_bytes()) for path in (self.home / "emulator" / "tasks").glob("*.json")]

    def requests(self) -> list[dict[str, Any]]:
        """Return what the journal kept of each request."""
        return [json.loads(row["request"]) for row in self.rows()]

    def videos(self) -> list[Path]:
        """List the videos on disk."""
        return sorted(self.outputs.glob("*.mp4"))


class Ran:
    """What one cell did in a shell: what it wrote, and the error it ended with."""

    def __init__(self, out: str, err: str, result: Any) -> None:
        self.out, self.err, self.value = out, err, result.result
        self.error = result.error_before_exec or result.error_in_exec

    @property
    def lines(self) -> list[str]:
        """The lines of the cell's output, without blank ones."""
        return [line for line in self.out.splitlines() if line.strip()]


class Shell:
    """A real IPython without a kernel, which is what a terminal has."""

    def __init__(self, ip: Any, workspace: Workspace) -> None:
        self.ip, self.workspace = ip, workspace

    @property
    def names(self) -> dict[str, Any]:
        """The user's variables."""
        names: dict[str, Any] = self.ip.user_ns
        return names

    def run(self, source: str) -> Ran:
        """Run a cell as it would be typed; the input transformers are in play."""
        with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
            result = self.ip.run_cell(source, store_history=True)
        return Ran(out.getvalue(), err.getvalue(), result)

    def ok(self, source: str) -> Ran:
        """Run a cell that may not fail."""
        ran = self.run(source)
        assert ran.error is None, ran.out
        return ran

    def made(self, line: str, prompt: str) -> Any:
        """Run a cell that does not wait, and return its job.

        Raises:
            BaseException: what the cell raised.
        """
        ran = self.run(f"%%wan {line} --no-wait -o made\n{prompt}")
        if ran.error is not None:
            raise ran.error
        return self.names["made"]

    def order(self, prompt: str = "A cat", line: str = "cat.png") -> Any:
        """Order a small video from a cell that does not wait, and return its job."""
        self.ok(f"%%wan {line} {SMALL} --no-wait -o ordered\n{prompt}")
        return self.names["ordered"]

    def emulator(self) -> Emulator:
        """Return the doors of the built-in emulator, which runs in this process."""
        folder, how = self.workspace.home / "emulator", {"speed": 200.0, "clip_seconds": 0.2}
        app = background.current().share(("emulator", folder), lambda: create_app(folder, **how))
        return Emulator("http://emulator.invalid", lambda: httpx.AsyncClient(transport=httpx.ASGITransport(app)))

    def hold(self) -> None:
        """Keep every task RUNNING until `emulator().clear()`."""
        self.emulator().faults(HELD)

    def sessions(self) -> list[Any]:
        """The sessions that the magics opened."""
        ours = self.ip.magics_manager.registry.get("WanMagics")
        return list(ours.state.opened.values()) if ours else []


@contextlib.contextmanager
def an_ipython() -> Iterator[Any]:
    """Make this process's IPython, and take it away again."""
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    main = sys.modules["__main__"]
    config = Config({"HistoryManager": {"enabled": False}, "InteractiveShell": {"colors": "nocolor"}})
    InteractiveShell.clear_instance()
    try:
        yield InteractiveShell.instance(config=config)
    finally:
        InteractiveShell.clear_instance()
        sys.modules["__main__"] = main


def drop_work() -> None:
    """Let go of all that this process's engine does, as the end of the process would."""
    here = background.current()

    async def drop() -> None:
        others = [task for task in here._tasks if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.wait(others) if others else None

    here.start(drop).result(PATIENCE)
    everyone = threading.Barrier(background.WORKERS + 1)  # passed when every worker is done with what it had begun
    for _ in range(background.WORKERS):
        here._workers.submit(everyone.wait, PATIENCE)
    everyone.wait(PATIENCE)
