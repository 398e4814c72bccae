"""A crash at every single step of a job's life: each file, each connection, each write of the journal."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.clock import PATIENCE
from tests.support.processes import environment

from .audit import audit
from .orders import Orders
from .scenario import Run, client, serve
from .sizes import CRASHES, LONGEST, SEED
from .test_ledger import orders_of

pytestmark = [pytest.mark.stress, pytest.mark.timeout(LONGEST)]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """A service in good weather."""
    made = serve(tmp_path, SEED, "--speed", "20")
    yield made
    made.emulator.stop()


def life(orders: Orders, last: int) -> subprocess.CompletedProcess[str]:
    """Let a client live until its step `last`; 0: to the end."""
    return child(orders, "tests.stress.brittle", str(last))


def child(orders: Orders, module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a module in a client's home, told its orders."""
    command = [sys.executable, "-m", module, str(orders.write()), *arguments]
    return subprocess.run(
        command, cwd=orders.home, env=environment(Path(orders.home)), capture_output=True, text=True, timeout=PATIENCE
    )


def test_a_crash_at_any_step_neither_pays_twice_nor_loses_anything(run: Run) -> None:
    """One request each time, in a home of its own: it dies before the step, and another life goes on.

    What a crash leaves in the spool, `%wan clean` takes away.
    """
    one = orders_of(run, "whole", 1)
    whole = life(one, 0)
    assert whole.returncode == 0, whole.stderr
    steps = int(re.findall(r"steps (\d+)", whole.stdout)[0])
    wrong = []
    points = range(1 + SEED % CRASHES, steps + 1, CRASHES)
    for point in points:
        ours = replace(one, home=str(run.folder / f"at{point}"), outputs=str(run.folder / f"at{point}" / "wan_outputs"),
                       prompts=(f"Clip that dies at {point}",))  # fmt: skip
        died = life(ours, point)
        second = client(ours)
        second.communicate(timeout=PATIENCE)
        tidied = child(ours, "tests.stress.tidy")
        found = audit(ours, run.emulator, run.folder / "service", mine=ours.prompts[0])
        said = died.stdout.splitlines()[-1] if died.returncode == -signal.SIGKILL else "did not die"
        if found.problems or second.returncode or tidied.returncode:
            wrong.append(f"at {point} ({said}): {found.verdict()} {tidied.stderr}")
        uncertain = found.counts["uncertain"]
        print(f"{point:>4} {said:<50} {'uncertain' if uncertain else 'video'}")
    assert not wrong, "\n".join(wrong)
    assert len(points) * CRASHES >= steps - CRASHES > 20
