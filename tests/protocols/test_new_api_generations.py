"""The gateway's wire, literally: what we send is what the seed shows; both generations and all shapes are read."""

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
from wan_jupyter.i18n.messages import has_message
from wan_jupyter.media.image.reader import Image
from wan_jupyter.protocols.base import CreateRequest, TaskList
from wan_jupyter.protocols.new_api import ERRORS, body_of
from wan_jupyter.protocols.new_api_generations import VideoGenerations
from wan_jupyter.request.options import VideoRequest
from wan_jupyter.scheduling import retry
from wan_jupyter.status import Result, Snapshot, Status

WIRE = Wire("video_generations")
BASE = "https://ssanai-workspace.atto-lab.cc"
SERVICE = VideoGenerations(BASE)
ROUTE = "/v1/video/generations"
ID = "0385dc79-5ff8-4d82-bcb6-xxxxxx"
PLAIN = CreateRequest("wan2.5-i2v-preview", "first", "", "img_url", "p")


def order(body: dict[str, Any]) -> CreateRequest:
    """Return the order of a literal create body."""
    metadata = body["metadata"]
    given, parameters = metadata["input"], metadata["parameters"]
    names = {"first_frame_url": "first", "last_frame_url": "last"}
    frames = {role: given[name] for name, role in names.items() if name in given}
    frames |= {"first": body["input_reference"]} if "input_reference" in body else {}
    fields = {name: value for name, value in given.items() if name not in names}
    shape = "img_url" if "input_reference" in body else "first_last"
    return CreateRequest(body["model"], "", "", shape, body["prompt"], {**fields, **parameters}, frames)


# ---- what we send -------------------------------------------------------------------------------------------------

SEEDS = [
    "create from a first frame as a data URI",
    "create from a first frame as a URL",
    "create from first and last frame",
]


@pytest.mark.parametrize("name", SEEDS)
def test_a_create_is_sent_as_the_seed_shows_it(name: str) -> None:
    """Method, address, content type and body, letter for letter; the key is the client's to add."""
    wire = WIRE.one(name)["request"]
    sent = first(SERVICE.submit(order(wire["body"])))
    assert (sent.method, str(sent.url)) == (wire["method"], f"{BASE}{wire['path']}")
    assert json.loads(sent.content) == wire["body"]
    assert sent.headers["content-type"] == wire["headers"]["Content-Type"]
    assert "authorization" not in sent.headers


@pytest.mark.parametrize("name", SEEDS[1:])
def test_the_seeds_samples_are_what_a_user_gets(name: str) -> None:
    """Through the gate: the literal body, and nothing more but what we never leave to the service."""
    wire = WIRE.one(name)["request"]["body"]
    made = order(wire)
    frames = {role: Image("a.png", url=link) for role, link in made.frames.items()}
    request = VideoRequest(filled_prompt=made.prompt, model=made.model, **frames, **made.fields)
    plan = catalog.check(request, catalog.provider("ssanai"))
    links = {role: image.url for role, image in plan.request.frames}
    fields = {name: getattr(plan.order, name) for name in plan.order.__dataclass_fields__}
    body = body_of(CreateRequest(**{**fields, "frames": links}))
    filled = {name: body["metadata"]["parameters"].pop(name) for name in ("resolution",) if name not in made.fields}
    assert body == wire
    assert filled in ({}, {"resolution": "720P"})


@pytest.mark.parametrize("base", [BASE, f"{BASE}/v1"])
def test_the_address_may_end_in_v1(base: str) -> None:
    """Both are written in documents."""
    spoken = VideoGenerations(base)
    assert first(spoken.poll(ID)).url.path == f"{ROUTE}/{ID}"
    assert first(spoken.submit(PLAIN)).url.path == ROUTE


@pytest.mark.parametrize(
    ("path", "value", "where"),
    [
        ("seed", "7", {"metadata": {"parameters": {"seed": 7}}}),
        ("parameters.seed", "7", {"metadata": {"parameters": {"seed": 7}}}),
        ("input.template", "hug", {"metadata": {"input": {"template": "hug"}}}),
        ("metadata.input.template", "hug", {"metadata": {"input": {"template": "hug"}}}),
        ("extra.a", "1", {"extra": {"a": 1}}),
    ],
)
def test_what_is_set_by_hand_means_the_same_as_elsewhere(path: str, value: str, where: dict[str, Any]) -> None:
    """DashScope's own paths lead into `metadata`."""
    made = CreateRequest("m", "first", "", "img_url", "p", params=((path, value),))
    assert body_of(made) == {"model": "m", "prompt": "p", **where}


def test_what_the_gateway_drops_is_named() -> None:
    """False booleans, a zero seed, `shot_type`, unknown names; `audio=false` and the service's own defaults are not."""
    fields = {
        "watermark": False,
        "prompt_extend": False,
        "seed": 0,
        "shot_type": "multi",
        "audio": False,
        "duration": 5,
    }
    made = CreateRequest(
        "m", "first", "", "img_url", "p", fields, params=(("ratio", "16:9"), ("input.media", "[]"), ("x.y", "1"))
    )
    lost = [("watermark", False), ("prompt_extend", False), ("seed", 0), ("shot_type", "multi"), ("ratio", "16:9")]
    assert list(SERVICE.unsupported(made)) == lost
    kept = {"watermark": True, "prompt_extend": True, "seed": 1}
    assert SERVICE.unsupported(CreateRequest("m", "first", "", "img_url", "p", kept)) == ()


def test_nothing_is_sent_to_stop_to_list_or_to_store() -> None:
    """There is no such route (2.4)."""
    assert unsent(SERVICE.cancel(ID)) is False
    assert unsent(SERVICE.list_tasks(0, 1)) == TaskList()
    assert SERVICE.needs_upload(PLAIN, 10**9) is False


# ---- what we are told ---------------------------------------------------------------------------------------------

ACCEPTED = [row for row in WIRE.creates() if row.values[0]["response"]["status"] == 200][:8]


@pytest.mark.parametrize("wire", ACCEPTED)
def test_a_created_task_waits_under_its_id(wire: dict[str, Any]) -> None:
    """`id`, else `task_id`, else `data.task_id`."""
    body = wire["response"]["body"]
    found = outcome(SERVICE.submit(PLAIN), httpx.Response(200, json=body))
    wanted = body.get("id") or body.get("task_id") or body["data"]["task_id"]
    assert (found.remote_id, found.status, found.progress) == (wanted, Status.QUEUED, None)


def test_the_databases_number_is_no_id() -> None:
    """`data.id` is a row of the gateway's own."""
    found = outcome(SERVICE.submit(PLAIN), httpx.Response(200, json={"code": "success", "data": {"id": 12}}))
    assert isinstance(found, ServiceError)


REFUSED = [row for row in WIRE.creates() if row.values[0]["response"]["status"] != 200]
NOTHING = {"model_not_found", "convert_to_ali_request_failed", "build_request_failed"}


@pytest.mark.parametrize("wire", REFUSED)
def test_a_refused_create_says_what_to_do_and_whether_it_may_exist(wire: dict[str, Any]) -> None:
    """Both error bodies; no 5xx counts as "nothing created" but those that are decided before anything is sent on."""
    found = outcome(SERVICE.submit(PLAIN), answer_of(wire))
    said = wire["response"]["body"]
    flat = said.get("error", said)
    assert isinstance(found, ServiceError)
    assert (found.problem.message, found.problem.http) == (flat["message"], wire["response"]["status"])
    assert found.problem.advice != "unknown"
    assert has_message(f"advice.{found.problem.advice}")
    surely_not = wire["response"]["status"] < 500 or flat.get("code") in NOTHING
    verdict = retry.judge_submit(found, 1)
    assert (verdict is not retry.SubmitVerdict.UNCERTAIN) == surely_not
    assert (verdict is retry.SubmitVerdict.AGAIN) == (wire["response"]["status"] == 429)


def answer_of(wire: dict[str, Any]) -> httpx.Response:
    return WIRE.answer(wire["name"])


def test_an_error_may_come_with_200() -> None:
    """`ali_api_error`: nothing was created, and what the service behind said decides what to do."""
    found = problem(SERVICE.submit(PLAIN), WIRE.answer("create that is an error in spite of HTTP 200"))
    assert (found.code, found.advice, found.created_nothing) == ("ali_api_error", "moderation", True)


def test_the_operators_key_is_not_the_users() -> None:
    """A 401 that was passed on."""
    found = problem(SERVICE.submit(PLAIN), WIRE.answer("create with a bad key of the gateway's operator"))
    assert (found.code, found.advice) == ("fail_to_fetch_task", "operator")
    assert problem(SERVICE.submit(PLAIN), WIRE.answer("create with a wrong key")).advice == "gateway_key"


def test_a_page_instead_of_an_answer_is_uncertain() -> None:
    """The dashboard's page comes with 200."""
    found = outcome(SERVICE.submit(PLAIN), WIRE.answer("create on a path without v1 gives the dashboard"))
    assert retry.judge_submit(found, 1) is retry.SubmitVerdict.UNCERTAIN


STATES = {
    "NOT_START": Status.QUEUED,
    "QUEUED": Status.QUEUED,
    "IN_PROGRESS": Status.RUNNING,
    "UNKNOWN": Status.RUNNING,
    "SUCCESS": Status.DOWNLOADING,
    "FAILURE": Status.FAILED,
    "succeeded": Status.DOWNLOADING,
    "completed": Status.DOWNLOADING,
    "failed": Status.FAILED,
}


@pytest.mark.parametrize("wire", WIRE.polls(ROUTE))
def test_every_answer_to_a_query_is_read(wire: dict[str, Any]) -> None:
    """All four shapes; the id stays the one that was asked for; an error is none of the task's states."""
    said = wire["response"]["body"]
    task = said.get("data") or said
    found = outcome(SERVICE.poll(ID), answer_of(wire))
    if "status" not in task:
        assert isinstance(found, ServiceError)
        return
    check_state(found, ID)
    assert (found.status, found.word) == (STATES[task["status"]], task["status"])
    output = (task.get("data") or {}).get("output", {})
    assert found.usage == (task.get("data") or {}).get("usage", {})
    assert found.facts.get("actual_prompt") == output.get("actual_prompt")
    if found.result:
        links = [output.get("video_url"), task.get("result_url"), task.get("url"), task.get("fail_reason")]
        assert found.result.link == next((link for link in links if link and link.startswith("http")), "")


@pytest.mark.parametrize(
    ("task", "link"),
    [
        (
            {"data": {"output": {"video_url": "https://a"}}, "result_url": "https://b", "fail_reason": "https://c"},
            "https://a",
        ),
        ({"result_url": "https://b", "fail_reason": "https://c"}, "https://b"),
        ({"result_url": "", "fail_reason": "https://c?Expires=1738551205"}, "https://c?Expires=1738551205"),
        ({"result_url": "task failed", "fail_reason": "no link"}, ""),
        ({}, ""),
    ],
)
def test_the_link_is_looked_for_in_order(task: dict[str, Any], link: str) -> None:
    """The service's own, then each generation's; without one the content route has the video."""
    found = answer(
        SERVICE.poll(ID), httpx.Response(200, json={"code": "success", "data": {"status": "SUCCESS", **task}})
    )
    assert found.result.link == link
    assert found.result.expires == (1738551205.0 if "Expires" in link else None)
    wanted = SERVICE.content(found)
    assert (str(wanted.request.url), wanted.with_key) == (
        (str(httpx.URL(link)), False) if link else (f"{BASE}/v1/videos/{ID}/content", True)
    )


def test_a_link_to_the_gateways_own_route_needs_the_key() -> None:
    """Some channels give their own address as the result; storage elsewhere never sees the key."""
    shot = Snapshot(remote_id=ID, result=Result(f"{BASE}/v1/videos/{ID}/content"))
    assert SERVICE.content(shot).with_key is True
    assert SERVICE.content(Snapshot(remote_id=ID, result=Result(f"{BASE}.evil.test/v1/videos/x"))).with_key is False


@pytest.mark.parametrize("status", ["IN_PROGRESS", "FAILURE", "QUEUED"])
def test_before_success_no_field_is_a_link(status: str) -> None:
    """On failure `result_url` holds the error's text, or anything."""
    task = {"status": status, "result_url": "https://x/y.mp4", "fail_reason": "https://x/y.mp4"}
    assert answer(SERVICE.poll(ID), httpx.Response(200, json={"data": task})).result is None


def test_a_failure_says_the_services_own_code() -> None:
    """From its output, else from the gateway's sentence."""
    found = answer(SERVICE.poll(ID), WIRE.answer("poll a failed task")).problem
    assert (found.code, found.message, found.advice) == ("InvalidParameter", "image_url must provided", "parameter")
    reason = "task failed, code: DataInspectionFailed , message: No."
    task = {"code": "success", "data": {"status": "FAILURE", "fail_reason": reason}}
    told = answer(SERVICE.poll(ID), httpx.Response(200, json=task)).problem
    assert (told.code, told.message, told.advice) == ("DataInspectionFailed", "No.", "moderation")


@pytest.mark.parametrize(
    ("value", "progress"),
    [("30%", 0.3), ("0%", None), ("100%", None), (30, 0.3), ("7.5 %", 0.075), ("x", None), (-3, None), (True, None)],
)
def test_progress_is_read_in_both_forms(value: object, progress: float | None) -> None:
    """0 and 100 only repeat the status."""
    task = {"data": {"status": "IN_PROGRESS", "progress": value}}
    assert answer(SERVICE.poll(ID), httpx.Response(200, json=task)).progress == progress


def test_just_after_the_create_a_task_may_be_unknown() -> None:
    """An error that the poll loop asks again after, and no state of the task."""
    found = problem(SERVICE.poll(ID), WIRE.answer("poll a task that is unknown, not yet there, or another user's"))
    assert (found.code, found.advice, found.again) == ("task_not_exist", "gateway_unknown", True)


def test_every_code_has_an_advice_that_says_so() -> None:
    """And whether money was spent stands in the sentence where none was."""
    assert [code for code, (advice, _) in ERRORS.items() if not has_message(f"advice.{advice}")] == []


# ---- whatever comes -----------------------------------------------------------------------------------------------

WORDS = st.sampled_from([*STATES, "ELSE", " success "])
OUTPUT = objects(task_id=st.just(ID), video_url=LINKS, code=st.text(max_size=5), message=st.text(max_size=5))
TASK = objects(
    status=WORDS, result_url=LINKS, url=LINKS, fail_reason=LINKS, progress=st.just("30%"), error=objects(message=LINKS),
    data=objects(output=OUTPUT, usage=objects(), request_id=st.just("r")),
)  # fmt: skip
ANSWERS = answers(TASK | objects(code=st.just("success"), data=TASK, id=st.just(ID), error=objects(code=st.just("x"))))


@given(ANSWERS)
def test_whatever_answers_a_poll_is_a_state_or_an_error_of_ours(response: httpx.Response) -> None:
    """Any JSON, any type in any field, any bytes."""
    found = outcome(SERVICE.poll(ID), response)
    if not isinstance(found, ServiceError):
        check_state(found, ID)
        with contextlib.suppress(ServiceError):
            SERVICE.content(found)


@given(ANSWERS)
def test_whatever_answers_a_create_is_a_task_or_an_error_of_ours(response: httpx.Response) -> None:
    """With an id it exists; without one nothing is claimed."""
    found = outcome(SERVICE.submit(PLAIN), response)
    assert isinstance(found, ServiceError) or (found.remote_id and found.status in (Status.QUEUED, Status.RUNNING))


def test_a_truncated_answer_is_an_error_of_ours() -> None:
    """Cut anywhere, it is no JSON."""
    for response in cut(WIRE.body("poll a finished task with a public id")):
        assert isinstance(outcome(SERVICE.poll(ID), response), ServiceError)


@pytest.mark.parametrize("body", HUGE, ids=["HTML", "deep list", "deep object", "null", "huge number", "UTF-16"])
def test_an_answer_of_something_else_is_an_error_of_ours(body: bytes) -> None:
    """Its kind is told, never the whole of it."""
    for flow in (SERVICE.poll(ID), SERVICE.submit(PLAIN)):
        found = outcome(flow, httpx.Response(200, content=body))
        assert isinstance(found, ServiceError)
        assert len(str(found)) < 500
