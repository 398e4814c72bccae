"""The gateway route `/v1/video/generations` (new-api).

Two generations of the gateway are in use, and a client must read both: task ids are Model Studio's own (until
2026-02-21) or begin with `task_`; the link is in `fail_reason` or in `result_url`; on failure `result_url` may hold the
error's text. Sources: see `new_api`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from ..status import Result, Snapshot, Status
from .base import BareProtocol, CreateRequest, Download, Flow, below, content_of, segment
from .new_api import STATUS_NAMES, body_of, checked, created, dated, dropped, refused, task_problem
from .responses import expires_at, link_of, percent, table, text

# The names that new-api uses, and one of other servers on the same route; case is ignored.
WORDS: Mapping[str, Status] = MappingProxyType({**STATUS_NAMES, "running": Status.RUNNING})
FACTS = ("orig_prompt", "actual_prompt", "submit_time", "scheduled_time", "end_time")


@dataclass(frozen=True, slots=True)
class VideoGenerations(BareProtocol):
    """The protocol on one base URL, with or without `/v1` at its end. No cancel, list or upload."""

    base_url: str

    def submit(self, request: CreateRequest) -> Flow[Snapshot]:
        """Create a task."""
        import httpx

        address = below(self.base_url, "video/generations")
        response = yield httpx.Request("POST", address, json=body_of(request))
        return created(response)

    def poll(self, remote_id: str) -> Flow[Snapshot]:
        """Query a task. Just after the create the answer may be `task_not_exist`, which passes."""
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
        """Return the video's link without the key; if there is no link, the gateway's content route with it."""
        return content_of(self.base_url, snapshot)

    def unsupported(self, request: CreateRequest) -> tuple[tuple[str, object], ...]:
        """Return what the gateway drops."""
        return dropped(request)


def _task_in(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the task in an answer, which is in a wrapper's `data` or the answer itself."""
    inner = table(answer.get("data"))
    return inner if text(inner.get("status")) else answer


def read_task(task: Mapping[str, Any], remote_id: str) -> Snapshot:
    """Return a task of any of the known shapes as a snapshot."""
    studio = table(task.get("data"))
    output = table(studio.get("output"))
    word = text(task.get("status"), 200)
    status = WORDS.get(word.strip().casefold(), Status.RUNNING)
    facts = {name: text(output.get(name), 20000) for name in FACTS}
    facts["request_id"] = text(studio.get("request_id"), 200)
    return Snapshot(
        status,
        remote_id,
        word,
        percent(task.get("progress")) if status in (Status.QUEUED, Status.RUNNING) else None,
        _result(task, output) if status is Status.DOWNLOADING else None,
        task_problem(output, _reason(task), facts["request_id"]) if status is Status.FAILED else None,
        usage=dict(table(studio.get("usage"))),
        facts={name: value for name, value in facts.items() if value},
    )


def _result(task: Mapping[str, Any], output: Mapping[str, Any]) -> Result:
    """Return the link of a finished task; in other states these fields hold other things."""
    link = link_of(output.get("video_url"), task.get("result_url"), task.get("url"), task.get("fail_reason"))
    return Result(link, expires_at(link))


def _reason(task: Mapping[str, Any]) -> str:
    error = task.get("error")
    return text(task.get("fail_reason")) or text(table(error).get("message") or error)
