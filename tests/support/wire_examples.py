"""What the tests of the wire share: the literal exchanges, how a flow is answered, and answers of any kind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import strategies as st

from wan_jupyter.errors import Problem, ServiceError
from wan_jupyter.protocols.base import Flow
from wan_jupyter.status import Snapshot, Status

FOLDER = Path(__file__).parents[1] / "wire"


class Wire:
    """The literal exchanges of one protocol."""

    def __init__(self, name: str) -> None:
        self.rows: list[dict[str, Any]] = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))["exchanges"]

    def one(self, name: str) -> dict[str, Any]:
        return next(row for row in self.rows if row["name"] == name)

    def answer(self, name: str) -> httpx.Response:
        return response_of(self.one(name)["response"])

    def body(self, name: str) -> Any:
        return self.one(name)["response"]["body"]

    def polls(self, route: str) -> list[Any]:
        """Return every answered query of a task as a test parameter."""
        rows = [row for row in self.rows if row["request"]["method"] == "GET"]
        rows = [row for row in rows if row["request"]["path"].startswith(f"{route}/")]
        return [pytest.param(row, id=row["name"]) for row in rows if "/content" not in row["request"]["path"]]

    def creates(self) -> list[Any]:
        return [pytest.param(row, id=row["name"]) for row in self.rows if row["request"]["method"] == "POST"]


def response_of(said: dict[str, Any]) -> httpx.Response:
    body = said["body"]
    content = {"text": body} if isinstance(body, str) else {"json": body}
    return httpx.Response(said["status"], headers=said.get("headers"), **content)  # type: ignore[arg-type]


def outcome(flow: Flow[Any], response: httpx.Response) -> Any:
    """Return what a flow makes of an answer: its value, or our own error; anything else goes through."""
    next(flow)
    try:
        second = flow.send(response)
    except StopIteration as done:
        return done.value
    except ServiceError as error:
        return error
    raise AssertionError(f"a second request: {second}")


def answer(flow: Flow[Any], response: httpx.Response) -> Any:
    found = outcome(flow, response)
    assert not isinstance(found, ServiceError), found
    return found


def problem(flow: Flow[Any], response: httpx.Response) -> Problem:
    found = outcome(flow, response)
    assert isinstance(found, ServiceError), found
    return found.problem


def unsent(flow: Flow[Any]) -> Any:
    """Return the value of a flow that sends nothing."""
    with pytest.raises(StopIteration) as done:
        next(flow)
    return done.value.value


def first(flow: Flow[Any]) -> httpx.Request:
    sent = next(flow)
    flow.close()
    return sent


def check_state(found: Snapshot, remote_id: str) -> None:
    """Whatever was said, what is made of it fits the journal and the rules of a job's life."""
    assert (found.remote_id, found.result is not None) == (remote_id, found.status is Status.DOWNLOADING)
    assert found.problem is not None or found.status not in (Status.FAILED, Status.EXPIRED)
    assert found.progress is None or 0 < found.progress < 1
    json.dumps([dict(found.usage), dict(found.facts), found.word]).encode()
    found.word.encode()


# ---- answers of any kind ------------------------------------------------------------------------------------------

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
LINKS = st.sampled_from(["https://store/a.mp4", "http://[::1", "https://a:99999/", "ftp://x", "//x", "https://\u0000/"])
HUGE = (b"<!doctype html><h1>Sign in</h1>", b"[" * 100_000, b'{"data":' * 50_000, b"null", b"9" * 5000, b"\xff\xfe{}")
STATUSES = st.sampled_from([200, 200, 200, 201, 204, 301, 400, 401, 404, 409, 429, 500, 503])
HEADERS = st.dictionaries(
    st.sampled_from(["retry-after", "date", "content-type", "openai-poll-after-ms"]), st.text(max_size=30)
)


def objects(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects with some of these fields, each of its own kind or of any."""
    return st.fixed_dictionaries({}, optional={name: kind | ANYTHING for name, kind in fields.items()})


def answers(bodies: st.SearchStrategy[Any]) -> st.SearchStrategy[httpx.Response]:
    """Answers with such bodies, with any other JSON, and with any bytes."""
    content = st.binary(max_size=200) | (bodies | ANYTHING).map(lambda body: json.dumps(body).encode())
    return st.builds(made_response, STATUSES, HEADERS, content)


def made_response(status: int, headers: dict[str, str], body: bytes) -> httpx.Response:
    """Return a response with any bytes in headers and body."""
    raw = [(name.encode(), value.encode("utf-8", "replace")) for name, value in headers.items()]
    return httpx.Response(status, headers=raw, content=body)


def cut(whole: Any) -> list[httpx.Response]:
    """Return an answer cut off in many places."""
    text = json.dumps(whole).encode()
    return [httpx.Response(200, content=text[:end]) for end in range(0, len(text), 7)]
