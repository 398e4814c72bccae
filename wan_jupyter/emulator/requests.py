"""Read what a request holds, whatever its protocol: the key, the body, a form, the faults ordered for it.

It knows no protocol's words, so a request that cannot be read is None here, and its protocol says so.
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
LARGEST_BODY = 128 * 1024 * 1024  # bytes: the gateways' limit; DashScope documents none (wire sheets, 2026-11-21)


class AnsweredError(Exception):
    """End a request with this answer."""

    def __init__(self, answer: Response) -> None:
        super().__init__(f"HTTP {answer.status_code}")
        self.answer = answer


@dataclass(frozen=True)
class Sent:
    """Hold one file part of a form."""

    name: str
    kind: str
    data: bytes


Part = tuple[str, "str | Sent"]


def bearer(request: Request) -> str:
    """Return the key of the Authorization header, or nothing."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""


async def body_of(request: Request) -> bytes | None:
    """Return the whole body, or None for one that is too large to read to its end."""
    received = bytearray()
    try:
        async for piece in request.stream():
            received += piece
            if len(received) > LARGEST_BODY:
                return None
    except ClientDisconnect:
        return b""
    return bytes(received)


def object_in(body: bytes) -> dict[str, Any] | None:
    """Return the JSON object that a body is, or None; may take a while, so not for the event loop."""
    try:
        sent = json.loads(body, parse_float=_finite, parse_constant=_finite)
    except (ValueError, RecursionError):
        return None
    return sent if isinstance(sent, dict) else None


def _finite(text: str) -> float:
    # Python would take NaN, Infinity and 1e999, which no answer could repeat.
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


async def parts_of(request: Request) -> list[Part] | None:
    """Return the parts of a form, of either kind, in their order, or None for a form that cannot be read."""
    try:
        async with request.form(max_part_size=LARGEST_BODY) as form:
            return [(name, await _part(value)) for name, value in form.multi_items()]
    except (HTTPException, ClientDisconnect):
        return None


async def _part(value: UploadFile | str) -> str | Sent:
    if isinstance(value, str):
        return value
    return Sent(value.filename or "", value.content_type or "", await value.read())


def failure_of(request: Request) -> Refusal | None:
    """Say with what the task of this request was ordered to fail, if it was."""
    fault = ordered(request, "fail_task")
    return Refusal(fault.details["code"], fault.details["message"]) if fault else None


def word_of(request: Request, usual: str) -> str:
    """Give the status word to answer with: the usual one, unless another was ordered."""
    fault = ordered(request, "word")
    return str(fault.details["status"]) if fault else usual


def both(path: str, endpoint: Callable[[Request], Awaitable[Response]], method: str) -> list[BaseRoute]:
    """Make the routes of a path with and without a slash at its end.

    The asynchronous half of Alibaba's SDK adds a slash to everything (wire sheet 7.5, 2026-11-21).
    """
    return [Route(spelling, endpoint, methods=[method]) for spelling in (path, f"{path}/")]
