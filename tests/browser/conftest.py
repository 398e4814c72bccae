"""Fixtures of the browser tests. They run in a pytest process of their own: Playwright's loop would hurt the others."""

from __future__ import annotations

import importlib.util
import itertools
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from .lab import CHROMIUM, CHROMIUM_ARGS, LabPage, LabServer
from .service import Service

FIRST = "test_lab.py"
NAMES = itertools.count()
SHOTS = Path(os.environ.get("WAN_SHOTS", "build/shots"))
FAST = {"WAN_PROVIDER": "emulator", "WAN_EMULATOR_SPEED": "3", "WAN_EMULATOR_CLIP_SECONDS": "1"}
has_seven = pytest.mark.skipif(importlib.util.find_spec("notebook") is None, reason="Jupyter Notebook is not installed")
both = pytest.mark.parametrize("app", ["lab", pytest.param("notebook", marks=has_seven)])  # a test in either
# A test in either, dark in one and light in the other: what both themes must show is looked at in test_looks.py.
dark_and_light = pytest.mark.parametrize(
    ("app", "theme"), [("lab", "JupyterLab Dark"), pytest.param("notebook", "JupyterLab Light", marks=has_seven)]
)
SIZE = {"width": 1180, "height": 1000}
FAILED = pytest.StashKey[bool]()  # of a test that failed, in its item's stash
SLOW = 400  # seconds: a page is opened twice in some tests, and a machine may be busy with others' work


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything here, and skip it where there is no Chromium; in CI that is a failure.

    `make test` runs the way of a job through JupyterLab; the rest takes minutes and belongs to `make stress`.
    """
    ours = [item for item in items if item.path.is_relative_to(Path(__file__).parent)]
    for item in ours:
        item.add_marker(pytest.mark.browser)
        item.add_marker(pytest.mark.timeout(SLOW))
        item.add_marker(pytest.mark.xdist_group(_app_of(item)))
        if item.path.name != FIRST:
            item.add_marker(pytest.mark.stress)
        if CHROMIUM is None and not os.environ.get("CI"):
            item.add_marker(pytest.mark.skip(reason="no Chromium here: install the distribution's chromium package"))


def _app_of(item: pytest.Item) -> str:
    """Return the application that a test is for: a worker starts one server and loads one page, which takes seconds."""
    callspec = getattr(item, "callspec", None)
    return str(callspec.params.get("app", "lab")) if callspec is not None else "lab"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Remember a failure: the page it happened on is not used again."""
    report: Any = yield
    item.stash[FAILED] = item.stash.get(FAILED, False) or report.failed
    return report


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], LabServer]]:
    """Servers by the name of their application, each started once, whose kernels use a fast emulator."""
    made: dict[str, LabServer] = {}

    def serve(app: str) -> LabServer:
        if app not in made:
            folder = tmp_path_factory.mktemp(app)
            made[app] = LabServer(folder, {"WAN_HOME": str(folder / "wan"), **FAST}, app)
        return made[app]

    yield serve
    for server in made.values():
        server.stop()


@pytest.fixture
def app() -> str:
    """JupyterLab, unless a test is for `both`."""
    return "lab"


@pytest.fixture
def server(servers: Callable[[str], LabServer], app: str) -> LabServer:
    """The server of the application that a test is for."""
    return servers(app)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """One Chromium."""
    from playwright.sync_api import sync_playwright

    assert CHROMIUM, "the browser tests may not be skipped here, and there is no Chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(CHROMIUM_ARGS))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def _service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    made = Service(tmp_path_factory.mktemp("service"), "--speed", "5", "--clip-seconds", "1")
    yield made
    made.stop()


@pytest.fixture
def service(_service: Service) -> Iterator[Service]:
    """A service whose jobs can be held where they are."""
    yield _service
    _service.clear()


@pytest.fixture(scope="session")
def pages() -> dict[str, Any]:
    """A page for each application: to load JupyterLab takes longer than most of what is done in it."""
    return {}


@pytest.fixture
def page(chromium: Any, pages: dict[str, Any], app: str, request: pytest.FixtureRequest) -> Iterator[Any]:
    """The application's page, of the usual size and without a complaint."""
    made = pages.get(app) or fresh(chromium)
    pages[app] = made
    made.set_viewport_size(SIZE)
    made.complaints.clear()
    yield made
    if request.node.stash.get(FAILED, False):
        pages.pop(app).context.close()


def fresh(chromium: Any) -> Any:
    """Open a page that remembers what its console complained about."""
    made = chromium.new_context(viewport=SIZE).new_page()
    made.complaints = []
    made.on("console", lambda said: made.complaints.append(said.text) if said.type == "error" else None)
    made.on("pageerror", lambda error: made.complaints.append(str(error)))
    return made


@pytest.fixture
def notebook(server: LabServer, page: Any) -> Iterator[Any]:
    """Write and open a notebook of the given cells; its kernel ends with the test."""
    opened: list[LabPage] = []

    def make(*cells: str) -> LabPage:
        name = f"notebook-{next(NAMES)}.ipynb"
        server.write(name, list(cells))
        opened.append(LabPage(page, server).turn_to(name))
        return opened[-1]

    yield make
    for lab in opened:
        lab.shutdown()


class Headless:
    """Runs notebooks as `jupyter nbconvert --execute` does, in a process of their own."""

    def __init__(self, environ: dict[str, str]) -> None:
        self._environ = environ

    def convert(self, cells: list[str], folder: Path) -> Path:
        """Execute a notebook of cells and return its HTML page."""
        made = [nbformat.v4.new_code_cell(source) for source in cells]
        nbformat.write(nbformat.v4.new_notebook(cells=made), folder / "export.ipynb")
        command = [sys.executable, "-m", "nbconvert", "--execute", "--to", "html", "export.ipynb"]
        subprocess.run(command, cwd=folder, env={**os.environ, **self._environ}, check=True, capture_output=True)
        return folder / "export.html"


@pytest.fixture
def lab_python(tmp_path: Path) -> Headless:
    """A headless runner with a home of its own and a fast emulator."""
    speed = {"WAN_EMULATOR_SPEED": "10", "WAN_EMULATOR_CLIP_SECONDS": "0.5"}
    return Headless({"WAN_HOME": str(tmp_path / "wan"), "WAN_PROVIDER": "emulator", **speed})
