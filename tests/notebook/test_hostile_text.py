"""What comes from outside is text: in a saved notebook it neither acts nor names a file, and it is not long."""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path
from typing import Any

import pytest

from tests.notebook.test_notebook import book, execute, text
from tests.support.clock import PATIENCE
from tests.support.emulator_client import PortEmulator
from tests.support.hostile_text import CODES, EVERYTHING, MARKUP, acts
from tests.support.ipython_shell import FAST, LOAD, SMALL, Shell, Workspace
from tests.support.processes import ROOT, python
from tests.support.world import World, picture
from wan_jupyter.errors import WanError

pytest_plugins = ("tests.support.notebook_fixtures",)

OURS = re.compile(r"\.?\d{4}-\d\d-\d\d-[a-z0-9]{5}\.(?:mp4|json)")
RAISES = {"tags": ["raises-exception"]}


def test_the_search_finds_what_acts() -> None:
    """The tests below can fail."""
    for kind, said in (("text/html", MARKUP), ("text/plain", CODES), ("text/html", "\u202e")):
        assert acts([{"data": {kind: said}}])
    assert acts([{"text": [CODES]}])
    assert acts([{"data": {"text/html": "&lt;script&gt; and an onerror of 5"}}]) == []


def shown(workspace: Workspace, port: PortEmulator, *cells: str) -> list[Any]:
    """Run cells as a notebook, all the way to the file, and return those after the first as they are saved."""
    notebook = book(LOAD, *cells)
    for cell in notebook.cells:
        cell.metadata.update(RAISES)
    execute(notebook, workspace, WAN_BASE_URL=port.base_url)
    return json.loads(json.dumps(notebook))["cells"][1:]


def test_a_hostile_prompt_is_text(workspace: Workspace, port: PortEmulator) -> None:
    """In the player, in the list of jobs, shown again, and dry."""
    typed = EVERYTHING.replace("\x00", "").replace("{", "(")
    cells = shown(
        workspace, port, f"%%wan cat.png {SMALL} -o job\n{typed}", "%wan jobs", "%wan show", "job", "job.video",
        f"%%wan cat.png --dry-run\n{typed}", "print(job, job.video)",
    )  # fmt: skip
    assert "<video" in "".join(cells[0]["outputs"][0]["data"]["text/html"])
    assert [acts(cell["outputs"]) for cell in cells] == [[]] * len(cells)
    assert all(OURS.fullmatch(path.name) for path in workspace.outputs.iterdir())


def test_a_hostile_service_is_text(workspace: Workspace, port: PortEmulator) -> None:
    """Its error's code and words, in the card, in the traceback and in the list."""
    port.faults({"at": "submit", "do": "fail_task", "code": EVERYTHING, "message": EVERYTHING * 20})
    cells = shown(workspace, port, f"%%wan cat.png {SMALL}\nA cat", "%wan jobs", "%wan show", "%wan doctor")
    assert "JobFailed" in "".join(line for output in cells[0]["outputs"] for line in output.get("traceback", []))
    assert [acts(cell["outputs"]) for cell in cells] == [[]] * len(cells)
    assert max(len(said) for cell in cells for said in [text(cell)]) < 20_000


def test_a_refusing_service_is_text(workspace: Workspace, port: PortEmulator) -> None:
    """Headers and body of an error, JSON or a page."""
    body = {"code": EVERYTHING, "message": EVERYTHING, "request_id": EVERYTHING}
    port.faults(
        {"at": "submit", "do": "status", "status": 400, "body": body},
        {"at": "submit", "do": "status", "status": 404, "body": f"<html>{EVERYTHING}"},
    )
    order = f"%%wan cat.png {SMALL} --new\nA cat"
    cells = shown(workspace, port, order, order, "%wan jobs", "%wan doctor")
    assert [acts(cell["outputs"]) for cell in cells] == [[]] * len(cells)


def test_hostile_names_are_text(workspace: Workspace, port: PortEmulator) -> None:
    """Of a file that is there, of one that is not, of a model, a provider, an option, a job, a variable."""
    name = "<img src=x onerror=window.hacked=1> \u202egnp.png"
    (workspace.folder / name).write_bytes(picture())
    quoted = "'" + MARKUP.replace("'", "").replace("/", "") + "\x1b[31m\u202e.png'"
    cells = shown(
        workspace, port,
        f"%%wan '{name}' {SMALL}\nA cat", f"%%wan {quoted}\nA cat", f"%%wan cat.png -m {quoted}\nA cat",
        f"%%wan cat.png --provider {quoted}\nA cat", f"%%wan cat.png --{quoted}\nA cat", f"%wan show {quoted}",
        f"%wan {quoted}", f"%wan use {quoted}", f"%wan models {quoted}", f"%%wan cat.png -o {quoted}\nA cat",
        f"%%wan cat.png\nA {{{{ {quoted} }}}}", f"%%wan cat.png -n {quoted} {SMALL}\nA cat", "%wan jobs",
    )  # fmt: skip
    assert "<video" in "".join(cells[0]["outputs"][0]["data"]["text/html"])
    assert [acts(cell["outputs"]) for cell in cells] == [[]] * len(cells)
    assert all(OURS.fullmatch(path.name) for path in workspace.outputs.iterdir())


def test_a_prompt_of_a_megabyte_is_shown_in_part(shell: Shell) -> None:
    """It is sent or refused whole, and no output grows by it."""
    shell.names["long"] = "wide " * 200_000
    ran = shell.run(f"%%wan cat.png {SMALL}\n{{{{ long }}}}")
    assert len(ran.out) + len(str(ran.error)) < 20_000
    assert len(shell.run("%wan jobs").out) < 20_000


@pytest.mark.parametrize("prompt", ["A \x00 cat", "A \ud800 cat", "\x00"], ids=["NUL", "half", "alone"])
def test_a_prompt_that_no_file_takes_is_sent_or_refused(world: World, prompt: str) -> None:
    """Never an error that is not ours; what is kept can be read again."""
    try:
        job = world.order(prompt)
        job.result(PATIENCE)
    except WanError:
        return
    json.loads(job.video.path.with_suffix(".json").read_text("utf-8"))
    assert world.rows()


def test_a_file_is_never_named_by_a_service(world: World, port: PortEmulator) -> None:
    """Whatever its task is called, and whatever its storage says the file is called."""
    named = {"content-disposition": 'attachment; filename="../../escaped.mp4"'}
    port.faults({"at": "content", "do": "status", "status": 200, "headers": named, "body": "no video"})
    session = world.session("dashscope-intl", base_url=port.base_url, key="sk-test")
    world.order(session=session).result(PATIENCE)
    assert all(OURS.fullmatch(path.name) for path in world.outputs.iterdir())
    assert not list(world.folder.parent.rglob("*escaped*"))


def test_html_is_made_in_one_place() -> None:
    """No folder but `rendering` writes markup: a value that is put into it there is escaped."""
    markup = re.compile(r"(?<!\?P)</?(?:div|span|p|b|i|a|img|video|table|tr|td|pre|style|script|br|details)\b[^\n]*>")
    package = ROOT / "wan_jupyter"
    written = [
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if "emulator" not in path.parts and markup.search(path.read_text("utf-8"))
    ]
    assert [name for name in written if not name.startswith("rendering/")] == []


# ---- rights ---------------------------------------------------------------------------------------------------------

LIFE = """
import os
os.umask({umask})
from tests.support.clock import *
from tests.support.processes import *
from tests.support.emulator_client import *
from tests.support.world import *
from wan_jupyter.session.session import Session
session = Session("emulator", clock=FakeClock(), outputs="videos")
print(session._resources.owner.name)
session.submit("A cat", image=picture(), **SMALL).result(60)
held = session.submit("Another cat", image=picture("navy"), **SMALL)
session._resources.journal.keep_upload(("a", "b", "c"), "d", "link", 0.0, 1e12)
for folder, _, files in os.walk(os.environ["WAN_HOME"]):
    for name in ["", *files]:
        path = os.path.join(folder, name)
        if os.path.exists(path):
            print("FOUND", oct(os.stat(path).st_mode & 0o777), path)
held.result(60)
"""


@pytest.mark.parametrize("umask", [0o022, 0o000])
def test_what_is_kept_is_for_its_owner_alone(tmp_path: Path, umask: int) -> None:
    """Journal with its log, spool, locks, the emulator's tasks: 0600 in folders of 0700, whatever the umask."""
    home = tmp_path / "new" / "folders" / "wan"
    ran = python(LIFE.format(umask=umask), tmp_path / "run", WAN_HOME=str(home), **FAST)
    assert ran.returncode == 0, ran.stderr
    found = [line.split(maxsplit=2)[1:] for line in ran.stdout.splitlines() if line.startswith("FOUND")]
    assert {Path(path).name for _, path in found} >= {"journal.sqlite3", "journal.sqlite3-wal", "owners", "inputs"}
    wrong = [(mode, path) for mode, path in found if mode != ("0o600" if Path(path).is_file() else "0o700")]
    still = [(mode, path) for mode, path in wrong if Path(path).exists() or mode not in ("0o600", "0o700")]
    assert still == []
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
