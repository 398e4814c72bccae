"""An account's documented limits are kept, and shared with the other processes that use it."""

from __future__ import annotations

import contextlib
import itertools
import sqlite3
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.clock import PATIENCE
from tests.support.emulator_client import PortEmulator
from tests.support.world import World
from wan_jupyter.catalog import plan as catalog
from wan_jupyter.media.image.reader import Image
from wan_jupyter.request.options import VideoRequest
from wan_jupyter.scheduling import rate_limit
from wan_jupyter.scheduling.rate_limit import RateLimiter
from wan_jupyter.session.session import Session
from wan_jupyter.storage.journal.journal import JobRecord
from wan_jupyter.storage.process_lock import Owner


@pytest.mark.parametrize(("rate", "owners", "seconds"), [(20.0, 1, 0.05), (20.0, 4, 0.2), (2.0, 0, 0.5), (0.0, 3, 0.0)])
def test_a_process_takes_its_part_of_a_rate(rate: float, owners: int, seconds: float) -> None:
    """The limit divided by the living owners; where no limit is known, no wait."""
    assert rate_limit.spacing(rate, owners) == pytest.approx(seconds)


@given(st.lists(st.floats(0, 3), max_size=60), st.integers(1, 5), st.sampled_from([1.0, 2.0, 5.0, 20.0]))
def test_in_no_second_are_there_more_requests_than_the_rate_allows(naps: list[float], owners: int, rate: float) -> None:
    """Whenever they come, two are never nearer to each other than the spacing."""
    turns, now, sent = RateLimiter(owners), 0.0, []
    for nap in naps:
        now += nap
        sent.append(now + turns.book("poll", rate, now))
    apart = [later - sooner for sooner, later in itertools.pairwise(sent)]
    assert all(gap >= rate_limit.spacing(rate, owners) - 1e-9 for gap in apart)


STEPS = st.tuples(st.floats(0, 3), st.floats(0, 7200), st.sampled_from(["poll", "cancel", "submit m"]))


@given(st.lists(STEPS, max_size=40), st.integers(1, 3), st.sampled_from([1.0, 5.0, 20.0]))
def test_a_clock_set_back_holds_nothing_up(steps: list[tuple[float, float, str]], owners: int, rate: float) -> None:
    """Each request waits for those before it and for nothing else; the spacing is kept in the time that passes."""
    turns, passed, wrong = RateLimiter(owners), 0.0, 0.0
    sent: dict[str, list[float]] = {}
    for nap, back, kind in steps:
        passed, wrong = passed + nap, wrong - back
        wait = turns.book(kind, rate, 1e6 + passed + wrong)
        before = sent.setdefault(kind, [])
        assert wait <= len(before) * rate_limit.spacing(rate, owners) + 1e-6
        assert not before or passed + wait - before[-1] >= rate_limit.spacing(rate, owners) - 1e-6
        before.append(passed + wait)


def test_kinds_do_not_wait_for_one_another() -> None:
    """A query does not use up a create's turn."""
    turns = RateLimiter()
    assert [turns.book("poll", 1.0, 0.0), turns.book("submit m", 1.0, 0.0), turns.book("poll", 1.0, 0.0)] == [0, 0, 1]


def on(port: PortEmulator, world: World) -> Session:
    return world.session("dashscope-intl", base_url=port.base_url, key="sk-turns")


def test_creates_keep_to_the_models_rate(world: World, port: PortEmulator) -> None:
    """Ten cells at once at a model of two a second: the last one goes out some seconds later, none meets a 429."""
    session = on(port, world)
    begun = world.clock.time()
    jobs = [world.order(f"Cat {number}", session=session) for number in range(10)]
    for job in jobs:
        job.result(PATIENCE)
    sent = sorted(job._sent_at - begun for job in jobs if job._sent_at)
    assert catalog.models()["wan2.2-i2v-flash"].submit_rps == 2.0
    assert sent[-1] >= 9 / 2.0 - 0.01


def test_living_owners_of_the_account_share_it(world: World, port: PortEmulator) -> None:
    """Counted in the journal: those that hold their lock and have a job under way with the same key."""
    session = on(port, world)
    assert session._resources.count_processes() == 1
    other = Owner(world.home)
    try:
        plant(world, session, other.name)
        plant(world, session, "gone:1:dead", heartbeat=0.0)
        assert session._resources.count_processes() == 2
    finally:
        other.release()


def plant(world: World, session: Session, owner: str, heartbeat: float | None = None) -> None:
    """Put a job of another process into the journal."""
    link = Image("cat.png", url="https://example.com/cat.png")
    plan = session._plan(VideoRequest(prompt="A cat", filled_prompt="A cat", first=link, model="wan2.2-i2v-flash"))

    def make(identity: str, number: int) -> JobRecord:
        return replace(
            session._registry.new_record(plan, owner, "", session._resources.account, identity, number), owner=owner
        )

    session._resources.journal.begin(owner, make, lambda _: False)
    if heartbeat is not None:
        with contextlib.closing(sqlite3.connect(world.home / "journal.sqlite3")) as sql, sql:
            sql.execute("UPDATE jobs SET heartbeat = ? WHERE owner = ?", (heartbeat, owner))
