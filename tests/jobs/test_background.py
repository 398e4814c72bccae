"""The background: a loop of its own that never holds up a cell, an exit, or another process."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.support.clock import PATIENCE, until
from tests.support.processes import environment, python
from tests.support.world import World, picture
from wan_jupyter.errors import JobError, WaitTimeout
from wan_jupyter.jobs import background
from wan_jupyter.status import Snapshot, Status

IN_CELL = contextvars.ContextVar("IN_CELL", default="nothing")
BOUND = 20.0  # seconds a process may take that would otherwise hang for a minute


async def _context() -> str:
    return IN_CELL.get()


def test_a_coroutine_starts_in_an_empty_context() -> None:
    """With a cell's context its output would be lost headless."""
    token = IN_CELL.set("a cell")
    try:
        assert background.current().start(_context).result(PATIENCE) == "nothing"
    finally:
        IN_CELL.reset(token)


def test_a_call_runs_in_an_empty_context_on_the_loop() -> None:
    """Watchers, too."""
    seen: list[tuple[str, bool]] = []
    token = IN_CELL.set("a cell")
    background.current().call(lambda: seen.append((IN_CELL.get(), background.current().is_here())))
    IN_CELL.reset(token)
    until(lambda: seen)
    assert seen == [("nothing", True)]


def test_there_is_one_engine_a_process() -> None:
    """Whoever asks, from whatever thread."""
    found: list[background.Engine] = []
    crowd = [threading.Thread(target=lambda: found.append(background.current())) for _ in range(8)]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join(PATIENCE)
    assert {id(one) for one in found} == {id(background.current())}
    assert not background.current().is_here()


def test_what_is_shared_is_made_once() -> None:
    """A journal, an owner's lock."""
    made: list[int] = []
    for _ in range(3):
        background.current().share("test_what_is_shared", lambda: made.append(1) or "thing")
    assert made == [1]
    background.current()._shared.pop("test_what_is_shared")


def test_work_runs_on_other_threads_and_its_errors_come_back() -> None:
    """The loop is free meanwhile."""
    here = background.current()

    async def both() -> tuple[str, str]:
        name = await here.work(lambda: threading.current_thread().name)
        try:
            await here.work(int, "five")
        except ValueError as error:
            return name, str(error)
        return name, ""

    name, error = here.start(both).result(PATIENCE)
    assert name.startswith("wan-worker-")
    assert "five" in error


def test_a_coroutine_that_fails_or_is_canceled_says_so() -> None:
    """To whoever waits in another thread."""

    async def fail() -> None:
        raise ValueError("oops")

    async def cancel() -> None:
        raise asyncio.CancelledError

    with pytest.raises(ValueError, match="oops"):
        background.current().start(fail).result(PATIENCE)
    assert background.current().start(cancel).cancelled() or until(lambda: True) is None


def test_names_are_looked_up_on_our_own_workers() -> None:
    """The loop's default executor is ours: the standard one would hold up the exit."""
    assert background.current()._loop._default_executor is background.current()._workers  # type: ignore[attr-defined]
    threads = [thread for thread in threading.enumerate() if thread.name.startswith("wan-")]
    assert threads
    assert all(thread.daemon for thread in threads)


# ---- waiting for a job --------------------------------------------------------------------------------------------


def held(world: World) -> object:
    """Return a job that waits at the service until the clock is released."""
    world.clock.hold()
    job = world.order()
    until(lambda: job.status is Status.QUEUED and world.clock.sleeping)
    return job


def test_a_wait_may_end_before_the_job(world: World) -> None:
    """WaitTimeout; the job goes on and can be waited for again."""
    job = held(world)
    with pytest.raises(WaitTimeout) as caught:
        job.result(timeout=0.01)  # type: ignore[attr-defined]
    assert f"%wan wait {job.id}" in caught.value.hint()  # type: ignore[attr-defined]
    world.clock.release()
    assert job.result(PATIENCE).path.is_file()  # type: ignore[attr-defined]


def test_waiting_on_the_loop_itself_is_refused(world: World) -> None:
    """It would stop what it waits for."""
    job = held(world)
    seen: list[Exception] = []

    def block() -> None:
        try:
            job.result()  # type: ignore[attr-defined]
        except JobError as error:
            seen.append(error)

    background.current().call(block)
    until(lambda: seen)
    assert seen[0].key == "job.blocking"  # type: ignore[attr-defined]


def test_a_job_can_be_awaited_on_any_loop(world: World) -> None:
    """`await job` in a notebook, `asyncio.run` in a script; its error is raised there."""
    job, bad = world.order(), world.order("forbidden")

    async def script() -> Path:
        with pytest.raises(JobError):
            await bad
        return (await job).path

    assert asyncio.run(script()).is_file()


def test_each_wait_raises_an_error_of_its_own(world: World) -> None:
    """Two cells that wait for one job do not share a traceback."""
    job = world.order("forbidden")
    for _ in range(2):
        with pytest.raises(JobError):
            job.result(PATIENCE)
    assert job.error is not job.error
    assert str(job.error) == str(job.error)


def test_a_watcher_that_raises_is_dropped_and_the_job_lives(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """What is drawn must never hurt what is paid for."""
    job = held(world)
    calls: list[Snapshot] = []
    others: list[Snapshot] = []

    def bad(shot: Snapshot) -> None:
        calls.append(shot)
        raise RuntimeError("a widget is gone")

    job.watch(bad)  # type: ignore[attr-defined]
    job.watch(others.append)  # type: ignore[attr-defined]
    world.clock.release()
    job.result(PATIENCE)  # type: ignore[attr-defined]
    until(lambda: others[-1].status is Status.SUCCEEDED)
    assert len(calls) == 1
    assert [record.levelno for record in caplog.records if "watcher" in record.message] == [logging.ERROR]


def test_a_watcher_that_comes_late_hears_the_end(world: World) -> None:
    """Once."""
    job = world.order()
    job.result(PATIENCE)
    seen: list[Status] = []
    job.watch(lambda shot: seen.append(shot.status))
    until(lambda: seen)
    assert seen == [Status.SUCCEEDED]


INTERRUPTED = """
from tests.support.clock import *
from tests.support.processes import *
from tests.support.emulator_client import *
from tests.support.world import *
signal.signal(signal.SIGINT, signal.default_int_handler)  # what a shell starts in the background ignores it
world = World(Path.cwd())
world.clock.hold()
job = world.order()
try:
    print("waiting", flush=True)
    job.result()
except KeyboardInterrupt:
    print("interrupted", job.done, flush=True)
world.clock.release()
print(job.result().path.is_file(), flush=True)
"""


def test_an_interrupt_ends_the_wait_and_not_the_job(tmp_path: Path) -> None:
    """Ctrl-C, the stop button."""
    command = [sys.executable, "-c", INTERRUPTED]
    child = subprocess.Popen(command, cwd=tmp_path, env=environment(tmp_path), stdout=subprocess.PIPE, text=True)
    with child:
        assert child.stdout
        assert child.stdout.readline() == "waiting\n"
        child.send_signal(signal.SIGINT)
        assert child.stdout.readline() == "interrupted False\n"
        assert child.stdout.readline() == "True\n"
    assert child.returncode == 0


# ---- the end of a process, and another ----------------------------------------------------------------------------

HANGING = """
import socket, time
from wan_jupyter.jobs import background as engine
def hang(*_, **__): time.sleep(60)
socket.getaddrinfo = hang
here = engine.current()
here.start(lambda: here.work(hang))
async def look():
    import asyncio
    await asyncio.get_running_loop().getaddrinfo("example.invalid", 80)
here.start(look)
time.sleep(0.2)
print("bye", flush=True)
"""


def test_an_exit_waits_for_nobody(tmp_path: Path) -> None:
    """Neither for a worker that hangs nor for a name that is looked up."""
    begun = time.monotonic()
    ran = python(HANGING, tmp_path)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "bye\n", "")
    assert time.monotonic() - begun < BOUND


FORKED = """
import os, warnings
from tests.support.clock import *
from tests.support.processes import *
from tests.support.emulator_client import *
from tests.support.world import *
from wan_jupyter.jobs import background as engine
from wan_jupyter.session.session import Session

warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12: fork with threads
session = Session("emulator")
first = session.submit("A cat", image=picture(), **SMALL)
first.result(30)
parent = engine.current(), session._resources.owner.name, session._resources.client
child = os.fork()
if child == 0:
    code = 1
    try:
        here = engine.current(), session._resources.owner.name, session._resources.client
        assert not [1 for mine, theirs in zip(here, parent) if mine is theirs or mine == theirs]
        assert engine.peek() is here[0]
        shown = session.submit("A cat", image=picture(), **SMALL)
        assert shown.id == first.id, shown
        session.submit("A dog", image=picture(), **SMALL).result(30)
        code = 0
    finally:
        os._exit(code)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert (engine.current(), session._resources.owner.name, session._resources.client) == parent
session.submit("A bird", image=picture(), **SMALL).result(30)
print(*(job.status for job in session.history()))
"""


def test_a_forked_process_has_an_engine_of_its_own(tmp_path: Path) -> None:
    """Loop, workers, connections, owner: none of the parent's is touched, and the same session works on both sides."""
    ran = python(FORKED, tmp_path, WAN_EMULATOR_CLIP_SECONDS="0.2", WAN_EMULATOR_SPEED="50")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.split() == ["SUCCEEDED"] * 3


def test_the_workers_let_go_of_what_they_worked_on() -> None:
    """A picture is not kept alive until the next task comes."""
    import gc
    import weakref

    class Picture:
        pass

    def hold() -> weakref.ref[Picture]:
        thing = Picture()
        background.current()._workers.submit(lambda kept: None, thing).result(PATIENCE)
        return weakref.ref(thing)

    gone = hold()
    until(lambda: (gc.collect() and False) or gone() is None)


def test_the_loop_is_never_held_up_by_a_life(world: World) -> None:
    """Files and SQLite are for the workers; the emulator's own files do not count."""
    slow: list[str] = []
    loop = background.current()._thread

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        ours = active and event in ("open", "sqlite3.connect", "os.rename") and threading.current_thread() is loop
        where = str(arguments[0]) if ours else ""
        if where.startswith(str(world.folder)) and not where.startswith(str(world.home / "emulator")):
            slow.append(f"{event} {where}")

    active = True
    sys.addaudithook(watch)
    try:
        world.order(image=picture("navy")).result(PATIENCE)
    finally:
        active = False
    assert slow == []
    assert os.getpid() == background.current().pid
