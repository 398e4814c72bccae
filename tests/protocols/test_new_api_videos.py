"""The other gateway's wire, literally, in both its dialects: rows of quirks, one code."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.wire_examples import (
    HUGE,
    LINKS,
    Wire,
    answer,
    answers,
    check_state,
    cut,
    first,
    objects,
    outcome,
    problem,
    unsent,
)
from wan_jupyter.catalog import plan as catalog
from wan_jupyter.errors import ServiceError
from wan_jupyter.media.image.reader import Image
from wan_jupyter.protocols.base import CreateRequest, TaskList
from wan_jupyter.protocols.new_api_videos import DIALECTS, Videos
from wan_jupyter.request.options import VideoRequest
from wan_jupyter.scheduling import retry
from wan_jupyter.status import Status

WIRE = Wire("videos")
BASE = "https://api-platform.ope.ai"
OPE, NEW_API = Videos(BASE), Videos(BASE, "new-api")
ID = "0385dc79-5ff8-4d82-bcb6-xxxxxx"
PLAIN = CreateRequest("wan2.7-i2v", "first", "", "media", "p")
SAMPLE = WIRE.one("create from a first frame")["request"]
FRAME = "https://example.com/first-frame.png"


def spoken(wire: dict[str, Any]) -> Videos:
    return NEW_API if wire["name"].startswith("new-api") else OPE


# ---- what we send -------------------------------------------------------------------------------------------------


def test_a_create_is_sent_as_the_seed_shows_it() -> None:
    """The reference as an object, seconds as text, `generate_audio`."""
    fields = {"size": "1280x720", "duration": 5, "audio": False}
    made = CreateRequest("wan2.7-i2v", "first", "", "media", SAMPLE["body"]["prompt"], fields, {"first": FRAME})
    sent = first(OPE.submit(made))
    assert (sent.method, str(sent.url)) == ("POST", f"{BASE}/v1/videos")
    assert json.loads(sent.content) == SAMPLE["body"]
    assert sent.headers["content-type"] == SAMPLE["headers"]["Content-Type"]


def test_the_seeds_sample_is_what_a_user_gets() -> None:
    """Through the gate: 720P becomes 1280x720, and what does not arrive is said."""
    picture = Image("a.png", url=FRAME)
    request = VideoRequest(filled_prompt=SAMPLE["body"]["prompt"], first=picture, audio=False)
    plan = catalog.check(request, catalog.provider("ope"))
    fields = {name: getattr(plan.order, name) for name in plan.order.__dataclass_fields__}
    sent = first(catalog.provider("ope").speak().submit(CreateRequest(**{**fields, "frames": {"first": FRAME}})))
    assert json.loads(sent.content) == SAMPLE["body"]
    assert dict(plan.remarks)["remark.not_carried"] == {"provider": "ope", "values": "watermark=false"}


def test_the_new_api_dialect_sends_what_its_other_route_takes() -> None:
    """The reference as text, everything else in `metadata`, which wins over its own `seconds` and `size`."""
    wire = WIRE.one("new-api: create from a first frame")["request"]["body"]
    fields = {**wire["metadata"].get("input", {}), **wire["metadata"].get("parameters", {})}
    made = CreateRequest(
        wire["model"], "first", "", "img_url", wire["prompt"], fields, {"first": wire["input_reference"]}
    )
    body = json.loads(first(NEW_API.submit(made)).content)
    assert body == {name: value for name, value in wire.items() if name not in ("seconds", "size")}


def test_each_dialect_says_what_does_not_arrive() -> None:
    """Ope.ai knows four options; the other drops false and zero."""
    fields = {
        "watermark": False,
        "prompt_extend": True,
        "negative_prompt": "x",
        "seed": 0,
        "audio": False,
        "size": "9x9",
    }
    made = CreateRequest("m", "first", "", "media", "p", fields)
    assert OPE.unsupported(made) == (("watermark", False), ("negative_prompt", "x"))
    assert NEW_API.unsupported(made) == (("watermark", False), ("seed", 0))


def test_a_dialect_is_a_row() -> None:
    """Ope.ai's unless told otherwise; the provider's row tells."""
    assert Videos(BASE).dialect == "ope"
    assert {name: Videos(BASE, name).takes_size for name in DIALECTS} == {"ope": True, "new-api": False}
    told = {name: catalog.provider(name, BASE).speak() for name in ("ope", "videos", "videos-new-api")}
    assert told == {"ope": OPE, "videos": OPE, "videos-new-api": NEW_API}


def test_nothing_is_sent_to_stop_or_to_list() -> None:
    """There is no such route (2.4)."""
    assert unsent(OPE.cancel(ID)) is False
    assert unsent(NEW_API.list_tasks(0, 1)) == TaskList()


# ---- what we are told ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wire", WIRE.creates())
def test_every_answer_to_a_create_is_read(wire: dict[str, Any]) -> None:
    """A task under its id, or a refusal after which nothing was created."""
    found = outcome(spoken(wire).submit(PLAIN), WIRE.answer(wire["name"]))
    said = wire["response"]["body"]
    if wire["response"]["status"] == 200:
        assert (found.remote_id, found.status) == (said["id"], Status.QUEUED)
    else:
        assert found.problem.message == said.get("error", said)["message"]
        assert retry.judge_submit(found, 1) is retry.SubmitVerdict.NOT_CREATED


STATES = {
    "QUEUED": Status.QUEUED,
    "IN_PROGRESS": Status.RUNNING,
    "PROCESSING": Status.RUNNING,
    "SUCCESS": Status.DOWNLOADING,
    "FAILURE": Status.FAILED,
    "queued": Status.QUEUED,
    "in_progress": Status.RUNNING,
    "completed": Status.DOWNLOADING,
    "failed": Status.FAILED,
    "unknown": Status.RUNNING,
}


@pytest.mark.parametrize("wire", WIRE.polls("/v1/videos"))
def test_every_answer_to_a_query_is_read(wire: dict[str, Any]) -> None:
    """Words in either case; `unknown` with an error object is a job that runs."""
    said = wire["response"]["body"]
    found = outcome(spoken(wire).poll(ID), WIRE.answer(wire["name"]))
    if wire["response"]["status"] != 200:
        assert (found.problem.code, found.problem.http) == (said["code"], wire["response"]["status"])
        return
    check_state(found, ID)
    assert (found.status, found.word) == (STATES[said["status"]], said["status"])
    if found.status is Status.FAILED:
        assert found.problem.message == (said.get("error") or {}).get("message", "")
    if found.result:
        assert found.result.link == said.get("metadata", {}).get("url", "")


def test_the_video_comes_from_the_content_route_with_the_key() -> None:
    """Where the object has no link."""
    done = answer(OPE.poll(ID), WIRE.answer("poll a finished task"))
    wanted = OPE.content(done)
    wire = WIRE.one("download a finished video")["request"]
    assert (wanted.request.method, wanted.request.url.path, wanted.with_key) == ("GET", wire["path"], True)


def test_a_link_is_fetched_without_the_key() -> None:
    """Storage never sees it."""
    done = answer(NEW_API.poll(ID), WIRE.answer("new-api: poll a finished task"))
    wanted = NEW_API.content(done)
    assert (str(wanted.request.url), wanted.with_key) == (done.result.link, False)


def test_just_after_the_create_a_task_may_be_unknown() -> None:
    """To be asked again; no state of the task."""
    assert problem(OPE.poll(ID), WIRE.answer("poll an unknown task")).advice == "gateway_unknown"


# ---- whatever comes -----------------------------------------------------------------------------------------------

VIDEO = objects(
    id=st.just(ID), status=st.sampled_from([*STATES, "expired", "ELSE"]), progress=st.integers(),
    error=objects(code=st.text(max_size=5), message=st.text(max_size=5)), metadata=objects(url=LINKS), url=LINKS,
    expires_at=st.integers(),
)  # fmt: skip


@given(answers(VIDEO))
def test_whatever_answers_is_a_state_or_an_error_of_ours(response: httpx.Response) -> None:
    """Any JSON, any type in any field, any bytes, to a query and to a create."""
    for service in (OPE, NEW_API):
        found = outcome(service.poll(ID), response)
        if not isinstance(found, ServiceError):
            check_state(found, ID)
            with contextlib.suppress(ServiceError):
                service.content(found)
        made = outcome(service.submit(PLAIN), response)
        assert isinstance(made, ServiceError) or (made.remote_id and made.status in (Status.QUEUED, Status.RUNNING))


def test_a_truncated_answer_is_an_error_of_ours() -> None:
    """Cut anywhere, it is no JSON."""
    for response in cut(WIRE.body("new-api: poll a finished task")):
        assert isinstance(outcome(OPE.poll(ID), response), ServiceError)


@pytest.mark.parametrize("body", HUGE, ids=["HTML", "deep list", "deep object", "null", "huge number", "UTF-16"])
def test_an_answer_of_something_else_is_an_error_of_ours(body: bytes) -> None:
    """Its kind is told, never the whole of it."""
    found = outcome(OPE.poll(ID), httpx.Response(200, content=body))
    assert isinstance(found, ServiceError)
    assert len(str(found)) < 500
