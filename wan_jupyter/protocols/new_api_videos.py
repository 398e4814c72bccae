"""The gateway route `/v1/videos` with JSON bodies, in two dialects. Floor 1: no I/O, no clock, no other protocol.

Facts: reference/wire-gateways.md 2, 3 and 8 (2026-11-21); the seed document gateway-videos (Chinese: ope.ai). A dialect
is a row of `DIALECTS`; nothing else here asks which one is spoken.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from ..status import Result, Snapshot, Status
from .base import BareProtocol, CreateRequest, Download, Flow, below, content_of, lost_fields, segment, set_path
from .new_api import body_of, checked, created, dated, dropped, late, refused
from .responses import expires_at, is_number, link_of, percent, table, text

# Words of both dialects (2.2), without regard to case. `unknown` comes with an error object while the job runs: the
# word decides, never the error's presence, and any other word counts as "still running".
WORDS: Mapping[str, Status] = MappingProxyType(
    {
        "queued": Status.QUEUED,
        "pending": Status.QUEUED,
        "submitted": Status.QUEUED,
        "not_start": Status.QUEUED,
        "in_progress": Status.RUNNING,
        "processing": Status.RUNNING,
        "success": Status.DOWNLOADING,
        "succeeded": Status.DOWNLOADING,
        "completed": Status.DOWNLOADING,
        "failure": Status.FAILED,
        "failed": Status.FAILED,
        "canceled": Status.CANCELED,
        "cancelled": Status.CANCELED,
        "expired": Status.EXPIRED,
    }
)

# Where each option goes in ope.ai's body (seed, section 1), and how it is written there.
FIELDS: Mapping[str, tuple[str, Callable[[Any], Any]]] = MappingProxyType(
    {
        "size": ("size", str),
        "duration": ("seconds", str),
        "audio": ("generate_audio", bool),
        "seed": ("seed", lambda seed: seed),  # a number, or in a dry run what stands for one
    }
)
ROLES: Mapping[str, str] = MappingProxyType({"first": "first_frame", "last": "last_frame"})


def _ope_body(order: CreateRequest) -> dict[str, Any]:
    """Return ope.ai's create body (seed 2.1): frames as `input_reference.content`; a top-level `content` is refused."""
    body: dict[str, Any] = {"model": order.model, "prompt": order.prompt}
    for name, value in order.fields.items():
        if name in FIELDS:
            key, written = FIELDS[name]
            body[key] = written(value)
    frames = [
        {"type": "image_url", "role": ROLES[role], "image_url": {"url": link}} for role, link in order.frames.items()
    ]
    if frames:
        body["input_reference"] = {"content": frames}
    for path, value in order.params:
        set_path(body, path, value)
    return body


def _ope_lost(order: CreateRequest) -> tuple[tuple[str, object], ...]:
    return lost_fields(order, FIELDS)


@dataclass(frozen=True, slots=True)
class Dialect:
    """One kind of server on this route.

    Attributes:
        sized: whether it wants width and height where the other takes a tier.
        body: makes the create body of an order.
        lost: names the options that do not arrive.
    """

    sized: bool
    body: Callable[[CreateRequest], dict[str, Any]]
    lost: Callable[[CreateRequest], tuple[tuple[str, object], ...]]


DIALECTS: Mapping[str, Dialect] = MappingProxyType(
    {
        "ope": Dialect(sized=True, body=_ope_body, lost=_ope_lost),
        "new-api": Dialect(sized=False, body=body_of, lost=dropped),
    }
)
DEFAULT = "ope"


@dataclass(frozen=True, slots=True)
class Videos(BareProtocol):
    """The protocol on one base URL, with or without `/v1` at its end. There is no cancel, no list, no upload (2.4)."""

    base_url: str
    dialect: str = DEFAULT

    @property
    def sized(self) -> bool:  # type: ignore[override]
        """Whether this dialect wants width and height."""
        return DIALECTS[self.dialect].sized

    def submit(self, order: CreateRequest) -> Flow[Snapshot]:
        """Create a task (2.1; seed 2)."""
        import httpx

        response = yield httpx.Request("POST", below(self.base_url, "videos"), json=DIALECTS[self.dialect].body(order))
        return created(response)

    def poll(self, remote_id: str) -> Flow[Snapshot]:
        """Query a task (2.2; seed 3). Just after the create it may be `task_not_exist`: ask again."""
        import httpx

        response = yield httpx.Request("GET", below(self.base_url, f"videos/{segment(remote_id)}"))
        answer = checked(response)
        if not text(answer.get("status")):
            raise refused(answer, response)
        return read_video(answer, remote_id, dated(response))

    def content(self, snapshot: Snapshot) -> Download:
        """Fetch the link without the key; where there is none, the content route with it (2.3: it has 60 s)."""
        return content_of(self.base_url, snapshot)

    def lost(self, order: CreateRequest) -> tuple[tuple[str, object], ...]:
        """Return the options that do not arrive in this dialect."""
        return DIALECTS[self.dialect].lost(order)


def read_video(answer: Mapping[str, Any], remote_id: str, facts: Mapping[str, str]) -> Snapshot:
    """Return a video object as a snapshot; `progress` and `metadata` may be missing."""
    word = text(answer.get("status"), 200)
    status = WORDS.get(word.strip().casefold(), Status.RUNNING)
    link = link_of(table(answer.get("metadata")).get("url"), answer.get("url"))
    dies: Any = answer.get("expires_at")
    error = answer.get("error")
    return Snapshot(
        status,
        remote_id,
        word,
        percent(answer.get("progress")) if status in (Status.QUEUED, Status.RUNNING) else None,
        Result(link, expires_at(link) or (float(dies) if is_number(dies, 1e11) else None))
        if status is Status.DOWNLOADING
        else None,
        late(table(error), text(error)) if status in (Status.FAILED, Status.EXPIRED) else None,
        usage=dict(table(answer.get("usage"))),
        facts=facts,
    )
