"""What a job lives through: nothing is paid twice, nothing that was paid for is lost, only the service ends a job."""

from __future__ import annotations

import contextlib
import socket
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.clock import PATIENCE, FakeClock, until
from tests.support.emulator_client import PortEmulator
from tests.support.world import World, quiet
from wan_jupyter import errors
from wan_jupyter.jobs import background
from wan_jupyter.jobs.job import Job
from wan_jupyter.protocols import dashscope
from wan_jupyter.scheduling import polling, retry
from wan_jupyter.scheduling.retry import MAX_DOWNLOAD_TRIES, MAX_UNREACHED_TRIES, SUBMIT_BACKOFF_S
from wan_jupyter.session.session import Session
from wan_jupyter.status import Snapshot, Status
from wan_jupyter.storage.process_lock import Owner

DAY = 24 * 3600.0
NO_MP4 = "\x00\x00\x00\x18ftypmp42 this begins like an MP4 and is none"


def end(job: Job) -> errors.WanError:
    """Wait for a job that ends without a video and return why."""
    with pytest.raises(errors.WanError) as caught:
        job.result(PATIENCE)
    return caught.value


def on(port: PortEmulator, world: World) -> Session:
    return world.session("dashscope-intl", base_url=port.base_url, key="sk-test")


def status(code: int, **more: object) -> dict[str, object]:
    return {"at": "submit", "do": "status", "status": code, **more}


def answer(name: str, message: str = "said the service") -> dict[str, str]:
    return {"code": name, "message": message, "request_id": "request-7"}


# ---- the route ----------------------------------------------------------------------------------------------------


def test_a_picture_and_a_sentence_become_a_video(world: World) -> None:
    """PREPARING to SUCCEEDED, one task, one bill, an MP4 in the outputs folder."""
    job = world.order("A cat looks up")
    video = job.result(PATIENCE)
    assert (job.status, job.error) == (Status.SUCCEEDED, None)
    assert video.path.parent == world.outputs
    assert video.size == (624, 624)
    assert (world.emulator().creates, world.emulator().billed) == (1, 5)


def test_a_job_shows_each_state_once_and_in_order(world: World, clock: FakeClock) -> None:
    """Watchers see the states of the life, none of them twice."""
    clock.hold()
    job = world.order()
    seen: list[Status] = []
    job.watch(lambda shot: seen.append(shot.status) if not seen or seen[-1] != shot.status else None)
    until(lambda: job.status is Status.QUEUED and clock.sleeping)
    clock.release()
    job.result(PATIENCE)
    until(lambda: seen[-1] is Status.SUCCEEDED)
    assert seen[-4:] == [Status.QUEUED, Status.RUNNING, Status.DOWNLOADING, Status.SUCCEEDED]


def test_nothing_is_shown_before_it_is_on_disk(world: World) -> None:
    """When SUCCEEDED is told, the MP4, its sidecar and the journal's row are there already."""
    found: list[tuple[bool, bool, str]] = []

    def look(shot: Snapshot) -> None:
        if shot.status is Status.SUCCEEDED:
            file = Path(shot.file)
            found.append((file.is_file(), file.with_suffix(".json").is_file(), world.rows()[0]["status"]))

    job = world.order()
    job.watch(look)
    job.result(PATIENCE)
    until(lambda: found)
    assert found[0] == (True, True, "SUCCEEDED")


# ---- creating: never twice ----------------------------------------------------------------------------------------


def test_a_refused_connection_is_tried_again(world: World, clock: FakeClock, tmp_path: Path) -> None:
    """Nothing was sent, so the submit is repeated; once the service is there, one task is made."""
    with socket.socket() as kept:  # so that no other process takes the port; whoever listens may have it, too
        kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        kept.bind(("127.0.0.1", 0))
        number = kept.getsockname()[1]
        clock.hold()
        session = world.session("dashscope-intl", base_url=f"http://127.0.0.1:{number}/api/v1", key="sk-test")
        job = world.order(session=session)
        until(lambda: job.snapshot.note == "waiting_to_submit" and clock.sleeping)
        late = PortEmulator(tmp_path / "late", port=number)
    try:
        clock.release()
        job.result(PATIENCE)
        assert (late.creates, late.billed) == (1, 5)
    finally:
        late.stop()


def test_a_service_that_is_never_there_fails_the_job_and_nothing_was_sent(world: World) -> None:
    """After some tries it is FAILED, which a new cell may follow with a new job."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/api/v1"
        job = world.order(session=world.session("dashscope-intl", base_url=url, key="sk-test"))
        problem = end(job)
    assert isinstance(problem, errors.JobFailed)
    assert (job.status, problem.code) == (Status.FAILED, "unreached")
    assert len([nap for nap in world.clock.naps if nap >= 1]) == MAX_UNREACHED_TRIES - 1


@pytest.mark.parametrize("headers", [{}, {"Retry-After": "7"}], ids=["plain", "with Retry-After"])
def test_too_many_requests_is_tried_again_after_a_while(world: World, headers: dict[str, str]) -> None:
    """A 429 created nothing: the submit is repeated, and the service's own wait is kept."""
    body = answer("Throttling.RateQuota")
    world.emulator().faults(status(429, headers=headers, body=body, times=2))
    world.order().result(PATIENCE)
    assert (world.emulator().creates, len(world.emulator().tasks), world.emulator().billed) == (3, 1, 5)
    assert len([nap for nap in world.clock.naps if nap >= 7]) == (2 if headers else 0)


def test_a_service_that_stays_busy_fails_the_job(world: World) -> None:
    """After the last try it is FAILED, no task exists."""
    world.emulator().faults(status(429, body=answer("Throttling"), times=0))
    job = world.order()
    problem = end(job)
    assert (job.status, problem.code) == (Status.FAILED, "Throttling")
    assert (world.emulator().creates, world.emulator().tasks) == (len(SUBMIT_BACKOFF_S) + 1, [])


def test_a_used_up_quota_is_not_tried_again(world: World) -> None:
    """429 Throttling.AllocationQuota lasts for days: FAILED at once."""
    world.emulator().faults(status(429, body=answer("Throttling.AllocationQuota"), times=0))
    job = world.order()
    problem = end(job)
    assert (job.status, problem.problem.advice) == (Status.FAILED, "quota")
    assert world.emulator().creates == 1


@pytest.mark.parametrize("code", [408, 500, 502, 503, 504])
def test_a_server_error_on_create_is_uncertain_and_never_sent_again(world: World, code: int) -> None:
    """The task may exist, so there is one request, and the same order again shows the uncertain job."""
    world.emulator().faults(status(code, times=0))
    job = world.order()
    problem = end(job)
    assert (job.status, type(problem)) == (Status.UNCERTAIN, errors.JobUncertain)
    assert f"%wan retry {job.id}" in problem.hint()
    again = world.order()
    assert (again.id, again.status, again.origin) == (job.id, Status.UNCERTAIN, "shown")
    assert world.emulator().creates == 1


@pytest.mark.parametrize("what", ["drop_before", "html"])
def test_an_answer_that_cannot_be_read_is_uncertain(world: World, what: str) -> None:
    """The connection broke, or something else answered: one request."""
    world.emulator().faults({"at": "submit", "do": what, "times": 0})
    job = world.order()
    end(job)
    assert job.status is Status.UNCERTAIN
    assert world.emulator().creates == 1


def test_a_connection_dropped_before_the_answer_is_uncertain_too(world: World, port: PortEmulator) -> None:
    """With a real socket: from here it looks the same as one that was created, so it counts as one."""
    port.faults({"at": "submit", "do": "drop_before"})
    job = world.order("A cat that nobody else asks for", session=on(port, world))
    problem = end(job)
    assert (job.status, problem.code, port.creates, port.tasks) == (Status.UNCERTAIN, "lost_answer", 1, [])


def test_a_job_that_waits_to_be_sent_may_be_begun_again(world: World, clock: FakeClock) -> None:
    """The process died while the service was busy: provably nothing was created, so the next one sends it."""
    world.emulator().faults(status(429, body=answer("Throttling")))
    clock.hold()
    job = world.order()
    until(lambda: clock.sleeping)
    assert (world.rows()[0]["status"], world.rows()[0]["note"]) == ("SUBMITTING", "waiting_to_submit")
    with contextlib.closing(sqlite3.connect(world.home / "journal.sqlite3")) as sql, sql:
        sql.execute("UPDATE jobs SET owner = 'gone:1:dead', heartbeat = 0")
    clock.release()
    with pytest.raises(errors.JobError):
        job.result(PATIENCE)
    background.current().jobs.clear()
    clock.advance(3600)
    again = world.order()
    again.result(PATIENCE)
    assert (again.id, world.emulator().creates, world.emulator().billed) == (job.id, 2, 5)


def test_a_further_take_may_follow_an_uncertain_job(world: World) -> None:
    """`new` is the user's word that it may cost again."""
    world.emulator().faults(status(502))
    end(world.order())
    second = world.order(new=True)
    second.result(PATIENCE)
    assert (second.info.take, world.emulator().billed) == (2, 5)


@pytest.mark.parametrize(
    ("code", "name", "advice"),
    [
        (400, "InvalidParameter", "parameter"),
        (400, "InvalidURL.Timeout", "picture_fetch"),
        (401, "InvalidApiKey", "key"),
        (403, "AccessDenied.Unpurchased", "access"),
        (404, "ModelNotFound", "model"),
    ],
)
def test_a_refusal_fails_the_job_with_all_the_service_said(world: World, code: int, name: str, advice: str) -> None:
    """Code, message, request id, and what to do about it."""
    world.emulator().faults(status(code, body=answer(name)))
    job = world.order()
    problem = end(job)
    assert (job.status, problem.problem.http, problem.problem.advice) == (Status.FAILED, code, advice)
    assert all(word in str(problem) for word in (name, "said the service", "request-7"))
    assert problem.hint() == errors.tr(f"advice.{advice}") + " Nothing was billed."
    assert (world.emulator().creates, world.emulator().tasks) == (1, [])


def test_a_failed_job_is_followed_by_a_new_one(world: World) -> None:
    """FAILED cost nothing: the same order makes another job."""
    world.emulator().faults(status(400, body=answer("InvalidParameter")))
    first = world.order()
    end(first)
    second = world.order()
    second.result(PATIENCE)
    assert (second.id != first.id, second.info.take) == (True, 2)


def test_moderation_comes_late_and_costs_nothing(world: World) -> None:
    """The task is accepted and fails on a poll, with the service's code."""
    job = world.order("something forbidden")
    problem = end(job)
    assert (job.status, problem.code, problem.problem.http) == (Status.FAILED, "DataInspectionFailed", 0)
    assert (problem.request_id != "", world.emulator().billed) == (True, 0)


def test_a_missing_picture_comes_late(world: World) -> None:
    """The service's own words arrive although the create was accepted."""
    problem = end(world.order(params={"input.img_url": ""}))
    assert (problem.code, "image_url must provided" in str(problem)) == ("InvalidParameter", True)


def test_a_failure_without_a_code_is_still_an_error(world: World) -> None:
    """FAILED with neither code nor message (seen in the wild) ends the job all the same."""
    world.emulator().faults({"at": "submit", "do": "fail_task", "code": None, "message": None})
    job = world.order()
    problem = end(job)
    assert (job.status, problem.code, problem.billed) == (Status.FAILED, "", "no")
    assert errors.tr("happened.no_reason") in problem.lines()[0]


# ---- polling: trouble is no end -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "note"),
    [
        ({"do": "status", "status": 500}, "no_answer"),
        ({"do": "status", "status": 401}, "key_refused"),
        ({"do": "status", "status": 429, "headers": {"Retry-After": "9"}}, "no_answer"),
        ({"do": "status", "status": 404}, "no_answer"),
        ({"do": "drop_before"}, "no_answer"),
        ({"do": "html"}, "no_answer"),
        ({"do": "bad_json"}, "no_answer"),
        ({"do": "word", "status": "UNKNOWN"}, "unknown_task"),
    ],
    ids=str,
)
def test_trouble_while_polling_does_not_end_a_job(world: World, fault: dict[str, object], note: str) -> None:
    """It is noted for the user, asked again, and forgotten when the service is back."""
    notes: list[str] = []
    world.emulator().faults({"at": "poll", "skip": 1, "times": 3, **fault})
    job = world.order()
    job.watch(lambda shot: notes.append(shot.note))
    job.result(PATIENCE)
    assert (world.emulator().fired(), note in notes, job.snapshot.note) == ([3], True, "")
    assert (world.emulator().creates, world.emulator().billed) == (1, 5)


def test_a_strange_word_counts_as_still_running(world: World) -> None:
    """A state that the documents do not name is no end."""
    words: set[tuple[Status, str]] = set()
    world.emulator().faults({"at": "poll", "do": "word", "status": "SUSPENDED", "skip": 4, "times": 2})
    job = world.order()
    job.watch(lambda shot: words.add((shot.status, shot.word)))
    job.result(PATIENCE)
    assert (Status.RUNNING, "SUSPENDED") in words


def test_a_report_that_goes_back_is_noted_and_ignored(world: World, clock: FakeClock) -> None:
    """PENDING after RUNNING stays RUNNING and leaves a line in the journal."""
    world.emulator().faults({"at": "poll", "do": "word", "status": "PENDING", "skip": 5, "times": 2})
    job = world.order()
    statuses: list[Status] = []
    job.watch(lambda shot: statuses.append(shot.status))
    job.result(PATIENCE)
    later = statuses[statuses.index(Status.RUNNING) :]
    assert Status.QUEUED not in later
    assert [what for _, what, _ in world.session()._resources.journal.events(job.id)] == ["went back"] * 2


def test_unknown_is_the_end_only_after_a_day(world: World, clock: FakeClock) -> None:
    """Before the service's 24 h it may be another account's key or a lagging replica; afterwards it has forgotten."""
    world.emulator().faults({"at": "poll", "do": "word", "status": "UNKNOWN", "times": 0})
    clock.hold()
    job = world.order()
    until(lambda: clock.sleeping)
    clock.advance(60)
    until(lambda: job.snapshot.note == "unknown_task" and clock.sleeping)
    assert job.status is Status.QUEUED
    clock.advance(3 * 3600)
    until(lambda: clock.sleeping)
    assert job.status is Status.QUEUED
    clock.advance(DAY)
    problem = end_held(job, clock)
    assert (job.status, type(problem)) == (Status.EXPIRED, errors.JobExpired)


def end_held(job: Job, clock: FakeClock) -> errors.WanError:
    until(lambda: job.done or clock.sleeping)
    clock.release()
    return end(job)


def test_the_deadline_leaves_the_job_as_it_is(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """After hours of waiting we stop asking, the row stays under way, and asking again goes on with the same task."""
    monkeypatch.setattr(polling, "POLL_TIMEOUT_S", 60.0)
    world.emulator().faults({"at": "poll", "do": "word", "status": "RUNNING", "times": 0})
    session = world.session()
    job = world.order(session=session)
    problem = end(job)
    assert (problem.key, world.rows()[0]["status"]) == ("job.deadline", "RUNNING")
    world.emulator().clear()
    (resumed,) = session.resume()
    resumed.result(PATIENCE)
    assert (resumed.id, world.emulator().creates) == (job.id, 1)


def test_a_machine_that_slept_has_not_waited(world: World, clock: FakeClock) -> None:
    """The lid was closed for half a day: the first poll after it counts, not the clock."""
    clock.hold()
    job = world.order()
    until(lambda: job.status is Status.QUEUED and clock.sleeping)
    clock.advance(2 * polling.POLL_TIMEOUT_S)
    clock.release()
    job.result(PATIENCE)
    assert world.emulator().creates == 1


def test_polls_come_at_the_pace_of_the_provider(world: World, port: PortEmulator) -> None:
    """Every 5 s or a little more at DashScope, never faster."""
    world.order(session=on(port, world)).result(PATIENCE)
    polls = [nap for nap in world.clock.naps if nap > 0]
    assert polls
    assert all(5.0 <= nap <= 5.5 for nap in polls)


# ---- collecting ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["truncate", "drop_after", "wrong_length"])
def test_half_a_video_is_fetched_again(world: World, port: PortEmulator, what: str) -> None:
    """The connection breaks during the download: it is fetched anew and nothing is paid anew."""
    port.faults({"at": "content", "do": what})
    job = world.order(session=on(port, world))
    video = job.result(PATIENCE)
    assert (video.size, job.warning) == ((624, 624), "")
    assert (len(port.downloads), port.creates, port.billed) == (2, 1, 5)


def test_a_length_that_is_not_met_is_fetched_again(world: World) -> None:
    """Fewer bytes than Content-Length said is not a whole file."""
    world.emulator().faults({"at": "content", "do": "wrong_length"})
    world.order().result(PATIENCE)
    assert len(world.emulator().downloads) == 2


def test_something_else_than_a_video_is_fetched_again(world: World) -> None:
    """A proxy's page with status 200 is no MP4."""
    world.emulator().faults({"at": "content", "do": "html", "times": 2})
    world.order().result(PATIENCE)
    assert len(world.emulator().downloads) == 3


def test_a_download_that_never_works_is_not_the_end(world: World) -> None:
    """The row stays as it was; the same order fetches it later and pays nothing."""
    world.emulator().faults({"at": "content", "do": "html", "times": 0})
    job = world.order()
    problem = end(job)
    assert (problem.key, world.rows()[0]["status"]) == ("service.not_video", "DOWNLOADING")
    assert sum(nap for nap in world.clock.naps if nap >= 1) >= retry.DOWNLOAD_TIMEOUT_S
    assert "%wan resume" in problem.hint()
    assert not list(world.outputs.glob("*.mp4"))
    world.emulator().clear()
    again = world.order()
    again.result(PATIENCE)
    assert (again.id, again.status, world.emulator().creates) == (job.id, Status.SUCCEEDED, 1)


def test_a_video_that_is_refused_is_not_said_to_be_free(world: World) -> None:
    """The same code as an answer to a create would mean that nothing was billed; here the video is made."""
    slow = {"code": "Throttling", "message": "Slow down."}
    world.emulator().faults({"at": "content", "do": "status", "status": 429, "body": slow, "times": 0})
    problem = end(world.order())
    assert isinstance(problem, errors.ProblemError)
    assert (world.rows()[0]["status"], problem.billed) == ("DOWNLOADING", "yes")
    assert "Nothing was billed." not in str(problem)


def test_a_link_that_expired_is_asked_for_again(world: World) -> None:
    """Storage refuses the link: the service is asked for a fresh one."""
    world.emulator().faults({"at": "poll", "do": "expired_link", "skip": 0, "times": 0})
    clock = world.clock
    clock.hold()
    job = world.order()
    for _ in range(40):
        until(lambda: clock.sleeping or job.done)
        if len(world.emulator().downloads):
            break
        clock.advance(1.0)
    world.emulator().clear()
    clock.release()
    job.result(PATIENCE)
    assert [line["status"] for line in world.emulator().downloads] == [403, 200]


def test_a_file_that_never_decodes_is_kept_with_a_warning(world: World) -> None:
    """The same bytes twice are what the service made: SUCCEEDED, the file is kept, the user is told."""
    world.emulator().faults({"at": "content", "do": "status", "status": 200, "body": NO_MP4, "times": 0})
    job = world.order()
    video = job.result(PATIENCE)
    assert (job.status, job.warning, video.path.read_text()) == (Status.SUCCEEDED, "undecodable", NO_MP4)
    assert (len(world.emulator().downloads), world.rows()[0]["warning"]) == (2, "undecodable")
    assert world.order().warning == "undecodable"


def test_a_file_that_decodes_the_second_time_has_no_warning(world: World) -> None:
    """One bad copy on the way is nobody's business."""
    world.emulator().faults({"at": "content", "do": "status", "status": 200, "body": NO_MP4})
    job = world.order()
    assert (job.result(PATIENCE).size, job.warning) == ((624, 624), "")


def test_files_that_never_decode_and_always_differ_are_not_fetched_for_ever(world: World) -> None:
    """After some tries what came last is kept, with the warning."""
    bodies = [NO_MP4 + str(number) for number in range(3 * MAX_DOWNLOAD_TRIES)]
    world.emulator().faults(*({"at": "content", "do": "status", "status": 200, "body": body} for body in bodies))
    job = world.order()
    job.result(PATIENCE)
    assert (job.warning, len(world.emulator().downloads)) == ("undecodable", MAX_DOWNLOAD_TRIES)


def test_a_folder_that_cannot_be_written_leaves_the_video_at_the_service(world: World) -> None:
    """The job is under way still; with the folder repaired the same order fetches it and pays nothing."""
    world.outputs.write_text("a file where the folder should be")
    job = world.order()
    problem = end(job)
    assert (type(problem), world.rows()[0]["status"]) == (errors.OutputError, "DOWNLOADING")
    world.outputs.unlink()
    again = world.order()
    again.result(PATIENCE)
    assert (again.id, world.emulator().creates) == (job.id, 1)


# ---- canceling ----------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def busy_workers() -> Iterator[None]:
    """Keep every worker busy, so that a job stays where it is."""
    gate = threading.Event()
    for _ in range(background.WORKERS):
        background.current()._workers.submit(gate.wait)
    try:
        yield
    finally:
        gate.set()


def test_what_breaks_before_a_job_is_sent_is_not_said_to_go_on(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing went out, and nothing is told of a service; once it works again, the cell sends it."""
    with monkeypatch.context() as broken:
        broken.setattr(dashscope, "body_of", lambda order: {}[order.model])
        job = world.order()
        problem = end(job)
    assert (problem.key, job.status, world.emulator().creates) == ("job.internal_unsent", Status.PREPARING, 0)
    assert "nothing was sent or billed" in str(problem)
    again = world.order()
    again.result(PATIENCE)
    assert (again.id, world.emulator().creates) == (job.id, 1)


def test_canceled_while_preparing_is_never_sent(world: World) -> None:
    """Before SUBMITTING canceling is ours alone."""
    world.emulator()
    with busy_workers():
        job = world.order()
        job.cancel()
        until(lambda: job.cancel_requested)
        assert job.status is Status.PREPARING
    problem = end(job)
    assert (job.status, type(problem)) == (Status.CANCELED, errors.JobCanceled)
    assert world.emulator().creates == 0


def test_canceled_while_waiting_to_submit_is_never_sent_again(world: World, clock: FakeClock) -> None:
    """The service was busy and created nothing: there is nothing to stop."""
    world.emulator().faults(status(429, headers={"Retry-After": "3600"}, body=answer("Throttling"), times=0))
    clock.hold()
    job = world.order()
    until(lambda: clock.sleeping)
    job.cancel()
    end(job)
    assert (job.status, world.emulator().creates) == (Status.CANCELED, 1)


def test_canceled_while_pending_costs_nothing(world: World, clock: FakeClock) -> None:
    """The service stops it, and it is CANCELED when the service says so."""
    clock.hold()
    job = world.order()
    until(lambda: job.status is Status.QUEUED and clock.sleeping)
    job.cancel()
    until(lambda: job._cancel_answered)
    problem = end_held(job, clock)
    assert (job.status, world.emulator().billed) == (Status.CANCELED, 0)
    assert problem.hint() == errors.tr("advice.canceled") + " Nothing was billed."


def running(world: World) -> Job:
    """Return a job that runs at the service, the clock held."""
    world.clock.hold()
    job = world.order()
    while job.status is not Status.RUNNING:
        until(lambda: world.clock.sleeping)
        world.clock.advance(1.0)
        until(lambda: world.clock.sleeping)
    return job


def test_what_runs_cannot_be_stopped_and_is_saved(world: World, clock: FakeClock) -> None:
    """It will be charged, so the user is told and gets the video."""
    job = running(world)
    notes: list[str] = []
    job.watch(lambda shot: notes.append(shot.note))
    job.cancel()
    until(lambda: job.snapshot.note == "cannot_stop")
    clock.release()
    job.result(PATIENCE)
    assert (job.status, world.emulator().billed) == (Status.SUCCEEDED, 5)
    cancels = [line for line in world.emulator().requests if line["path"].endswith("/cancel")]
    assert len(cancels) == 1


@pytest.mark.parametrize("fault", [{"do": "drop_before"}, {"do": "status", "status": 429}, {"do": "status"}], ids=str)
def test_a_cancel_that_was_not_heard_is_asked_again(world: World, clock: FakeClock, fault: dict[str, object]) -> None:
    """A lost answer or a busy service has not said that the job cannot be stopped."""
    world.emulator().faults({"at": "cancel", **fault})
    clock.hold()
    job = world.order()
    until(lambda: job.status is Status.QUEUED and clock.sleeping)
    job.cancel()
    until(lambda: world.emulator().fired() == [1] and clock.sleeping)
    clock.advance(0.5)
    end_held(job, clock)
    assert (job.status, world.emulator().billed) == (Status.CANCELED, 0)


# ---- canceling what another process carries out -------------------------------------------------------------------


@pytest.fixture
def other(world: World) -> Iterator[Owner]:
    """Another process with this home, which lives until it is released."""
    made = Owner(world.home)
    yield made
    made.release()


def handed_over(world: World, job: Job, other: Owner) -> Job:
    """Let another process carry a job out, and return the job as this process follows it; the clock is held."""
    quiet(background.current())
    background.current().jobs.pop(job.id)
    with contextlib.closing(sqlite3.connect(world.home / "journal.sqlite3")) as sql, sql:
        sql.execute("UPDATE jobs SET owner = ?, heartbeat = 0", (other.name,))  # its lock tells that it lives
    found = world.session()._registry.follow(job.id)
    until(lambda: world.clock.sleeping)
    return found


def cancels(world: World) -> int:
    return sum(line["path"].endswith("/cancel") for line in world.emulator().requests)


@pytest.mark.parametrize("fault", [{"do": "drop_before"}, {"do": "status", "status": 429}, {"do": "status"}], ids=str)
def test_anothers_cancel_that_was_not_heard_is_asked_again(
    world: World, clock: FakeClock, other: Owner, fault: dict[str, object]
) -> None:
    """Only an answer is an answer; once there is one, nothing more is asked."""
    world.emulator().faults({"at": "cancel", **fault})
    clock.hold()
    first = world.order()
    until(lambda: first.status is Status.QUEUED and clock.sleeping)
    job = handed_over(world, first, other)
    job.cancel()
    until(lambda: world.emulator().fired() == [1] and clock.sleeping)
    assert not job._cancel_answered
    job.cancel()  # looks again at once
    until(lambda: job._cancel_answered)
    other.release()
    assert isinstance(end_held(job, clock), errors.JobCanceled)
    assert (job.id, world.emulator().billed, cancels(world)) == (first.id, 0, 2)


def test_what_runs_for_another_process_cannot_be_stopped_either(world: World, clock: FakeClock, other: Owner) -> None:
    """The user is told, for as long as the other process has nothing else to tell, and gets the video."""
    job = handed_over(world, running(world), other)
    job.cancel()
    until(lambda: job.snapshot.note == "cannot_stop" and clock.sleeping)
    shown: list[str] = []
    job.watch(lambda shot: shown.append(shot.note))
    clock.advance(1.0)
    until(lambda: len(shown) >= 2 and clock.sleeping)
    assert set(shown) == {"cannot_stop"}
    assert world.rows()[0]["note"] == ""
    other.release()
    clock.release()
    job.result(PATIENCE)
    assert (job.status, world.emulator().billed, cancels(world)) == (Status.SUCCEEDED, 5, 1)
