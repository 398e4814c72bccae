"""What users see of a job and its video: names, values, and how they show themselves."""

from __future__ import annotations

import dataclasses
import pickle

import pytest

from tests.support.clock import PATIENCE
from tests.support.ipython_shell import Shell
from tests.support.world import World
from wan_jupyter import Job, Video, errors
from wan_jupyter.billing.money import Amount

pytest_plugins = ("tests.support.notebook_fixtures",)

JOB = """cancel cancel_requested cost done error id info model origin path prompt provider remarks remote_id
request result seed show snapshot status thumbnails video warning watch"""
VIDEO = """cost duration facts fps frame frames jpeg last_frame model path poster prompt save seed show size strip
to_gif"""


def public(thing: object) -> list[str]:
    return [name for name in dir(thing) if not name.startswith("_")]


@pytest.fixture
def made(world: World) -> Job:
    job = world.order()
    job.result(PATIENCE)
    return job


def test_completion_offers_what_users_may_use_and_nothing_else(made: Job) -> None:
    """A name that appears or vanishes is a decision: it is made here."""
    assert public(made) == JOB.split()
    assert public(made.video) == VIDEO.split()


def test_a_job_and_its_video_say_the_same(made: Job) -> None:
    """The one knows it from its request, the other from the sidecar."""
    video = made.video
    assert video is not None
    for name in ("prompt", "seed", "model", "path", "cost"):
        assert getattr(made, name) == getattr(video, name)
    assert (made.prompt, made.cost, str(made.cost)) == ("A cat", Amount(0.0), "0")
    assert isinstance(made.seed, int)


def test_a_video_without_a_sidecar_knows_its_file_only(made: Job) -> None:
    """What is not known is empty, not an error."""
    assert made.path is not None
    bare = Video(made.path)
    assert (bare.prompt, bare.seed, bare.model, bare.cost, bare.size) == ("", None, "", None, made.result().size)


def test_a_job_without_a_video_has_no_path_and_no_cost(world: World) -> None:
    world.clock.hold()
    job = world.order()
    assert (job.path, job.cost, job.video) == (None, None, None)
    world.clock.release()


def test_what_never_changes_cannot_be_changed(made: Job) -> None:
    """Remarks on converted pictures come later, and are the job's own."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        made.info.take = 2  # type: ignore[misc]


def test_a_wait_that_ended_names_its_job(world: World) -> None:
    """Who waits for several jobs knows which one to wait for again; a pickled error has no job."""
    world.clock.hold()
    job = world.order()
    with pytest.raises(errors.WaitTimeout) as caught:
        job.result(0.01)
    assert caught.value.job is job
    assert pickle.loads(pickle.dumps(caught.value)).job is None
    world.clock.release()


def test_without_a_shell_showing_prints_one_line(made: Job, capsys: pytest.CaptureFixture[str]) -> None:
    """A script says what it has."""
    assert made.video is not None
    made.show()
    made.video.show()
    assert capsys.readouterr().out.splitlines() == [repr(made), repr(made.video)]


@pytest.mark.parametrize("thing", ["job", "job.video"])
def test_in_a_shell_showing_draws_what_the_last_line_of_a_cell_would(shell: Shell, thing: str) -> None:
    """The same renderer, called from the middle of a cell."""
    shell.names["job"] = shell.order()
    shell.names["job"].result(PATIENCE)
    (first, *rest) = shell.ok(thing).lines
    assert shell.ok(f"{thing}.show(); None").lines == [first.partition(": ")[2], *rest]  # less `Out[3]: `
