"""The emulator's own routes, for tests and curious users: the ledger, and faults to inject.

They belong to no protocol and need no key.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from .clip_spec import ClipSpec
from .faults import Fault, FaultList
from .ledger import LoggedRequest
from .service import Service
from .tasks import Task


class AdminApi:
    """Answers `/_emulator/ledger` and `/_emulator/faults`; `lines` returns the requests so far."""

    def __init__(self, service: Service, faults: FaultList, lines: Callable[[], list[LoggedRequest]]) -> None:
        self._service = service
        self._faults = faults
        self._lines = lines
        self.routes: list[BaseRoute] = [
            Route("/_emulator/ledger", self.ledger, methods=["GET"]),
            Route("/_emulator/faults", self.show_faults, methods=["GET"]),
            Route("/_emulator/faults", self.add_faults, methods=["POST"]),
            Route("/_emulator/faults", self.clear_faults, methods=["DELETE"]),
        ]

    async def ledger(self, _: Request) -> Response:
        """Return every task of the folder with its bill, and every request to this app."""
        tasks = [await self._entry(task) for task in self._service.tasks.all()]
        return JSONResponse({"tasks": tasks, "requests": [asdict(line) for line in self._lines()]})

    async def show_faults(self, _: Request) -> Response:
        """Return the faults, each with how often it `fired`."""
        return JSONResponse(self._faults.shown())

    async def add_faults(self, request: Request) -> Response:
        """Add a JSON list of faults; if one is invalid, add none and answer HTTP 400."""
        try:
            asked = await request.json()
            self._faults.add([Fault.read(item) for item in (asked if isinstance(asked, list) else [asked])])
        except (ValueError, TypeError) as problem:
            return JSONResponse({"error": str(problem)}, 400)
        return JSONResponse(self._faults.shown())

    async def clear_faults(self, _: Request) -> Response:
        """Remove all faults."""
        self._faults.clear()
        return JSONResponse([])

    async def _entry(self, task: Task) -> dict[str, Any]:
        state = await self._service.life(task)
        outcome = await self._service.outcome(task) if state.status == "SUCCEEDED" else None
        return {
            "task_id": task.task_id,
            "protocol": task.protocol,
            "model": task.model,
            "status": state.status,
            "billed_seconds": outcome.asked if isinstance(outcome, ClipSpec) else 0,
            "request": task.request,
        }
