"""The popup of Tab, as it is seen in JupyterLab and in Jupyter Notebook 7, and what a choice makes of the cell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.support.world import picture
from wan_jupyter.catalog import plan

from .conftest import Service, both, dark_and_light
from .lab import POPUP, LabPage
from .test_lab import shoot
from .test_looks import SHAPE, load

USUAL = plan.models()[plan.providers()[plan.EMULATOR].defaults["first"]]
ODD = "wan2.5-i2v-preview"  # takes two lengths only
FILES = ("cat.png", "night.png", "고양이 2.png", "notes.txt", "cats/tom.png")
EMPTY = 2  # after the cells that load the extension and make a job


def workspace(notebook: Any, service: Service, folder: Path) -> LabPage:
    """Open a notebook in a folder of pictures, with a variable that may be one; its last cell is empty."""
    for name in FILES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(picture())
    begin = f"{load(service, str(folder.parent / 'home'))}\n%cd -q {folder}\nphoto = b''"
    lab: LabPage = notebook(begin, f"%%wan cat.png {SHAPE} --wait --quiet -o job\nA cat", "")
    lab.run(0)
    return lab


# A line, what is offered, and the one that is taken.
LINES: tuple[tuple[str, list[str], str], ...] = (
    ("%%wan cat.png -d ", [str(seconds) for seconds in USUAL.durations], "5"),
    ("%%wan cat.png -d 1", [str(seconds) for seconds in USUAL.durations if seconds > 9], "12"),
    (f"%%wan cat.png -m {ODD} -d ", ["5", "10"], "10"),
    (f"%%wan cat.png -d | -m {ODD}", ["5", "10"], "10"),
    ("%%wan cat.png -d |\nA cat looks up", [str(seconds) for seconds in USUAL.durations], "2"),
    ("%%wan cat.png -r ", list(USUAL.resolutions), "1080P"),
    ("%%wan cat.png -m ", list(plan.models()), "wan2.6-i2v"),
    ("%%wan cat.png -m wan2.5", [ODD], ODD),
    ("%%wan c", ["cat.png", "cats/"], "cat.png"),
    ("%%wan cat.png cats/", ["cats/tom.png"], "cats/tom.png"),
    ("%%wan 고", ['"고양이 2.png"'], '"고양이 2.png"'),
    ("%%wan $ph", ["$photo"], "$photo"),
    ("%%wan cat.png --du|\nA cat looks up", ["--duration"], "--duration"),
    ("%wan sh", ["show"], "show"),
    ("strip = %wan s", ["sessions", "show", "spend"], "spend"),
)


@both
def test_the_popup_shows_the_right_values(notebook: Any, service: Service, tmp_path: Path) -> None:
    """Those of the model chosen, ours only and before JupyterLab's own words; the one taken is in the cell."""
    lab = workspace(notebook, service, tmp_path / "workspace")
    lab.run(1)
    lab.type(EMPTY, "print(job.id)")
    lab.run(EMPTY)
    made = lab.see(EMPTY, ".jp-OutputArea-output").inner_text().strip()
    jobs = (("%wan show ", [made], made), (f"%wan frame {made[:2]}", [made], made))
    for line, offers, taken in (*LINES, *jobs):
        lab.type(EMPTY, line)
        shown = lab.tab()
        assert (line, [text for text, kind in shown if kind]) == (line, offers)
        assert [text for text, _ in shown[: len(offers)]] == offers
        lab.choose(offers.index(taken))
        before, _, after = line.partition("|")
        assert lab.source(EMPTY) == f"{before.rpartition(' ')[0]} {taken}{after}"


@both
def test_a_cell_that_tab_wrote_makes_its_video(notebook: Any, service: Service, tmp_path: Path) -> None:
    """A picture, a model and its length by Tab alone, a prompt, Shift+Enter: a video of that model and length."""
    lab = workspace(notebook, service, tmp_path / "workspace")
    keys = lab.page.keyboard
    lab.type(EMPTY, "%%wan ni")
    for goes_on, number in (("", 0), (f" -m {ODD[:6]}", 0), (" -d ", 1), (" -r ", 0)):
        keys.type(goes_on)
        lab.tab()
        lab.choose(number)
    keys.press("Enter")
    keys.type("The moon rises")
    assert lab.source(EMPTY) == f"%%wan night.png -m {ODD} -d 10 -r 480P\nThe moon rises"
    keys.press("Shift+Enter")
    lab.see(EMPTY, "video")
    assert f"{ODD} · 480P" in lab.text(EMPTY)
    assert service.tasks[-1]["model"] == ODD


@dark_and_light
def test_files_come_first(notebook: Any, service: Service, tmp_path: Path, theme: str, app: str) -> None:
    """Where anything may follow: pictures, folders, variables, then options, no other files; to look at, too."""
    lab = workspace(notebook, service, tmp_path / "workspace")
    lab.theme(theme)
    lab.type(EMPTY, "%%wan ")
    shown = [(text, kind) for text, kind in lab.tab() if kind]
    assert shown[:3] == [(name, "picture") for name in ("cat.png", "night.png", '"고양이 2.png"')]
    assert ("cats/", "folder") in shown
    assert ("$photo", "name") in shown
    assert ("notes.txt", "picture") not in shown
    assert list(dict.fromkeys(kind for _, kind in shown)) == ["picture", "folder", "name", "option"]
    popup = lab.page.locator(POPUP)
    assert popup.evaluate("e => e.scrollWidth <= e.clientWidth + 1")
    shoot(popup, f"popup-{app}-{theme.split()[1].lower()}")
