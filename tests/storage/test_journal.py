"""The journal: written before money can be spent, one owner a job, readable by any process, closed to anyone else."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.support.clock import PATIENCE, START, until
from tests.support.processes import environment, python
from tests.support.world import World, picture
from wan_jupyter.emulator import create_app
from wan_jupyter.errors import JobError, JobUncertain, OutputError, Problem
from wan_jupyter.jobs import background
from wan_jupyter.status import Result, Snapshot, Status
from wan_jupyter.storage.journal.database import kind_of
from wan_jupyter.storage.journal.journal import MIGRATIONS, JobRecord, Journal

S = Status


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    made = Journal(tmp_path / "home", lambda: START)
    yield made
    made.close()


def row(identity: str = "abcde", take: int = 1, **more: Any) -> JobRecord:
    return JobRecord(
        id=identity, created_at=START, owner="me", account="tag", provider="emulator", base_url="http://emulator.invalid",
        session="emulator", model="m", mode="first", request={"prompt": "고양이"}, fingerprint="mark", take=take,
        folder="/videos", cell="%%wan cat.png", **more,
    )  # fmt: skip


def begin(journal: Journal, mark: str = "mark", reuse: bool = False, **more: Any) -> tuple[JobRecord, bool]:
    def make(identity: str, take: int) -> JobRecord:
        return dataclasses.replace(row(identity, take, **more), fingerprint=mark)

    return journal.begin(mark, make, lambda _: reuse)


# ---- the file -----------------------------------------------------------------------------------------------------


def test_the_file_is_its_owners_alone(journal: Journal) -> None:
    """It holds signed links: file 0600, folder 0700, and what SQLite lays beside it."""
    begin(journal)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in journal.path.parent.iterdir()}
    assert modes["journal.sqlite3"] == 0o600
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE(journal.path.parent.stat().st_mode) == 0o700


def test_migrations_are_recorded_once(journal: Journal) -> None:
    """Opening again changes nothing."""
    begin(journal)
    Journal(journal.path.parent).close()
    with contextlib.closing(sqlite3.connect(journal.path)) as sql:
        done = [name for (name,) in sql.execute("SELECT name FROM migrations")]
    assert done == [name for name, _ in MIGRATIONS]
    assert [kept.model for kept in journal.recent()] == ["m"]


def test_a_migration_that_fails_leaves_the_journal_as_it_was(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of it or none."""
    bad = (*MIGRATIONS, ("9999 bad", "CREATE TABLE half (x); this is no SQL"))
    monkeypatch.setattr("wan_jupyter.storage.journal.database.MIGRATIONS", bad)
    with pytest.raises(OutputError):
        Journal(journal.path.parent)
    with contextlib.closing(sqlite3.connect(journal.path)) as sql:
        assert sql.execute("SELECT 1 FROM sqlite_master WHERE name = 'half'").fetchall() == []


def test_many_processes_may_open_a_new_journal_at_once(tmp_path: Path) -> None:
    """None of them finds it locked or half made."""
    code = (
        "from pathlib import Path; from wan_jupyter.storage.journal.journal import Journal as J; J(Path('home')).salt()"
    )
    crowd = [
        subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, env=environment(tmp_path), stderr=subprocess.PIPE)
        for _ in range(6)
    ]
    assert [one.communicate(timeout=PATIENCE)[1].decode() for one in crowd] == [""] * len(crowd)


# ---- rows ---------------------------------------------------------------------------------------------------------


def test_a_row_comes_back_as_it_was_written(journal: Journal) -> None:
    """Every field, text of any language."""
    shot = Snapshot(
        S.RUNNING, "task-1", "RUNNING", None, Result("https://store/a?Signature=x", 1e9),
        Problem("Code", "说", wait=3.0), None, {"duration": 5}, {"actual_prompt": "고양이"}, "no_answer", "/a.mp4",
    )  # fmt: skip
    made, is_new = begin(journal, snapshot=shot, sent_at=START, estimate=0.5, currency="USD", warning="w", sha256="d")
    assert is_new
    assert journal.get(made.id) == dataclasses.replace(made, heartbeat=START)


def test_an_id_is_short_and_never_read_as_a_number(journal: Journal) -> None:
    """Five letters and digits without look-alikes, a letter first."""
    ids = [begin(journal)[0].id for _ in range(50)]
    assert len(set(ids)) == 50
    assert all(len(one) == 5 and one[0].isalpha() and not set(one) & set("ilo01") for one in ids)


def test_a_job_is_found_by_a_unique_beginning(journal: Journal) -> None:
    """Whole, begun, in capitals; two that fit are an error that names them."""
    journal.begin("a", lambda *_: row("abcde"), lambda _: False)
    journal.begin("b", lambda *_: row("abxyz"), lambda _: False)
    assert [journal.get(word).id for word in ("abcde", "abc", "ABX")] == ["abcde", "abcde", "abxyz"]
    with pytest.raises(JobError, match="abcde"):
        journal.get("ab")
    for nothing in ("zzz", "", "%", "_____", "'; DROP TABLE jobs; --"):
        with pytest.raises(JobError):
            journal.get(nothing)


def test_a_job_that_makes_a_new_one_needless_is_returned(journal: Journal) -> None:
    """The newest with the same fingerprint; else the next take."""
    first, _ = begin(journal)
    second, is_new = begin(journal)
    assert (second.take, is_new) == (2, True)
    assert begin(journal, reuse=True) == (journal.get(second.id), False)
    assert begin(journal, "other")[0].take == 1
    assert [kept.id for kept in journal.recent()][1:] == [second.id, first.id]


def test_a_refusal_to_begin_leaves_no_row(journal: Journal) -> None:
    """An error in the decision rolls everything back."""
    begin(journal)

    def refuse(_: JobRecord) -> bool:
        raise JobError("job.file_gone", id="x", file="y")

    with pytest.raises(JobError):
        journal.begin("mark", lambda *_: row("zzzzz"), refuse)
    assert len(journal.recent()) == 1


def test_only_the_owner_writes_about_a_job(journal: Journal) -> None:
    """A write that changes no row says: someone took it over."""
    made, _ = begin(journal)
    step = Snapshot(S.SUBMITTING)
    assert not journal.record(made.id, "someone else", S.PREPARING, step)
    assert journal.record(made.id, "me", S.PREPARING, step)
    assert journal.get(made.id).snapshot.status is S.SUBMITTING


def test_a_step_is_taken_once(journal: Journal) -> None:
    """Whoever believes the job stands where it no longer does changes nothing: a create is sent once."""
    made, _ = begin(journal)
    assert journal.record(made.id, "me", S.PREPARING, Snapshot(S.SUBMITTING))
    assert not journal.record(made.id, "me", S.PREPARING, Snapshot(S.SUBMITTING))


def test_a_job_is_taken_over_from_its_former_owner_only(journal: Journal) -> None:
    """Of two that see it dead, one gets it."""
    made, _ = begin(journal)
    assert [journal.take_over(made.id, name, "me") for name in ("one", "other")] == [True, False]
    assert journal.get(made.id).owner == "one"
    assert not journal.record(made.id, "me", S.PREPARING, Snapshot(S.SUBMITTING))


def test_two_jobs_cannot_be_the_same_task(journal: Journal) -> None:
    """One address, one task id, one row."""
    one, _ = begin(journal)
    two, _ = begin(journal)
    task = Snapshot(S.QUEUED, "task-1")
    assert journal.record(one.id, "me", S.PREPARING, task)
    with pytest.raises(OutputError):
        journal.record(two.id, "me", S.PREPARING, task)


def test_unfinished_jobs_are_the_live_ones(journal: Journal) -> None:
    """Oldest first; what ended is not among them."""
    made = {status: begin(journal, snapshot=Snapshot(status))[0].id for status in S}
    assert {kept.id for kept in journal.unfinished()} == {made[status] for status in S if status.live}


def test_what_is_noted_is_cut_and_in_order(journal: Journal) -> None:
    """A line a happening."""
    made, _ = begin(journal)
    journal.note(made.id, "went back", "x" * 5000)
    journal.note(made.id, "second")
    assert [(what, len(detail)) for _, what, detail in journal.events(made.id)] == [("went back", 2000), ("second", 0)]


def test_the_salt_is_made_once(journal: Journal) -> None:
    """And differs from home to home."""
    other = Journal(journal.path.parent.parent / "other")
    assert journal.salt() == journal.salt() != other.salt()
    other.close()


def test_threads_write_at_once(journal: Journal) -> None:
    """A connection each; nothing is lost."""
    crowd = [threading.Thread(target=lambda: [begin(journal) for _ in range(10)]) for _ in range(6)]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join(PATIENCE)
    takes = [kept.take for kept in journal.recent(100)]
    assert sorted(takes) == list(range(1, 61))


def test_processes_write_at_once(journal: Journal, tmp_path: Path) -> None:
    """Each take number is given once."""
    code = """
import dataclasses, pathlib
from tests.storage import test_journal
journal = test_journal.Journal(pathlib.Path("home"))
for _ in range(15):
    test_journal.begin(journal)
"""
    command = [sys.executable, "-c", code]
    crowd = [
        subprocess.Popen(command, cwd=tmp_path, env=environment(tmp_path), stderr=subprocess.PIPE) for _ in range(2)
    ]
    assert [one.communicate(timeout=PATIENCE)[1].decode() for one in crowd] == ["", ""]
    assert sorted(kept.take for kept in journal.recent(100)) == list(range(1, 31))


# ---- before money -------------------------------------------------------------------------------------------------


def test_the_row_says_submitting_before_the_create_is_sent(world: World) -> None:
    """Seen from outside at the very moment the request arrives; the task's id is there before anything else."""
    folder = world.home / "emulator"
    app = create_app(folder, **world.settings().emulator)
    seen: list[tuple[str, str | None, float | None]] = []

    async def watched(scope: Any, receive: Any, send: Any) -> None:
        kept = world.rows()[0]
        seen.append((kept["status"], kept["remote_id"], kept["sent_at"]))
        await app(scope, receive, send)

    background.current().share(("emulator", folder), lambda: watched)
    world.order().result(PATIENCE)
    assert seen[0] == ("SUBMITTING", None, START)
    assert all(remote for _, remote, _ in seen[1:])


KILLED = """
import os, signal, sys
from tests.support.clock import *
from tests.support.processes import *
from tests.support.emulator_client import *
from tests.support.world import *
from pathlib import Path
from wan_jupyter.jobs import background as engine
from wan_jupyter.session.session import Session
from wan_jupyter.emulator import create_app

home, stage = Path(os.environ["WAN_HOME"]), sys.argv[1] if len(sys.argv) > 1 else os.environ["STAGE"]
app = create_app(home / "emulator", clip_seconds=0.2, speed=3.0)

async def deadly(scope, receive, send):
    create = scope["path"].endswith("video-synthesis")
    if stage == "before" and create:
        os.kill(os.getpid(), signal.SIGKILL)
    async def cut(message):
        if stage == "after" and create:
            os.kill(os.getpid(), signal.SIGKILL)
        await send(message)
    await app(scope, receive, cut)
    if stage == "running" and "/tasks/" in scope["path"]:
        os.kill(os.getpid(), signal.SIGKILL)

engine.current().share(("emulator", home / "emulator"), lambda: deadly)
if stage == "preparing":
    import wan_jupyter.jobs.upload_inputs
    def die(*_): os.kill(os.getpid(), signal.SIGKILL)
    wan_jupyter.jobs.upload_inputs._prepare = die
session = Session("emulator", outputs=home.parent / "wan_outputs")
session.submit("A cat", image=picture(), **SMALL).result(30)
"""


def killed(world: World, stage: str) -> World:
    """Let a process of its own begin a job and die at a stage of it; return its home as a world of ours."""
    ran = python(KILLED, world.folder, WAN_HOME=str(world.home), STAGE=stage)
    assert ran.returncode == -9, ran.stderr
    return world


def real_time(world: World) -> Any:
    """The emulator in that home kept real times, so this session's clock starts there."""
    world.clock.advance(world.rows()[0]["created_at"] - world.clock.time())
    return world.session()


def test_a_job_that_died_after_its_task_was_made_is_found_again(world: World) -> None:
    """Nobody heard the answer; the service's list knows the task."""
    killed(world, "after")
    assert (world.rows()[0]["status"], world.rows()[0]["remote_id"]) == ("SUBMITTING", None)
    (job,) = real_time(world).resume()
    job.result(PATIENCE)
    assert (len(world.emulator().tasks), world.emulator().creates, world.emulator().billed) == (1, 0, 5)


def test_a_job_that_died_while_submitting_is_uncertain(world: World) -> None:
    """Nobody heard an answer, and there is no trace of a task: it is not sent again."""
    killed(world, "before")
    assert (world.rows()[0]["status"], world.rows()[0]["remote_id"]) == ("SUBMITTING", None)
    session = real_time(world)
    (job,) = session.resume()
    with pytest.raises(JobUncertain):
        job.result(PATIENCE)
    assert (world.rows()[0]["status"], world.order(session=session).id) == ("UNCERTAIN", job.id)
    assert (world.emulator().tasks, world.emulator().creates) == ([], 0)


@pytest.mark.parametrize("how", ["resume", "order"])
def test_a_job_that_died_while_running_goes_on(world: World, how: str) -> None:
    """By `resume`, or by the same cell: the known task is polled, one task, one bill."""
    killed(world, "running")
    session = real_time(world)
    job = session.resume()[0] if how == "resume" else world.order(session=session)
    job.result(PATIENCE)
    assert (len(world.emulator().tasks), world.emulator().creates, world.emulator().billed) == (1, 0, 5)
    assert (len(world.rows()), world.rows()[0]["owner"]) == (1, session._resources.owner.name)


def test_a_job_that_died_while_preparing_is_begun_again(world: World) -> None:
    """Nothing was sent. Its picture was not even kept; the cell that is run again has it in hand."""
    killed(world, "preparing")
    session = real_time(world)
    job = world.order(session=session)
    job.result(PATIENCE)
    assert (len(world.rows()), world.emulator().creates) == (1, 1)


def test_a_job_of_a_living_process_is_followed_not_taken(world: World) -> None:
    """Another kernel carries it out; this one reads its row and asks the service nothing."""
    code = KILLED.replace("session.submit", "job = session.submit").replace(".result(30)", "; job.result(60)")
    environ = environment(world.folder, WAN_HOME=str(world.home), STAGE="none")
    world.folder.mkdir(exist_ok=True)
    other = subprocess.Popen([sys.executable, "-c", code], cwd=world.folder, env=environ)
    try:
        until(lambda: (world.home / "journal.sqlite3").exists() and world.home.joinpath("owners").exists())
        until(lambda: _rows(world) and world.rows()[0]["status"] == "RUNNING")
        job = world.order(session=real_time(world))
        assert job.origin == "attached"
        video = job.result(PATIENCE)
    finally:
        other.wait(PATIENCE)
    assert (video.path.is_file(), world.emulator().requests, len(world.rows())) == (True, [], 1)
    assert other.returncode == 0


def _rows(world: World) -> list[sqlite3.Row]:
    try:
        return world.rows()
    except sqlite3.OperationalError:  # its table is being made
        return []


def test_what_died_between_our_look_and_our_grip_is_not_sent_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its owner sent the create with its last breath, after we had read PREPARING: we read again and send nothing."""
    session = world.session()
    plan = session._plan(_request())
    make = partial(session._registry.new_record, plan, "mark", "", session._resources.account)
    made, _ = session._resources.journal.begin("mark", make, lambda _: False)
    with contextlib.closing(sqlite3.connect(world.home / "journal.sqlite3")) as sql, sql:
        sql.execute("UPDATE jobs SET owner = 'elsewhere:1:dead'")
    really = session._resources.journal.take_over

    def too_late(job: str, owner: str, former: str) -> bool:
        assert session._resources.journal.record(job, former, S.PREPARING, Snapshot(S.SUBMITTING))
        return really(job, owner, former)

    monkeypatch.setattr(session._resources.journal, "take_over", too_late)
    monkeypatch.setattr(session._resources.owner, "is_alive", lambda *_: False)
    job = session._registry.follow(made.id)
    with pytest.raises(JobUncertain):
        job.result(PATIENCE)
    assert world.emulator().creates == 0


def _request() -> Any:
    from wan_jupyter.media.image.reader import read_image
    from wan_jupyter.request.options import VideoRequest

    return VideoRequest(prompt="A cat", filled_prompt="A cat", first=read_image(picture()), seed=7)


def test_one_who_lost_a_job_stops_quietly(world: World) -> None:
    """Another process took it over: no more polls, no write, an error that says where it is."""
    world.clock.hold()
    job = world.order()
    until(lambda: job.status is S.QUEUED and world.clock.sleeping)
    with contextlib.closing(sqlite3.connect(world.home / "journal.sqlite3")) as sql, sql:
        sql.execute("UPDATE jobs SET owner = 'other:1:x'")
    world.clock.release()
    with pytest.raises(JobError) as caught:
        job.result(PATIENCE)
    assert (caught.value.key, world.rows()[0]["owner"]) == ("job.taken_over", "other:1:x")


def test_a_journal_that_cannot_be_written_ends_the_wait_and_not_the_job(world: World) -> None:
    """The task is not forgotten: what was known is in the row."""
    world.clock.hold()
    job = world.order()
    until(lambda: job.status is S.QUEUED and world.clock.sleeping)
    with contextlib.closing(sqlite3.connect(world.home / "journal.sqlite3")) as sql:
        sql.execute("ALTER TABLE jobs RENAME COLUMN word TO gone")
        sql.commit()
        world.clock.release()
        with pytest.raises(OutputError) as caught:
            job.result(PATIENCE)
        assert (caught.value.key, "WAN_HOME" in caught.value.hint()) == ("output.journal", True)
        kept = sql.execute("SELECT status, remote_id FROM jobs").fetchone()
    assert (kept[0], kept[1]) == ("QUEUED", job.remote_id)


def test_the_request_is_kept_without_its_picture(world: World) -> None:
    """Text and digests; the bytes are in the spool until the job ends, then nowhere."""
    job = world.order()
    job.result(PATIENCE)
    kept = json.loads(world.rows()[0]["request"])
    assert kept["frames"]["first"]["digest"] == job.request.first.digest  # type: ignore[union-attr]
    assert len(world.rows()[0]["request"]) < 1000
    until(lambda: list((world.home / "inputs").iterdir()) == [])


# ---- where it lies ------------------------------------------------------------------------------------------------

MOUNTS = """22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 0:40 / /home rw,relatime shared:9 - nfs4 server:/home rw,vers=4.2
31 30 0:41 / /home/ann/My\\040Drive rw - fuse.rclone remote: rw
32 30 8:2 / /home/local rw - xfs /dev/sdb rw
broken line
"""


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/var/lib", "ext4"),
        ("/home/ann", "nfs4"),
        ("/home/ann/My Drive/wan", "fuse.rclone"),
        ("/home/local/ann", "xfs"),
        ("/homestead", "ext4"),
    ],
)
def test_the_kind_of_a_file_system_is_read_from_the_mounts(folder: str, kind: str) -> None:
    """The nearest mount counts; names with blanks are escaped there."""
    assert kind_of(Path(folder), MOUNTS) == kind


@pytest.mark.parametrize(("kind", "mode"), [("ext4", "wal"), ("nfs4", "delete"), ("fuse.sshfs", "delete")])
def test_where_other_machines_may_write_there_is_no_wal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, mode: str
) -> None:
    """WAL needs memory that its users share; over a network the journal would break."""
    mounts = tmp_path / "mountinfo"
    mounts.write_text(f"22 1 8:1 / / rw - {kind} somewhere rw\n")
    monkeypatch.setattr("wan_jupyter.storage.journal.database.MOUNTS", mounts)
    journal = Journal(tmp_path / "elsewhere")
    journal.salt()
    journal.close()
    with contextlib.closing(sqlite3.connect(tmp_path / "elsewhere" / "journal.sqlite3")) as sql:
        assert sql.execute("PRAGMA journal_mode").fetchone()[0] == mode
