"""The gateways in front of DashScope: what they lose on the way, what they refuse, and what one store means."""

from __future__ import annotations

import json
from typing import Any

import pytest

from wan_jupyter.emulator.protocols.new_api_body import CLASSIC, PUBLIC_ID, new_api

from .service import Service, data_uri, picture

PATH = "/v1/video/generations"
MODEL = "wan2.5-i2v-preview"
SMALL = {"parameters": {"resolution": "480P"}}


def body(**more: Any) -> dict[str, Any]:
    return {"model": MODEL, "prompt": "A cat", "input_reference": data_uri(picture()), "metadata": SMALL} | more


def ope_body(**more: Any) -> dict[str, Any]:
    content = [{"type": "image_url", "role": "first_frame", "image_url": {"url": data_uri(picture())}}]
    asked = {"model": "wan2.7-i2v", "prompt": "A cat", "size": "1280x720", "seconds": "2"}
    return asked | {"input_reference": {"content": content}} | more


def behind(asked: dict[str, Any], generation=CLASSIC) -> dict[str, Any]:
    reading = new_api(generation)
    return reading.upstream(reading.tidied(asked))


def finished(service: Service, path: str, asked: dict[str, Any]) -> str:
    task = service.call("POST", path, json=asked).json()["id"]
    service.time += 7
    return task


@pytest.mark.parametrize("generation", [CLASSIC, PUBLIC_ID], ids=["classic", "public-id"])
def test_false_and_zero_are_lost_on_the_way(generation):
    """Go leaves out false and 0; only audio survives. Unknown parameters go, too, and flat metadata has no effect."""
    parameters = {"prompt_extend": False, "watermark": False, "seed": 0, "audio": False, "shot_type": "multi"}
    metadata = {"parameters": parameters | {"resolution": "720P"}, "negative_prompt": "flat", "input": None}
    asked = {"model": MODEL, "prompt": "p", "input_reference": "https://a.test/b.png", "metadata": metadata}
    sent = behind(asked, generation)
    assert sent["input"] == {"prompt": "p", "img_url": "https://a.test/b.png"}
    assert sent["parameters"] == {"audio": False, "resolution": "720P", "duration": 5}


@pytest.mark.parametrize(
    ("model", "size", "parameters"),
    [
        (MODEL, None, {"resolution": "1080P"}),
        ("wan2.2-i2v-flash", None, {"resolution": "720P"}),
        (MODEL, "720p", {"resolution": "720P"}),
        (MODEL, "480", {"resolution": "480P"}),
        (MODEL, "1280x720", {"resolution": "1280X720P"}),
        (MODEL, "1280*720", {"size": "1280*720"}),
    ],
)
def test_a_size_becomes_a_resolution(model, size, parameters):
    """Also where that makes no sense: DashScope refuses 1280X720P later."""
    sent = behind({"model": model, "prompt": "p", "size": size})["parameters"]
    assert sent == {"prompt_extend": True, "duration": 5} | parameters


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [({"duration": 10}, 10), ({"seconds": "10"}, 10), ({"duration": 10, "seconds": "5"}, 10), ({"seconds": "x"}, 5)],
)
def test_seconds_come_from_three_places(asked, seconds):
    """A duration wins over seconds, and metadata over both."""
    asked |= {"model": MODEL, "prompt": "p"}
    assert behind(asked)["parameters"]["duration"] == seconds
    assert behind(asked | {"metadata": '{"parameters": {"duration": 3}}'})["parameters"]["duration"] == 3


def test_the_newer_generation_reads_more_image_fields():
    """`image`, then `images`, then `input_reference`; the older one reads the last alone."""
    asked = {"model": MODEL, "prompt": "p", "image": " ", "images": ["", "b"], "input_reference": "c"}
    assert behind(asked, PUBLIC_ID)["input"]["img_url"] == "b"
    assert behind(asked)["input"]["img_url"] == "c"


def test_the_newer_generation_makes_media_for_wan27():
    """The older one sends what it has, and the task fails behind it."""
    asked = {"model": "wan2.7-i2v", "prompt": "p", "images": ["a", "b"], "metadata": {"input": {"audio_url": "c"}}}
    media = behind(asked, PUBLIC_ID)["input"]["media"]
    assert [(item["type"], item["url"]) for item in media] == [
        ("first_frame", "a"),
        ("last_frame", "b"),
        ("driving_audio", "c"),
    ]
    assert "media" not in behind(asked)["input"]


@pytest.mark.parametrize(
    ("gateway", "field"), [("classic", "fail_reason"), ("public-id", "result_url")], ids=["classic", "public-id"]
)
def test_a_video_comes_through_each_generation(tmp_path, gateway, field):
    """The link is where that generation puts it, plays without a key, and the task is billed once."""
    service = Service(tmp_path, gateway=gateway)
    task = finished(service, PATH, body())
    answer = service.call("GET", f"{PATH}/{task}")
    data = answer.json()["data"]
    assert task.startswith("task_") == (gateway == "public-id")
    assert data[field] == data["data"]["output"]["video_url"]
    assert data["action"] == "generate"
    assert "\\u0026Signature" in answer.text
    assert service.call("GET", data[field], key=None).content[4:8] == b"ftyp"
    row = service.ledger()["tasks"][0]
    assert (row["task_id"], row["protocol"], row["billed_seconds"]) == (task, "video-generations", 5)
    assert set(row["request"]["input_reference"]) == {"data_uri", "length", "sha256"}


def test_metadata_as_text_hides_no_picture(service):
    """Data URIs in it are set aside like others."""
    metadata = json.dumps({"input": {"img_url": data_uri(picture())}} | SMALL)
    task = finished(service, PATH, {"model": MODEL, "prompt": "p", "metadata": metadata})
    assert service.call("GET", f"{PATH}/{task}").json()["data"]["status"] == "SUCCESS"
    assert "length" in service.ledger()["tasks"][0]["request"]["metadata"]["input"]["img_url"]


@pytest.mark.parametrize(("strict", "status"), [(False, 200), (True, 400)])
def test_first_and_last_frame_go_to_the_general_path(tmp_path, strict, status):
    """As a gateway's documentation shows; with strict paths the service behind refuses it."""
    service = Service(tmp_path, strict_paths=strict)
    frames = {"first_frame_url": "http://127.0.0.1:9/a.png", "last_frame_url": "http://127.0.0.1:9/b.png"}
    asked = {"model": "wan2.1-kf2v-plus", "prompt": "p", "metadata": {"input": frames}}
    answer = service.call("POST", PATH, json=asked)
    assert answer.status_code == status
    if strict:
        assert answer.json()["code"] == "fail_to_fetch_task"
        assert json.loads(answer.json()["message"])["message"] == "url error, please check url!"


def test_first_and_last_frame_are_links_only(service):
    """A gateway's documentation (Korean, December 2025): no base64 there."""
    frames = {"first_frame_url": data_uri(picture()), "last_frame_url": data_uri(picture())}
    task = finished(service, PATH, {"model": "wan2.1-kf2v-plus", "prompt": "p", "metadata": {"input": frames}})
    assert "InvalidURL" in service.call("GET", f"{PATH}/{task}").json()["data"]["fail_reason"]


def test_a_task_belongs_to_its_key(tmp_path):
    """To others it does not exist; but the older generation lets any key fetch the video."""
    service = Service(tmp_path, videos_dialect="new-api")
    task = finished(service, PATH, body())
    assert service.call("GET", f"{PATH}/{task}", key="sk-two").json()["code"] == "task_not_exist"
    assert service.call("GET", f"/v1/videos/{task}/content", key="sk-two").status_code == 200
    newer = Service(tmp_path, videos_dialect="new-api", gateway="public-id")
    newer.time = service.time
    assert newer.call("GET", f"/v1/videos/{task}/content", key="sk-two").status_code == 404


def test_two_routes_of_new_api_are_one_store(tmp_path):
    """A task made on either is known on both."""
    service = Service(tmp_path, videos_dialect="new-api")
    for path, other in ((PATH, "/v1/videos"), ("/v1/videos", PATH)):
        task = finished(service, path, body())
        assert service.call("GET", f"{other}/{task}").status_code == 200


def test_the_content_is_the_clip_whole_and_only_with_a_key(service):
    """A range is not passed on."""
    task = finished(service, "/v1/videos", ope_body())
    route = f"/v1/videos/{task}/content"
    answer = service.call("GET", route, headers={"Range": "bytes=0-3"})
    assert (answer.status_code, answer.content[4:8]) == (200, b"ftyp")
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert service.call("GET", route, key=None).status_code == 401
    row = service.ledger()["tasks"][0]
    assert (row["protocol"], row["billed_seconds"]) == ("videos", 2)


def test_ope_takes_the_first_picture_and_a_size_by_its_pixels(service):
    """`1280x720` is 720P there; a size that is none fails behind it."""
    task = finished(service, "/v1/videos", ope_body(size="720x1280"))
    assert service.call("GET", f"/v1/videos/{task}").json()["status"] == "SUCCESS"
    wrong = finished(service, "/v1/videos", ope_body(size="big"))
    assert service.call("GET", f"/v1/videos/{wrong}").json()["error"]["code"] == "InvalidParameter"


@pytest.mark.parametrize("value", [None, 3, True, [], {}, "x", 10**400, {"content": 3}, {"content": [3, {}]}])
@pytest.mark.parametrize("field", ["seconds", "size", "input_reference", "metadata", "images", "duration", "prompt"])
@pytest.mark.parametrize("dialect", ["ope", "new-api"])
def test_no_value_upsets_it(tmp_path, field, value, dialect):
    """Whatever a field holds, the answer is the service's own: a task that may fail later, or a refusal."""
    service = Service(tmp_path, videos_dialect=dialect)
    for path in (PATH, "/v1/videos"):
        answer = service.call("POST", path, json={"model": MODEL, "prompt": "p", field: value})
        assert "code" in answer.json() or answer.json()["id"]
    service.time += 7
    assert {task["status"] for task in service.ledger()["tasks"]} <= {"FAILED", "SUCCEEDED"}


@pytest.mark.parametrize("protocol", ["video-generations", "videos"])
def test_faults_act_on_a_gateway(service, protocol):
    """Words, links, failures and refusals, told apart by the protocol's name."""
    path, asked = {"video-generations": (PATH, body()), "videos": ("/v1/videos", ope_body())}[protocol]
    service.faults(
        {"at": "submit", "do": "status", "status": 503, "protocol": protocol},
        {"at": "submit", "do": "fail_task", "code": "InternalError", "message": "oops", "protocol": protocol},
        {"at": "poll", "do": "word", "status": "PAUSED", "protocol": protocol},
    )
    assert service.call("POST", path, json=asked).status_code == 503
    task = finished(service, path, asked)
    first = service.call("GET", f"{path}/{task}").json()
    assert (first.get("data") or first)["status"] == "PAUSED"
    assert "oops" in service.call("GET", f"{path}/{task}").text
    assert [row["billed_seconds"] for row in service.ledger()["tasks"]] == [0]


def test_a_link_that_was_ordered_dead_is_dead(tmp_path):
    """In the row, and behind the content route."""
    service = Service(tmp_path, videos_dialect="new-api")
    task = finished(service, PATH, body())
    service.faults({"at": "poll", "do": "expired_link"}, {"at": "content", "do": "expired_link", "protocol": "videos"})
    link = service.call("GET", f"{PATH}/{task}").json()["data"]["fail_reason"]
    assert service.call("GET", link, key=None).status_code == 403
    assert service.call("GET", f"/v1/videos/{task}/content").status_code == 502
    assert service.call("GET", f"/v1/videos/{task}/content").status_code == 200
