"""How it looks and who can use it: card, board, player and table, light and dark, wide and narrow, in CJK, under axe.

The pictures go to the shots folder, for people to look at; what a machine can judge is asserted.
"""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

import pytest

from tests.support.ipython_shell import HELD

from .conftest import Service
from .test_lab import shoot

THEMES = ("JupyterLab Light", "JupyterLab Dark")
CJK = "고양이가 언덕 너머로 지는 해를 올려다본다。猫は夕暮れの丘を見上げる。猫抬头望着山后的落日，晚风轻轻吹过草地。"
SHAPE = "-d 5 -r 480P -m wan2.5-i2v-preview"


def load(service: Service, home: str) -> str:
    """Return a cell that loads the extension with a home of its own and the emulator of this test."""
    lines = [f"%env WAN_HOME={home}", "%env WAN_PROVIDER=emulator", f"%env WAN_BASE_URL={service.base_url}"]
    return "\n".join([*lines, "%load_ext wan_jupyter", "import wan_jupyter", "wan_jupyter.sample('cat.png')"])


def violations(page: Any, selector: str) -> list[str]:
    """Return what axe-core finds wrong in the elements of a selector, one line each."""
    source = (resources.files("axe_playwright_python") / "axe.min.js").read_text("utf-8")
    if not page.evaluate("() => Boolean(window.axe)"):
        page.evaluate(source)
    found = page.evaluate("(selector) => axe.run(selector).then(({violations}) => violations)", selector)
    return [f"{one['id']}: {json.dumps([node['html'][:200] for node in one['nodes']])}" for one in found]


def width(page: Any, pixels: int) -> None:
    """Make the window so wide, without the side bar."""
    page.set_viewport_size({"width": pixels, "height": 1000})


@pytest.mark.parametrize("theme", THEMES)
def test_the_card(notebook: Any, page: Any, service: Service, theme: str, tmp_path: Any) -> None:
    """A third job knows what the first two took; the request opens and stays open; nothing is wrong for axe."""
    first = f"%%wan cat.png {SHAPE} --wait --quiet\n"
    cells = [load(service, str(tmp_path / "looks")), f"{first}One", f"{first}Two", f"%%wan cat.png {SHAPE}\n{CJK}"]
    lab = notebook(*cells, "%%wan cat.png cat.png -m wan2.2-kf2v-flash\nThe first of its kind")
    name = theme.split()[1].lower()
    lab.theme(theme)
    for cell in range(3):
        lab.run(cell)
    service.faults(HELD)
    lab.run(3)
    lab.run(4)
    lab.see_text(3, "usually about 0:0")
    lab.see_text(4, "Rendering")
    assert "about" not in lab.text(4)
    summary = lab.see(3, ".wan-request summary")
    for cell in (3, 4):
        shoot(lab.cell(cell).locator(".jp-Cell-outputWrapper"), f"card-{cell}-{name}")
    summary.click()
    pre = lab.see(3, ".wan-request pre")
    assert '"prompt"' in pre.inner_text()
    assert "sha256" in pre.inner_text()
    assert violations(page, ".wan-box") == []
    shoot(lab.cell(3).locator(".jp-Cell-outputWrapper"), f"card-request-{name}")
    summary.click()
    width(page, 620)
    shoot(lab.cell(3), f"card-narrow-{name}")
    box = lab.cell(3).locator(".wan-box")
    assert box.evaluate("e => e.scrollWidth <= e.clientWidth + 1")
    width(page, 1180)
    service.clear()
    lab.see(3, "video")
    lab.see(4, "video")


@pytest.mark.parametrize("theme", THEMES)
def test_the_player_and_the_tables(notebook: Any, page: Any, service: Service, theme: str, tmp_path: Any) -> None:
    """Caption in CJK, the table of jobs with pictures, a filmstrip: to look at, and without a complaint of axe's."""
    cells = [load(service, str(tmp_path / "looks")), f"%%wan cat.png {SHAPE} --wait\n{CJK}\n둘째 줄"]
    bad = f"%%wan cat.png {SHAPE}\nA forbidden prompt"
    lab = notebook(*cells, bad, "%wan jobs", "%wan frame --strip 4", "%wan jobs --failed --since today")
    name = theme.split()[1].lower()
    lab.theme(theme)
    lab.run(0)
    lab.run(1)
    lab.see(1, "video")
    lab.run(2)
    lab.see_text(2, "DataInspectionFailed")
    lab.run(3)
    lab.see(3, "table img")
    assert lab.cell(3).locator("table").evaluate("e => e.offsetWidth <= e.parentElement.clientWidth + 1")
    lab.cell(1).locator("summary").click()
    shoot(lab.cell(1), f"player-cjk-{name}")
    shoot(lab.cell(3), f"jobs-{name}")
    shoot(lab.cell(2), f"failed-{name}")
    assert violations(page, ".wan-player") == []
    assert violations(page, ".wan-table") == []
    width(page, 620)
    shoot(lab.cell(1), f"player-narrow-{name}")
    shoot(lab.cell(3), f"jobs-narrow-{name}")
    player = lab.cell(1).locator(".wan-player")
    assert player.evaluate("e => e.scrollWidth <= e.clientWidth + 1")
    lab.run(5)
    assert len(lab.cell(5).locator("tbody tr").all()) == 1


@pytest.mark.parametrize("theme", THEMES)
def test_the_board(notebook: Any, page: Any, service: Service, theme: str, tmp_path: Any) -> None:
    """Seven jobs of one cell: four cards, and one table for the others, which ends as a static table."""
    shape = {"model": "wan2.5-i2v-preview", "resolution": "480P", "duration": 5}
    begin = f"session, shape, jobs = wan_jupyter.Session(), {shape}, []\nfor n in range(7):\n"
    begin += f"    jobs.append(session.submit(f'{{n}} {CJK}', image='cat.png', **shape))\n"
    begin += "    display(jobs[-1])"
    service.faults(HELD)
    lab = notebook(load(service, str(tmp_path / "looks")), begin, "%wan wait")
    name = theme.split()[1].lower()
    lab.theme(theme)
    lab.run(0)
    lab.run(1)
    assert lab.cell(1).locator(".wan-cancel").count() == 4
    lab.see_text(1, "3 jobs · 3 Rendering")
    lab.start(2)
    lab.see_text(2, "7 jobs · 7 Rendering")
    lab.see(2, ".wan-board img")
    assert violations(page, ".wan-board") == []
    shoot(lab.cell(2), f"board-{name}")
    width(page, 620)
    shoot(lab.cell(2), f"board-narrow-{name}")
    width(page, 1180)
    service.clear()
    lab.await_ran(2)
    lab.see_text(2, "7 jobs · 7 Saved")
    lab.see_text(1, "3 jobs · 3 Saved")
    shoot(lab.cell(2), f"board-end-{name}")
    assert lab.cell(1).locator("video").count() == 4
    assert violations(page, ".wan-table") == []
