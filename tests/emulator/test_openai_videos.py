"""OpenAI's videos API on a server of one's own: sizes and frames to the letter, jobs that anyone may ask about."""

from __future__ import annotations

import io
import json
from typing import Any

import av
import pytest

from .service import Service, data_uri, picture

PATH = "/v1/videos"
ASKED = {"prompt": "A cat", "size": "320x192", "fps": "8", "num_frames": "5"}


@pytest.fixture(params=["vllm-omni", "sglang"])
def server(tmp_path, request) -> Service:
    return Service(tmp_path, clip_seconds=None, videos_dialect="openai", openai_server=request.param)


@pytest.fixture
def sglang(tmp_path) -> Service:
    return Service(tmp_path, clip_seconds=0.2, videos_dialect="openai", openai_server="sglang")


def create(service: Service, *, image: bytes | None = None, **fields: str) -> Any:
    parts: dict[str, Any] = {name: (None, value) for name, value in (ASKED | fields).items()}
    parts["input_reference"] = ("cat.png", picture() if image is None else image, "image/png")
    return service.call("POST", PATH, key=None, files=parts)


def look(clip: bytes) -> tuple[int, int, int, float]:
    with av.open(io.BytesIO(clip)) as container:
        stream = container.streams.video[0]
        pictures = list(container.decode(stream))
        return pictures[0].width, pictures[0].height, len(pictures), float(stream.average_rate)


def test_a_clip_has_the_size_frames_and_rate_that_were_asked_for(server):
    """And its bill says the seconds they last."""
    job = create(server).json()["id"]
    server.time += 7
    assert look(server.call("GET", f"{PATH}/{job}/content", key=None).content) == (320, 192, 5, 8.0)
    row = server.ledger()["tasks"][0]
    assert (row["protocol"], row["billed_seconds"]) == ("openai-videos", 5 / 8)


@pytest.mark.parametrize(
    ("server", "asked", "frames"),
    [("vllm-omni", {}, 81), ("sglang", {}, 96), ("vllm-omni", {"seconds": "2"}, 48), ("sglang", {"seconds": "2"}, 48)],
    indirect=["server"],
)
def test_what_is_not_asked_for_is_the_servers_choice(server, asked, frames):
    """81 pictures or 96; seconds alone are counted at 24 a second."""
    link = data_uri(picture())  # each server leaves the other's name for it alone
    sent = {"prompt": "p", "reference_url": link, "image_reference": {"image_url": link}} | asked
    server.call("POST", PATH, key=None, json=sent)
    server.time += 7
    rate = 24 if asked or frames == 96 else 16
    assert server.ledger()["tasks"][0]["billed_seconds"] == frames / rate


def test_a_form_without_files_will_do(server):
    """Urlencoded fields, with the picture as a link in them."""
    link = data_uri(picture())
    sent = {"prompt": "p", "reference_url": link, "image_reference": json.dumps({"image_url": link})}
    assert server.call("POST", PATH, key=None, data=sent | ASKED).json()["status"] == "queued"


def test_progress_rises_only_where_it_is_known(tmp_path):
    """vLLM-Omni tells 0 or 100, SGLang how far it is."""
    seen = {}
    for name in ("vllm-omni", "sglang"):
        service = Service(tmp_path / name, videos_dialect="openai", openai_server=name)
        job = create(service).json()["id"]
        seen[name] = []
        for _ in range(7):
            service.time += 1.1
            seen[name].append(service.call("GET", f"{PATH}/{job}", key=None).json()["progress"])
    assert seen["vllm-omni"] == [0, 0, 0, 0, 0, 100, 100]
    assert seen["sglang"] == sorted(seen["sglang"])
    assert 0 < seen["sglang"][1] < 99


def test_a_key_is_optional_and_jobs_belong_to_nobody(server):
    """Only a key that is known to be bad is refused, by the server that looks at keys."""
    job = create(server).json()["id"]
    assert server.call("GET", f"{PATH}/{job}", key="sk-any").status_code == 200
    keyed = job.startswith("video_gen_")
    assert server.call("GET", f"{PATH}/{job}", key="bad-key").status_code == (401 if keyed else 200)


def test_a_deleted_job_is_gone_but_not_forgotten_by_the_ledger(server):
    """vLLM-Omni stops the work, SGLang lets it run on."""
    job = create(server).json()["id"]
    server.time += 2
    server.call("DELETE", f"{PATH}/{job}", key=None)
    assert server.call("GET", f"{PATH}/{job}", key=None).json() == {"detail": "Video not found"}
    server.time += 7
    row = server.ledger()["tasks"][0]
    assert row["status"] == ("CANCELED" if job.startswith("video_gen_") else "SUCCEEDED")


def test_a_rubbish_picture_is_refused_at_once(server):
    """Before any job is made."""
    answer = create(server, image=b"no picture")
    assert (answer.status_code, server.ledger()["tasks"]) == (400, [])


@pytest.mark.parametrize(
    ("field", "value", "status"),
    [
        ("size", "720P", 400),
        ("size", "1280*720", 400),
        ("size", "8x8", 400),
        ("size", "9" * 5000 + "x1", 400),
        ("fps", "0.5", 422),
        ("fps", "500", 400),
        ("num_frames", "1000000", 400),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_detail(server, field, value, status):
    """The body is FastAPI's."""
    answer = create(server, **{field: value})
    assert answer.status_code == status
    assert answer.json()["detail"]


@pytest.mark.parametrize(("name", "status"), [("vllm-omni", 400), ("sglang", 200)])
def test_each_server_knows_its_own_names_for_a_picture(tmp_path, name, status):
    """vLLM-Omni's image_reference is any unknown field to SGLang, which ignores it (both packages run 2026-11-21)."""
    service = Service(tmp_path, videos_dialect="openai", openai_server=name)
    assert create(service, image_reference='{"file_id": "x"}').status_code == status


@pytest.mark.parametrize("value", [True, [], {}, 1e400, -1, "x"])
@pytest.mark.parametrize("field", ["prompt", "size", "seconds", "fps", "input_reference", "reference_url", "model"])
def test_no_json_value_upsets_it(sglang, field, value):
    """A job that may fail later, or a refusal; 1e400 is infinite to Python."""
    body = json.dumps({"prompt": "p"} | {field: value}).encode()
    answer = sglang.call("POST", PATH, key=None, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (200, 400, 422)
    sglang.time += 7
    assert sglang.ledger()["tasks"] == [] or sglang.ledger()["tasks"][0]["status"] == "FAILED"


def test_a_text_model_paints_its_own_picture(tmp_path):
    """A model that makes videos from words alone gets by without one; others fail for want of it."""
    for model, word in (("Wan-AI/Wan2.2-T2V-A14B-Diffusers", "completed"), ("Wan-AI/Wan2.2-I2V", "failed")):
        service = Service(tmp_path / word, videos_dialect="openai", served_model=model)
        job = service.call("POST", PATH, key=None, data=ASKED).json()["id"]
        service.time += 7
        assert service.call("GET", f"{PATH}/{job}", key=None).json()["status"] == word


def test_a_page_holds_as_many_jobs_as_asked_for(server):
    """Newest first, from a job on."""
    made = []
    for _ in range(3):
        made.append(create(server).json()["id"])
        server.time += 1
    first = server.call("GET", f"{PATH}?limit=2", key=None).json()
    rest = server.call("GET", f"{PATH}?limit=2&after={first['last_id']}", key=None).json()
    listed = [job["id"] for page in (first, rest) for job in page["data"]]
    assert (listed, first["has_more"], rest["has_more"]) == (made[::-1], True, False)


def test_probes_and_other_addresses(server):
    """`/health` and `/v1/models` say that it is there; what nobody serves has a detail."""
    assert server.call("GET", "/health", key=None).status_code == 200
    model = server.call("GET", "/v1/models", key=None).json()["data"][0]["id"]
    assert model == "Wan-AI/Wan2.2-I2V-A14B-Diffusers"
    assert server.call("POST", f"{PATH}/x/remix", key=None).json() == {"detail": "Not Found"}
    assert server.call("PUT", PATH, key=None).json() == {"detail": "Method Not Allowed"}


@pytest.mark.parametrize(("at", "method", "path"), [("list", "GET", PATH), ("cancel", "DELETE", f"{PATH}/x")])
def test_faults_act_here_too(server, at, method, path):
    """By the names of this protocol's places."""
    server.faults({"at": at, "do": "status", "status": 503, "protocol": "openai-videos"})
    assert server.call(method, path, key=None).status_code == 503


def test_a_state_folder_serves_another_dialect_later(tmp_path):
    """A job of one run is no riddle to the ledger of the next."""
    service = Service(tmp_path, videos_dialect="openai")
    create(service)
    later = Service(tmp_path)
    later.time += 7
    assert later.ledger()["tasks"][0]["status"] == "SUCCEEDED"
