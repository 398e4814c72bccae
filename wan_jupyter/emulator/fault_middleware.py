"""The outermost layer: logs every request, and lets faults change requests and answers.

It works on raw ASGI messages, because only there can a connection be dropped. On a port (uvicorn) a drop is real; in
process it is a ConnectionError.
"""

from __future__ import annotations

import asyncio
import json
import re
import uuid
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from email.utils import formatdate
from functools import partial
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .faults import SCOPE_KEY, Fault, FaultList
from .ledger import Ledger, LoggedRequest
from .service import FaultPoint

OWN = "/_emulator/"  # the admin routes are neither logged nor disturbed
HTML = b"<!doctype html><title>Sign in</title><h1>Sign in to the network</h1>"


@dataclass(frozen=True)
class Call:
    """One ASGI call on its way through the middleware; `transport` is None in process."""

    app: ASGIApp
    scope: Scope
    receive: Receive
    send: Send
    transport: asyncio.Transport | None


class FaultMiddleware:
    """Wraps the app. `protocol_of` returns the protocol of a path that several protocols share."""

    def __init__(
        self,
        app: ASGIApp,
        points: Sequence[FaultPoint],
        faults: FaultList,
        ledger: Ledger,
        protocol_of: Callable[[str], str | None],
        now: Callable[[], float],
    ) -> None:
        self._app = app
        self._points = [(re.compile(point.pattern), point) for point in points]
        self._faults = faults
        self._ledger = ledger
        self._protocol_of = protocol_of
        self._now = now

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["path"].startswith(OWN):
            await self._app(scope, receive, send)
            return
        number = self._write_down(scope)

        async def stamped(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._ledger.answered(number, message["status"])
                message = {**message, "headers": [*message["headers"], self._date()]}
            await send(message)

        draw = self._draw(scope)
        fault = draw(ACTS) if draw else None
        # uvicorn's `send` is a method of the object that holds the connection.
        transport = getattr(getattr(send, "__self__", None), "transport", None)
        call = Call(self._app, {**scope, SCOPE_KEY: draw}, receive, stamped, transport)
        act = ACTS.get(fault.do, _pass) if fault else _pass
        await act(call, fault.details if fault else {})

    def _write_down(self, scope: Scope) -> int:
        authorized = any(name == b"authorization" for name, _ in scope["headers"])
        return self._ledger.write(LoggedRequest(scope["method"], scope["path"], None, authorized))

    def _date(self) -> tuple[bytes, bytes]:
        return b"date", formatdate(self._now(), usegmt=True).encode()

    def _draw(self, scope: Scope) -> Callable[[Collection[str]], Fault | None] | None:
        for pattern, point in self._points:
            if point.method == scope["method"] and pattern.fullmatch(scope["path"]):
                protocol = point.protocol or self._protocol_of(scope["path"])
                return partial(self._faults.draw, point.at, protocol)
        return None


async def _pass(call: Call, _: Mapping[str, Any]) -> None:
    await call.app(call.scope, call.receive, call.send)


async def _status(call: Call, details: Mapping[str, Any]) -> None:
    request_id = str(uuid.uuid4())
    body = details["body"]
    if body is None:
        body = {"code": "InternalError", "message": "The emulator was told to.", "request_id": request_id}
    text = body if isinstance(body, str) else json.dumps(body)
    headers = {"content-type": "application/json", "x-request-id": request_id} | {
        name.lower(): str(value) for name, value in details["headers"].items()
    }
    await _answer(call, details["status"], text.encode(), headers)


async def _drop_before(call: Call, _: Mapping[str, Any]) -> None:
    await _cut(call)


async def _drop_after(call: Call, _: Mapping[str, Any]) -> None:
    await _collected(call)
    await _cut(call)


async def _delay(call: Call, details: Mapping[str, Any]) -> None:
    await asyncio.sleep(details["seconds"])
    await _pass(call, details)


async def _truncate(call: Call, details: Mapping[str, Any]) -> None:
    start, body = await _collected(call)
    await call.send(start)
    await call.send({"type": "http.response.body", "body": body[: details["bytes"]], "more_body": True})
    await _cut(call, gently=True)


async def _wrong_length(call: Call, details: Mapping[str, Any]) -> None:
    start, body = await _collected(call)
    await call.send(_with_length(start, len(body) + details["bytes"]))
    on_a_port = call.transport is not None
    await call.send({"type": "http.response.body", "body": body, "more_body": on_a_port})
    if on_a_port:  # uvicorn refuses to end an answer that is shorter than announced
        await _cut(call, gently=True)


async def _html(call: Call, details: Mapping[str, Any]) -> None:
    await _answer(call, details["status"], HTML, {"content-type": "text/html; charset=utf-8"})


async def _bad_json(call: Call, _: Mapping[str, Any]) -> None:
    start, body = await _collected(call)
    half = body[: len(body) // 2]
    await call.send(_with_length(start, len(half)))
    await call.send({"type": "http.response.body", "body": half})


# The kinds missing here (fail_task, word, expired_link) act inside the handlers, which ask for them.
ACTS: Mapping[str, Callable[[Call, Mapping[str, Any]], Awaitable[None]]] = {
    "status": _status,
    "drop_before": _drop_before,
    "drop_after": _drop_after,
    "delay": _delay,
    "truncate": _truncate,
    "wrong_length": _wrong_length,
    "html": _html,
    "bad_json": _bad_json,
}


async def _answer(call: Call, status: int, body: bytes, headers: Mapping[str, str]) -> None:
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    start = {"type": "http.response.start", "status": status, "headers": pairs}
    await call.send(_with_length(start, len(body)))
    await call.send({"type": "http.response.body", "body": body})


async def _collected(call: Call) -> tuple[Message, bytes]:
    """Run the app and return its answer instead of sending it."""
    messages: list[Message] = []

    async def keep(message: Message) -> None:
        messages.append(message)

    await call.app(call.scope, call.receive, keep)
    return messages[0], b"".join(message.get("body", b"") for message in messages[1:])


def _with_length(start: Message, length: int) -> Message:
    others = [(name, value) for name, value in start["headers"] if name.lower() != b"content-length"]
    return {**start, "headers": [*others, (b"content-length", str(length).encode())]}


async def _cut(call: Call, *, gently: bool = False) -> None:
    """Close the connection: at once, or gently after everything written was sent."""
    if call.transport is None:
        raise ConnectionError("the emulator was told to drop this request")
    if gently:
        call.transport.close()
    else:
        call.transport.abort()
    # uvicorn logs an error for a missing answer unless it knows by then that the client is gone.
    while (await call.receive())["type"] != "http.disconnect":
        pass
