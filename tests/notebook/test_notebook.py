"""Notebooks run without anyone looking, as nbclient, nbconvert and papermill do: each in a kernel of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests.support.clock import PATIENCE
from tests.support.ipython_shell import FAST, LOAD, SMALL, WIDGET, Workspace, joined
from tests.support.processes import ROOT, environment

pytest_plugins = ("tests.support.notebook_fixtures",)

FIRST = ROOT / "notebooks" / "01_first_video.ipynb"
RAISES = "raises-exception"


def book(*cells: str) -> Any:
    """Make a notebook of code cells."""
    made = [nbformat.v4.new_code_cell(source) for source in cells]
    return nbformat.v4.new_notebook(cells=made)


def execute(notebook: Any, workspace: Workspace, **variables: str) -> Any:
    """Run a notebook in a workspace and return it; an error without a tag raises."""
    from nbclient import NotebookClient

    more = {
        "WAN_PROVIDER": "emulator",
        "WAN_HOME": str(workspace.home),
        "JUPYTER_PLATFORM_DIRS": "1",
        **FAST,
        **variables,
    }
    resources = {"metadata": {"path": str(workspace.folder)}}
    client = NotebookClient(notebook, timeout=PATIENCE, kernel_name="python3", resources=resources)
    client.execute(env=environment(workspace.folder, IPYTHONDIR=str(workspace.folder / "ipython"), **more))
    return notebook


def bundles(cell: Any) -> list[Any]:
    return [output["data"] for output in cell["outputs"] if "data" in output]


def text(cell: Any) -> str:
    """Return all that a cell shows, as text."""
    parts = [joined(output.get("text", "")) for output in cell["outputs"]]
    return "\n".join([*parts, *(joined(data.get("text/plain", "")) for data in bundles(cell))])


def is_player(data: Any) -> bool:
    """Tell whether a bundle is a video that plays without a kernel."""
    html = joined(data.get("text/html", ""))
    return "<video" in html and 'src="data:video/mp4;base64,' in html and {"image/jpeg", "text/plain"} <= set(data)


# ---- the first notebook ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Workspace]:
    """The first notebook after one run, and the folder it ran in."""
    workspace = Workspace(tmp_path_factory.mktemp("first"))
    (workspace.folder / "cat.png").unlink()  # the notebook draws its own
    return execute(nbformat.read(FIRST, as_version=4), workspace), workspace


def sources(notebook: Any, beginning: str) -> list[Any]:
    """Return the code cells that begin so."""
    return [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.startswith(beginning)]


def test_every_cell_of_the_first_notebook_has_its_video(first: tuple[Any, Workspace]) -> None:
    """Each `%%wan` cell that should succeed, and the Python door, has exactly one player, and it is static."""
    notebook, _ = first
    cells = [c for c in sources(notebook, "%%wan") if RAISES not in c.metadata.get("tags", [])]
    cells += sources(notebook, "session =")
    assert len(cells) >= 4
    assert [sum(map(is_player, bundles(cell))) for cell in cells] == [1] * len(cells)


def test_each_player_is_that_of_its_own_cell(first: tuple[Any, Workspace]) -> None:
    """The prompt that is shown is the one that was typed, filled."""
    notebook, _ = first
    for cell in sources(notebook, "%%wan"):
        if RAISES not in cell.metadata.get("tags", []):
            words = cell.source.splitlines()[1].split("{{")[0].strip()
            assert words in text(cell)


def test_the_first_notebook_has_no_widgets(first: tuple[Any, Workspace]) -> None:
    """Neither views nor models: it needs no kernel."""
    notebook, _ = first
    assert "widgets" not in notebook.metadata
    assert not [data for cell in notebook.cells for data in bundles_of(cell) if WIDGET in data]


def bundles_of(cell: Any) -> list[Any]:
    return bundles(cell) if cell.cell_type == "code" else []


def test_the_failure_on_purpose_is_three_lines(first: tuple[Any, Workspace]) -> None:
    """The cell with the tag ends with exactly our lines: what happened, the service's words, and what to do next."""
    notebook, _ = first
    [cell] = [c for c in sources(notebook, "%%wan") if RAISES in c.metadata.get("tags", [])]
    [error] = [output for output in cell.outputs if output.output_type == "error"]
    said, words, todo = "\n".join(error.traceback).splitlines()
    assert said.startswith("JobFailed: Job ")
    assert "moderation" in said
    assert words.startswith("DataInspectionFailed: Input data may contain inappropriate content. (request id ")
    assert todo.endswith("Nothing was billed.")


def test_no_other_cell_fails_or_complains(first: tuple[Any, Workspace]) -> None:
    """No error, and nothing on stderr."""
    notebook, _ = first
    outputs = [(c, o) for c in sources(notebook, "") if RAISES not in c.metadata.get("tags", []) for o in c.outputs]
    assert [o for _, o in outputs if o.output_type == "error" or o.get("name") == "stderr"] == []


def test_the_same_cell_again_made_no_other_video(first: tuple[Any, Workspace]) -> None:
    """Three videos for four cells and a failure."""
    notebook, workspace = first
    one, again = sources(notebook, "%%wan cat.png -d 5")
    assert one.source == again.source
    assert "already exists; nothing was sent" in joined(bundles(again)[0]["text/html"])
    assert len(workspace.videos()) == 3
    assert [row["status"] for row in workspace.rows()].count("SUCCEEDED") == 3


def test_the_first_notebook_is_stored_without_outputs() -> None:
    """What is in the repository is what is typed."""
    stored = nbformat.read(FIRST, as_version=4)
    assert [cell.outputs for cell in stored.cells if cell.cell_type == "code" and cell.outputs] == []


# ---- other notebooks -------------------------------------------------------------------------------------------------


def test_a_job_that_ends_during_a_later_cell_lands_in_its_own(workspace: Workspace) -> None:
    """`--no-wait`: the player is in the first cell, though the second ran when it came."""
    later = "import threading\nwhile not job.done:\n    threading.Event().wait(0.01)\nprint(job.video.path.exists())"
    cells = execute(book(LOAD, f"%%wan cat.png {SMALL} --no-wait -o job\nA cat", later), workspace).cells
    assert is_player(bundles(cells[1])[0])
    assert bundles(cells[2]) == []
    assert text(cells[2]).strip() == "True"


def test_two_jobs_at_once_have_a_cell_each(workspace: Workspace) -> None:
    """Both are under way before the first is waited for."""
    order = f"%%wan cat.png {SMALL} --no-wait\n"
    cells = execute(book(LOAD, f"{order}One cat", f"{order}Two cats", "%wan wait"), workspace).cells
    assert ["One cat" in text(cells[1]), "Two cats" in text(cells[2])] == [True, True]
    assert len(workspace.videos()) == 2


def test_a_failing_job_stops_the_run(workspace: Workspace) -> None:
    """As papermill and CI want it: our two lines are the error, and the cells after it do not run."""
    from nbclient.exceptions import CellExecutionError

    notebook = book(LOAD, f"%%wan cat.png {SMALL}\nA forbidden prompt", "open('reached', 'w')")
    with pytest.raises(CellExecutionError) as caught:
        execute(notebook, workspace)
    said = str(caught.value)
    assert "JobFailed: Job " in said
    assert "Change the prompt or the image." in said
    assert "wan_jupyter/" not in said
    assert "Traceback" not in said
    assert not (workspace.folder / "reached").exists()


def test_bad_input_stops_the_run(workspace: Workspace) -> None:
    """The message of nbclient has our lines and no frame of ours."""
    from nbclient.exceptions import CellExecutionError

    with pytest.raises(CellExecutionError) as caught:
        execute(book(LOAD, f"%%wan kat.png {SMALL}\nA cat"), workspace)
    said = str(caught.value)
    assert "ImageError: Image kat.png not found.\nDid you mean cat.png?" in said
    assert "wan_jupyter/" not in said
    assert workspace.rows() == workspace.tasks() == []


def test_a_notebook_in_a_folder_with_any_name(tmp_path: Path) -> None:
    """Blanks, CJK and # in its path; linked, the source is relative and encoded."""
    workspace = Workspace(tmp_path / "내 노트북 #1 50%")
    cells = execute(book(LOAD, f"%%wan cat.png {SMALL} --embed never\n고양이"), workspace).cells
    [video] = workspace.videos()
    assert f'src="wan_outputs/{video.name}"' in joined(bundles(cells[1])[0]["text/html"])
