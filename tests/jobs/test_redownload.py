"""A video whose file is gone or damaged is fetched again while its service has it: never made, never paid for again."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.clock import PATIENCE, until
from tests.support.emulator_client import PortEmulator
from tests.support.ipython_shell import Shell
from tests.support.processes import python
from tests.support.world import World, picture
from wan_jupyter import errors
from wan_jupyter.jobs import background, runner
from wan_jupyter.jobs.job import Job
from wan_jupyter.session.session import Session
from wan_jupyter.status import Status

pytest_plugins = ("tests.support.notebook_fixtures",)

DAY = 24 * 3600.0


def made(world: World, prompt: str = "A cat", **how: Any) -> Job:
    job = world.order(prompt, **how)
    job.result(PATIENCE)
    return job


def file_of(job: Job) -> Path:
    assert job.video
    return job.video.path


def restart(world: World) -> None:
    """Forget the jobs of this process, as a new kernel would."""
    until(lambda: all(job.done for job in background.current().jobs.values()))
    background.current().jobs.clear()
    assert world.rows()


def remove(file: Path) -> None:
    file.unlink()


def shorten(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-3000])


def garble(file: Path) -> None:
    """Exchange the bytes, not how many they are."""
    file.write_bytes(bytes(file.stat().st_size))


def empty(file: Path) -> None:
    file.write_bytes(b"")


LOSSES: list[Callable[[Path], None]] = [remove, shorten, garble, empty]
AGAIN: list[Callable[[World, Job], Job]] = [
    lambda world, _: world.order(),
    lambda world, job: world.session().job(job.id),
    lambda world, job: world.session()._registry.follow(job.id),
]


@pytest.mark.parametrize("lose", LOSSES)
@pytest.mark.parametrize("ask", AGAIN, ids=["the same order", "session.job", "session.follow"])
def test_a_lost_video_is_fetched_again(
    world: World, lose: Callable[[Path], None], ask: Callable[[World, Job], Job]
) -> None:
    """The same bytes under the same name; one task, one bill, the cost as it was."""
    first = made(world)
    file, before = file_of(first), file_of(first).read_bytes()
    cost = world.rows()[0]["cost"]
    restart(world)
    lose(file)
    again = ask(world, first)
    assert again.result(PATIENCE).path.read_bytes() == before
    assert (again.id, again.status, again.cost, file_of(again)) == (first.id, Status.SUCCEEDED, first.cost, file)
    assert (world.emulator().creates, world.emulator().billed, len(world.emulator().downloads)) == (1, 5, 2)
    row = world.rows()[0]
    assert (row["cost"], row["status"], row["note"], row["file"]) == (cost, "SUCCEEDED", "", str(file))
    assert (world.order().done, len(world.emulator().downloads)) == (True, 2)


@pytest.mark.parametrize("lose", LOSSES[1:])
def test_a_damaged_file_is_kept_beside_the_new_one(world: World, lose: Callable[[Path], None]) -> None:
    """Nothing that was there is removed, not even the second time."""
    first = made(world)
    file = file_of(first)
    left: list[bytes] = []
    for _ in range(2):
        lose(file)
        left.append(file.read_bytes())
        world.order().result(PATIENCE)
    kept = sorted(file.parent.glob("*.damaged*"))
    assert [path.name for path in kept] == [f"{file.name}.damaged", f"{file.name}.damaged-2"]
    assert [path.read_bytes() for path in kept] == left


def test_a_video_that_the_user_edited_is_the_users(world: World) -> None:
    """It decodes: shown with a remark, not touched, nothing is fetched."""
    first, other = made(world), made(world, "A dog", resolution="720P")
    edited = file_of(other).read_bytes()
    assert edited != file_of(first).read_bytes()
    file_of(first).write_bytes(edited)
    again = world.order()
    assert again.result(PATIENCE).path.read_bytes() == edited
    assert (again.warning, "changed" in errors.tr(f"remark.{again.warning}")) == ("edited", True)
    assert len(world.emulator().downloads) == 2


def test_a_file_that_was_only_touched_is_as_it_came(world: World) -> None:
    """A copy from a backup has another time and the same bytes."""
    first = made(world)
    os.utime(file_of(first), (1, 1))
    again = world.order()
    again.result(PATIENCE)
    assert (again.warning, len(world.emulator().downloads)) == ("", 1)


def test_a_sound_file_is_not_read(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The usual case: size and time are as they were, and the job is there at once."""
    first = made(world)

    def never(*_: object) -> None:
        raise AssertionError("looked at")

    monkeypatch.setattr(runner, "inspect_file", never)
    for job in (world.order(), world.session().job(first.id)):
        assert (job.done, job.video) == (True, first.video)


def test_while_it_is_fetched_again_the_user_is_told_why(world: World) -> None:
    """And that it costs nothing; whoever orders it meanwhile gets the same job."""
    file_of(made(world)).unlink()
    world.emulator().faults({"at": "content", "do": "html"})
    world.clock.hold()
    job = world.order()
    until(lambda: world.clock.sleeping)
    assert (job.status, job.snapshot.note) == (Status.DOWNLOADING, "fetched_again")
    assert "free of charge" in errors.tr("note.fetched_again")
    assert world.order() is job
    assert world.session().job(job.id) is job
    world.clock.release()
    job.result(PATIENCE)
    assert world.emulator().creates == 1


# ---- what cannot be had again -------------------------------------------------------------------------------------


def refused(world: World) -> errors.WanError:
    with pytest.raises(errors.JobError) as caught:
        world.order().result(PATIENCE)
    return caught.value


@pytest.mark.parametrize(("lose", "key"), [(remove, "job.file_gone"), (garble, "job.file_damaged")])
def test_after_a_day_a_further_take_is_offered(world: World, lose: Callable[[Path], None], key: str) -> None:
    """It says when it was made; nothing is asked, nothing made by itself, what is left of it stays."""
    first = made(world)
    file = file_of(first)
    lose(file)
    left = file.read_bytes() if file.exists() else b""
    world.clock.advance(DAY)
    asked = len(world.emulator().requests)
    for _ in range(2):
        problem = refused(world)
        assert (problem.key, "--new" in problem.hint(), "2026-11-1" in problem.message()) == (key, True, True)
    assert (len(world.emulator().requests), world.rows()[0]["status"]) == (asked, "SUCCEEDED")
    assert (file.read_bytes() if file.exists() else b"") == left
    assert made(world, new=True).info.take == 2


def test_a_lost_video_of_long_ago_can_still_be_looked_up(world: World) -> None:
    """`session.job` gives the job; its result says why there is none."""
    first = made(world)
    file_of(first).unlink()
    world.clock.advance(DAY)
    job = world.session().job(first.id)
    with pytest.raises(errors.JobError) as caught:
        job.result(PATIENCE)
    assert (job.id, caught.value.key) == (first.id, "job.file_gone")


def test_a_service_that_has_forgotten_it_early_is_no_reason_to_pay_again(world: World) -> None:
    """The row is SUCCEEDED as before, so that its cell makes nothing new by itself."""
    first = made(world)
    file_of(first).unlink()
    for task in (world.home / "emulator" / "tasks").iterdir():
        task.unlink()
    for _ in range(2):
        problem = refused(world)
        assert (problem.key, "--new" in problem.hint()) == ("job.file_gone", True)
        row = world.rows()[0]
        assert (row["status"], row["file"], row["note"]) == ("SUCCEEDED", first.snapshot.file, "")
    assert world.emulator().creates == 1


def test_a_service_that_does_not_answer_leaves_it_for_later(world: World) -> None:
    """As any download: the row stays DOWNLOADING, and `resume` goes on; the cost stays."""
    first = made(world)
    file_of(first).unlink()
    world.emulator().faults({"at": "content", "do": "status", "times": 0}, {"at": "poll", "do": "status", "times": 0})
    session = world.session()
    with pytest.raises(errors.ServiceError) as caught:
        world.order(session=session).result(PATIENCE)
    assert ("%wan resume" in caught.value.hint(), world.rows()[0]["status"]) == (True, "DOWNLOADING")
    world.emulator().clear()
    restart(world)
    (resumed,) = session.resume()
    assert (resumed.result(PATIENCE).path, resumed.cost) == (file_of(first), first.cost)
    assert world.emulator().billed == 5


def test_what_was_interrupted_for_a_day_goes_back_to_where_it_was(world: World) -> None:
    """A kernel died while it fetched again; when the next comes, the service has forgotten: never EXPIRED."""
    first = made(world)
    file_of(first).unlink()
    with contextlib.closing(sqlite3.connect(world.home / "journal.sqlite3")) as sql, sql:
        sql.execute("UPDATE jobs SET status = 'DOWNLOADING', owner = 'gone:1:dead', heartbeat = 0")
    restart(world)
    world.clock.advance(2 * DAY)
    (job,) = world.session().resume()
    with pytest.raises(errors.JobError) as caught:
        job.result(PATIENCE)
    assert (caught.value.key, world.rows()[0]["status"]) == ("job.file_gone", "SUCCEEDED")


def test_a_job_of_another_address_is_only_shown(world: World, port: PortEmulator) -> None:
    """Its own session fetches it; this one asks nobody."""
    first = made(world)
    file_of(first).unlink()
    restart(world)
    other = world.session("dashscope-intl", base_url=port.base_url, key="sk-test")
    assert (other.job(first.id).done, len(world.emulator().downloads), port.requests) == (True, 1, [])


# ---- several kernels ----------------------------------------------------------------------------------------------

OTHER_KERNEL = """
from pathlib import Path
from tests.support.clock import *
from tests.support.processes import *
from tests.support.emulator_client import *
from tests.support.world import *
world = World(Path({folder!r}))
job = world.order(session=world.session("dashscope-intl", base_url={url!r}, key="sk-test"))
print("BEGUN", job.status, flush=True)
print("FILE", job.result(60).path)
"""


def on(world: World, port: PortEmulator) -> Session:
    return world.session("dashscope-intl", base_url=port.base_url, key="sk-test")


def test_of_two_kernels_one_fetches_and_the_other_follows(world: World, port: PortEmulator) -> None:
    """Both have the video in the end; it came once."""
    session = on(world, port)
    first = made(world, session=session)
    file_of(first).unlink()
    port.faults({"at": "content", "do": "html"})
    world.clock.hold()
    ours = world.order(session=session)
    until(lambda: world.clock.sleeping)
    said: list[str] = []
    script = OTHER_KERNEL.format(folder=str(world.folder), url=port.base_url)
    other = threading.Thread(target=lambda: said.append(python(script, world.folder / "child").stdout))
    other.start()
    until(lambda: not other.is_alive() or _is_followed(world))
    world.clock.release()
    ours.result(PATIENCE)
    other.join(PATIENCE)
    assert said[0].splitlines() == ["BEGUN DOWNLOADING", f"FILE {file_of(first)}"]
    assert (len(port.downloads), port.creates, port.billed) == (3, 1, 5)


def _is_followed(world: World) -> bool:
    """Tell whether a second process has its lock among the owners."""
    return len(list((world.home / "owners").iterdir())) > 1


def test_a_file_that_another_kernel_put_right_meanwhile_is_not_fetched_once_more(world: World) -> None:
    """Whoever looked at the row before that step follows, and finds the video there."""
    first = made(world)
    journal = world.session()._resources.journal
    before = journal.get(first.id)
    assert journal.refetch(first.id, "other", before.heartbeat, 0.0)
    assert not journal.refetch(first.id, "late", before.heartbeat, 0.0)
    row = journal.get(first.id)
    assert (row.owner, row.snapshot.status, row.cost) == ("other", Status.DOWNLOADING, before.cost)
    assert not journal.refetch(first.id, "late", row.heartbeat, 0.0)


@pytest.mark.parametrize(("status", "since"), [("FAILED", 0.0), ("UNCERTAIN", 0.0), ("SUCCEEDED", 9e12)])
def test_only_a_young_job_that_succeeded_is_taken_back(world: World, status: str, since: float) -> None:
    """The journal itself sees to it."""
    first = made(world)
    with contextlib.closing(sqlite3.connect(world.home / "journal.sqlite3")) as sql, sql:
        sql.execute("UPDATE jobs SET status = ?", (status,))
    journal = world.session()._resources.journal
    assert not journal.refetch(first.id, "me", journal.get(first.id).heartbeat, since)


# ---- other folders ------------------------------------------------------------------------------------------------


def test_another_notebooks_copy_does_when_the_first_is_gone(world: World) -> None:
    """The file beside this notebook is the video: nothing is fetched."""
    first = made(world)
    other = world.session(outputs=world.folder / "elsewhere")
    copy = file_of(made(world, session=other))
    file_of(first).unlink()
    again = made(world, session=other)
    assert (file_of(again), len(world.emulator().downloads)) == (copy, 1)


def test_a_foreign_file_beside_another_notebook_is_neither_shown_nor_overwritten(world: World) -> None:
    """It has the video's name by chance: the video is linked there under the next one."""
    first = made(world)
    other = world.folder / "elsewhere"
    other.mkdir()
    foreign = other / file_of(first).name
    shutil.copy(__file__, foreign)
    again = made(world, session=world.session(outputs=other))
    assert (file_of(again).name, file_of(again).samefile(file_of(first))) == (f"{foreign.stem}-2.mp4", True)
    assert foreign.read_text("utf-8") == Path(__file__).read_text("utf-8")
    assert json.loads(file_of(again).with_suffix(".json").read_text("utf-8"))["job"] == first.id


# ---- from a cell --------------------------------------------------------------------------------------------------

CELL = "%%wan cat.png -m wan2.2-i2v-flash -r 480P --wait -o job\nA cat"


@pytest.mark.parametrize("line", ["{cell}", "x = %wan show {id}\nx.result(60)", "%wan show"])
def test_a_cell_or_show_brings_it_back(shell: Shell, line: str) -> None:
    """Through the magics: the same job, its file there again, one task."""
    (shell.workspace.folder / "cat.png").write_bytes(picture())
    shell.ok(CELL)
    job = shell.ip.user_ns["job"]
    file_of(job).unlink()
    shell.ok(line.format(cell=CELL, id=job.id))
    until(lambda: file_of(job).is_file() and all(one.done for one in background.current().jobs.values()))
    assert background.current().jobs[job.id].video.path == file_of(job)
