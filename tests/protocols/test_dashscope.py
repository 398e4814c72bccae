"""DashScope's wire, literally: what we send is what the documents show, and whatever comes back is survived."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.wire_examples import HEADERS, STATUSES, made_response, outcome
from tests.support.world import World, picture
from wan_jupyter.catalog import plan as catalog
from wan_jupyter.errors import Problem, ServiceError
from wan_jupyter.media.image.reader import Image, read_image
from wan_jupyter.protocols.base import CreateRequest, Flow, ListedTask
from wan_jupyter.protocols.dashscope import ERRORS, DashScope, body_of
from wan_jupyter.protocols.responses import advise, retry_after
from wan_jupyter.request.options import VideoRequest
from wan_jupyter.status import Result, Snapshot, Status

WIRE = json.loads((Path(__file__).parents[1] / "wire" / "dashscope.json").read_text("utf-8"))["exchanges"]
BASE = "https://dashscope-intl.aliyuncs.com/api/v1"
SERVICE = DashScope(BASE)
ID = "721164c6-8619-4a35-a6d9-xxxxxx"
A, B = "/services/aigc/video-generation/video-synthesis", "/services/aigc/image2video/video-synthesis"


def exchanges(beginning: str) -> list[Any]:
    return [pytest.param(one, id=one["name"]) for one in WIRE if one["name"].startswith(beginning)]


def exchange(name: str) -> dict[str, Any]:
    return next(one for one in WIRE if one["name"] == name)


def response_of(said: dict[str, Any]) -> httpx.Response:
    body = said["body"]
    content = {"text": body} if isinstance(body, str) else {"json": body}
    return httpx.Response(said["status"], headers=said.get("headers"), **content)  # type: ignore[arg-type]


def answer(flow: Flow[Any], response: httpx.Response) -> Any:
    """Run a flow of one request with this answer, and return what it makes of it."""
    next(flow)
    with pytest.raises(StopIteration) as done:
        flow.send(response)
    return done.value.value


def problem(flow: Flow[Any], response: httpx.Response) -> Problem:
    next(flow)
    with pytest.raises(ServiceError) as caught:
        flow.send(response)
    return caught.value.problem


def order(body: dict[str, Any], path: str) -> CreateRequest:
    """Return the order of a literal create body."""
    given, parameters = body["input"], body["parameters"]
    names = {"img_url": "first", "first_frame_url": "first", "last_frame_url": "last"}
    frames = {role: given[name] for name, role in names.items() if name in given}
    shape = "media" if "media" in given else "img_url" if "img_url" in given else "first_last"
    links = {item["type"]: item["url"] for item in given.get("media", [])}
    frames |= {kind.removesuffix("_frame"): link for kind, link in links.items() if kind.endswith("_frame")}
    fields = parameters | ({"clip_url": links["first_clip"]} if "first_clip" in links else {})
    return CreateRequest(body["model"], "", path.removeprefix("/api/v1"), shape, given["prompt"], fields, frames)


# ---- what we send -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "create from first and last frame",
        "create from a first frame",
        "create from a clip",
        "create from a clip to a last frame",
    ],
)
def test_a_create_is_sent_as_the_documents_show_it(name: str) -> None:
    """Method, address, headers and body, letter for letter; the key is the client's to add."""
    wire = exchange(name)["request"]
    flow = SERVICE.submit(order(wire["body"], wire["path"]))
    sent = next(flow)
    flow.close()
    assert (sent.method, str(sent.url)) == (wire["method"], f"https://dashscope-intl.aliyuncs.com{wire['path']}")
    assert json.loads(sent.content) == wire["body"]
    wanted = {name: value for name, value in wire["headers"].items() if name != "Authorization"}
    assert {name: sent.headers[name] for name in wanted} == wanted
    assert "authorization" not in sent.headers


def test_the_seeds_example_is_what_a_user_gets() -> None:
    """Two addresses and a prompt, through the gate: the literal body, plus what we never leave to the service."""
    wire = exchange("create from first and last frame")["request"]
    given = wire["body"]["input"]
    frames = {
        "first": Image("first_frame.png", url=given["first_frame_url"]),
        "last": Image("last_frame.png", url=given["last_frame_url"]),
    }
    request = VideoRequest(prompt=given["prompt"], filled_prompt=given["prompt"], **frames)
    plan = catalog.check(request, catalog.provider("dashscope-intl"))
    links = {role: image.url for role, image in plan.request.frames}
    body = body_of(CreateRequest(**{**_fields(plan.order), "frames": links}))
    assert body["parameters"].pop("watermark") is False
    assert body == wire["body"]
    assert f"/api/v1{plan.order.path}" == wire["path"]


def _fields(made: CreateRequest) -> dict[str, Any]:
    return {name: getattr(made, name) for name in made.__dataclass_fields__}


def test_a_poll_is_sent_as_the_documents_show_it() -> None:
    """GET, the task's id, no body."""
    sent = next(SERVICE.poll(ID))
    assert (sent.method, str(sent.url), sent.content) == ("GET", f"{BASE}/tasks/{ID}", b"")


def test_a_cancel_is_sent_as_the_documents_show_it() -> None:
    """POST, no body."""
    wire = exchange("cancel a task that waits")["request"]
    sent = next(SERVICE.cancel(ID))
    assert (sent.method, sent.url.path, sent.content) == (wire["method"], wire["path"], b"")


def test_a_task_id_cannot_lead_elsewhere() -> None:
    """Whatever a service calls its task, the request goes to its tasks."""
    sent = next(SERVICE.poll("../../uploads?x=1#"))
    assert (sent.url.raw_path, sent.url.host) == (b"/api/v1/tasks/..%2F..%2Fuploads%3Fx%3D1%23", httpx.URL(BASE).host)


def test_the_services_own_storage_needs_a_header() -> None:
    """`X-DashScope-OssResourceResolve`, only where a link is `oss://`."""
    plain, stored = ({"first": link} for link in ("https://a/b.png", "oss://a/b.png"))
    sent = [
        next(SERVICE.submit(CreateRequest("m", "first", A, "img_url", "", {}, frames))) for frames in (plain, stored)
    ]
    assert [one.headers.get("X-DashScope-OssResourceResolve") for one in sent] == [None, "enable"]


def test_a_request_without_a_prompt_has_none() -> None:
    """No empty text is sent."""
    assert "prompt" not in body_of(CreateRequest("m", "first", A, "img_url", ""))["input"]


def test_a_negative_prompt_belongs_to_the_input() -> None:
    """Not to the parameters, where everything else goes."""
    body = body_of(CreateRequest("m", "first", A, "img_url", "p", {"negative_prompt": "blur", "seed": 7}))
    assert (body["input"], body["parameters"]) == ({"prompt": "p", "negative_prompt": "blur"}, {"seed": 7})


@pytest.mark.parametrize(
    ("path", "value", "where"),
    [
        ("seed", "7", {"parameters": {"seed": 7}}),
        ("parameters.seed", "null", {"parameters": {"seed": None}}),
        ("input.template", "hanfu-1", {"input": {"template": "hanfu-1"}}),
        ("a.b.c", "[1]", {"a": {"b": {"c": [1]}}}),
        ("watermark", "true", {"parameters": {"watermark": True}}),
        ("model", "other", {"parameters": {"model": "other"}}),
    ],
)
def test_what_is_set_by_hand_is_set_last(path: str, value: str, where: dict[str, Any]) -> None:
    """`-p a.b=VALUE`: JSON if it parses, else text; without a dot among the parameters."""
    made = CreateRequest("m", "first", A, "img_url", "", {"seed": 1, "watermark": False}, {}, ((path, value),))
    body = body_of(made)
    for section, items in where.items():
        assert {name: body[section][name] for name in items} == items


BLUR = {"negative_prompt": "blur", "resolution": "720P", "duration": 5, "prompt_extend": True, "watermark": False}
SONG, CLIP = "https://example.com/v.mp3", "https://example.com/v.mp4"


@pytest.mark.parametrize(
    ("frames", "sound", "kinds"),
    [
        ({"first": "https://a/1.png"}, {}, ["first_frame"]),
        ({"first": "https://a/1.png"}, {"audio_url": SONG}, ["first_frame", "driving_audio"]),
        ({"last": "https://a/2.png", "first": "https://a/1.png"}, {}, ["first_frame", "last_frame"]),
        (
            {"first": "https://a/1.png", "last": "https://a/2.png"},
            {"audio_url": SONG},
            ["first_frame", "last_frame", "driving_audio"],
        ),
        ({"last": "https://a/2.png"}, {}, ["last_frame"]),
        ({}, {"clip_url": CLIP}, ["first_clip"]),
        ({"last": "https://a/2.png"}, {"clip_url": CLIP}, ["first_clip", "last_frame"]),
    ],
)
def test_the_newer_models_take_a_list_of_media(frames: dict[str, str], sound: dict[str, str], kinds: list[str]) -> None:
    """Wan2.7 and wan3.0; sound and clip are among the media, not inputs of their own."""
    body = body_of(CreateRequest("wan2.7-i2v", "first", A, "media", "p", {**BLUR, **sound}, frames))
    assert [item["type"] for item in body["input"]["media"]] == kinds
    links = {**{f"{role}_frame": link for role, link in frames.items()}, "driving_audio": SONG, "first_clip": CLIP}
    assert all(item["url"] == links[item["type"]] for item in body["input"]["media"])
    assert set(body["input"]) == {"prompt", "negative_prompt", "media"}
    assert set(body["parameters"]) == {"resolution", "duration", "prompt_extend", "watermark"}


def test_a_text_alone_has_no_media() -> None:
    """Wan3.0 makes a video from words."""
    assert body_of(CreateRequest("wan3.0-video", "text", A, "media", "p"))["input"] == {"prompt": "p"}


def test_a_template_takes_the_first_frame_alone() -> None:
    """The effect of a frame-to-frame model."""
    made = CreateRequest(
        "wanx2.1-kf2v-plus", "first", B, "first_last", "", {"template": "hanfu-1"}, {"first": "https://a/1.png"}
    )
    assert body_of(made)["input"] == {"first_frame_url": "https://a/1.png", "template": "hanfu-1"}


# ---- storage and the list -----------------------------------------------------------------------------------------

POLICY = {
    "request_id": "r",
    "data": {
        "policy": "cG9saWN5", "signature": "sig", "upload_dir": "dashscope-instant/xxx/2024-07-18/xxx",
        "upload_host": "https://dashscope-file-xxx.oss-cn-beijing.aliyuncs.com", "expire_in_seconds": 300,
        "max_file_size_mb": 100, "capacity_limit_mb": 999999999, "oss_access_key_id": "LTAI",
        "x_oss_object_acl": "private", "x_oss_forbid_overwrite": "true",
    },
}  # fmt: skip


def test_an_upload_asks_for_a_policy_and_sends_the_file_last() -> None:
    """No key to storage, a name in ASCII, an `oss://` link in return."""
    flow = SERVICE.upload("wan2.7-i2v", "abc.png", b"\x89PNG", "image/png")
    asked = next(flow)
    assert (asked.method, str(asked.url)) == ("GET", f"{BASE}/uploads?action=getPolicy&model=wan2.7-i2v")
    form = flow.send(httpx.Response(200, json=POLICY))
    assert (form.method, str(form.url)) == ("POST", POLICY["data"]["upload_host"])
    names = [line.split(b'"')[1].decode() for line in form.read().split(b"\r\n") if line.startswith(b"Content-Disp")]
    assert (names[-1], sorted(names)) == ("file", sorted([
        "OSSAccessKeyId", "Signature", "policy", "x-oss-object-acl", "x-oss-forbid-overwrite", "key",
        "success_action_status", "file",
    ]))  # fmt: skip
    assert "authorization" not in form.headers
    with pytest.raises(StopIteration) as done:
        flow.send(httpx.Response(200))
    assert done.value.value == "oss://dashscope-instant/xxx/2024-07-18/xxx/abc.png"


@pytest.mark.parametrize(("most", "weight", "sent"), [(1, 2**20, True), (1, 2**20 + 1, False), (0.5, 2**20, False)])
def test_a_file_above_what_the_policy_takes_is_not_sent(most: float, weight: int, sent: bool) -> None:
    """Said with both weights; storage is not asked, and asking again would not help."""
    flow = SERVICE.upload("m", "a.png", b"x" * weight, "image/png")
    next(flow)
    policy = httpx.Response(200, json={"data": {**POLICY["data"], "max_file_size_mb": most}})
    if sent:
        assert flow.send(policy).method == "POST"
        return
    with pytest.raises(ServiceError) as caught:
        flow.send(policy)
    assert f"storage limit of {most} MB" in str(caught.value)
    assert caught.value.problem.again is False


@pytest.mark.parametrize("most", [None, 0, -1, "100", True, [], float("inf")])
def test_a_policy_that_names_no_weight_stops_nothing(most: object) -> None:
    """Then storage decides."""
    flow = SERVICE.upload("m", "a.png", b"x", "image/png")
    next(flow)
    content = json.dumps({"data": {**POLICY["data"], "max_file_size_mb": most}})
    assert flow.send(httpx.Response(200, content=content.encode())).method == "POST"


def test_a_policy_that_has_run_out_is_worth_another() -> None:
    """Storage says so in XML."""
    flow = SERVICE.upload("m", "a.png", b"x", "image/png")
    next(flow)
    flow.send(httpx.Response(200, json=POLICY))
    xml = b"<Error><Code>AccessDenied</Code><Message>Invalid according to Policy: Policy expired.</Message></Error>"
    with pytest.raises(ServiceError) as caught:
        flow.send(httpx.Response(403, content=xml))
    found = caught.value.problem
    assert (found.code, found.advice, found.again) == ("AccessDenied", "upload", True)


@pytest.mark.parametrize("host", ["http://store.test", "", "//x", "https://", "http://[::1", 7, None])
def test_a_picture_goes_to_safe_storage_only(host: object) -> None:
    """A policy that leads from https to http, or nowhere, is refused."""
    flow = SERVICE.upload("m", "a.png", b"x", "image/png")
    next(flow)
    with pytest.raises(ServiceError):
        flow.send(httpx.Response(200, json={"data": {**POLICY["data"], "upload_host": host}}))


@pytest.mark.parametrize(("limit", "weight", "needed"), [(0, 1, True), (100, 100, False), (100, 101, True)])
def test_what_is_large_or_only_safe_as_a_link_is_uploaded(limit: int, weight: int, needed: bool) -> None:
    """The order says how much may go into the body."""
    assert SERVICE.needs_upload(CreateRequest("m", "first", A, "media", "", inline_max=limit), weight) is needed


def test_the_list_of_tasks_is_read_page_by_page() -> None:
    """China time in the question, milliseconds and `status` in the answer."""
    row = {"task_id": ID, "model_name": "wanx2.1-kf2v-plus", "status": "SUCCEEDED", "gmt_create": 1745000000000}
    span = (1745000000, 1745003600, "wanx2.1-kf2v-plus")
    asked = next(SERVICE.list_tasks(*span))
    assert (asked.url.params["start_time"], asked.url.params["page_no"]) == ("20250419021320", "1")
    first = answer(SERVICE.list_tasks(*span), httpx.Response(200, json={"total_page": 2, "data": [row, {}, 7]}))
    assert (first.tasks, first.complete) == ((ListedTask(ID, span[2], 1745000000.0, Status.DOWNLOADING),), False)
    assert next(SERVICE.list_tasks(*span, 2)).url.params["page_no"] == "2"
    rest = {"total_page": 2, "data": [{**row, "status": "NEW", "gmt_create": None}]}
    second = answer(SERVICE.list_tasks(*span, 2), httpx.Response(200, json=rest))
    assert (second.tasks, second.complete) == ((ListedTask(ID, span[2], None, Status.RUNNING),), True)


ROW = {"task_id": ID, "model_name": "m", "status": "SUCCEEDED", "gmt_create": 1745000000000}


@pytest.mark.parametrize(
    ("body", "whole"),
    [
        ({"total_page": 0, "data": []}, True),
        ({"total_page": 1}, True),
        ({"data": [ROW] * 9}, True),
        ({"data": [ROW] * 10}, False),
        ({"total_page": 2, "data": [ROW] * 10}, False),
    ],
)
def test_a_page_tells_whether_others_follow(body: dict[str, Any], whole: bool) -> None:
    """By the number of pages; without it, a full page may have a next one."""
    assert answer(SERVICE.list_tasks(0, 1), httpx.Response(200, json=body)).complete is whole


@pytest.mark.parametrize("body", [{}, {"data": None}, {"total_page": 2, "data": []}, {"total_page": 5}])
def test_a_page_without_its_rows_is_no_end_of_the_list(body: dict[str, Any]) -> None:
    """Tasks that nobody read may be ours."""
    flow = SERVICE.list_tasks(0, 1)
    next(flow)
    with pytest.raises(ServiceError) as caught:
        flow.send(httpx.Response(200, json=body))
    assert caught.value.problem.code == "unreadable"


# ---- what we are told ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wire", exchanges("create from"))
def test_a_created_task_waits(wire: dict[str, Any]) -> None:
    """QUEUED, with the service's id."""
    made = order(wire["request"]["body"], A)
    found = answer(SERVICE.submit(made), response_of(wire["response"]))
    assert (found.status, found.remote_id, found.word) == (Status.QUEUED, "0385dc79-5ff8-4d82-bcb6-xxxxxx", "PENDING")
    assert found.facts["request_id"] == "4909100c-7b5a-9f92-bfe5-xxxxxx"


@pytest.mark.parametrize("word", ["PENDING", "RUNNING", "SUCCEEDED", "FAILED", "UNKNOWN", "CANCELED", "", "NEW"])
def test_a_create_that_has_an_id_is_under_way_whatever_it_says(word: str) -> None:
    """An end is believed only from a poll, which brings what belongs to it (a link, a reason)."""
    body = {"output": {"task_id": ID, "task_status": word}}
    found = answer(SERVICE.submit(CreateRequest("m", "first", A, "img_url", "")), httpx.Response(200, json=body))
    assert found.status in (Status.QUEUED, Status.RUNNING)


REFUSALS = [*exchanges("create without"), *exchanges("create with a"), *exchanges("create with an"),
            *exchanges("create refused"), *exchanges("create meets")]  # fmt: skip


@pytest.mark.parametrize("wire", REFUSALS)
def test_a_refused_create_says_everything_the_service_said(wire: dict[str, Any]) -> None:
    """Code, message, request id, status, and advice that exists."""
    said = wire["response"]
    found = problem(SERVICE.submit(CreateRequest("m", "first", A, "img_url", "")), response_of(said))
    assert (found.code, found.message) == (said["body"]["code"], said["body"]["message"])
    assert (found.request_id, found.http) == (said["body"]["request_id"], said["status"])
    assert found.advice != "unknown"


POLLS = {
    "poll a task that waits": Status.QUEUED,
    "poll a running task from first and last frame": Status.RUNNING,
    "poll a running task from a first frame": Status.RUNNING,
    "poll a finished wan2.6-i2v task": Status.DOWNLOADING,
    "poll a finished wan2.6-i2v-flash task": Status.DOWNLOADING,
    "poll a finished task from first and last frame (usage of 2.1)": Status.DOWNLOADING,
    "poll a finished task from first and last frame (usage of 2.2)": Status.DOWNLOADING,
    "poll a finished wan2.2-i2v task": Status.DOWNLOADING,
    "poll a finished task from a clip": Status.DOWNLOADING,
    "poll a failed task": Status.FAILED,
    "poll a task whose prompt did not pass moderation": Status.FAILED,
    "poll a task without its picture": Status.FAILED,
    "poll a task with a clip and a first frame": Status.FAILED,
    "poll a failed task that does not say why": Status.FAILED,
    "poll a canceled task": Status.CANCELED,
    "poll a task that is unknown, or older than 24 hours": Status.EXPIRED,
}


@pytest.mark.parametrize(("name", "status"), POLLS.items())
def test_every_state_is_read(name: str, status: Status) -> None:
    """Link, usage, reason and facts come along; the id stays the one that was asked for."""
    said = exchange(name)["response"]["body"]
    found = answer(SERVICE.poll(ID), response_of(exchange(name)["response"]))
    output = said["output"]
    assert (found.status, found.remote_id, found.word) == (status, ID, output["task_status"])
    assert (found.result.link if found.result else None) == output.get("video_url")
    assert found.usage == said.get("usage", {})
    if status is Status.FAILED:
        reason = (found.problem.code, found.problem.message, found.problem.request_id)
        assert reason == (output.get("code", ""), output.get("message", ""), said["request_id"])
    for fact in ("submit_time", "end_time", "actual_prompt"):
        assert found.facts.get(fact) == output.get(fact)


def test_every_success_says_what_it_bills() -> None:
    """Whichever of its names the seconds have."""
    named = {name: exchange(name)["response"]["body"]["usage"] for name in POLLS if "finished" in name}
    assert {
        name: SERVICE.billed_seconds(usage) for name, usage in named.items() if not SERVICE.billed_seconds(usage)
    } == {}


@pytest.mark.parametrize(
    ("usage", "seconds"),
    [
        ({"duration": 10, "output_video_duration": 5}, 10.0),
        ({"output_video_duration": 5, "video_duration": 4}, 5.0),
        ({"video_duration": 4}, 4.0),
        ({"video_count": 1}, None),
        ({"duration": "ten", "video_duration": 4}, 4.0),
        ({"duration": True}, None),
        ({"duration": None}, None),
        ({"duration": -1}, None),
        ({"duration": 10**400}, None),
        ({"duration": float("nan")}, None),
        ({"duration": float("inf")}, None),
    ],
    ids=str,
)
def test_billed_seconds_are_a_number_or_unknown(usage: dict[str, Any], seconds: float | None) -> None:
    """In the documents' order; nonsense counts as nothing."""
    assert SERVICE.billed_seconds(usage) == seconds


def test_a_canceled_task_is_stopped_or_not() -> None:
    """200, or 400 UnsupportedOperation; anything else is an error."""
    waits, runs = exchange("cancel a task that waits"), exchange("cancel a task that runs")
    assert answer(SERVICE.cancel(ID), response_of(waits["response"])) is True
    assert answer(SERVICE.cancel(ID), response_of(runs["response"])) is False
    assert problem(SERVICE.cancel(ID), httpx.Response(503, json={})).http == 503


@pytest.mark.parametrize("name", ["poll without a key", "poll too often"])
def test_a_refused_poll_is_an_error(name: str) -> None:
    """Not a state of the task."""
    said = exchange(name)["response"]
    found = problem(SERVICE.poll(ID), response_of(said))
    assert (found.code, found.http, found.again) == (said["body"]["code"], said["status"], said["status"] == 429)


def test_the_openai_like_error_is_read_too() -> None:
    """The newer pages list both forms."""
    body = {"error": {"code": "invalid_api_key", "message": "No."}, "request_id": "7"}
    found = problem(SERVICE.poll(ID), httpx.Response(401, json=body))
    assert (found.code, found.message, found.request_id, found.advice) == ("invalid_api_key", "No.", "7", "key")


def test_a_request_id_may_be_in_a_header() -> None:
    """As the SDK reads it."""
    found = problem(SERVICE.poll(ID), httpx.Response(500, json={}, headers={"x-request-id": "7"}))
    assert found.request_id == "7"


@pytest.mark.parametrize(
    ("code", "http", "advice", "again"),
    [
        ("Throttling.RateQuota", 429, "busy", True),
        ("Throttling.AllocationQuota", 429, "quota", False),
        ("InvalidParameter.DataInspection", 400, "picture_fetch", False),
        ("InvalidParameter.Something", 400, "parameter", False),
        ("AccessDenied.Unpurchased", 403, "access", False),
        ("InternalError.Algo.InvalidParameter", 400, "picture_fetch", False),
        ("Whatever", 401, "key", False),
        ("Whatever", 429, "unknown", True),
        ("", 500, "unknown", False),
    ],
)
def test_a_code_is_looked_up_whole_then_by_its_family(code: str, http: int, advice: str, again: bool) -> None:
    """The service invents sub-codes; their family is known."""
    assert advise(ERRORS, code, http) == (advice, again)


@pytest.mark.parametrize(
    ("value", "date", "seconds"),
    [
        ("7", "", 7.0),
        (" 7 ", "", 7.0),
        ("0", "", 0.0),
        ("", "", None),
        ("soon", "", None),
        ("-7", "", None),
        ("7.5", "", None),
        ("٧", "", None),
        ("Sat, 21 Nov 2026 04:00:30 GMT", "Sat, 21 Nov 2026 04:00:00 GMT", 30.0),
        ("Sat, 21 Nov 2026 03:00:00 GMT", "Sat, 21 Nov 2026 04:00:00 GMT", 0.0),
        ("Sat, 21 Nov 2026 04:00:30 GMT", "", None),
        ("Sat, 21 Nov 2026 04:00:30", "Sat, 21 Nov 2026 04:00:00 GMT", None),
        ("1-Jan-2026 10:00:00 +99999999999999999999", "Sat, 21 Nov 2026 04:00:00 GMT", None),
    ],
)
def test_retry_after_is_read_in_both_forms(value: str, date: str, seconds: float | None) -> None:
    """Seconds, or a date against the answer's own; no clock of ours."""
    headers = [(b"retry-after", value.encode()), (b"date", date.encode())]
    assert retry_after(httpx.Response(429, headers=headers)) == seconds


def test_the_link_tells_when_it_dies() -> None:
    """`Expires` in its query."""
    body = {"output": {"task_status": "SUCCEEDED", "video_url": "https://store/a.mp4?Expires=1738551205&Signature=x"}}
    assert answer(SERVICE.poll(ID), httpx.Response(200, json=body)).result.expires == 1738551205.0


def test_the_result_is_fetched_without_the_key() -> None:
    """A signed link refuses a request that is signed otherwise."""
    wanted = SERVICE.content(Snapshot(result=Result("https://store.test/a.mp4?Signature=x")))
    assert (wanted.with_key, wanted.request.method, "authorization" in wanted.request.headers) == (False, "GET", False)


# ---- whatever comes -----------------------------------------------------------------------------------------------

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
NAMES = st.text(max_size=8)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
WORDS = st.sampled_from(["PENDING", "RUNNING", "SUCCEEDED", "FAILED", "CANCELED", "UNKNOWN", "ELSE"])
LINKS = st.sampled_from(["https://store/a.mp4", "http://[::1", "https://a:99999/", "ftp://x", "//x", "https://\u0000/"])
OUTPUT = st.fixed_dictionaries(
    {},
    optional={
        "task_id": st.just(ID) | ANYTHING,
        "task_status": WORDS | ANYTHING,
        "video_url": LINKS | ANYTHING,
        "code": ANYTHING,
        "message": ANYTHING,
        "actual_prompt": ANYTHING,
    },
)
ANSWER = st.fixed_dictionaries(
    {},
    optional={
        "output": OUTPUT | ANYTHING,
        "usage": ANYTHING,
        "request_id": ANYTHING,
        "code": ANYTHING,
        "message": ANYTHING,
        "error": ANYTHING,
    },
)
BODIES = st.binary(max_size=200) | (ANSWER | ANYTHING).map(lambda body: json.dumps(body).encode())


@given(status=STATUSES, headers=HEADERS, body=BODIES)
def test_whatever_answers_a_poll_is_a_state_or_an_error_of_ours(
    status: int, headers: dict[str, str], body: bytes
) -> None:
    """Any JSON, any type in any field, any bytes; and what is made of it fits the journal."""
    found = outcome(SERVICE.poll(ID), made_response(status, headers, body))
    if isinstance(found, Snapshot):
        assert (found.remote_id, found.result is not None) == (ID, found.status is Status.DOWNLOADING)
        assert isinstance(json.dumps([dict(found.usage), dict(found.facts)]), str)
        assert SERVICE.billed_seconds(found.usage) is None or SERVICE.billed_seconds(found.usage) >= 0  # type: ignore[operator]
        if found.result:
            link_outcome(found)


def link_outcome(found: Snapshot) -> None:
    """A link is fetched, or refused with an error of ours; anything else would go through."""
    with contextlib.suppress(ServiceError):
        SERVICE.content(found)


@given(status=STATUSES, headers=HEADERS, body=BODIES)
def test_whatever_answers_a_create_is_a_task_or_an_error_of_ours(
    status: int, headers: dict[str, str], body: bytes
) -> None:
    """With an id it exists; without one nothing is claimed."""
    found = outcome(SERVICE.submit(CreateRequest("m", "first", A, "img_url", "")), made_response(status, headers, body))
    if isinstance(found, Snapshot):
        assert (found.remote_id != "", found.status) == (True, found.status)
        assert found.status in (Status.QUEUED, Status.RUNNING)


@given(status=STATUSES, headers=HEADERS, body=BODIES)
def test_whatever_answers_a_cancel_is_yes_or_no_or_an_error_of_ours(
    status: int, headers: dict[str, str], body: bytes
) -> None:
    """Nothing else comes out."""
    assert isinstance(outcome(SERVICE.cancel(ID), made_response(status, headers, body)), bool | ServiceError)


@pytest.mark.parametrize("name", sorted(POLLS))
def test_a_truncated_answer_is_an_error_of_ours(name: str) -> None:
    """Cut anywhere, it is no JSON."""
    whole = json.dumps(exchange(name)["response"]["body"]).encode()
    for end in range(0, len(whole), 7):
        found = outcome(SERVICE.poll(ID), httpx.Response(200, content=whole[:end]))
        assert isinstance(found, ServiceError)


@pytest.mark.parametrize(
    "body",
    [b"<!doctype html><h1>Sign in</h1>", b"[" * 100_000, b'{"output":' * 50_000, b"null", b"9" * 5000, b"\xff\xfe{}"],
    ids=["HTML", "deep list", "deep object", "null", "huge number", "UTF-16"],
)
def test_an_answer_of_something_else_is_an_error_of_ours(body: bytes) -> None:
    """A proxy's page, a bomb: the kind of it is told, never the whole of it."""
    found = outcome(SERVICE.poll(ID), httpx.Response(200, content=body, headers={"content-type": "text/html"}))
    assert isinstance(found, ServiceError)
    assert len(str(found)) < 500


def test_a_huge_message_is_cut() -> None:
    """It would fill the journal and the notebook."""
    body = {"code": "c" * 10_000, "message": "m" * 10_000, "request_id": "r" * 10_000}
    found = problem(SERVICE.poll(ID), httpx.Response(400, json=body))
    assert (len(found.code), len(found.message), len(found.request_id)) == (200, 2000, 200)


def test_the_dry_run_shows_the_request_and_no_secret(world: World) -> None:
    """The picture as its kind, weight and digest; the key as a variable's name; nothing is sent."""
    session = world.session("dashscope-intl", key="sk-distinctive")
    dry = session.dry_run(VideoRequest(filled_prompt='A cat\'s "look"', first=read_image(picture()), seed=7))
    assert dry.request.url == f"{BASE}{A}"
    assert dry.request.headers["authorization"] == "Bearer $DASHSCOPE_API_KEY"
    assert dry.request.body["input"]["img_url"].startswith("<data:image/png, ")
    assert dry.request.body["parameters"]["seed"] == 7
    assert "sk-distinctive" not in f"{dry}"
    assert world.rows() == [] if (world.home / "journal.sqlite3").exists() else True


@pytest.mark.parametrize(
    ("params", "resolved"),
    [
        ((("input.audio_url", "oss://host/a.mp3"),), True),
        ((("input.media", '[{"type": "first_frame", "url": "oss://host/a.png"}]'),), True),
        ((("input.audio_url", "https://host/a.mp3"),), False),
        ((), False),
    ],
    ids=str,
)
def test_a_link_into_storage_is_resolved_wherever_it_stands(
    params: tuple[tuple[str, str], ...], resolved: bool
) -> None:
    """One that was set by hand, too (the service resolves oss:// links anywhere in a body)."""
    path = "/services/aigc/video-generation/video-synthesis"
    order = CreateRequest("wan2.6-i2v", "first", path, "img_url", "A cat", {}, {"first": "https://a/b.png"}, params)
    sent = next(DashScope("https://host/api/v1").submit(order))
    assert sent.headers.get("X-DashScope-OssResourceResolve") == ("enable" if resolved else None)


def test_a_size_is_written_as_the_service_writes_it() -> None:
    """With an asterisk."""
    body = body_of(CreateRequest("wan2.6-t2v", "text", "", "img_url", "A cat", {"size": "1280x720"}))
    assert body["parameters"] == {"size": "1280*720"}
