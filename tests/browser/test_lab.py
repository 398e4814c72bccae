"""The product in a real JupyterLab: the card goes on, the video plays, and what is saved needs no kernel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .conftest import SHOTS

LOAD = "%load_ext wan_jupyter\nimport wan_jupyter\npicture = wan_jupyter.sample('cat.png')"
SLOW = "%env WAN_EMULATOR_SPEED=0.02\n%env WAN_HOME=slow\n" + LOAD
FIRST = "%%wan cat.png -d 5\nThe cat looks up as the sun goes down behind the hills."
WIDGET = "application/vnd.jupyter.widget-view+json"


def shoot(thing: Any, name: str) -> None:
    """Keep a screenshot, for people to look at and for the README."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    thing.screenshot(path=str(SHOTS / f"{name}.png"))


def joined(data: dict[str, Any], kind: str) -> str:
    """Return a saved output's text, which nbformat keeps as lines."""
    return "".join(data.get(kind, ""))


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_a_cell_shows_progress_then_a_video_that_plays(notebook: Any, theme: str) -> None:
    """Run cell, see the card, see the player: the video decodes and its clock moves."""
    lab = notebook(f"%env WAN_EMULATOR_SPEED=1\n{LOAD}", f"{FIRST}\nIn {theme}.")
    lab.theme(theme)
    lab.run(0)
    lab.run(1)
    card = lab.see(1, ".wan-card")
    assert lab.see(1, ".wan-cancel").is_visible()
    lab.see_text(1, "Rendering")
    shoot(card, f"card-{theme.split()[1].lower()}")
    shoot(lab.cell(1), f"running-{theme.split()[1].lower()}")
    lab.see(1, "video")
    state = lab.play(1)
    assert state["error"] is None
    assert state["readyState"] >= 2
    assert state["time"] > 0
    assert state["width"] == 1280
    shoot(lab.cell(1), f"player-{theme.split()[1].lower()}")
    assert lab.errors() == []


def test_the_saved_notebook_has_the_video_and_no_widget(notebook: Any) -> None:
    """What is on disk is the static bundle: an HTML player, a picture, text; no view of a widget that is gone."""
    lab = notebook(LOAD, f"{FIRST}\nTo be saved.")
    lab.run(0)
    lab.run(1)
    lab.see(1, "video")
    [output] = lab.save()[1]
    assert set(output["data"]) == {"text/html", "image/jpeg", "text/plain"}
    html = joined(output["data"], "text/html")
    assert "<video" in html
    assert "<source" not in html
    assert 'src="data:video/mp4;base64,' in html


def test_a_notebook_reopened_without_its_kernel_plays(notebook: Any, page: Any) -> None:
    """Saved, kernel ended, page loaded anew: the video is there and plays."""
    lab = notebook(LOAD, f"{FIRST}\nTo be reopened.")
    lab.run(0)
    lab.run(1)
    lab.see(1, "video")
    lab.save()
    name = page.evaluate("() => window.nb.context.path")
    lab.shutdown()
    lab.open(name, kernel=False)
    lab.see(1, "video")
    assert lab.play(1)["time"] > 0


def test_run_all_with_a_blocking_cell_saves_the_video_meanwhile(notebook: Any) -> None:
    """While the next cell blocks the kernel, the card goes on and the video is downloaded and shown."""
    block = "import time\nfrom pathlib import Path\nend = time.monotonic() + 60\n"
    block += "while not Path('go_on').exists() and time.monotonic() < end: time.sleep(0.05)\nprint('unblocked')"
    lab = notebook(LOAD, f"{FIRST}\nWhile another cell runs.", block, "print('after')")
    lab.run_all()
    lab.see_text(1, "Rendering")
    lab.see(1, "video")
    assert lab.is_running(2)
    assert lab.play(1)["time"] > 0
    (lab.server.root / "go_on").touch()
    lab.see_text(3, "after")
    (lab.server.root / "go_on").unlink()


def test_cancel_ends_a_queued_job(notebook: Any) -> None:
    """A click on Cancel while the job is queued: the service takes it back and the card says so."""
    lab = notebook(SLOW, f"{FIRST}\nTo be canceled.")
    lab.run(0)
    lab.run(1)
    lab.see_text(1, "Queued")
    lab.see(1, ".wan-cancel").click()
    lab.see_text(1, "Canceled")
    [output] = lab.save()[1]
    assert WIDGET not in output["data"]
    assert "<video" not in joined(output["data"], "text/html")


def test_the_stop_button_ends_the_wait_and_not_the_job(notebook: Any) -> None:
    """Stop during `--wait`: the cell ends with a line that says how to come back, and the job goes on."""
    lab = notebook(SLOW, f"%%wan cat.png --wait -o job\n{FIRST[-20:]} Waited for.", "print(job.status, job.done)")
    lab.run(0)
    lab.start(1)
    lab.see_text(1, "Queued")
    lab.click_stop()
    lab.await_ran(1)
    text = lab.text(1)
    assert "keeps running in the background" in text
    assert "%wan wait" in text
    assert "Traceback" not in text
    lab.run(2)
    assert "QUEUED False" in lab.text(2)


def test_a_failed_job_turns_its_card_red_and_stops_nothing(notebook: Any) -> None:
    """The service refuses the words: the card says what happened and what to do; the next cell runs."""
    lab = notebook(LOAD, "%%wan cat.png\nA forbidden prompt.", "print('went on')")
    lab.run(0)
    lab.run(1)
    lab.see_text(1, "DataInspectionFailed")
    lab.see_text(1, "Nothing was billed")
    lab.run(2)
    assert "went on" in lab.text(2)
    shoot(lab.cell(1), "failed")


def test_a_job_as_a_cells_last_line_shows_its_card(notebook: Any) -> None:
    """The Python door draws the same card and the same player."""
    call = "session = wan_jupyter.Session('emulator')\nsession.submit('Python door', image='cat.png', duration=5)"
    lab = notebook(LOAD, call)
    lab.run(0)
    lab.run(1)
    lab.see(1, ".wan-card")
    lab.see(1, "video")
    assert lab.play(1)["time"] > 0


def test_the_exported_page_plays(page: Any, tmp_path: Path, lab_python: Any) -> None:
    """`jupyter nbconvert --execute --to html`: the video is in the page and plays from the file."""
    made = lab_python.convert([LOAD, f"{FIRST}\nTo be exported."], tmp_path)
    page.goto(made.as_uri())
    from .lab import play

    assert play(page, "video")["time"] > 0
