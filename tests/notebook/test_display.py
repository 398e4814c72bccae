"""What a notebook shows, seen from a front end at a real kernel: cards that go on, players that stay."""

from __future__ import annotations

import ast
import json
import re
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.support.emulator_client import Emulator
from tests.support.ipython_shell import HELD, SMALL, WIDGET, Workspace, an_ipython
from tests.support.kernel_client import Cell, Kernel
from tests.support.processes import ROOT
from tests.support.view_examples import CARD
from wan_jupyter.notebook.display.frontend import COLAB, HEADLESS, NOTEBOOK, TERMINAL, VS_CODE, FrontEnd, detect
from wan_jupyter.notebook.display.surfaces.widget import WidgetSurface

pytest_plugins = ("tests.support.notebook_fixtures",)

STATIC = {"text/html", "image/jpeg", "text/plain"}
ORDER = f"%%wan cat.png {SMALL} -o job\n"
MOST_MESSAGES = 40  # of one job's life in a live notebook, its widgets' birth included


def ended(kernel: Kernel, cell: Cell) -> dict[str, Any]:
    """Wait until a cell shows what remains of its job, and return that bundle."""
    kernel.until(lambda: cell.bundles and WIDGET not in cell.bundle)
    return cell.bundle


def src(bundle: dict[str, Any]) -> str:
    """Return the source of a bundle's video."""
    [found] = re.findall(r'<video[^>]* src="([^"]*)"', bundle["text/html"])
    return found


# ---- a live notebook -------------------------------------------------------------------------------------------------


def test_a_live_cell_returns_at_once_with_a_card(kernel: Kernel, port: Emulator) -> None:
    """The first display is a widget, with a text beside it for readers without a kernel."""
    port.faults(HELD)
    cell = kernel.ok(f"{ORDER}A cat", live=True)
    assert set(cell.bundle) == {WIDGET, "text/html", "text/plain"}
    job = kernel.ask("job.id")
    assert f"%wan show {job}" in cell.bundle["text/plain"]
    assert f"%wan show {job}" in cell.bundle["text/html"]


def test_a_live_cell_ends_as_a_static_bundle(kernel: Kernel) -> None:
    """A player, a picture and a text; no widget is left in the cell."""
    bundle = ended(kernel, kernel.ok(f"{ORDER}A cat", live=True))
    assert set(bundle) == STATIC
    assert "<source" not in bundle["text/html"]
    assert src(bundle).startswith("data:video/mp4;base64,")
    assert "wan_outputs/" in bundle["text/plain"]


def test_the_card_has_the_request_that_was_sent(kernel: Kernel, port: Emulator) -> None:
    """Below it, closed: the body, a stand-in for the picture, no key; in a widget that is not sent again."""
    port.faults(HELD)
    cell = kernel.ok(f"{ORDER}A cat in 서울", live=True)
    kernel.until(lambda: kernel.heard('wan-request\\"'))
    [shown] = [content["data"]["state"]["value"] for content in kernel.heard('wan-request\\"')]
    assert "A cat in 서울" in shown
    assert "sha256" in shown
    assert "base64," not in shown.partition("</style>")[2]
    port.clear()
    ended(kernel, cell)
    assert sum("<details" in json.dumps(content) for content in kernel.heard('wan-request\\"')) == 1


def test_a_jobs_life_takes_few_messages(kernel: Kernel, record_property: Any) -> None:
    """From the cell to the player: the widgets' birth, a few changes of state, one update."""
    cell = kernel.ok(f"{ORDER}A cat", live=True)
    ended(kernel, cell)
    kinds = kernel.kinds()
    record_property("messages", len(kinds))
    print(f"\niopub messages of one job in a live notebook: {len(kinds)}: {kinds}")
    assert len(kinds) < MOST_MESSAGES
    assert kinds.count("display_data") == kinds.count("update_display_data") == 1


def test_a_quiet_time_takes_no_messages(kernel: Kernel, port: Emulator) -> None:
    """The card's clock and bar move by themselves: polls that say nothing new are not shown."""
    port.faults(HELD)
    cell = kernel.ok(f"{ORDER}A cat", live=True)
    kernel.until(lambda: "comm_msg" in kernel.kinds() and kernel.heard("Rendering"))
    before, polls = len(kernel.log), port.fired()[0]
    kernel.until(lambda: port.fired()[0] >= polls + 3)
    assert kernel.kinds(before) == []
    port.clear()
    ended(kernel, cell)


def test_the_card_says_that_a_job_failed(kernel: Kernel) -> None:
    """The cell has returned and never raises; its card has the service's words and what to do next."""
    cell = kernel.ok(f"{ORDER}A forbidden prompt", live=True)
    bundle = ended(kernel, cell)
    assert cell.error is None
    for text in (bundle["text/plain"], bundle["text/html"]):
        assert "DataInspectionFailed" in text
        assert "request id" in text
        assert "Change the prompt or the image." in text


def test_while_a_cell_blocks_the_video_is_saved_and_shown(kernel: Kernel, workspace: Workspace, port: Emulator) -> None:
    """The kernel's main thread spins until a file appears; only then may it go on."""
    port.faults(HELD)
    first = kernel.ok(f"{ORDER}A cat", live=True)
    blocking = kernel.start("import os\nwhile not os.path.exists('go'):\n    pass\nprint('went')", live=True)
    kernel.until(lambda: "execute_input" in blocking.history)
    port.clear()
    bundle = ended(kernel, first)
    assert not blocking.idle
    assert set(bundle) == STATIC
    assert len(workspace.videos()) == 1
    (workspace.folder / "go").touch()
    kernel.until(lambda: blocking.idle)
    assert blocking.stream == "went\n"


def test_two_cells_have_a_card_each(kernel: Kernel) -> None:
    """Each video lands in the cell that asked for it."""
    cells = [kernel.start(f"%%wan cat.png {SMALL}\n{prompt}", live=True) for prompt in ("One cat", "Two cats")]
    bundles = [ended(kernel, cell) for cell in cells]
    assert ["One cat" in bundles[0]["text/plain"], "Two cats" in bundles[1]["text/plain"]] == [True, True]


def test_the_cancel_button_cancels(kernel: Kernel, workspace: Workspace) -> None:
    """A click is heard by the job and answered by the card alone: the callback itself shows nothing."""
    kernel.begin(workspace, {"WAN_BASE_URL": "", "WAN_EMULATOR_SPEED": "0.01"})
    cell = kernel.ok(f"{ORDER}A cat", live=True)
    click = kernel.click(kernel.button())
    bundle = ended(kernel, cell)
    kernel.until(lambda: click.idle)
    assert click.outputs == []
    assert "Canceled" in bundle["text/plain"]
    assert workspace.videos() == []


def test_what_cannot_be_stopped_says_so_and_is_saved(kernel: Kernel, workspace: Workspace, port: Emulator) -> None:
    """A job that is rendered already: the card says that it will be charged, and the video comes all the same."""
    port.faults(HELD)
    cell = kernel.ok(f"{ORDER}A cat", live=True)
    kernel.until(lambda: port.fired()[0])
    kernel.click(kernel.button())
    kernel.until(lambda: kernel.heard("Too late to cancel: the job will be billed"))
    port.clear()
    assert set(ended(kernel, cell)) == STATIC
    assert len(workspace.videos()) == 1


def test_a_click_only_passes_the_wish_on(workspace: Workspace) -> None:
    """The button calls what it was given, once, and does nothing else."""
    heard: list[str] = []
    with an_ipython():
        face = WidgetSurface(lambda: heard.append(threading.current_thread().name), "en")
        face.open(CARD)
        face._button.click()
    assert heard == ["MainThread"]


def test_the_stop_button_ends_the_wait_and_not_the_job(kernel: Kernel, port: Emulator) -> None:
    """`--wait` in a notebook: the line says how to come back, the cell has not failed, the card goes on."""
    port.faults(HELD)
    cell = kernel.start(f"%%wan cat.png {SMALL} -o job --wait\nA cat", live=True)
    kernel.until(lambda: cell.bundles and port.fired() and port.fired()[0])
    kernel.interrupt()
    kernel.until(lambda: cell.idle)
    assert cell.error is None
    job = kernel.ask("job.id")
    assert f"job {job} keeps running in the background" in cell.stream
    assert f"%wan wait {job}" in cell.stream
    assert len(cell.stream.splitlines()) == 1
    assert kernel.ask("job.status.live") is True
    port.clear()
    assert set(ended(kernel, cell)) == STATIC


def test_one_stop_ends_the_wait_for_all(kernel: Kernel, port: Emulator) -> None:
    """`%wan wait` for two jobs needs one click, not two."""
    port.faults(HELD)
    cell = kernel.waiting("One", "Two")
    kernel.interrupt()
    kernel.until(lambda: cell.idle)
    assert cell.error is None
    assert len(cell.stream.splitlines()) == 1


def test_a_cell_run_again_attaches_and_says_so(kernel: Kernel, port: Emulator) -> None:
    """Both cells end with the player; only the second says that nothing was sent twice."""
    port.faults(HELD)
    one, two = (kernel.ok(f"{ORDER}A cat", live=True) for _ in range(2))
    port.clear()
    first, second = ended(kernel, one), ended(kernel, two)
    assert "already in progress; nothing was sent twice" in second["text/html"]
    assert "already" not in first["text/html"]
    assert len(port.tasks) == 1


def test_a_cell_run_again_later_shows_its_video_and_says_so(kernel: Kernel, port: Emulator) -> None:
    """No widget, no task: the player at once."""
    ended(kernel, kernel.ok(f"{ORDER}A cat", live=True))
    again = kernel.ok(f"{ORDER}A cat", live=True)
    assert set(again.bundle) == STATIC
    assert "This video already exists; nothing was sent." in again.bundle["text/html"]
    assert len(port.tasks) == 1


def test_show_in_a_notebook_shows_once(kernel: Kernel) -> None:
    """The magic shows the job and returns it; the value is not shown a second time."""
    ended(kernel, kernel.ok(f"{ORDER}A cat", live=True))
    job = kernel.ask("job.id")
    assert set(kernel.ok(f"%wan show {job}", live=True).bundle) == STATIC


def test_a_job_and_a_video_show_themselves(kernel: Kernel) -> None:
    """As a cell's last line."""
    ended(kernel, kernel.ok(f"{ORDER}A cat", live=True))
    assert set(kernel.ok("job", live=True).bundle) == STATIC
    assert set(kernel.ok("job.video", live=True).bundle) == STATIC


def test_quiet_shows_the_video_only(kernel: Kernel, port: Emulator) -> None:
    """No card on the way."""
    port.faults(HELD)
    cell = kernel.ok(f"%%wan cat.png {SMALL} --quiet\nA cat", live=True)
    assert cell.bundle == {"text/plain": ""}
    port.clear()
    kernel.until(lambda: "text/html" in cell.bundle)
    assert set(cell.bundle) == STATIC
    assert "comm_open" not in kernel.kinds()


# ---- headless --------------------------------------------------------------------------------------------------------


def test_a_headless_cell_waits_and_makes_no_widget(kernel: Kernel) -> None:
    """Nobody could answer a question: the cell ends with its player."""
    cell = kernel.ok(f"{ORDER}A cat")
    assert set(cell.bundle) == STATIC
    assert not [kind for kind in kernel.kinds() if kind.startswith("comm")]


def test_a_headless_failure_raises(kernel: Kernel) -> None:
    """With the card beside it, so that the notebook on disk says what happened."""
    cell = kernel.run(f"{ORDER}A forbidden prompt")
    assert cell.error is not None
    assert cell.error["ename"] == "JobFailed"
    assert len("\n".join(cell.error["traceback"]).splitlines()) == 3


def test_a_headless_job_as_a_value_fails_its_cell(kernel: Kernel) -> None:
    """It has waited: papermill stops here. Card and error are shown once each, and the next cell runs as ever."""
    kernel.ok(f"%%wan cat.png {SMALL} -o job --no-wait\nA forbidden prompt")
    for source in ("job", "display(job)\nafter = 1", "import asyncio\nawait asyncio.sleep(0)\njob"):
        cell = kernel.run(source)
        assert "DataInspectionFailed" in cell.bundle["text/plain"]
        assert cell.error is not None, source
        assert cell.error["ename"] == "JobFailed"
        assert len("\n".join(cell.error["traceback"]).splitlines()) == 3
        kernel.ok("1 + 1")
    assert kernel.ask("after") == 1
    kernel.ok("job", live=True)  # where nobody waits, nothing fails


def test_a_job_or_video_whose_file_is_gone_says_so(kernel: Kernel, workspace: Workspace) -> None:
    """A few lines with the next thing to type, and no traceback."""
    kernel.ok(f"{ORDER}A cat")
    kernel.ok("video, bare = job.video, type(job.video)(job.video.path)")
    [file] = workspace.videos()
    file.unlink()
    for source, hint in (("job", "%wan show {}"), ("video", "%wan show {}"), ("bare", "%wan jobs")):
        said = kernel.ok(source, live=True).bundle["text/plain"]
        assert f"No video at {file}." in said
        assert hint.format(kernel.ask("job.id")) in said
        assert len(said.splitlines()) <= 3
    file.mkdir()
    assert "can't be played" in kernel.ok("video", live=True).bundle["text/plain"]


# ---- embedding -------------------------------------------------------------------------------------------------------


def test_a_linked_video_is_named_relative_to_the_notebook(kernel: Kernel, workspace: Workspace) -> None:
    """`--embed never`: the source is a path, and the caption says that it is one."""
    cell = kernel.ok(f"%%wan cat.png {SMALL} --embed never\nA cat")
    [video] = workspace.videos()
    assert src(cell.bundle) == f"wan_outputs/{video.name}"
    assert "linked, not embedded" in cell.bundle["text/html"]


def test_a_linked_video_is_whole_in_its_widget(kernel: Kernel) -> None:
    """A page that is reloaded shows the widget, in which a relative link leads nowhere; the notebook keeps the link."""
    shown = ended(kernel, kernel.ok(f"{ORDER[:-1]} --embed never\nA cat", live=True))
    assert src(shown).startswith("wan_outputs/")
    assert src({"text/html": held(kernel)}).startswith("data:video/mp4;base64,")
    assert kernel.ask("__import__('wan_jupyter').notebook.display.presenter_of(get_ipython()).page.embedded") == 0


def test_what_is_too_heavy_for_a_widget_is_named_in_it(kernel: Kernel) -> None:
    """Embedded at the user's word or linked: beyond the limits there is text, whatever the prompt holds."""
    kernel.ok("from wan_jupyter.notebook import display as ui\nfrom wan_jupyter.notebook.display import views")
    limits = {"always": "views.MAX_WIDGET_HTML", "never": "ui.presenter_of(get_ipython()).embedding.widget_page.most"}
    for line, limit in limits.items():
        kernel.ok(f"was, {limit} = {limit}, 100")
        prompt = f"<img src=x onerror=alert(1)> {line}"
        ended(kernel, kernel.ok(f"{ORDER[:-1]} --embed {line}\n{prompt}", live=True))
        kernel.ok(f"{limit} = was")
        last = held(kernel)
        assert not re.search("<video|<img", last)
        assert "&lt;img src=x" in last
        assert f"%wan show {kernel.ask('job.id')}" in last
        assert "wan_outputs/" in last


def held(kernel: Kernel) -> str:
    """Return what the newest card's widget holds."""
    told = [message["content"]["data"] for message in kernel.log if message["msg_type"] == "comm_msg"]
    return str([data["state"]["value"] for data in told if "value" in data.get("state", {})][-1])


def test_a_link_is_percent_encoded(kernel: Kernel) -> None:
    """A folder with blanks, CJK and #."""
    kernel.ok("%config WanMagics.outputs = '내 영상 #1 50%'")
    cell = kernel.ok(f"%%wan cat.png {SMALL} --embed never\nA cat")
    assert src(cell.bundle).startswith("%EB%82%B4%20%EC%98%81%EC%83%81%20%231%2050%25/")


def test_a_video_is_embedded_when_asked(kernel: Kernel) -> None:
    """`--embed always`, also when the cell shows what was made before."""
    for _ in range(2):
        cell = kernel.ok(f"%%wan cat.png {SMALL} --embed always\nA cat")
        assert src(cell.bundle).startswith("data:video/mp4;base64,")
        assert "embedded in the notebook" in cell.bundle["text/html"]


def test_a_video_outside_the_notebooks_folder_is_embedded(kernel: Kernel, workspace: Workspace) -> None:
    """No front end is sure to follow a link there; `--embed never` is the user's word all the same."""
    kernel.ok(f"%config WanMagics.outputs = {str(workspace.folder.parent / 'elsewhere')!r}")
    cell = kernel.ok(f"%%wan cat.png {SMALL}\nA cat")
    assert src(cell.bundle).startswith("data:video/mp4;base64,")
    cell = kernel.ok(f"%%wan cat.png {SMALL} --embed never\nA cat")
    assert src(cell.bundle).startswith("../elsewhere/")


def test_a_full_notebook_links_and_vs_code_embeds_all_the_same(kernel: Kernel) -> None:
    """A link would not play there; elsewhere the notebook's own weight decides, and the caption says which."""
    kernel.ok("from wan_jupyter.notebook import display as ui\nui.presenter_of(get_ipython()).page.embedded = 10**9")
    cell = kernel.ok(f"%%wan cat.png {SMALL}\nA cat")
    assert src(cell.bundle).startswith("wan_outputs/")
    assert "linked, not embedded" in cell.bundle["text/html"]
    kernel.ok("__vsc_ipynb_file__ = '/somewhere/a.ipynb'")
    cell = kernel.ok(f"%%wan cat.png {SMALL}\nA cat", live=True)
    assert src(cell.bundle).startswith("data:video/mp4;base64,")
    assert "embedded in the notebook" in cell.bundle["text/html"]


def test_a_video_as_a_value_is_embedded_or_linked_as_any_other(kernel: Kernel) -> None:
    """What the user set just now counts, and VS Code and Colab play no link."""
    kernel.ok(f"{ORDER}A cat")
    kernel.ok("%config WanMagics.embed = 'never'")
    assert src(kernel.ok("job.video", live=True).bundle).startswith("wan_outputs/")
    assert src(kernel.ok("job", live=True).bundle).startswith("wan_outputs/")
    kernel.ok("%config WanMagics.embed = ''")
    kernel.ok("from wan_jupyter.notebook import display as ui\nui.presenter_of(get_ipython()).page.embedded = 10**9")
    assert src(kernel.ok("job.video", live=True).bundle).startswith("wan_outputs/")
    kernel.ok("__vsc_ipynb_file__ = '/somewhere/a.ipynb'")
    assert src(kernel.ok("job.video", live=True).bundle).startswith("data:video/mp4;base64,")


def test_the_limits_of_embedding_can_be_set(kernel: Kernel) -> None:
    """A file's and the notebook's, in megabytes; at once, and the caption says which it was."""
    for limit in ("embed_limit_mb", "embed_total_mb"):
        kernel.ok(f"%config WanMagics.{limit} = 0.0001")
        cell = kernel.ok(f"{ORDER}A cat")
        assert src(cell.bundle).startswith("wan_outputs/")
        assert "linked, not embedded" in cell.bundle["text/html"]
        kernel.ok(f"%config WanMagics.{limit} = 30")
        assert src(kernel.ok(f"{ORDER}A cat").bundle).startswith("data:video/mp4;base64,")


def test_in_colab_a_cell_waits_shows_text_and_embeds(kernel: Kernel, port: Emulator) -> None:
    """Background widget updates and links do not work there; nothing of a widget is sent."""
    kernel.ok("import sys, types\nsys.modules['google.colab'] = types.ModuleType('google.colab')")
    kernel.ok("from wan_jupyter.notebook import display as ui\nui.presenter_of(get_ipython()).page.embedded = 10**9")
    port.faults(HELD)
    cell = kernel.start(f"{ORDER}A cat", live=True)
    kernel.until(lambda: cell.bundles and "Rendering" in cell.bundle["text/plain"])
    assert not cell.idle
    port.clear()
    kernel.until(lambda: cell.idle)
    assert src(cell.bundle).startswith("data:video/mp4;base64,")
    assert not [kind for kind in kernel.kinds() if kind.startswith("comm")]
    kernel.ok("del sys.modules['google.colab']")


# ---- who is looking --------------------------------------------------------------------------------------------------


def front_end(**has: Any) -> SimpleNamespace:
    """Return a shell as it is in some front end."""
    parent = {"content": {"allow_stdin": has.pop("allow_stdin", True)}}
    shell = {"get_parent": lambda: parent, "user_ns": {}, "kernel": object()}
    return SimpleNamespace(**{**shell, **has})


@pytest.mark.parametrize(
    ("ip", "expected"),
    [
        (front_end(kernel=None), TERMINAL),
        (front_end(allow_stdin=False), HEADLESS),
        (front_end(user_ns={"__vsc_ipynb_file__": "/a/b.ipynb"}), VS_CODE),
        (front_end(), NOTEBOOK),
    ],
)
def test_the_front_end_is_told_from_the_request(ip: Any, expected: FrontEnd) -> None:
    """By the kernel, the request's `allow_stdin`, and VS Code's variable."""
    assert detect(ip) == expected


def test_colab_is_told_by_its_module(monkeypatch: pytest.MonkeyPatch) -> None:
    """There, background widget updates do not show: the cell waits and the video is embedded."""
    monkeypatch.setitem(sys.modules, "google.colab", SimpleNamespace())  # type: ignore[arg-type]
    assert detect(front_end()) == COLAB


# ---- the kernel is free ----------------------------------------------------------------------------------------------

WATCH = """
import base64, os, sys, threading, time
import PIL.Image, PIL.ImageFile
seen, took = [], {}
watch = {"on": False}
main = threading.main_thread()

def here():
    return watch["on"] and threading.current_thread() is main

def audit(event, args):
    if event == "open" and here():
        path, mode, flags = args
        writes = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) if isinstance(flags, int) else False
        if writes or (isinstance(mode, str) and set(mode) & set("wax+")):
            seen.append(f"writes {path}")

def told(name, function):
    def instead(*args, **kwargs):
        if here():
            seen.append(name)
        return function(*args, **kwargs)
    return instead

sys.addaudithook(audit)
PIL.ImageFile.ImageFile.load = told("decodes", PIL.ImageFile.ImageFile.load)
PIL.Image.Image.save = told("encodes", PIL.Image.Image.save)
for name in ("b64encode", "b64decode", "encodebytes"):
    setattr(base64, name, told(name, getattr(base64, name)))

def before(info):
    watch.update(on=True, at=time.perf_counter())

def after(result):
    watch["on"] = False
    took[result.info.raw_cell.strip()] = time.perf_counter() - watch.get("at", 0)

get_ipython().events.register("pre_run_cell", before)
get_ipython().events.register("post_run_cell", after)
"""
UNWATCH = """
get_ipython().events.unregister("pre_run_cell", before)
get_ipython().events.unregister("post_run_cell", after)
watch["on"] = False
"""


def noise(path: Path) -> None:
    """Write a picture of about 5 MB."""
    import numpy
    from PIL import Image

    side = 1300 if path.suffix == ".png" else 1900
    pixels = numpy.random.default_rng(7).integers(0, 256, (side, side, 3), dtype=numpy.uint8)
    Image.fromarray(pixels).save(path, quality=96)
    assert 4e6 < path.stat().st_size < 7e6


@pytest.mark.parametrize("name", ["large.png", "large.jpg"])
def test_a_large_picture_does_not_hold_up_the_kernel(
    own_kernel: Kernel, workspace: Workspace, port: Emulator, name: str
) -> None:
    """From the second cell on: no decoding, no encoding, no writing but the journal's on the main thread."""
    kernel = own_kernel  # what is watched here stays watched
    kernel.begin(workspace, {"WAN_PROVIDER": "emulator", "WAN_BASE_URL": port.base_url})
    port.faults(HELD)
    noise(workspace.folder / name)
    kernel.ok(WATCH)
    kernel.ok(f"%%wan cat.png {SMALL}\nThe first", live=True)
    kernel.ok("seen.clear()")
    cells = [f"%%wan {name} {SMALL}\nThe {which}" for which in ("second", "third")]
    for cell in cells:
        kernel.ok(cell, live=True)
    kernel.ok(UNWATCH)
    took = " and ".join(f"{1000 * kernel.ask('took')[cell]:.0f} ms" for cell in cells)
    size = (workspace.folder / name).stat().st_size / 1e6
    print(f"\na %%wan cell with {name} of {size:.1f} MB held the kernel for {took}")
    assert kernel.ask("seen") == []


# ---- asyncio.run in a cell -------------------------------------------------------------------------------------------


def test_asyncio_run_in_a_cell_works_when_asked_for(own_kernel: Kernel) -> None:
    """After `allow_nested_asyncio()`; cells that were queued meanwhile run, too."""
    script = "import asyncio\nasync def main():\n    return await asyncio.sleep(0.05, 42)\nprint(asyncio.run(main()))"
    assert own_kernel.run(script).error is not None
    own_kernel.ok("import wan_jupyter\nwan_jupyter.allow_nested_asyncio()")
    cells = [own_kernel.start(source) for source in (script, "print('second')", script, "print('fourth')")]
    own_kernel.until(lambda: all(cell.idle for cell in cells))
    assert [cell.stream for cell in cells] == ["42\n", "second\n", "42\n", "fourth\n"]


def test_a_cell_still_works_after_it(own_kernel: Kernel, workspace: Workspace) -> None:
    """The patched asyncio is the process's: our own loop goes on in it."""
    own_kernel.begin(workspace, {"WAN_PROVIDER": "emulator"})
    own_kernel.ok("import wan_jupyter\nwan_jupyter.allow_nested_asyncio()")
    assert set(own_kernel.ok(f"{ORDER}A cat").bundle) == STATIC


def test_the_patch_is_imported_in_one_place_only() -> None:
    """`nest_asyncio2`, inside `allow_nested_asyncio`; `nest_asyncio` nowhere."""
    found = []
    for path in (ROOT / "wan_jupyter").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = [getattr(node, "module", None) or "", *(alias.name for alias in node.names)]
                found += [(path.name, name) for name in names if name.startswith("nest_asyncio")]
    assert found == [("__init__.py", "nest_asyncio2")]


def test_the_kernel_is_left_alone_by_default(kernel: Kernel) -> None:
    """A cell, a card and a wait patch nothing."""
    kernel.ok(f"{ORDER}A cat")
    assert kernel.ask("__import__('asyncio').run.__module__") == "asyncio.runners"
