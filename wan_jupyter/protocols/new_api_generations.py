"""The gateway route `/v1/video/generations` (new-api). Floor 1: no I/O, no clock, no other protocol.

Facts: reference/wire-gateways.md 1, 3 and 8 (2026-11-21); the seed document gateway-video-generations (Korean, December
2025). Two generations of the gateway are in the field, and a client must read both: ids are Model Studio's own or begin
with `task_`; the link is in `fail_reason` or in `result_url`; on failure `result_url` may hold the error's text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from ..status import Result, Snapshot, Status
from .base import BareProtocol, CreateRequest, Download, Flow, below, content_of, segment
from .new_api import body_of, checked, created, dated, dropped, late, refused
from .responses import expires_at, link_of, percent, table, text

# The gateway's words (1.4), and those of the third and fourth shapes on the same route, without regard to case. Its
# UNKNOWN is passing, unlike DashScope's: it counts as "still running", as does any other word.
WORDS: Mapping[str, Status] = MappingProxyType(
    {
        "not_start": Status.QUEUED,
        "submitted": Status.QUEUED,
        "queued": Status.QUEUED,
        "pending": Status.QUEUED,
        "in_progress": Status.RUNNING,
        "processing": Status.RUNNING,
        "running": Status.RUNNING,
        "success": Status.DOWNLOADING,
        "succeeded": Status.DOWNLOADING,
        "completed": Status.DOWNLOADING,
        "failure": Status.FAILED,
        "failed": Status.FAILED,
        "canceled": Status.CANCELED,
        "cancelled": Status.CANCELED,
    }
)
FACTS = ("orig_prompt", "actual_prompt", "submit_time", "scheduled_time", "end_time")


@dataclass(frozen=True, slots=True)
class VideoGenerations(BareProtocol):
    """The protocol on one base URL, with or without `/v1` at its end. There is no cancel, no list, no upload (2.4)."""

    base_url: str

    def submit(self, order: CreateRequest) -> Flow[Snapshot]:
        """Create a task (1.1–1.3)."""
        import httpx

        address = below(self.base_url, "video/generations")
        response = yield httpx.Request("POST", address, json=body_of(order))
        return created(response)

    def poll(self, remote_id: str) -> Flow[Snapshot]:
        """Query a task (1.4). Just after the create it may be `task_not_exist`, an error to ask again after (3)."""
        import httpx

        response = yield httpx.Request("GET", below(self.base_url, f"video/generations/{segment(remote_id)}"))
        answer = checked(response)
        task = _task_in(answer)
        if not text(task.get("status")):
            raise refused(answer, response)
        seen = read_task(task, remote_id)
        return Snapshot(
            seen.status, remote_id, seen.word, seen.progress, seen.result, seen.problem,
            usage=seen.usage, facts={**dated(response), **seen.facts},
        )  # fmt: skip

    def content(self, snapshot: Snapshot) -> Download:
        """Fetch the link without the key; where there is none, the gateway's content route with it."""
        return content_of(self.base_url, snapshot)

    def lost(self, order: CreateRequest) -> tuple[tuple[str, object], ...]:
        """Return what the gateway drops on the way (1.2)."""
        return dropped(order)


def _task_in(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the task of an answer: in the wrapper's `data`, or flat (1.4, fourth shape)."""
    inner = table(answer.get("data"))
    return inner if text(inner.get("status")) else answer


def read_task(task: Mapping[str, Any], remote_id: str) -> Snapshot:
    """Return a task of any of the documented shapes as a snapshot."""
    studio = table(task.get("data"))
    output = table(studio.get("output"))
    word = text(task.get("status"), 200)
    status = WORDS.get(word.strip().casefold(), Status.RUNNING)
    said = {name: text(output.get(name), 20000) for name in FACTS}
    said["request_id"] = text(studio.get("request_id"), 200)
    return Snapshot(
        status,
        remote_id,
        word,
        percent(task.get("progress")) if status in (Status.QUEUED, Status.RUNNING) else None,
        _result(task, output) if status is Status.DOWNLOADING else None,
        late(output, _reason(task), said["request_id"]) if status is Status.FAILED else None,
        usage=dict(table(studio.get("usage"))),
        facts={name: value for name, value in said.items() if value},
    )


def _result(task: Mapping[str, Any], output: Mapping[str, Any]) -> Result:
    """Return where the video of a finished task lies (1.4): only then is any of these fields a link."""
    link = link_of(output.get("video_url"), task.get("result_url"), task.get("url"), task.get("fail_reason"))
    return Result(link, expires_at(link))


def _reason(task: Mapping[str, Any]) -> str:
    error = task.get("error")
    return text(task.get("fail_reason")) or text(table(error).get("message") or error)
