"""What every wire protocol offers, and what their requests share.

A protocol's steps are generators, as httpx's own auth flows are: they yield requests, receive responses and return a
result. They do no I/O, so each reads from top to bottom and is tested with literal bytes; `transport` drives them.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar
from typing import Protocol as Shape
from urllib.parse import quote

from ..errors import Problem, ServiceError
from ..media.image.conversion import Bounds
from ..status import Snapshot, Status
from .responses import billed_seconds

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")
Flow = Generator["httpx.Request", "httpx.Response", T]

# Options with a value that every service uses by itself: leaving them out loses nothing.
SERVICE_DEFAULTS = frozenset({("prompt_extend", True)})
# Bytes of a picture that may still go into the body; vendors name no limit but "keep it small".
MAX_INLINE_BYTES = 6_000_000
KEYLESS = "wan_keyless"  # name of an httpx extension: a request that has it never carries the key, whatever its origin


@dataclass(frozen=True, slots=True)
class CreateRequest:
    """One video to create, with everything resolved: what a protocol turns into a body.

    Attributes:
        model: the service's model id.
        mode: "first", "first_last", "last", "text", "clip" or "clip_last".
        path: path of the create request for this model, below the base URL.
        shape: how this model takes its pictures; each protocol names its own shapes.
        prompt: the text to send.
        fields: option values by field name of `VideoRequest`, limited to what this model supports.
        frames: role ("first", "last") to link: https, data URI or the service's own storage.
        params: (path, value) pairs set by the user (`--param`); they override everything else.
        inline_max: largest picture, in bytes, that may go into the body as a data URI; 0 if only links are allowed.
        bounds: what the model accepts of a picture, which is converted to fit; None to send it as it is.
    """

    model: str
    mode: str
    path: str
    shape: str
    prompt: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    frames: Mapping[str, str] = field(default_factory=dict, repr=False)
    params: tuple[tuple[str, str], ...] = ()
    inline_max: int = MAX_INLINE_BYTES
    bounds: Bounds | None = None


@dataclass(frozen=True, slots=True)
class ListedTask:
    """An entry of a service's list of tasks; `created` is in epoch seconds, None if the service does not say."""

    remote_id: str
    model: str
    created: float | None
    status: Status


@dataclass(frozen=True, slots=True)
class TaskList:
    """The tasks of an account in a span of time, or one page of them.

    Attributes:
        tasks: the entries.
        server_time: the service's clock at the answer in epoch seconds, None if unknown.
        complete: whether no further page follows; very long lists are not read to their end.
    """

    tasks: tuple[ListedTask, ...] = ()
    server_time: float | None = None
    complete: bool = True


@dataclass(frozen=True, slots=True)
class Download:
    """How to fetch the finished video.

    Attributes:
        request: a GET.
        with_key: whether it may carry the key; always False for storage at another origin.
    """

    request: httpx.Request
    with_key: bool


class Protocol(Shape):
    """A wire protocol on one base URL. The URL, and a dialect where there are several, are its only state.

    Every method that returns a `Flow` raises ServiceError if the service refuses the request or its answer cannot be
    read; the driver adds ConnectionProblem. Nothing is ever sent twice.

    Attributes:
        task_retention_s: seconds for which the service keeps a task; before that, EXPIRED is not believed. 0.0 if
            unknown.
        upload_retention_s: seconds for which the service's own storage keeps an input file; 0.0 if it has none.
        can_list_tasks: whether the service lists an account's tasks, so that a task can be found whose answer was lost.
        rate_limits: documented requests a second per account, by kind ("poll", "cancel", "list", "upload").
        takes_size: whether it takes width and height (`size`) where others take a tier (`resolution`).
    """

    task_retention_s: ClassVar[float]
    upload_retention_s: ClassVar[float]
    rate_limits: ClassVar[Mapping[str, float]]
    can_list_tasks: ClassVar[bool]

    @property
    def base_url(self) -> str:
        """The URL that all paths are relative to."""

    @property
    def takes_size(self) -> bool:
        """Whether it takes width and height where others take a tier."""

    def submit(self, request: CreateRequest) -> Flow[Snapshot]:
        """Create the task: one request, which costs money as soon as the service receives it."""

    def poll(self, remote_id: str) -> Flow[Snapshot]:
        """Return the task's state. A finished task is DOWNLOADING, with a result."""

    def cancel(self, remote_id: str) -> Flow[bool]:
        """Ask the service to stop the task; False if it cannot be stopped."""

    def content(self, snapshot: Snapshot) -> Download:
        """Return how to fetch the finished video."""

    def billed_seconds(self, usage: Mapping[str, Any]) -> float | None:
        """Return the seconds that the service bills, None if its usage report does not say."""

    def unsupported(self, request: CreateRequest) -> tuple[tuple[str, object], ...]:
        """Return the options, with their values, that this protocol cannot pass to the model."""

    def needs_upload(self, request: CreateRequest, size: int) -> bool:
        """Return whether a picture of `size` bytes must be uploaded to the service's storage before the create."""

    def upload(self, model: str, name: str, data: bytes, mime: str) -> Flow[str]:
        """Put a file into the service's own storage for one model; return its link."""

    def list_tasks(self, since: float, until: float, model: str = "", page: int = 1) -> Flow[TaskList]:
        """Return one page (from 1) of the account's tasks between two times in epoch seconds."""

    def find_task(self, remote_id: str) -> Flow[ListedTask | None]:
        """Return the entry of one task in the service's list, None if it has none."""


class BareProtocol:
    """The answers of a service without cancel, task list and storage of its own; none of them sends anything."""

    __slots__ = ()

    task_retention_s: ClassVar[float] = 0.0
    upload_retention_s: ClassVar[float] = 0.0
    rate_limits: ClassVar[Mapping[str, float]] = MappingProxyType({})
    can_list_tasks: ClassVar[bool] = False
    takes_size: ClassVar[bool] = False

    def cancel(self, remote_id: str) -> Flow[bool]:
        """Return False: tasks cannot be stopped."""
        del remote_id
        yield from ()
        return False

    def billed_seconds(self, usage: Mapping[str, Any]) -> float | None:
        """Return the billed seconds as Model Studio reports them, which gateways pass on."""
        return billed_seconds(usage)

    def needs_upload(self, request: CreateRequest, size: int) -> bool:
        """Return False: there is no storage."""
        del request, size
        return False

    def upload(self, model: str, name: str, data: bytes, mime: str) -> Flow[str]:
        """Raise ServiceError: there is no storage."""
        del model, name, data, mime
        yield from ()
        raise ServiceError("service.refused", problem=Problem("no_storage", advice="no_storage"))

    def list_tasks(self, since: float, until: float, model: str = "", page: int = 1) -> Flow[TaskList]:
        """Return an empty list: the service has none."""
        del since, until, model, page
        yield from ()
        return TaskList()

    def find_task(self, remote_id: str) -> Flow[ListedTask | None]:
        """Return None: the service has no list."""
        del remote_id
        yield from ()
        return None


# ---- requests -----------------------------------------------------------------------------------------------------


def segment(value: str) -> str:
    """Return a service's id escaped as one path segment, so that it cannot lead to another path."""
    escaped = quote(value.encode("utf-8", "replace"), safe="")
    return escaped.replace(".", "%2E") if set(value) <= {"."} else escaped


def below(base_url: str, path: str) -> str:
    """Return a URL below `/v1`; base URLs are documented both with and without it at the end."""
    return f"{base_url.removesuffix('/v1')}/v1/{path}"


def get(link: str) -> httpx.Request:
    """Return the GET request for a link from a service.

    Raises:
        ServiceError: the link is not a valid URL.
    """
    import httpx

    try:
        return httpx.Request("GET", link)
    except (httpx.InvalidURL, ValueError):
        raise ServiceError("service.unreadable", problem=Problem("unreadable", advice="storage")) from None


def content_of(base_url: str, snapshot: Snapshot) -> Download:
    """Return the download for a service with a content route: the video's link without the key, else the route with it.

    A link to the service's own `/v1/videos/` is the content route under another name, and needs the key.
    """
    own = below(base_url, "videos/")
    link = snapshot.result.link if snapshot.result else ""
    if link and not link.startswith(own):
        return Download(get(link), with_key=False)
    return Download(get(link or f"{own}{segment(snapshot.remote_id)}/content"), with_key=True)


def unsupported_fields(request: CreateRequest, supported: Mapping[str, Any]) -> tuple[tuple[str, object], ...]:
    """Return the options that a protocol has no field for, except values that every service uses by itself."""
    return tuple(
        (name, value)
        for name, value in request.fields.items()
        if name not in supported and (name, value) not in SERVICE_DEFAULTS
    )


def set_path(body: dict[str, Any], path: str, value: str, home: str = "") -> None:
    """Set `a.b` in a body to `value`, JSON if it parses, else text; a path without a dot goes into `home`."""
    full_path = path if "." in path or not home else f"{home}.{path}"
    *folders, leaf = full_path.split(".")
    put(body, tuple(folders), leaf, _json_or_text(value))


def put(body: dict[str, Any], folders: tuple[str, ...], leaf: str, value: object) -> None:
    """Set a value in nested objects, creating those that are missing."""
    target = body
    for name in folders:
        inner = target.get(name)
        if not isinstance(inner, dict):
            inner = target[name] = {}
        target = inner
    target[leaf] = value


def _reject_constant(word: str) -> Any:
    raise ValueError(word)  # NaN and Infinity are not JSON; the word stays text


def _json_or_text(value: str) -> Any:
    try:
        return json.loads(value, parse_constant=_reject_constant)
    except (ValueError, RecursionError):
        return value
