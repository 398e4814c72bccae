"""What the tests of the doors share: a real IPython in this process, and a small front end to a real kernel.

The front end routes messages as JupyterLab does: an output goes to the cell its message names, an update to every
cell that holds its display id.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx

from tests.support.parts import INSTALLED, PATIENCE, Emulator, environment, picture
from wan_jupyter.emulator import create_app
from wan_jupyter.jobs import background

os.environ.setdefault("JUPYTER_PLATFORM_DIRS", "1")  # else jupyter_core warns, and warnings are errors here

FAST = {"WAN_EMULATOR_SPEED": "200", "WAN_EMULATOR_CLIP_SECONDS": "0.2"}
SMALL = "-m wan2.5-i2v-preview -r 480P"  # a small clip, rendered in a moment
WIDGET = "application/vnd.jupyter.widget-view+json"
LOAD = "%load_ext wan_jupyter"
HELD = {"at": "poll", "do": "word", "status": "RUNNING", "times": 0}


def joined(text: str | list[str]) -> str:
    """Return a text of an output, which nbformat keeps as lines."""
    return text if isinstance(text, str) else "".join(text)


class Desk:
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


# ---- a terminal IPython in this process ---------------------------------------------------------------------------


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

    def __init__(self, ip: Any, desk: Desk) -> None:
        self.ip, self.desk = ip, desk

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
        folder, how = self.desk.home / "emulator", {"speed": 200.0, "clip_seconds": 0.2}
        app = background.current().share(("emulator", folder), lambda: create_app(folder, **how))
        return Emulator("http://emulator.invalid", lambda: httpx.AsyncClient(transport=httpx.ASGITransport(app)))

    def hold(self) -> None:
        """Keep every task RUNNING until `emulator().clear()`."""
        self.emulator().faults(HELD)

    def sessions(self) -> list[Any]:
        """The sessions that the magics opened."""
        ours = self.ip.magics_manager.registry.get("WanMagics")
        return list(ours.desk.opened.values()) if ours else []


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


# ---- a kernel ------------------------------------------------------------------------------------------------------


class Cell:
    """What one execution in a kernel has on display."""

    def __init__(self, message_id: str) -> None:
        self.id = message_id
        self.outputs: list[dict[str, Any]] = []
        self.history: list[str] = []  # the kinds of the messages that named this cell
        self.idle = False

    @property
    def bundles(self) -> list[dict[str, Any]]:
        """The MIME bundles on display."""
        return [output["data"] for output in self.outputs if "data" in output]

    @property
    def bundle(self) -> dict[str, Any]:
        """The one bundle on display."""
        [only] = self.bundles
        return only

    @property
    def stream(self) -> str:
        """What was printed."""
        return "".join(output["text"] for output in self.outputs if "text" in output)

    @property
    def error(self) -> dict[str, Any] | None:
        """The error that the cell ended with."""
        return next((output for output in self.outputs if "traceback" in output), None)


FRESH = """
import os, json
from wan_jupyter.jobs import background as engine
ip = get_ipython()
if "wan_jupyter" in ip.extension_manager.loaded:
    ip.extension_manager.unload_extension("wan_jupyter")
engine.current().jobs.clear()
ip.reset(new_session=False)
import os
os.environ.update({variables!r})
os.chdir({folder!r})
get_ipython().run_line_magic("load_ext", "wan_jupyter")
"""


class Kernel:
    """A real kernel and the front end that looks at it; the kernel may be that of another environment."""

    def __init__(self, folder: Path, python: Path | None = None) -> None:
        from jupyter_client.manager import KernelManager

        self.manager = KernelManager(kernel_name="python3")
        variables = {"IPYTHONDIR": str(folder / "ipython"), "JUPYTER_PLATFORM_DIRS": "1"}
        if python is not None:
            self.manager.kernel_spec.argv[0] = str(python)
            variables |= INSTALLED
        self.manager.start_kernel(env=environment(folder, **variables), cwd=str(folder))
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=PATIENCE)
        self.cells: dict[str, Cell] = {}
        self.log: list[dict[str, Any]] = []

    def begin(self, desk: Desk, variables: dict[str, str]) -> None:
        """Begin anew, as a kernel does that was started in a desk's folder, up to `%load_ext wan_jupyter`."""
        variables = {"WAN_HOME": str(desk.home), **FAST, **variables}
        self.cells.clear()
        self.ok(FRESH.format(variables=variables, folder=str(desk.folder)))
        self.log.clear()

    # ---- running ----------------------------------------------------------------------------------------------

    def start(self, source: str, *, live: bool = False) -> Cell:
        """Send a cell; `live`: as a notebook does in which someone could answer a question."""
        cell = Cell(self.client.execute(source, allow_stdin=live))
        self.cells[cell.id] = cell
        return cell

    def run(self, source: str, *, live: bool = False) -> Cell:
        """Run a cell to its end.

        That is its reply, as front ends have it: ipykernel 7.0 to 7.2 may never notice what comes while it sends one
        (ipykernel, issue 1554).
        """
        cell = self.start(source, live=live)
        self.until(lambda: cell.idle)
        while self.client.get_shell_msg(timeout=PATIENCE)["parent_header"].get("msg_id") != cell.id:
            pass
        return cell

    def ok(self, source: str, *, live: bool = False) -> Cell:
        """Run a cell that may not fail."""
        cell = self.run(source, live=live)
        assert cell.error is None, cell.error
        return cell

    def waiting(self, *prompts: str) -> Cell:
        """Order small videos, one a cell, and return the cell that waits for them all, as soon as it shows that."""
        for prompt in prompts:
            self.ok(f"%%wan cat.png {SMALL}\n{prompt}", live=True)
        cell = self.start("%wan wait", live=True)
        self.until(lambda: cell.bundles)
        return cell

    def heard(self, words: str) -> list[dict[str, Any]]:
        """Return the contents of all messages so far that say something; the last message may be another's."""
        contents = (message["content"] for message in self.log)
        return [content for content in contents if words in json.dumps(content, ensure_ascii=False, default=str)]

    def ask(self, expression: str) -> Any:
        """Return the value of an expression that JSON can carry."""
        cell = self.ok(f"import json as _j; print(_j.dumps({expression}))")
        return json.loads(cell.stream)

    def until(self, happened: Callable[[], object]) -> None:
        """Take messages in until something is so."""
        from queue import Empty

        end = time.monotonic() + PATIENCE
        while not happened():
            assert time.monotonic() < end, "it never happened"
            with contextlib.suppress(Empty):
                self._take(self.client.get_iopub_msg(timeout=0.02))

    def click(self, comm: str) -> Cell:
        """Click a button widget, as a front end reports it."""
        content = {"comm_id": comm, "data": {"method": "custom", "content": {"event": "click"}, "buffers": []}}
        message = self.client.session.msg("comm_msg", content)
        self.client.shell_channel.send(message)
        self.cells[message["header"]["msg_id"]] = cell = Cell(message["header"]["msg_id"])
        return cell

    def interrupt(self) -> None:
        """Press the stop button."""
        self.manager.interrupt_kernel()

    def stop(self) -> None:
        """End the kernel."""
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)
        self.manager.cleanup_resources()

    # ---- messages ---------------------------------------------------------------------------------------------

    def _take(self, message: dict[str, Any]) -> None:
        self.log.append(message)
        kind, content = message["msg_type"], message["content"]
        cell = self.cells.get(message["parent_header"].get("msg_id", ""))
        if cell is not None:
            cell.history.append(kind)
        if kind == "update_display_data":
            self._update(content)
        elif cell is not None and kind in ("display_data", "execute_result", "stream", "error"):
            cell.outputs.append(content)
        elif cell is not None and kind == "status" and content["execution_state"] == "idle":
            cell.idle = True

    def _update(self, content: dict[str, Any]) -> None:
        name = content["transient"]["display_id"]
        for output in (output for cell in self.cells.values() for output in cell.outputs):
            if output.get("transient", {}).get("display_id") == name:
                output["data"] = content["data"]

    def kinds(self, since: int = 0) -> list[str]:
        """The kinds of the messages that came, without the busy and idle of the kernel."""
        return [message["msg_type"] for message in self.log[since:] if message["msg_type"] != "status"]

    def button(self) -> str:
        """The comm of the newest Cancel button."""
        opened = [m["content"] for m in self.log if m["msg_type"] == "comm_open"]
        buttons = [c for c in opened if c["data"]["state"].get("_model_name") == "ButtonModel"]
        return str(buttons[-1]["comm_id"])
