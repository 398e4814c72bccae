"""A real kernel, asked over its sockets as a front end asks."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.support.clock import PATIENCE
from tests.support.ipython_shell import FAST, SMALL, Workspace
from tests.support.processes import INSTALLED, environment


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

    def begin(self, workspace: Workspace, variables: dict[str, str]) -> None:
        """Begin anew, as a kernel does that was started in a workspace, up to `%load_ext wan_jupyter`."""
        variables = {"WAN_HOME": str(workspace.home), **FAST, **variables}
        self.cells.clear()
        self.ok(FRESH.format(variables=variables, folder=str(workspace.folder)))
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
