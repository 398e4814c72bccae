"""Every kind of provider, end to end: a session, our own client, real sockets, the emulator in its own process."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.clock import until
from tests.support.emulator_client import PortEmulator
from tests.support.world import World, picture
from wan_jupyter.errors import JobCanceled, JobExpired, JobFailed
from wan_jupyter.jobs.job import Job
from wan_jupyter.status import Status

# Provider, what the emulator is told to be, whether there is a key, and a short request.
KINDS: dict[str, tuple[tuple[str, ...], str | None, dict[str, Any]]] = {
    "ssanai": ((), "sk-test", {"model": "wan2.6-i2v"}),
    "ssanai, newer generation": (("--gateway", "public-id"), "sk-test", {"model": "wan2.5-i2v-preview"}),
    "ope": ((), "sk-test", {}),
    "videos-new-api": (("--videos-dialect", "new-api"), "sk-test", {"model": "wan2.2-i2v-flash"}),
    "openai-videos": (("--videos-dialect", "openai"), None, {"resolution": "480P"}),
    "openai-videos, SGLang": (
        ("--videos-dialect", "openai", "--openai-server", "sglang"), None, {"resolution": "480P"},
    ),
    # Slow enough to be met while it runs.
    "ssanai, slow": (("--speed", "6"), "sk-test", {"model": "wan2.6-i2v"}),
    "openai-videos, slow": (("--videos-dialect", "openai", "--speed", "2"), None, {"resolution": "480P"}),
}  # fmt: skip
QUICK = [kind for kind in KINDS if "slow" not in kind]


@dataclass
class Servers:
    """Emulators by what they were told to be, each started once."""

    folder: Path
    running: dict[tuple[str, ...], PortEmulator]

    def at(self, arguments: tuple[str, ...]) -> PortEmulator:
        if arguments not in self.running:
            self.running[arguments] = PortEmulator(self.folder / str(len(self.running)), *arguments)
        return self.running[arguments]


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    made = Servers(tmp_path_factory.mktemp("servers"), {})
    yield made
    for emulator in made.running.values():
        emulator.stop()


def order(world: World, servers: Servers, kind: str, **more: Any) -> tuple[Job, PortEmulator]:
    arguments, key, wishes = KINDS[kind]
    emulator = servers.at(arguments)
    emulator.clear()
    if "faults" in more:
        emulator.faults(*more.pop("faults"))
    session = world.session(kind.split(",")[0], base_url=emulator.url, key=key)
    return session.submit("A cat looks up", image=picture(), **{**wishes, **more}), emulator


@pytest.mark.parametrize("kind", QUICK)
def test_a_picture_and_a_sentence_become_a_video(world: World, servers: Servers, kind: str) -> None:
    """Paid for once, on disk, and known by the service's id."""
    job, emulator = order(world, servers, kind, seed=7)
    video = job.result(60)
    assert video.path.is_file()
    (task,) = [task for task in emulator.tasks if task["task_id"] == job.remote_id or job.remote_id.startswith("task_")]
    assert (job.status, task["status"]) == (Status.SUCCEEDED, "SUCCEEDED")


@pytest.mark.parametrize("kind", QUICK)
def test_a_failed_job_says_why(world: World, servers: Servers, kind: str) -> None:
    """Whichever way it is told, HTTP 500 included."""
    fault = {"at": "submit", "do": "fail_task", "code": "InvalidParameter", "message": "The size is not match"}
    job, _ = order(world, servers, kind, seed=8, faults=[fault])
    with pytest.raises(JobFailed) as caught:
        job.result(60)
    assert "The size is not match" in str(caught.value)


@pytest.mark.parametrize("kind", QUICK)
def test_a_task_of_another_machine_is_adopted(world: World, servers: Servers, kind: str, tmp_path: Path) -> None:
    """Its id is enough: the video comes, and nothing is created."""
    job, emulator = order(world, servers, kind, seed=11)
    job.result(60)
    tasks = len(emulator.tasks)
    other = World(tmp_path / "elsewhere")
    try:
        adopted = other.session(kind.split(",")[0], base_url=emulator.url, key=KINDS[kind][1]).adopt(job.remote_id)
        assert adopted.result(60).path.is_file()
    finally:
        other.close()
    assert (adopted.remote_id, len(emulator.tasks)) == (job.remote_id, tasks)


def test_a_server_that_forgot_the_job_has_lost_it(world: World, servers: Servers) -> None:
    """404 of its own: the end, with its own advice."""
    gone = {"at": "poll", "do": "status", "status": 404, "body": {"detail": "Video not found"}, "times": 0}
    job, _ = order(world, servers, "openai-videos", seed=9, faults=[gone])
    with pytest.raises(JobExpired) as caught:
        job.result(60)
    assert "expired" in str(caught.value)


def test_a_job_on_an_own_server_is_stopped(world: World, servers: Servers) -> None:
    """vLLM-Omni forgets what it stops: that is a cancel, not a loss."""
    world.clock.hold()
    job, _ = order(world, servers, "openai-videos, slow", seed=10)
    until(lambda: job.remote_id and world.clock.sleeping)
    job.cancel()
    world.clock.release()
    with pytest.raises(JobCanceled):
        job.result(60)


def test_what_cannot_be_stopped_is_saved(world: World, servers: Servers) -> None:
    """A gateway has no cancel: nothing is sent, the card says so, and the video comes."""
    world.clock.hold()
    job, emulator = order(world, servers, "ssanai, slow", seed=11)
    until(lambda: job.remote_id and world.clock.sleeping)
    job.cancel()
    until(lambda: job.snapshot.note == "cannot_stop")
    world.clock.release()
    assert job.result(60).path.is_file()
    assert [line for line in emulator.requests if line["method"] == "DELETE" or "cancel" in line["path"]] == []


def test_just_after_the_create_a_gateway_may_not_know_the_task(world: World, servers: Servers) -> None:
    """It is asked again, and nothing is sent twice."""
    body = {"code": "task_not_exist", "message": "task_not_exist", "data": None}
    early = {"at": "poll", "do": "status", "status": 400, "body": body, "times": 2}
    job, emulator = order(world, servers, "ssanai", seed=12, faults=[early])
    assert job.result(60).path.is_file()
    assert emulator.fired() == [2]


def test_a_gateway_without_the_model_created_nothing(world: World, servers: Servers) -> None:
    """503, but decided before anything was sent on: FAILED, not UNCERTAIN."""
    body = {"error": {"code": "model_not_found", "message": "No available channel", "type": "new_api_error"}}
    fault = {"at": "submit", "do": "status", "status": 503, "body": body}
    job, _ = order(world, servers, "ssanai", seed=13, faults=[fault])
    with pytest.raises(JobFailed) as caught:
        job.result(60)
    assert "--model" in str(caught.value)
