"""Who is alive: a lock that the system frees, however a process ends."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.clock import PATIENCE
from tests.support.processes import environment
from wan_jupyter.storage.process_lock import HEARTBEAT_TIMEOUT_S, Owner

HOLD = """
import pathlib, sys
from wan_jupyter.storage.process_lock import Owner
me = Owner(pathlib.Path("home"))
print(me.name, flush=True)
sys.stdin.read()
"""
NOW = 1_000_000.0


@pytest.fixture
def owner(tmp_path: Path) -> Iterator[Owner]:
    made = Owner(tmp_path / "home")
    yield made
    made.release()


@pytest.fixture
def other(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD], cwd=tmp_path, env=environment(tmp_path),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with process:
        yield process
        process.kill()


def test_a_process_is_alive_to_itself(owner: Owner) -> None:
    """Whatever its heartbeat says."""
    assert owner.locked
    assert owner.is_alive(owner.name, 0.0, NOW)


def test_another_process_is_alive_until_it_ends(owner: Owner, other: subprocess.Popen[str]) -> None:
    """Killed without a chance to clean up, it is dead at once; its old heartbeat does not matter."""
    assert other.stdout
    name = other.stdout.readline().strip()
    assert owner.is_alive(name, 0.0, NOW)
    other.kill()
    other.wait(PATIENCE)
    assert not owner.is_alive(name, NOW, NOW)


def test_asking_does_not_disturb_a_living_owner(owner: Owner, other: subprocess.Popen[str]) -> None:
    """Its lock stays its own."""
    assert other.stdout
    name = other.stdout.readline().strip()
    assert [owner.is_alive(name, 0.0, NOW) for _ in range(3)] == [True] * 3


@pytest.mark.parametrize(("age", "alive"), [(0.0, True), (HEARTBEAT_TIMEOUT_S + 1, False)])
def test_without_a_lock_file_the_heartbeat_decides(owner: Owner, age: float, alive: bool) -> None:
    """Someone tidied up: its process may live all the same."""
    assert owner.is_alive(f"{socket.gethostname()}:1:abcd", NOW - age, NOW) is alive


AGES = [(0.0, True), (HEARTBEAT_TIMEOUT_S - 1, True), (HEARTBEAT_TIMEOUT_S + 1, False)]


@pytest.mark.parametrize(("age", "alive"), AGES)
def test_on_another_host_the_heartbeat_decides(owner: Owner, age: float, alive: bool) -> None:
    """A lock there tells nothing here."""
    assert owner.is_alive("another-host:1:abcd", NOW - age, NOW) is alive


@pytest.mark.parametrize(("age", "alive"), [(0.0, True), (HEARTBEAT_TIMEOUT_S + 1, False)])
def test_where_locks_do_not_work_the_heartbeat_decides(owner: Owner, age: float, alive: bool) -> None:
    """Some network file systems."""
    owner.locked = False
    assert owner.is_alive(f"{socket.gethostname()}:1:abcd", NOW - age, NOW) is alive


def test_names_are_unique(tmp_path: Path, owner: Owner) -> None:
    """Two owners in one process are two."""
    second = Owner(tmp_path / "home")
    assert second.name != owner.name
    assert owner.is_alive(second.name, 0.0, NOW)
    second.release()
    assert not owner.is_alive(second.name, 0.0, NOW)


def test_the_folder_is_its_owners_alone(tmp_path: Path, owner: Owner) -> None:
    """0700, and the files 0600."""
    folder = tmp_path / "home" / "owners"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
