"""OpenAI's videos API as self-hosted servers answer it; `openai_dialects` holds their differences.

Sources: sglang 0.5.23, vllm-omni 0.30.0 and openai-python 3.52.0, run 2026-11-21. One thing no real server does: the
default, vLLM-Omni, accepts JSON here as SGLang does, so that one URL serves any client. No key is needed.
"""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from ..clip_spec import ClipOrder, ClipSpec, Refusal
from ..faults import ordered
from ..rendering.source_images import measure
from ..requests import BAD_KEY, AnsweredError, Sent, bearer, body_of, both, failure_of, object_in, parts_of, word_of
from ..result_links import clip_answer
from ..service import FaultPoint, Protocol, Service
from ..tasks import Task
from .openai_dialects import SERVERS, WORDS, Job
from .openai_rules import Detail, VideoRequest, missing, read

NAME = "openai-videos"
PATH = "/v1/videos"
LOST = (404, "Video not found")


class OpenAIVideos:
    """Answers the requests of this protocol."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._server = SERVERS[service.settings.openai_server]
        self._served = service.settings.served_model

    def protocol(self) -> Protocol:
        """Return fault points, rules and, if the app speaks this dialect, routes of this protocol."""
        if self._service.settings.videos_dialect != "openai":
            return Protocol(NAME, [], [], self._order)
        one = f"{PATH}/{{task_id}}"
        routes: list[BaseRoute] = [
            *both(PATH, self.create, "POST"),
            *both(PATH, self.list, "GET"),
            *both(one, self.retrieve, "GET"),
            *both(one, self.delete, "DELETE"),
            *both(f"{one}/content", self.content, "GET"),
            Route("/v1/models", self.models, methods=["GET"]),
            Route("/health", self.health, methods=["GET"]),
        ]
        points = [
            FaultPoint("submit", "POST", f"{PATH}/?", NAME),
            FaultPoint("list", "GET", f"{PATH}/?", NAME),
            FaultPoint("poll", "GET", f"{PATH}/[^/]+/?", NAME),
            FaultPoint("cancel", "DELETE", f"{PATH}/[^/]+/?", NAME),
            FaultPoint("content", "GET", f"{PATH}/[^/]+/content/?", NAME),
        ]
        return Protocol(NAME, routes, points, self._order)

    async def create(self, request: Request) -> Response:
        """Create a job, after checking its picture."""
        self._check_key(request)
        sent = await self._sent(request)
        wanted = self._wanted(sent)
        if wanted.picture is not None and not isinstance(sent.get("input_reference"), str):
            await self._look(wanted.picture)
        task_id = f"{self._server.prefix}{uuid.uuid4().hex}" if self._server.prefix else None
        task = await self._service.take(
            NAME,
            self._served,
            sent,
            key=bearer(request),
            seed=wanted.seed,
            failure=failure_of(request),
            task_id=task_id,
        )
        return JSONResponse(self._server.shown(await self._job(task)))

    async def list(self, request: Request) -> Response:
        """Return the jobs, newest first by default."""
        self._check_key(request)
        query = request.query_params
        limit = query.get("limit", "20")
        jobs = [task for task in self._service.tasks.all() if task.protocol == NAME and task.deleted is None]
        if query.get("order") != "asc":
            jobs.reverse()
        ids = [task.task_id for task in jobs]
        start = ids.index(query["after"]) + 1 if query.get("after") in ids else 0
        count = int(limit[:3]) if limit.isdecimal() else 20
        page = jobs[start : start + count]
        data = [self._server.shown(await self._job(task)) for task in page]
        ends = {"first_id": data[0]["id"] if data else None, "last_id": data[-1]["id"] if data else None}
        return JSONResponse({"data": data, "object": "list"} | ends | {"has_more": start + count < len(jobs)})

    async def retrieve(self, request: Request) -> Response:
        """Return a job's state."""
        task = self._found(request)
        if self._service.now() < task.ends and (failure := failure_of(request)) is not None:
            await self._service.aside(lambda: self._service.tasks.fail(task, failure))
        job = await self._job(task)
        failed = job.word == "failed" and self._server.failure_status
        shown = self._server.shown(job)
        shown["status"] = word_of(request, shown["status"])
        return JSONResponse(shown, job.failure_status if failed else 200)

    async def delete(self, request: Request) -> Response:
        """Delete a job; whether its work stops depends on the server."""
        task = self._found(request)
        job, now = await self._job(task), self._service.now()
        ended = replace(task, canceled=now) if self._server.stops and now < task.ends else task
        await self._service.aside(lambda: self._service.tasks.delete(ended, now))
        return JSONResponse(self._server.deleted(job))

    async def content(self, request: Request) -> Response:
        """Return the clip, or the requested part of it."""
        task = self._found(request)
        job = await self._job(task)
        if job.word == "failed":
            status, text = self._server.failed_content
            raise _refused((status, text.format(failure=job.failure)))
        plan = await self._service.outcome(task) if job.word == "completed" else None
        if not isinstance(plan, ClipSpec):
            raise _refused((404, "Generation is still in-progress"))
        variant = request.query_params.get("variant", "0")
        if self._server.variants and variant != "0":
            raise _refused((404, f"Video variant {variant} not found"))
        if ordered(request, "expired_link"):
            raise _refused((404, "Video file not found"))
        path = await self._service.renderer.clip(plan)
        clip = clip_answer(path, plan.digest, task.ends, request.headers)
        clip.headers["Content-Disposition"] = f'attachment; filename="{task.task_id}.mp4"'
        return clip

    async def models(self, request: Request) -> Response:
        """Return the one model that is served."""
        self._check_key(request)
        return JSONResponse({"object": "list", "data": [{"id": self._served, "object": "model"}]})

    async def health(self, _: Request) -> Response:
        """Return HTTP 200."""
        return Response()

    def _check_key(self, request: Request) -> None:
        if self._server.keyed and bearer(request) == BAD_KEY:
            raise AnsweredError(JSONResponse({"error": "Unauthorized"}, 401))

    def _found(self, request: Request) -> Task:
        self._check_key(request)
        task = self._service.tasks.get(request.path_params["task_id"])
        if task is None or task.protocol != NAME or task.deleted is not None:
            raise _refused(LOST)
        return task

    async def _sent(self, request: Request) -> dict[str, Any]:
        if request.headers.get("content-type", "").startswith("application/json"):
            body = await body_of(request)
            sent = await self._service.aside(lambda: object_in(body or b"")) or {}
            if not sent.get("prompt"):
                raise _refused((400, "Invalid request body: 1 validation error\nprompt\n  Field required"))
            return sent
        parts = await parts_of(request)
        if parts is None:
            raise _refused((400, "There was an error parsing the body"))
        fields = dict(parts)
        text = fields.get("input_reference")
        if isinstance(text, str) and not self._server.text_picture:
            raise _refused(_not_a_file(text))
        return await self._service.aside(lambda: {name: self._kept(value) for name, value in fields.items()})

    def _kept(self, value: str | Sent) -> Any:
        if isinstance(value, str):
            return value
        digest = self._service.inputs.put(value.data)
        return {"file": value.name, "content_type": value.kind, "length": len(value.data), "sha256": digest}

    def _read(self, sent: dict[str, Any]) -> VideoRequest | Detail:
        return read(sent, self._server.frames, self._server.rate, self._server.references)

    def _wanted(self, sent: dict[str, Any]) -> VideoRequest:
        model = sent.get("model")
        if self._server.exact_model and model and model != self._served:
            said = f"Model mismatch: request specifies '{model}' but server is running '{self._served}'."
            raise _refused((400, said))
        wanted = self._read(sent) if sent.get("prompt") else missing("prompt")
        if isinstance(wanted, tuple):
            raise _refused(wanted)
        return wanted

    async def _look(self, picture: Any) -> None:
        def look() -> str | None:
            digest = self._service.inputs.fetch(self._service.inputs.set_aside(picture))
            if isinstance(digest, Refusal):
                return digest.message
            size = measure(self._service.inputs.path(digest))
            return "not a readable image." if isinstance(size, Refusal) else None

        problem = await self._service.inspect(look)
        if problem is not None:
            raise _refused((400, f"Invalid input_reference: {problem}"))

    def _order(self, task: Task) -> ClipOrder | Refusal:
        wanted = self._read(task.request)
        if isinstance(wanted, tuple):
            return Refusal(str(wanted[0]), str(wanted[1]))
        return wanted.order(task.model)

    async def _job(self, task: Task) -> Job:
        state = await self._service.life(task)
        wanted = self._read(task.request)
        if isinstance(wanted, tuple):
            raise _refused(wanted)
        reached = state.ended or self._service.now()
        share = max(0.0, reached - task.starts) / (task.ends - task.starts)
        return Job(task, state, wanted, WORDS[state.status], min(1.0, share), task.model)


def nowhere(status: int) -> Response:
    """Return FastAPI's answer for an unknown path or method."""
    return JSONResponse({"detail": "Method Not Allowed" if status == 405 else "Not Found"}, status)


def _refused(detail: Detail) -> AnsweredError:
    return AnsweredError(JSONResponse({"detail": detail[1]}, detail[0]))


def _not_a_file(text: str) -> Detail:
    said = "Value error, Expected UploadFile, received: <class 'str'>"
    return 422, [{"type": "value_error", "loc": ["body", "input_reference"], "msg": said, "input": text}]
