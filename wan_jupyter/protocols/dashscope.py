"""Alibaba Cloud Model Studio's own API. Floor 1: no I/O, no clock, no other protocol.

Facts: reference/wire-dashscope.md (2026-11-21), made from the vendor's pages and the SDK 2.0.2; the seed document
dashscope-kf2v (2026-03-13). There is no idempotency key: a create that is sent twice is billed twice.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, urlsplit

from ..errors import Problem, ServiceError
from ..status import Result, Snapshot, Status
from .base import Download, Flow, Order, read_json, set_path, table, text, unreadable

if TYPE_CHECKING:
    import httpx

# The service's words for a task (4.1). UNKNOWN is terminal here: an expired, foreign or wrong id; what it means for a
# job is decided by who submitted it and when. Any other word counts as "still running".
WORDS: Mapping[str, Status] = MappingProxyType(
    {
        "PENDING": Status.QUEUED,
        "RUNNING": Status.RUNNING,
        "SUCCEEDED": Status.DOWNLOADING,
        "FAILED": Status.FAILED,
        "CANCELED": Status.CANCELED,
        "UNKNOWN": Status.EXPIRED,
    }
)

# Where each option goes (2.1). `negative_prompt` belongs to `input`, not to `parameters`.
FIELDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "negative_prompt": ("input", "negative_prompt"),
        "audio_url": ("input", "audio_url"),
        "resolution": ("parameters", "resolution"),
        "duration": ("parameters", "duration"),
        "prompt_extend": ("parameters", "prompt_extend"),
        "shot_type": ("parameters", "shot_type"),
        "audio": ("parameters", "audio"),
        "watermark": ("parameters", "watermark"),
        "seed": ("parameters", "seed"),
    }
)

# Body shape to the input's key for each frame (3.1).
FRAMES: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "img_url": MappingProxyType({"first": "img_url"}),
        "first_last": MappingProxyType({"first": "first_frame_url", "last": "last_frame_url"}),
    }
)

# Error codes (3.4): the advice under `advice` in `messages`, and whether sending the same again may help. A code is
# looked up whole, then without what follows its last dot.
ERRORS: Mapping[str, tuple[str, bool]] = MappingProxyType(
    {
        "InvalidApiKey": ("key", False),
        "NOT AUTHORIZED": ("key", False),
        "AccessDenied": ("access", False),
        "Model.AccessDenied": ("access", False),
        "Workspace.AccessDenied": ("access", False),
        "AllocationQuota.FreeTierOnly": ("free_tier", False),
        "Arrearage": ("billing", False),
        "CommodityNotPurchased": ("billing", False),
        "PrepaidBillOverdue": ("billing", False),
        "PostpaidBillOverdue": ("billing", False),
        "Throttling": ("busy", True),
        "Throttling.AllocationQuota": ("quota", False),
        "ModelNotFound": ("model", False),
        "Model.NotExist": ("model", False),
        "InvalidParameter": ("parameter", False),
        "InvalidParameter.DataInspection": ("picture_fetch", False),
        "InvalidURL": ("picture_fetch", False),
        "InvalidImage": ("picture", False),
        "InvalidImageResolution": ("picture", False),
        "InvalidImageFormat": ("picture", False),
        "InvalidFile": ("picture", False),
        "BadRequest.TooLarge": ("too_large", False),
        "BadRequest.InputDownloadFailed": ("picture_fetch", False),
        "BadRequest": ("parameter", False),
        "DataInspectionFailed": ("moderation", False),
        "IPInfringementSuspect": ("moderation", False),
        "InternalError": ("service_trouble", True),
        "InternalError.Timeout": ("service_trouble", True),
        "SystemError": ("service_trouble", True),
        "ModelServiceFailed": ("service_trouble", True),
        "RewriteFailed": ("rewrite", True),
        "ModelServingError": ("busy", True),
        "ModelUnavailable": ("busy", True),
        "ServiceUnavailable": ("busy", True),
        "RequestTimeOut": ("service_trouble", True),
    }
)

FACTS = ("orig_prompt", "actual_prompt", "submit_time", "scheduled_time", "end_time")
BILLED = ("duration", "output_video_duration", "video_duration")


@dataclass(frozen=True, slots=True)
class DashScope:
    """The protocol on one base URL, which ends in `/api/v1`."""

    base_url: str

    def submit(self, order: Order) -> Flow[Snapshot]:
        """Create a task (section 3): 200 with PENDING and a task id, or an error body."""
        headers = {"X-DashScope-Async": "enable"}
        if any(link.startswith("oss://") for link in order.frames.values()):
            headers["X-DashScope-OssResourceResolve"] = "enable"
        response = yield self._request("POST", order.path, headers=headers, json=body_of(order))
        answer = _ok(response)
        output = table(answer.get("output"))
        task_id = text(output.get("task_id"))
        if not task_id:
            raise ServiceError("service.unreadable", problem=unreadable(response))
        # Whatever is said of it here, the task exists; an end is believed from a poll only, with its link or code.
        word = text(output.get("task_status"))
        status = Status.RUNNING if word == "RUNNING" else Status.QUEUED
        return Snapshot(status, task_id, word, facts=_facts(output, response, answer))

    def poll(self, remote_id: str) -> Flow[Snapshot]:
        """Query a task (4.1). HTTP 200 for every state, FAILED included."""
        response = yield self._request("GET", f"/tasks/{quote(remote_id, safe='')}")
        return read_task(_ok(response), response, remote_id)

    def cancel(self, remote_id: str) -> Flow[bool]:
        """Cancel a task (4.4): only while PENDING; else 400 UnsupportedOperation."""
        response = yield self._request("POST", f"/tasks/{quote(remote_id, safe='')}/cancel")
        if response.status_code == 400 and problem_of(response).code == "UnsupportedOperation":
            return False
        _ok(response)
        return True

    def content(self, snapshot: Snapshot) -> Download:
        """Fetch from storage (section 6): a signed link, which refuses a request that carries the key."""
        import httpx

        link = snapshot.result.link if snapshot.result else ""
        try:
            return Download(httpx.Request("GET", link), with_key=False)
        except (httpx.InvalidURL, ValueError):
            raise ServiceError("service.unreadable", problem=Problem("unreadable", advice="storage")) from None

    def billed(self, usage: Mapping[str, Any]) -> float | None:
        """Return the billed seconds (4.2): `duration`, else `output_video_duration`, else `video_duration`."""
        return next((float(usage[key]) for key in BILLED if _is_number(usage.get(key))), None)

    def _request(self, method: str, path: str, **how: Any) -> httpx.Request:
        import httpx

        return httpx.Request(method, f"{self.base_url}{path}", **how)


def body_of(order: Order) -> dict[str, Any]:
    """Return the create body (3.1): model, input, parameters, then what the user set by hand."""
    body: dict[str, Any] = {"model": order.model, "input": {}, "parameters": {}}
    if order.prompt:
        body["input"]["prompt"] = order.prompt
    for role, key in FRAMES[order.shape].items():
        if role in order.frames:
            body["input"][key] = order.frames[role]
    for name, value in order.fields.items():
        section, key = FIELDS[name]
        body[section][key] = value
    for path, value in order.params:
        set_path(body, path, value, "parameters")
    return body


def read_task(answer: Mapping[str, Any], response: httpx.Response, remote_id: str) -> Snapshot:
    """Return one answer of the query as a snapshot; any key may be missing (3.4: FAILED without a code)."""
    output = table(answer.get("output"))
    word = text(output.get("task_status"))
    if not word:
        raise ServiceError("service.unreadable", problem=unreadable(response))
    status = WORDS.get(word, Status.RUNNING)
    link = text(output.get("video_url"), 8000)
    if status is Status.DOWNLOADING and not link:
        raise ServiceError("service.unreadable", problem=unreadable(response))
    return Snapshot(
        status,
        remote_id,
        word,
        result=Result(link, expires_at(link)) if status is Status.DOWNLOADING else None,
        problem=_late_problem(answer, output) if status in (Status.FAILED, Status.EXPIRED) else None,
        usage=dict(table(answer.get("usage"))),
        facts=_facts(output, response, answer),
    )


def expires_at(link: str) -> float | None:
    """Return the epoch second at which a signed link dies, from its `Expires` (section 6), None without one."""
    try:
        found = parse_qs(urlsplit(link).query).get("Expires", [""])[0]
    except ValueError:
        return None
    return float(found) if re.fullmatch(r"\d{1,12}", found, re.ASCII) else None


def problem_of(response: httpx.Response) -> Problem:
    """Return an error answer as a problem: flat body, or the OpenAI-like `error` object (3.4)."""
    try:
        body = read_json(response)
    except ServiceError as unread:
        return unread.problem
    inner = table(body.get("error"))
    code = text(body.get("code") or inner.get("code"), 200)
    message = text(body.get("message") or inner.get("message"))
    request_id = text(body.get("request_id"), 200) or response.headers.get("x-request-id", "")[:200]
    advice, again = advise(code, response.status_code)
    return Problem(code, message, request_id, response.status_code, advice, again, retry_after(response))


def advise(code: str, http: int = 0) -> tuple[str, bool]:
    """Return the advice for a code and whether sending the same again may help."""
    for known in (code, code.rpartition(".")[0], code.partition(".")[0]):
        if known in ERRORS:
            return ERRORS[known]
    return ("key", False) if http == 401 else ("unknown", http in (429, 503))


def retry_after(response: httpx.Response) -> float | None:
    """Return `Retry-After` in seconds from either of its forms, None if absent or unreadable."""
    value = response.headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,6}", value, re.ASCII):
        return float(value)
    try:
        then, now = (parsedate_to_datetime(text) for text in (value, response.headers.get("date", "")))
        return max(0.0, (then - now).total_seconds())
    except (TypeError, ValueError):
        return None


def _is_number(value: object) -> bool:
    """Tell whether a value can be a number of seconds; JSON has room for others."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e9


def _ok(response: httpx.Response) -> dict[str, Any]:
    if not 200 <= response.status_code < 300:
        raise ServiceError("service.refused", problem=problem_of(response))
    return read_json(response)


def _late_problem(answer: Mapping[str, Any], output: Mapping[str, Any]) -> Problem:
    code = text(output.get("code") or answer.get("code"), 200)
    message = text(output.get("message") or answer.get("message"))
    expired = text(output.get("task_status")) == "UNKNOWN"
    advice, again = ("expired", False) if expired else advise(code)
    return Problem(code, message, text(answer.get("request_id"), 200), 0, advice, again)


def _facts(output: Mapping[str, Any], response: httpx.Response, answer: Mapping[str, Any]) -> dict[str, str]:
    said = {name: text(output.get(name), 20000) for name in FACTS}
    said["request_id"] = text(answer.get("request_id"), 200)
    said["date"] = response.headers.get("date", "")[:64]
    return {name: value for name, value in said.items() if value}
