"""`%wan clean`: what nothing refers to may go, a finished video never; nothing goes that someone may still need."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.clock import PATIENCE
from tests.support.emulator_client import PortEmulator
from tests.support.ipython_shell import Shell
from tests.support.processes import environment
from tests.support.world import World, picture
from wan_jupyter.errors import JobUncertain, OptionError
from wan_jupyter.session.session import Session
from wan_jupyter.status import Status
from wan_jupyter.workflows.cleanup import DiskUsage, clear, look

pytest_plugins = ("tests.support.notebook_fixtures",)

LOST = {"at": "submit", "do": "drop_after"}
OWNER = """
import pathlib, sys
from wan_jupyter.storage.process_lock import Owner
print(Owner(pathlib.Path(sys.argv[1])).name, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def session(world: World) -> Session:
    return world.session()


def shelf(session: Session, name: str) -> DiskUsage:
    return next(one for one in look(session) if one.name == name)


def spare(session: Session) -> list[str]:
    """Return the names of all files that may go."""
    return [path.name for one in look(session) for path in one.spare]


def aged(path: Path, seconds: float = 2 * 3600.0) -> Path:
    """Make a file as old as that."""
    then = time.time() - seconds
    os.utime(path, (then, then))
    return path


# ---- what may not go ------------------------------------------------------------------------------------------------


def test_after_an_ordinary_job_nothing_may_go(world: World, session: Session) -> None:
    """Its video, its sidecar, its task and the task's clip: all of it is somebody's."""
    video = world.order(session=session).result(PATIENCE)
    assert spare(session) == []
    assert set(shelf(session, "videos").files) == {video.path, video.path.with_suffix(".json")}
    assert shelf(session, "emulator").files
    assert clear(session) == (0, 0)
    assert video.path.is_file()


def test_the_picture_of_an_uncertain_job_stays(world: World) -> None:
    """It may be sent again one day; so may nothing of the emulator go, whose task it may be."""
    session = world.session(settings=world.settings(shared_key=True))
    world.emulator().faults(LOST)
    job = world.order(session=session)
    with pytest.raises(JobUncertain):
        job.result(PATIENCE)
    assert job.status is Status.UNCERTAIN
    assert spare(session) == []
    assert [path.name for path in shelf(session, "spool").files] == [job.request.first.digest]  # type: ignore[union-attr]
    assert shelf(session, "emulator").kept == "emulator_open"


def test_no_job_begins_while_files_are_removed(session: Session) -> None:
    """Else its picture could be gone before it is sent."""
    with closing(sqlite3.connect(session._resources.journal.path, timeout=0, isolation_level=None)) as other:
        with session._resources.journal.undisturbed(), pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        other.execute("BEGIN IMMEDIATE")


# ---- what may go ----------------------------------------------------------------------------------------------------


def test_a_picture_that_no_job_needs_goes(world: World, session: Session) -> None:
    """And what was left of one that was being written, once nobody can be writing it."""
    session._resources.journal.recent()
    folder = world.home / "inputs"
    folder.mkdir()
    (folder / ("0" * 64)).write_bytes(picture())
    (folder / f".{'1' * 64}.77.88").write_bytes(b"half")
    aged(folder / f".{'1' * 64}.77.88")
    young = folder / f".{'2' * 64}.77.88"
    young.write_bytes(b"half")
    assert spare(session) == [f".{'1' * 64}.77.88", "0" * 64]
    assert clear(session) == (2, len(picture()) + 4)
    assert list(folder.iterdir()) == [young]


def test_half_a_video_goes_once_its_job_has_ended(world: World, session: Session) -> None:
    """Not that of a job under way, nor one whose job the journal does not know."""
    ended = world.order("Ended", session=session).result(PATIENCE)
    live = world.order("Live", session=session)
    live.result(PATIENCE)
    with closing(sqlite3.connect(session._resources.journal.path)) as sql, sql:
        sql.execute("UPDATE jobs SET status = 'DOWNLOADING' WHERE id = ?", (live.id,))
    stems = [ended.path.stem, live.video.path.stem, f"{ended.path.stem[:-5]}zzzzz"]  # type: ignore[union-attr]
    for stem in stems:
        (world.outputs / f".{stem}.mp4.part").write_bytes(b"half")
        (world.outputs / f".{stem}.json.part").write_bytes(b"{")
    assert sorted(spare(session)) == [f".{stems[0]}.json.part", f".{stems[0]}.mp4.part"]
    assert clear(session) == (2, 5)
    assert ended.path.is_file()
    assert len(list(world.outputs.glob(".*.part"))) == 4


def test_a_task_that_no_job_stands_for_goes_with_its_clip(tmp_path: Path) -> None:
    """The journal was lost; what is a job's of today stays, and is served as before."""
    world = World(tmp_path)  # with a folder of clips of its own
    session = world.session()
    world.order("Before", session=session, image=picture("navy")).result(PATIENCE)
    with closing(sqlite3.connect(session._resources.journal.path)) as sql, sql:
        sql.execute("DELETE FROM jobs")
    job = world.order("After", session=session)
    job.result(PATIENCE)
    gone = shelf(session, "emulator").spare
    assert [path.parent.name for path in gone] == ["clips", "inputs", "outcomes", "tasks"]
    assert gone[1].name == hashlib.sha256(picture("navy")).hexdigest()
    clear(session)
    assert [task["task_id"] for task in world.emulator().tasks] == [job.remote_id]
    again = session.adopt(job.remote_id)
    assert again.id == job.id
    assert world.order("Once more", session=session).result(PATIENCE).path.is_file()
    world.close()


def test_the_locks_of_kernels_that_are_gone_go(world: World, session: Session, tmp_path: Path) -> None:
    """Not those of living ones, nor of one whose job is yet to be taken over."""
    assert session._resources.owner.locked
    names = []
    with owner(world) as living, owner(world) as dead, owner(world) as missed:
        for process in (living, dead, missed):
            assert process.stdout
            names.append(process.stdout.readline().strip().replace(":", "-") + ".lock")
        for process in (dead, missed):
            process.kill()
            process.wait(PATIENCE)
        for name in names:
            aged(world.home / "owners" / name)
        job = world.order(session=session)
        job.result(PATIENCE)
        with closing(sqlite3.connect(session._resources.journal.path)) as sql, sql:
            who = names[2].removesuffix(".lock").rsplit("-", 2)
            sql.execute("UPDATE jobs SET status = 'RUNNING', owner = ? WHERE id = ?", (":".join(who), job.id))
        assert spare(session) == [names[1]]
        living.kill()


def owner(world: World) -> subprocess.Popen[str]:
    """Start a process that is an owner until it is killed."""
    command = [sys.executable, "-c", OWNER, str(world.home)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    return subprocess.Popen(command, env=environment(world.home), text=True, **pipes)  # type: ignore[call-overload,no-any-return]


@pytest.fixture
def other(world: World) -> Iterator[PortEmulator]:
    """Another process that serves the same folder."""
    running = PortEmulator(world.home / "emulator")
    yield running
    running.stop()


def test_while_another_process_serves_the_emulator_its_files_stay(
    world: World, session: Session, other: PortEmulator
) -> None:
    """It may have tasks that this journal does not know; once it has ended, even by force, they may go."""
    elsewhere = world.session("dashscope-intl", key="sk-test", base_url=other.base_url)
    elsewhere.submit("Elsewhere", image=picture(), model="wan2.2-i2v-flash", resolution="480P").result(PATIENCE)
    with closing(sqlite3.connect(session._resources.journal.path)) as sql, sql:
        sql.execute("DELETE FROM jobs")
    found = shelf(session, "emulator")
    assert (found.spare, found.kept) == ((), "emulator_served")
    other.process.kill()
    other.process.wait(PATIENCE)
    assert len(shelf(session, "emulator").spare) >= 3


# ---- as it is typed -------------------------------------------------------------------------------------------------


def test_the_table_says_what_may_go_and_yes_removes_it(shell: Shell) -> None:
    """Sizes of everything; the sentence below names the next thing to type."""
    job = shell.order()
    job.result(PATIENCE)
    (shell.workspace.home / "inputs").mkdir(exist_ok=True)
    (shell.workspace.home / "inputs" / ("0" * 64)).write_bytes(bytes(1_500_000))
    said = shell.ok("%wan clean").out
    assert "finished videos" in said
    assert "%wan clean --yes removes them" in said
    assert "1.5 MB" in said
    assert shell.ok("%wan clean --yes").lines == ["Removed 1 file, 1.5 MB."]
    assert shell.ok("%wan clean").lines[-1] == "Nothing to clean up."
    assert job.video.path.is_file()


def test_another_word_removes_nothing(shell: Shell) -> None:
    """It is named, with what to type."""
    ran = shell.run("%wan clean all")
    assert isinstance(ran.error, OptionError)
    assert "Unexpected argument for %wan clean: all" in str(ran.error)
