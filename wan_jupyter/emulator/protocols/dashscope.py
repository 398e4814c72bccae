"""Alibaba Cloud Model Studio's own API (DashScope): create, query, cancel and list tasks.

Sources: https://www.alibabacloud.com/help/en/model-studio/image-to-video-general-api-reference and
…/manage-asynchronous-tasks, and the SDK dashscope 2.0.2, read and run 2026-11-21. What a request means, and the
refusals that show up only on a poll, are in `dashscope_rules`.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from ..faults import ordered
from ..oss_uploads import SINK, Uploads
from ..requests import BAD_KEY, bearer, body_of, both, failure_of, object_in, word_of
from ..result_links import result_link
from ..service import FaultPoint, Protocol, Service
from ..tasks import Task, TaskState
from .dashscope_reports import CHINA, report
from .dashscope_rules import Model, Models

NAME = "dashscope"
BASE = "/api/v1"
GENERAL = f"{BASE}/services/aigc/video-generation/video-synthesis"  # most models
FRAMES = f"{BASE}/services/aigc/image2video/video-synthesis"  # first-and-last-frame models (kf2v)
TASK_RETENTION_S = 24 * 3600.0  # for so long, a task can be queried


@dataclass(frozen=True)
class Problem:
    """An error answer: HTTP status, code and message."""

    status: int
    code: str
    message: str


class RefusedError(Exception):
    """Ends a request with an error answer."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


NO_KEY = Problem(401, "InvalidApiKey", "No API-key provided.")
WRONG_KEY = Problem(401, "InvalidApiKey", "Invalid API-key provided.")
NOT_ASYNC = Problem(403, "AccessDenied", "current user api does not support synchronous calls.")
NOT_JSON = Problem(400, "BadRequest.IllegalInput", "The request body is not a JSON object.")
NO_MODEL = Problem(400, "BadRequest.EmptyModel", 'Required parameter "model" missing or invalid.')
NO_INPUT = Problem(400, "BadRequest.EmptyInput", 'Required parameter "input" missing or invalid.')
NOT_FOUND = Problem(404, "ModelNotFound", "Model can not be found.")
WRONG_PATH = Problem(400, "InvalidParameter", "url error, please check url!")
TOO_LARGE = Problem(400, "BadRequest.TooLarge", "Payload Too Large.")
NOT_PENDING = Problem(
    400,
    "UnsupportedOperation",
    "Failed to cancel the task, please confirm if the task is in PENDING status.",
)
BAD_FILTER = Problem(400, "InvalidParameter", "Required parameter(s) missing or invalid, please check them.")


class DashScope:
    """Answers the requests of this protocol."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._models = Models.load()
        self._uploads = Uploads(service)

    def protocol(self) -> Protocol:
        """Return routes, fault points and rules of this protocol."""
        tasks = f"{BASE}/tasks"
        routes: list[BaseRoute] = [
            *both(GENERAL, self.create, "POST"),
            *both(FRAMES, self.create, "POST"),
            *both(tasks, self.list, "GET"),
            *both(f"{tasks}/{{task_id}}", self.poll, "GET"),
            *both(f"{tasks}/{{task_id}}/cancel", self.cancel, "POST"),
            *both(f"{BASE}/uploads", self.policy, "GET"),
            *self._uploads.routes,
        ]
        points = [
            FaultPoint("submit", "POST", f"{BASE}/services/aigc/.+", NAME),
            FaultPoint("list", "GET", f"{tasks}/?", NAME),
            FaultPoint("poll", "GET", f"{tasks}/[^/]+/?", NAME),
            FaultPoint("cancel", "POST", f"{tasks}/[^/]+/cancel/?", NAME),
            FaultPoint("policy", "GET", f"{BASE}/uploads/?", NAME),
            FaultPoint("upload", "POST", f"{SINK}(/.*)?", NAME),
        ]
        return Protocol(NAME, routes, points, self._models.order)

    async def create(self, request: Request) -> Response:
        """Create a task; most of what is wrong with a request shows up only on a later poll."""
        key = _key(request)
        if request.headers.get("x-dashscope-async") != "enable":
            raise RefusedError(NOT_ASYNC)
        sent = await self._sent(request)
        model = self._model(sent, request.url.path.rstrip("/"))
        uploads = await self._service.aside(lambda: self._uploads.named_in(request, sent, model.name, key))
        task = await self._service.take(
            NAME, model.name, sent, key=key, seed=_seed(sent), failure=failure_of(request), uploads=uploads
        )
        return _answer({"output": {"task_status": "PENDING", "task_id": task.task_id}})

    async def poll(self, request: Request) -> Response:
        """Return a task's state; an unknown, expired or foreign one is UNKNOWN, with HTTP 200."""
        account, task_id = self._service.account(_key(request)), request.path_params["task_id"]
        task = self._own(task_id, account)
        if task is None:
            return _answer({"output": {"task_id": task_id, "task_status": "UNKNOWN"}})
        if self._service.now() < task.ends and (failure := failure_of(request)) is not None:
            await self._service.aside(lambda: self._service.tasks.fail(task, failure))
        state = await self._service.life(task)
        link = self._link(request, task) if state.status == "SUCCEEDED" else None
        body = report(self._models.by_id[task.model], task, state, link)
        body["output"]["task_status"] = word_of(request, state.status)
        return _answer(body)

    async def cancel(self, request: Request) -> Response:
        """Cancel a task that is still PENDING; no other can be stopped."""
        task = self._own(request.path_params["task_id"], self._service.account(_key(request)))
        if task is None or (await self._service.life(task)).status != "PENDING":
            raise RefusedError(NOT_PENDING)
        await self._service.aside(lambda: self._service.tasks.cancel(task, self._service.now()))
        return _answer({})

    async def list(self, request: Request) -> Response:
        """Return one page of the account's tasks of the last 24 hours, newest first."""
        account = self._service.account(_key(request))
        asked = _Filter.read(request)
        tasks = [task for task in self._service.tasks.all() if self._fresh(task, account) and asked.takes(task)]
        rows = [_row(task, await self._service.life(task)) for task in reversed(tasks)]
        return _answer(asked.page([row for row in rows if asked.status in (None, row["status"])]))

    async def policy(self, request: Request) -> Response:
        """Return where, and with which fields, a file for a model can be uploaded in the next five minutes."""
        key, model = _key(request), request.query_params.get("model")
        if request.query_params.get("action") != "getPolicy" or not model:
            raise RefusedError(BAD_FILTER)
        return _answer({"data": self._uploads.policy(str(request.base_url), self._service.account(key), model)})

    async def _sent(self, request: Request) -> dict[str, Any]:
        body = await body_of(request)
        if body is None:
            raise RefusedError(TOO_LARGE)
        sent = await self._service.aside(lambda: object_in(body))
        if sent is None:
            raise RefusedError(NOT_JSON)
        return sent

    def _model(self, sent: dict[str, Any], path: str) -> Model:
        name = sent.get("model")
        if not isinstance(name, str) or not name:
            raise RefusedError(NO_MODEL)
        if not isinstance(sent.get("input"), dict):
            raise RefusedError(NO_INPUT)
        model = self._models.by_id.get(name)
        if model is None:
            raise RefusedError(NOT_FOUND)
        on_frames, wants_frames = path == FRAMES, model.body == "frames"
        if on_frames > wants_frames or (wants_frames > on_frames and self._service.settings.strict_paths):
            raise RefusedError(WRONG_PATH)
        return model

    def _own(self, task_id: str, account: str) -> Task | None:
        task = self._service.tasks.get(task_id)
        return task if task is not None and self._fresh(task, account) else None

    def _fresh(self, task: Task, account: str) -> bool:
        age = self._service.now() - task.created
        return task.protocol == NAME and task.account == account and age <= TASK_RETENTION_S

    def _link(self, request: Request, task: Task) -> str:
        expired = ordered(request, "expired_link") is not None
        return result_link(self._service, str(request.base_url), task, expired=expired)


def answer_problem(_: Request, error: Exception) -> Response:
    """Return the flat error body of this API for a refusal or an unknown path."""
    if isinstance(error, RefusedError):
        return _answer({"code": error.problem.code, "message": error.problem.message}, error.problem.status)
    status = error.status_code if isinstance(error, HTTPException) else 500
    return _answer({"code": "NotFound", "message": "The requested resource could not be found."}, status)


def _answer(content: dict[str, Any], status: int = 200) -> Response:
    request_id = str(uuid.uuid4())
    return JSONResponse({"request_id": request_id} | content, status, {"x-request-id": request_id})


def _key(request: Request) -> str:
    key = bearer(request)
    if not key:
        raise RefusedError(NO_KEY)
    if key == BAD_KEY:
        raise RefusedError(WRONG_KEY)
    return key


def _seed(sent: dict[str, Any]) -> int | None:
    parameters = sent.get("parameters")
    seed = parameters.get("seed") if isinstance(parameters, dict) else None
    return seed if isinstance(seed, int) else None


@dataclass(frozen=True)
class _Filter:
    """The query of a list request; times are in epoch seconds."""

    task_id: str | None
    model: str | None
    status: str | None
    after: float
    before: float
    number: int
    size: int

    @classmethod
    def read(cls, request: Request) -> _Filter:
        query = request.query_params
        try:
            return cls(
                query.get("task_id") or None,
                query.get("model_name") or None,
                query.get("status") or None,
                _stamp(query.get("start_time"), 0.0),
                _stamp(query.get("end_time"), float("inf")),
                max(1, int(query.get("page_no") or 1)),
                max(1, int(query.get("page_size") or 10)),
            )
        except ValueError:
            raise RefusedError(BAD_FILTER) from None

    def takes(self, task: Task) -> bool:
        in_time = self.after <= task.created <= self.before
        return in_time and self.task_id in (None, task.task_id) and self.model in (None, task.model)

    def page(self, rows: list[dict[str, Any]]) -> dict[str, Any]:
        first = (self.number - 1) * self.size
        return {
            "total": len(rows),
            "total_page": -(-len(rows) // self.size),
            "page_no": self.number,
            "page_size": self.size,
            "data": rows[first : first + self.size],
        }


def _stamp(text: str | None, default: float) -> float:
    return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=CHINA).timestamp() if text else default


def _row(task: Task, state: TaskState) -> dict[str, Any]:
    family = "image2video" if "kf2v" in task.model else "video-generation"
    times = {"gmt_create": task.created, "start_time": state.scheduled, "end_time": state.ended}
    return {
        "api_key_id": task.account[:8],
        "caller_parent_id": task.account[8:24],
        "caller_uid": task.account[8:24],
        "region": "emulator",
        "request_id": task.task_id,
        "status": state.status,
        "task_id": task.task_id,
        "user_api_unique_key": f"apikey:v1:aigc:{family}:video-synthesis:{task.model}",
        "model_name": task.model,
    } | {name: round(moment * 1000) for name, moment in times.items() if moment is not None}
