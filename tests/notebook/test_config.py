"""`%config WanMagics.…`: defaults, how jobs are shown, whether cells wait, what is heard; unload leaves nothing."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from tests.support.clock import PATIENCE
from tests.support.emulator_client import Emulator
from tests.support.ipython_shell import HELD, SMALL, WIDGET, Shell
from tests.support.kernel_client import Kernel
from wan_jupyter.errors import ModelError
from wan_jupyter.i18n.messages import has_message
from wan_jupyter.notebook.display.frontend import NOTEBOOK, detect
from wan_jupyter.notebook.magics import SETTINGS, WanMagics

pytest_plugins = ("tests.support.notebook_fixtures",)
STATIC = {"text/html", "image/jpeg", "text/plain"}


def asked(shell: Shell) -> dict[str, Any]:
    """Return the newest request of the journal."""
    return shell.workspace.requests()[-1]


def test_defaults_count_where_nothing_is_typed(shell: Shell) -> None:
    """Model, length, resolution and negative prompt, from the next cell on."""
    shell.ok("%%wan cat.png --no-wait --dry-run\nBefore")
    shell.ok("%config WanMagics.model = 'wan2.5-i2v-preview'")
    shell.ok("%config WanMagics.resolution = '480P'\n%config WanMagics.duration = 10")
    shell.ok("%config WanMagics.negative_prompt = 'blur'")
    shell.ok("%%wan cat.png --no-wait\nA cat")
    found = asked(shell)
    wanted = {"model": "wan2.5-i2v-preview", "resolution": "480P", "duration": 10, "negative_prompt": "blur"}
    assert {name: found.get(name) for name in wanted} == wanted
    shell.ok("%%wan cat.png -d 5 --no-wait\nA cat")
    assert asked(shell)["duration"] == 5


def test_the_provider_may_be_a_default_too(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """After what is typed, `%wan use` and WAN_PROVIDER; before settings.toml; a wrong name is said by the next cell."""
    shell.workspace.home.mkdir(exist_ok=True)
    (shell.workspace.home / "settings.toml").write_text('provider = "dashscope-us"\n')
    monkeypatch.setenv("WAN_API_KEY", "k-4711")
    shell.ok("%config WanMagics.provider = 'ope'")
    assert "ope" in shell.ok("%wan").out
    assert "emulator" in shell.ok("%%wan cat.png --provider emulator --dry-run\nA cat").out
    monkeypatch.setenv("WAN_PROVIDER", "ssanai")
    shell.ok("%config WanMagics.duration = 5")
    assert "ssanai" in shell.ok("%wan").out
    monkeypatch.delenv("WAN_PROVIDER")
    shell.ok("%config WanMagics.provider = 'nobody'")
    assert "nobody" in str(shell.run("%wan").error)


def test_the_environment_comes_before_and_the_file_after(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """WAN_MODEL, then %config, then settings.toml."""
    shell.workspace.home.mkdir(exist_ok=True)
    (shell.workspace.home / "settings.toml").write_text('resolution = "1080P"\nmodel = "wan2.6-i2v"\n')
    shell.ok("%config WanMagics.resolution = '480P'\n%config WanMagics.model = 'wan2.5-i2v-preview'")
    shell.ok("%%wan cat.png --no-wait\nA cat")
    assert (asked(shell)["model"], asked(shell)["resolution"]) == ("wan2.5-i2v-preview", "480P")
    monkeypatch.setenv("WAN_MODEL", "wan2.2-i2v-flash")
    shell.ok("%config WanMagics.duration = 5")
    shell.ok("%%wan cat.png --no-wait\nA dog")
    assert asked(shell)["model"] == "wan2.2-i2v-flash"


def test_every_default_can_be_set_and_is_a_setting_of_the_files() -> None:
    """The same names in both places."""
    traits = WanMagics.class_trait_names(config=True)
    assert set(SETTINGS) <= set(traits)
    assert all(has_message(f"config.{name}") for name in traits)


@pytest.mark.parametrize("line", ["progress = 'loud'", "wait = 'perhaps'", "notify = 'browser'", "embed = 'no'"])
def test_a_value_that_cannot_be_is_refused(shell: Shell, line: str) -> None:
    """By traitlets, at once; nothing changes."""
    shell.run(f"%config WanMagics.{line}")
    name = line.split()[0]
    ours = shell.ip.magics_manager.registry["WanMagics"]
    assert getattr(ours, name) in ("auto", "none", "")


@pytest.mark.parametrize("face", ["widget", "text", "terminal"])
def test_the_face_may_be_chosen(face: str) -> None:
    """In a notebook; without a kernel there is only the terminal."""
    parent = {"content": {"allow_stdin": True}}
    manager = SimpleNamespace(registry={"WanMagics": SimpleNamespace(progress=face, wait="always")})
    ip = SimpleNamespace(get_parent=lambda: parent, user_ns={}, kernel=object(), magics_manager=manager)
    assert (detect(ip).surface, detect(ip).waits) == (face, True)
    manager.registry.clear()
    assert detect(ip) == NOTEBOOK
    ip.kernel = None
    assert detect(ip).surface == "terminal"


def test_text_instead_of_widgets_in_a_live_notebook(kernel: Kernel, port: Emulator) -> None:
    """No widget is made; the display is updated and ends as the video."""
    kernel.ok("%config WanMagics.progress = 'text'")
    port.faults(HELD)
    cell = kernel.ok(f"%%wan cat.png {SMALL}\nA cat", live=True)
    assert WIDGET not in cell.bundle
    port.clear()
    kernel.until(lambda: set(cell.bundle) == STATIC)
    assert not [kind for kind in kernel.kinds() if kind.startswith("comm")]


def test_nothing_is_shown_before_the_end_where_that_is_wished(kernel: Kernel, port: Emulator) -> None:
    """`progress = 'none'` is what `--quiet` is for one cell."""
    kernel.ok("%config WanMagics.progress = 'none'")
    port.faults(HELD)
    cell = kernel.ok(f"%%wan cat.png {SMALL}\nA cat", live=True)
    assert cell.bundle == {"text/plain": ""}
    port.clear()
    kernel.until(lambda: set(cell.bundle) == STATIC)
    assert "comm_open" not in kernel.kinds()


def test_a_notebook_may_wait_and_a_headless_run_need_not(kernel: Kernel, port: Emulator) -> None:
    """`wait`: always, never; `--wait` and `--no-wait` are typed later and win."""
    kernel.ok("%config WanMagics.wait = 'always'")
    cell = kernel.ok(f"%%wan cat.png {SMALL}\nA cat", live=True)
    assert set(cell.bundle) == STATIC
    kernel.ok("%config WanMagics.wait = 'never'")
    port.faults(HELD)
    cell = kernel.ok(f"%%wan cat.png {SMALL} -o job\nA dog")
    assert kernel.ask("job.done") is False
    port.clear()
    kernel.until(lambda: set(cell.bundle) == STATIC)


def test_the_end_is_heard_only_where_it_is_wished_for(kernel: Kernel) -> None:
    """A sound goes through the widget, and no output that is saved has it."""
    for number, wish in enumerate(("none", "sound")):
        kernel.ok(f"%config WanMagics.notify = {wish!r}")
        kernel.log.clear()
        cell = kernel.ok(f"%%wan cat.png {SMALL}\nA cat, {number}", live=True)
        kernel.until(lambda cell=cell: set(cell.bundle) == STATIC)
        heard = [m for m in kernel.log if m["msg_type"] == "comm_msg" and "<audio" in json.dumps(m["content"])]
        assert len(heard) == number
        assert "<audio" not in cell.bundle["text/html"]


def test_unloading_leaves_nothing_of_what_was_set(shell: Shell) -> None:
    """After unload and load the defaults are the usual ones, and nothing of ours is configurable in between."""
    shell.ok("%config WanMagics.model = 'wan2.5-i2v-preview'\n%config WanMagics.wait = 'never'")
    shell.ok("%unload_ext wan_jupyter")
    assert "WanMagics" not in [type(one).__name__ for one in shell.ip.configurables]
    assert "WanMagics" not in shell.ip.magics_manager.registry
    assert not [name for name in vars(shell.ip) if name.startswith("_wan")]
    shell.ok("%load_ext wan_jupyter")
    ours = shell.ip.magics_manager.registry["WanMagics"]
    assert ours.values_set() == {}


LOOK = """
import gc, json, sys, threading
from wan_jupyter.i18n.messages import current_language
def alive():
    gc.collect()
    return sum(type(one).__name__ == "WanMagics" for one in gc.get_objects())
def look():
    ip = get_ipython()
    comms = ip.kernel.comm_manager
    return {
        "events": {name: len(found) for name, found in ip.events.callbacks.items()},
        "transformers": [len(ip.input_transformers_cleanup), len(ip.input_transformers_post)],
        "configurables": sum(type(one).__name__ == "WanMagics" for one in ip.configurables),
        "hooks": [repr(sys.excepthook), repr(ip.CustomTB), sorted(map(str, ip.custom_exceptions)), sorted(ip.hooks)],
        "publishing": [len(getattr(ip.display_pub._thread_local, "hooks", ())), len(comms.targets)],
        "formatters": {str(kind): [len(one.type_printers), len(one.deferred_printers), len(one.singleton_printers)]
                       for kind, one in [*ip.display_formatter.formatters.items(),
                                         ("itself", ip.display_formatter.ipython_display_formatter)]},
        "matchers": [len(ip.Completer.custom_matchers), len(ip.Completer.magic_arg_matchers)],
        "magics": [[name for name in names if "wan" in name] for names in ip.magics_manager.magics.values()],
        "registry": "WanMagics" in ip.magics_manager.registry,
        "config": "WanMagics" in ip.config,
        "attributes": sorted(name for name in vars(ip) if "wan" in name),
        "language": current_language.get(),
        "comms": len(comms.comms),
        "threads": sorted(thread.name for thread in threading.enumerate() if not thread.name.startswith("wan-")),
    }
"""


def test_unloading_leaves_a_kernel_as_it_was(kernel: Kernel, port: Emulator) -> None:
    """Settings, cards, a form and Tab have been there; what is left is what was there before, and no magics object."""
    kernel.ok("%unload_ext wan_jupyter")
    kernel.ok(LOOK)
    known = kernel.ask("alive()")  # the traceback of a test before may hold one
    kernel.ok("import ipywidgets\nbefore = json.dumps(look(), sort_keys=True)")
    kernel.ok("%load_ext wan_jupyter")
    kernel.ok("%config WanMagics.language = 'ko'\n%config WanMagics.duration = 5")
    cell = kernel.ok(f"%%wan cat.png {SMALL}\nA cat", live=True)
    kernel.until(lambda: set(cell.bundle) == STATIC)
    kernel.ok("%wan compose", live=True)
    kernel.ok("%wan jobs", live=True)
    assert kernel.ask("look()['comms']") > 50
    kernel.ok("%unload_ext wan_jupyter")
    kernel.ok("after = json.dumps(look(), sort_keys=True)")
    before, after = kernel.ask("[before, after]")
    assert json.loads(after) == json.loads(before)
    assert kernel.ask("alive()") <= known


def test_a_job_under_way_outlives_the_extension(kernel: Kernel, port: Emulator) -> None:
    """Its card goes on and ends as the video."""
    port.faults(HELD)
    cell = kernel.ok(f"%%wan cat.png {SMALL} -o job\nA cat", live=True)
    kernel.ok("%unload_ext wan_jupyter")
    port.clear()
    kernel.until(lambda: set(cell.bundle) == STATIC)
    assert kernel.ask("job.video.path.exists()")


def test_a_wished_model_that_lacks_the_mode_yields(shell: Shell) -> None:
    """As a default of a settings file does; a typed one would be the error."""
    shell.ok("%config WanMagics.model = 'wan2.2-kf2v-flash'")
    job = shell.names
    shell.ok("%%wan cat.png --no-wait -o job\nA cat")
    job["job"].result(PATIENCE)
    assert job["job"].info.model != "wan2.2-kf2v-flash"
    ran = shell.run("%%wan cat.png -m wan2.2-kf2v-flash --no-wait\nA cat")
    assert isinstance(ran.error, ModelError)
