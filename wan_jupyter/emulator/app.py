"""Assemble the service: one `Service`, every protocol, result links, the admin routes, the fault middleware.

To add a protocol, write its file and add it to `build`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from .admin_api import AdminApi
from .fault_middleware import FaultMiddleware
from .faults import FaultList
from .ledger import Ledger
from .protocols import openai_videos
from .protocols.dashscope import DashScope, RefusedError, answer_problem
from .protocols.new_api import Gateway, invalid_url
from .protocols.new_api_generations import VideoGenerations
from .protocols.new_api_videos import Videos
from .protocols.openai_videos import OpenAIVideos
from .requests import AnsweredError
from .result_links import Results
from .service import Service
from .settings import Settings

Answerer = Callable[[Request, Exception], Awaitable[Response]]


def build(settings: Settings) -> ASGIApp:
    """Return the app."""
    service = Service(settings)
    faults = FaultList()
    gateway = Gateway(service)
    speakers = (DashScope(service), VideoGenerations(gateway), Videos(gateway), OpenAIVideos(service))
    protocols = [speaker.protocol() for speaker in speakers]
    for protocol in protocols:
        service.learn(protocol)
    results = Results(service)
    points = [*results.points, *(point for each in protocols for point in each.points)]
    ledger = Ledger()
    control = AdminApi(service, faults, ledger.lines)
    routes = [*control.routes, *results.routes, *(route for each in protocols for route in each.routes)]
    problems: Mapping[type, Answerer] = {
        AnsweredError: _answered,
        RefusedError: _refused,
        HTTPException: _nowhere(settings),
    }
    inner = Starlette(routes=routes, exception_handlers=problems)
    inner.router.redirect_slashes = False
    return FaultMiddleware(inner, points, faults, ledger, results.protocol_of, settings.now)


async def _answered(_: Request, error: Exception) -> Response:
    if not isinstance(error, AnsweredError):
        raise error
    return error.answer


async def _refused(request: Request, error: Exception) -> Response:
    return answer_problem(request, error)


def _nowhere(settings: Settings) -> Answerer:
    """Return a handler that answers unknown paths as the protocol that serves the paths beside them."""

    async def answer(request: Request, error: Exception) -> Response:
        own_server = settings.videos_dialect == "openai" and not request.url.path.startswith("/v1/video/")
        if not request.url.path.startswith("/v1"):
            return answer_problem(request, error)
        status = error.status_code if isinstance(error, HTTPException) else 500
        return openai_videos.nowhere(status) if own_server else invalid_url(request)

    return answer
