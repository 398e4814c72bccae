"""The composer in a real JupyterLab: a form is filled in, a job runs in it, and its cell asks for the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.world import picture

from .conftest import both, dark_and_light
from .lab import LONG
from .test_lab import shoot
from .test_looks import violations

LOAD = "%load_ext wan_jupyter\nfrom wan_jupyter import sample\nsample('cat.png'), sample('night.png', 'night')"
PROMPT = "Dusk turns into night, and the cat looks up.\n고양이가 위를 본다, 猫が見上げる"


def form(lab: Any) -> Any:
    """Run the two cells and return the form's element."""
    lab.run(0)
    lab.run(1)
    return lab.see(1, ".wan-composer")


def field(shown: Any, label: str) -> Any:
    """Return a field by its label."""
    return shown.get_by_label(label, exact=True)


def choose(shown: Any, role: str, name: str) -> None:
    """Type a picture's name into a frame's field, and wait for its preview."""
    box = shown.locator(f".wan-panel.wan-{role} input[type=text]")
    box.fill(name)
    box.press("Enter")
    box.press("Tab")
    shown.locator(f".wan-panel.wan-{role} img").wait_for(timeout=LONG)


def says(shown: Any, words: str) -> None:
    """Wait until the form says something."""
    shown.get_by_text(words).first.wait_for(timeout=LONG)


@dark_and_light
def test_the_composer_makes_a_video(notebook: Any, theme: str, app: str) -> None:
    """Pictures, prompt, Generate: the card goes on in the form, and the video plays there."""
    lab = notebook(f"%env WAN_EMULATOR_SPEED=1\n{LOAD}", "%wan compose")
    lab.theme(theme)
    theme = theme.split()[1].lower()
    shown = form(lab)
    says(shown, "Choose a first frame")
    shoot(shown, f"composer-empty-{app}-{theme}")
    choose(shown, "first", "cat.png")
    choose(shown, "last", "night.png")
    shown.locator("textarea").fill(f"{PROMPT} {theme} {app}")
    says(shown, "Costs nothing")
    shoot(shown, f"composer-filled-{app}-{theme}")
    shown.locator(".wan-generate").click()
    says(shown, "Rendering")
    shoot(shown, f"composer-running-{app}-{theme}")
    lab.see(1, "video")
    state = lab.play(1)
    assert state["error"] is None
    assert state["time"] > 0
    shown.locator(".wan-to-cell").click()
    says(shown, "The same request as a cell")
    shoot(shown, f"composer-done-{app}-{theme}")
    assert lab.errors() == []


@both
def test_the_composers_cell_runs(notebook: Any) -> None:
    """To cell, copied by its button, pasted into a cell and run: the same video, and nothing is sent."""
    lab = notebook(LOAD, "%wan compose", "")
    shown = form(lab)
    choose(shown, "first", "cat.png")
    shown.locator("textarea").fill('It\'s a "cat", {{ 1 }} <b>bold</b>\n猫が見上げる')
    says(shown, "Costs nothing")
    shown.locator(".wan-generate").click()
    lab.see(1, "video")
    shown.locator(".wan-to-cell").click()
    shown.get_by_role("button", name="Copy").click()
    says(shown, "Copied")
    lab.cell(2).locator(".cm-content").click()
    lab.page.keyboard.press("Control+V")
    lab.run(2)
    lab.see(2, "video")
    assert "nothing was sent" in lab.text(2)
    assert lab.errors() == []


def test_an_upload_is_a_frame(notebook: Any, tmp_path: Path) -> None:
    """Through the browser's own dialog; its preview, its video, and the file that the cell names."""
    lab = notebook(LOAD, "%wan compose")
    shown = form(lab)
    path = tmp_path / "my fox.png"
    path.write_bytes(picture("orange", (640, 400)))
    with lab.page.expect_file_chooser() as chooser:
        shown.locator(".wan-panel.wan-first .widget-upload").click()
    chooser.value.set_files(path)
    says(shown, "my fox.png · 640 × 400 · uploaded")
    shown.locator(".wan-to-cell").click()
    says(shown, "%%wan wan_inputs/my_fox.png")
    assert (lab.server.root / "wan_inputs" / "my_fox.png").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_nothing_is_wrong_for_axe(notebook: Any, theme: str) -> None:
    """Names, roles and contrast: all options open, a problem said, a note said, the cell shown."""
    lab = notebook(LOAD, "%wan compose")
    lab.theme(f"JupyterLab {theme}")
    shown = form(lab)
    choose(shown, "first", "cat.png")
    shown.get_by_text("More options").click()
    shown.locator("textarea").fill("A cat")
    says(shown, "Costs nothing")
    shown.locator(".wan-to-cell").click()
    says(shown, "The same request as a cell")
    assert violations(lab.page, ".wan-composer") == []
    field(shown, "Seed").fill("seven")
    says(shown, "needs a whole number")
    assert violations(lab.page, ".wan-composer") == []
    shoot(shown, f"composer-problem-{theme.lower()}")


def test_the_form_can_be_used_by_keyboard_alone(notebook: Any) -> None:
    """Every control has a name, Tab reaches it, and Enter on Generate makes the video."""
    lab = notebook(LOAD, "%wan compose")
    shown = form(lab)
    for label in ("First image", "Last image", "Prompt", "Model"):
        assert field(shown, label).first.is_visible()
    field(shown, "First image").first.focus()
    keys = lab.page.keyboard
    keys.type("cat.png")
    keys.press("Tab")
    shown.locator(".wan-first img").wait_for(timeout=LONG)
    field(shown, "Prompt").focus()
    keys.type("By keyboard")
    says(shown, "Costs nothing")
    reached = set()
    for _ in range(40):
        keys.press("Tab")
        reached.add(lab.page.evaluate("() => document.activeElement.innerText || document.activeElement.type"))
        if "Generate" in reached:
            break
    assert "Generate" in reached
    keys.press("Enter")
    lab.see(1, "video")


def test_a_narrow_page_shows_all_of_it(notebook: Any, page: Any) -> None:
    """Labels stand above their fields, and nothing is wider than the form."""
    page.set_viewport_size({"width": 760, "height": 1500})
    lab = notebook(LOAD, "%wan compose")
    shown = form(lab)
    choose(shown, "first", "cat.png")
    shown.get_by_text("More options").click()
    shown.get_by_label("Seed").wait_for(timeout=LONG)
    shoot(shown, "composer-narrow")
    over = shown.evaluate(
        """e => [...e.querySelectorAll('*')].filter(x => x.checkVisibility() &&
            x.getBoundingClientRect().right > e.getBoundingClientRect().right + 1).map(x => x.className)"""
    )
    assert over == []
