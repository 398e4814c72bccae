"""The wire of servers that people run themselves, literally: a form goes out; a failed job may come with HTTP 500."""

from __future__ import annotations

import base64
import contextlib
import email
from email.message import Message
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
from tests.support.world import World, picture
from wan_jupyter.catalog import plan as catalog
from wan_jupyter.errors import ServiceError
from wan_jupyter.i18n.messages import has_message
from wan_jupyter.media.image.reader import Image, read_image
from wan_jupyter.protocols.base import CreateRequest
from wan_jupyter.protocols.openai_videos import ERRORS, OpenAIVideos
from wan_jupyter.request.options import VideoRequest
from wan_jupyter.scheduling import retry
from wan_jupyter.status import Result, Snapshot, Status

WIRE = Wire("openai_videos")
BASE = "http://127.0.0.1:8091"
SERVICE = OpenAIVideos(BASE)
VLLM, SGLANG = "video_gen_0123456789abcdef0123456789abcdef", "6f1c0c52-6d4c-4a0e-9a53-0b2f5f0f7c11"
CAT = picture()
URI = f"data:image/png;base64,{base64.b64encode(CAT).decode()}"
WAN = "Wan-AI/Wan2.2-I2V-A14B-Diffusers"
FIELDS = {"duration": 5, "size": "832x480"}
PLAIN = CreateRequest("served", "first", "", "file", "A cat looks up", FIELDS, {"first": URI})


def parts(sent: httpx.Request) -> dict[str, Message]:
    """Return the parts of a form by name, as another implementation reads them."""
    head = b"content-type: " + sent.headers["content-type"].encode() + b"\r\n\r\n"
    whole = email.message_from_bytes(head + sent.read())
    return {str(part.get_param("name", "", "content-disposition")): part for part in whole.get_payload()}  # type: ignore[misc, union-attr]


def texts(sent: httpx.Request) -> dict[str, str]:
    found = {name: part.get_payload(decode=True) for name, part in parts(sent).items() if not part.get_filename()}
    return {name: data.decode() for name, data in found.items()}  # type: ignore[union-attr]


# ---- what we send -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("create from a picture", "served"),
        ("create from a picture with the served model's name", WAN),
        ("sglang: create from a picture", None),
    ],
)
def test_a_create_is_the_form_that_the_servers_take(name: str, model: str | None) -> None:
    """Field by field; the picture is a file part with its own bytes; `fps` and `num_frames` are Wan's own."""
    wire = WIRE.one(name)["request"]
    made = CreateRequest(
        model or wire["form"].get("model", "served"), "first", "", "file", "A cat looks up", FIELDS, {"first": URI}
    )
    sent = first(SERVICE.submit(made))
    assert (sent.method, str(sent.url)) == ("POST", f"{BASE}{wire['path']}")
    assert texts(sent) == wire["form"]
    (file,) = [part for part in parts(sent).values() if part.get_filename()]
    assert (file.get_param("name", "", "content-disposition"), file.get_content_type()) == (
        "input_reference", wire["files"]["input_reference"]["content_type"],
    )  # fmt: skip
    assert file.get_payload(decode=True) == CAT
    assert "content-length" in sent.headers


@pytest.mark.parametrize(
    ("model", "frames"),
    [
        ("served", {"fps": "16", "num_frames": "81"}),
        (WAN, {"fps": "16", "num_frames": "81"}),
        ("Wan-AI/Wan2.2-TI2V-5B-Diffusers", {"fps": "24", "num_frames": "121"}),
        ("sora-2", {}),
    ],
)
def test_wan_gets_its_native_frames(model: str, frames: dict[str, str]) -> None:
    """A server would count 24 a second; another family is left alone."""
    sent = texts(first(SERVICE.submit(CreateRequest(model, "first", "", "file", "p", {"duration": 5}))))
    assert {name: sent[name] for name in ("fps", "num_frames") if name in sent} == frames


def test_a_request_without_a_picture_is_a_form_all_the_same() -> None:
    """vLLM-Omni reads no JSON."""
    sent = first(
        SERVICE.submit(CreateRequest("served", "text", "", "file", "p", {"seed": 7, "negative_prompt": "blur"}))
    )
    assert sent.headers["content-type"].startswith("multipart/form-data")
    assert texts(sent) == {"prompt": "p", "seed": "7", "negative_prompt": "blur"}


def test_an_address_goes_by_both_servers_names() -> None:
    """No file part; each server leaves the other's name alone."""
    sent = first(SERVICE.submit(CreateRequest("served", "first", "", "file", "p", {}, {"first": "https://a/b.png"})))
    named = {"reference_url": "https://a/b.png", "image_reference": '{"image_url":"https://a/b.png"}'}
    assert texts(sent) == {"prompt": "p", **named}


def test_what_is_set_by_hand_becomes_a_field() -> None:
    """Text as text, anything else as JSON."""
    params = (("guidance_scale", "5.0"), ("quality", "high"), ("extra_params.a", "1"))
    sent = texts(first(SERVICE.submit(CreateRequest("served", "text", "", "file", "p", params=params))))
    assert sent == {"prompt": "p", "guidance_scale": "5.0", "quality": "high", "extra_params": '{"a":1}'}


def test_what_has_no_field_is_named() -> None:
    """Prompt rewriting as the service does it is nothing lost."""
    made = CreateRequest("wan", "first", "", "file", "p", {"watermark": False, "prompt_extend": True, "seed": 0})
    assert SERVICE.unsupported(made) == (("watermark", False),)


def test_the_gate_gives_size_and_seconds() -> None:
    """A tier becomes width and height, upright where the picture is."""
    where = catalog.provider("openai-videos", BASE)
    tall = read_image(picture(size=(360, 640)))
    sizes = {}
    for name, image in (("wide", read_image(CAT)), ("tall", tall)):
        plan = catalog.check(VideoRequest(filled_prompt="p", first=image, resolution="480P"), where)
        sizes[name] = plan.order.fields["size"]
        assert (plan.order.model, plan.order.fields["duration"], plan.remarks) == ("served", 5, ())
    assert sizes == {"wide": "832x480", "tall": "480x832"}


# ---- what we are told ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wire", WIRE.creates())
def test_every_answer_to_a_create_is_read(wire: dict[str, Any]) -> None:
    """A job under its id, or a refusal with what to do, whichever body it has."""
    found = outcome(SERVICE.submit(PLAIN), WIRE.answer(wire["name"]))
    said, http = wire["response"]["body"], wire["response"]["status"]
    if http == 200:
        assert (found.remote_id, found.status) == (said["id"], Status.QUEUED)
        return
    assert found.problem.message
    assert has_message(f"advice.{found.problem.advice}")
    assert found.problem.advice != "unknown"
    assert (retry.judge_submit(found, 1) is retry.SubmitVerdict.NOT_CREATED) == (http < 500)


@pytest.mark.parametrize(
    ("name", "advice", "words"),
    [
        ("create with another model", "server_parameter", "Model mismatch"),
        ("create without a prompt", "server_parameter", "prompt: Field required"),
        ("create without the key the server was started with", "server_key", "Unauthorized"),
        ("create on a server of several processes", "server_many", "api-server-count"),
        ("sglang: create after the scheduler died", "server_failed", "scheduler is not alive"),
        ("sglang: create with half seconds", "server_parameter", "seconds: Input should be a valid integer"),
    ],
)
def test_every_kind_of_error_body_is_read(name: str, advice: str, words: str) -> None:
    """`detail` as text and as a list, `error` as an object and as text."""
    found = problem(SERVICE.submit(PLAIN), WIRE.answer(name))
    assert found.advice == advice
    assert words in found.message


STATES = {
    "queued": Status.QUEUED,
    "in_progress": Status.RUNNING,
    "completed": Status.DOWNLOADING,
    "failed": Status.FAILED,
    "cancelled": Status.CANCELED,
    "deleted": Status.CANCELED,
}


@pytest.mark.parametrize("wire", WIRE.polls("/v1/videos"))
def test_every_answer_to_a_query_is_read(wire: dict[str, Any]) -> None:
    """A video object counts whatever the HTTP status; a 404 of the server's own means that it forgot."""
    said, http = wire["response"]["body"], wire["response"]["status"]
    found = outcome(SERVICE.poll(VLLM), WIRE.answer(wire["name"]))
    if http == 404:
        assert (found.status, found.problem.code, found.problem.advice) == (Status.EXPIRED, "lost", "lost")
        return
    if said.get("object") != "video":
        assert isinstance(found, ServiceError)
        return
    check_state(found, VLLM)
    assert (found.status, found.word) == (STATES[said["status"]], said["status"])
    if found.status is Status.FAILED:
        assert found.problem.message == said["error"]["message"]
        assert found.problem.advice in ("server_failed", "moderation")
    if found.result:
        assert (found.result.link, found.result.expires) == (said.get("url") or "", said["expires_at"])


def test_a_failed_job_with_http_500_is_a_failed_job() -> None:
    """Not trouble with the network, which would be asked again for ever."""
    found = answer(SERVICE.poll(VLLM), WIRE.answer("retrieve a failed job, which comes with the failure's HTTP status"))
    assert (found.status, found.problem.code, found.problem.message) == (Status.FAILED, "500", "CUDA out of memory")


def test_only_the_servers_own_404_means_lost() -> None:
    """A proxy's page about a server that starts again is asked again after."""
    page = httpx.Response(404, content=b"<html>Not found</html>", headers={"content-type": "text/html"})
    assert problem(SERVICE.poll(VLLM), page).http == 404


def test_an_error_may_be_a_text() -> None:
    """As OpenRouter gives it."""
    body = {"object": "video", "id": VLLM, "status": "failed", "error": "no luck"}
    assert answer(SERVICE.poll(VLLM), httpx.Response(200, json=body)).problem.message == "no luck"


def test_the_server_may_say_when_to_ask_again() -> None:
    """In milliseconds, in a header."""
    body = {"object": "video", "status": "queued"}
    found = answer(SERVICE.poll(VLLM), httpx.Response(200, json=body, headers={"openai-poll-after-ms": "2500"}))
    assert found.poll_after == 2.5


def test_a_job_is_stopped_where_delete_stops_it() -> None:
    """vLLM-Omni's; SGLang's would only forget the job, and its video with it: nothing is sent."""
    sent = first(SERVICE.cancel(VLLM))
    wire = WIRE.one("delete a job")["request"]
    assert (sent.method, sent.url.path) == (wire["method"], wire["path"])
    assert answer(SERVICE.cancel(VLLM), WIRE.answer("delete a job")) is True
    assert answer(SERVICE.cancel(VLLM), WIRE.answer("delete while it is being deleted")) is True
    assert unsent(SERVICE.cancel(SGLANG)) is False
    assert unsent(SERVICE.cancel("video_123")) is False


def test_the_video_comes_from_the_content_route() -> None:
    """With the key and without `variant`; a cloud link without the key."""
    wanted = SERVICE.content(Snapshot(remote_id=VLLM, result=Result("")))
    assert (wanted.request.url.raw_path, wanted.with_key) == (f"/v1/videos/{VLLM}/content".encode(), True)
    cloud = answer(SERVICE.poll(SGLANG), WIRE.answer("sglang: retrieve a job whose video went to a cloud store"))
    assert SERVICE.content(cloud).with_key is False


def test_a_long_id_stays_whole() -> None:
    """LiteLLM's ends in `=`."""
    identity = WIRE.body("litellm: retrieve a canceled job")["id"]
    assert first(SERVICE.poll(identity)).url.path.endswith(identity)


def test_every_code_has_an_advice() -> None:
    """One that exists."""
    assert [code for code, (advice, _) in ERRORS.items() if not has_message(f"advice.{advice}")] == []


def test_no_key_goes_over_plain_http_to_another_machine(world: World) -> None:
    """The server in the next room needs none, or gets none; on this machine, or over https, it gets one."""
    session = world.session("openai-videos", base_url="http://gpu.lan:8000", key="sk-secret")
    assert session._resources.key is None
    assert catalog.provider("openai-videos", "http://127.0.0.1:8000").key == "optional"
    assert catalog.provider("openai-videos", "https://gpu.lan").key == "optional"


def test_the_dry_run_shows_the_form(world: World) -> None:
    """Each field by its name, the picture as a stand-in, the command for a shell."""
    session = world.session("openai-videos", base_url=BASE)
    dry = session.dry_run(VideoRequest(filled_prompt="A cat's look", first=read_image(CAT), seed=7))
    assert dry.request.body["input_reference"].startswith("<data:image/png, ")
    assert (dry.request.body["num_frames"], dry.request.body["seed"]) == ("81", "7")
    assert "-F input_reference=@first_frame.bin" in dry.request.curl
    assert "--form-string seed=7" in dry.request.curl


def test_an_address_is_shown_too(world: World) -> None:
    """Without its query."""
    session = world.session("openai-videos", base_url=BASE)
    dry = session.dry_run(VideoRequest(filled_prompt="p", first=Image("a.png", url="https://a/b.png?sig=secret")))
    assert dry.request.body["reference_url"] == "https://a/b.png"
    assert "secret" not in str(dry)


# ---- whatever comes -----------------------------------------------------------------------------------------------

VIDEO = objects(
    id=st.just(VLLM), object=st.just("video"), status=st.sampled_from([*STATES, "expired", "ELSE"]), url=LINKS,
    error=objects(code=st.integers(), message=st.text(max_size=5)), progress=st.integers(), expires_at=st.integers(),
    detail=st.lists(
        objects(loc=st.lists(st.text(max_size=3)), msg=st.text(max_size=3)), max_size=3,
    ),
)  # fmt: skip


@given(answers(VIDEO))
def test_whatever_answers_is_a_state_or_an_error_of_ours(response: httpx.Response) -> None:
    """Any JSON, any type in any field, any bytes, to a query, a create and a cancel."""
    found = outcome(SERVICE.poll(VLLM), response)
    if not isinstance(found, ServiceError):
        check_state(found, VLLM)
        with contextlib.suppress(ServiceError):
            SERVICE.content(found)
    made = outcome(SERVICE.submit(PLAIN), response)
    assert isinstance(made, ServiceError) or (made.remote_id and made.status in (Status.QUEUED, Status.RUNNING))
    assert isinstance(outcome(SERVICE.cancel(VLLM), response), bool | ServiceError)


def test_a_truncated_answer_is_an_error_of_ours() -> None:
    """Cut anywhere, it is no JSON."""
    for response in cut(WIRE.body("retrieve a finished job")):
        assert isinstance(outcome(SERVICE.poll(VLLM), response), ServiceError)


@pytest.mark.parametrize("body", HUGE, ids=["HTML", "deep list", "deep object", "null", "huge number", "UTF-16"])
def test_an_answer_of_something_else_is_an_error_of_ours(body: bytes) -> None:
    """Its kind is told, never the whole of it."""
    found = outcome(SERVICE.poll(VLLM), httpx.Response(200, content=body))
    assert isinstance(found, ServiceError)
    assert len(str(found)) < 500
