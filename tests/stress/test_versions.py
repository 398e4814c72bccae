"""The lowest promised versions, the newest, and two rows between: as installed, each in an environment of its own."""

from __future__ import annotations

import inspect
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests.notebook.test_composer import Page
from tests.notebook.test_display import STATIC, ended
from tests.notebook.test_magics import registered
from tests.notebook.test_notebook import RAISES, bundles, is_player, text
from tests.support.clock import PATIENCE
from tests.support.emulator_client import PortEmulator
from tests.support.ipython_shell import FAST, LOAD, SMALL, WIDGET, Workspace
from tests.support.kernel_client import Kernel
from tests.support.processes import INSTALLED, environment
from tests.support.world import picture

from .sizes import LONGEST
from .versions import LOWEST, PINS, ROOT, Environment, promised, ready

pytestmark = [pytest.mark.stress, pytest.mark.timeout(LONGEST)]

SECRET = "sk-4f0c81d2b7a9463e95d0c3f2a1b8e764"
STRICT = 'import warnings\nwarnings.filterwarnings("error", module=r"wan_jupyter(\\.|$)")'  # ours, and nobody else's
BEFORE = f"""
from typing import Any
{inspect.getsource(registered)}
get_ipython().run_line_magic("unload_ext", "nothing")  # IPython makes the magic for this when it is first used
before = registered(get_ipython())
"""
UNLOAD = "%unload_ext wan_jupyter"
LEFT = """
after = registered(get_ipython())
print({name: (before[name], after[name]) for name in after if after[name] != before[name]})
"""
LATER = "import threading\nwhile not job.done:\n    threading.Event().wait(0.01)\nprint(job.video.path.exists())"
SHOW = "get_ipython().run_line_magic('wan', f'show {job.id}')"
REMEMBERED = """
names = [name for name in globals() if name.startswith(("_i", "In"))]
print([name for name in names if "4f0c" + "81d2" in str(globals()[name])])
"""
CELLS = {
    "strict": STRICT,
    "before": BEFORE,
    "load": LOAD,
    "waits": f"%%wan cat.png {SMALL}\nA cat looks up",
    "goes on": f"%%wan cat.png {SMALL} --no-wait -o job\nTwo cats",
    "later": LATER,
    "jobs": "%wan jobs",
    "show": SHOW,
    "fails": f"%%wan cat.png {SMALL}\nA forbidden prompt",
    "key": f"%wan login {SECRET}",
    "remembered": REMEMBERED,
    "unload": UNLOAD,
    "left": LEFT,
}
FAIL = ("fails", "key")


@dataclass(frozen=True)
class Run:
    """What a notebook became in an environment: its cells by name, its page, and the folder it ran in."""

    cells: dict[str, Any]
    book: Any
    page: str
    workspace: Workspace


@pytest.fixture(scope="module", params=PINS)
def there(request: pytest.FixtureRequest) -> Environment:
    """An environment with the versions of one row; the rows come one after the other."""
    return ready(request.param, ROOT / "build" / "versions")


def variables(workspace: Workspace) -> dict[str, str]:
    """Return what a process in an environment sees: its own product, a home of its own, the emulator."""
    (workspace.folder / "user").mkdir(exist_ok=True)
    ipython = {"IPYTHONDIR": str(workspace.folder / "ipython"), "JUPYTER_PLATFORM_DIRS": "1"}
    more = {"WAN_HOME": str(workspace.home), "WAN_PROVIDER": "emulator", **ipython, **FAST, **INSTALLED}
    return environment(workspace.folder / "user", **more)


def run(there: Environment, workspace: Workspace, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run something in an environment, in a workspace."""
    return there.run(*arguments, cwd=workspace.folder, env={**variables(workspace), **more}, timeout=5 * PATIENCE)


@pytest.fixture(scope="module")
def saved(there: Environment, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A notebook that nbclient ran and saved, and its page, both made by nbconvert."""
    workspace = Workspace(tmp_path_factory.mktemp("saved"))
    made = [nbformat.v4.new_code_cell(source) for source in CELLS.values()]
    for name, cell in zip(CELLS, made, strict=True):
        cell.metadata["tags"] = [RAISES] if name in FAIL else []
    nbformat.write(nbformat.v4.new_notebook(cells=made), workspace.folder / "book.ipynb")
    convert = ("-m", "nbconvert", "--execute", "--to=notebook", "--inplace", "book.ipynb")
    done = run(there, workspace, *convert, "--ExecutePreprocessor.timeout=120")
    assert done.returncode == 0, done.stderr
    done = run(there, workspace, "-m", "nbconvert", "--to=html", "book.ipynb")
    assert done.returncode == 0, done.stderr
    book = nbformat.read(workspace.folder / "book.ipynb", as_version=4)
    cells = dict(zip(CELLS, book.cells, strict=True))
    return Run(cells, book, (workspace.folder / "book.html").read_text("utf-8"), workspace)


def test_the_lowest_versions_are_those_that_are_promised() -> None:
    """What `pyproject.toml` says is what is tried."""
    assert sorted(LOWEST) == sorted(promised())


def test_the_environment_is_what_its_row_says(there: Environment, tmp_path: Path) -> None:
    """The product in it is the installed one; its versions are printed."""
    code = (
        "import importlib.metadata as m, json, wan_jupyter; print(json.dumps([wan_jupyter.__file__,"
        " {one.metadata['Name'].lower(): one.version for one in m.distributions()}]))"
    )
    done = run(there, Workspace(tmp_path / "workspace"), "-c", code)
    file, found = json.loads(done.stdout)
    assert Path(file).is_relative_to(there.folder)
    names = [pin.partition("==")[0] for pin in LOWEST]
    print(f"\n{there.name}: {', '.join(f'{name} {found[name]}' for name in names)}")
    for pin in there.pins:
        name, _, version = pin.partition("==")
        assert f"{found[name]}.".startswith(f"{version.removesuffix('.*')}.")


# ---- a notebook that nobody looks at ---------------------------------------------------------------------------------


def test_a_saved_notebook_has_a_video_in_each_cell_that_made_one(saved: Run) -> None:
    """It plays without a kernel, in the cell that ordered it, though a later one ran when it came; and in the page."""
    for name in ("waits", "goes on", "show"):
        assert [is_player(data) for data in bundles(saved.cells[name])] == [True], name
    assert text(saved.cells["later"]).strip() == "True"
    assert saved.page.count("<video") == 3
    assert len(saved.workspace.videos()) == 2
    assert [task["prompt"] for task in saved.workspace.requests()][:2] == ["A cat looks up", "Two cats"]


def test_a_saved_notebook_has_no_widget(saved: Run) -> None:
    """Neither views nor models."""
    assert "widgets" not in saved.book.metadata
    assert not [data for cell in saved.book.cells for data in bundles(cell) if WIDGET in data]


def test_the_jobs_are_listed(saved: Run) -> None:
    """One line a job."""
    listed = text(saved.cells["jobs"])
    assert ["A cat looks up" in listed, "Two cats" in listed] == [True, True]


def test_an_error_is_three_lines(saved: Run) -> None:
    """What happened, the service's words, what to do; no frame."""
    [error] = [output for output in saved.cells["fails"].outputs if output.output_type == "error"]
    said, _, todo = "\n".join(error.traceback).splitlines()
    assert said.startswith("JobFailed: Job ")
    assert todo.endswith("Nothing was billed.")


def test_a_key_is_refused_and_forgotten(saved: Run) -> None:
    """Neither IPython's variables nor the outputs have it."""
    [error] = [output for output in saved.cells["key"].outputs if output.output_type == "error"]
    assert "the cell was removed from IPython's history" in "\n".join(error.traceback)
    assert text(saved.cells["remembered"]).strip() == "[]"
    assert SECRET not in json.dumps([cell.outputs for cell in saved.book.cells])


def test_nothing_else_fails_or_complains(saved: Run) -> None:
    """No error, and nothing on stderr: a warning of ours would be an error."""
    outputs = [(name, output) for name, cell in saved.cells.items() for output in cell.outputs if name not in FAIL]
    assert [(n, o) for n, o in outputs if o.output_type == "error" or o.get("name") == "stderr"] == []


def test_unloading_leaves_nothing_behind(saved: Run) -> None:
    """In a notebook: magics, renderers, matchers, events are as they were."""
    assert text(saved.cells["left"]).strip() == "{}"


# ---- a notebook that someone looks at --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def _live(there: Environment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    made = Kernel(tmp_path_factory.mktemp("live"), there.python)
    made.ok(STRICT)
    yield made
    made.stop()


@pytest.fixture
def live(_live: Kernel, tmp_path: Path) -> Kernel:
    """A kernel of the environment after `%load_ext wan_jupyter`, with a front end that could answer a question."""
    _live.begin(Workspace(tmp_path / "workspace"), {"WAN_PROVIDER": "emulator"})
    return _live


def test_a_card_goes_on_and_ends_as_a_video(live: Kernel) -> None:
    """A widget first, a static bundle at last."""
    since = len(live.log)
    cell = live.ok(f"%%wan cat.png {SMALL}\nA live cat", live=True)
    shown = [m["content"]["data"] for m in live.log[since:] if m["msg_type"] == "display_data"]
    assert [WIDGET in data for data in shown] == [True]
    assert set(ended(live, cell)) == STATIC
    assert is_player(cell.bundle)
    assert cell.stream == ""


def test_the_cancel_button_reaches_the_job(live: Kernel, tmp_path: Path) -> None:
    """Its click comes through the widget's comm."""
    live.begin(Workspace(tmp_path / "slow"), {"WAN_EMULATOR_SPEED": "0.01"})
    cell = live.ok(f"%%wan cat.png {SMALL} -o slow\nA slow cat", live=True)
    live.click(live.button())
    ended(live, cell)
    assert live.ask("str(slow.status)").lower().endswith("canceled")


def test_the_form_takes_an_uploaded_picture(live: Kernel) -> None:
    """Its widgets, and the two ways in which ipywidgets gives what was uploaded."""
    page = Page(live)
    page.upload("first", "mine.png", picture("navy"))
    page.prompt("A cat from a form")
    live.until(lambda: page.ready)
    page.click("wan-generate")
    page.until_says("<video")


def test_a_key_is_taken_out_of_the_database(live: Kernel) -> None:
    """What stands around it stays."""
    live.ok("before = 1")
    error = live.run(f"%wan login {SECRET}", live=True).error
    assert error is not None
    assert "the cell was removed from IPython's history" in "".join(error["traceback"])
    live.ok("get_ipython().history_manager.writeout_cache()")
    file = Path(live.ask("str(get_ipython().history_manager.hist_file)"))
    kept = b"".join(path.read_bytes() for path in file.parent.glob(f"{file.name}*"))
    assert b"before = 1" in kept
    assert SECRET.encode() not in kept


@pytest.mark.parametrize("jedi", [True, False])
def test_tab_is_answered(live: Kernel, jedi: bool) -> None:
    """`complete_request`: what may be typed, and from where."""
    live.ok(f"get_ipython().Completer.use_jedi = {jedi}")
    cases = {
        "%%wan --du\nA cat": (10, 6, ["--duration"]),
        "%%wan cat.png -r \nA cat": (17, 17, ["720P", "1080P"]),
        "%%wan c": (7, 6, ["cat.png"]),
        "%wan sh": (7, 5, ["show"]),
    }
    for code, (cursor, start, matches) in cases.items():
        reply = live.client.complete(code, cursor, reply=True, timeout=PATIENCE)["content"]
        assert (code, reply["cursor_start"], reply["cursor_end"], reply["matches"]) == (code, start, cursor, matches)


# ---- a terminal, and plain Python ------------------------------------------------------------------------------------

SCRIPT = f"""
{STRICT}
{BEFORE}
{LOAD}
get_ipython().run_cell_magic("wan", "cat.png {SMALL}", "A cat looks up")
get_ipython().run_cell_magic("wan", "cat.png {SMALL} --no-wait -o job", "Two cats")
print(job.result(60).path.exists())
%wan jobs
{SHOW}
print(get_ipython().complete("", "%%wan --du", 10)[1])
{UNLOAD}
{LEFT}
"""
FAILS = f"{LOAD}\nget_ipython().run_cell_magic('wan', 'cat.png {SMALL}', 'A forbidden prompt')\n"


def script(there: Environment, folder: Path, source: str) -> tuple[Workspace, subprocess.CompletedProcess[str]]:
    """Run a script in a terminal IPython."""
    workspace = Workspace(folder)
    (folder / "script.ipy").write_text(source, "utf-8")
    return workspace, run(there, workspace, "-m", "IPython", "--no-banner", "--colors=NoColor", "script.ipy")


def test_a_script_in_a_terminal_makes_its_videos(there: Environment, tmp_path: Path) -> None:
    """Results on stdout, progress on stderr, and nothing stays when the extension goes."""
    workspace, done = script(there, tmp_path / "workspace", SCRIPT)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert {f"wan_outputs/{video.name}" for video in workspace.videos()} <= set(lines)
    assert len(workspace.videos()) == 2
    assert "True" in lines
    assert "--duration" in done.stdout
    assert lines[-1] == "{}"
    assert "Warning" not in done.stderr


def test_a_script_that_fails_says_so(there: Environment, tmp_path: Path) -> None:
    """Three lines, and a code that a shell can ask for."""
    _, done = script(there, tmp_path / "workspace", FAILS)
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert "DataInspectionFailed" in said
    assert "Nothing was billed." in said
    assert "Traceback" not in said


PLAIN = f"""
{STRICT}
import sys, wan_jupyter
jobs = [
    wan_jupyter.Session(provider, base_url=sys.argv[1] + base).submit("A cat", image="cat.png")
    for provider, base in (("emulator", "/api/v1"), ("openai-videos", ""))
]
for job in jobs:
    video = job.result(60)
    print(video.path.is_file(), video.duration > 0, len(video.frames(2)))
wan_jupyter.allow_nested_asyncio()
"""


def test_plain_python_orders_over_sockets(there: Environment, tmp_path: Path) -> None:
    """Forms, downloads and the emulator's server, all of this environment's versions."""
    workspace = Workspace(tmp_path / "workspace")
    (tmp_path / "service").mkdir()
    service = PortEmulator(tmp_path / "service", "--videos-dialect", "openai", python=there.python)
    try:
        done = run(there, workspace, "-c", PLAIN, service.url)
        tasks = service.tasks
    finally:
        service.stop()
    assert done.stdout.splitlines() == ["True True 2"] * 2, done.stderr
    assert done.stderr == ""
    assert [task["status"] for task in tasks] == ["SUCCEEDED"] * 2
