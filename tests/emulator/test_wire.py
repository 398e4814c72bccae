"""The emulator answers as the documents print it: every literal exchange of every protocol is replayed."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from .service import Service, data_uri, picture

# Each protocol with the options of the app that speaks a dialect; dialects that are missing are for the client only.
DIALECTS: dict[str, dict[str | None, dict[str, Any]]] = {
    "dashscope": {None: {}},
    "video_generations": {"classic": {}, "public-id": {"gateway": "public-id"}},
    "videos": {
        "ope": {},
        "new-api": {"videos_dialect": "new-api"},
        "new-api-public-id": {"videos_dialect": "new-api", "gateway": "public-id"},
    },
    "openai_videos": {
        "vllm-omni": {"videos_dialect": "openai"},
        "sglang": {"videos_dialect": "openai", "openai_server": "sglang"},
    },
}
FIXED = ("code", "message", "task_status", "status")  # keys whose values count, unless the file names its own
TASK = re.compile(r"(?<=/tasks/)[^/?]+|(?<=/v1/video/generations/)[^/?]+|(?<=/v1/videos/)[^/?]+")
REQUEST_ID = re.compile(r" \(request id: \w+\)")


def exchanges() -> list[dict[str, Any]]:
    found = []
    for protocol in DIALECTS:
        file = json.loads((Path(__file__).parents[1] / "wire" / f"{protocol}.json").read_text("utf-8"))
        about = {"protocol": protocol, "fixed": file.get("fixed", FIXED), "dialect": None}
        found += [about | exchange for exchange in file["exchanges"]]
    return found


EXCHANGES = exchanges()
REPLAYED = [exchange for exchange in EXCHANGES if exchange.get("replay", True)]
ORDERED = [exchange for exchange in EXCHANGES if exchange not in REPLAYED]


def by_name(exchange: dict[str, Any]) -> str:
    return f"{exchange['protocol']}-{exchange['name']}".replace(" ", "-")


def plain(value: Any) -> Any:
    """Take the request id out of a message, so that it compares."""
    return REQUEST_ID.sub("", value) if isinstance(value, str) else value


def differences(expected: Any, answered: Any, exchange: dict[str, Any], path: str = "") -> list[str]:
    """Say where an answer has another shape than the literal one."""
    if type(expected) is not type(answered):
        return [f"{path}: {type(answered).__name__} instead of {type(expected).__name__}"]
    if isinstance(expected, dict):
        optional = {name.rpartition(".")[2] for name in exchange.get("optional", []) if path in name}
        found = [f"{path}: lacks {name}" for name in expected.keys() - answered.keys()]
        found += [f"{path}: has {name}" for name in answered.keys() - expected.keys() - optional]
        for name in expected.keys() & answered.keys():
            found += differences(expected[name], answered[name], exchange, f"{path}.{name}".strip("."))
        return found
    if isinstance(expected, list):
        pairs = zip(expected, answered, strict=True)
        return [text for one, other in pairs for text in differences(one, other, exchange, path)]
    fixed = path.rpartition(".")[2] in exchange["fixed"] and path not in exchange.get("free", [])
    same = plain(expected) == plain(answered)
    return [f"{path}: {answered!r} instead of {expected!r}"] if fixed and not same else []


def sent(request: dict[str, Any]) -> dict[str, Any]:
    """Give the body of a request, or its form, as arguments of the client."""
    if "form" in request:
        parts = {name: (None, value) for name, value in request["form"].items()}
        for name, file in request.get("files", {}).items():
            data = file["text"].encode() if "text" in file else picture()
            parts[name] = (file["filename"], data, file["content_type"])
        return {"files": parts}
    if isinstance(request.get("body"), str):
        return {"content": request["body"].encode()}
    if request.get("body") is None:
        return {}
    return {"json": json.loads(json.dumps(request["body"]).replace("{picture}", data_uri(picture())))}


def created(service: Service, create: dict[str, Any]) -> str:
    """Create a task and return its id, wherever the protocol puts that."""
    headers = {"X-DashScope-Async": "enable"}
    answer = service.call("POST", create["path"], key="sk-xxxx", headers=headers, **sent(create)).json()
    return answer["id"] if "id" in answer else answer["output"]["task_id"]


def prepared(service: Service, exchange: dict[str, Any]) -> dict[str, Any]:
    """Do what is given before the exchange, and return the request to send."""
    given, request = exchange.get("given"), exchange["request"]
    if given is None:
        return request
    service.faults(*given.get("faults", []))
    if "policy" in given:
        return with_policy(service, given, request)
    task = created(service, given["create"])
    if given.get("cancel"):
        service.call("POST", f"/api/v1/tasks/{task}/cancel", key="sk-xxxx")
    service.time += given["after"]
    path = TASK.sub(task, request["path"])
    if "link_after" in given:
        path = service.poll(task, key="sk-xxxx")["output"]["video_url"]
        service.time += given["link_after"]
    return request | {"path": path}


def with_policy(service: Service, given: dict[str, Any], request: dict[str, Any]) -> dict[str, Any]:
    """Ask for a policy, and put its values into the form and the address."""
    policy = service.call("GET", given["policy"], key="sk-xxxx").json()["data"]
    service.time += given["after"]
    values = {
        "OSSAccessKeyId": policy["oss_access_key_id"],
        "Signature": policy["signature"],
        "policy": policy["policy"],
        "key": f"{policy['upload_dir']}/cat.png",
    }
    return request | {"path": policy["upload_host"], "form": request["form"] | values}


def shown(body: Any, kind: str) -> Any:
    """Give XML as a dictionary of its elements, with each text as it is, so that it compares like JSON."""
    if not isinstance(body, str) or "xml" not in kind:
        return body
    return {element.tag.lower(): element.text for element in ElementTree.fromstring(body)}


def content_of(answer: Any, kind: str) -> Any:
    """Give what an answer holds; a whole video is none, as in the files."""
    if "json" in kind:
        return answer.json()
    whole_video = kind == "video/mp4" and answer.status_code == 200
    return None if whole_video and answer.content[4:8] == b"ftyp" else answer.text


@pytest.mark.parametrize("exchange", REPLAYED, ids=by_name)
def test_the_answer_has_the_documented_shape(tmp_path, exchange):
    """Status, keys, types, codes and words are those of the document."""
    service = Service(tmp_path / "state", **DIALECTS[exchange["protocol"]][exchange["dialect"]])
    request, response = prepared(service, exchange), exchange["response"]
    headers = {name: value for name, value in request["headers"].items() if "multipart" not in value}
    answer = service.call(request["method"], request["path"], key=None, headers=headers, **sent(request))
    assert answer.status_code == response["status"], answer.text[:500]
    for name, value in response.get("headers", {}).items():
        assert answer.headers[name] == value
    kind = answer.headers.get("content-type", "")
    assert differences(shown(response["body"], kind), shown(content_of(answer, kind), kind), exchange) == []


@pytest.mark.parametrize("exchange", ORDERED, ids=by_name)
def test_what_cannot_be_replayed_can_be_ordered(tmp_path, exchange):
    """The remaining answers are literal ones that a fault can give."""
    mine = DIALECTS[exchange["protocol"]]
    other = {"videos_dialect": "openai"} if exchange["protocol"] == "openai_videos" else {}
    service = Service(tmp_path / "state", **mine.get(exchange["dialect"], other))
    request, response = exchange["request"], exchange["response"]
    content = request["path"].endswith("/content")
    at = "submit" if request["method"] == "POST" else "cancel" if request["method"] == "DELETE" else "poll"
    fault = {"do": "status", "status": response["status"], "body": response["body"]}
    service.faults({"at": "content" if content else at} | fault)
    answer = service.call(request["method"], request["path"], key=None, headers=request["headers"])
    assert (answer.status_code, answer.json()) == (response["status"], response["body"])
