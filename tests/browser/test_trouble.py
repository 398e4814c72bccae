"""What happens to a notebook while a job is under way: reloaded, run again, cleared, restarted, two at once.

Each in JupyterLab and in Jupyter Notebook 7.
"""

from __future__ import annotations

from typing import Any

from tests.support.ipython_shell import HELD

from .conftest import NAMES, Service, both
from .lab import LabPage
from .test_lab import WIDGET, joined
from .test_looks import SHAPE, load

CELL = f"%%wan cat.png {SHAPE} -o job\nA cat, {{}}"


def begun(notebook: Any, service: Service, home: Any, word: str, *more: str) -> LabPage:
    """Open a notebook whose second cell shows a job that is held where it is rendered."""
    service.faults(HELD)
    lab: LabPage = notebook(load(service, str(home)), CELL.format(word), *more)
    lab.run(0)
    lab.run(1)
    lab.see_text(1, "Rendering")
    return lab


@both
def test_a_page_reloaded_in_the_middle_goes_on(notebook: Any, service: Service, tmp_path: Any) -> None:
    """The card is there again, moves on, and ends as the video; what is saved then needs no kernel."""
    lab = begun(notebook, service, tmp_path / "home", "reloaded")
    lab.save()
    lab.reload()
    lab.see(1, ".wan-card")
    lab.see_text(1, "Rendering")
    service.clear()
    lab.see(1, "video")
    assert lab.play(1)["error"] is None


@both
def test_a_cell_run_again_and_a_cleared_output_cost_nothing(notebook: Any, service: Service, tmp_path: Any) -> None:
    """One task, one video: run again while it is rendered, then cleared, then run again."""
    before = len(service.tasks)
    lab = begun(notebook, service, tmp_path / "home", "run again", "print(job.status)")
    lab.run(1)
    lab.see_text(1, "Rendering")
    lab.clear(1)
    service.clear()
    lab.run(2)
    lab.run(1)
    lab.see(1, "video")
    assert lab.play(1)["error"] is None
    assert len(service.tasks) == before + 1
    [output] = lab.save()[1]
    assert WIDGET not in output["data"]
    assert lab.errors() == []


@both
def test_after_a_restart_the_same_cell_brings_the_video(notebook: Any, service: Service, tmp_path: Any) -> None:
    """Saved in the middle, kernel restarted: what was saved says how to go on, and that sends nothing twice."""
    before = len(service.tasks)
    lab = begun(notebook, service, tmp_path / "home", "restarted")
    [output] = lab.save()[1]
    for kind in ("text/html", "text/plain"):
        assert "Run this cell again" in joined(output["data"], kind)
        assert "neither costs anything" in joined(output["data"], kind)
    lab.restart()
    lab.run(0)
    lab.see_text(0, "Unfinished jobs: 1")
    lab.run(1)
    lab.see_text(1, "Rendering")
    service.clear()
    lab.see(1, "video")
    assert len(service.tasks) == before + 1


@both
def test_two_notebooks_at_once_share_one_job(notebook: Any, service: Service, tmp_path: Any, chromium: Any) -> None:
    """The same cell in two kernels: the second follows the first, and both end with the video."""
    before = len(service.tasks)
    one = begun(notebook, service, tmp_path / "home", "twice")
    context = chromium.new_context(viewport={"width": 1180, "height": 1000})
    name = f"second-{next(NAMES)}.ipynb"
    one.server.write(name, [load(service, str(tmp_path / "home")), CELL.format("twice")])
    two = LabPage(context.new_page(), one.server).open(name)
    two.run(0)
    two.run(1)
    two.see_text(1, "Rendering")
    service.clear()
    for lab in (one, two):
        lab.see(1, "video")
    assert len(service.tasks) == before + 1
    two.shutdown()
    context.close()


@both
def test_a_stranger_who_opens_the_notebook_sees_it_all(notebook: Any, service: Service, tmp_path: Any) -> None:
    """Untrusted, without a kernel: the video plays, and a cell saved in the middle says how to get its video."""
    lab = notebook(load(service, str(tmp_path / "home")), CELL.format("seen"), CELL.format("in the middle"))
    lab.run(0)
    lab.run(1)
    lab.see(1, "video")
    service.faults(HELD)
    lab.run(2)
    lab.see_text(2, "Rendering")
    lab.save()
    path = lab.server.root / lab.page.evaluate("() => window.nb.context.path")
    changed = path.read_text("utf-8").replace("wan_jupyter.sample", "wan_jupyter . sample")  # a signature fits no more
    (path.parent / f"stranger-{path.name}").write_text(changed, "utf-8")
    service.clear()
    lab.shutdown()
    lab.open(f"stranger-{path.name}", kernel=False)
    assert lab.page.evaluate("() => window.nb.content.widgets[1].model.trusted") is False
    lab.see(1, "video")
    assert lab.play(1)["error"] is None
    lab.see_text(2, "Run this cell again")
