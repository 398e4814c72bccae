"""A card from its first word to its video, in a dark JupyterLab and in a light Jupyter Notebook 7."""

from __future__ import annotations

from typing import Any

from .conftest import Service, dark_and_light
from .test_lab import shoot
from .test_looks import SHAPE, load

# Each keeps a job where it is for as long as a display needs to show it.
SLOWLY = (
    {"at": "submit", "do": "delay", "seconds": 2},
    {"at": "poll", "do": "word", "status": "PENDING", "times": 3},
    {"at": "poll", "do": "word", "status": "RUNNING", "times": 3},
    {"at": "content", "do": "delay", "seconds": 2},
)
WRITE_DOWN = """() => { window.states = [];
    const look = () => { const now = window.nb.content.widgets[1].node.querySelector('.wan-state [role=status]');
        if (now && now.textContent !== window.states.at(-1)) window.states.push(now.textContent); };
    new MutationObserver(look).observe(window.nb.content.widgets[1].node,
        {subtree: true, childList: true, characterData: true}); }"""


@dark_and_light
def test_the_card_goes_through_its_states(
    notebook: Any, page: Any, service: Service, tmp_path: Any, theme: str, app: str
) -> None:
    """Everything the page showed, in order: what is sent, queued, rendered, downloaded; then the player."""
    lab = notebook(load(service, str(tmp_path / "home")), f"%%wan cat.png {SHAPE}\nA cat", "print('meanwhile')")
    lab.theme(theme)
    lab.run(0)
    service.faults(*SLOWLY)
    page.evaluate(WRITE_DOWN)
    lab.run(1)
    lab.see(1, ".wan-cancel")
    lab.run(2)
    assert "meanwhile" in lab.text(2)
    lab.see_text(1, "Rendering")
    shoot(lab.cell(1), f"rendering-{app}-{theme.split()[1].lower()}")
    lab.see(1, "video")
    states = page.evaluate("() => window.states")
    # The first and the last may pass between two frames of the page.
    assert [state for state in states if state not in ("Preparing", "Saved")] == [
        "Submitting", "Queued", "Rendering", "Downloading",
    ]  # fmt: skip
    assert lab.cell(1).locator(".wan-card, .wan-cancel").count() == 0
    assert lab.play(1)["error"] is None
    shoot(lab.cell(1), f"made-{app}-{theme.split()[1].lower()}")
    assert lab.errors() == []
