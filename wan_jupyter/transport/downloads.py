"""Streamed downloads: redirects, storage's refusals, and bytes that survive a broken connection."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from ..errors import ConnectionProblem, Problem, ServiceError
from ..protocols.responses import retry_after
from .exchange import maybe_sent, send

if TYPE_CHECKING:
    import httpx

CHUNK_BYTES = 1 << 18  # how much of a download is written at a time
MAX_REDIRECTS = 5
REFUSED_LINK = frozenset({401, 403, 404, 410})  # what storage answers to an expired or withdrawn link


async def follow(http: httpx.AsyncClient, request: httpx.Request) -> httpx.Response:
    """Send a download's request and follow its redirects; return the last answer, its body still to be read.

    Each redirect is a request of its own, so that `http` decides anew whether the key may go along.

    Raises:
        ServiceError: a redirect from https to http (`insecure_redirect`), or more than `MAX_REDIRECTS` in a row
            (`too_many_redirects`).
        ConnectionProblem: no answer.
    """
    for _ in range(MAX_REDIRECTS):
        response = await send(http, _without_logged_query(request))
        if isinstance(response, ConnectionProblem):
            raise response
        if response.next_request is None:
            return response
        await response.aclose()
        # The target is not put into a variable: a traceback with locals would show it, signature and all.
        if request.url.scheme == "https" and response.next_request.url.scheme != "https":
            raise _refused_redirect("insecure_redirect")
        request = response.next_request
    raise _refused_redirect("too_many_redirects")


def storage_problem(response: httpx.Response) -> Problem:
    """Return the problem of a download that storage refused."""
    status = response.status_code
    code = "expired_link" if status in REFUSED_LINK else f"http_{status}"
    return Problem(code, "", "", status, "storage", again=True, wait=retry_after(response))


async def stream(response: httpx.Response) -> AsyncIterator[bytes]:
    """Yield a download's bytes in large chunks; if the connection breaks, yield all that arrived, then raise.

    Raises:
        ConnectionProblem: the connection broke before the body's end.
    """
    import httpx

    pending, problem = bytearray(), None
    try:  # collected here: httpx's own chunking drops an unfinished chunk when the connection breaks
        async for part in response.aiter_bytes():
            pending += part
            if len(pending) >= CHUNK_BYTES:
                yield bytes(pending)
                pending.clear()
    except (httpx.HTTPError, OSError) as broken:
        problem = maybe_sent(broken)
    if pending:
        yield bytes(pending)
    if problem is not None:
        raise problem


def _refused_redirect(code: str) -> ServiceError:
    return ServiceError("service.refused", problem=Problem(code, "", advice="connection"))


def _without_logged_query(request: httpx.Request) -> httpx.Request:
    """Make a request's URL print without its query: httpx logs URLs, and a link's signature is a secret."""
    import httpx

    class LoggedURL(httpx.URL):
        def __str__(self) -> str:
            return super().__str__().partition("?")[0]

    request.url = LoggedURL(request.url)
    return request
