"""What `make demo` calls: the notebook, the page, the videos; no key gets into any of them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from tests.support.ipython_shell import FAST
from tests.support.processes import ROOT, environment

SECRET = "sk-distinctive-9876543210"


def demo(notebook: Path, build: Path) -> subprocess.CompletedProcess[str]:
    """Run the demo with a key in the environment, on the emulator."""
    build.parent.mkdir(parents=True, exist_ok=True)
    settings = {"WAN_PROVIDER": "emulator", "IPYTHONDIR": str(build.parent / "ipython"), "JUPYTER_PLATFORM_DIRS": "1"}
    variables = environment(build.parent / "user", **settings, **FAST, DASHSCOPE_API_KEY=SECRET, WAN_API_KEY=SECRET)
    (build.parent / "user").mkdir()
    command = [sys.executable, str(ROOT / "notebooks" / "demo.py"), str(notebook), str(build)]
    return subprocess.run(command, env=variables, cwd=build.parent, text=True, capture_output=True, timeout=110)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], Path]:
    """The demo after one run, and the folder above what it built."""
    folder = tmp_path_factory.mktemp("demo")
    return demo(ROOT / "notebooks" / "01_first_video.ipynb", folder / "build"), folder


def test_the_demo_makes_a_notebook_a_page_and_videos(ran: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    """And ends well."""
    done, folder = ran
    assert done.returncode == 0, done.stderr
    made = {path.relative_to(folder / "build").parts[0] for path in (folder / "build").rglob("*")}
    assert {"demo.ipynb", "demo.html", "wan_outputs"} <= made
    assert len(list((folder / "build" / "wan_outputs").glob("*.mp4"))) == 3


def test_the_page_has_the_videos_in_it(ran: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    """Each `<video>` carries its own data: the page plays when it is sent to someone."""
    page = (ran[1] / "build" / "demo.html").read_text("utf-8")
    sources = re.findall(r'<video[^>]* src="([^"]{0,40})', page)
    assert len(sources) >= 4
    assert all(source.startswith("data:video/mp4;base64,") for source in sources)


def test_the_page_is_whole_by_itself(ran: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    """It has the notebook's name and fetches nothing from elsewhere: it opens at once, and far from any network."""
    page = (ran[1] / "build" / "demo.html").read_text("utf-8")
    assert "<title>The first video</title>" in page
    assert re.findall(r"<(?:script|link|img|iframe|source|import)\b[^>]*(?:src|href)=[\"']?(?:https?:)?//", page) == []
    assert re.findall(r"(?:\bfrom|\bimport)\s*\(?[\"']https?://", page) == []


def test_the_demo_prints_what_it_made(ran: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    """One path a line, from where it was called; nothing else, also no warning of the kernel's."""
    done, folder = ran
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert lines[:2] == ["build/demo.ipynb", "build/demo.html"]
    assert len(lines) == 5
    assert all((folder / line).is_file() for line in lines)


def test_no_key_is_in_anything_that_was_made(ran: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    """Neither in a file, nor in what was printed; also not in the home beside it."""
    done, folder = ran
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) > 10
    assert [path for path in files if SECRET.encode() in path.read_bytes()] == []
    assert SECRET not in done.stdout + done.stderr


def test_a_notebook_that_fails_fails_the_demo(tmp_path: Path) -> None:
    """Non-zero, with the error's own lines."""
    cells = [nbformat.v4.new_code_cell(source) for source in ("%load_ext wan_jupyter", "%%wan kat.png\nA cat")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "bad.ipynb")
    done = demo(tmp_path / "bad.ipynb", tmp_path / "under" / "build")
    assert done.returncode != 0
    assert "Image kat.png not found." in done.stderr


def test_a_notebook_without_a_video_fails_the_demo(tmp_path: Path) -> None:
    """A demo with nothing to see is none."""
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 + 1")]), tmp_path / "empty.ipynb")
    done = demo(tmp_path / "empty.ipynb", tmp_path / "under" / "build")
    assert done.returncode != 0
    assert "no video" in done.stderr
