"""One request with its whole answer, and the driver that runs a protocol's generator over such exchanges.

An exchange has three outcomes:

    answered     an `httpx.Response` of any HTTP status, complete and without the key
    not sent     no connection was made: `not_sent(cause)`; repeating a create is safe
    maybe sent   anything that fails later: `maybe_sent(cause)`; repeating a create might pay twice

A failure is passed on as a value and raised only in `drive` and `downloads`, outside any `except` block: an error
raised inside one would keep httpcore's frames as its context, and these hold the `Authorization` header.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ..errors import LOST_ANSWER, UNREACHED, ConnectionProblem, Problem
from ..protocols.base import Flow, T
from ..security.api_key import Key

if TYPE_CHECKING:
    import httpx

MAX_ANSWER_BYTES = 4 * 1024 * 1024  # API answers are a few kB; more is not one, and must not fill memory
UPLOAD_CHUNK_BYTES = 1 << 17  # how much of a body goes out between two reports of progress


@dataclass(frozen=True, slots=True)
class Exchanger:
    """Sends the requests of one flow, one after the other.

    Attributes:
        http: the connections to use.
        key: removed from answers; some services repeat it in their errors. `http` attaches it to requests.
        timeout_s: seconds for a request and its whole answer; for an upload, for the answer alone.
        on_progress: for uploads: called with the share (0-1) of a request's body that was sent.
    """

    http: httpx.AsyncClient
    key: Key | None
    timeout_s: float
    on_progress: Callable[[float], object] | None = None

    async def drive(self, flow: Flow[T], request: httpx.Request) -> T:
        """Send a flow's first request and every one that it yields after it; return the flow's result.

        Raises:
            ServiceError: from the flow, which judges the answers.
            ConnectionProblem: an exchange failed; the flow is closed.
        """
        try:
            while True:
                outcome = await self._exchange(request)
                if isinstance(outcome, ConnectionProblem):
                    raise outcome
                request = flow.send(outcome)
        except StopIteration as done:
            result: T = done.value
            return result
        finally:
            flow.close()

    async def _exchange(self, request: httpx.Request) -> httpx.Response | ConnectionProblem:
        # httpx's time-outs cover a single read or write each. An upload has no limit as a whole, its answer has one.
        uploads = self._track_upload(request)
        try:
            async with asyncio.timeout(None if uploads else self.timeout_s) as deadline:
                response = await send(self.http, request)
                if isinstance(response, ConnectionProblem):
                    return response
                if uploads:
                    deadline.reschedule(asyncio.get_running_loop().time() + self.timeout_s)
                return await self._complete(response)
        except TimeoutError as late:
            return maybe_sent(late)

    async def _complete(self, response: httpx.Response) -> httpx.Response | ConnectionProblem:
        """Read an answer's body and close the answer."""
        try:
            body = await _read_body(response)
            return body if isinstance(body, ConnectionProblem) else _without_key(response, body, self.key)
        finally:
            await response.aclose()
            self.http.cookies.clear()  # no API here needs cookies, and one may be a secret

    def _track_upload(self, request: httpx.Request) -> bool:
        """Report the progress of a request's body if that is wanted; return whether it is."""
        if self.on_progress is None or not _body_size(request):
            return False
        _report_progress(request, self.on_progress)
        return True


async def send(http: httpx.AsyncClient, request: httpx.Request) -> httpx.Response | ConnectionProblem:
    """Send a request, without following redirects, and return its answer with the body still to be read."""
    import httpx

    try:
        return await http.send(request, stream=True, follow_redirects=False)
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:  # OSError: the in-process emulator drops like this
        return _send_failure(error)
    finally:
        request.headers.pop("Authorization", None)  # nothing that outlives the exchange may hold the key


def _send_failure(error: Exception) -> ConnectionProblem:
    """Classify a failed send: "not sent" only for errors that httpx raises before a request's first byte."""
    import httpx

    # ProxyError: raised while the tunnel is being set up (CONNECT, SOCKS), before anything goes through it.
    before_sending = (
        httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol,
    )  # fmt: skip
    return not_sent(error) if isinstance(error, before_sending) else maybe_sent(error)


def not_sent(cause: Exception) -> ConnectionProblem:
    """Return the error for a request that provably did not reach the service."""
    return ConnectionProblem("service.unreached", problem=_problem(UNREACHED, cause))


def maybe_sent(cause: Exception) -> ConnectionProblem:
    """Return the error for a request without a complete answer: the service may have acted on it."""
    return ConnectionProblem("service.lost", problem=_problem(LOST_ANSWER, cause))


def _problem(code: str, cause: Exception) -> Problem:
    # The exception's type only: its text may hold a URL, and a signed URL is a secret.
    return Problem(code, type(cause).__name__, advice="connection", again=True)


# ---- bodies -------------------------------------------------------------------------------------------------------


def _body_size(request: httpx.Request) -> int:
    return int(request.headers.get("content-length", 0))


def _report_progress(request: httpx.Request, on_progress: Callable[[float], object]) -> None:
    """Make a request's body go out in chunks, with a report after each."""
    import httpx

    body, total = request.stream, _body_size(request)

    class ReportingStream(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            sent = 0
            async for part in body:  # type: ignore[union-attr]
                for start in range(0, len(part), UPLOAD_CHUNK_BYTES):
                    chunk = part[start : start + UPLOAD_CHUNK_BYTES]
                    yield chunk
                    sent += len(chunk)
                    on_progress(sent / total)

    request.stream = ReportingStream()


async def _read_body(response: httpx.Response) -> bytes | ConnectionProblem:
    """Read a body of at most `MAX_ANSWER_BYTES`; a larger or broken one counts as a lost answer."""
    import httpx

    body = bytearray()
    try:
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > MAX_ANSWER_BYTES:
                return maybe_sent(ValueError("the answer is too large"))
    except (httpx.HTTPError, OSError) as broken:
        return maybe_sent(broken)
    return bytes(body)


def _without_key(response: httpx.Response, body: bytes, key: Key | None) -> httpx.Response:
    """Return a complete answer that is safe to keep: every trace of the key is removed.

    Errors may quote a part of the key, so parts are removed from them, too. From other answers only the whole key is:
    there a part of it may be a word of a link.
    """
    import httpx

    headers = [(name, value) for name, value in response.headers.items() if name != "content-encoding"]
    if key is not None:
        strike = partial(key.strike, pieces=response.is_error)
        body = strike(body.decode("latin-1")).encode("latin-1")
        sized = ("content-length", "transfer-encoding")
        headers = [(name, strike(value)) for name, value in headers if name not in sized]
    return httpx.Response(response.status_code, headers=headers, content=body, request=response.request)
