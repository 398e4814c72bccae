"""A gateway's `/v1/videos`, in the dialect the app was started with: `ope` or `new-api`.

Sources: see `new_api_body`, and ope.ai's Chinese documentation of wan2.7-i2v (https://api-platform.ope.ai, 2026).
OpenAI's own dialect is in `openai_videos`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ..clip_spec import ClipSpec
from ..faults import ordered
from ..requests import both, word_of
from ..result_links import LINK_SECONDS, clip_answer
from ..service import FaultPoint, Protocol
from ..tasks import Task
from .new_api import GENERATIONS, VIDEOS, Gateway, Row, answer, dashboard, submitted, task_error

PATH = "/v1/videos"


class Videos:
    """Answers the requests of this protocol."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._service = gateway.service
        self._dialect = self._service.settings.videos_dialect
        self._known = (GENERATIONS, VIDEOS) if self._dialect == "new-api" else (VIDEOS,)

    def protocol(self) -> Protocol:
        """Return fault points, rules and, if the app speaks this dialect, routes of this protocol."""
        order = self._gateway.order
        if self._dialect == "openai":
            return Protocol(VIDEOS, [], [], order)
        routes: list[BaseRoute] = [
            *both(PATH, self.create, "POST"),
            *both(f"{PATH}/{{task_id}}", self.poll, "GET"),
            *both(f"{PATH}/{{task_id}}/content", self.content, "GET"),
            Route("/videos", dashboard, methods=["GET", "POST"]),
            Route("/videos/{rest:path}", dashboard, methods=["GET"]),
        ]
        points = [
            FaultPoint("submit", "POST", f"{PATH}/?", VIDEOS),
            FaultPoint("poll", "GET", f"{PATH}/[^/]+/?", VIDEOS),
            FaultPoint("content", "GET", f"{PATH}/[^/]+/content/?", VIDEOS),
        ]
        return Protocol(VIDEOS, routes, points, order)

    async def create(self, request: Request) -> Response:
        """Create a task."""
        task = await self._gateway.submit(VIDEOS, request)
        return answer(SUBMITTED[self._dialect](task))

    async def poll(self, request: Request) -> Response:
        """Return a task as a video object."""
        task = self._gateway.find(request, *self._known)
        if task is None:
            return task_error(400, "task_not_exist", "task_not_exist")
        row = await self._gateway.row(request, task)
        shown = SHOWN[self._dialect](row)
        return answer(shown | {"status": word_of(request, shown["status"])})

    async def content(self, request: Request) -> Response:
        """Return a task's whole clip, read from storage; the route ignores Range."""
        any_owner = not self._gateway.generation.public and self._dialect == "new-api"
        task = self._gateway.find(request, GENERATIONS, VIDEOS, any_owner=any_owner)
        if task is None:
            return _refused(404, "Task not found")
        word = self._gateway.word(task, await self._service.life(task)).row
        plan = await self._service.outcome(task) if word == "SUCCESS" else None
        if not isinstance(plan, ClipSpec):
            return _refused(400, f"Task is not completed yet, current status: {word}")
        if ordered(request, "expired_link") or self._service.now() > task.ends + LINK_SECONDS:
            return _refused(502, "Upstream service returned status 403", "server_error")
        clip = clip_answer(await self._service.renderer.clip(plan), plan.digest, task.ends)
        clip.headers["Cache-Control"] = "public, max-age=86400"
        return clip


def _refused(status: int, message: str, kind: str = "invalid_request_error") -> Response:
    return answer({"error": {"message": message, "type": kind}}, status)


def _error(row: Row) -> dict[str, Any]:
    refusal = row.state.refusal
    if refusal is None or not (refusal.code or refusal.message):
        return {}
    return {"error": {"message": refusal.message or "", "code": refusal.code or ""}}


def _new_api_shown(row: Row) -> dict[str, Any]:
    changed = row.state.ended or row.state.scheduled or row.task.created
    return {
        "id": row.task.task_id,
        "object": "video",
        "model": row.task.model,
        "status": row.word.video,
        "progress": row.word.progress,
        "created_at": int(row.task.created),
        "completed_at": int(changed),  # set while it runs, too: it is when the row was last written
        "metadata": {"url": row.link},
    } | _error(row)


def _ope_submitted(task: Task) -> dict[str, Any]:
    shown = _ope_task(task, "QUEUED")
    return shown | {name: task.request[name] for name in ("seconds",) if name in task.request}


def _ope_shown(row: Row) -> dict[str, Any]:
    # The document names four words; none is for a task the gateway has not asked about yet.
    word = "QUEUED" if row.word.row == "NOT_START" else row.word.row
    return _ope_task(row.task, word) | _error(row)


def _ope_task(task: Task, word: str) -> dict[str, Any]:
    return {
        "id": task.task_id,
        "object": "video",
        "status": word,
        "created_at": int(task.created),
        "model": task.model,
        "prompt": task.request["prompt"],
    } | {name: task.request[name] for name in ("size",) if name in task.request}


SUBMITTED: Mapping[str, Callable[[Task], dict[str, Any]]] = MappingProxyType(
    {"ope": _ope_submitted, "new-api": submitted}
)
SHOWN: Mapping[str, Callable[[Row], dict[str, Any]]] = MappingProxyType({"ope": _ope_shown, "new-api": _new_api_shown})
