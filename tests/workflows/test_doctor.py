"""The doctor: what is wrong, and how to mend it; never a key."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest

from tests.support.emulator_client import PortEmulator
from tests.support.ipython_shell import Shell
from tests.support.processes import python
from tests.support.world import World
from wan_jupyter.config.settings import read_settings
from wan_jupyter.workflows import doctor
from wan_jupyter.workflows.doctor import Finding, Patient

pytest_plugins = ("tests.support.notebook_fixtures",)

SECRET = "sk-distinctive-5b20"


def seen(world: World, url: str, key: str = SECRET, late: float = 0.0) -> dict[str, Finding]:
    """Return what the doctor finds with a DashScope session at an address, by name; and look for the key."""
    said = {"WAN_HOME": str(world.home), "DASHSCOPE_API_KEY": key}
    found = read_settings(said)
    session = world.session("dashscope-cn", settings=found, base_url=url)
    findings = doctor.examine(Patient(found, session, None, lambda: time.time() + late))
    assert key not in doctor.report(findings)
    return {one.name: one for one in findings}


def wrong(found: dict[str, Finding]) -> set[str]:
    return {name for name, one in found.items() if one.fix}


def test_all_is_well_with_a_service_that_answers(world: World, port: PortEmulator) -> None:
    """It is asked once, for a task that nobody has; nothing is created."""
    found = seen(world, port.base_url)
    assert wrong(found) == set()
    assert {"Python", "httpx", "av", "codecs", "session", "service", "clock", "home", "journal"} <= set(found)
    assert found["key from"].text == "DASHSCOPE_API_KEY"
    assert (len(port.requests), port.tasks) == (1, [])


def test_a_key_that_is_refused_is_said(world: World, port: PortEmulator) -> None:
    """With what to do about it."""
    found = seen(world, port.base_url, "bad-key")
    assert wrong(found) == {"service"}
    assert "region" in found["service"].fix


def test_a_dead_port_is_said(world: World) -> None:
    """Nothing listens there."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    found = seen(world, f"http://127.0.0.1:{port}/api/v1")
    assert wrong(found) == {"service"}
    assert "Could not reach the service" in found["service"].text


def test_a_service_that_says_nothing_is_given_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The wait is bounded."""
    monkeypatch.setattr(doctor, "PING_TIMEOUT_S", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as server:
        found = seen(world, f"http://127.0.0.1:{server.getsockname()[1]}/api/v1")
    assert "no response" in found["service"].text


@pytest.mark.parametrize(("late", "word"), [(600.0, "ahead"), (-600.0, "behind")])
def test_a_clock_that_is_wrong_is_said(world: World, port: PortEmulator, late: float, word: str) -> None:
    """By the service's own."""
    found = seen(world, port.base_url, late=late)
    assert wrong(found) == {"clock"}
    assert word in found["clock"].text


def test_a_folder_that_cannot_be_written_is_said(world: World, port: PortEmulator) -> None:
    """A file stands where the home should be."""
    world.home.write_text("x")
    assert "journal" in wrong(seen(world, port.base_url))


def test_a_terminal_asks_for_it_too(tmp_path: Path) -> None:
    """`python -m wan_jupyter doctor` ends with 1 if something is wrong; the emulator is asked in process."""
    script = "import sys; sys.argv = {}; import runpy; runpy.run_module('wan_jupyter', run_name='__main__')"
    well = python(script.format(["wan_jupyter", "doctor"]), tmp_path / "well")
    assert (well.returncode, "No problems found." in well.stdout) == (0, True), well.stdout + well.stderr
    ill = python(script.format(["wan_jupyter", "doctor", "ope"]), tmp_path / "ill", DASHSCOPE_API_KEY=SECRET)
    assert (ill.returncode, "FAILED" in ill.stdout, SECRET in ill.stdout) == (1, True, False)
    usage = python(script.format(["wan_jupyter", "what"]), tmp_path / "what")
    assert (usage.returncode, "doctor" in usage.stderr) == (2, True)


def test_a_notebook_asks_for_it(shell: Shell) -> None:
    """With what only a shell knows."""
    out = shell.ok("%wan doctor").out
    assert "terminal" in out
    assert "No problems found." in out
    assert "FAILED" in shell.ok("%wan doctor nobody").out
