"""The shape that every wire protocol shares. Floor 1: knows words, and of httpx only Request and Response.

A protocol's steps are generators: they yield requests and are sent responses, as httpx's own auth flows do. None of
them does I/O, so each can be read from top to bottom and tested with literal bytes. `client` drives them.
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

# What a service does by itself with an option that does not reach it, so that nothing is lost.
SERVICE_DEFAULTS = frozenset({("prompt_extend", True)})
# Bytes of a picture that may still go into the body; vendors name no limit but "keep it small".
MAX_INLINE_BYTES = 6_000_000
KEYLESS = "wan_keyless"  # a request with this among its extensions never carries the key, wherever it goes


@dataclass(frozen=True, slots=True)
class CreateRequest:
    """One video to create, with everything resolved: what a protocol turns into a body.

    Attributes:
        model: the service's model id.
        mode: "first", "first_last", "last", "text", "clip" or "clip_last".
        path: where this model's create request goes, below the base URL.
        shape: how this model wants its pictures; each protocol names its own shapes.
        prompt: the text that is sent.
        fields: option values by field name of `VideoRequest`, only what this model takes.
        frames: role ("first", "last") to link: https, data URI or the service's own storage.
        params: (path, value) pairs that the user set by hand; they are applied last.
        inline_max: bytes up to which a picture may be written into the body itself; 0 where only links are safe.
        bounds: what the model takes of a picture, which is repaired to fit; None where it is sent as it is.
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
class Found:
    """One row of a service's list of tasks; `created` is in epoch seconds, None where the service does not say."""

    remote_id: str
    model: str
    created: float | None
    status: Status


@dataclass(frozen=True, slots=True)
class Listing:
    """A service's list of tasks of a span, or a page of it.

    Attributes:
        found: the tasks.
        date: the service's own clock at the answer in epoch seconds, None where it does not say.
        whole: whether nothing comes after these; a very long list is not read to its end.
    """

    found: tuple[Found, ...] = ()
    date: float | None = None
    whole: bool = True


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
    """What a protocol can do. The base URL, and its row of quirks where it has dialects, are its only state.

    Attributes:
        memory: seconds for which the service remembers a task: until then, EXPIRED is not believed.
        storage: seconds for which its own storage keeps a picture; 0.0 where it has none.
        lists: whether it lists an account's tasks, so that one whose answer was lost can be looked for.
        rates: requests a second that an account may send, by kind ("poll", "cancel", "list", "upload"), as documented.
        sized: whether it wants width and height (`size`) where others take a tier (`resolution`).
    """

    memory: ClassVar[float]
    storage: ClassVar[float]
    rates: ClassVar[Mapping[str, float]]
    lists: ClassVar[bool]

    @property
    def base_url(self) -> str:
        """Where it is spoken."""

    @property
    def sized(self) -> bool:
        """Whether it wants width and height where others take a tier."""

    def submit(self, order: CreateRequest) -> Flow[Snapshot]:
        """Create the task once. Never sends twice by itself."""

    def poll(self, remote_id: str) -> Flow[Snapshot]:
        """Ask how the task stands. A finished one comes back as DOWNLOADING with a result."""

    def cancel(self, remote_id: str) -> Flow[bool]:
        """Ask the service to stop the task; False when it cannot be stopped."""

    def content(self, snapshot: Snapshot) -> Download:
        """Return how to fetch the finished video."""

    def billed(self, usage: Mapping[str, Any]) -> float | None:
        """Return the seconds that the service says it bills, None where it does not say."""

    def lost(self, order: CreateRequest) -> tuple[tuple[str, object], ...]:
        """Return the options, with their values, that do not reach the model through this service."""

    def needs_upload(self, order: CreateRequest, weight: int) -> bool:
        """Tell whether a picture of so many bytes must lie in the service's own storage before the create."""

    def upload(self, model: str, name: str, data: bytes, mime: str) -> Flow[str]:
        """Put a file into the service's own storage for one model, and return its link."""

    def find(self, since: float, until: float, model: str = "", page: int = 1) -> Flow[Listing]:
        """Read a page (from 1) of the list of the account's tasks of a span in epoch seconds."""

    def look_up(self, remote_id: str) -> Flow[Found | None]:
        """Return what the service's list says of one task, None where it says nothing."""


class BareProtocol:
    """What a service answers that has no cancel, no list and no storage of its own: nothing is sent, and No."""

    __slots__ = ()

    memory: ClassVar[float] = 0.0
    storage: ClassVar[float] = 0.0
    rates: ClassVar[Mapping[str, float]] = MappingProxyType({})
    lists: ClassVar[bool] = False
    sized: ClassVar[bool] = False

    def cancel(self, remote_id: str) -> Flow[bool]:
        """Say that nothing can be stopped here."""
        del remote_id
        yield from ()
        return False

    def billed(self, usage: Mapping[str, Any]) -> float | None:
        """Return the billed seconds as the service behind it gives them."""
        return billed_seconds(usage)

    def needs_upload(self, order: CreateRequest, weight: int) -> bool:
        """Say no: there is no storage."""
        del order, weight
        return False

    def upload(self, model: str, name: str, data: bytes, mime: str) -> Flow[str]:
        """Refuse: there is no storage."""
        del model, name, data, mime
        yield from ()
        raise ServiceError("service.refused", problem=Problem("no_storage", advice="no_storage"))

    def find(self, since: float, until: float, model: str = "", page: int = 1) -> Flow[Listing]:
        """Find nothing: there is no list."""
        del since, until, model, page
        yield from ()
        return Listing()

    def look_up(self, remote_id: str) -> Flow[Found | None]:
        """Find nothing: there is no list."""
        del remote_id
        yield from ()
        return None


# ---- requests -----------------------------------------------------------------------------------------------------


def segment(value: str) -> str:
    """Return a service's id as one segment of a path, whatever is in it: it can lead nowhere else."""
    escaped = quote(value.encode("utf-8", "replace"), safe="")
    return escaped.replace(".", "%2E") if set(value) <= {"."} else escaped


def below(base_url: str, path: str) -> str:
    """Return an address below `/v1`, which the base URL may end in or not: both are written in documents."""
    return f"{base_url.removesuffix('/v1')}/v1/{path}"


def get(link: str) -> httpx.Request:
    """Return the request for a link that a service gave.

    Raises:
        ServiceError: it is no address.
    """
    import httpx

    try:
        return httpx.Request("GET", link)
    except (httpx.InvalidURL, ValueError):
        raise ServiceError("service.unreadable", problem=Problem("unreadable", advice="storage")) from None


def content_of(base_url: str, snapshot: Snapshot) -> Download:
    """Return the download of a service with a content route: its link without the key, else the route with it.

    A link that leads back to the service's own `/v1/videos/` is its content route under another name.
    """
    own = below(base_url, "videos/")
    link = snapshot.result.link if snapshot.result else ""
    if link and not link.startswith(own):
        return Download(get(link), with_key=False)
    return Download(get(link or f"{own}{segment(snapshot.remote_id)}/content"), with_key=True)


def lost_fields(order: CreateRequest, carried: Mapping[str, Any]) -> tuple[tuple[str, object], ...]:
    """Return the options that have no place in a protocol, less those that the service does by itself."""
    return tuple(
        (name, value)
        for name, value in order.fields.items()
        if name not in carried and (name, value) not in SERVICE_DEFAULTS
    )


def set_path(body: dict[str, Any], path: str, value: str, home: str = "") -> None:
    """Set `a.b` in a body; VALUE is JSON if it parses, else text; without a dot it goes into `home`."""
    whole = path if "." in path or not home else f"{home}.{path}"
    *folders, leaf = whole.split(".")
    put(body, tuple(folders), leaf, _json_or_text(value))


def put(body: dict[str, Any], folders: tuple[str, ...], leaf: str, value: object) -> None:
    """Set a value in nested objects, which are made where they lack."""
    place = body
    for name in folders:
        inner = place.get(name)
        if not isinstance(inner, dict):
            inner = place[name] = {}
        place = inner
    place[leaf] = value


def _no_number(word: str) -> Any:
    raise ValueError(word)  # NaN and Infinity are no JSON; the word stays text


def _json_or_text(value: str) -> Any:
    try:
        return json.loads(value, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return value
