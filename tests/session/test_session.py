"""Same request, same video; who carries a job out; what a session finds again."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.support.clock import PATIENCE, until
from tests.support.world import SMALL, World, close_client, forget, picture
from wan_jupyter import errors
from wan_jupyter.jobs import background
from wan_jupyter.jobs.job import Job
from wan_jupyter.media.image.reader import Image, read_image
from wan_jupyter.request.options import VideoRequest, fingerprint
from wan_jupyter.session.job_registry import JobRegistry
from wan_jupyter.status import Snapshot, Status

DIGEST = "ab" * 32
FILE = Image("cat.png", digest=DIGEST, mime="image/png", width=360, height=360, weight=9)
LINK = Image("cat.png", url="https://example.com/cat.png?v=1&Expires=1&Signature=s")
INTL, CN = "https://dashscope-intl.aliyuncs.com", "https://dashscope.aliyuncs.com"


def made(world: World, prompt: str = "A cat", **how: Any) -> Job:
    job = world.order(prompt, **how)
    job.result(PATIENCE)
    return job


def test_a_sentence_alone_is_enough_for_the_model_that_chooses_its_own_length(world: World) -> None:
    """Wan 3.0 takes a prompt without a picture, and -1 as the length it finds fit."""
    job = made(world, image=None, model="wan3.0-video", resolution="480P", duration=-1)
    assert job.video is not None


# ---- beside the video -------------------------------------------------------------------------------------------

SIGNED = "https://user:word@store.test/a.mp3?Expires=9&Signature=very-secret#part"


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        (SIGNED, "https://store.test/a.mp3"),
        (f'["{SIGNED}", 5]', '["https://store.test/a.mp3", 5]'),
        (json.dumps({"a": SIGNED}).replace("/", "\\/"), '{"a": "https://store.test/a.mp3"}'),
        (json.dumps({"a": SIGNED}).replace("?", "\\u003f"), '{"a": "https://store.test/a.mp3"}'),
        (f"see {SIGNED} and {SIGNED}", "see https://store.test/a.mp3 and https://store.test/a.mp3"),
        (f"{{{SIGNED}", "{https://store.test/a.mp3"),
        (
            json.dumps(json.dumps({"a": SIGNED}).replace("?", "\\u003f")),
            json.dumps('{"a": "https://store.test/a.mp3"}'),
        ),
        ("why? 50 %", "why? 50 %"),
        ('{"a":  [1, "b?c"]}', '{"a":  [1, "b?c"]}'),
    ],
)
def test_a_parameter_is_written_beside_the_video_without_a_signature(world: World, typed: str, shown: str) -> None:
    """As the other options with addresses: everyone may read that file. The journal keeps it as it was typed."""
    asked = VideoRequest(prompt="A cat", first=read_image(picture()), params=(("parameters.note", typed),), **SMALL)
    video = world.session()._submit(asked).result(PATIENCE)
    text = video.path.with_suffix(".json").read_text("utf-8")
    assert json.loads(text)["options"]["params"] == [["parameters.note", shown]]
    assert "very-secret" not in text
    assert json.loads(world.rows()[0]["request"])["params"] == [["parameters.note", typed]]


# ---- same request, same video -------------------------------------------------------------------------------------


def test_the_same_request_shows_the_same_file(world: World) -> None:
    """No new task, no new bill; the caption can say so."""
    first, again = made(world), made(world)
    assert (again.id, again.origin, again.video.path) == (first.id, "shown", first.video.path)  # type: ignore[union-attr]
    assert (world.emulator().creates, world.emulator().billed) == (1, 5)


def test_a_video_that_is_shown_again_knows_what_it_was(world: World) -> None:
    """Facts, cost and origin come from the sidecar and the journal."""
    first, again = made(world), made(world)
    assert first.video
    assert again.video
    assert (again.video.facts, again.cost, again.info.take) == (dict(first.video.facts), first.cost, 1)


@pytest.mark.parametrize(
    "other",
    [
        {"prompt": "A dog"},
        {"image": picture("navy")},
        {"negative_prompt": "blur"},
        {"watermark": True},
        {"prompt_extend": False},
        {"seed": 7},
        {"params": {"seed": 7}},
        {"resolution": "720P"},
    ],
    ids=lambda other: next(iter(other)),
)
def test_another_request_is_another_video(world: World, other: dict[str, Any]) -> None:
    """Whatever differs, differs."""
    world.clock.hold()
    assert world.order().id != world.order(**other).id


@pytest.mark.parametrize("prompt", [" A cat ", "A cat\n", "\r\nA cat"])
def test_outer_blanks_and_line_ends_do_not_count(world: World, prompt: str) -> None:
    """They are nobody's intention."""
    world.clock.hold()
    assert world.order(prompt).id == world.order().id


def test_a_drawn_seed_does_not_count_and_a_typed_one_does(world: World) -> None:
    """Not typed: one video, its drawn seed recorded and sent; typed, even the same number: another request."""
    first = made(world)
    drawn = first.request.seed
    assert drawn is not None
    assert 1 <= drawn <= 2147483647
    assert world.emulator().tasks[0]["request"]["parameters"]["seed"] == drawn
    assert first.video
    assert first.video.facts["seed"] == drawn
    world.clock.hold()
    assert world.order().id == first.id
    assert world.order(seed=drawn).id != first.id


def test_a_default_that_is_typed_counts_as_the_default(world: World) -> None:
    """What was resolved at the first submit is what was asked."""
    world.clock.hold()
    assert world.order(watermark=False).id == world.order().id


def test_a_file_counts_by_its_bytes_wherever_it_lies(world: World) -> None:
    """A path, the bytes, a copy under another name."""
    one, two = world.folder / "one.png", world.folder / "two.png"
    for path in (one, two):
        path.write_bytes(picture())
    world.clock.hold()
    jobs = {world.order(image=image).id for image in (str(one), two, picture())}
    assert len(jobs) == 1


def test_a_request_under_way_is_attached_to(world: World) -> None:
    """The very same object, and nothing is sent."""
    world.clock.hold()
    first, again = world.order(), world.order()
    assert again is first
    assert again.origin == "attached"
    world.clock.release()
    first.result(PATIENCE)
    assert world.emulator().creates == 1


def test_a_further_take_is_made_on_demand_only(world: World) -> None:
    """`new`: take 2, paid for; afterwards the same request shows the newest."""
    first, second = made(world), made(world, new=True)
    assert (second.info.take, second.id != first.id, world.emulator().billed) == (2, True, 10)
    assert made(world).id == second.id


def test_a_video_of_another_notebook_is_linked_beside_this_one(world: World) -> None:
    """The same bytes on disk, with the sidecar; both stay."""
    first = made(world)
    other = world.folder / "elsewhere" / "wan_outputs"
    again = made(world, session=world.session(outputs=other))
    assert first.video
    assert again.video
    assert (again.id, again.video.path.parent) == (first.id, other)
    assert again.video.path.stat().st_ino == first.video.path.stat().st_ino
    assert (again.video.facts["prompt"], again.video.path.with_suffix(".json").is_file()) == ("A cat", True)


def test_another_provider_is_another_video(world: World) -> None:
    """An emulated video never stands for a real one."""
    request = VideoRequest(filled_prompt="A cat", first=FILE)
    marks = {fingerprint(request, *where) for where in (("emulator", INTL), ("dashscope-intl", INTL), ("emulator", CN))}
    assert len(marks) == 3


# These digests may NEVER change: a release that changes one pays again for every video that its users have.
@pytest.mark.parametrize(
    ("request_", "where", "digest"),
    [
        (
            VideoRequest(
                prompt="typed", filled_prompt="A cat", first=FILE, model="wan2.6-i2v-flash", duration=5,
                resolution="720P", watermark=False, prompt_extend=True,
            ),
            ("dashscope-intl", INTL),
            "b7745f01faceccdbf6f8dc89185913e05fa845bf95e7006039dbeaa252b5385e",
        ),
        (
            VideoRequest(
                filled_prompt="고양이가 올려다본다", first=FILE, last=LINK, model="wan2.2-kf2v-flash",
                resolution="480P", seed=7, negative_prompt="blur",
            ),
            ("emulator", "http://emulator.invalid"),
            "f7b8fde13b2f07e4718a2e22b9f8a0fca1b32e020f9427786ed4a01b43684eac",
        ),
        (
            VideoRequest(first=LINK, model="m", audio=False, params=(("a.b", "1"), ("c", "text"))),
            ("dashscope-cn", CN),
            "681850c6c6400e42620410fe17a684312c9083be26c24e55f64b4bdf9362ab56",
        ),
    ],
    ids=["first frame", "first and last frame", "params"],
)  # fmt: skip
def test_a_fingerprint_never_changes(request_: VideoRequest, where: tuple[str, str], digest: str) -> None:
    """Stored for ever."""
    assert fingerprint(request_, *where) == digest


def test_a_signature_in_an_address_does_not_count() -> None:
    """It is made anew each time; the picture behind it is the same."""
    other = dataclasses.replace(LINK, url="https://example.com/cat.png?v=1&Expires=2&Signature=t&X-Amz-Date=3")
    third = dataclasses.replace(LINK, url="https://example.com/cat.png?v=2&Expires=1&Signature=s")
    marks = [fingerprint(VideoRequest(first=image), "p", INTL) for image in (LINK, other, third)]
    assert marks[0] == marks[1] != marks[2]


# ---- never twice, whoever asks at once ----------------------------------------------------------------------------


def test_many_threads_that_order_the_same_make_one_task(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The row and its job appear together: whoever finds the one finds the other."""
    sessions = [world.session() for _ in range(6)]
    slow = JobRegistry._start

    def late(self: Any, context: Any) -> Job:
        threading.Event().wait(0.05)  # the gap between the row and the job, made wide
        return slow(self, context)

    monkeypatch.setattr(JobRegistry, "_start", late)
    jobs: list[Job] = []
    crowd = [threading.Thread(target=lambda one=one: jobs.append(world.order(session=one))) for one in sessions]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join(PATIENCE)
    for job in jobs:
        job.result(PATIENCE)
    assert ({job.id for job in jobs}, len(jobs)) == ({jobs[0].id}, 6)
    assert (world.emulator().creates, len(world.rows())) == (1, 1)


def test_two_lives_of_one_job_send_one_create(world: World) -> None:
    """Should two ever begin, the journal lets one of them send."""
    world.clock.hold()
    session = world.session()
    job = world.order(session=session)
    until(lambda: job.status is Status.QUEUED and world.clock.sleeping)
    row = session._resources.journal.get(job.id)
    stale = dataclasses.replace(row, snapshot=Snapshot())
    background.current().jobs.clear()
    twin = session._registry.attach(stale, job.request)
    with pytest.raises(errors.JobError) as caught:
        twin.result(PATIENCE)
    assert (caught.value.key, world.emulator().creates) == ("job.taken_over", 1)


# ---- finding jobs again -------------------------------------------------------------------------------------------


def new_kernel(world: World) -> None:
    """Do as if this process had ended and another begun on the same home."""
    for session in world.sessions:
        close_client(session)
    world.sessions.clear()
    background.current().jobs.clear()
    forget(world.home)


def test_the_history_is_newest_first(world: World) -> None:
    """With videos and errors as they were, also in another kernel."""
    first, second = made(world), world.order("forbidden")
    with pytest.raises(errors.JobFailed):
        second.result(PATIENCE)
    new_kernel(world)
    found = world.session().history()
    assert [job.id for job in found] == [second.id, first.id]
    assert [job.status for job in found] == [Status.FAILED, Status.SUCCEEDED]
    assert isinstance(found[0].error, errors.JobFailed)
    assert found[1].result(1).path.is_file()
    assert [job.id for job in world.session().history(1)] == [second.id]


def test_a_job_is_found_by_the_beginning_of_its_id(world: World) -> None:
    """As long as it is the only one."""
    job = made(world)
    assert world.session().job(job.id[:3]).video == job.video
    with pytest.raises(errors.JobError):
        world.session().job("zzzzz9")


def test_a_job_under_way_is_found_as_itself(world: World) -> None:
    """The same object, with its watchers."""
    world.clock.hold()
    job = world.order()
    assert world.session().job(job.id) is job
    assert world.session()._registry.follow(job.id) is job
    assert world.session().live_jobs() == [job]
    assert world.session().history() == [job]


def test_a_live_job_of_nobody_says_how_to_go_on(world: World) -> None:
    """Looking at it asks nothing of the service."""
    job = _left_behind(world)
    session = world.session()
    seen = session.job(job.id)
    assert (seen.error and seen.error.key, job.id in str(seen.error)) == ("job.not_here", True)
    before = len(world.emulator().requests)
    assert len(world.emulator().requests) == before
    assert session._registry.follow(job.id).result(PATIENCE).path.is_file()
    assert len(world.emulator().tasks) == 1


def _left_behind(world: World) -> Job:
    """Return a job that a process began and did not end; its task goes on."""
    world.clock.hold()
    job = world.order()
    until(lambda: job.status is Status.QUEUED and world.clock.sleeping)
    owner = "gone:1:dead"
    with contextlib.closing(sqlite3.connect(world.home / "journal.sqlite3")) as sql, sql:
        sql.execute("UPDATE jobs SET owner = ?, heartbeat = 0", (owner,))
    world.clock.release()
    with pytest.raises(errors.JobError):
        job.result(PATIENCE)
    background.current().jobs.clear()
    world.clock.advance(3600)
    return job


def test_resuming_goes_on_with_what_nobody_carries_out(world: World) -> None:
    """Of this provider, address and account; once."""
    job = _left_behind(world)
    (resumed,) = world.session().resume()
    resumed.result(PATIENCE)
    assert (resumed.id, world.session().resume(), len(world.emulator().tasks)) == (job.id, [], 1)


def test_resuming_leaves_others_jobs_alone(world: World) -> None:
    """Another provider's tasks are not asked of this one."""
    _left_behind(world)
    session = world.session("dashscope-intl", base_url="http://127.0.0.1:9/api/v1", key="sk-test")
    assert session.resume() == []


def test_a_job_is_never_asked_of_another_address(world: World) -> None:
    """A session for another service shows it and sends nothing."""
    job = _left_behind(world)
    session = world.session("dashscope-intl", base_url="http://127.0.0.1:9/api/v1", key="sk-test")
    found = session._registry.follow(job.id)
    assert (found.error and found.error.key, world.rows()[0]["owner"]) == ("job.not_here", "gone:1:dead")


def test_a_result_that_the_service_forgot_is_expired(world: World) -> None:
    """A day later neither the link nor the task is there: the job ends instead of being fetched for ever."""
    world.outputs.write_text("in the way")
    job = world.order()
    with pytest.raises(errors.OutputError):
        job.result(PATIENCE)
    world.outputs.unlink()
    world.clock.advance(3 * 24 * 3600)
    again = world.order()
    with pytest.raises(errors.JobExpired):
        again.result(PATIENCE)
    assert (again.id, world.rows()[0]["status"]) == (job.id, "EXPIRED")


# ---- what is written ----------------------------------------------------------------------------------------------


def test_the_sidecar_says_everything(world: World) -> None:
    """All that is needed to know the video by, and no secret."""
    job = made(world, "A cat", params={"input.note": "kept"})
    assert job.video
    facts = json.loads(job.video.path.with_suffix(".json").read_text("utf-8"))
    named = {
        "prompt", "filled_prompt", "actual_prompt", "provider", "model", "options", "seed", "cost", "times", "inputs",
        "task_id", "take",
    }  # fmt: skip
    assert named <= set(facts)
    assert (facts["prompt"], facts["provider"], facts["take"]) == ("A cat", "emulator", 1)
    assert facts["task_id"] == job.remote_id
    assert facts["inputs"][0]["sha256"] == job.request.first.digest  # type: ignore[union-attr]
    assert "Signature" not in json.dumps(facts)


def test_the_row_says_where_it_came_from(world: World) -> None:
    """Cell, session, account tag, estimate: all columns are filled."""
    session = world.session()
    request = VideoRequest(prompt="A cat", filled_prompt="A cat", first=FILE, model="wan2.2-i2v-flash")
    session._submit(request, cell="%%wan cat.png\nA cat")
    (row,) = world.rows()
    assert (row["cell"], row["provider"], row["mode"]) == ("%%wan cat.png\nA cat", "emulator", "first")
    assert (len(row["account"]), row["estimate"], row["owner"]) == (16, 0.0, session._resources.owner.name)
    assert row["base_url"] == "http://emulator.invalid/api/v1"


def test_the_bill_is_the_services_word(world: World) -> None:
    """Its seconds times our price."""
    job = made(world)
    assert (str(job.cost), world.rows()[0]["cost"], json.loads(world.rows()[0]["usage"])["duration"]) == ("0", 0.0, 5)


def test_the_picture_is_forgotten_once_it_is_spooled(world: World) -> None:
    """A notebook may hold a thousand jobs."""
    job = made(world)
    assert job.request.first
    assert job.request.first.source is None


# ---- what is refused ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({"duration": 7}, errors.ModelError),
        ({"resolution": "720"}, None),
        ({"resolution": "huge"}, errors.OptionError),
        ({"durration": 5}, errors.OptionError),
        ({"image": "nowhere.png"}, errors.ImageError),
        ({"image": b"no picture"}, errors.ImageError),
        ({"image": None}, errors.ModelError),
    ],
    ids=str,
)
def test_what_cannot_be_sent_leaves_no_trace(
    world: World, options: dict[str, Any], kind: type[errors.InputError] | None
) -> None:
    """No row, no task: nothing was sent."""
    world.clock.hold()
    if kind is None:
        assert world.order(**options)
        return
    with pytest.raises(kind):
        world.order(**options)
    assert (world.emulator().requests, world.session().history()) == ([], [])


def test_a_default_model_of_the_users_is_used_where_it_can(world: World) -> None:
    """For one picture; for two it yields to the mode's default."""
    session = world.session(settings=world.settings(defaults={"model": ("wan2.2-i2v-plus", "WAN_MODEL")}))
    one = VideoRequest(first=FILE)
    assert session._plan(one).model.id == "wan2.2-i2v-plus"
    assert session._plan(dataclasses.replace(one, last=FILE)).model.id == "wan2.2-kf2v-flash"
    assert session._plan(dataclasses.replace(one, model="wan2.6-i2v")).model.id == "wan2.6-i2v"


def test_first_and_last_frame_become_a_video(world: World) -> None:
    """The other model, the other path."""
    video = made(world, model="wan2.2-kf2v-flash", last_image=picture("navy")).video
    assert video
    assert (video.size, world.emulator().tasks[0]["model"]) == ((624, 624), "wan2.2-kf2v-flash")
    assert world.emulator().requests[0]["path"].endswith("/image2video/video-synthesis")


def test_a_job_may_be_the_next_ones_first_picture(world: World) -> None:
    """Its last frame."""
    first = made(world)
    second = made(world, "And on", image=first)
    assert second.request.first
    assert (second.request.first.width, second.id != first.id) == (624, True)


def test_a_session_gives_its_folder_as_it_was_given(world: World) -> None:
    """Absolute; by default beside the notebook."""
    assert world.session(outputs="~/videos").outputs == Path("~/videos").expanduser()
    assert world.session(outputs=None).outputs == world.folder / "wan_outputs"
