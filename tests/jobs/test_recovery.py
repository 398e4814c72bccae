"""A create whose answer was lost: its task is recognised beyond doubt, or the user is told; nothing is sent again."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
import sqlite3
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from tests.support.clock import PATIENCE, FakeClock, until
from tests.support.emulator_client import PortEmulator
from tests.support.world import SMALL, World, picture, quiet
from wan_jupyter import errors
from wan_jupyter.jobs import background
from wan_jupyter.jobs.job import Job
from wan_jupyter.jobs.recovery import Evidence, Outcome, decide
from wan_jupyter.jobs.task_list import DuplicateSubmitter
from wan_jupyter.protocols.dashscope import DashScope
from wan_jupyter.scheduling import retry
from wan_jupyter.session.session import Session
from wan_jupyter.status import Snapshot, Status

PICTURE = f"data:image/png;base64,{base64.b64encode(picture()).decode()}"
LOST = {"at": "submit", "do": "drop_after"}  # the task is made, its answer never comes
UNMADE = {"at": "submit", "do": "drop_before"}
PATH = "/api/v1/services/aigc/video-generation/video-synthesis"


def uncertain(job: Job) -> errors.JobUncertain:
    """Wait for a job that stays uncertain, and return its error."""
    with pytest.raises(errors.JobUncertain) as caught:
        job.result(PATIENCE)
    return caught.value


def elsewhere(world: World, prompt: str, key: str = "emulated") -> str:
    """Let another program with a key make a task at the emulator, and return its id."""
    body = {
        "model": SMALL["model"],
        "input": {"prompt": prompt, "img_url": PICTURE},
        "parameters": {"resolution": "480P", "duration": 5},
    }
    headers = {"Authorization": f"Bearer {key}", "X-DashScope-Async": "enable"}

    async def create() -> Any:
        async with world.emulator().open() as http:
            return await http.post(f"http://emulator.invalid{PATH}", json=body, headers=headers)

    answer = asyncio.run(create())
    assert answer.status_code == 200, answer.text
    found: str = answer.json()["output"]["task_id"]
    return found


def lost_meanwhile(world: World, clock: FakeClock, fault: Mapping[str, str], ours: str, theirs: str) -> tuple[Job, str]:
    """Order what is lost on its way, and let another program make a task in the same minute; return job and task."""
    clock.hold()
    world.emulator().faults(fault)
    job = world.order(ours)
    until(lambda: clock.sleeping)
    task = elsewhere(world, theirs)
    clock.release()
    return job, task


def notes(job: Job) -> list[str]:
    """Collect the notes that a job shows, each change once."""
    seen: list[str] = []

    def watch(shot: Snapshot) -> None:
        if not seen or seen[-1] != shot.note:
            seen.append(shot.note)

    job.watch(watch)
    return seen


# ---- recognised ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["drop_after", "bad_json"])
def test_a_task_whose_answer_was_lost_is_found_again(world: World, what: str) -> None:
    """One create, one bill, and the video is there."""
    world.emulator().faults({"at": "submit", "do": what})
    job = world.order("A cat that is lost and found")
    job.result(PATIENCE)
    assert (job.status, job.remote_id) == (Status.SUCCEEDED, world.emulator().tasks[0]["task_id"])
    assert (world.emulator().creates, world.emulator().billed) == (1, 5)


def test_it_is_found_over_a_real_connection_too(world: World, port: PortEmulator) -> None:
    """The service's clock is another one than ours; its `Date` says how far they are apart."""
    port.faults(LOST)
    session = world.session("dashscope-intl", base_url=port.base_url, key="sk-found-again")
    job = world.order("A cat on a wire that breaks", session=session)
    job.result(PATIENCE)
    assert (port.creates, port.billed) == (1, 5)


def test_the_card_says_what_is_known(world: World, clock: FakeClock) -> None:
    """Looking for it; then probably created, since a task of that time goes on; then made."""
    clock.hold()
    world.emulator().faults(LOST)
    job = world.order()
    seen = notes(job)
    until(lambda: job.snapshot.note == "probable")
    assert (job.status, job.done, job.snapshot.settled) == (Status.UNCERTAIN, False, False)
    clock.release()
    job.result(PATIENCE)
    assert seen[:4] == ["", "recognising", "probable", ""]


def test_a_task_that_takes_long_is_waited_for(world: World) -> None:
    """A list that shows a task of that time is a trace, however long it takes to say its prompt."""
    world.emulator().faults(LOST, {"at": "poll", "do": "word", "status": "RUNNING", "times": 0})
    job = world.order("A slow cat")
    until(lambda: world.clock.time() > job.info.created_at + 2 * retry.RECOVERY_TIMEOUT_S)
    assert not job.done
    world.emulator().clear()
    job.result(PATIENCE)
    assert world.emulator().creates == 1


def test_a_list_that_cannot_be_had_concludes_nothing(world: World) -> None:
    """It is asked for again until it answers."""
    world.emulator().faults(LOST, {"at": "list", "do": "status", "status": 500, "times": 40})
    job = world.order()
    job.result(PATIENCE)
    assert world.emulator().fired()[1] == 40
    assert world.emulator().billed == 5


@pytest.mark.parametrize(
    "fault",
    [{"do": "status", "status": code} for code in (408, 429, 500)] + [{"do": "drop_before"}, {"do": "html"}],
    ids=str,
)
def test_a_list_that_does_not_come_is_told(world: World, clock: FakeClock, fault: dict[str, object]) -> None:
    """The card says so while it lasts, also if a trace was seen before, and the search goes on when it is over."""
    clock.hold()
    world.emulator().faults(LOST, {"at": "list", "times": 2, **fault})
    job = world.order()
    seen = notes(job)
    until(lambda: job.snapshot.note == "list_silent")
    assert (job.done, job.snapshot.settled) == (False, False)
    clock.release()
    job.result(PATIENCE)
    assert [note for note in seen if note][:3] == ["recognising", "list_silent", "probable"]
    assert world.emulator().creates == 1


def test_a_list_that_was_silent_for_a_day_says_nothing(world: World, clock: FakeClock) -> None:
    """The service has forgotten that time by then; a list that nobody read is no proof that there was no task."""
    clock.hold()
    world.emulator().faults(LOST, {"at": "list", "do": "status", "status": 503, "times": 0})
    job = world.order()
    until(lambda: clock.sleeping)
    clock.advance(DashScope.task_retention_s)
    problem = uncertain(job)
    assert (job.snapshot.note, problem.problem.advice) == ("", "uncertain")


def test_a_silent_list_that_shows_no_trace_is_searched_as_before(world: World) -> None:
    """The note of the trouble goes with it."""
    world.emulator().faults(UNMADE, {"at": "list", "do": "status", "status": 503, "times": 3})
    job = world.order()
    seen = notes(job)
    uncertain(job)
    assert [note for note in seen if note][-3:] == ["list_silent", "recognising", "no_trace"]


@pytest.mark.parametrize("code", [400, 401, 403, 404])
@pytest.mark.parametrize("skip", [0, 2], ids=["at once", "later"])
def test_who_may_not_list_decides_at_once(world: World, code: int, skip: int) -> None:
    """A key without that right: nothing is looked for any longer, and a retry is not refused."""
    world.emulator().faults(UNMADE, {"at": "list", "do": "status", "status": code, "skip": skip, "times": 0})
    job = world.order()
    problem = uncertain(job)
    assert (job.snapshot.note, job.snapshot.settled, problem.problem.advice) == ("", True, "uncertain")
    assert f"%wan retry {job.id}" in problem.hint()
    assert world.clock.time() - job.info.created_at < 60
    assert (world.emulator().creates, world.emulator().fired()[1]) == (1, 1)
    world.sessions[0].retry(job.id).result(PATIENCE)
    assert (world.emulator().creates, world.emulator().billed) == (2, 5)


# ---- tasks that cannot be asked for -------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [404, 500])
def test_a_task_that_does_not_answer_for_a_while_is_waited_for(world: World, code: int) -> None:
    """It may be ours: a lagging replica does not know it yet."""
    world.emulator().faults(LOST, {"at": "poll", "do": "status", "status": code, "times": 10})
    job = world.order()
    job.result(PATIENCE)
    assert (world.emulator().fired()[1], world.emulator().creates) == (10, 1)


@pytest.mark.parametrize("code", [403, 500])
def test_a_task_that_never_answers_is_shown_to_the_user(world: World, code: int) -> None:
    """Nobody can tell whether it is ours: not taken, not passed over, and not waited for until it is forgotten."""
    world.emulator().faults(LOST, {"at": "poll", "do": "status", "status": code, "times": 0})
    job = world.order()
    problem = uncertain(job)
    (task,) = world.emulator().tasks
    assert (job.snapshot.note, job.remote_id, task["task_id"] in problem.message()) == ("several", "", True)
    assert world.clock.time() - job.info.created_at < 3600
    world.emulator().clear()
    adopted = world.sessions[0].adopt(task["task_id"])
    adopted.result(PATIENCE)
    assert (adopted.id, world.emulator().creates) == (job.id, 1)


@pytest.mark.parametrize(("fails", "note"), [(10, ""), (retry.MAX_UNREADABLE_POLLS, "several")])
def test_anothers_task_that_does_not_answer_leaves_doubt(world: World, clock: FakeClock, fails: int, note: str) -> None:
    """It may show that somebody orders what we order: waited for, but not for ever."""
    elsewhere(world, "A horse")
    clock.advance(retry.DUPLICATE_WINDOW_S / 2)
    world.emulator().faults(LOST, {"at": "poll", "do": "status", "skip": 1, "times": fails})  # ours is asked for first
    job = world.order("A cat")
    with contextlib.suppress(errors.JobUncertain):
        job.result(PATIENCE)
    assert (job.snapshot.note, job.status is Status.SUCCEEDED) == (note, not note)
    assert sum(world.emulator().fired()[1:]) == fails
    assert world.clock.time() - job.info.created_at < 3600


# ---- not ours -----------------------------------------------------------------------------------------------------


def test_without_a_trace_the_user_decides(world: World) -> None:
    """Two minutes after it was lost, the list is believed; nothing is sent by itself."""
    world.emulator().faults(UNMADE)
    job = world.order()
    problem = uncertain(job)
    assert (job.snapshot.note, job.snapshot.settled) == ("no_trace", True)
    assert world.clock.time() - job.info.created_at >= 120
    assert f"%wan retry {job.id}" in problem.hint()
    assert world.order().id == job.id
    assert world.emulator().creates == 1


@pytest.mark.parametrize("prompt", ["Another cat", "A Cat", "A cat.", ""])
def test_a_task_of_the_same_second_with_another_prompt_is_left_alone(
    world: World, clock: FakeClock, prompt: str
) -> None:
    """Another program with the same key made it while our create was on its way."""
    job, _ = lost_meanwhile(world, clock, UNMADE, "A cat", prompt)
    uncertain(job)
    assert (job.snapshot.note, job.remote_id) == ("no_trace", "")


@pytest.mark.parametrize("apart", [-60.0, 60.0])
def test_a_task_of_another_minute_is_not_ours(world: World, clock: FakeClock, apart: float) -> None:
    """Created before we sent, or after we gave up: whatever its prompt is."""
    if apart < 0:
        elsewhere(world, "A cat")
        clock.advance(-apart)
    world.emulator().faults(UNMADE)
    clock.hold()
    job = world.order("A cat")
    until(lambda: clock.sleeping)
    if apart > 0:
        clock.advance(apart)
        elsewhere(world, "A cat")
    clock.release()
    uncertain(job)
    assert job.snapshot.note == "no_trace"


def test_several_tasks_that_may_be_it_are_shown(world: World, clock: FakeClock) -> None:
    """Which of them is ours nobody can tell: the user brings one in."""
    job, other = lost_meanwhile(world, clock, LOST, "A cat", "A cat")
    problem = uncertain(job)
    ours = next(task["task_id"] for task in world.emulator().tasks if task["task_id"] != other)
    assert job.snapshot.note == "several"
    assert all(task in problem.message() for task in (ours, other))
    adopted = world.sessions[0].adopt(ours)
    adopted.result(PATIENCE)
    assert (adopted.id, adopted.remote_id, len(world.rows())) == (job.id, ours, 1)


def test_a_shared_key_adopts_nothing(world: World) -> None:
    """A class with one key: what looks like ours may be a neighbour's."""
    world.emulator().faults(LOST)
    job = world.order(session=world.session(settings=world.settings(shared_key=True)))
    problem = uncertain(job)
    assert (job.snapshot.note, job.remote_id) == ("several", "")
    assert world.emulator().tasks[0]["task_id"] in problem.message()


def test_who_orders_what_we_order_has_tasks_that_look_like_ours(world: World, clock: FakeClock) -> None:
    """Another program with this key made a task with a prompt of ours: the one in question may be its own, too."""
    world.order("A cat").result(PATIENCE)
    elsewhere(world, "A cat")
    job, theirs = lost_meanwhile(world, clock, UNMADE, "A dog", "A dog")
    problem = uncertain(job)
    assert (job.snapshot.note, theirs in problem.message()) == ("several", True)


def test_who_orders_the_same_a_minute_before_may_do_so_again(world: World, clock: FakeClock) -> None:
    """Our own prompt tells of a twin although no other job of ours ever had it."""
    elsewhere(world, "A cat")
    clock.advance(60)
    job, theirs = lost_meanwhile(world, clock, UNMADE, "A cat", "A cat")
    problem = uncertain(job)
    assert (job.snapshot.note, job.remote_id, theirs in problem.message()) == ("several", "", True)


def test_a_task_whose_query_lags_behind_the_list_is_asked_for_again(world: World, clock: FakeClock) -> None:
    """It says its prompt later, and that shows who orders what we order."""
    world.order("A cat").result(PATIENCE)
    twin = elsewhere(world, "A cat")
    clock.advance(60)
    behind = {"request_id": "r", "output": {"task_id": twin, "task_status": "RUNNING"}}
    world.emulator().faults({"at": "poll", "do": "status", "status": 200, "body": behind, "skip": 1})
    job, _ = lost_meanwhile(world, clock, UNMADE, "A dog", "A dog")
    uncertain(job)
    assert (job.snapshot.note, job.remote_id, world.emulator().fired()) == ("several", "", [1, 1])


def test_who_orders_what_we_order_may_show_it_later(world: World, clock: FakeClock) -> None:
    """Nobody is taken for alone before the time in which others may show themselves is over."""
    world.order("A bird").result(PATIENCE)
    clock.hold()
    world.emulator().faults(UNMADE)
    job = world.order("A cat")
    until(lambda: clock.sleeping)
    elsewhere(world, "A cat")
    clock.advance(100)  # the tasks have ended by then
    until(lambda: job.snapshot.note == "probable")
    elsewhere(world, "A bird")
    clock.release()
    uncertain(job)
    assert (job.snapshot.note, job.remote_id) == ("several", "")


def test_what_others_order_with_words_of_their_own_does_not_matter(world: World, clock: FakeClock) -> None:
    """The prompt tells whose a task is."""
    world.order("A cat").result(PATIENCE)
    job, _ = lost_meanwhile(world, clock, LOST, "A dog", "A horse")
    assert job.result(PATIENCE).path.is_file()


def test_of_two_uncertain_jobs_with_one_prompt_neither_takes_the_task(world: World, clock: FakeClock) -> None:
    """One of them was created; which one cannot be told."""
    clock.hold()
    world.emulator().faults(LOST, UNMADE)
    first = world.order("A cat")
    until(lambda: first.status is Status.UNCERTAIN)
    second = world.order("A cat", seed=7)
    until(lambda: second.status is Status.UNCERTAIN)
    clock.release()
    for job in (first, second):
        uncertain(job)
    assert (first.snapshot.note, second.snapshot.note) == ("several", "several")
    assert len(world.emulator().tasks) == 1


def test_a_task_that_is_another_jobs_is_no_trace(world: World) -> None:
    """The journal knows whose it is."""
    made = world.order("A cat")
    made.result(PATIENCE)
    world.emulator().faults(UNMADE)
    job = world.order("A cat", new=True)
    uncertain(job)
    assert job.snapshot.note == "no_trace"


# ---- the user's word ----------------------------------------------------------------------------------------------


def test_retry_sends_it_once_more(world: World) -> None:
    """A further take of the same request, with the pictures that were kept; a second retry finds the first."""
    world.emulator().faults(UNMADE)
    lost = world.order("A cat")
    uncertain(lost)
    session = world.sessions[0]
    again = session.retry(lost.id)
    assert session.retry(lost.id).id == again.id
    again.result(PATIENCE)
    assert (again.info.take, again.request.seed) == (2, lost.request.seed)
    assert (world.order("A cat").id, world.emulator().billed) == (again.id, 5)


def test_retry_waits_for_the_search(world: World, clock: FakeClock) -> None:
    """While it may still be found it is not sent again, and what to type is said."""
    clock.hold()
    world.emulator().faults(LOST)
    job = world.order()
    until(lambda: job.status is Status.UNCERTAIN)
    with pytest.raises(errors.JobError) as refused:
        world.sessions[0].retry(job.id)
    assert f"%wan wait {job.id}" in refused.value.hint()
    clock.release()
    job.result(PATIENCE)


def test_a_video_is_not_retried(world: World) -> None:
    """It is there."""
    job = world.order()
    job.result(PATIENCE)
    with pytest.raises(errors.JobError, match="already has a video"):
        world.sessions[0].retry(job.id)


def test_a_job_without_its_pictures_is_not_retried(world: World) -> None:
    """A job that failed has let go of them; its cell has them."""
    world.emulator().faults({"at": "submit", "do": "status", "status": 400, "body": {"code": "InvalidParameter"}})
    job = world.order()
    with pytest.raises(errors.JobFailed):
        job.result(PATIENCE)
    with pytest.raises(errors.JobError) as refused:
        world.sessions[0].retry(job.id)
    assert "--new" in refused.value.hint()
    assert (len(world.rows()), world.emulator().creates) == (1, 1)


def test_the_pictures_of_an_uncertain_job_are_kept(world: World) -> None:
    """Also when another job with the same picture ends: a retry needs them."""
    world.emulator().faults(UNMADE)
    job = world.order("A cat")
    uncertain(job)
    world.order("Another cat").result(PATIENCE)
    world.sessions[0].retry(job.id).result(PATIENCE)


def test_where_nothing_lists_the_user_decides_at_once(world: World, port: PortEmulator) -> None:
    """A gateway has no list: nothing is looked for, nothing is sent."""
    port.faults(LOST)
    session = world.session("videos", base_url=port.url, key="sk-test")
    job = session.submit("A cat nobody finds", image="https://example.com/cat.png")
    problem = uncertain(job)
    assert f"%wan retry {job.id}" in problem.hint()
    assert len(port.tasks) == 1


def test_a_search_goes_on_in_the_next_kernel(world: World, clock: FakeClock) -> None:
    """The kernel died while it was looking; the next one resumes it."""
    clock.hold()
    world.emulator().faults(LOST)
    job = world.order("A cat")
    until(lambda: job.snapshot.note == "probable")
    leave(world, job)
    clock.release()
    session: Session = world.session()
    (found,) = session.resume()
    found.result(PATIENCE)
    assert (found.id, found is job, world.emulator().creates) == (job.id, False, 1)


def leave(world: World, job: Job) -> None:
    """Let this process forget a job, as if its kernel had died."""
    quiet(background.current())
    background.current().jobs.pop(job.id)
    with contextlib.closing(sqlite3.connect(world.home / "journal.sqlite3")) as sql, sql:
        sql.execute("UPDATE jobs SET owner = 'gone:1:dead', heartbeat = 0")


# ---- what a prompt cannot tell --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "how",
    [{"params": {"duration": 10}}, {"params": {"input.prompt": "Another cat"}}, {"prompt": "A cat " * 4000}],
    ids=["length by hand", "prompt by hand", "a long prompt"],
)
def test_a_task_that_may_be_ours_is_never_called_no_trace(world: World, how: dict[str, Any]) -> None:
    """What was set by hand, or is cut in the answer, does not speak against it; nor does it prove it."""
    world.emulator().faults(LOST)
    small = {"model": "wan2.6-i2v-flash", "resolution": "720P"}
    job = world.order(how.get("prompt", "A cat"), params=how.get("params"), **small)
    with contextlib.suppress(errors.JobUncertain):
        job.result(PATIENCE)
    assert job.snapshot.note != "no_trace"
    assert (job.status, job.snapshot.note) in ((Status.UNCERTAIN, "several"), (Status.SUCCEEDED, ""))


def test_after_a_crash_a_task_of_hours_later_is_not_ours(world: World, clock: FakeClock) -> None:
    """Whoever died between sending and hearing was not sending for hours."""
    clock.hold()
    world.emulator().faults(UNMADE)
    job = world.order("A cat")
    until(lambda: clock.sleeping)
    leave(world, job)
    with contextlib.closing(sqlite3.connect(world.home / "journal.sqlite3")) as sql, sql:
        sql.execute("UPDATE jobs SET status = 'SUBMITTING', note = '', facts = '{}', problem = NULL")
    clock.advance(5 * 3600)
    elsewhere(world, "A cat")
    clock.advance(5 * 3600)
    clock.release()
    (found,) = world.session().resume()
    uncertain(found)
    assert (found.snapshot.note, found.remote_id) == ("no_trace", "")


def test_adopting_gives_a_lost_job_its_own_task_only(world: World, clock: FakeClock) -> None:
    """Another model's task, or one of another hour, becomes a job of its own."""
    old = elsewhere(world, "A cat")
    clock.advance(4000)
    world.emulator().faults(UNMADE)
    job = world.order("A cat")
    uncertain(job)
    adopted = world.sessions[0].adopt(old)
    adopted.result(PATIENCE)
    assert (adopted.id == job.id, len(world.rows())) == (False, 2)


def test_a_job_that_is_searched_for_may_be_adopted_meanwhile(world: World, clock: FakeClock) -> None:
    """The card that searches goes on with the task that the user named."""
    clock.hold()
    world.emulator().faults(LOST, {"at": "list", "do": "status", "status": 500, "times": 3})
    job = world.order("A cat")
    until(lambda: job.status is Status.UNCERTAIN and clock.sleeping)
    task = world.emulator().tasks[0]["task_id"]
    clock.advance(30)
    world.emulator().clear()
    adopted = world.sessions[0].adopt(task)
    clock.release()
    adopted.result(PATIENCE)
    job.result(PATIENCE)
    assert (adopted.id, len(world.rows()), world.emulator().creates) == (job.id, 1, 1)


# ---- giving up ------------------------------------------------------------------------------------------------------


def test_a_job_that_is_given_up_is_free_for_others(world: World) -> None:
    """A full disk ends what this process does; whoever asks next goes on, in this kernel or another."""
    outputs = world.folder / "wan_outputs"
    outputs.write_text("a file where the folder should be")
    job = world.order("A cat")
    with pytest.raises(errors.OutputError):
        job.result(PATIENCE)
    assert (world.rows()[0]["owner"], world.rows()[0]["status"]) == ("", "DOWNLOADING")
    outputs.unlink()
    (again,) = world.session().resume()
    again.result(PATIENCE)
    assert (again.id, world.emulator().creates) == (job.id, 1)


def test_a_task_that_only_answers_errors_is_waited_for_hours_not_for_ever(world: World) -> None:
    """The wait ends with the id kept; `%wan resume` asks on."""
    world.emulator().faults({"at": "poll", "do": "status", "status": 500, "times": 0})
    job = world.order("A cat")
    with pytest.raises(errors.JobError) as ended:
        job.result(PATIENCE)
    assert (ended.value.key, world.rows()[0]["status"]) == ("job.deadline", "QUEUED")


def test_a_job_whose_kept_picture_is_gone_ends(world: World, clock: FakeClock) -> None:
    """It was never sent; a row that nobody could end would stay for ever, and reserve its price."""
    clock.hold()
    world.emulator().faults({"at": "submit", "do": "status", "status": 429, "body": {"code": "Throttling"}, "times": 1})
    job = world.order("A cat")
    until(lambda: clock.sleeping)
    leave(world, job)
    for spooled in (world.home / "inputs").iterdir():
        spooled.unlink()
    clock.release()
    (again,) = world.session().resume()
    with pytest.raises(errors.OutputError) as failed:
        again.result(PATIENCE)
    assert (failed.value.key, world.rows()[0]["status"]) == ("output.spool_gone", "FAILED")


# ---- the decision -------------------------------------------------------------------------------------------------

FOUND, NOBODY, UNDECIDED = DuplicateSubmitter.FOUND, DuplicateSubmitter.NONE, DuplicateSubmitter.UNDECIDED
READY = Evidence(complete=True, forgotten=False, only_one=True, duplicate=NOBODY, candidates=True, timed_out=False)
NOTHING_FITS = replace(READY, only_one=False, duplicate=UNDECIDED, candidates=False)


@pytest.mark.parametrize(
    ("evidence", "outcome"),
    [
        pytest.param(READY, Outcome.ADOPT, id="one task and nobody else"),
        pytest.param(replace(READY, complete=False), Outcome.KEEP_LOOKING, id="another may yet appear"),
        pytest.param(replace(READY, complete=False, forgotten=True), Outcome.ADOPT, id="no other can appear any more"),
        pytest.param(replace(READY, duplicate=UNDECIDED), Outcome.KEEP_LOOKING, id="a duplicate may yet show"),
        pytest.param(replace(READY, duplicate=UNDECIDED, forgotten=True), Outcome.SEVERAL, id="it never will show"),
        pytest.param(replace(READY, duplicate=FOUND), Outcome.SEVERAL, id="somebody submits the same"),
        pytest.param(replace(READY, only_one=False), Outcome.SEVERAL, id="several tasks"),
        pytest.param(NOTHING_FITS, Outcome.KEEP_LOOKING, id="no trace yet"),
        pytest.param(replace(NOTHING_FITS, timed_out=True), Outcome.NO_TRACE, id="no trace for long"),
        pytest.param(replace(NOTHING_FITS, forgotten=True), Outcome.NO_TRACE, id="no trace and forgotten"),
    ],
)
def test_a_task_is_adopted_only_beyond_doubt(evidence: Evidence, outcome: Outcome) -> None:
    """Whatever leaves a doubt is the user's to decide, or is looked at again."""
    assert decide(evidence) is outcome


@pytest.mark.parametrize("doubt", [{"only_one": False}, {"duplicate": FOUND}, {"duplicate": UNDECIDED}], ids=str)
def test_no_evidence_with_a_doubt_ever_adopts(doubt: dict[str, Any]) -> None:
    """In every combination of what else is known."""
    switches = ("complete", "forgotten", "candidates", "timed_out")
    for values in itertools.product((False, True), repeat=len(switches)):
        evidence = replace(READY, **dict(zip(switches, values, strict=True)), **doubt)
        assert decide(evidence) is not Outcome.ADOPT
