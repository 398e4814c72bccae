"""Tasks that were started elsewhere: asked after once, followed, fetched, and never a stand-in for a typed request."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from typing import Any

import httpx
import pytest

from tests.support.clock import PATIENCE, until
from tests.support.emulator_client import PortEmulator
from tests.support.ipython_shell import Shell
from tests.support.world import SMALL, World, picture
from wan_jupyter import errors
from wan_jupyter.jobs import background
from wan_jupyter.jobs.job import Job
from wan_jupyter.media.image.reader import data_uri
from wan_jupyter.session.session import Session
from wan_jupyter.status import Status

pytest_plugins = ("tests.support.notebook_fixtures",)

GENERAL = "/services/aigc/video-generation/video-synthesis"


@pytest.fixture
def session(world: World, port: PortEmulator) -> Session:
    return world.session("dashscope-intl", base_url=port.base_url, key="sk-test")


def started(port: PortEmulator, prompt: str = "A dog runs") -> str:
    """Start a task as another program does, and return its id."""
    body = {
        "model": "wan2.6-i2v-flash",
        "input": {"prompt": prompt, "img_url": data_uri("image/png", picture())},
        "parameters": {"resolution": "720P", "duration": 2},
    }
    headers = {"Authorization": "Bearer sk-test", "X-DashScope-Async": "enable"}
    answer = httpx.post(f"{port.base_url}{GENERAL}", json=body, headers=headers, trust_env=False, timeout=PATIENCE)
    return answer.json()["output"]["task_id"]


def test_a_task_of_another_program_becomes_a_video_here(session: Session, port: PortEmulator, world: World) -> None:
    """Followed and fetched; prompt and model as the service tells them; nothing is created."""
    task = started(port)
    job = session.adopt(f" {task} ")
    video = job.result(60)
    assert (job.status, job.remote_id, job.info.model) == (Status.SUCCEEDED, task, "wan2.6-i2v-flash")
    facts = json.loads(video.path.with_suffix(".json").read_text("utf-8"))
    assert (facts["prompt"], facts["task_id"], facts["model"]) == ("A dog runs", task, "wan2.6-i2v-flash")
    assert (port.creates, port.billed) == (1, 2)
    assert (world.rows()[0]["remote_id"], world.rows()[0]["provider"]) == (task, "dashscope-intl")


def test_a_task_that_the_journal_knows_is_that_job(session: Session, port: PortEmulator) -> None:
    """Whether it was adopted or ordered here: one task, one job, and the service is not asked again."""
    job = session.adopt(started(port))
    job.result(60)
    before = len(port.requests)
    again = session.adopt(job.remote_id)
    assert (again.id, again.video, len(port.requests)) == (job.id, job.video, before)
    ordered = session.submit("A cat", image=picture(), **SMALL)
    ordered.result(60)
    assert session.adopt(ordered.remote_id).id == ordered.id


def test_a_wrong_id_is_said_at_once(session: Session, world: World) -> None:
    """No row, no job."""
    with pytest.raises(errors.JobError) as caught:
        session.adopt("00000000-0000-0000-0000-000000000000")
    assert (caught.value.key, world.rows()) == ("adopt.unknown", [])
    with pytest.raises(errors.JobError) as caught:
        session.adopt("   ")
    assert caught.value.key == "adopt.which"


def test_a_service_that_cannot_be_asked_is_said(session: Session, port: PortEmulator, world: World) -> None:
    """Its own error, and nothing is written down."""
    task = started(port)
    port.faults({"at": "poll", "do": "drop_before", "times": 1})
    with pytest.raises(errors.ConnectionProblem):
        session.adopt(task)
    assert world.rows() == []


def test_a_task_whose_model_nobody_tells_is_adopted_all_the_same(session: Session, port: PortEmulator) -> None:
    """The list is a comfort: a model that is given is taken, whatever the list says."""
    port.faults({"at": "list", "do": "status", "status": 500, "times": 0})
    first = session.adopt(started(port))
    assert (first.info.model, first.result(60).path.is_file()) == ("", True)
    second = session.adopt(started(port), model="wan2.6-i2v")
    assert (second.info.model, port.fired()) == ("wan2.6-i2v", [2])
    second.result(60)


def test_a_task_that_failed_says_why(session: Session, port: PortEmulator) -> None:
    """It is written down as what it is."""
    port.faults({"at": "submit", "do": "fail_task", "code": "InvalidParameter", "message": "The size is not match"})
    task = started(port)
    until(lambda: port.tasks[-1]["status"] == "FAILED")
    job = session.adopt(task)
    with pytest.raises(errors.JobFailed) as caught:
        job.result(60)
    assert "The size is not match" in str(caught.value)


def test_an_adopted_task_stands_for_no_typed_request(session: Session, port: PortEmulator) -> None:
    """The same words in a cell are a request of their own: nobody knows what the task was made from."""
    task = started(port, "A cat")
    adopted = session.adopt(task, model="wan2.2-i2v-flash")
    adopted.result(60)
    typed = session.submit("A cat", image=picture(), **SMALL)
    typed.result(60)
    assert (typed.id != adopted.id, port.creates) == (True, 2)


def test_an_adopted_task_is_gone_on_with_by_the_next_kernel(world: World, port: PortEmulator) -> None:
    """The row is enough; no picture and no model is needed."""
    world.clock.hold()
    session = world.session("dashscope-intl", base_url=port.base_url, key="sk-test")
    port.faults({"at": "list", "do": "status", "status": 500, "times": 0})
    port.faults({"at": "poll", "do": "word", "status": "RUNNING", "times": 1})
    job = session.adopt(started(port))
    until(lambda: world.clock.sleeping)
    row = session._resources.journal.get(job.id)
    assert session._registry.attach(row) is job
    assert session._registry.context(job, *_planned(session, row)).create_request.model == "unknown"
    world.clock.release()
    assert job.result(60).path.is_file()


def _planned(session: Session, row: Any) -> tuple[Any, Any]:
    from wan_jupyter.catalog import plan
    from wan_jupyter.request.options import VideoRequest

    return plan.plan_of(VideoRequest.from_json(row.request), session.provider), row


# ---- a new key ----------------------------------------------------------------------------------------------------

NEW_KEY = "sk-test~new"  # of the same account, as the emulator has it


def keyed(world: World, port: PortEmulator, key: str) -> Session:
    return world.session("dashscope-intl", base_url=port.base_url, key=key)


def left_behind(world: World, port: PortEmulator, owner: str = "gone:1:dead", heartbeat: float = 0) -> Job:
    """Return a paid job that another process began with the account's former key; its task goes on."""
    world.clock.hold()
    job = keyed(world, port, "sk-test").submit("A cat", image=picture(), **SMALL)
    until(lambda: job.status is Status.QUEUED and world.clock.sleeping)
    with contextlib.closing(sqlite3.connect(world.home / "journal.sqlite3")) as sql, sql:
        sql.execute("UPDATE jobs SET owner = ?, heartbeat = ?", (owner, heartbeat))
    world.clock.release()
    with pytest.raises(errors.JobError):
        job.result(PATIENCE)
    background.current().jobs.clear()
    return job


def test_a_job_of_a_key_that_was_changed_goes_on_with_the_new_one(world: World, port: PortEmulator) -> None:
    """By its task: the service knows it with the new key. Nothing is created, and the row is the new key's."""
    left = left_behind(world, port)
    session = keyed(world, port, NEW_KEY)
    assert session.resume() == []
    job = session.adopt(left.remote_id)
    assert (job.id, job.result(PATIENCE).path.is_file(), port.creates) == (left.id, True, 1)
    (row,) = world.rows()
    assert (row["account"], row["owner"], row["status"]) == (
        session._resources.account,
        session._resources.owner.name,
        "SUCCEEDED",
    )


def test_whatever_finds_such_a_job_names_the_command(world: World, port: PortEmulator) -> None:
    """Its cell, a look at it, and sending it once more; all of them send nothing."""
    left = left_behind(world, port)
    session = keyed(world, port, NEW_KEY)
    with pytest.raises(errors.JobError) as cell:
        session.submit("A cat", image=picture(), **SMALL)
    with pytest.raises(errors.JobError) as again:
        session.retry(left.id)
    seen = session._registry.follow(left.id).error
    assert isinstance(seen, errors.JobError)
    found = [(error.key, f"%wan adopt {left.remote_id}" in error.hint()) for error in (cell.value, again.value, seen)]
    assert found == [("job.other_key", True), ("job.not_here", True), ("job.not_here", True)]
    assert port.creates == 1


def test_a_job_without_a_task_says_what_else_to_do(world: World, port: PortEmulator) -> None:
    """There is nothing that the new key could ask for."""
    left = left_behind(world, port)
    with contextlib.closing(sqlite3.connect(world.home / "journal.sqlite3")) as sql, sql:
        sql.execute("UPDATE jobs SET status = 'SUBMITTING', remote_id = NULL")
    session = keyed(world, port, NEW_KEY)
    with pytest.raises(errors.JobError) as cell:
        session.submit("A cat", image=picture(), **SMALL)
    assert (cell.value.key, "--new" in cell.value.hint()) == ("job.other_key_no_task", True)
    seen = session._registry.follow(left.id).error
    assert isinstance(seen, errors.JobError)
    assert (seen.key, "%wan use dashscope-intl" in seen.hint()) == ("job.not_here_no_task", True)


def searched_for(world: World, port: PortEmulator) -> Job:
    """Return a job whose create was lost, and which a kernel with the account's former key was looking for."""
    left = left_behind(world, port)
    with contextlib.closing(sqlite3.connect(world.home / "journal.sqlite3")) as sql, sql:
        sql.execute("UPDATE jobs SET status = 'UNCERTAIN', note = 'recognising', remote_id = NULL")
    return left


def test_a_job_that_is_searched_for_is_not_looked_for_with_another_key(world: World, port: PortEmulator) -> None:
    """In another account's list it would be missing, and be called not created although it was paid for."""
    searched_for(world, port)
    before, asked = tuple(world.rows()[0]), len(port.requests)
    with pytest.raises(errors.JobError) as cell:
        keyed(world, port, "sk-a-stranger").submit("A cat", image=picture(), **SMALL)
    assert (cell.value.key, tuple(world.rows()[0]), len(port.requests)) == ("job.other_key_no_task", before, asked)


def test_a_retry_does_not_go_on_with_a_newer_take_of_another_key(world: World, port: PortEmulator) -> None:
    """It was ordered with the former key, and is searched for; the present key would not find it."""
    left, session = searched_for(world, port), keyed(world, port, "sk-a-stranger")
    older = session.submit("A cat", image=picture(), new=True, **SMALL)
    older.result(PATIENCE)
    with contextlib.closing(sqlite3.connect(world.home / "journal.sqlite3")) as sql, sql:
        sql.execute("UPDATE jobs SET status = 'FAILED' WHERE id = ?", (older.id,))
        sql.execute("UPDATE jobs SET take = 3 WHERE id = ?", (left.id,))
    with pytest.raises(errors.JobError) as again:
        session.retry(older.id)
    kept = next(row for row in world.rows() if row["id"] == left.id)
    assert (again.value.key, kept["owner"], port.creates) == ("job.other_key_no_task", "gone:1:dead", 2)


@pytest.mark.parametrize(("key", "fault"), [("sk-a-stranger", None), (NEW_KEY, {"at": "poll", "do": "drop_before"})])
def test_a_key_that_does_not_reach_the_task_changes_nothing(
    world: World, port: PortEmulator, key: str, fault: dict[str, Any] | None
) -> None:
    """Another account's key, or a service that cannot be asked: the row stays whose it was."""
    left = left_behind(world, port)
    before = tuple(world.rows()[0])
    port.faults(*([{**fault, "times": 1}] if fault else []))
    with pytest.raises(errors.WanError) as caught:
        keyed(world, port, key).adopt(left.remote_id)
    assert (caught.value.key, tuple(world.rows()[0])) == ("service.lost" if fault else "adopt.unknown", before)


def test_a_job_that_another_process_carries_out_stays_its_own(world: World, port: PortEmulator) -> None:
    """While its owner lives it is followed only; once that is gone, it is gone on with here."""
    left = left_behind(world, port, "elsewhere:1:alive", world.clock.time())
    world.clock.hold()
    session = keyed(world, port, NEW_KEY)
    former = world.rows()[0]["account"]
    job = session.adopt(left.remote_id)
    until(lambda: world.clock.sleeping)
    (row,) = world.rows()
    assert (row["account"], row["owner"], job.done) == (former, "elsewhere:1:alive", False)
    world.clock.release()
    assert (job.result(PATIENCE).path.is_file(), port.creates) == (True, 1)


# ---- other services -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("provider", ["ssanai", "ope"])
def test_a_gateways_task_is_adopted(world: World, port: PortEmulator, provider: str) -> None:
    """By the id that it gives; what it is not told it does not know."""
    wishes: dict[str, Any] = {"ssanai": {"model": "wan2.6-i2v"}, "ope": {}}[provider]
    elsewhere = world.session(provider, base_url=port.url, key="sk-test")
    made = elsewhere.submit("A cat looks up", image=picture(), **wishes)
    made.result(60)
    here = World(world.folder / "other")
    try:
        job = here.session(provider, base_url=port.url, key="sk-test").adopt(made.remote_id)
        assert (job.result(60).path.is_file(), job.info.model) == (True, "")
    finally:
        here.close()


@pytest.mark.parametrize("provider", ["ssanai", "ope"])
def test_a_gateway_that_does_not_know_the_task_is_said(world: World, port: PortEmulator, provider: str) -> None:
    """Whichever way it says it."""
    session = world.session(provider, base_url=port.url, key="sk-test")
    with pytest.raises(errors.JobError) as caught:
        session.adopt("task_nobody")
    assert caught.value.key == "adopt.unknown"


# ---- the other door -----------------------------------------------------------------------------------------------


def test_a_task_is_adopted_by_a_magic(shell: Shell, port: PortEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """`%wan adopt ID` shows the job and returns it; without an id it says what to type."""
    for name, value in {"WAN_PROVIDER": "dashscope-intl", "WAN_BASE_URL": port.base_url}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("DASHSCOPE_API_KEY", "sk-test")
    task = started(port)
    shell.ok(f"job = %wan adopt {task}")
    job = shell.ip.user_ns["job"]
    assert (job.remote_id, job.result(60).path.is_file()) == (task, True)
    assert "%wan adopt" in shell.run("%wan adopt").out
