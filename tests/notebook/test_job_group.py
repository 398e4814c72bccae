"""Many jobs at once: one budget of messages for all displays, one board for a cell, and nothing lost at the end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from tests.support.clock import until
from tests.support.emulator_client import Emulator
from tests.support.ipython_shell import HELD, SMALL, WIDGET
from tests.support.kernel_client import Kernel
from tests.support.world import World
from wan_jupyter.jobs import background
from wan_jupyter.notebook.display.job_group import JobGroup
from wan_jupyter.notebook.display.live_display import MESSAGES_PER_SECOND, MessageRateLimiter

pytest_plugins = ("tests.support.notebook_fixtures",)

FIFTY = 50
STATIC = {"text/html", "image/jpeg", "text/plain"}
SESSION = "from wan_jupyter import Session\nsession = Session()\n"
LOOP = SESSION + (
    "jobs = [session.submit(f'Cat {n}', image='cat.png', model='wan2.5-i2v-preview', resolution='480P')"
    " for n in range(7)]\nfor job in jobs:\n    display(job)"
)

MOSTLY_BAD = (
    LOOP.removeprefix(SESSION)
    .replace("range(7)", "range(4, 54)")
    .replace("f'Cat {n}'", "f'Cat {n}' if n % 10 == 0 else f'A forbidden prompt {n}'")
)


def test_the_budget_gives_turns_one_after_the_other() -> None:
    """A burst is spread out, a pause is not saved up."""
    now = [100.0]
    budget = MessageRateLimiter(lambda: now[0])
    waits = [budget.turn() for _ in range(250)]
    assert waits[0] == 0.0
    assert waits[-1] == pytest.approx(249 / MESSAGES_PER_SECOND)
    now[0] += 60
    assert budget.turn(3) == 0.0
    assert budget.turn() == pytest.approx(3 / MESSAGES_PER_SECOND)


def test_nobody_joins_a_board_that_has_said_its_last(world: World) -> None:
    """Once the loop has found that all have ended it draws the end: a job that came after would never be seen."""
    first, second, late = (world.order(prompt) for prompt in ("One", "Two", "Three"))
    many = JobGroup([first], background.current())
    assert many.join(second)
    told: list[object] = []
    many.watch(lambda _: told.append(None) if many.done else None)
    for job in (first, second, late):
        job.result(60)
    until(lambda: told)
    assert not many.join(late)
    assert many.jobs == (first, second)


def drawn(log: list[dict[str, Any]]) -> list[float]:
    """Return when the messages were sent that redraw something, in seconds."""
    kinds = ("comm_msg", "update_display_data")
    dates = [message["header"]["date"] for message in log if message["msg_type"] in kinds]
    return [date.timestamp() if isinstance(date, datetime) else float(date) for date in dates]


@pytest.mark.timeout(300)
def test_fifty_jobs_in_one_notebook_end_whole(kernel: Kernel, port: Emulator) -> None:
    """Fifty cells, fifty cards: each ends as its own video, and no second sees more messages than it may."""
    port.faults(HELD)
    cells = [kernel.start(f"%%wan cat.png {SMALL}\nCat {n}", live=True) for n in range(FIFTY)]
    kernel.until(lambda: all(cell.idle for cell in cells))
    port.clear()
    wait_until_shown(kernel, lambda: all(WIDGET not in cell.bundle for cell in cells))
    assert all(set(cell.bundle) == STATIC for cell in cells)
    assert [f"Cat {n}" in cell.bundle["text/plain"] for n, cell in enumerate(cells)] == [True] * FIFTY
    times = sorted(drawn(kernel.log))
    print(f"\n{len(times)} messages redrew {FIFTY} cards in {times[-1] - times[0]:.1f} s")
    # From any message on, never more than the budget: what was held up comes later, not all at once before its time.
    late = [n for n, at in enumerate(times) if n > MESSAGES_PER_SECOND * (at - times[0] + 1)]
    assert late == []


def wait_until_shown(kernel: Kernel, happened: Callable[[], object]) -> None:
    """Wait for what fifty renderings on a small machine take: several times a test's usual patience."""
    for _ in range(3):
        try:
            return kernel.until(happened)
        except AssertionError:
            continue
    return kernel.until(happened)


def test_a_cells_fifth_job_begins_a_board(kernel: Kernel, port: Emulator) -> None:
    """Four cards and one table, which goes on and ends as a static table; every job has its row."""
    port.faults(HELD)
    cell = kernel.ok(LOOP, live=True)
    assert len(cell.bundles) == 5
    ids = kernel.ask("[job.id for job in jobs]")
    assert [WIDGET in bundle for bundle in cell.bundles] == [True] * 5
    kernel.until(lambda: kernel.heard("3 jobs · 3 Rendering"))
    port.clear()
    kernel.until(lambda: all(WIDGET not in bundle for bundle in cell.bundles))
    board = cell.bundles[-1]["text/plain"]
    assert "3 jobs · 3 Saved" in board
    assert [identity in board for identity in ids] == [False] * 4 + [True] * 3
    assert cell.bundles[-1]["text/html"].count("data:image/jpeg;base64,") == 3


@pytest.mark.timeout(300)
def test_the_last_word_of_each_of_fifty_is_on_the_board(kernel: Kernel, port: Emulator) -> None:
    """One cell, fifty jobs, most of which fail at once: every row says at the end what the journal says."""
    port.faults(HELD)
    cell = kernel.ok(SESSION + MOSTLY_BAD, live=True)
    port.clear()
    wait_until_shown(kernel, lambda: all(WIDGET not in bundle for bundle in cell.bundles))
    board = cell.bundles[-1]["text/plain"]
    ends = kernel.ask("[[job.id, job.status] for job in jobs]")
    words = {"SUCCEEDED": "Saved", "FAILED": "Failed"}
    rows = {line.split()[0]: line for line in board.splitlines()[2:]}
    assert {identity: words[status] in rows[identity] for identity, status in ends[4:]} == dict.fromkeys(rows, True)
    assert len(rows) == FIFTY - 4
    assert "46 jobs · 5 Saved · 41 Failed" in board


def test_waiting_for_several_jobs_shows_one_table(kernel: Kernel, port: Emulator) -> None:
    """`%wan wait`: one display for both, a failure is raised once it has shown all."""
    port.faults(HELD)
    cell = kernel.waiting("A cat", "A forbidden prompt")
    port.clear()
    kernel.until(lambda: cell.idle)
    assert "2 jobs · 1 Saved · 1 Failed" in cell.bundle["text/plain"]
    assert "DataInspectionFailed" in cell.bundle["text/plain"]
    assert cell.error is not None
    assert cell.error["ename"] == "JobFailed"
