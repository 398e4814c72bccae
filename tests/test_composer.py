"""The form in a real kernel: what its widgets say and do, by the messages a front end sends and gets."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from frontends import HELD, WIDGET, Desk, Kernel, Shell
from parts import Emulator, picture

pytest_plugins = ("shell",)


class Page:
    """A form as a front end has it: the states of its widgets, and what a person does with them."""

    def __init__(self, kernel: Kernel, line: str = "%wan compose", *, live: bool = True) -> None:
        self.kernel = kernel
        self.cell = kernel.ok(line, live=live)

    @property
    def widgets(self) -> dict[str, dict[str, Any]]:
        """The state of every widget, by its comm."""
        states: dict[str, dict[str, Any]] = {}
        for message in list(self.kernel.log):
            content = message["content"]
            if message["msg_type"] == "comm_open":
                states[content["comm_id"]] = dict(content["data"]["state"])
            elif message["msg_type"] == "comm_msg" and content["data"].get("method") in ("update", "echo_update"):
                states[content["comm_id"]].update(content["data"]["state"])
        return states

    def find(self, kind: str, **traits: Any) -> str:
        """Return the comm of the only widget of a kind with such traits."""
        [found] = [
            comm
            for comm, state in self.widgets.items()
            if state["_model_name"] == f"{kind}Model" and traits.items() <= state.items()
        ]
        return found

    def inside(self, name: str, kind: str) -> str:
        """Return the comm of the first widget of a kind inside the box with a class."""
        [box] = [state for state in self.widgets.values() if name in state.get("_dom_classes", ()) and "children" in state]
        queue = [ref.removeprefix("IPY_MODEL_") for ref in box["children"]]
        while queue:
            comm = queue.pop(0)
            state = self.widgets[comm]
            if state["_model_name"] == f"{kind}Model":
                return comm
            queue += [ref.removeprefix("IPY_MODEL_") for ref in state.get("children", ())]
        raise AssertionError(f"no {kind} in {name}")

    def classed(self, name: str) -> str:
        """Return the comm of the newest widget with a class."""
        return [comm for comm, state in self.widgets.items() if name in state.get("_dom_classes", ())][-1]

    def set(self, comm: str, **state: Any) -> None:
        """Change a widget, as a person does, and wait until the kernel has taken it in."""
        self._send(comm, {"method": "update", "state": state, "buffer_paths": []})

    def click(self, name: str) -> None:
        """Click the button with a class."""
        cell = self.kernel.click(self.classed(name))
        self.kernel.until(lambda: cell.idle)

    def _send(self, comm: str, data: dict[str, Any], buffers: list[bytes] | None = None) -> None:
        session = self.kernel.client.session
        message = session.msg("comm_msg", {"comm_id": comm, "data": data})
        from frontends import Cell

        self.kernel.cells[message["header"]["msg_id"]] = cell = Cell(message["header"]["msg_id"])
        session.send(self.kernel.client.shell_channel.socket, message, buffers=buffers)
        self.kernel.until(lambda: cell.idle)

    def upload(self, role: str, name: str, data: bytes) -> None:
        """Upload a file."""
        comm = self.inside(f"wan-{role}", "FileUpload")
        file = {"name": name, "type": "image/png", "size": len(data), "last_modified": 1, "error": ""}
        state = {"value": [file]}
        self._send(comm, {"method": "update", "state": state, "buffer_paths": [["value", 0, "content"]]}, [data])

    def pick(self, role: str, word: str) -> None:
        """Choose or type a picture."""
        self.set(self.inside(f"wan-{role}", "Combobox"), value=word)

    def prompt(self, text: str) -> None:
        """Write the prompt."""
        self.set(self.find("Textarea"), value=text)

    @property
    def html(self) -> str:
        """All that the form says, as HTML."""
        return "\n".join(state["value"] for state in self.widgets.values() if state["_model_name"] == "HTMLModel")

    @property
    def ready(self) -> bool:
        """Whether Generate may be clicked."""
        return not self.widgets[self.classed("wan-generate")]["disabled"]

    def until_says(self, words: str) -> None:
        """Wait until the form says something."""
        self.kernel.until(lambda: words in self.html)


def test_the_form_is_shown_with_a_text_for_readers(kernel: Kernel) -> None:
    """A widget, and beside it what a reader without a kernel sees; the value shows nothing twice."""
    page = Page(kernel)
    assert set(page.cell.bundle) == {WIDGET, "text/html", "text/plain"}
    assert "Run this cell again" in page.cell.bundle["text/plain"]
    page.until_says("Choose a first frame")
    assert not page.ready


def test_a_composer_as_a_cells_last_line_is_a_form(kernel: Kernel) -> None:
    """The Python door."""
    page = Page(kernel, "import wan_jupyter\nwan_jupyter.Session().compose()")
    assert WIDGET in page.cell.bundle


def test_a_filled_form_makes_a_video(kernel: Kernel, port: Emulator, desk: Desk) -> None:
    """Picture, prompt, Generate: a card in the form goes on to a player; one task, at once."""
    page = Page(kernel)
    page.pick("first", "cat.png")
    page.until_says("data:image/jpeg;base64,")
    page.prompt("A cat looks up")
    kernel.until(lambda: page.ready)
    assert "Costs nothing" in page.html
    page.click("wan-generate")
    assert "is on its way" in page.html
    page.until_says("<video")
    assert port.creates == 1
    assert desk.requests()[0]["filled_prompt"] == "A cat looks up"
    assert desk.rows()[0]["cell"] == "%%wan cat.png\nA cat looks up"
    assert "display_data" not in kernel.kinds(kernel.log.index(kernel.log[-1]))


def test_the_card_goes_on_while_a_cell_computes(kernel: Kernel, port: Emulator) -> None:
    """The kernel is busy, the job ends, and the player is in the form before the cell ends."""
    port.faults(HELD)
    page = Page(kernel)
    page.pick("first", "cat.png")
    page.prompt("While a cell computes")
    kernel.until(lambda: page.ready)
    page.click("wan-generate")
    busy = kernel.start("import pathlib, time\nend = time.monotonic() + 60\n"
                        "while not pathlib.Path('go').exists() and time.monotonic() < end: pass")
    page.until_says("Rendering")
    port.clear()
    page.until_says("<video")
    assert not busy.idle
    Path(kernel.ask("0") or ".", "go") if busy.idle else None
    (Path(str(PLACE[0])) / "go").touch() if PLACE else kernel.interrupt()
    kernel.until(lambda: busy.idle)


PLACE: list[str] = []
