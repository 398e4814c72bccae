"""Every test gets a home of its own and an environment without keys; nothing here may ever spend money."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.support.clock import FakeClock
from tests.support.emulator_client import PortEmulator
from tests.support.world import World

settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")  # no test fails because a machine is slow


@pytest.fixture(scope="session")
def _caches(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("caches")


@pytest.fixture(autouse=True)
def _own_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, _caches: Path) -> None:
    """Give the test a HOME and a WAN_HOME of its own, and take every key and provider out of its environment."""
    for name in list(os.environ):
        if name.startswith(("DASHSCOPE_", "WAN_")) or name.lower().endswith("_proxy") or name == "JPY_SESSION_NAME":
            monkeypatch.delenv(name)
    for name in ("LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "C.UTF-8")
    (tmp_path / "user").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    monkeypatch.setenv("WAN_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("MPLCONFIGDIR", str(_caches))  # matplotlib's list of fonts is dear to make


@pytest.fixture
def world(tmp_path: Path, _caches: Path) -> Iterator[World]:
    """A home, a clock that never really waits, and the emulator in process."""
    made = World(tmp_path, clips=_caches / "clips")
    yield made
    made.close()


@pytest.fixture
def clock(world: World) -> FakeClock:
    return world.clock


@pytest.fixture(scope="session")
def _port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PortEmulator]:
    state = tmp_path_factory.mktemp("emulator")
    running = PortEmulator(state)
    yield running
    running.stop()


@pytest.fixture
def port(_port: PortEmulator) -> Iterator[PortEmulator]:
    """An emulator in a process of its own; its ledger begins empty for each test."""
    before = _port.ledger()
    seen = {task["task_id"] for task in before["tasks"]}
    count = len(before["requests"])

    class Fresh(type(_port)):  # type: ignore[misc]
        def __init__(self) -> None:
            self.url, self.open, self.process = _port.url, _port.open, _port.process

        def ledger(self) -> dict:
            now = _port.ledger()
            tasks = [task for task in now["tasks"] if task["task_id"] not in seen]
            return {"tasks": tasks, "requests": now["requests"][count:]}

    yield Fresh()
    _port.clear()
