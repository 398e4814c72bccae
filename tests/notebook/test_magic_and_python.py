"""The main behaviours through both doors: a cell with `%%wan`, and the Python call that it makes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.clock import PATIENCE, until
from tests.support.ipython_shell import Shell
from wan_jupyter import Job, Session, Status, Video
from wan_jupyter.errors import ImageError, JobFailed, ModelError, OptionError, PromptError

pytest_plugins = ("tests.support.notebook_fixtures",)

Door = Callable[..., Job]
FLAGS = {"negative_prompt": "negative", "prompt_extend": "prompt-extend", "shot_type": "shot-type"}


def typed(name: str, value: object) -> str:
    """Write a keyword as the option that it is in a cell."""
    flag = FLAGS.get(name, name)
    if isinstance(value, bool):
        return f"--{flag}" if value else f"--no-{flag}"
    return f'--{flag} "{value}"'


def through_the_magic(shell: Shell) -> Door:
    def order(prompt: str = "A cat", *, new: bool = False, **how: Any) -> Job:
        shell.names["first"], shell.names["last"] = how.pop("image", "cat.png"), how.pop("last_image", None)
        pictures = " ".join(f"${name}" for name in ("first", "last") if shell.names[name] is not None)
        flags = " ".join(typed(name, value) for name, value in how.items())
        job: Job = shell.made(f"{pictures} {flags} {'--new' * new}", prompt)
        return job

    return order


def through_python(shell: Shell) -> Door:
    session: list[Session] = []

    def order(prompt: str = "A cat", *, image: Any = "cat.png", **how: Any) -> Job:
        if not session:
            session.append(Session("emulator"))
        return session[0].submit(prompt, image=image, **how)

    return order


DOORS = {"magic": through_the_magic, "python": through_python}


@pytest.fixture(params=DOORS)
def door(request: pytest.FixtureRequest, shell: Shell) -> Door:
    """A way to order a video; the test runs once through each."""
    return DOORS[request.param](shell)


def small(**more: Any) -> dict[str, Any]:
    return {"model": "wan2.5-i2v-preview", "resolution": "480P", **more}


def test_a_picture_and_a_sentence_become_a_video(door: Door, shell: Shell) -> None:
    """The file is on disk with its sidecar, and the job knows it."""
    video = door("A cat", **small()).result(PATIENCE)
    assert isinstance(video, Video)
    assert video.path.parent == shell.workspace.outputs
    assert video.path.with_suffix(".json").is_file()
    assert video.facts["prompt"] == "A cat"


def test_two_pictures_become_a_transition(door: Door) -> None:
    """First and last frame, with the model that can."""
    job = door(last_image="cat.png", resolution="480P")
    assert job.request.mode == "first_last"
    assert job.result(PATIENCE).path.is_file()


def test_options_are_those_of_the_request(door: Door) -> None:
    """Each is read as its own type."""
    asked = small(duration=10, seed=7, negative_prompt="ugly, blurry", prompt_extend=False, watermark=True)
    job = door(**asked)
    assert {name: getattr(job.request, name) for name in asked} == asked


def test_the_same_request_is_not_paid_for_twice(door: Door, shell: Shell) -> None:
    """Live: the same object. Saved: the same file. One task."""
    first = door(**small())
    assert door(**small()).id == first.id
    video = first.result(PATIENCE)
    again = door(**small())
    assert (again.id, again.video.path, again.origin) == (first.id, video.path, "shown")
    assert len(shell.emulator().tasks) == 1


def test_both_doors_find_each_others_videos(shell: Shell) -> None:
    """What a cell made, Python finds, and the other way round."""
    magic, python = through_the_magic(shell), through_python(shell)
    one, two = magic("One", **small()), python("Two", **small())
    for job in (one, two):
        job.result(PATIENCE)
    assert python("One", **small()).id == one.id
    assert magic("Two", **small()).id == two.id
    assert len(shell.emulator().tasks) == 2


def test_a_new_take_is_a_job_of_its_own(door: Door) -> None:
    """`--new`, `new=True`."""
    one, two = door(**small()), door(**small(), new=True)
    assert one.id != two.id
    assert (one.info.take, two.info.take) == (1, 2)


def test_a_drawn_seed_is_recorded(door: Door) -> None:
    """It was not typed, and the result can be repeated all the same."""
    job = door(**small())
    assert job.request.seed in range(1, 2147483648)
    assert job.result(PATIENCE).facts["seed"] == job.request.seed


def test_a_refusal_of_the_service_has_all_it_said(door: Door) -> None:
    """Code, message, request id, and what to do next."""
    job = door("A forbidden prompt", **small())
    with pytest.raises(JobFailed) as caught:
        job.result(PATIENCE)
    assert job.status is Status.FAILED
    assert caught.value.code == "DataInspectionFailed"
    assert caught.value.request_id in str(caught.value)
    assert "Change the prompt or the image." in str(caught.value)


def test_a_failed_request_can_be_made_again(door: Door) -> None:
    """A failure stands for nothing: the same request is a new job."""
    first = door("A forbidden prompt", **small())
    until(lambda: first.done)
    assert door("A forbidden prompt", **small()).id != first.id


WRONG: list[tuple[dict[str, Any], Any, str]] = [
    ({"image": "nope.png"}, ImageError, "nope.png"),
    ({"image": "."}, ImageError, "folder"),
    ({"image": None, "prompt": ""}, (PromptError, ModelError), "%%wan cat.png"),
    ({"image": None}, ModelError, "%%wan cat.png"),
    ({"duration": "soon"}, OptionError, "--duration 5"),
    ({"resolution": "huge"}, OptionError, "720P"),
    ({"shot_type": "singel"}, OptionError, "single"),
    ({"model": "wan2.5-i2v-preview", "duration": 7}, ModelError, "5, 10"),
    ({"model": "wan2.6-i2v-flash", "resolution": "480P"}, ModelError, "720P"),
    ({"model": "wan2.2-kf2v-flash"}, ModelError, "last frame"),
    ({"model": "wan2.5-i2v-preview", "last_image": "cat.png"}, ModelError, "wan2.2-kf2v-flash"),
]


@pytest.mark.parametrize(("how", "kind", "words"), WRONG)
def test_what_cannot_be_sent_is_said_before_anything_is(
    door: Door, shell: Shell, how: dict[str, Any], kind: Any, words: str
) -> None:
    """Two lines with what to type; no row in the journal, no task."""
    with pytest.raises(kind) as caught:
        door(**{"prompt": "A cat", **how})
    assert words in str(caught.value)
    assert len(str(caught.value).splitlines()) <= 2
    assert shell.workspace.rows() == shell.workspace.tasks() == []


def test_await_gives_the_video(shell: Shell) -> None:
    """In a cell, `await job` is the same as `job.result()`."""
    job = shell.order()
    video = shell.ok("video = await ordered\nvideo.path").value
    assert video == job.video.path
