"""The shape that every wire protocol shares. Floor 1: knows words, and of httpx only Request and Response.

A protocol's steps are generators: they yield requests and are sent responses, as httpx's own auth flows do. None of
them does I/O, so each can be read from top to bottom and tested with literal bytes. `client` drives them.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar
from typing import Protocol as Shape

from ..errors import Problem, ServiceError
from ..status import Snapshot
from ..text import whole

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")
Flow = Generator["httpx.Request", "httpx.Response", T]


@dataclass(frozen=True, slots=True)
class Order:
    """One video to create, with everything resolved: what a protocol turns into a body.

    Attributes:
        model: the service's model id.
        mode: "first", "first_last", "last" or "text".
        path: where this model's create request goes, below the base URL.
        shape: how this model wants its pictures; each protocol names its own shapes.
        prompt: the text that is sent.
        fields: option values by field name of `VideoRequest`, only what this model takes.
        frames: role ("first", "last") to link: https, data URI or the service's own storage.
        params: (path, value) pairs that the user set by hand; they are applied last.
    """

    model: str
    mode: str
    path: str
    shape: str
    prompt: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    frames: Mapping[str, str] = field(default_factory=dict, repr=False)
    params: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Download:
    """How the finished video is fetched.

    Attributes:
        request: a GET.
        with_key: whether it may carry the key; never for storage on another origin.
    """

    request: httpx.Request
    with_key: bool


class Protocol(Shape):
    """What a protocol can do. The base URL is its only state."""

    @property
    def base_url(self) -> str:
        """Where it is spoken."""

    def submit(self, order: Order) -> Flow[Snapshot]:
        """Create the task once. Never sends twice by itself."""

    def poll(self, remote_id: str) -> Flow[Snapshot]:
        """Ask how the task stands. A finished one comes back as DOWNLOADING with a result."""

    def cancel(self, remote_id: str) -> Flow[bool]:
        """Ask the service to stop the task; False when it cannot be stopped."""

    def content(self, snapshot: Snapshot) -> Download:
        """Return how to fetch the finished video."""

    def billed(self, usage: Mapping[str, Any]) -> float | None:
        """Return the seconds that the service says it bills, None where it does not say."""


def read_json(response: httpx.Response) -> dict[str, Any]:
    """Return the object in an answer's body.

    Raises:
        ServiceError: the body is not a JSON object.
    """
    try:
        body = json.loads(response.content)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise ServiceError("service.unreadable", problem=unreadable(response))
    return body


def unreadable(response: httpx.Response) -> Problem:
    """Return the problem of an answer that is not what the protocol says: a proxy's page, half a body."""
    kind = response.headers.get("content-type", "").partition(";")[0][:60]
    return Problem("unreadable", f"HTTP {response.status_code} {kind}".strip(), "", response.status_code, "unreadable")


def text(value: object, limit: int = 2000) -> str:
    """Return a value of an answer as bounded text; anything that is not text or a number counts as nothing."""
    return whole(str(value)[:limit]) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def table(value: object) -> Mapping[str, Any]:
    """Return a value of an answer as a mapping; anything else counts as an empty one."""
    return value if isinstance(value, Mapping) else {}


def set_path(body: dict[str, Any], path: str, value: str, home: str) -> None:
    """Set `a.b` in a body; VALUE is JSON if it parses, else text; without a dot it goes into `home`."""
    *folders, leaf = path.split(".") if "." in path else [home, path]
    place = body
    for name in folders:
        inner = place.get(name)
        if not isinstance(inner, dict):
            inner = place[name] = {}
        place = inner
    place[leaf] = _json_or_text(value)


def _no_number(word: str) -> Any:
    raise ValueError(word)  # NaN and Infinity are no JSON; the word stays text


def _json_or_text(value: str) -> Any:
    try:
        return json.loads(value, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return value
