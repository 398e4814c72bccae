"""Pictures that go to the service's storage first: once, without the key, restartable, and never at a price."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.support.clock import PATIENCE, until
from tests.support.emulator_client import PortEmulator
from tests.support.world import World, loop_held, picture
from wan_jupyter import errors
from wan_jupyter.catalog.plan import plan_of
from wan_jupyter.jobs import background, upload_inputs
from wan_jupyter.jobs.job import Job
from wan_jupyter.protocols.base import KEYLESS, Flow
from wan_jupyter.security.api_key import Key
from wan_jupyter.session.session import Session
from wan_jupyter.status import Snapshot, Status
from wan_jupyter.storage.journal.journal import Journal
from wan_jupyter.transport.client import Client

LINKS_ONLY = "wan2.7-i2v"  # its documents name addresses only
EXPIRED = "<Error><Code>AccessDenied</Code><Message>Invalid according to Policy: Policy expired.</Message></Error>"
DAYS = 24 * 3600.0
WHOSE = ("account", "https://service.example/api/v1", LINKS_ONLY)


@pytest.fixture
def session(world: World, port: PortEmulator) -> Session:
    return world.session("dashscope-intl", base_url=port.base_url, key="sk-test")


def order(session: Session, prompt: str = "A cat", **how: Any) -> Job:
    wishes = {"image": picture(), "model": LINKS_ONLY, "resolution": "720P", "duration": 2}
    return session.submit(prompt, **{**wishes, **how})


def at(port: PortEmulator, place: str) -> list[dict[str, Any]]:
    return [line for line in port.requests if place in line["path"]]


def sunk(port: PortEmulator) -> int:
    """How many files the storage took."""
    return sum(line["status"] == 200 for line in at(port, "/uploads-sink"))


def trouble(job: Job) -> errors.WanError:
    with pytest.raises(errors.WanError) as caught:
        job.result(PATIENCE)
    return caught.value


def refused(status: int, body: str) -> dict[str, Any]:
    return {"at": "upload", "do": "status", "status": status, "body": body}


# ---- the way of a picture -----------------------------------------------------------------------------------------


def test_a_picture_is_put_into_storage_and_becomes_a_video(session: Session, port: PortEmulator) -> None:
    """Policy, file, create: the create names the file by its digest and asks for it to be resolved."""
    job = order(session)
    assert job.result(PATIENCE).path.is_file()
    (link,) = [item["url"] for item in port.tasks[0]["request"]["input"]["media"]]
    assert link.startswith("oss://dashscope-instant/")
    assert link.endswith(".png")
    assert (sunk(port), port.creates, port.billed) == (1, 1, 2)


def test_the_key_never_reaches_storage(session: Session, port: PortEmulator) -> None:
    """The storage here lies at the API's own origin, and refuses whoever brings the key."""
    order(session).result(PATIENCE)
    assert [line["authorized"] for line in at(port, "/uploads-sink")] == [False]
    assert all(line["authorized"] for line in port.requests if line["path"].startswith("/api/v1/"))


def test_first_and_last_frame_are_both_put_there(session: Session, port: PortEmulator) -> None:
    """Each once, in the order they have; a picture that is both is sent once."""
    order(session, last_image=picture("navy")).result(PATIENCE)
    assert sunk(port) == 2
    order(session, "Another", image=picture("olive"), last_image=picture("olive")).result(PATIENCE)
    assert sunk(port) == 3


def test_the_card_says_how_far_the_upload_is(session: Session) -> None:
    """While PREPARING, as a share and in bytes; nothing of it is left once the job goes on."""
    seen: list[Snapshot] = []
    with loop_held():
        job = order(session)
        job.watch(seen.append)
    job.result(PATIENCE)
    told = [shot for shot in seen if shot.status is Status.PREPARING and shot.progress is not None]
    assert [shot.progress for shot in told] == sorted(shot.progress or 0 for shot in told)
    [total] = {shot.moved[1] for shot in told if shot.moved}
    assert total > len(picture()) // 2
    assert told[-1].moved == (total, total)
    assert [shot for shot in seen if shot.status in (Status.SUBMITTING, Status.QUEUED) and shot.moved] == []


@pytest.mark.parametrize("model", ["wan2.2-i2v-flash", "wan2.6-i2v-flash"])
def test_a_small_picture_goes_into_the_body_where_it_may(session: Session, port: PortEmulator, model: str) -> None:
    """No storage is asked for."""
    order(session, model=model, resolution=None, duration=5).result(PATIENCE)
    assert (at(port, "/uploads"), sunk(port)) == ([], 0)


def test_a_picture_that_is_an_address_is_not_uploaded(session: Session, port: PortEmulator) -> None:
    """The service fetches it, or says that it cannot."""
    trouble(order(session, image="https://example.com/cat.png"))
    assert (port.creates, sunk(port)) == (1, 0)


def test_a_picture_that_was_made_fit_is_what_is_uploaded(session: Session, port: PortEmulator) -> None:
    """A side that is too long is scaled down, and the job says so."""
    job = order(session, image=picture(size=(8400, 1200)))
    job.result(PATIENCE)
    assert [key for key, _ in job.remarks if key.startswith("remark.repaired")] == ["remark.repaired_scaled"]
    assert sunk(port) == 1
    again = session.history(1)[0]  # as a later kernel reads it
    assert (again is job, again.remarks) == (False, job.remarks)


# ---- once ---------------------------------------------------------------------------------------------------------


def test_the_same_bytes_are_sent_once(session: Session, port: PortEmulator) -> None:
    """Another prompt, the same picture: the file that lies there is used again."""
    order(session).result(PATIENCE)
    order(session, "A dog").result(PATIENCE)
    assert (sunk(port), port.creates) == (1, 2)


def test_jobs_that_begin_together_send_their_picture_once(session: Session, port: PortEmulator) -> None:
    """They wait for the one that is under way."""
    for job in [order(session, f"Cat {number}") for number in range(4)]:
        job.result(PATIENCE)
    assert (sunk(port), port.creates) == (1, 4)


def test_another_model_gets_a_file_of_its_own(session: Session, port: PortEmulator) -> None:
    """A file belongs to the model that its policy names."""
    order(session).result(PATIENCE)
    order(session, model="wan2.7-i2v-2026-04-25").result(PATIENCE)
    assert sunk(port) == 2


def test_another_account_gets_a_file_of_its_own(session: Session, world: World, port: PortEmulator) -> None:
    """A file belongs to the account whose key asked for the policy."""
    order(session).result(PATIENCE)
    other = world.session("dashscope-intl", base_url=port.base_url, key="sk-other")
    order(other, "A dog").result(PATIENCE)
    assert sunk(port) == 2


def test_a_file_is_not_trusted_to_its_last_hours(session: Session, world: World, port: PortEmulator) -> None:
    """Of its 48 hours the last six are kept for the queue."""
    order(session).result(PATIENCE)
    world.clock.advance(41 * 3600.0)
    order(session, "A dog").result(PATIENCE)
    assert sunk(port) == 1
    world.clock.advance(2 * 3600.0)
    order(session, "A bird").result(PATIENCE)
    assert sunk(port) == 2


def test_after_a_failure_the_picture_is_put_there_anew(session: Session, port: PortEmulator) -> None:
    """Storage may have lost it before its time; an upload costs nothing."""
    port.faults({"at": "submit", "do": "fail_task", "code": "InvalidParameter.DataInspection", "message": "no file"})
    assert isinstance(trouble(order(session)), errors.JobFailed)
    order(session).result(PATIENCE)
    assert sunk(port) == 2


# ---- trouble ------------------------------------------------------------------------------------------------------


def test_an_expired_policy_is_replaced_once(session: Session, port: PortEmulator) -> None:
    """The second policy is good."""
    port.faults(refused(403, EXPIRED))
    assert order(session).result(PATIENCE).path.is_file()
    assert (len(at(port, "/api/v1/uploads")), sunk(port), port.creates) == (2, 1, 1)


def test_a_storage_that_goes_on_refusing_leaves_the_job_where_it_was(session: Session, port: PortEmulator) -> None:
    """PREPARING, with storage's own words; the cell that is run again makes it, once."""
    port.faults({**refused(403, EXPIRED), "times": 2})
    job = order(session)
    problem = trouble(job)
    assert ("Policy expired" in str(problem), "storage" in problem.happened()) == (True, True)
    assert (job.status, job.snapshot.progress, port.creates) == (Status.PREPARING, None, 0)
    again = order(session)
    assert (again.id, again.result(PATIENCE).path.is_file()) == (job.id, True)
    assert (port.creates, port.billed) == (1, 2)


def test_what_storage_will_never_take_is_not_sent_twice(session: Session, port: PortEmulator) -> None:
    """No second try where trying again cannot help."""
    port.faults(refused(400, "<Error><Code>EntityTooLarge</Code><Message>Too large.</Message></Error>"))
    assert "EntityTooLarge" in str(trouble(order(session)))
    assert len(at(port, "/uploads-sink")) == 1


def test_what_the_policy_does_not_take_is_not_sent_at_all(session: Session, port: PortEmulator) -> None:
    """It names a weight; the picture stays here, and so does the money."""
    data = {"upload_dir": "d", "upload_host": f"{port.url}/uploads-sink", "max_file_size_mb": 0.0001}
    port.faults({"at": "policy", "do": "status", "status": 200, "body": {"request_id": "r", "data": data}})
    job = order(session)
    problem = trouble(job)
    assert problem.key == "service.too_heavy"
    assert "0.0001 MB" in str(problem)
    assert (job.status, at(port, "/uploads-sink"), port.creates) == (Status.PREPARING, [], 0)
    assert order(session).result(PATIENCE).path.is_file()


@pytest.mark.parametrize("place", ["policy", "upload"])
def test_a_connection_that_breaks_leaves_a_job_that_can_go_on(session: Session, port: PortEmulator, place: str) -> None:
    """Tried twice, then said; nothing was created, and later exactly one task is."""
    port.faults({"at": place, "do": "drop_before", "times": 2})
    job = order(session)
    problem = trouble(job)
    assert isinstance(problem, errors.ConnectionProblem)
    assert ("storage" in problem.happened(), job.status, port.creates) == (True, Status.PREPARING, 0)
    session._registry.follow(job.id).result(PATIENCE)
    assert (port.creates, port.billed) == (1, 2)


def test_a_connection_that_breaks_once_is_not_even_noticed(session: Session, port: PortEmulator) -> None:
    """An upload may be repeated freely."""
    port.faults({"at": "upload", "do": "drop_before"})
    assert order(session).result(PATIENCE).path.is_file()
    assert port.creates == 1


def test_a_refused_key_is_said_and_nothing_is_uploaded(world: World, port: PortEmulator) -> None:
    """The policy is the first thing that is asked for."""
    session = world.session("dashscope-intl", base_url=port.base_url, key="bad-key")
    assert "InvalidApiKey" in str(trouble(order(session)))
    assert sunk(port) == 0


def test_a_cancel_ends_an_upload(session: Session, port: PortEmulator) -> None:
    """It is ours alone until the create: dropped on the spot, and nothing was billed."""
    port.faults({"at": "policy", "do": "delay", "seconds": 30.0})
    job = order(session)
    until(lambda: port.fired() == [1])
    job.cancel()
    assert isinstance(trouble(job), errors.JobCanceled)
    assert (sunk(port), port.creates) == (0, 0)


def test_a_picture_that_cannot_be_read_to_its_end_fails_the_job(session: Session, port: PortEmulator) -> None:
    """Nothing is sent, and nothing waits for ever."""
    job = order(session, image=picture(size=(2000, 2000))[:-4000])
    assert isinstance(trouble(job), errors.ImageError)
    assert (job.status, sunk(port), port.creates) == (Status.FAILED, 0, 0)


# ---- the parts ----------------------------------------------------------------------------------------------------


def run(step: Callable[[], Any]) -> Any:
    return background.current().start(step).result(PATIENCE)


class Recorder:
    """An ASGI application that keeps what came."""

    def __init__(self) -> None:
        self.keys: list[bytes | None] = []
        self.weights: list[int] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        size, more = 0, True
        while more:
            message = await receive()
            size, more = size + len(message.get("body", b"")), message.get("more_body", False)
        self.keys.append(dict(scope["headers"]).get(b"authorization"))
        self.weights.append(size)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})


def two_steps(body: bytes) -> Flow[str]:
    yield httpx.Request("GET", "http://service.example/policy")
    marked = {KEYLESS: True}
    yield httpx.Request("POST", "http://service.example/sink", files={"file": ("a", body)}, extensions=marked)
    return "oss://a"


def test_a_marked_request_carries_no_key_even_at_the_keys_own_origin() -> None:
    """And a body goes out in pieces, each of which is told."""
    recorder, shares = Recorder(), list[float]()
    client = Client("http://service.example", Key("sk-test", "test"), recorder)
    assert run(lambda: client.upload(two_steps(b"x" * 500_000), shares.append)) == "oss://a"
    assert recorder.keys == [b"Bearer sk-test", None]
    assert recorder.weights[1] > 500_000
    assert (len(shares) >= 4, shares == sorted(shares), shares[-1]) == (True, True, 1.0)


def test_flows_that_begin_together_share_one_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever came too late closes its own again: no connection is left open."""
    opened: list[httpx.AsyncClient] = []
    client = Client("http://service.example", None, Recorder())
    make = client._open

    async def opening(with_key: bool = True) -> httpx.AsyncClient:
        opened.append(await make(with_key))
        return opened[-1]

    async def together() -> None:
        await asyncio.gather(*(client.run(two_steps(b"x")) for _ in range(4)))

    monkeypatch.setattr(client, "_open", opening)
    run(together)
    assert (len(opened), [http.is_closed for http in opened].count(False)) == (4, 1)
    run(client.close)
    assert all(http.is_closed for http in opened)


@pytest.fixture
def journal(world: World) -> Iterator[Journal]:
    made = Journal(world.home)
    yield made
    made.close()


def test_the_journal_knows_what_lies_in_storage(journal: Journal) -> None:
    """For the same bytes, account, address and model, until its time is over."""
    journal.keep_upload(WHOSE, "digest", "oss://a", now=0.0, expires=10.0)
    journal.keep_upload(WHOSE, "digest", "oss://b", now=1.0, expires=11.0)
    assert journal.uploaded(WHOSE, "digest", 5.0) == "oss://b"
    others = [("other", *WHOSE[1:]), (WHOSE[0], "https://other", WHOSE[2]), (*WHOSE[:2], "other")]
    assert [journal.uploaded(whose, "digest", 5.0) for whose in others] == ["", "", ""]
    assert (journal.uploaded(WHOSE, "other", 5.0), journal.uploaded(WHOSE, "digest", 11.0)) == ("", "")
    journal.forget_uploads(WHOSE)
    assert journal.uploaded(WHOSE, "digest", 5.0) == ""


def test_the_margin_leaves_a_link_time_to_be_used() -> None:
    """It is shorter than the file's life, and as long as a job is followed."""
    assert 0 < upload_inputs.UPLOAD_EXPIRY_MARGIN_S < 2 * DAYS


def test_progress_of_several_pictures_is_one_progress() -> None:
    """Half of the second picture is the whole of the first and half of its own bytes."""
    seen: list[int] = []
    upload_inputs._show_share(seen.append, 1000, 500, 0.5)
    assert seen == [1250]


def test_waiting_that_is_called_off_ends_the_work(world: World) -> None:
    """The step is canceled and gone before the job goes on."""
    world.clock.hold()
    job = world.order()
    began, ended = threading.Event(), threading.Event()

    async def endless() -> None:
        began.set()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            ended.set()

    twin = Job(job.info, job.request, Snapshot(), background.current(), "new")
    session = world.session()
    plan, record = plan_of(job.request, session.provider), session._resources.journal.get(job.id)
    context = session._registry.context(twin, plan, record)
    waiting = background.current().start(lambda: context.unless_canceled(endless()))
    assert began.wait(PATIENCE)
    twin.cancel()
    assert (waiting.result(PATIENCE), ended.is_set()) == (None, True)
