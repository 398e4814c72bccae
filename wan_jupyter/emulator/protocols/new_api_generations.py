"""new-api's `/v1/video/generations`: create a task and query it.

Sources: see `new_api_body`, and the Korean documentation of a gateway that runs it (December 2025).
"""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ..requests import both, word_of
from ..service import FaultPoint, Protocol
from .new_api import GENERATIONS, VIDEOS, Gateway, Row, answer, dashboard, submitted, task_error

PATH = "/v1/video/generations"


class VideoGenerations:
    """Answers the requests of this protocol."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        # One gateway, one store: where the other route speaks the same dialect, its tasks are known here too.
        alike = gateway.service.settings.videos_dialect == "new-api"
        self._known = (GENERATIONS, VIDEOS) if alike else (GENERATIONS,)

    def protocol(self) -> Protocol:
        """Return routes, fault points and rules of this protocol."""
        routes: list[BaseRoute] = [
            *both(PATH, self.create, "POST"),
            *both(f"{PATH}/{{task_id}}", self.poll, "GET"),
            Route("/video/generations", dashboard, methods=["GET", "POST"]),
            Route("/video/generations/{task_id}", dashboard, methods=["GET"]),
        ]
        points = [
            FaultPoint("submit", "POST", f"{PATH}/?", GENERATIONS),
            FaultPoint("poll", "GET", f"{PATH}/[^/]+/?", GENERATIONS),
        ]
        return Protocol(GENERATIONS, routes, points, self._gateway.order)

    async def create(self, request: Request) -> Response:
        """Create a task."""
        return answer(submitted(await self._gateway.submit(GENERATIONS, request)))

    async def poll(self, request: Request) -> Response:
        """Return a task's state, with HTTP 200 even if it failed."""
        task = self._gateway.find(request, *self._known)
        if task is None:
            return task_error(400, "task_not_exist", "task_not_exist")
        row = await self._gateway.row(request, task)
        data = _row(row) | {"status": word_of(request, row.word.row)}
        if self._gateway.generation.public:
            data = _public(row, data)
        return answer({"code": "success", "message": "", "data": data})


def _row(row: Row) -> dict[str, Any]:
    return {
        "task_id": row.task.task_id,
        "action": "generate" if row.pictured else "textGenerate",
        "status": row.word.row,
        "fail_reason": _reason(row) or row.link,
        "submit_time": int(row.task.created),
        "start_time": int(row.state.scheduled or 0),
        "finish_time": int(row.state.ended or 0),
        "progress": f"{row.word.progress}%",
        "data": _sorted(row.answer),
    }


def _public(row: Row, data: dict[str, Any]) -> dict[str, Any]:
    """Add what the newer generation reports: the link has its own field, which a failure fills with its reason."""
    reason = _reason(row)
    moved = {"fail_reason": reason} | ({"result_url": row.link or reason} if row.link or reason else {})
    known = {
        "id": int(row.task.created) % 100_000,
        "created_at": int(row.task.created),
        "updated_at": int(row.state.ended or row.state.scheduled or row.task.created),
        "platform": "17",
        "user_id": 1,
        "group": "default",
        "channel_id": 1,
        "quota": 250000,
        "properties": {"input": "", "upstream_model_name": row.task.model, "origin_model_name": row.task.model},
    }
    return known | data | moved


def _reason(row: Row) -> str:
    refusal = row.state.refusal
    if row.word.row != "FAILURE" or refusal is None or not (refusal.code or refusal.message):
        return "task failed" if row.word.row == "FAILURE" else ""
    return f"task failed, code: {refusal.code or ''} , message: {refusal.message or ''}"


def _sorted(value: Any) -> Any:
    """Return a value with keys sorted, as Go writes a map."""
    if isinstance(value, dict):
        return {name: _sorted(value[name]) for name in sorted(value)}
    return value
