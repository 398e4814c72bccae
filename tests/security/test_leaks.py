"""A distinctive key goes through every door, every error and every export; then all that was left is searched."""

from __future__ import annotations

import base64
import gzip
import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

from tests.notebook.test_public_api_surfaces import OPENAI, Shelf
from tests.support.clock import PATIENCE
from tests.support.emulator_client import PortEmulator
from tests.support.ipython_shell import FAST, LOAD, Workspace
from tests.support.kernel_client import Kernel
from tests.support.leak_subject import echo, storage, troubles
from tests.support.processes import environment, python
from tests.support.secret_scanner import Secret, leaks, of_key, of_signature, signatures

pytest_plugins = ("tests.support.notebook_fixtures",)

KEY = "sk-Zq7Xw2Vb9Kd4Tf6Hj8Lm3Np5RsYcGaUe1D"
JOURNAL = ("journal.sqlite3",)
PROVIDERS = {"dashscope-intl": ((), "/api/v1"), "ssanai": ((), ""), "ope": ((), ""), "openai-videos": (OPENAI, "")}
FIRST = "dashscope-intl"  # the one of every `make test`; the others take their time in `make stress`
NO_WAITING = """
from tests.support.clock import FakeClock
from wan_jupyter.session import resources
clock = FakeClock()
resources.RealClock = lambda: clock"""
TALK = "import logging\nlogging.basicConfig(level=logging.DEBUG, filename='kernel-debug.log', force=True)"


def searched(tree: Path) -> list[str]:
    """Return where the key is, and where a signature is outside the journal."""
    return [*leaks(tree, [of_key(KEY)]), *leaks(tree, signatures(tree), but=JOURNAL)]


@pytest.fixture(scope="module")
def emulators(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, PortEmulator]]:
    """An emulator for each provider, with its state elsewhere: what a service keeps is not ours to keep."""
    made: dict[tuple[str, ...], PortEmulator] = {}
    for arguments, _ in PROVIDERS.values():
        if arguments not in made:
            made[arguments] = PortEmulator(tmp_path_factory.mktemp("service"), *arguments)
    yield {name: made[arguments] for name, (arguments, _) in PROVIDERS.items()}
    for emulator in made.values():
        emulator.stop()


@pytest.fixture
def studio(emulators: dict[str, PortEmulator]) -> Iterator[PortEmulator]:
    """Model Studio."""
    yield emulators["dashscope-intl"]
    emulators["dashscope-intl"].clear()


@pytest.fixture
def elsewhere() -> Iterator[Shelf]:
    made = Shelf()
    yield made
    made.stop()


def variables(emulator: PortEmulator) -> dict[str, str]:
    where = {"WAN_PROVIDER": "dashscope-intl", "WAN_BASE_URL": emulator.base_url}
    return {**where, "DASHSCOPE_API_KEY": KEY, "WAN_LEAK_KEY": KEY}


# ---- the search itself ----------------------------------------------------------------------------------------------

PLANTED = {
    "whole": KEY.encode(),
    "a piece": f"…{KEY[5:13]}…".encode(),
    "base64 of a header": base64.b64encode(f"Bearer {KEY}".encode()),
    "in a packed text": base64.b64encode(b'{"a": "' + KEY[3:20].encode() + b'", "b": "and so on and so on"}'),
    "in gzip": gzip.compress(KEY.encode()),
    "in a notebook": json.dumps({"a": base64.b64encode(f"x {KEY} y".encode()).decode()}).encode(),
}


@pytest.mark.parametrize("data", PLANTED.values(), ids=PLANTED)
def test_a_planted_key_is_found(tmp_path: Path, data: bytes) -> None:
    """The tests below can fail."""
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "file").write_bytes(b"\0before " + data + b" after\n" if data[:2] != b"\x1f\x8b" else data)
    assert leaks(tmp_path, [of_key(KEY)])


def test_a_planted_key_is_found_in_an_archive(tmp_path: Path) -> None:
    """As a support bundle would be."""
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("in.txt", KEY)
    assert leaks(tmp_path, [of_key(KEY)])


def test_a_planted_signature_is_found_outside_the_journal(tmp_path: Path) -> None:
    """Written as in an address, and as it is meant."""
    secrets = of_signature("https://oss.test/v.mp4?Expires=1&Signature=abc%2Bdef%3D")
    for text in ("abc%2Bdef%3D", "abc+def="):
        (tmp_path / "sidecar.json").unlink(missing_ok=True)
        (tmp_path / "journal.sqlite3-wal").write_text(text)
        assert leaks(tmp_path, secrets, but=JOURNAL) == []
        (tmp_path / "sidecar.json").write_text(text)
        assert leaks(tmp_path, secrets, but=JOURNAL)


def test_nothing_is_found_where_nothing_is(tmp_path: Path) -> None:
    """Nor is any text a leak."""
    (tmp_path / "file").write_text(f"{base64.b64encode(bytes(range(256))).decode()} sk- Signature=")
    assert leaks(tmp_path, [of_key(KEY), Secret("signature", (b"cba",))]) == []


# ---- Python ---------------------------------------------------------------------------------------------------------


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name == FIRST else pytest.mark.stress) for name in PROVIDERS]
)
def test_nothing_that_python_shows_has_a_secret(
    tmp_path: Path, emulators: dict[str, PortEmulator], elsewhere: Shelf, name: str
) -> None:
    """Every trouble at every kind of provider: words, attributes, pickles, tracebacks with locals, logs, files."""
    tree = tmp_path / "tree"
    place = {name: emulators[name].url + PROVIDERS[name][1]}
    more = {"WAN_LEAK_PROVIDERS": json.dumps(place), "WAN_LEAK_KEY": KEY, "WAN_LEAK_ELSEWHERE": elsewhere.url}
    ran = python("from tests.support import leak_subject; leak_subject.main()", tree, timeout=240, **more)
    assert ran.returncode == 0, ran.stderr[-4000:]
    (tree / "printed.txt").write_text(ran.stdout + ran.stderr)
    count = len(troubles("", "")) + (len(storage("")) if name == "dashscope-intl" else 0)
    assert len(list((tree / "told").iterdir())) == 2 * count + 3
    assert (tree / "debug.log").stat().st_size > 100_000
    assert "receive_response_headers.complete" in (tree / "debug.log").read_text()
    assert list(tree.rglob("*.mp4"))
    assert searched(tree) == []
    assert not [headers for headers in elsewhere.asked if "authorization" in {name.lower() for name in headers}]


# ---- a notebook with widgets ----------------------------------------------------------------------------------------

LOCALS = """
def broken(session, job):
    key = session._resources.key
    settings = session._resources.settings
    return 1 / 0
broken(session, job)
"""
SHOW = """
session = wan_jupyter.Session()
print(repr(session), vars(session), job, vars(job), job.snapshot, job.video, job.video.facts)
session, job.request, session._resources.key, vars(job)
"""
STATE = """
import json, ipywidgets
from pathlib import Path
state = ipywidgets.Widget.get_manager_state(drop_defaults=False)
Path('widgets.json').write_text(json.dumps(state, default=repr))
print(len(state['state']))
"""
TYPED = (
    "%wan", "%wan sessions", "%wan doctor", "%wan jobs", "%wan show", "%wan models", "%wan help", "%whos", SHOW, LOCALS,
    "%%wan cat.png --dry-run\nA cat", "%tb", "job.video", "job", "import sys; print(sys.argv, sys.exc_info())",
    "print(open('/proc/self/cmdline').read())",
)  # fmt: skip


@pytest.mark.timeout(300)
def test_nothing_in_a_live_notebook_has_a_secret(
    own_kernel: Kernel, workspace: Workspace, studio: PortEmulator
) -> None:
    """Every message of the kernel, the widgets' state, logs at DEBUG, tracebacks with all their variables."""
    kernel = own_kernel
    kernel.begin(workspace, variables(studio))
    for cell in (f"{TALK}\nimport wan_jupyter", NO_WAITING, "%xmode Verbose"):
        kernel.ok(cell, live=True)
    kernel.ok("%%wan cat.png --wait -o job\nA cat", live=True)
    for number, status in enumerate((401, 403, 500)):
        studio.faults(echo(status, KEY))
        kernel.run(f"%%wan cat.png {'--wait' if number else '--no-wait'}\nA cat {number}", live=True)
    for cell in TYPED:
        kernel.run(cell, live=True)
    asked = kernel.start("%wan login", live=True)
    assert kernel.client.get_stdin_msg(timeout=PATIENCE)["content"]["password"]
    kernel.client.input(KEY)
    kernel.until(lambda: asked.idle)
    for cell in ("%wan", "%wan logout", f"%wan login {KEY}", f"%%wan cat.png -p api_key={KEY}\nA cat {KEY}"):
        kernel.run(cell, live=True)
    assert int(kernel.ok(STATE, live=True).stream) > 0
    write_down(kernel, workspace.folder)
    log = (workspace.folder / "kernel-debug.log").read_text()
    assert "receive_response_headers.complete" in log
    said = (workspace.folder / "messages.json").read_text()
    assert "ZeroDivisionError" in said
    assert "[key]" in said
    assert searched(workspace.folder) == []


def write_down(kernel: Kernel, folder: Path) -> None:
    """Keep every message that came, and the notebook that a front end would save, widgets and all."""
    messages = [message for message in kernel.log if message["msg_type"] != "execute_input"]  # what the user typed
    (folder / "messages.json").write_text(json.dumps(messages, default=repr))
    outputs = [output for cell in kernel.cells.values() for output in cell.outputs]
    state = json.loads((folder / "widgets.json").read_text())
    widgets = {"widgets": {"application/vnd.jupyter.widget-state+json": state}}
    saved = {"cells": [{"outputs": outputs}], "metadata": widgets}
    (folder / "saved.ipynb").write_text(json.dumps(saved, default=repr))


# ---- notebooks that run by themselves, their export, and the doctor -------------------------------------------------


@pytest.mark.timeout(300)
def test_nothing_in_an_exported_notebook_has_a_secret(tmp_path: Path, studio: PortEmulator) -> None:
    """nbclient, then nbconvert: the notebook as saved, and the page."""
    from nbclient import NotebookClient
    from nbconvert import HTMLExporter

    workspace = Workspace(tmp_path / "tree")
    cells = [
        f"{LOAD}\n{TALK}\n{NO_WAITING}", "%%wan cat.png -o job\nA cat", "%%wan cat.png\nA cat refused",
        "%xmode Verbose",
        "%%wan cat.png\nA cat that fails", "%wan doctor", "import wan_jupyter\n" + SHOW, "%wan show", "%wan login",
    ]  # fmt: skip
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    studio.faults(echo(401, KEY, skip=1), echo(500, KEY, skip=1))
    more = {"WAN_HOME": str(workspace.home), "JUPYTER_PLATFORM_DIRS": "1", **FAST, **variables(studio)}
    resources = {"metadata": {"path": str(workspace.folder)}}
    client = NotebookClient(book, timeout=PATIENCE, kernel_name="python3", allow_errors=True, resources=resources)
    client.execute(env=environment(workspace.folder, IPYTHONDIR=str(workspace.folder / "ipython"), **more))
    nbformat.write(book, workspace.folder / "ran.ipynb")
    page, _ = HTMLExporter().from_notebook_node(book)
    (workspace.folder / "ran.html").write_text(page)
    said = (workspace.folder / "ran.ipynb").read_text()
    assert "[key]" in said
    assert "<video" in page
    assert searched(workspace.folder) == []


@pytest.mark.parametrize("status", [200, 401, 500])
def test_nothing_that_the_doctor_says_has_a_secret(tmp_path: Path, studio: PortEmulator, status: int) -> None:
    """`python -m wan_jupyter doctor`, in a terminal."""
    tree = tmp_path / "tree"
    tree.mkdir()
    if status != 200:
        studio.faults(echo(status, KEY, at="poll"))
    command = [sys.executable, "-m", "wan_jupyter", "doctor"]
    ran = subprocess.run(
        command, cwd=tree, env=environment(tree, **variables(studio)), capture_output=True, text=True, timeout=PATIENCE
    )
    (tree / "said.txt").write_text(ran.stdout + ran.stderr)
    assert "DASHSCOPE_API_KEY" in ran.stdout
    assert searched(tree) == []
