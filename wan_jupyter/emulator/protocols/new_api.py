"""What the routes of a gateway share: keys, errors, tasks, and their state at the service behind it.

A gateway (new-api, https://github.com/QuantumNous/new-api, code of December 2025 to August 2026, read 2026-11-21) sits
in front of DashScope and repeats what that reported last. `new_api_body` and `ope_videos` read its requests.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from ..clip_spec import ClipOrder, ClipSpec, Refusal
from ..faults import ordered
from ..requests import BAD_KEY, AnsweredError, Part, bearer, body_of, failure_of, object_in, parts_of
from ..result_links import result_link
from ..service import Service
from ..tasks import PENDING_SECONDS, Task, TaskState
from .dashscope_reports import report
from .dashscope_rules import Models
from .new_api_body import CLASSIC, PUBLIC_ID, Generation, new_api
from .ope_videos import ope

GENERATIONS = "video-generations"
VIDEOS = "videos"
BY_NAME: Mapping[str, Generation] = MappingProxyType({"classic": CLASSIC, "public-id": PUBLIC_ID})
# The gateway polls DashScope now and then: during half of the time that a task waits, it has not polled yet.
UNASKED = 0.5
URL_ONLY = Refusal("InvalidURL", "Required URL is missing or invalid, please check the request URL.")
WRONG_PATH: Mapping[str, str] = MappingProxyType(
    {"code": "InvalidParameter", "message": "url error, please check url!"}
)
SEEN_USAGE: Mapping[str, tuple[str, ...]] = MappingProxyType(
    # As a live answer in the Korean documentation of a gateway shows it (December 2025); DashScope's own pages differ.
    {"wan2.5-i2v-preview": ("video_count", "video_duration", "video_ratio")}
)
FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")


@dataclass(frozen=True)
class StateWords:
    """The names of one state: in a gateway's task object, with its progress, and in OpenAI's video object."""

    row: str
    progress: int
    video: str


UNASKED_WORD = StateWords("NOT_START", 0, "queued")
WORDS: Mapping[str, StateWords] = MappingProxyType(
    {
        "PENDING": StateWords("QUEUED", 20, "queued"),
        "RUNNING": StateWords("IN_PROGRESS", 30, "in_progress"),
        "SUCCEEDED": StateWords("SUCCESS", 100, "completed"),
        "FAILED": StateWords("FAILURE", 100, "failed"),
        "CANCELED": StateWords("FAILURE", 100, "failed"),
    }
)


@dataclass(frozen=True)
class Row:
    """A gateway's record of a task; `answer` is what DashScope reported last."""

    task: Task
    state: TaskState
    word: StateWords
    answer: Mapping[str, Any]
    pictured: bool

    @property
    def link(self) -> str:
        """The link to the video, "" if there is none."""
        return str(self.answer["output"].get("video_url", ""))


class GoJSON(JSONResponse):
    """JSON as Go writes it: `&`, `<` and `>` are escaped, so that a search in the raw text finds no link."""

    def render(self, content: Any) -> bytes:
        """Return the content as bytes."""
        text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
        for sign in "&<>":
            text = text.replace(sign, f"\\u{ord(sign):04x}")
        return text.encode()


class Gateway:
    """Creates tasks and reports their state, for every route of the gateway."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.generation = BY_NAME[service.settings.gateway]
        self._models = Models.load()
        plain = new_api(self.generation)
        spoken = plain if service.settings.videos_dialect == "new-api" else ope(self._models)
        self._readings = MappingProxyType({GENERATIONS: plain, VIDEOS: spoken})

    def key(self, request: Request) -> str:
        """Return a request's key, or refuse the request."""
        key = bearer(request)
        if not key:
            raise AnsweredError(middleware_error(401, "", self.generation.no_key))
        if key == BAD_KEY:
            raise AnsweredError(middleware_error(401, "", self.generation.bad_key))
        return key

    async def submit(self, protocol: str, request: Request) -> Task:
        """Create a task, or refuse the request."""
        key, reading = self.key(request), self._readings[protocol]
        received = await self._received(request)
        self._check_channel(received)
        sent = reading.tidied(received)
        problem = reading.refusal(sent)
        if problem is not None:
            raise AnsweredError(task_error(*problem))
        seed = reading.upstream(sent)["parameters"].get("seed")
        public = self.generation.public and reading is self._readings[GENERATIONS]
        task_id = f"task_{uuid.uuid4().hex}" if public else None
        return await self.service.take(
            protocol, sent["model"], sent, key=key, seed=seed, failure=failure_of(request), task_id=task_id
        )

    def find(self, request: Request, *protocols: str, any_owner: bool = False) -> Task | None:
        """Return the task named in the path, if it belongs to one of these protocols and to the key's account."""
        account = self.service.account(self.key(request))
        task = self.service.tasks.get(request.path_params["task_id"])
        if task is None or task.protocol not in protocols:
            return None
        return task if any_owner or task.account == account else None

    async def row(self, request: Request, task: Task) -> Row:
        """Return what the gateway knows of a task now."""
        if self.service.now() < task.ends and (failure := failure_of(request)) is not None:
            await self.service.aside(lambda: self.service.tasks.fail(task, failure))
        state = await self.service.life(task)
        pictured = self._readings[task.protocol].pictured(task.request)
        return Row(task, state, self.word(task, state), await self._answer(request, task, state), pictured)

    def word(self, task: Task, state: TaskState) -> StateWords:
        """Return the names of a task's state."""
        asks = task.created + UNASKED * PENDING_SECONDS / task.speed
        return UNASKED_WORD if state.status == "PENDING" and self.service.now() < asks else WORDS[state.status]

    def order(self, task: Task) -> ClipOrder | Refusal:
        """Return what a task asks for, or why it will fail."""
        behind = self._behind(task)
        frames = (behind.request["input"].get(name) for name in ("first_frame_url", "last_frame_url"))
        if any(isinstance(frame, dict) for frame in frames):
            return URL_ONLY  # per the Korean documentation of a gateway (December 2025): no base64 here
        return self._models.order(behind)

    async def _received(self, request: Request) -> dict[str, Any]:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind in FORMS:
            parts = await parts_of(request)
            received = None if parts is None else _flat(parts)
        elif kind == "application/json":
            body = await body_of(request)
            received = None if body is None else await self.service.aside(lambda: object_in(body))
        else:
            received = {}
        if received is None:
            raise AnsweredError(middleware_error(400, "", "Invalid request, unexpected end of JSON input"))
        return received

    def _check_channel(self, sent: Mapping[str, Any]) -> None:
        model = sent.get("model")
        if not model:
            raise AnsweredError(middleware_error(400, "", "Model name not specified, model name cannot be empty"))
        if not isinstance(model, str):
            raise AnsweredError(middleware_error(400, "", "Invalid request, model is not a string"))
        if model not in self._models.by_id:
            message = f"No available channel for model {model} under group default (distributor)"
            raise AnsweredError(middleware_error(503, "model_not_found", message))
        if self._models.by_id[model].body == "frames" and self.service.settings.strict_paths:
            upstream_body = json.dumps({**WRONG_PATH, "request_id": str(uuid.uuid4())})
            raise AnsweredError(task_error(400, "fail_to_fetch_task", upstream_body))

    def _behind(self, task: Task) -> Task:
        """Return the task as DashScope has it."""
        # Under a public id, DashScope's own id is private; it only has to stay the same.
        own = str(uuid.uuid5(uuid.NAMESPACE_URL, task.task_id)) if task.task_id.startswith("task_") else task.task_id
        body = self._readings[task.protocol].upstream(task.request)
        return replace(task, task_id=own, request=self.service.inputs.set_aside(body))

    async def _answer(self, request: Request, task: Task, state: TaskState) -> dict[str, Any]:
        request_id = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{task.task_id} {state.status}"))
        behind, model = self._behind(task), self._models.by_id[task.model]
        if state.status != "SUCCEEDED":
            return report(model, behind, state, None) | {"request_id": request_id}
        expired = ordered(request, "expired_link") is not None
        link = result_link(self.service, str(request.base_url), task, expired=expired)
        seen = replace(model, usage=SEEN_USAGE.get(model.name, model.usage))
        answered = report(seen, behind, state, link) | {"request_id": request_id}
        plan = await self.service.outcome(task)
        if model.name in SEEN_USAGE and isinstance(plan, ClipSpec):
            answered["usage"]["video_ratio"] = f"{plan.width}*{plan.height}"
        return answered


def answer(content: Any, status: int = 200) -> Response:
    """Return a JSON answer with the gateway's request id."""
    return GoJSON(content, status, {"X-Oneapi-Request-Id": _request_id()})


def middleware_error(status: int, code: str, message: str) -> Response:
    """Return an error of the gateway's outer half, in an `error` object."""
    request_id = _request_id()
    error = {"code": code, "message": f"{message} (request id: {request_id})", "type": "new_api_error"}
    return GoJSON({"error": error}, status, {"X-Oneapi-Request-Id": request_id})


def task_error(status: int, code: str, message: str) -> Response:
    """Return a flat error of the gateway's inner half."""
    return answer({"code": code, "message": message, "data": None}, status)


def invalid_url(request: Request) -> Response:
    """Return the answer for an unknown path."""
    message = f"Invalid URL ({request.method} {request.url.path})"
    return answer({"error": {"message": message, "type": "invalid_request_error", "param": "", "code": ""}}, 404)


async def dashboard(_: Request) -> Response:
    """Return the dashboard's page with HTTP 200, as on every path without /v1."""
    return HTMLResponse("<!doctype html><title>New API</title>")


def submitted(task: Task) -> dict[str, Any]:
    """Return new-api's answer to a create: the beginning of an object in OpenAI's style."""
    public = {"task_id": task.task_id} if task.task_id.startswith("task_") else {}
    return {"id": task.task_id} | public | {
        "object": "video",
        "model": task.model,
        "status": "queued",
        "progress": 0,
        "created_at": int(task.created),
    }  # fmt: skip


def _request_id() -> str:
    return f"{uuid.uuid4().int:039d}"[:25]


def _flat(parts: list[Part]) -> dict[str, Any]:
    """Return a form's text fields as the gateway reads them: files are dropped, a repeated name is a list."""
    found: dict[str, list[str]] = {}
    for name, value in parts:
        if isinstance(value, str):
            found.setdefault(name, []).append(value)
    return {name: values[0] if len(values) == 1 else values for name, values in found.items()}
