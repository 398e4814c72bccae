"""`wan_jupyter.testing`: what authors of courses and libraries write their own tests with."""

from __future__ import annotations

from pathlib import Path

import pytest

import wan_jupyter
from wan_jupyter import Status, testing
from wan_jupyter.errors import JobFailed


def test_a_lesson_is_tested_without_key_network_or_waiting(tmp_path: Path) -> None:
    """A real MP4 in the sandbox's own folder, one task in the ledger, minutes on the clock and none on the wall."""
    with testing.Sandbox(tmp_path) as sandbox:
        job = sandbox.session().submit("A cat looks up", image=sandbox.picture(), duration=5)
        video = job.result(60)
        assert video.path.is_relative_to(tmp_path)
        assert video.duration == pytest.approx(testing.CLIP_SECONDS, abs=0.1)
        [task] = sandbox.ledger()["tasks"]
        assert (task["task_id"], task["billed_seconds"]) == (job.remote_id, 5)
        assert sandbox.clock.time() > testing.START


def test_drain_waits_for_all_jobs_and_returns_the_failed_ones_too(tmp_path: Path) -> None:
    """In the order in which they began."""
    with testing.Sandbox(tmp_path) as sandbox:
        sandbox.faults({"at": "poll", "do": "fail_task", "code": "DataInspectionFailed", "message": "not allowed"})
        session = sandbox.session()
        jobs = [session.submit(f"Cat {number}", image=sandbox.picture()) for number in range(3)]
        assert sandbox.drain() == jobs
        assert sorted(job.status for job in jobs) == [Status.FAILED, Status.SUCCEEDED, Status.SUCCEEDED]
        assert [type(job.error) for job in jobs if job.error] == [JobFailed]
        sandbox.clear_faults()


def test_drain_names_the_job_that_does_not_end(tmp_path: Path) -> None:
    """On a clock that is held nothing ends by itself; once it is released, everything does."""
    with testing.Sandbox(tmp_path) as sandbox:
        sandbox.clock.hold()
        job = sandbox.session().submit("A cat", image=sandbox.picture())
        with pytest.raises(TimeoutError, match=job.id):
            testing.drain(timeout_s=0.05)
        sandbox.clock.release()
        assert testing.drain() == [job]


def test_a_fault_that_the_emulator_does_not_know_is_an_error(tmp_path: Path) -> None:
    """With the emulator's own words."""
    with testing.Sandbox(tmp_path) as sandbox, pytest.raises(ValueError, match="do"):
        sandbox.faults({"at": "submit", "do": "explode"})


def test_two_sandboxes_share_clips_and_nothing_else(tmp_path: Path) -> None:
    """The same clip is rendered once; each sandbox has a journal of its own."""
    for name in ("one", "two"):
        with testing.Sandbox(tmp_path / name, clips=tmp_path / "clips") as sandbox:
            session = sandbox.session()
            session.submit("A cat", image=sandbox.picture(), seed=3).result(60)
            assert len(session.history()) == 1
    assert len(list((tmp_path / "clips").glob("*.mp4"))) == 1


def test_testing_is_a_public_name() -> None:
    """Without an import of its own."""
    assert wan_jupyter.testing is testing
    assert "testing" in dir(wan_jupyter)
