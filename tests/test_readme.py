"""The README is true: its tables are generated, its first cells run, its messages are the product's own."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.support.generated_tables import README, written
from tests.support.kernel_client import Kernel
from wan_jupyter.errors import JobFailed, JobUncertain, ModelError, Problem

DEAR = {"httpx", "PIL", "av", "nbformat", "ipywidgets", "starlette"}
TEXT = README.read_text(encoding="utf-8")
IMAGES = README.parent / "notebooks" / "images"
PICTURES = README.parent / "tests" / "browser" / "test_pictures.py"  # what makes them
HEAVIEST = 64_000  # bytes


def blocks(part: str) -> list[str]:
    """Return the code blocks between the marks of a part."""
    inside = TEXT.split(f"<!-- {part} -->")[1].split(f"<!-- /{part} -->")[0]
    return [block.strip("\n") for block in re.findall(r"```\w*\n(.*?)```", inside, re.DOTALL)]


def test_the_tables_are_the_ones_that_are_declared() -> None:
    """Run `python tests/readme.py` after a change of options, providers or errors."""
    assert written(TEXT) == TEXT


def test_the_first_cells_make_a_video(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a newcomer pastes runs as it stands, and ends as a video."""
    monkeypatch.setenv("WAN_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("WAN_EMULATOR_SPEED", "20")
    monkeypatch.setenv("WAN_EMULATOR_CLIP_SECONDS", "0.2")
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in blocks("first cells")])
    NotebookClient(book, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert "<video" in book.cells[-1].outputs[0]["data"]["text/html"]


def test_a_profile_loads_the_extension(tmp_path: Path) -> None:
    """A kernel with these lines in its profile knows the magic before any cell, and imports nothing dear for it."""
    profile = tmp_path / "ipython" / "profile_default"
    profile.mkdir(parents=True)
    (profile / "ipython_config.py").write_text("\n".join(blocks("autoload")))
    loaded = "sorted({name.split('.')[0] for name in __import__('sys').modules})"
    kernel = Kernel(tmp_path)
    try:
        assert set(kernel.ask(loaded)) & DEAR == set()
        assert kernel.ask("get_ipython().magics_manager.registry['WanMagics'].auto_resume") is True
        assert "emulator" in kernel.ok("%wan use emulator").stream
    finally:
        kernel.stop()


def test_the_first_cell_tells_of_unfinished_jobs(tmp_path: Path) -> None:
    """Loaded by a profile, the extension has nowhere to say it before; afterwards it says nothing more."""
    profile = tmp_path / "ipython" / "profile_default"
    profile.mkdir(parents=True)
    (profile / "ipython_kernel_config.py").write_text(blocks("autoload")[0].splitlines()[0])
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


def test_the_messages_are_the_ones_that_are_shown() -> None:
    """Each failure in the README is what its error says, word for word."""
    moderation = Problem("DataInspectionFailed", "Input data may contain inappropriate content.", "…", 0, "moderation")
    lost = Problem("lost_answer", "ReadError", advice="uncertain")
    errors = [
        ModelError("model.duration", model="wan2.6-i2v-flash", value=99, choices="2 to 15"),
        JobFailed("job.failed", problem=moderation, id="k3x9q"),
        JobUncertain("job.uncertain", problem=lost, id="k3x9q"),
    ]
    assert [block.splitlines() for block in blocks("failures")] == [error.lines() for error in errors]


def test_every_picture_is_made_by_a_test_in_light_and_dark() -> None:
    """The README shows them all, for either theme, and they are small."""
    shown = set(re.findall(r"notebooks/images/([\w.-]+)", TEXT))
    made = re.findall(r'f"([\w-]+)-\{theme.lower\(\)\}"', PICTURES.read_text(encoding="utf-8"))
    assert shown == {f"{name}-{theme}.png" for name in made for theme in ("light", "dark")}
    assert {path.name for path in IMAGES.iterdir()} == shown
    assert [path.name for path in IMAGES.iterdir() if path.stat().st_size > HEAVIEST] == []
