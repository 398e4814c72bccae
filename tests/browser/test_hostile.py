"""Hostile words in a real JupyterLab: they are read, and nothing of them runs, live or saved."""

from __future__ import annotations

from typing import Any

from tests.support.hostile_text import EVERYTHING, MARKUP, acts

LOAD = "%load_ext wan_jupyter\nimport wan_jupyter\npicture = wan_jupyter.sample('cat.png')"


def test_nothing_that_is_shown_runs(notebook: Any, page: Any) -> None:
    """A prompt that is markup, a model and a file that do not exist, a service that fails with markup: all are text."""
    prompt = EVERYTHING.replace("\x00", "").replace("\x08", "")
    name = MARKUP.replace("'", "").replace("/", "")
    cells = (
        LOAD, f"%%wan cat.png -d 5\n{prompt}", f"%%wan '{name}.png'\nA cat", f"%%wan cat.png -m '{name}'\nA cat",
        f"%%wan cat.png\nA forbidden prompt {prompt}", "%wan jobs",
    )  # fmt: skip
    lab = notebook(*cells)
    for number in range(len(cells)):
        lab.run(number)
    lab.see(1, "video")
    lab.see_text(4, "DataInspectionFailed")
    assert "<script>window.hacked=1</script>" in lab.text(1)
    assert page.evaluate("() => window.hacked") is None
    outputs = lab.save()
    assert [acts(cell) for cell in outputs] == [[]] * len(cells)
    lab.open(page.evaluate("() => window.nb.context.path"))
    lab.see(1, "video")
    assert page.evaluate("() => window.hacked") is None
