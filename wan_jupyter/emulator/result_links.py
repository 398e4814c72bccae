"""Result links as Alibaba Cloud OSS makes and serves them, for the clips of every protocol.

They are signed, expire after a day, and refuse an Authorization header (https://help.aliyun.com/en/oss/user-guide/0002-00000069
and …/how-to-obtain-oss-resources-by-segmenting-http-range-requests, read 2026-11-21).
"""

from __future__ import annotations

import hmac
import re
import time
import uuid
from collections.abc import AsyncIterator, Mapping
from email.utils import formatdate
from pathlib import Path
from types import MappingProxyType
from urllib.parse import quote, urlencode
from xml.sax.saxutils import escape

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from .clip_spec import ClipSpec
from .faults import ordered
from .service import FaultPoint, Service
from .tasks import Task

LINK_SECONDS = 24 * 3600
ACCESS_KEY_ID = "LTAI5tEmulatedEmulatedXX"
PIECE = 256 * 1024  # bytes read at a time
NO_HEADERS: Mapping[str, str] = MappingProxyType({})
RANGE = re.compile(r"bytes=(\d*)-(\d*)")

# What OSS answers: HTTP status, code and message of its XML, and its own number for the case.
REFUSALS: Mapping[str, tuple[int, str, str, str]] = MappingProxyType(
    {
        "header": (400, "InvalidArgument", "Only one auth mechanism allowed: the header or the query.", ""),
        "unsigned": (403, "AccessDenied", "You have no right to access this object.", "0003-00000001"),
        "expired": (403, "AccessDenied", "Request has expired.", "0002-00000069"),
        "signature": (403, "SignatureDoesNotMatch", "The signature does not match the request.", "0002-00000040"),
        "missing": (404, "NoSuchKey", "The specified key does not exist.", "0026-00000001"),
    }
)


def result_link(service: Service, base_url: str, task: Task, *, expired: bool = False) -> str:
    """Return the link to a task's clip below this base URL; it expires a day after the task ended."""
    expires = int(service.now()) - 60 if expired else int(task.ends) + LINK_SECONDS
    resource = f"/results/{task.task_id}.mp4"
    signature = service.signature(resource, expires)
    query = {"Expires": expires, "OSSAccessKeyId": ACCESS_KEY_ID, "Signature": signature}
    return f"{base_url.rstrip('/')}{resource}?{urlencode(query, quote_via=quote, safe='')}"


class Results:
    """Serves the clips behind the links."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self.routes: list[BaseRoute] = [Route("/results/{name}", self.get, methods=["GET", "HEAD"])]
        self.points = [FaultPoint("content", "GET", "/results/[^/]+")]

    async def get(self, request: Request) -> Response:
        """Return the clip, or the requested part of it."""
        problem = self._problem(request)
        if problem is not None:
            return self._refuse(problem, request)
        task = self._service.tasks.get(request.path_params["name"].removesuffix(".mp4"))
        plan = await self._plan(task) if task else None
        if task is None or plan is None:
            return self._refuse("missing", request)
        path = await self._service.renderer.clip(plan)
        return clip_answer(path, plan.digest, task.ends, request.headers)

    def protocol_of(self, path: str) -> str | None:
        """Return the protocol of the task whose clip is at this path."""
        task = self._service.tasks.get(path.rpartition("/")[2].removesuffix(".mp4"))
        return task.protocol if task else None

    def _problem(self, request: Request) -> str | None:
        query = request.query_params
        if "authorization" in request.headers:
            return "header"
        if not {"Expires", "Signature", "OSSAccessKeyId"} <= set(query):
            return "unsigned"
        if not query["Expires"].isdecimal():
            return "signature"
        expires = int(query["Expires"])
        if expires < self._service.now() or ordered(request, "expired_link"):
            return "expired"
        right = hmac.compare_digest(query["Signature"], self._service.signature(request.url.path, expires))
        # The method is part of what is signed, and the link was signed for GET.
        return None if right and request.method == "GET" else "signature"

    async def _plan(self, task: Task) -> ClipSpec | None:
        if (await self._service.life(task)).status != "SUCCEEDED":
            return None
        outcome = await self._service.outcome(task)
        return outcome if isinstance(outcome, ClipSpec) else None

    def _refuse(self, problem: str, request: Request) -> Response:
        status, code, message, number = REFUSALS[problem]
        more = {}
        if problem == "expired":
            expires = int(request.query_params["Expires"])
            more = {"Expires": _iso(expires), "ServerTime": _iso(self._service.now())}
        return error_xml(status, {"Code": code, "Message": message}, request, more, number)


def error_xml(
    status: int,
    facts: Mapping[str, str],
    request: Request,
    more: Mapping[str, str] = MappingProxyType({}),
    number: str = "",
) -> Response:
    """Return OSS's error body; `number` is OSS's own number of the case, if it has one."""
    named = {**facts, "RequestId": uuid.uuid4().hex[:24].upper(), "HostId": request.url.netloc, **more}
    if number:
        named |= {"EC": number, "RecommendDoc": f"https://api.aliyun.com/troubleshoot?q={number}"}
    headers = {"x-oss-request-id": named["RequestId"]} | ({"x-oss-ec": number} if number else {})
    return Response(_xml(named), status, headers, media_type="application/xml")


def _xml(facts: dict[str, str]) -> str:
    lines = "".join(f"\n  <{name}>{escape(value)}</{name}>" for name, value in facts.items())
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>{lines}\n</Error>\n'


def _iso(moment: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(moment))


def clip_answer(path: Path, digest: str, written: float, asked: Mapping[str, str] = NO_HEADERS) -> Response:
    """Return a clip, or the part of it that the request's headers ask for.

    With If-Range (RFC 9110, section 13.1.5), the part is sent only if the client has the beginning of this very clip.
    """
    size = path.stat().st_size
    etag, date = f'"{digest[:32].upper()}"', formatdate(written, usegmt=True)
    same = asked.get("if-range", etag).strip() in (etag, date)
    part = _part(asked.get("range", ""), size) if same else None
    first, last = part or (0, size - 1)
    headers = {
        "Content-Length": str(last - first + 1),
        "Accept-Ranges": "bytes",
        "ETag": etag,
        "Last-Modified": date,
        "x-oss-request-id": uuid.uuid4().hex[:24].upper(),
    }
    if part is not None:
        headers["Content-Range"] = f"bytes {first}-{last}/{size}"
    status = 206 if part else 200
    return StreamingResponse(_pieces(path, first, last), status, headers, media_type="video/mp4")


def _part(wanted: str, size: int) -> tuple[int, int] | None:
    """Return the bytes that a Range header asks for; None (send all) if malformed or out of range, as OSS does."""
    found = RANGE.fullmatch(wanted.strip())
    if found is None or found.group(0) == "bytes=-":
        return None
    start, end = found.groups()
    first = int(start) if start else max(0, size - int(end))
    last = min(int(end), size - 1) if start and end else size - 1
    in_range = first <= last and (not start or not end or int(end) < size)
    return (first, last) if in_range else None


async def _pieces(path: Path, first: int, last: int) -> AsyncIterator[bytes]:
    position = first
    while position <= last:
        piece = _read(path, position, min(PIECE, last - position + 1))
        position += len(piece)
        yield piece


def _read(path: Path, position: int, count: int) -> bytes:
    # 256 kB from the page cache take less than a millisecond: no thread needed.
    with path.open("rb") as file:
        file.seek(position)
        return file.read(count)
