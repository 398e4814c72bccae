"""The ledger: jobs by the hundred against a service in bad weather, with a client that is killed and begun again.

At the end each request is a video that decodes, or a failure of the service's own, or shown as uncertain with its
reason; none is billed twice, and nothing of the other client's is taken.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from .audit import MARK, audit, table
from .orders import Orders, prompts
from .scenario import Run, blows, live, serve
from .sizes import GATEWAY, JOBS, KILLS, LONGEST, RESTARTS, SECOND, SEED

pytestmark = [pytest.mark.stress, pytest.mark.timeout(LONGEST + 120)]

SMALL = {"model": "wan2.2-i2v-flash", "resolution": "480P"}
Begin = Callable[..., Run]


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Begin]:
    """Start scenarios; their services end with the test."""
    begun: list[Run] = []

    def one(*arguments: str) -> Run:
        begun.append(serve(tmp_path, SEED, *arguments))
        begun[-1].begin()
        return begun[-1]

    yield one
    for run in begun:
        run.emulator.stop()


def orders_of(run: Run, name: str, count: int, **more: object) -> Orders:
    """Return a client's orders, in a home of its own."""
    home = run.folder / name
    where = {"provider": "dashscope-intl", "base_url": run.emulator.base_url, "options": SMALL, **more}
    folders = {"home": str(home), "outputs": str(home / "wan_outputs")}
    # Few at once, so that there is always something left to be killed at.
    where = {"at_once": min(24, max(4, count // 10)), **where, **folders}
    return Orders(prompts=prompts(count), since=run.since, **where)


def test_everything_is_paid_for_once_and_nothing_is_lost(begin: Begin) -> None:
    """DashScope; a second client with the same key orders the same prompts meanwhile, and nobody is told of it."""
    run = begin()
    ours = orders_of(run, "client", JOBS)
    theirs = orders_of(run, "second", SECOND, options={**SMALL, "negative_prompt": MARK}, at_once=4)
    other = threading.Thread(target=live, args=(run, theirs, ()))
    other.start()
    live(run, ours, blows(KILLS, RESTARTS, JOBS, SEED))
    other.join()
    assert (run.kills, run.restarts) == (KILLS, RESTARTS)
    report(run, audit(ours, run.emulator, run.folder / "service", mine=""),
           audit(theirs, run.emulator, run.folder / "service", mine=MARK))  # fmt: skip


@pytest.mark.parametrize(
    ("provider", "model"), [("ssanai", "wan2.5-i2v-preview"), ("ope", "wan2.7-i2v")], ids=["ssanai", "ope"]
)
def test_on_a_gateway_too(begin: Begin, provider: str, model: str) -> None:
    """Where nobody can ask which tasks there are, a lost answer stays uncertain; nothing else does."""
    run = begin()
    options = {"model": model, "resolution": "720P"}
    ours = orders_of(run, "client", GATEWAY, provider=provider, base_url=run.emulator.url, options=options)
    live(run, ours, blows(KILLS // 2, 1, GATEWAY, SEED + 1))
    report(run, audit(ours, run.emulator, run.folder / "service", mine=""))


def test_two_clients_in_one_home_pay_once_for_what_both_want(begin: Begin) -> None:
    """Each is killed in turn while the other lives; the other goes on with what it left behind."""
    run = begin()
    ours = orders_of(run, "client", GATEWAY, at_once=8)
    twin = replace(ours, twin="-twin", prompts=ours.prompts[::-1])
    other = threading.Thread(target=live, args=(run, twin, blows(KILLS // 2, 0, GATEWAY, SEED + 3)))
    other.start()
    live(run, ours, blows(KILLS // 2, 0, GATEWAY, SEED + 4))
    other.join()
    report(run, audit(ours, run.emulator, run.folder / "service", mine=""))


def report(run: Run, *found: object) -> None:
    """Print the table; fail with the histories of what went wrong, and the seed that brings it back."""
    run.stop()
    more = {"kills": run.kills, "restarts of the service": run.restarts, "faults": run.fired.total()}
    more |= {"requests to the service": run.requests, "of them hit": run.share}
    print(f"\n{table(*found, **more)}\nseconds {run.seconds:.0f}, seed {run.seed}")  # type: ignore[arg-type]
    wrong = "\n".join(filter(None, (one.verdict() for one in found)))  # type: ignore[attr-defined]
    assert not wrong, f"seed {run.seed}\n{wrong}"
    assert run.errors() == ""
    assert set(run.exits) == {0}
