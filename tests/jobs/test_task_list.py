"""A service's list of tasks is read page by page: a page that fails is asked for again, and what was read is kept."""

from __future__ import annotations

from tests.jobs.test_recovery import LOST, UNMADE, elsewhere, notes, uncertain
from tests.support.clock import PATIENCE, FakeClock, until
from tests.support.emulator_client import PortEmulator
from tests.support.world import World
from wan_jupyter.protocols.dashscope import DashScope
from wan_jupyter.scheduling import retry
from wan_jupyter.status import Status

PAGE = 10  # tasks on a page of the emulator's list, as of the service's
SECOND = {"at": "list", "do": "status", "skip": 1, "times": retry.MAX_PAGE_TRIES - 1}


def crowd(world: World, count: int) -> None:
    """Let another program make tasks on the same account."""
    for number in range(count):
        elsewhere(world, f"Another's cat {number}")


def test_a_page_that_fails_does_not_cost_the_list(world: World) -> None:
    """It is asked for again after a wait; the list is not begun anew, and nobody is troubled with it."""
    crowd(world, 2 * PAGE)
    world.emulator().faults(LOST, {**SECOND, "status": 503})
    job = world.order("A cat on page one")
    seen = notes(job)
    job.result(PATIENCE)
    assert (world.emulator().fired(), "list_silent" in seen) == ([1, retry.MAX_PAGE_TRIES - 1], False)
    assert (job.status, world.emulator().creates) == (Status.SUCCEEDED, 2 * PAGE + 1)


def test_a_page_that_keeps_failing_costs_the_list(world: World, clock: FakeClock) -> None:
    """The card says that the list does not come; the search goes on when it does."""
    crowd(world, PAGE)
    world.emulator().faults(LOST, {**SECOND, "status": 503, "times": 2 * retry.MAX_PAGE_TRIES + 1})
    job = world.order("A cat on page one")
    seen = notes(job)
    job.result(PATIENCE)
    assert [note for note in seen if note][:2] == ["recognising", "list_silent"]
    assert job.status is Status.SUCCEEDED


def test_a_page_that_is_refused_is_asked_for_once(world: World) -> None:
    """What a key may not do it may not do the next time, either."""
    crowd(world, PAGE)
    world.emulator().faults(LOST, {**SECOND, "status": 403, "times": 0})
    assert uncertain(world.order("A cat")).problem.advice == "uncertain"
    assert world.emulator().fired() == [1, 1]


def test_one_list_that_took_minutes_is_no_proof(world: World, clock: FakeClock) -> None:
    """Its head was read at its beginning: what the service listed since then was not seen."""
    crowd(world, PAGE + 1)
    clock.advance(60)
    busy = {"status": 429, "headers": {"Retry-After": "60"}}
    world.emulator().faults(UNMADE, {**SECOND, **busy})
    job = world.order("A cat")
    uncertain(job)
    lists = [seen for seen in world.emulator().requests if seen["path"].endswith("/tasks/")]
    assert (job.snapshot.note, len(lists) > 1 + retry.MAX_PAGE_TRIES) == ("no_trace", True)


def test_a_list_that_is_refused_later_names_what_was_seen(world: World, clock: FakeClock) -> None:
    """The user can bring the task in that is as ours would be."""
    world.emulator().faults(LOST)
    clock.hold()
    job = world.order("A cat")
    until(lambda: clock.sleeping)
    world.emulator().faults({"at": "list", "do": "status", "status": 403, "skip": 1, "times": 0})
    clock.advance(200)  # it has ended: the next look sees it, and the list around it is refused
    clock.release()
    problem = uncertain(job)
    assert (job.snapshot.note, world.emulator().tasks[0]["task_id"] in problem.message()) == ("several", True)


def test_each_page_takes_a_turn(world: World, clock: FakeClock, port: PortEmulator) -> None:
    """The account's documented rate holds for the pages of one list, too."""
    session = world.session("dashscope-intl", base_url=port.base_url, key="sk-turns")
    for number in range(PAGE):
        world.order(f"Cat {number}", session=session).result(PATIENCE)
    port.faults(LOST)
    clock.naps.clear()
    world.order("A cat", session=session).result(PATIENCE)
    turns = [nap for nap in clock.naps if 0 < nap <= 1 / DashScope.rate_limits["list"]]
    assert len(turns) >= 2  # each page but the very first


def test_a_task_that_slips_to_the_next_page_meanwhile_is_one(world: World, clock: FakeClock) -> None:
    """The newest come first: one that is made between two pages moves the others on."""
    crowd(world, 1)
    clock.advance(1)
    clock.hold()
    world.emulator().faults(LOST, {"at": "list", "do": "status", "status": 503})
    job = world.order("A cat that ends page one")
    until(lambda: clock.sleeping)
    clock.advance(0.1)  # nobody wakes, and what follows is younger
    crowd(world, PAGE - 1)
    world.emulator().faults({**SECOND, "status": 503, "times": 1})
    clock.advance(200)
    until(lambda: clock.sleeping)  # before the second page is asked for again
    elsewhere(world, "A horse")
    clock.release()
    job.result(PATIENCE)
    assert (job.status, world.emulator().fired()) == (Status.SUCCEEDED, [1, 1, 1])
