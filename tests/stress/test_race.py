"""Two kernels run the same cell at the same moment, again and again: there is one task, and both show its video."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.clock import PATIENCE
from tests.support.emulator_client import PortEmulator
from tests.support.ipython_shell import SMALL, Workspace
from tests.support.kernel_client import Kernel

from .sizes import LONGEST, RACES

pytestmark = [pytest.mark.stress, pytest.mark.timeout(LONGEST)]

AHEAD = 0.08  # seconds to the moment at which both begin: longer than it takes to send a cell to both
# Both kernels leave this at the same moment by the clock they share, each in a busy wait.
BARRIER = """
import time
while time.time() < {moment!r}:
    pass
late = time.time() - {moment!r}
"""
CELL = f"%%wan cat.png {SMALL} --no-wait -o job\nCat number {{number}}"


@pytest.fixture
def service(tmp_path: Path) -> Iterator[PortEmulator]:
    emulator = PortEmulator(tmp_path / "service", "--speed", "1000", "--clip-seconds", "0.1")
    yield emulator
    emulator.stop()


@pytest.fixture
def kernels(tmp_path: Path, service: PortEmulator) -> Iterator[list[Kernel]]:
    """Two kernels in one home, in folders of their own, as two notebooks of one user are."""
    made = []
    for name in ("one", "two"):
        (tmp_path / f"{name}-user").mkdir()
        made.append(Kernel(tmp_path / f"{name}-user"))
        workspace = Workspace(tmp_path / name)
        workspace.home = tmp_path / "home"
        made[-1].begin(workspace, {"WAN_PROVIDER": "emulator", "WAN_BASE_URL": service.base_url})
    yield made
    for kernel in made:
        kernel.stop()


def race(kernels: list[Kernel], number: int) -> float:
    """Run one cell in both kernels at once; return by how many seconds they missed each other."""
    moment = time.time() + AHEAD
    sent = [kernel.start(BARRIER.format(moment=moment)) for kernel in kernels]
    cells = [kernel.start(CELL.format(number=number)) for kernel in kernels]
    for kernel, *mine in zip(kernels, sent, cells, strict=True):
        kernel.until(lambda mine=mine: all(cell.idle for cell in mine))
        assert [cell.error for cell in mine] == [None, None]
    late = [kernel.ask("late") for kernel in kernels]
    return max(late) - min(late)


def test_two_kernels_race_and_one_task_is_made(kernels: list[Kernel], service: PortEmulator, tmp_path: Path) -> None:
    """The same cell, the same two kernels, each time another prompt; the service's books count."""
    missed = [race(kernels, number) for number in range(RACES)]
    for kernel in kernels:
        kernel.ok(f"import wan_jupyter\nfor one in wan_jupyter.Session().history(10**4):\n    one.result({PATIENCE})")
    said = [kernel.ask("[one.id for one in wan_jupyter.Session().history(10**4)]") for kernel in kernels]
    prompts = Counter(task["request"]["input"]["prompt"] for task in service.tasks)
    apart = sorted(missed)[RACES // 2] * 1000
    print(f"\n{RACES} races, let go {apart:.1f} ms apart (median), {prompts.total()} tasks")
    assert prompts == {f"Cat number {number}": 1 for number in range(RACES)}
    assert said[0] == said[1]
    assert len(said[0]) == RACES
