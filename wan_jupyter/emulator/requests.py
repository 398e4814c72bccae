"""Read what requests of any protocol hold: the key, the body, a form, faults that apply to them.

A request that cannot be read is None here; each protocol has its own error for it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from .clip_spec import Refusal
from .faults import ordered

BAD_KEY = "bad-key"
MAX_BODY_BYTES = 128 * 1024 * 1024  # new-api's default limit (code of August 2026); DashScope documents none


class AnsweredError(Exception):
    """Ends a request with an answer."""

    def __init__(self, answer: Response) -> None:
        super().__init__(f"HTTP {answer.status_code}")
        self.answer = answer


@dataclass(frozen=True)
class Sent:
    """A file part of a form."""

    name: str
    kind: str
    data: bytes


Part = tuple[str, "str | Sent"]


def bearer(request: Request) -> str:
    """Return the key in the Authorization header, "" if there is none."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""


async def body_of(request: Request) -> bytes | None:
    """Return the whole body, None if it is too large."""
    received = bytearray()
    try:
        async for piece in request.stream():
            received += piece
            if len(received) > MAX_BODY_BYTES:
                return None
    except ClientDisconnect:
        return b""
    return bytes(received)


def object_in(body: bytes) -> dict[str, Any] | None:
    """Return the JSON object in a body, None if it is not one. May take a while: not for the event loop."""
    try:
        sent = json.loads(body, parse_float=_finite, parse_constant=_finite)
    except (ValueError, RecursionError):
        return None
    return sent if isinstance(sent, dict) else None


def _finite(text: str) -> float:
    # Python accepts NaN, Infinity and 1e999, but no JSON answer could repeat them.
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


async def parts_of(request: Request) -> list[Part] | None:
    """Return a form's parts in order, None for a form that cannot be read."""
    try:
        async with request.form(max_part_size=MAX_BODY_BYTES) as form:
            return [(name, await _part(value)) for name, value in form.multi_items()]
    except (HTTPException, ClientDisconnect):
        return None


async def _part(value: UploadFile | str) -> str | Sent:
    if isinstance(value, str):
        return value
    return Sent(value.filename or "", value.content_type or "", await value.read())


def failure_of(request: Request) -> Refusal | None:
    """Return the failure that a fault demands for this request's task, None if there is none."""
    fault = ordered(request, "fail_task")
    return Refusal(fault.details["code"], fault.details["message"]) if fault else None


def word_of(request: Request, usual: str) -> str:
    """Return the status word to answer with: `usual`, unless a fault demands another."""
    fault = ordered(request, "word")
    return str(fault.details["status"]) if fault else usual


def both(path: str, endpoint: Callable[[Request], Awaitable[Response]], method: str) -> list[BaseRoute]:
    """Return a path's routes with and without a slash at its end.

    The asynchronous half of Alibaba's SDK appends a slash to every path (dashscope 2.0.2, run 2026-11-21).
    """
    return [Route(spelling, endpoint, methods=[method]) for spelling in (path, f"{path}/")]
