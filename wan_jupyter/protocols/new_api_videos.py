"""The gateway route `/v1/videos` with JSON bodies, in two dialects.

"ope" is the body that ope.ai documents (https://api-platform.ope.ai, Chinese documentation of wan2.7-i2v, 2026);
"new-api" is new-api's own (sources: see `new_api`). Only `DIALECTS` depends on the dialect.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from ..status import Result, Snapshot, Status
from .base import BareProtocol, CreateRequest, Download, Flow, below, content_of, segment, set_path, unsupported_fields
from .new_api import STATUS_NAMES, body_of, checked, created, dated, dropped, refused, task_problem
from .responses import expires_at, is_number, link_of, percent, table, text

# Names in both dialects; case is ignored. `unknown` comes with an error object while the job runs: the name decides,
# never the error's presence.
WORDS: Mapping[str, Status] = MappingProxyType({**STATUS_NAMES, "expired": Status.EXPIRED})

# Where each option goes in ope.ai's body, and how it is written there.
FIELDS: Mapping[str, tuple[str, Callable[[Any], Any]]] = MappingProxyType(
    {
        "size": ("size", str),
        "duration": ("seconds", str),
        "audio": ("generate_audio", bool),
        "seed": ("seed", lambda seed: seed),  # a number, or a dry run's placeholder for one
    }
)
ROLES: Mapping[str, str] = MappingProxyType({"first": "first_frame", "last": "last_frame"})


def _ope_body(request: CreateRequest) -> dict[str, Any]:
    """Return ope.ai's create body: frames in `input_reference.content`; a top-level `content` is refused."""
    body: dict[str, Any] = {"model": request.model, "prompt": request.prompt}
    for name, value in request.fields.items():
        if name in FIELDS:
            key, written = FIELDS[name]
            body[key] = written(value)
    frames = [
        {"type": "image_url", "role": ROLES[role], "image_url": {"url": link}} for role, link in request.frames.items()
    ]
    if frames:
        body["input_reference"] = {"content": frames}
    for path, value in request.params:
        set_path(body, path, value)
    return body


def _ope_unsupported(request: CreateRequest) -> tuple[tuple[str, object], ...]:
    return unsupported_fields(request, FIELDS)


@dataclass(frozen=True, slots=True)
class Dialect:
    """A kind of server on this route.

    Attributes:
        takes_size: whether it takes width and height where the other takes a tier.
        body: returns the create body of a request.
        unsupported: returns the options that do not reach the model.
    """

    takes_size: bool
    body: Callable[[CreateRequest], dict[str, Any]]
    unsupported: Callable[[CreateRequest], tuple[tuple[str, object], ...]]


DIALECTS: Mapping[str, Dialect] = MappingProxyType(
    {
        "ope": Dialect(takes_size=True, body=_ope_body, unsupported=_ope_unsupported),
        "new-api": Dialect(takes_size=False, body=body_of, unsupported=dropped),
    }
)
DEFAULT = "ope"


@dataclass(frozen=True, slots=True)
class Videos(BareProtocol):
    """The protocol on one base URL, with or without `/v1` at its end. No cancel, list or upload."""

    base_url: str
    dialect: str = DEFAULT

    @property
    def takes_size(self) -> bool:  # type: ignore[override]
        """Whether this dialect takes width and height."""
        return DIALECTS[self.dialect].takes_size

    def submit(self, request: CreateRequest) -> Flow[Snapshot]:
        """Create a task."""
        import httpx

        response = yield httpx.Request(
            "POST", below(self.base_url, "videos"), json=DIALECTS[self.dialect].body(request)
        )
        return created(response)

    def poll(self, remote_id: str) -> Flow[Snapshot]:
        """Query a task. Just after the create the answer may be `task_not_exist`, which passes."""
        import httpx

        response = yield httpx.Request("GET", below(self.base_url, f"videos/{segment(remote_id)}"))
        answer = checked(response)
        if not text(answer.get("status")):
            raise refused(answer, response)
        return read_video(answer, remote_id, dated(response))

    def content(self, snapshot: Snapshot) -> Download:
        """Return the video's link without the key; if there is no link, the content route with it."""
        return content_of(self.base_url, snapshot)

    def unsupported(self, request: CreateRequest) -> tuple[tuple[str, object], ...]:
        """Return the options that do not reach the model in this dialect."""
        return DIALECTS[self.dialect].unsupported(request)


def read_video(answer: Mapping[str, Any], remote_id: str, facts: Mapping[str, str]) -> Snapshot:
    """Return a video object as a snapshot; `progress` and `metadata` may be missing."""
    word = text(answer.get("status"), 200)
    status = WORDS.get(word.strip().casefold(), Status.RUNNING)
    link = link_of(table(answer.get("metadata")).get("url"), answer.get("url"))
    expires: Any = answer.get("expires_at")
    error = answer.get("error")
    return Snapshot(
        status,
        remote_id,
        word,
        percent(answer.get("progress")) if status in (Status.QUEUED, Status.RUNNING) else None,
        Result(link, expires_at(link) or (float(expires) if is_number(expires, 1e11) else None))
        if status is Status.DOWNLOADING
        else None,
        task_problem(table(error), text(error)) if status in (Status.FAILED, Status.EXPIRED) else None,
        usage=dict(table(answer.get("usage"))),
        facts=facts,
    )
