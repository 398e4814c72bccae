"""The README's pictures, light and dark: what it shows is what these pages showed.

They go to the folder `readme` of the shots; copy them to `docs/images` after they were looked at.
"""

from __future__ import annotations

import io
from collections import Counter
from typing import Any

import pytest
from PIL import Image

from .conftest import SHOTS, Service
from .lab import PANEL
from .test_composer import choose, form, says
from .test_looks import SHAPE, load

THEMES = pytest.mark.parametrize("theme", ["Light", "Dark"])
SAMPLES = "%load_ext wan_jupyter\nfrom wan_jupyter import sample\nsample('cat.png'), sample('night.png', 'night')"
SUNSET = "The cat looks up as the sun goes down behind the hills."


def keep(page: Any, things: list[Any], name: str) -> None:
    """Keep what lies from the first of these elements to the last, in few colours: people download it with the code."""
    page.mouse.move(5, 5)
    top, low = (things[at].bounding_box() for at in (0, -1))
    clip = {"x": top["x"], "y": top["y"], "width": top["width"], "height": low["y"] + low["height"] - top["y"]}
    shot = Image.open(io.BytesIO(page.screenshot(clip=clip))).convert("RGB")
    (SHOTS / "readme").mkdir(parents=True, exist_ok=True)
    few = shot.quantize(palette=shot.quantize(256, kmeans=3), dither=Image.Dither.FLOYDSTEINBERG)
    few.putpalette(truer(few, shot))
    few.save(SHOTS / "readme" / f"{name}.png", optimize=True)


def truer(few: Image.Image, shot: Image.Image) -> list[int]:
    """Return the palette with the commonest colours just as they are: white is white."""
    palette = few.getpalette() or []
    pairs = Counter(zip(few.tobytes(), zip(*[iter(shot.tobytes())] * 3, strict=True), strict=True)).most_common(16)
    for (index, colour), _ in reversed(pairs):
        palette[3 * index : 3 * index + 3] = colour
    return palette


def only(page: Any, lab: Any, *cells: int) -> list[Any]:
    """Scroll up, with the cells before these hidden, and return their elements."""
    page.evaluate("(first) => window.nb.content.widgets.slice(0, first).forEach(cell => cell.hide())", cells[0])
    page.locator(f"{PANEL} .jp-WindowedPanel-outer").evaluate("e => e.scrollTo(0, 0)")
    return [lab.cell(cell) for cell in cells]


@THEMES
def test_the_player_and_the_card(notebook: Any, page: Any, tmp_path: Any, theme: str) -> None:
    """One cell has its video, the next one is rendering."""
    fade = "%%wan cat.png night.png\nDusk turns into night, the moon rises and the stars come out."
    slow = "%env WAN_EMULATOR_SPEED=1\n%env WAN_EMULATOR_CLIP_SECONDS=5"
    lab = notebook(f"%env WAN_HOME={tmp_path}\n{slow}\n{SAMPLES}", f"%%wan cat.png -d 5\n{SUNSET}", fade)
    lab.theme(f"JupyterLab {theme}")
    lab.run(0)
    lab.run(1)
    lab.see(1, "video")
    assert lab.play(1)["error"] is None
    lab.run(2)
    lab.see_text(2, "Rendering")
    lab.see(2, ".wan-card img")
    keep(page, only(page, lab, 1, 2), f"first-video-{theme.lower()}")


@THEMES
def test_the_table(notebook: Any, page: Any, service: Service, tmp_path: Any, theme: str) -> None:
    """Jobs that ended well, badly, and not yet."""
    words = ("The cat looks up.", "고양이가 언덕 너머로 지는 해를 올려다본다.", "A forbidden prompt")
    cells = [f"%%wan cat.png {SHAPE} --quiet\n{prompt}" for prompt in words]
    lab = notebook(load(service, str(tmp_path / "home")), *cells, "%wan jobs")
    lab.theme(f"JupyterLab {theme}")
    for cell in range(len(cells) + 1):
        lab.run(cell)
    lab.see(1, "video")
    lab.see(2, "video")
    lab.see_text(3, "DataInspectionFailed")
    lab.run(4)
    lab.see(4, "table img")
    keep(page, only(page, lab, 4), f"jobs-{theme.lower()}")


@THEMES
def test_the_composer(notebook: Any, page: Any, tmp_path: Any, theme: str) -> None:
    """Filled in, and its job rendering below."""
    page.set_viewport_size({"width": 1180, "height": 1300})
    lab = notebook(f"%env WAN_HOME={tmp_path}\n%env WAN_EMULATOR_SPEED=0.5\n{SAMPLES}", "%wan compose")
    lab.theme(f"JupyterLab {theme}")
    shown = form(lab)
    choose(shown, "first", "cat.png")
    shown.locator("textarea").fill(SUNSET)
    says(shown, "Costs nothing")
    shown.locator(".wan-generate").click()
    says(shown, "Rendering")
    shown.locator(".wan-job img").wait_for(timeout=60_000)
    keep(page, [shown], f"composer-{theme.lower()}")
