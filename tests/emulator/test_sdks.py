"""Official clients, unmodified, work against the emulator on a port: Alibaba's SDK and OpenAI's."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import av
import pytest

from .service import picture
from .test_port import Port, start

HERE = Path(__file__).parent


def program(name: str, *arguments: str) -> dict[str, Any]:
    """Run a program in an SDK to its end, and return what it printed."""
    command = [sys.executable, "-W", "ignore", str(HERE / name), *arguments]
    quiet = {"DASHSCOPE_DISABLE_SDK_HEADERS": "true", "NO_PROXY": "*"}
    ended = subprocess.run(command, capture_output=True, text=True, timeout=100, env=os.environ | quiet)
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout.splitlines()[-1])


def needs(name: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(importlib.util.find_spec(name) is None, reason=f"the test extra brings {name}")


@pytest.fixture
def serve(tmp_path):
    """Start emulators that end with the test."""
    running: list[Port] = []

    def begin(*options: str) -> Port:
        running.append(start(tmp_path, *options))
        return running[-1]

    yield begin
    for port in running:
        port.client.close()
        port.stop(signal.SIGTERM)


def address(port: Port) -> str:
    return str(port.client.base_url).rstrip("/")


def ledger(port: Port) -> list[dict[str, Any]]:
    return port.client.get("/_emulator/ledger").json()["tasks"]


def frames_of(path: Path) -> tuple[int, int, int]:
    """Return width, height and number of pictures of a clip."""
    with av.open(str(path)) as container:
        pictures = list(container.decode(video=0))
        return pictures[0].width, pictures[0].height, len(pictures)


@pytest.fixture
def files(tmp_path) -> list[str]:
    """Two pictures in files, one with a blank in its name."""
    paths = [tmp_path / "first frame.png", tmp_path / "last.png"]
    for path, color in zip(paths, ("teal", "maroon"), strict=True):
        path.write_bytes(picture(color=color))
    return [f"file://{path}" for path in paths]


@needs("dashscope")
def test_alibabas_sdk_makes_videos_from_files(serve, files):
    """Files are uploaded, tasks created, polled and listed, in the synchronous half; a failure says why."""
    port = serve("--speed", "20")
    got = program("sdk_dashscope.py", address(port), *files, "call", "steps", "media", "failing")
    outputs = [got["call"], got["steps"][2], got["media"]]
    assert [each["output"]["task_status"] for each in outputs] == ["SUCCEEDED"] * 3
    assert [port.client.get(each["output"]["video_url"]).content[4:8] for each in outputs] == [b"ftyp"] * 3
    assert got["call"]["usage"] == {"video_count": 1, "video_duration": 5, "SR": 480, "video_ratio": ""}
    assert got["steps"][0]["output"]["task_status"] == "PENDING"
    assert [task["billed_seconds"] for task in ledger(port)] == [5, 2, 2, 0]
    sent = ledger(port)[0]["request"]["input"]
    assert sent["first_frame_url"].startswith("oss://dashscope-instant/")
    assert sent["first_frame_url"].endswith("/first frame.png")
    failed = got["failing"]
    assert (failed["status_code"], failed["output"]["task_status"]) == (200, "FAILED")
    assert (failed["output"]["code"], failed["output"]["message"][:18]) == ("InvalidURL", "Failed to download")


@needs("dashscope")
def test_alibabas_sdk_cancels_and_is_refused(serve, files):
    """What does not succeed reaches the caller as it does from the real service."""
    port = serve("--speed", "0.01")
    got = program("sdk_dashscope.py", address(port), *files, "cancel", "wrong_key")
    canceled = got["cancel"]
    assert (canceled["canceled"], canceled["after"]["output"]["task_status"]) == (200, "CANCELED")
    assert canceled["listed"] == [[canceled["after"]["output"]["task_id"], "CANCELED"]]
    assert (got["wrong_key"]["status_code"], got["wrong_key"]["code"]) == (401, "InvalidApiKey")


@needs("dashscope")
@pytest.mark.stress
def test_the_asynchronous_half_of_alibabas_sdk_works_too(serve, files, tmp_path):
    """Its slashes, stray arguments and dummy bodies are tolerated."""
    port = serve("--speed", "20")
    got = program("sdk_dashscope.py", address(port), *files, "asynchronous")["asynchronous"]
    assert [got[name]["output"]["task_status"] for name in ("call", "waited")] == ["SUCCEEDED"] * 2
    slow = serve("--speed", "0.01", "--state", str(tmp_path / "slow"))
    got = program("sdk_dashscope.py", address(slow), *files, "asynchronous_cancel")["asynchronous_cancel"]
    assert (got["looked"]["output"]["task_status"], got["canceled"]) == ("PENDING", 200)
    assert got["listed"] == [[got["looked"]["output"]["task_id"], "CANCELED"]]


@needs("openai")
@pytest.mark.parametrize("server", [pytest.param("vllm-omni", marks=pytest.mark.stress), "sglang"])
def test_openais_sdk_makes_a_video(serve, tmp_path, server):
    """A file goes up as a part of a form; the clip that comes back has the size and frames that were asked for."""
    (tmp_path / "cat.png").write_bytes(picture())
    options = ("--videos-dialect", "openai", "--openai-server", server, "--clip-seconds", "1.0625")
    port = serve("--speed", "20", *options)
    got = program("sdk_openai.py", address(port), str(tmp_path / "cat.png"), "whole", "together", "pages")
    made = got["whole"]
    assert (made["created"]["status"], made["polled"]["status"]) == ("queued", "completed")
    assert (made["polled"]["progress"], made["polled"]["size"]) == (100, "320x192")
    assert frames_of(Path(made["clip"])) == (320, 192, 17)
    assert (made["listed"], made["left"]) == ([made["created"]["id"]], [])
    assert made["deleted"]["id"] == made["created"]["id"]
    assert got["together"]["status"] == "completed"
    assert got["pages"]["listed"] == [*reversed(got["pages"]["made"]), got["together"]["id"]]
    task = ledger(port)[0]
    assert (task["protocol"], task["billed_seconds"]) == ("openai-videos", 17 / 16)
    assert task["request"]["input_reference"]["file"] == "cat.png"


@needs("openai")
@pytest.mark.stress
def test_openais_sdk_meets_the_quirks_of_such_servers(serve, tmp_path):
    """A failed job is an error of the server to it; the rest are errors with a detail."""
    (tmp_path / "cat.png").write_bytes(picture())
    slow, fast = (serve("--speed", speed, "--videos-dialect", "openai") for speed in ("0.01", "20"))
    name, status, body = program("sdk_openai.py", address(fast), str(tmp_path / "cat.png"), "failing")["failing"]
    assert (name, status, body["code"]) == ("InternalServerError", 500, 500)  # all it shows is the job's `error`
    assert body["message"].startswith("This model makes videos from a picture")
    got = program("sdk_openai.py", address(slow), str(tmp_path / "cat.png"), "problems")
    problems = {key: value[:2] for key, value in got["problems"].items()}
    assert problems == {
        "model": ["BadRequestError", 400],
        "unknown": ["NotFoundError", 404],
        "early": ["NotFoundError", 404],
    }
    assert "Model mismatch" in got["problems"]["model"][2]["detail"]
