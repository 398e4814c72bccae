"""The HTTP client of one session: which connections a flow uses, and where the key may go.

`exchange` sends single requests, `downloads` streams files. Nothing here repeats a request: `scheduling.retry` decides
what may be repeated.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from ..errors import OptionError, ServiceError, SettingsError
from ..protocols.base import KEYLESS, Download, Flow, T
from ..protocols.http_ranges import NOTHING, PartialFile, accepted_statuses, range_headers
from ..scheduling import retry
from ..security.api_key import Key
from ..security.sanitize import one_line
from ..security.urls import is_loopback, origin_of
from .downloads import follow, storage_problem
from .exchange import Exchanger

if TYPE_CHECKING:
    import ssl

    import httpx

TIMEOUT_S = retry.CREATE_TIMEOUT_S
CONNECT_TIMEOUT_S, READ_TIMEOUT_S, WRITE_TIMEOUT_S = 10.0, 60.0, 300.0  # of one connection attempt, read or write


class Client:
    """Sends the requests of one session. Use and `close` it on the background loop."""

    def __init__(self, origin: str, key: Key | None, app: Any = None, timeout_s: float = TIMEOUT_S) -> None:
        """Make a client; no connection is opened yet.

        Args:
            origin: the only origin (scheme, host and port) that the key is sent to.
            key: signs requests to `origin`; None where the service needs none.
            app: an ASGI application that answers in process instead of the network (the emulator).
            timeout_s: seconds for a request and its whole answer, however steadily it arrives; for an upload, for the
                answer alone.
        """
        self._origin, self._key, self._app, self._timeout_s = origin, key, app, timeout_s
        self._pool: httpx.AsyncClient | None = None
        self._certificates: ssl.SSLContext | None = None

    async def run(self, flow: Flow[T]) -> T:
        """Drive a flow that creates nothing (poll, cancel, list) over pooled connections.

        Raises:
            ServiceError: the service answered with an error.
            ConnectionProblem: no answer.
            SettingsError: the environment's proxy or certificates cannot be used; nothing was sent.
        """
        pool = await self._pooled()
        try:
            request = next(flow)
        except StopIteration as done:  # nothing to send, for instance where a service has no cancel
            result: T = done.value
            return result
        return await self._exchanger(pool).drive(flow, request)

    async def create(self, flow: Flow[T], commit: Callable[[], Awaitable[object]]) -> T:
        """Drive a flow that creates a task, over a connection of its own.

        A pooled connection that the server has just closed would look like a lost answer, and leave the job uncertain.

        Args:
            flow: builds the request; if that fails, it fails before `commit`.
            commit: awaited when everything is ready, just before the request is sent.

        Raises:
            OptionError: the request cannot be written as JSON; nothing was sent.
            ServiceError, ConnectionProblem, SettingsError: as `run`.
        """
        request = await _on_worker(partial(_first_request, flow))
        async with await self._open() as fresh:
            await commit()
            return await self._exchanger(fresh).drive(flow, request)

    async def upload(self, flow: Flow[T], on_progress: Callable[[float], object]) -> T:
        """Drive a flow that puts a file into a service's storage, which is free and may be repeated.

        Args:
            flow: marks its requests to storage with `KEYLESS`, so they carry no key even at the service's own origin.
            on_progress: called on the loop with the share (0-1) of a request's body that was sent.

        Raises:
            ServiceError, ConnectionProblem, SettingsError: as `run`.
        """
        request = await _on_worker(partial(_first_request, flow))
        async with await self._open() as fresh:
            return await self._exchanger(fresh, on_progress).drive(flow, request)

    @asynccontextmanager
    async def download(self, wanted: Download, on_disk: PartialFile = NOTHING) -> AsyncIterator[httpx.Response]:
        """Open the finished video for streaming. Redirects are followed, but never from https to http.

        Args:
            wanted: the request, and whether it may carry the key.
            on_disk: what an earlier download left; `http_ranges.read_reply` says whether the answer continues it.

        Raises:
            ServiceError: storage answered with an error (an expired link is 403).
            ConnectionProblem, SettingsError: as `run`.
        """
        request = wanted.request
        request.headers.update(range_headers(on_disk))
        accepted = accepted_statuses(request.headers)
        async with await self._open(with_key=wanted.with_key) as fresh:
            response = await follow(fresh, request)
            try:
                if response.status_code not in accepted:
                    raise ServiceError("service.refused", problem=storage_problem(response))
                yield response
            finally:
                await response.aclose()

    async def close(self) -> None:
        """Close pooled connections."""
        if self._pool is not None:
            await self._pool.aclose()
            self._pool = None

    def _exchanger(self, http: httpx.AsyncClient, on_progress: Callable[[float], object] | None = None) -> Exchanger:
        return Exchanger(http, self._key, self._timeout_s, on_progress)

    async def _pooled(self) -> httpx.AsyncClient:
        """Return the one pool; of several that concurrent first calls open, the first stays and the others close."""
        pool = self._pool
        if pool is None:
            opened = await self._open()
            pool = self._pool = self._pool or opened
            if pool is not opened:
                await opened.aclose()
        return pool

    async def _open(self, with_key: bool = True) -> httpx.AsyncClient:
        """Return a new httpx client; made on a worker, since reading the certificates takes about 0.1 s."""
        try:
            return await _on_worker(partial(self._make, with_key))
        except (ImportError, OSError, ValueError) as error:  # an unusable proxy or certificate bundle
            raise SettingsError("provider.network", reason=one_line(str(error), 200)) from None

    def _make(self, with_key: bool) -> httpx.AsyncClient:
        import httpx

        auth = _auth(self._key, self._origin) if with_key and self._key else None
        timeout = httpx.Timeout(READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S, write=WRITE_TIMEOUT_S)
        if self._app is not None:
            return httpx.AsyncClient(transport=httpx.ASGITransport(self._app), auth=auth, timeout=timeout)
        self._certificates = self._certificates or httpx.create_ssl_context()
        use_proxy = not is_loopback(self._origin)
        try:
            return httpx.AsyncClient(auth=auth, timeout=timeout, trust_env=use_proxy, verify=self._certificates)
        except httpx.InvalidURL as error:  # after the colon, httpx quotes the proxy's URL, maybe with a password
            raise ValueError(str(error).partition(":")[0]) from None


async def _on_worker(function: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(None, function)


def _first_request(flow: Flow[T]) -> httpx.Request:
    """Return a flow's first request. Run it on a worker: a body with a picture in it takes a while to build."""
    try:
        return next(flow)
    except (ValueError, TypeError, RecursionError) as error:
        raise OptionError("option.unsendable", reason=one_line(str(error), 200)) from None


def _auth(key: Key, origin: str) -> httpx.Auth:
    """Return an httpx auth that signs requests to `origin` only."""
    import httpx

    class KeyAuth(httpx.Auth):
        def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
            if KEYLESS not in request.extensions and origin_of(str(request.url)) == origin:
                request.headers["Authorization"] = f"Bearer {key.reveal()}"
            yield request

    return KeyAuth()
