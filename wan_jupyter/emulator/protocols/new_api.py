"""What the routes of a gateway share: its keys, its errors, the tasks it takes, and how they stand behind it.

A gateway (new-api, or one like it) sits in front of DashScope and tells its clients what that told it last. Facts:
wire sheet of the gateways 1 and 3, of 2026-11-21. How a request is read is in `gateway_body` and `videos_ope`.
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
# The gateway asks behind it only now and then: half of the time a task waits, it has not asked yet.
UNASKED = 0.5
URL_ONLY = Refusal("InvalidURL", "Required URL is missing or invalid, please check the request URL.")
WRONG_PATH: Mapping[str, str] = MappingProxyType(
    {"code": "InvalidParameter", "message": "url error, please check url!"}
)
SEEN_USAGE: Mapping[str, tuple[str, ...]] = MappingProxyType(
    # What the first seed document shows of a live answer, where DashScope's own pages show something else.
    {"wan2.5-i2v-preview": ("video_count", "video_duration", "video_ratio")}
)
FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")


@dataclass(frozen=True)
class StateWords:
    """Hold the words for one state: in a row of the gateway, with its progress, and in OpenAI's object."""

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
    """Hold what the gateway knows of a task: `answer` is what DashScope said last."""

    task: Task
    state: TaskState
    word: StateWords
    answer: Mapping[str, Any]
    pictured: bool

    @property
    def link(self) -> str:
        """Return the link to the video, or nothing."""
        return str(self.answer["output"].get("video_url", ""))


class GoJSON(JSONResponse):
    """JSON as Go writes it: `&`, `<` and `>` are escaped, so that a search in the raw text finds no link."""

    def render(self, content: Any) -> bytes:
        """Write the content."""
        text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
        for sign in "&<>":
            text = text.replace(sign, f"\\u{ord(sign):04x}")
        return text.encode()


class Gateway:
    """Take tasks and tell how they stand, for every route of the gateway."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.generation = BY_NAME[service.settings.gateway]
        self._models = Models.load()
        plain = new_api(self.generation)
        spoken = plain if service.settings.videos_dialect == "new-api" else ope(self._models)
        self._readings = MappingProxyType({GENERATIONS: plain, VIDEOS: spoken})

    def key(self, request: Request) -> str:
        """Return the key of a request, or refuse it."""
        key = bearer(request)
        if not key:
            raise AnsweredError(middleware_error(401, "", self.generation.no_key))
        if key == BAD_KEY:
            raise AnsweredError(middleware_error(401, "", self.generation.bad_key))
        return key

    async def submit(self, protocol: str, request: Request) -> Task:
        """Take a task, or refuse the request at once."""
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
        """Return the task a path names, if it is of these protocols and the key's own."""
        account = self.service.account(self.key(request))
        task = self.service.tasks.get(request.path_params["task_id"])
        if task is None or task.protocol not in protocols:
            return None
        return task if any_owner or task.account == account else None

    async def row(self, request: Request, task: Task) -> Row:
        """Tell what the gateway knows of a task now."""
        if self.service.now() < task.ends and (failure := failure_of(request)) is not None:
            await self.service.aside(lambda: self.service.tasks.fail(task, failure))
        state = await self.service.life(task)
        pictured = self._readings[task.protocol].pictured(task.request)
        return Row(task, state, self.word(task, state), await self._answer(request, task, state), pictured)

    def word(self, task: Task, state: TaskState) -> StateWords:
        """Name the state of a task."""
        asks = task.created + UNASKED * PENDING_SECONDS / task.speed
        return UNASKED_WORD if state.status == "PENDING" and self.service.now() < asks else WORDS[state.status]

    def order(self, task: Task) -> ClipOrder | Refusal:
        """Say what a task asks for, or why it fails once it is looked at."""
        behind = self._behind(task)
        frames = (behind.request["input"].get(name) for name in ("first_frame_url", "last_frame_url"))
        if any(isinstance(frame, dict) for frame in frames):
            return URL_ONLY  # the first seed document: no base64 here
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
            told = json.dumps({**WRONG_PATH, "request_id": str(uuid.uuid4())})
            raise AnsweredError(task_error(400, "fail_to_fetch_task", told))

    def _behind(self, task: Task) -> Task:
        """Give the task as DashScope has it."""
        # Under a public id the service's own id is private; it only has to stay the same.
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
        told = report(seen, behind, state, link) | {"request_id": request_id}
        plan = await self.service.outcome(task)
        if model.name in SEEN_USAGE and isinstance(plan, ClipSpec):
            told["usage"]["video_ratio"] = f"{plan.width}*{plan.height}"
        return told


def answer(content: Any, status: int = 200) -> Response:
    """Answer with JSON and the gateway's request id."""
    return GoJSON(content, status, {"X-Oneapi-Request-Id": _request_id()})


def middleware_error(status: int, code: str, message: str) -> Response:
    """Make the error of the gateway's outer half, in an `error` object."""
    request_id = _request_id()
    error = {"code": code, "message": f"{message} (request id: {request_id})", "type": "new_api_error"}
    return GoJSON({"error": error}, status, {"X-Oneapi-Request-Id": request_id})


def task_error(status: int, code: str, message: str) -> Response:
    """Make the flat error of the gateway's inner half."""
    return answer({"code": code, "message": message, "data": None}, status)


def invalid_url(request: Request) -> Response:
    """Answer for an address nobody serves."""
    message = f"Invalid URL ({request.method} {request.url.path})"
    return answer({"error": {"message": message, "type": "invalid_request_error", "param": "", "code": ""}}, 404)


async def dashboard(_: Request) -> Response:
    """Answer as on every path without /v1: with the page of the dashboard, and HTTP 200."""
    return HTMLResponse("<!doctype html><title>New API</title>")


def submitted(task: Task) -> dict[str, Any]:
    """Make new-api's answer to a create: the start of an object in OpenAI's style."""
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
    """Make an object of a form's texts, as the gateway does: files are dropped, a repeated name is a list."""
    found: dict[str, list[str]] = {}
    for name, value in parts:
        if isinstance(value, str):
            found.setdefault(name, []).append(value)
    return {name: values[0] if len(values) == 1 else values for name, values in found.items()}
