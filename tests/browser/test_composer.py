"""The composer in a real JupyterLab: a form is filled in, a job runs in it, and its cell asks for the same."""

from __future__ import annotations

from typing import Any

import pytest

from .lab import LONG
from .test_lab import shoot

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


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_the_composer_makes_a_video(notebook: Any, theme: str) -> None:
    """Pictures, prompt, Generate: the card goes on in the form, and the video plays there."""
    lab = notebook(f"%env WAN_EMULATOR_SPEED=1\n{LOAD}", "%wan compose")
    lab.theme(f"JupyterLab {theme}")
    shown = form(lab)
    says(shown, "Choose a first frame")
    shoot(shown, f"composer-empty-{theme.lower()}")
    choose(shown, "first", "cat.png")
    choose(shown, "last", "night.png")
    shown.locator("textarea").fill(f"{PROMPT} {theme}")
    says(shown, "Costs nothing")
    shoot(shown, f"composer-filled-{theme.lower()}")
    shown.locator(".wan-generate").click()
    says(shown, "Rendering")
    shoot(shown, f"composer-running-{theme.lower()}")
    lab.see(1, "video")
    state = lab.play(1)
    assert state["error"] is None
    assert state["time"] > 0
    shown.locator(".wan-to-cell").click()
    says(shown, "The same as a cell")
    shoot(shown, f"composer-done-{theme.lower()}")
    assert lab.errors() == []
