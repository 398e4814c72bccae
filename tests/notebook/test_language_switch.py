"""A language that is changed while something is on display: what is written from then on is in it, whoever writes it.

A widget's callback, the loop and its workers run in contexts of their own, where no cell has put a language in force.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.notebook.test_composer import Page
from tests.support.emulator_client import Emulator
from tests.support.ipython_shell import HELD, SMALL, WIDGET, Shell, Workspace
from tests.support.kernel_client import Kernel
from tests.support.untranslated_text import english, english_in_bundle, english_in_widgets
from tests.support.world import picture
from wan_jupyter.i18n.messages import ENGLISH, LANGUAGES, tr

pytest_plugins = ("tests.support.notebook_fixtures",)

OTHERS = [language for language in LANGUAGES if language != ENGLISH]
PROMPTS = {"ko": "고양이", "zh": "猫咪", "ja": "ねこ"}


def speak(kernel: Kernel, language: str) -> None:
    """Change the language, and run no cell after it."""
    kernel.ok(f"%config WanMagics.language = {language!r}")


def left(page: Page, language: str) -> list[str]:
    """Return what is left in English of all that a form has on display."""
    states = page.widgets
    return english_in_widgets((states[comm] for comm in on_display(states)), language)


def on_display(states: dict[str, dict[str, Any]]) -> set[str]:
    """Return the comms of the newest form's widgets, from its outermost box inward."""
    todo = [comm for comm, state in states.items() if "wan-composer" in state.get("_dom_classes", ())][-1:]
    seen: set[str] = set()
    while todo:
        comm = todo.pop()
        if comm not in seen and comm in states:
            seen.add(comm)
            todo += [ref.removeprefix("IPY_MODEL_") for ref in states[comm].get("children", ())]
    return seen


@pytest.mark.parametrize("language", OTHERS)
def test_a_form_that_is_there_speaks_the_new_language(language: str, kernel: Kernel, port: Emulator) -> None:
    """Its labels at once, and all that its callbacks say: prices, mistakes, what was saved, the card, the player."""
    page = Page(kernel)
    page.pick("first", "cat.png")
    page.until_says("data:image/jpeg;base64,")
    speak(kernel, language)
    page.until_says(tr("price.free", language))
    kernel.until(lambda: left(page, language) == [])
    page.pick("first", "nothing.png")
    page.until_says(tr("image.missing.text", language, label="nothing.png"))
    page.prompt("{{ nobody }}")
    page.pick("first", "cat.png")
    page.until_says(tr("prompt.unknown_name.text", language, name="nobody"))
    page.upload("first", "upload.png", picture("red"))
    page.prompt(PROMPTS[language])
    page.until_says(tr("compose.uploaded", language))
    page.click("wan-to-cell")
    page.until_says(tr("compose.cell_title", language))
    assert left(page, language) == []
    kernel.until(lambda: page.ready)
    port.faults(HELD)
    page.click("wan-generate")
    page.until_says(tr("state.running", language))
    assert left(page, language) == []
    port.clear()
    page.until_says("<video")
    assert left(page, language) == []


def test_a_refused_submit_is_said_in_the_forms_language(kernel: Kernel, workspace: Workspace) -> None:
    """The error is made on the kernel's thread, in a callback, where a context has no language."""
    page = Page(kernel)
    page.pick("first", "cat.png")
    page.prompt("고양이")
    kernel.until(lambda: page.ready)
    speak(kernel, "ko")
    kernel.until(lambda: left(page, "ko") == [])
    (workspace.folder / "cat.png").unlink()
    page.click("wan-generate")
    page.until_says(tr("image.missing.text", "ko", label="cat.png"))
    assert left(page, "ko") == []


def test_what_was_filled_in_is_there_in_the_new_language(kernel: Kernel, workspace: Workspace) -> None:
    """A change of the language changes words alone."""
    page = Page(kernel)
    page.pick("first", "cat.png")
    page.prompt("고양이")
    page.set(page.classed("wan-option-duration"), index=1)
    page.set(page.classed("wan-option-seed"), value="42")
    kernel.until(lambda: page.ready)
    speak(kernel, "ko")
    kernel.until(lambda: left(page, "ko") == [])
    kernel.until(lambda: page.ready)
    page.click("wan-generate")
    page.until_says("<video")
    [request] = workspace.requests()
    assert (request["seed"], request["duration"], request["filled_prompt"]) == (42, 3, "고양이")


@pytest.mark.parametrize("language", OTHERS)
def test_a_card_under_way_speaks_the_new_language(language: str, kernel: Kernel, port: Emulator) -> None:
    """State, chips, button and request; and the player it ends as. The engine's loop writes them."""
    port.faults(HELD)
    prompt = PROMPTS[language]
    cell = kernel.ok(f"%%wan cat.png {SMALL} -o job\n{prompt}", live=True)
    kernel.until(lambda: "Rendering" in widgets_text(kernel) and "Show request" in widgets_text(kernel))
    speak(kernel, language)
    kernel.until(lambda: tr("state.running", language) in widgets_text(kernel))
    kernel.until(lambda: tr("card.request", language) in widgets_text(kernel))
    shown = [state for state in widgets(kernel).values() if state["_model_name"] in ("HTMLModel", "ButtonModel")]
    assert english_in_widgets(shown, language) == []
    assert any(state.get("description") == tr("card.cancel", language) for state in shown)
    port.clear()
    kernel.until(lambda: cell.bundles and WIDGET not in cell.bundle)
    assert english_in_bundle(cell.bundle, language) == []


def test_a_board_speaks_the_new_language(kernel: Kernel, port: Emulator) -> None:
    """Of the jobs beyond a cell's cards, also where they fail; live, and at rest."""
    port.faults(HELD)
    prompts = [f"고양이 {number}" for number in range(5)] + ["forbidden"]
    cell = kernel.ok("\n".join(map(ordered, prompts)), live=True)
    kernel.until(lambda: "wan-board" in widgets_text(kernel) and "Rendering" in widgets_text(kernel))
    speak(kernel, "ko")
    heads = [tr(f"board.{name}", "ko") for name in ("job", "state", "time", "prompt")]
    kernel.until(lambda: all(f">{head}<" in widgets_text(kernel) for head in heads))
    port.clear()
    kernel.until(lambda: len(cell.bundles) == 5 and not any(WIDGET in bundle for bundle in cell.bundles))
    assert [english_in_bundle(bundle, "ko", ("forbidden",)) for bundle in cell.bundles] == [[]] * 5
    table = kernel.ok("%wan jobs", live=True)
    assert english_in_bundle(table.bundle, "ko", ("forbidden",)) == []


def test_a_headless_card_speaks_the_new_language(kernel: Kernel, port: Emulator) -> None:
    """Its one display is written over by the loop."""
    port.faults(HELD)
    cell = kernel.ok(f"%config WanMagics.progress = 'text'\n%config WanMagics.wait = 'never'\n{ordered('고양이')}")
    kernel.until(lambda: "Rendering" in str(cell.bundles))
    speak(kernel, "ja")
    kernel.until(lambda: tr("state.running", "ja") in str(cell.bundles))
    assert english_in_bundle(cell.bundles[-1], "ja") == []
    port.clear()
    kernel.until(lambda: "<video" in str(cell.bundles))
    assert english_in_bundle(cell.bundles[-1], "ja") == []


def ordered(prompt: str) -> str:
    """Return a line that orders and shows a job, to stand below others in a cell."""
    return f"get_ipython().run_cell_magic('wan', 'cat.png {SMALL} -o job', {prompt!r})"


def test_a_terminal_that_waits_writes_lines_in_its_language(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Standard error has the line, standard output what was made."""
    monkeypatch.setenv("WAN_LANG", "ko")
    shell.ok("%wan")
    ran = shell.run(f"%%wan cat.png {SMALL} --wait\n고양이")
    assert tr("state.preparing", "ko") in ran.err
    assert english(ran.out + ran.err, "ko") == []
    failed = shell.run(f"%%wan cat.png {SMALL} --wait\nforbidden")
    assert english(failed.out + failed.err, "ko", ("forbidden",)) == []


def widgets(kernel: Kernel) -> dict[str, dict[str, Any]]:
    """Return the states of the widgets that a front end has."""
    page = Page.__new__(Page)
    page.kernel = kernel
    return page.widgets


def widgets_text(kernel: Kernel) -> str:
    """Return all that they say."""
    states = widgets(kernel).values()
    return "\n".join(f"{state.get('value', '')} {state.get('description', '')}" for state in states)
