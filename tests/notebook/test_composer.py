"""The form in a real kernel: what its widgets say and do, by the messages a front end sends and gets."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any

from tests.support.clock import PATIENCE
from tests.support.emulator_client import Emulator
from tests.support.ipython_shell import HELD, WIDGET, Shell, Workspace
from tests.support.kernel_client import Cell, Kernel
from tests.support.world import picture
from wan_jupyter.jobs import background
from wan_jupyter.notebook.composer.debounce import Debounce

pytest_plugins = ("tests.support.notebook_fixtures",)


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
                states.get(content["comm_id"], {}).update(content["data"]["state"])  # or of a test before
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
        boxes = (state for state in self.widgets.values() if "children" in state)
        [box] = [state for state in boxes if name in state.get("_dom_classes", ())]
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
        self.kernel.cells[message["header"]["msg_id"]] = cell = Cell(message["header"]["msg_id"])
        session.send(self.kernel.client.shell_channel.socket, message, buffers=buffers)
        self.kernel.until(lambda: cell.idle)

    def upload(self, role: str, name: str, data: bytes) -> None:
        """Upload a file."""
        comm = self.inside(f"wan-{role}", "FileUpload")
        file = {"name": name, "type": "image/png", "size": len(data), "last_modified": 1, "error": ""}
        state: dict[str, Any] = {"value": [file]}
        paths: list[list[Any]] = [["value", 0, "content"]]
        if "_counter" in self.widgets[comm]:  # as ipywidgets 7 does it
            state, paths = {"data": [None], "metadata": [file], "_counter": 1}, [["data", 0]]
        self._send(comm, {"method": "update", "state": state, "buffer_paths": paths}, [data])

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
    assert "run this cell again" in page.cell.bundle["text/plain"]
    page.until_says("Choose a first frame")
    assert not page.ready


def test_a_composer_as_a_cells_last_line_is_a_form(kernel: Kernel) -> None:
    """The Python door."""
    page = Page(kernel, "import wan_jupyter\nwan_jupyter.Session().compose()")
    assert WIDGET in page.cell.bundle


def test_a_filled_form_makes_a_video(kernel: Kernel, port: Emulator, workspace: Workspace) -> None:
    """Picture, prompt, Generate: a card in the form goes on to a player; one task, at once."""
    page = Page(kernel)
    page.pick("first", "cat.png")
    page.until_says("data:image/jpeg;base64,")
    page.prompt("A cat looks up")
    kernel.until(lambda: page.ready)
    assert "Free: the emulator costs nothing" in page.html
    page.click("wan-generate")
    assert "started; its card is below" in page.html
    page.until_says("<video")
    assert port.creates == 1
    assert workspace.requests()[0]["filled_prompt"] == "A cat looks up"
    assert workspace.rows()[0]["cell"] == "%%wan cat.png\nA cat looks up"
    assert kernel.kinds().count("display_data") == 1


def test_the_card_goes_on_while_a_cell_computes(kernel: Kernel, port: Emulator, workspace: Workspace) -> None:
    """The kernel is busy, the job ends, and the player is in the form before the cell ends."""
    port.faults(HELD)
    page = filled(kernel, "While a cell computes")
    page.click("wan-generate")
    wait = "import pathlib, time\nend = time.monotonic() + 60\n"
    busy = kernel.start(f"{wait}while not pathlib.Path('go').exists() and time.monotonic() < end: pass")
    page.until_says("Rendering")
    port.clear()
    page.until_says("<video")
    assert not busy.idle
    (workspace.folder / "go").touch()
    kernel.until(lambda: busy.idle)
    assert busy.error is None


def test_unloading_takes_the_form_away_and_leaves_its_job(kernel: Kernel, port: Emulator, workspace: Workspace) -> None:
    """Nobody can order from a form without its extension; what was ordered is made, and nothing complains."""
    port.faults(HELD)
    page = filled(kernel, "Before it goes")
    page.click("wan-generate")
    page.until_says("Rendering")
    kernel.ok("import logging\nnoted = []\nhearer = logging.Handler()\nhearer.emit = noted.append")
    kernel.ok("logging.getLogger('wan_jupyter').addHandler(hearer)\nimport wan_jupyter\njob = wan_jupyter.last()")
    kernel.ok("%unload_ext wan_jupyter")
    closed = [message["content"]["comm_id"] for message in kernel.log if message["msg_type"] == "comm_close"]
    assert page.classed("wan-generate") in closed
    port.clear()
    kernel.until(lambda: workspace.rows()[0]["status"] == "SUCCEEDED")
    assert kernel.ask("[job.result(60).path.exists(), *(one.getMessage() for one in noted)]") == [True]
    kernel.ok("logging.getLogger('wan_jupyter').removeHandler(hearer)")


def test_unloading_takes_back_all_that_a_form_ever_made(kernel: Kernel) -> None:
    """The card of its job, and rows that another model had."""
    kernel.ok("%unload_ext wan_jupyter")
    kernel.ok("comms = get_ipython().kernel.comm_manager.comms\nbefore = set(comms)")
    kernel.ok("%load_ext wan_jupyter")
    page = filled(kernel, "A cat")
    page.click("wan-generate")
    page.until_says("<video")
    labels = page.widgets[page.find("Dropdown", description="Model")]["_options_labels"]
    at = next(place for place, label in enumerate(labels) if label.startswith("wan2.2-i2v-flash"))
    page.set(page.find("Dropdown", description="Model"), index=at)
    kernel.ok("%unload_ext wan_jupyter")
    assert kernel.ask("sorted(set(comms) - before)") == []


def filled(kernel: Kernel, prompt: str, line: str = "%wan compose") -> Page:
    """Return a form with a picture and a prompt that may be sent."""
    page = Page(kernel, line)
    page.pick("first", "cat.png")
    page.prompt(prompt)
    kernel.until(lambda: page.ready)
    return page


def test_the_same_form_sent_twice_is_one_job(kernel: Kernel, port: Emulator) -> None:
    """Under way or made already: nothing is sent; a further take is asked for each time."""
    port.faults(HELD)
    page = filled(kernel, "Once")
    page.click("wan-generate")
    page.click("wan-generate")
    page.until_says("already in progress; nothing was sent twice")
    port.clear()
    page.until_says("<video")
    page.click("wan-generate")
    page.until_says("already has this video; nothing was sent")
    assert port.creates == 1
    page.set(page.find("Checkbox", description="Generate another take"), value=True)
    page.click("wan-generate")
    kernel.until(lambda: port.creates == 2)
    assert page.widgets[page.find("Checkbox", description="Generate another take")]["value"] is False


def test_what_is_wrong_is_said_before_anything_is_sent(kernel: Kernel, port: Emulator) -> None:
    """A template without its variable, a file that is missing, a seed that is none: message and hint, no Generate."""
    page = Page(kernel)
    page.pick("first", "cat.png")
    page.prompt("A {{ wolf }} looks up")
    page.until_says("wolf")
    assert not page.ready
    kernel.ok("wolf = 'grey wolf'")
    page.prompt("A {{ wolf }} looks up!")
    kernel.until(lambda: page.ready)
    page.pick("last", "gone.png")
    page.until_says("gone.png")
    kernel.until(lambda: not page.ready)
    page.click("wan-generate")  # a click that was on its way
    page.pick("last", "")
    kernel.until(lambda: page.ready)
    page.set(page.find("Text", description="Seed"), value="seven")
    page.until_says("--seed needs a whole number")
    kernel.until(lambda: not page.ready)
    assert port.creates == 0


def test_a_refused_submit_is_said_in_the_form(kernel: Kernel, workspace: Workspace) -> None:
    """What `order` raises is shown: a callback's error would be seen by nobody."""
    page = filled(kernel, "A cat")
    (workspace.folder / "cat.png").unlink()
    page.click("wan-generate")
    page.until_says("ImageError: ")
    assert workspace.rows() == []


def test_a_failed_job_ends_as_a_card_that_says_why(kernel: Kernel) -> None:
    """The service's words and what to do next, where the card was."""
    page = filled(kernel, "A forbidden prompt")
    page.click("wan-generate")
    page.until_says("DataInspectionFailed")


def test_controls_follow_the_model(kernel: Kernel) -> None:
    """A model without lengths has no row for them; a value that it lacks falls back, and that is said."""
    page = filled(kernel, "A cat")
    page.set(page.find("Dropdown", description="Duration"), index=5)
    labels = page.widgets[page.find("Dropdown", description="Model")]["_options_labels"]
    at = next(place for place, label in enumerate(labels) if label.startswith("wan2.2-i2v-flash"))
    page.set(page.find("Dropdown", description="Model"), index=at)
    page.until_says("wan2.2-i2v-flash does not support 7")
    open_row = page.widgets[page.classed("wan-options-open")]["children"]
    shown = {page.widgets[ref.removeprefix("IPY_MODEL_")]["description"] for ref in open_row}
    assert shown == {"Resolution"}


def test_two_pictures_change_the_usual_model(kernel: Kernel) -> None:
    """And swapping them changes which is first."""
    page = filled(kernel, "From dusk to night")
    page.upload("last", "night.png", picture("navy"))
    page.until_says("night.png · 360 × 360 · uploaded")
    labels = page.widgets[page.find("Dropdown", description="Model")]["_options_labels"]
    assert labels[0].startswith("default: wan2.2-kf2v-flash")
    page.click("wan-swap")
    kernel.until(lambda: "night.png" in page.widgets[page.inside("wan-first", "HTML")]["value"])
    assert page.widgets[page.inside("wan-last", "Combobox")]["value"] == "cat.png"
    assert page.widgets[page.inside("wan-first", "Combobox")]["value"] == ""


def test_to_cell_saves_an_upload_and_the_cell_shows_the_same_video(
    kernel: Kernel, port: Emulator, workspace: Workspace
) -> None:
    """Generate with an upload, then its cell: saved beside the notebook, run, and nothing is sent again."""
    page = Page(kernel)
    page.upload("first", "my cat's.png", picture("red"))
    page.prompt('It\'s {{ 1 }} "red" <b>cat</b>, 猫')
    kernel.until(lambda: page.ready)
    page.click("wan-generate")
    page.until_says("<video")
    assert workspace.rows()[0]["cell"] == ""
    page.click("wan-to-cell")
    page.until_says("%%wan wan_inputs/my_cat_s.png")
    assert "&lt;b&gt;cat&lt;/b&gt;" in page.html
    assert (workspace.folder / "wan_inputs" / "my_cat_s.png").read_bytes() == picture("red")
    text = kernel.ask("get_ipython()._wan_presenter.form.cell()")
    cell = kernel.ok(text, live=True)
    assert "nothing was sent" in cell.bundle["text/plain"]
    assert port.creates == 1


def test_compose_cell_puts_the_cell_below(kernel: Kernel) -> None:
    """By the reply of the cell that asks for it: asked for from a button it would come at some other cell's end."""
    page = filled(kernel, "A cat")
    page.click("wan-to-cell")
    assert kernel.ask("len(get_ipython().payload_manager.read_payload())") == 0
    identity = kernel.client.execute("%wan compose cell", allow_stdin=True)
    reply = kernel.client.get_shell_msg(timeout=60)
    while reply["parent_header"].get("msg_id") != identity:
        reply = kernel.client.get_shell_msg(timeout=60)
    [payload] = reply["content"]["payload"]
    assert payload == {"source": "set_next_input", "text": "%%wan cat.png\nA cat", "replace": False}


def test_compose_cell_without_a_form_says_so(kernel: Kernel) -> None:
    """There is nothing to put."""
    cell = kernel.run("%wan compose cell", live=True)
    assert cell.error is not None
    assert "There is no form to insert" in "\n".join(cell.error["traceback"])


def test_the_session_that_made_the_form_is_named(kernel: Kernel, workspace: Workspace) -> None:
    """`session.compose()` may be another session than the one in use; its cell says which."""
    page = filled(kernel, "A cat", "import wan_jupyter\nwan_jupyter.Session('emulator').compose()")
    page.click("wan-to-cell")
    page.until_says("%%wan cat.png --session emulator")


def test_a_signed_address_is_in_no_output(kernel: Kernel) -> None:
    """The form's first display and its widgets' texts show an address without its query; the field alone has it."""
    page = Page(kernel)
    page.pick("first", "https://example.com/cat.png?Signature=s3cret")
    page.until_says("downloaded by the service")
    assert "s3cret" not in page.html
    assert "s3cret" not in str(page.cell.bundle)


def test_variables_that_are_pictures_are_offered(kernel: Kernel) -> None:
    """`$name`, and the files of the folder; looked for again on a click."""
    page = Page(kernel)
    assert page.widgets[page.inside("wan-first", "Combobox")]["options"] == ["cat.png"]
    kernel.ok("from PIL import Image\nfox = Image.new('RGB', (400, 400))")
    page.click("wan-refresh")
    assert page.widgets[page.inside("wan-first", "Combobox")]["options"] == ["cat.png", "$fox"]
    page.pick("first", "$fox")
    page.until_says("$fox · 400 × 400")


# ---- where there are no widgets -------------------------------------------------------------------------------------


def test_a_terminal_is_told_how_cells_are_written(shell: Shell) -> None:
    """No widgets there, and no error."""
    ran = shell.ok("%wan compose")
    assert ran.lines[0].startswith("The composer needs a notebook")
    assert "%%wan --help" in ran.out


def test_a_run_without_a_display_is_told_the_same(kernel: Kernel) -> None:
    """nbconvert, papermill: one line, no widget, no error."""
    cell = kernel.ok("%wan compose")
    assert "The composer needs a notebook" in cell.stream
    assert "comm_open" not in kernel.kinds()


# ---- the pause ------------------------------------------------------------------------------------------------------


def test_many_letters_are_looked_at_once() -> None:
    """Only when nobody types for a moment; what is seen is shown once."""
    looked: list[int] = []
    shown: Future[int] = Future()
    watch = Debounce(
        background.current(), lambda: looked.append(1) or len(looked), shown.set_result, shown.set_exception
    )
    for _ in range(50):
        watch.changed()
    assert shown.result(PATIENCE) == 1
    assert looked == [1]


def test_what_goes_wrong_while_looking_is_told() -> None:
    """It never raises into nowhere."""
    told: Future[Exception] = Future()
    watch = Debounce(background.current(), lambda: 1 // 0, print, told.set_result)
    watch.changed()
    assert isinstance(told.result(PATIENCE), ZeroDivisionError)


def test_a_budget_is_kept_by_the_form(kernel: Kernel, port: Emulator) -> None:
    """A job that may not be paid for is refused in the form, and nothing is sent."""
    how = f"'dashscope-intl', key='sk-test', base_url='{port.base_url}', budget='0.01 USD'"
    page = filled(kernel, "Too dear", f"import wan_jupyter\nwan_jupyter.Session({how}).compose()")
    assert "About 0.25 USD" in page.html
    page.click("wan-generate")
    page.until_says("BudgetError: ")
    assert port.creates == 0
