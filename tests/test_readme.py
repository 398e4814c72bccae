"""The README is short, its first cells make a video, its profile lines work, and a test makes its pictures.

What it shares with the documentation (cells that run, generated tables, links) is in `test_docs`.
"""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.support.kernel_client import Kernel
from tests.support.processes import ROOT
from tools.generate_tables import PAGES, README

DEAR = {"httpx", "PIL", "av", "nbformat", "ipywidgets", "starlette"}
TEXT = README.read_text(encoding="utf-8")
SETTINGS = (ROOT / "docs" / "how-to" / "settings.md").read_text(encoding="utf-8")
IMAGES = ROOT / "docs" / "images"
PICTURES = ROOT / "tests" / "browser" / "test_pictures.py"  # what makes them
HEAVIEST = 64_000  # bytes
LONGEST = 200  # lines


def blocks(text: str, part: str) -> list[str]:
    """Return the code blocks between the marks of a part."""
    inside = text.split(f"<!-- {part} -->")[1].split(f"<!-- /{part} -->")[0]
    return [block.strip("\n") for block in re.findall(r"```\w*\n(.*?)```", inside, re.DOTALL)]


def test_it_is_short() -> None:
    """Tables, figures and background are in `docs/`."""
    assert len(TEXT.splitlines()) < LONGEST


def test_the_first_cells_make_a_video(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a newcomer pastes runs as it is, and ends as a video."""
    monkeypatch.setenv("WAN_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("WAN_EMULATOR_SPEED", "20")
    monkeypatch.setenv("WAN_EMULATOR_CLIP_SECONDS", "0.2")
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in blocks(TEXT, "first cells")])
    NotebookClient(book, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert "<video" in book.cells[-1].outputs[0]["data"]["text/html"]


def test_a_profile_loads_the_extension(tmp_path: Path) -> None:
    """A kernel with these lines in its profile knows the magic before any cell, and imports nothing dear for it."""
    profile = tmp_path / "ipython" / "profile_default"
    profile.mkdir(parents=True)
    (profile / "ipython_config.py").write_text("\n".join(blocks(SETTINGS, "autoload")))
    loaded = "sorted({name.split('.')[0] for name in __import__('sys').modules})"
    kernel = Kernel(tmp_path)
    try:
        assert set(kernel.ask(loaded)) & DEAR == set()
        assert kernel.ask("get_ipython().magics_manager.registry['WanMagics'].auto_resume") is True
        assert "emulator" in kernel.ok("%wan use emulator").stream
    finally:
        kernel.stop()


def test_the_first_cell_mentions_unfinished_jobs(tmp_path: Path) -> None:
    """Loaded by a profile, the extension has nowhere to say it before; afterwards it says nothing more."""
    profile = tmp_path / "ipython" / "profile_default"
    profile.mkdir(parents=True)
    (profile / "ipython_kernel_config.py").write_text(blocks(SETTINGS, "autoload")[0].splitlines()[0])
    slow = "%env WAN_EMULATOR_SPEED=0.01\n%wan use emulator\nimport wan_jupyter\nwan_jupyter.sample('cat.png')"
    first = Kernel(tmp_path)
    try:
        first.ok(slow)
        first.ok("%%wan cat.png --no-wait -o job\nA cat")
        first.until(lambda: first.ask("job.status.name") in ("QUEUED", "RUNNING"))
        job = first.ask("job.id")
    finally:
        first.stop()
    second = Kernel(tmp_path)
    try:
        assert job in second.ok("1 + 1").stream
        assert second.ok("1 + 1").stream == ""
    finally:
        second.stop()


def test_every_picture_is_made_by_a_test_in_light_and_dark() -> None:
    """The README and the pages show them all, for either theme, and they are small."""
    shown = {name for page in PAGES for name in re.findall(r"images/([\w.-]+\.png)", page.read_text("utf-8"))}
    made = re.findall(r'f"([\w-]+)-\{theme.lower\(\)\}"', PICTURES.read_text(encoding="utf-8"))
    assert shown == {f"{name}-{theme}.png" for name in made for theme in ("light", "dark")}
    assert {path.name for path in IMAGES.iterdir()} == shown
    assert [path.name for path in IMAGES.iterdir() if path.stat().st_size > HEAVIEST] == []
