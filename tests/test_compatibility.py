"""What version 0.1.0 (commit c944ee3) left on disk is read as before: its journal, its sidecars, its pickles."""

from __future__ import annotations

import os
import pickle
import shutil
import sqlite3
import warnings
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.support.world import SMALL, World
from wan_jupyter.errors import JobFailed, OptionError, Problem, WanError
from wan_jupyter.media.video.video import Video
from wan_jupyter.status import Result, Snapshot, Status
from wan_jupyter.storage.journal.journal import Journal
from wan_jupyter.storage.output_files import read_sidecar

SAMPLES = Path(__file__).parent / "samples" / "v0.1.0"
THEN = "/notebooks/wan_outputs"  # the outputs folder that the stored samples name
FIRST, SECOND, REFUSED, LOST = "dbhvv", "cpqpk", "g6ym5", "m7dmn"  # jobs, oldest first
TASK = "5615c801-a670-4e53-b88f-8927b455dfd6"  # of the first job


@pytest.fixture
def old(world: World) -> World:
    """A home and an outputs folder as version 0.1.0 left them, moved to this test's folder."""
    world.home.mkdir(mode=0o700)
    shutil.copy(SAMPLES / "journal.sqlite3", world.home)
    shutil.copytree(SAMPLES / "outputs", world.outputs)
    for job in (SECOND, LOST):  # one clip is stored; the second job's has the same bytes
        shutil.copy(world.outputs / f"2026-11-18-{FIRST}.mp4", world.outputs / f"2026-11-18-{job}.mp4")
    with closing(sqlite3.connect(world.home / "journal.sqlite3")) as sql, sql:
        sql.execute(
            "UPDATE jobs SET folder = ?, file = replace(file, ?, ?)", (str(world.outputs), THEN, str(world.outputs))
        )
        for path, mtime in sql.execute("SELECT file, mtime FROM jobs WHERE file != ''").fetchall():
            os.utime(path, ns=(mtime, mtime))
    return world


def test_the_journal_opens_and_every_job_is_read(old: World) -> None:
    """No migration changes what is there."""
    journal = Journal(old.home, old.clock.time)
    records = journal.recent()
    assert [(record.id, record.snapshot.status) for record in records] == [
        (LOST, Status.SUCCEEDED),
        (REFUSED, Status.FAILED),
        (SECOND, Status.SUCCEEDED),
        (FIRST, Status.SUCCEEDED),
    ]
    first = journal.get(FIRST)
    assert (first.take, first.cost, first.created_at, first.size) == (1, 0.0, 1795000000.0, 3318)
    assert (first.snapshot.remote_id, first.snapshot.result.expires) == (TASK, 1795086406.0)
    assert first.request["filled_prompt"] == "A cat looks up"
    assert journal.get(REFUSED).snapshot.problem.code == "DataInspectionFailed"
    journal.close()


def test_a_session_shows_the_old_jobs_and_restores_them(old: World) -> None:
    """With their videos, their facts and their errors; nothing is asked of the service."""
    session = old.session()
    assert [record.id for record in session.history()] == [LOST, REFUSED, SECOND, FIRST]
    job = session.job(FIRST)
    assert (job.status, job.remote_id, job.model) == (Status.SUCCEEDED, TASK, SMALL["model"])
    assert job.result(0).path == old.outputs / f"2026-11-18-{FIRST}.mp4"
    assert job.video.facts["prompt"] == "A cat looks up"
    assert job.video.duration > 0
    with pytest.raises(JobFailed, match="inappropriate content"):
        session.job(REFUSED).result(0)
    assert session.resume() == []


def test_the_same_request_again_reuses_the_old_video(old: World) -> None:
    """The fingerprint is the same as then: nothing is paid for twice."""
    job = old.order("A cat looks up", image=(SAMPLES / "cat.png").read_bytes(), seed=7)
    assert job.id == SECOND  # the newest take
    assert job.result(0).path == old.outputs / f"2026-11-18-{SECOND}.mp4"
    assert (len(old.rows()), old.emulator().ledger()["tasks"]) == (4, [])
    assert old.order("A cat looks up", image=(SAMPLES / "cat.png").read_bytes(), seed=8).id not in (FIRST, SECOND)


@pytest.mark.parametrize(("job", "take"), [(FIRST, 1), (SECOND, 2), (LOST, 1)])
def test_sidecars_are_read(job: str, take: int) -> None:
    """Every field that the documentation names."""
    facts = read_sidecar(SAMPLES / "outputs" / f"2026-11-18-{job}.mp4")
    assert (facts["job"], facts["take"], facts["provider"], facts["cost"]) == (job, take, "emulator", "0")
    assert facts["options"] == {"duration": 5, "resolution": "480P", "prompt_extend": True, "watermark": False}
    assert {"prompt", "filled_prompt", "actual_prompt", "model", "seed", "times", "inputs", "task_id"} <= facts.keys()


def load(name: str) -> Any:
    """Load a pickle of version 0.1.0; `Video` moved, which warns once a process."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return pickle.loads((SAMPLES / f"{name}.pickle").read_bytes())


def test_a_pickled_video_loads() -> None:
    """By the module that it was in then."""
    video = load("video")
    assert type(video) is Video
    assert video.path == Path(THEN) / f"2026-11-18-{FIRST}.mp4"
    assert dict(video.facts) == read_sidecar(SAMPLES / "outputs" / f"2026-11-18-{FIRST}.mp4")


def test_a_pickled_snapshot_loads() -> None:
    """Without its result's link: that is a secret, which no pickle ever held."""
    status, snapshot = load("status"), load("snapshot")
    assert status is Status.SUCCEEDED
    assert snapshot == Snapshot(
        status=Status.SUCCEEDED,
        remote_id=TASK,
        word="SUCCEEDED",
        result=Result(link="", expires=1795086406.0),
        usage={"duration": 5, "SR": 480, "video_count": 1},
        facts=snapshot.facts,
        file=f"{THEN}/2026-11-18-{FIRST}.mp4",
    )
    assert snapshot.result.link == ""
    assert snapshot.facts["orig_prompt"] == "A cat looks up"


PROBLEM = Problem(
    code="DataInspectionFailed",
    message="inappropriate content",
    request_id="fb94a21d-9476-454d-9f5c-bd8ef947a5c5",
    advice="moderation",
)
ERRORS: Mapping[str, WanError] = {
    "job_failed": JobFailed("job.failed", problem=PROBLEM, id=REFUSED),
    "option_error": OptionError("option.bad_seed", flag="--seed", value="-5", suggestion="", choices=""),
}


@pytest.mark.parametrize("name", ERRORS)
def test_a_pickled_error_loads(name: str) -> None:
    """With its key, its values and its problem, and so its message."""
    found, wanted = load(name), ERRORS[name]
    assert type(found) is type(wanted)
    assert vars(found) == vars(wanted)
    assert str(found) == str(wanted)
