"""Fixtures of the browser tests. They run in a pytest process of their own: Playwright's loop would hurt the others."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from .lab import CHROMIUM, CHROMIUM_ARGS, LabPage, LabServer
from .service import Service

FIRST = "test_lab.py"
NAMES = itertools.count()
SHOTS = Path(os.environ.get("WAN_SHOTS", "build/shots"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything here, and skip it where there is no Chromium; in CI that is a failure.

    `make test` runs the way of a job through JupyterLab; the rest takes minutes and belongs to `make stress`.
    """
    ours = [item for item in items if item.path.is_relative_to(Path(__file__).parent)]
    for item in ours:
        item.add_marker(pytest.mark.browser)
        if item.path.name != FIRST:
            item.add_marker(pytest.mark.stress)
        if CHROMIUM is None and not os.environ.get("CI"):
            item.add_marker(pytest.mark.skip(reason="no Chromium here: install the distribution's chromium package"))


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabServer]:
    """A JupyterLab whose kernels use a fast emulator."""
    folder = tmp_path_factory.mktemp("lab")
    environ = {
        "WAN_HOME": str(folder / "wan"),
        "WAN_PROVIDER": "emulator",
        "WAN_EMULATOR_SPEED": "3",
        "WAN_EMULATOR_CLIP_SECONDS": "1",
    }
    lab = LabServer(folder, environ)
    yield lab
    lab.stop()


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


@pytest.fixture
def page(chromium: Any) -> Iterator[Any]:
    """A fresh page."""
    context = chromium.new_context(viewport={"width": 1180, "height": 1000})
    made = context.new_page()
    made.complaints = []
    made.on("console", lambda said: made.complaints.append(said.text) if said.type == "error" else None)
    made.on("pageerror", lambda error: made.complaints.append(str(error)))
    yield made
    context.close()


@pytest.fixture
def notebook(server: LabServer, page: Any) -> Iterator[Any]:
    """Write and open a notebook of the given cells; its kernel ends with the test."""
    opened: list[LabPage] = []

    def make(*cells: str) -> LabPage:
        name = f"notebook-{next(NAMES)}.ipynb"
        server.write(name, list(cells))
        opened.append(LabPage(page, server).open(name))
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
