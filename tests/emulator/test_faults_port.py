"""Every fault at every place it can be ordered for, on a port: what arrives, and what the service did all the same."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator, Mapping
from itertools import product
from typing import Any

import httpx
import pytest

from wan_jupyter.emulator.faults import KINDS, PLACES

from .service import GENERAL, data_uri, picture
from .test_port import HEADERS, Port, start
from .test_uploads import MODEL, fields

TASKS = "/api/v1/tasks"
POLICY = f"/api/v1/uploads?action=getPolicy&model={MODEL}"
CUT = (httpx.RemoteProtocolError, httpx.ReadError)


class Steps:
    """One request for each place where faults act, and whether the service did what it asks for."""

    def __init__(self, port: Port) -> None:
        self.port, self.http = port, port.client
        self.task = self.link = ""
        self.given: Mapping[str, Any] = {}

    def create(self, link: str = "", **how: Any) -> httpx.Response:
        inputs = {"img_url": link or data_uri(picture()), "prompt": "p"}
        body = {"model": MODEL, "input": inputs, "parameters": {"resolution": "720P", "duration": 2}}
        headers = HEADERS | {"X-DashScope-OssResourceResolve": "enable"}
        return self.http.post(GENERAL, json=body, headers=headers, **how)

    def prepare(self, at: str) -> None:
        """Have what the request of a place is about."""
        if at in ("poll", "cancel", "list", "content"):
            self.task = self.create().json()["output"]["task_id"]
        if at == "upload":
            self.given = self.http.get(POLICY, headers=HEADERS).json()["data"]
        if at == "content":
            self.link = self.output("video_url")["video_url"]
        self.tasks = self.ledger()

    def send(self, at: str, **how: Any) -> httpx.Response:
        """Send the request of a place."""
        task = f"{TASKS}/{self.task}"
        requests: Mapping[str, Callable[[], httpx.Response]] = {
            "submit": lambda: self.create(**how),
            "poll": lambda: self.http.get(task, headers=HEADERS, **how),
            "cancel": lambda: self.http.post(f"{task}/cancel", headers=HEADERS, **how),
            "list": lambda: self.http.get(TASKS, headers=HEADERS, **how),
            "policy": lambda: self.http.get(POLICY, headers=HEADERS, **how),
            "upload": lambda: self.http.post(self.given["upload_host"], files=self._form(), **how),
            "content": lambda: self.http.get(self.link, **how),
        }
        return requests[at]()

    def did(self, at: str) -> bool | None:
        """Tell whether the service did what the request of a place asks for; None where it changes nothing."""
        if at == "upload":  # a task that names the file fails unless it is there
            self.task = self.create(f"oss://{self.given['upload_dir']}/cat.png").json()["output"]["task_id"]
            return "code" not in self.output("code", "video_url")
        if at == "cancel":
            return self.ledger()[self.task] == "CANCELED"
        return len(self.ledger()) > len(self.tasks) if at == "submit" else None

    def output(self, *keys: str) -> dict[str, Any]:
        """Poll until the answer has one of these keys."""
        while True:
            output: dict[str, Any] = self.http.get(f"{TASKS}/{self.task}", headers=HEADERS).json()["output"]
            if set(keys) & set(output):
                return output

    def ledger(self) -> dict[str, str]:
        tasks = self.http.get("/_emulator/ledger").json()["tasks"]
        return {task["task_id"]: task["status"] for task in tasks}

    def _form(self) -> dict[str, Any]:
        parts: dict[str, Any] = {name: (None, value) for name, value in fields(dict(self.given)).items()}
        return parts | {"file": ("cat.png", picture(), "image/png")}


@pytest.fixture(scope="module")
def ports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Port]]:
    """Two services: one whose tasks are done at once, one whose tasks wait for ever."""
    made = {name: start(tmp_path_factory.mktemp(name), "--speed", name) for name in ("1000", "0.001")}
    yield made
    for port in made.values():
        port.client.close()
        port.stop(signal.SIGTERM)


@pytest.fixture
def steps(ports: dict[str, Port], at: str) -> Iterator[Steps]:
    made = Steps(ports["0.001" if at == "cancel" else "1000"])
    made.prepare(at)
    yield made
    made.http.delete("/_emulator/faults")


# ---- what arrives ---------------------------------------------------------------------------------------------------


def a_status(steps: Steps, at: str) -> None:
    """The status, its headers, and nothing done."""
    steps.port.faults({"at": at, "do": "status", "status": 429, "headers": {"Retry-After": "3"}})
    answer = steps.send(at)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "3")
    assert not steps.did(at)


def a_drop_before(steps: Steps, at: str) -> None:
    """No answer, and nothing done."""
    steps.port.faults({"at": at, "do": "drop_before"})
    with pytest.raises(CUT):
        steps.send(at)
    assert not steps.did(at)


def a_drop_after(steps: Steps, at: str) -> None:
    """No answer, and all done."""
    steps.port.faults({"at": at, "do": "drop_after"})
    with pytest.raises(CUT):
        steps.send(at)
    assert steps.did(at) in (True, None)


def a_delay(steps: Steps, at: str) -> None:
    """Not even the headers come; whoever waits longer has the usual answer."""
    steps.port.faults({"at": at, "do": "delay", "seconds": 3600})
    with pytest.raises(httpx.ReadTimeout):
        steps.send(at, timeout=httpx.Timeout(20, read=0.2))
    assert not steps.did(at)
    steps.port.faults({"at": at, "do": "delay", "seconds": 0.01})
    assert steps.send(at).status_code == 200


def a_truncation(steps: Steps, at: str) -> None:
    """The answer breaks off before its length; what was asked for is done."""
    steps.port.faults({"at": at, "do": "truncate", "bytes": 10})
    with pytest.raises(CUT):
        steps.send(at)
    assert steps.did(at) in (True, None)


def a_wrong_length(steps: Steps, at: str) -> None:
    """All of the answer comes, and more was promised."""
    steps.port.faults({"at": at, "do": "wrong_length", "bytes": 10})
    with pytest.raises(CUT):
        steps.send(at)
    assert steps.did(at) in (True, None)


def some_html(steps: Steps, at: str) -> None:
    """A page of somebody's in between, with the status that was ordered, and nothing done."""
    steps.port.faults({"at": at, "do": "html", "status": 200})
    answer = steps.send(at)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert not steps.did(at)


def half_an_answer(steps: Steps, at: str) -> None:
    """Half of it, with a length that fits."""
    steps.port.faults({"at": at, "do": "bad_json"})
    answer = steps.send(at)
    assert len(answer.content) == int(answer.headers["content-length"])
    with pytest.raises(ValueError):
        json.loads(answer.content)
    assert steps.did(at) in (True, None)


def an_expired_link(steps: Steps, at: str) -> None:
    """On a poll the link is dead when it comes; at the storage a good one counts as dead."""
    steps.port.faults({"at": at, "do": "expired_link"})
    link = steps.link or steps.output("video_url")["video_url"]
    assert "Request has expired." in steps.http.get(link).text


def a_failing_task(steps: Steps, at: str) -> None:
    """The task fails for the reason that was ordered, and is not billed."""
    steps.port.faults({"at": at, "do": "fail_task", "code": "InternalError.Algo", "message": "Sorry."})
    if at == "submit":
        steps.task = steps.create().json()["output"]["task_id"]
    assert steps.output("code", "video_url")["code"] == "InternalError.Algo"
    tasks = steps.http.get("/_emulator/ledger").json()["tasks"]
    assert next(task for task in tasks if task["task_id"] == steps.task)["billed_seconds"] == 0


def a_word(steps: Steps, at: str) -> None:
    """The state is whatever was ordered, once."""
    steps.port.faults({"at": at, "do": "word", "status": "SUSPENDED"})
    words = [steps.send(at).json()["output"]["task_status"] for _ in range(2)]
    assert (words[0], words[1] != "SUSPENDED") == ("SUSPENDED", True)


EFFECTS: Mapping[str, Callable[[Steps, str], None]] = {
    "status": a_status,
    "drop_before": a_drop_before,
    "drop_after": a_drop_after,
    "delay": a_delay,
    "truncate": a_truncation,
    "wrong_length": a_wrong_length,
    "html": some_html,
    "bad_json": half_an_answer,
    "expired_link": an_expired_link,
    "fail_task": a_failing_task,
    "word": a_word,
}
# Faults of what a task or a link says act where it is said; an empty answer has nothing that could be cut off. A task
# that is done at once cannot be failed on a poll: that is tried on a clock of its own, in `test_faults`.
ONLY_AT = {"expired_link": ("poll", "content"), "fail_task": ("submit",), "word": ("poll",)}
NOT_AT = {"truncate": ("upload",), "bad_json": ("upload",)}


def pairs() -> list[tuple[str, str]]:
    """Return every kind of fault with every place where it has an effect."""
    return [
        (kind, at)
        for kind, at in product(KINDS, PLACES)
        if at in ONLY_AT.get(kind, PLACES) and at not in NOT_AT.get(kind, ())
    ]


@pytest.mark.parametrize(("kind", "at"), pairs())
def test_every_fault_acts_at_every_place(steps: Steps, kind: str, at: str) -> None:
    """What is promised of it arrives, and it is counted as fired."""
    EFFECTS[kind](steps, at)
    assert all(fault["fired"] for fault in steps.http.get("/_emulator/faults").json())
