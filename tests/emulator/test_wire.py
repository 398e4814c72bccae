"""The emulator answers as the documents print it: every literal exchange is replayed."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from .service import Service, data_uri, picture

EXCHANGES = json.loads((Path(__file__).parents[1] / "wire" / "dashscope.json").read_text("utf-8"))["exchanges"]
REPLAYED = [exchange for exchange in EXCHANGES if exchange.get("replay", True)]
FIXED = ("code", "message", "task_status", "status")  # keys whose values count, not only their types


def by_name(exchange: dict[str, Any]) -> str:
    return exchange["name"].replace(" ", "-")


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
    fixed = path.rpartition(".")[2] in FIXED and path not in exchange.get("free", [])
    return [f"{path}: {answered!r} instead of {expected!r}"] if fixed and expected != answered else []


def prepared(service: Service, exchange: dict[str, Any]) -> str:
    """Do what is given before the exchange, and return the path to request."""
    given, path = exchange.get("given"), exchange["request"]["path"]
    if given is None:
        return path
    service.faults(*given.get("faults", []))
    text = json.dumps(given["create"]["body"]).replace("{picture}", data_uri(picture()))
    created = service.create(json.loads(text), given["create"]["path"], key="sk-xxxx")
    task = created.json()["output"]["task_id"]
    if given.get("cancel"):
        service.call("POST", f"/api/v1/tasks/{task}/cancel", key="sk-xxxx")
    service.time += given["after"]
    if "link_after" in given:
        path = service.poll(task, key="sk-xxxx")["output"]["video_url"]
        service.time += given["link_after"]
    return re.sub(r"(?<=/tasks/)[\w-]+", task, path)


def shown(body: Any, kind: str) -> Any:
    """Give XML as a dictionary of its elements, with each text as it is, so that it compares like JSON."""
    if not isinstance(body, str) or "xml" not in kind:
        return body
    return {element.tag.lower(): element.text for element in ElementTree.fromstring(body)}


@pytest.mark.parametrize("exchange", REPLAYED, ids=by_name)
def test_the_answer_has_the_documented_shape(service, exchange):
    """Status, keys, types, codes and words are those of the document."""
    request, response = exchange["request"], exchange["response"]
    path = prepared(service, exchange)
    body = {} if request["body"] is None else {"json": request["body"]}
    answer = service.call(request["method"], path, key=None, headers=request["headers"], **body)
    assert answer.status_code == response["status"]
    for name, value in response.get("headers", {}).items():
        assert answer.headers[name] == value
    kind = answer.headers["content-type"]
    content = answer.json() if "json" in kind else answer.text
    assert differences(shown(response["body"], kind), shown(content, kind), exchange) == []


def test_what_cannot_be_replayed_can_be_ordered(service):
    """The remaining answers are literal ones that a fault can give."""
    for exchange in [one for one in EXCHANGES if one not in REPLAYED]:
        response = exchange["response"]
        at = "poll" if exchange["request"]["method"] == "GET" else "submit"
        service.faults({"at": at, "do": "status", "status": response["status"], "body": response["body"]})
        request = exchange["request"]
        answer = service.call(request["method"], request["path"], key=None, headers=request["headers"])
        assert (answer.status_code, answer.json()) == (response["status"], response["body"])
