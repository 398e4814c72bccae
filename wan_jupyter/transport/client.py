"""The network. Floor 3: the only module that sends anything; it knows httpx, keys and nothing of jobs.

One driver runs a protocol's generator. A create goes out on a fresh connection, since a pooled one that the server has
just closed looks like a lost answer. Nothing here repeats a request: who may repeat what is `pacing`'s to say.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from ..errors import LOST_ANSWER, UNREACHED, ConnectionProblem, OptionError, Problem, ServiceError, SettingsError
from ..protocols.base import KEYLESS, Download, Flow, T
from ..protocols.http_ranges import NOTHING, PartialFile, asking, taken
from ..protocols.responses import retry_after
from ..scheduling import retry
from ..security.api_key import Key
from ..security.sanitize import one_line
from ..security.urls import is_loopback, origin_of

if TYPE_CHECKING:
    import ssl

    import httpx

BODY_LIMIT = 4 * 1024 * 1024
CHUNK = 1 << 18  # bytes of a download that are written at a time
PIECE = 1 << 17
REDIRECTS = 5
PATIENCE = retry.CREATE_TIMEOUT_S  # seconds for a request and its whole answer, however steadily they drip
REFUSED_LINK = frozenset({401, 403, 404, 410})  # how storage answers to a link that it takes no more


class Client:
    """Sends requests for one session. Lives on the engine's loop; `close` it there."""

    def __init__(self, origin: str, key: Key | None, app: Any = None, patience: float = PATIENCE) -> None:
        """Make a client.

        Args:
            origin: the only place the key may go.
            key: signs requests to `origin`, and no others.
            app: an ASGI application that answers in process instead of the network (the emulator).
            patience: seconds for a request and its whole answer; for a file that goes to storage, for the answer alone.
        """
        self._origin, self._key, self._app, self._patience = origin, key, app, patience
        self._pool: httpx.AsyncClient | None = None
        self._certificates: ssl.SSLContext | None = None

    async def run(self, flow: Flow[T]) -> T:
        """Drive a flow that only reads (poll, cancel) over pooled connections.

        Raises:
            ServiceError: the service answered with an error.
            ConnectionProblem: no answer.
        """
        pool = await self._pooled()
        try:
            request = next(flow)
        except StopIteration as done:  # nothing is sent, as where a service cannot stop a job
            result: T = done.value
            return result
        return await _drive(pool, flow, request, self._key, self._patience)

    async def create(self, flow: Flow[T], commit: Callable[[], Awaitable[object]]) -> T:
        """Drive a flow that creates something, on a connection of its own.

        Args:
            flow: builds the request; what fails in that fails before `commit`.
            commit: is awaited when all is ready, just before the request goes out.

        Raises:
            OptionError: the request cannot be written as JSON; nothing was sent.
            SettingsError: the network cannot be used as the environment says; nothing was sent.
            ServiceError, ConnectionProblem: as `run`.
        """
        request = await asyncio.get_running_loop().run_in_executor(None, _first, flow)
        async with await self._open() as fresh:
            await commit()
            return await _drive(fresh, flow, request, self._key, self._patience)

    async def upload(self, flow: Flow[T], moved: Callable[[float], object]) -> T:
        """Drive a flow that puts a file into a service's storage: it costs nothing and may be repeated.

        Args:
            flow: its requests to storage are marked, and carry no key even where storage lies at the service's origin.
            moved: is called on the loop with the share (0-1) of a request's body that went out.

        Raises:
            ServiceError, ConnectionProblem, SettingsError: as `create`.
        """
        request = await asyncio.get_running_loop().run_in_executor(None, _first, flow)
        async with await self._open() as fresh:
            return await _drive(fresh, flow, request, self._key, self._patience, partial(_counted, moved=moved))

    @asynccontextmanager
    async def download(self, wanted: Download, held: PartialFile = NOTHING) -> AsyncIterator[httpx.Response]:
        """Open the finished video for streaming, following redirects but never from https to http.

        Args:
            wanted: the request, and whether it may carry the key.
            held: what is on disk already; `ranges.arriving` tells whether the answer goes on with it.

        Raises:
            ServiceError: storage answered with an error (an expired link is 403).
            ConnectionProblem: no answer.
        """
        request = wanted.request
        request.headers.update(asking(held))
        states = taken(request.headers)
        async with await self._open(with_key=wanted.with_key) as fresh:
            response = await _follow(fresh, request)
            try:
                if response.status_code not in states:
                    raise ServiceError("service.refused", problem=_storage_problem(response))
                yield response
            finally:
                await response.aclose()

    async def close(self) -> None:
        """Close pooled connections."""
        if self._pool is not None:
            await self._pool.aclose()
            self._pool = None

    async def _pooled(self) -> httpx.AsyncClient:
        """Return the one pool; jobs that begin together open several at first, and one stays."""
        pool = self._pool
        if pool is None:
            opened = await self._open()
            pool = self._pool = self._pool or opened
            if pool is not opened:
                await opened.aclose()
        return pool

    async def _open(self, with_key: bool = True) -> httpx.AsyncClient:
        """Return a client of httpx; made on a worker, since reading certificates takes a tenth of a second."""
        make = partial(self._make, with_key)
        try:
            return await asyncio.get_running_loop().run_in_executor(None, make)
        except (ImportError, OSError, ValueError) as error:  # a proxy or certificates that cannot be used
            raise SettingsError("provider.network", reason=one_line(str(error), 200)) from None

    def _make(self, with_key: bool) -> httpx.AsyncClient:
        import httpx

        auth = _auth(self._key, self._origin) if with_key and self._key else None
        timeout = httpx.Timeout(60.0, connect=10.0, write=300.0)
        if self._app is not None:
            return httpx.AsyncClient(transport=httpx.ASGITransport(self._app), auth=auth, timeout=timeout)
        self._certificates = self._certificates or httpx.create_ssl_context()
        # Loopback never goes through a proxy.
        trusts = not is_loopback(self._origin)
        try:
            return httpx.AsyncClient(auth=auth, timeout=timeout, trust_env=trusts, verify=self._certificates)
        except httpx.InvalidURL as error:  # behind the colon stands a piece of the proxy's address, maybe a password's
            raise ValueError(str(error).partition(":")[0]) from None


def _first(flow: Flow[T]) -> httpx.Request:
    """Return a flow's first request. A body with a picture in it takes a while to build: for workers."""
    try:
        return next(flow)
    except (ValueError, TypeError, RecursionError) as error:
        raise OptionError("option.unsendable", reason=one_line(str(error), 200)) from None


async def stream(response: httpx.Response) -> AsyncIterator[bytes]:
    """Yield a download's bytes in large pieces; where it breaks off, all that came before.

    Raises:
        ConnectionProblem: the connection broke on the way.
    """
    import httpx

    gathered, problem = bytearray(), None
    try:  # gathered here: httpx drops what it has of a piece when the connection breaks
        async for piece in response.aiter_bytes():
            gathered += piece
            if len(gathered) >= CHUNK:
                yield bytes(gathered)
                gathered.clear()
    except (httpx.HTTPError, OSError) as broken:
        problem = lost(broken)
    if gathered:
        yield bytes(gathered)
    if problem is not None:
        raise problem


Ready = Callable[["httpx.Request"], "httpx.Request"]


async def _drive(
    http: httpx.AsyncClient, flow: Flow[T], request: httpx.Request, key: Key | None, patience: float,
    ready: Ready | None = None,
) -> T:  # fmt: skip
    try:
        while True:
            request = flow.send(await _exchange(http, request, key, patience, ready))
    except StopIteration as done:
        result: T = done.value
        return result
    finally:
        flow.close()


async def _exchange(
    http: httpx.AsyncClient, request: httpx.Request, key: Key | None, patience: float, ready: Ready | None
) -> httpx.Response:
    # httpx's time-outs are for one read or write each. A file takes as long as it takes, its answer does not.
    is_file = ready is not None and int(request.headers.get("content-length", 0)) > 0
    try:
        async with asyncio.timeout(None if is_file else patience) as limit:
            response = await _send(http, ready(request) if ready else request)
            try:
                if is_file:
                    limit.reschedule(asyncio.get_running_loop().time() + patience)
                return _whole(response, await _bounded(response), key)
            finally:
                await response.aclose()
                http.cookies.clear()  # an API needs none, and what a service wants remembered may be a secret
    except TimeoutError as late:
        problem = lost(late)
    raise problem  # out here, as in `_send`


def _counted(request: httpx.Request, moved: Callable[[float], object]) -> httpx.Request:
    """Let a body go out in pieces, and say after each how much of it is gone."""
    import httpx

    body, total = request.stream, int(request.headers.get("content-length", 0))

    class Counted(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            gone = 0
            async for part in body:  # type: ignore[union-attr]
                for start in range(0, len(part), PIECE):
                    piece = part[start : start + PIECE]
                    yield piece
                    gone += len(piece)
                    moved(gone / total)

    if total:
        request.stream = Counted()
    return request


async def _send(http: httpx.AsyncClient, request: httpx.Request) -> httpx.Response:
    import httpx

    # A ProxyError comes while the tunnel is asked for (CONNECT, SOCKS), before anything goes through it.
    unsent = httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol
    try:
        return await http.send(request, stream=True, follow_redirects=False)
    except unsent as never:
        problem = ConnectionProblem("service.unreached", problem=_no_answer(UNREACHED, never))
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as broken:
        problem = lost(broken)
    finally:
        request.headers.pop("Authorization", None)  # nothing that is kept of an exchange holds the key
    raise problem  # out here: as the context of an error, httpcore's frames would hold the header


async def _bounded(response: httpx.Response) -> bytes:
    """Read a body that may not be larger than an API answer can be."""
    import httpx

    body = bytearray()
    try:
        async for piece in response.aiter_bytes():
            body += piece
            if len(body) > BODY_LIMIT:
                raise lost(ValueError("the answer is too large"))
        return bytes(body)
    except (httpx.HTTPError, OSError) as broken:
        problem = lost(broken)
    raise problem  # out here, as in `_send`


def _whole(response: httpx.Response, content: bytes, key: Key | None) -> httpx.Response:
    """Return an answer that is all here and can be kept: without the key, which some services send back in errors.

    Of an answer that is no error only the whole key is struck out: a piece of it may be a word of a link.
    """
    import httpx

    kept = [(name, value) for name, value in response.headers.items() if name != "content-encoding"]
    if key is not None:
        strike = partial(key.strike, pieces=response.is_error)
        content = strike(content.decode("latin-1")).encode("latin-1")
        kept = [(name, strike(value)) for name, value in kept if name not in ("content-length", "transfer-encoding")]
    return httpx.Response(response.status_code, headers=kept, content=content, request=response.request)


def lost(broken: Exception) -> ConnectionProblem:
    """Return the error for an answer that never came whole."""
    return ConnectionProblem("service.lost", problem=_no_answer(LOST_ANSWER, broken))


def _no_answer(code: str, cause: Exception) -> Problem:
    # The kind of failure only: its text may hold a URL, and a signed URL is a secret.
    return Problem(code, type(cause).__name__, advice="connection", again=True)


async def _follow(http: httpx.AsyncClient, request: httpx.Request) -> httpx.Response:
    for _ in range(REDIRECTS):
        response = await _send(http, _discreet(request))
        if response.next_request is None:
            return response
        await response.aclose()
        # Not in variables of their own: a traceback with locals would show where it leads, signature and all.
        if request.url.scheme == "https" and response.next_request.url.scheme != "https":
            raise ServiceError("service.refused", problem=Problem("insecure_redirect", "", advice="connection"))
        request = response.next_request
    raise ServiceError("service.refused", problem=Problem("too_many_redirects", "", advice="connection"))


def _discreet(request: httpx.Request) -> httpx.Request:
    """Let a request's address be written without its query: httpx logs addresses, and a signature is a secret."""
    import httpx

    class Address(httpx.URL):
        def __str__(self) -> str:
            return super().__str__().partition("?")[0]

    request.url = Address(request.url)
    return request


def _storage_problem(response: httpx.Response) -> Problem:
    http = response.status_code
    code = "expired_link" if http in REFUSED_LINK else f"http_{http}"
    return Problem(code, "", "", http, "storage", again=True, wait=retry_after(response))


def _auth(key: Key, origin: str) -> httpx.Auth:
    """Return an auth that signs requests to `origin` alone."""
    import httpx

    class KeyAuth(httpx.Auth):
        def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
            if KEYLESS not in request.extensions and origin_of(str(request.url)) == origin:
                request.headers["Authorization"] = f"Bearer {key.reveal()}"
            yield request

    return KeyAuth()
