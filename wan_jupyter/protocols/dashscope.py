"""Alibaba Cloud Model Studio's own API. Floor 1: no I/O, no clock, no other protocol.

Facts: reference/wire-dashscope.md (2026-11-21), made from the vendor's pages and the SDK 2.0.2; the seed document
dashscope-kf2v (2026-03-13). There is no idempotency key: a create that is sent twice is billed twice.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from ..errors import Problem, ServiceError
from ..status import Result, Snapshot, Status
from .base import KEYLESS, CreateRequest, Download, Flow, Found, Listing, get, lost_fields, segment, set_path
from .dashscope_errors import STUDIO
from .responses import (
    Errors,
    advise,
    billed_seconds,
    expires_at,
    is_number,
    ok,
    problem_of,
    retry_after,
    server_time,
    table,
    text,
    unreadable,
)

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

# Where each option goes (2.1). `negative_prompt` belongs to `input`, not to `parameters`; so does `template`.
FIELDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "negative_prompt": ("input", "negative_prompt"),
        "template": ("input", "template"),
        "audio_url": ("input", "audio_url"),
        "clip_url": ("input", "media"),
        "resolution": ("parameters", "resolution"),
        "size": ("parameters", "size"),
        "duration": ("parameters", "duration"),
        "prompt_extend": ("parameters", "prompt_extend"),
        "shot_type": ("parameters", "shot_type"),
        "audio": ("parameters", "audio"),
        "watermark": ("parameters", "watermark"),
        "seed": ("parameters", "seed"),
    }
)

# Types of `input.media`, in the order of the documents (2.5), each at most once; by role of a frame, or by option.
MEDIA: Mapping[str, str] = MappingProxyType(
    {"clip_url": "first_clip", "first": "first_frame", "last": "last_frame", "audio_url": "driving_audio"}
)

ERRORS: Errors = STUDIO
FACTS = ("orig_prompt", "actual_prompt", "submit_time", "scheduled_time", "end_time")
REMEMBERED = 24 * 3600.0  # seconds a task id is kept (4.1; seed dashscope-kf2v, 2026-03-13)
STORED = 48 * 3600.0  # seconds an uploaded file is kept (5)
CHINA = timezone(timedelta(hours=8))  # the service's times have no zone (4.1)
RATES: Mapping[str, float] = MappingProxyType({"poll": 20.0, "cancel": 20.0, "list": 20.0, "upload": 100.0})  # (2.7)
PAGE_SIZE = 10  # tasks on a page of the list


@dataclass(frozen=True, slots=True)
class DashScope:
    """The protocol on one base URL, which ends in `/api/v1`."""

    base_url: str
    memory: ClassVar[float] = REMEMBERED
    storage: ClassVar[float] = STORED
    rates: ClassVar[Mapping[str, float]] = RATES
    lists: ClassVar[bool] = True
    sized: ClassVar[bool] = False

    def submit(self, order: CreateRequest) -> Flow[Snapshot]:
        """Create a task (section 3): 200 with PENDING and a task id, or an error body."""
        headers, body = {"X-DashScope-Async": "enable"}, body_of(order)
        if _is_stored(body):
            headers["X-DashScope-OssResourceResolve"] = "enable"
        response = yield self._request("POST", order.path, headers=headers, json=body)
        answer = ok(response, ERRORS)
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
        response = yield self._request("GET", f"/tasks/{segment(remote_id)}")
        return read_task(ok(response, ERRORS), response, remote_id)

    def cancel(self, remote_id: str) -> Flow[bool]:
        """Cancel a task (4.4): only while PENDING; else 400 UnsupportedOperation."""
        response = yield self._request("POST", f"/tasks/{segment(remote_id)}/cancel")
        if response.status_code == 400 and problem_of(response, ERRORS).code == "UnsupportedOperation":
            return False
        ok(response, ERRORS)
        return True

    def content(self, snapshot: Snapshot) -> Download:
        """Fetch from storage (section 6): a signed link, which refuses a request that carries the key."""
        return Download(get(snapshot.result.link if snapshot.result else ""), with_key=False)

    def billed(self, usage: Mapping[str, Any]) -> float | None:
        """Return the billed seconds (4.2): `duration`, else `output_video_duration`, else `video_duration`."""
        return billed_seconds(usage)

    def lost(self, order: CreateRequest) -> tuple[tuple[str, object], ...]:
        """Return nothing: what a model takes reaches it."""
        return lost_fields(order, FIELDS)

    def needs_upload(self, order: CreateRequest, weight: int) -> bool:
        """Tell whether a picture goes to temporary storage first (2.4): where only links are safe, or it is large."""
        return weight > order.inline_max

    def upload(self, model: str, name: str, data: bytes, mime: str) -> Flow[str]:
        """Put a file into temporary storage (section 5) and return its `oss://` link, good for 48 h and this model.

        Args:
            model: the id that the create will name.
            name: ASCII, with the extension of its content: `<sha256>.png`.
            data: the file.
            mime: its media type.

        Raises:
            ServiceError: no policy, a file above what the policy allows, or storage refused the file.
        """
        response = yield self._request("GET", "/uploads", params={"action": "getPolicy", "model": model})
        policy = table(ok(response, ERRORS).get("data"))
        _check_weight(policy, len(data))
        key = f"{text(policy.get('upload_dir')).strip('/')}/{name}"
        stored = yield _form(self._storage(policy, response), key, policy, (name, data, mime))
        if not 200 <= stored.status_code < 300:
            raise ServiceError("service.refused", problem=_storage_problem(stored))
        return f"oss://{key}"

    def find(self, since: float, until: float, model: str = "", page: int = 1) -> Flow[Listing]:
        """Read a page of the account's tasks of a span of at most 24 h (4.5), newest first.

        Raises:
            ServiceError: it cannot be read, or has no rows although others follow: those it should have are not known.
        """
        span = {"start_time": _china(since), "end_time": _china(until), **({"model_name": model} if model else {})}
        response = yield self._request("GET", "/tasks/", params={**span, "page_no": page, "page_size": PAGE_SIZE})
        answer = ok(response, ERRORS)
        told: Any = answer.get("data")
        last: Any = answer.get("total_page")
        rows = told if isinstance(told, list) else []
        more = page < last if is_number(last) else len(rows) >= PAGE_SIZE
        if (more and not rows) or not (isinstance(told, list) or is_number(last)):
            raise ServiceError("service.unreadable", problem=unreadable(response))
        found = (_found(row) for row in rows if text(table(row).get("task_id")))
        return Listing(tuple(found), server_time(response), not more)

    def look_up(self, remote_id: str) -> Flow[Found | None]:
        """Ask the list (4.5) for one task of the last 24 h: it knows the model, which the query of a task does not."""
        response = yield self._request("GET", "/tasks/", params={"task_id": remote_id})
        rows = ok(response, ERRORS).get("data")
        found = [_found(row) for row in rows if table(row)] if isinstance(rows, list) else []
        return next((row for row in found if row.remote_id == remote_id), None)

    def _storage(self, policy: Mapping[str, Any], response: httpx.Response) -> str:
        """Return the storage's address; a policy that leads from https to http is not followed."""
        host = text(policy.get("upload_host"))
        try:
            safe = urlsplit(host).scheme in ("https", urlsplit(self.base_url).scheme) and bool(urlsplit(host).hostname)
        except ValueError:
            safe = False
        if not safe or not policy.get("upload_dir"):
            raise ServiceError("service.unreadable", problem=unreadable(response))
        return host

    def _request(self, method: str, path: str, **how: Any) -> httpx.Request:
        import httpx

        return httpx.Request(method, f"{self.base_url}{path}", **how)


# ---- creating -----------------------------------------------------------------------------------------------------


def body_of(order: CreateRequest) -> dict[str, Any]:
    """Return the create body (3.1): model, input, parameters, then what the user set by hand."""
    body: dict[str, Any] = {"model": order.model, "input": {}, "parameters": {}}
    if order.prompt:
        body["input"]["prompt"] = order.prompt
    body["input"].update(SHAPES[order.shape](order))
    for name, value in order.fields.items():
        if order.shape != "media" or name not in MEDIA:  # sound and clip are among the media there
            section, key = FIELDS[name]
            body[section][key] = value.replace("x", "*") if name == "size" else value
    for path, value in order.params:
        set_path(body, path, value, "parameters")
    return body


def _is_stored(value: Any) -> bool:
    """Tell whether there is a link into the service's own storage anywhere in a body (1.2)."""
    if isinstance(value, dict | list):
        return any(_is_stored(inner) for inner in (value.values() if isinstance(value, dict) else value))
    return isinstance(value, str) and value.startswith("oss://")


def _keyed(keys: Mapping[str, str], order: CreateRequest) -> dict[str, Any]:
    return {key: order.frames[role] for role, key in keys.items() if role in order.frames}


def _media(order: CreateRequest) -> dict[str, Any]:
    links = {**order.fields, **order.frames}
    items = [{"type": kind, "url": links[name]} for name, kind in MEDIA.items() if name in links]
    return {"media": items} if items else {}


# Body shape to what stands in `input` for the pictures (3.1).
SHAPES: Mapping[str, Callable[[CreateRequest], dict[str, Any]]] = MappingProxyType(
    {
        "img_url": partial(_keyed, MappingProxyType({"first": "img_url"})),
        "first_last": partial(_keyed, MappingProxyType({"first": "first_frame_url", "last": "last_frame_url"})),
        "media": _media,
    }
)


# ---- answers ------------------------------------------------------------------------------------------------------


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


def _late_problem(answer: Mapping[str, Any], output: Mapping[str, Any]) -> Problem:
    code = text(output.get("code") or answer.get("code"), 200)
    message = text(output.get("message") or answer.get("message"))
    expired = text(output.get("task_status")) == "UNKNOWN"
    advice, again = ("expired", False) if expired else advise(ERRORS, code) if code else ("no_reason", False)
    return Problem(code, message, text(answer.get("request_id"), 200), 0, advice, again)


def _facts(output: Mapping[str, Any], response: httpx.Response, answer: Mapping[str, Any]) -> dict[str, str]:
    said = {name: text(output.get(name), 20000) for name in FACTS}
    said["request_id"] = text(answer.get("request_id"), 200)
    said["date"] = response.headers.get("date", "")[:64]
    return {name: value for name, value in said.items() if value}


def _found(row: Any) -> Found:
    """Return one row of the list (4.5): its state is `status` there, its times are milliseconds."""
    created: Any = row.get("gmt_create")
    return Found(
        text(row.get("task_id")),
        text(row.get("model_name"), 200),
        float(created) / 1000 if is_number(created, 1e14) else None,
        WORDS.get(text(row.get("status")), Status.RUNNING),
    )


def _china(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, CHINA).strftime("%Y%m%d%H%M%S")


# ---- storage ------------------------------------------------------------------------------------------------------


def _form(host: str, key: str, policy: Mapping[str, Any], file: tuple[str, bytes, str]) -> httpx.Request:
    """Return the upload: the policy's fields, then the file, which must be the last part; no key."""
    import httpx

    names = {"OSSAccessKeyId": "oss_access_key_id", "Signature": "signature", "policy": "policy"}
    lists = {"x-oss-object-acl": "x_oss_object_acl", "x-oss-forbid-overwrite": "x_oss_forbid_overwrite"}
    fields = {name: text(policy.get(source), 20000) for name, source in {**names, **lists}.items()}
    whole = {**fields, "key": key, "success_action_status": "200"}
    try:
        return httpx.Request("POST", host, data=whole, files={"file": file}, extensions={KEYLESS: True})
    except (httpx.InvalidURL, ValueError):
        raise ServiceError("service.unreadable", problem=Problem("unreadable", advice="unreadable")) from None


def _check_weight(policy: Mapping[str, Any], weight: int) -> None:
    """Refuse a file above the policy's `max_file_size_mb` (5), before it is sent; a megabyte is the larger one."""
    most: Any = policy.get("max_file_size_mb")
    if is_number(most) and most > 0 and weight > most * 2**20:
        facts = {"megabytes": f"{weight / 2**20:.1f}", "most": f"{most:g}"}
        raise ServiceError("service.too_heavy", problem=Problem("too_heavy", advice="too_large"), **facts)


def _storage_problem(response: httpx.Response) -> Problem:
    """Return storage's refusal, which is XML: an expired policy (300 s) is worth another try with a new one."""
    said = response.content[:4000].decode("utf-8", "replace")
    code, message = (_between(said, tag) for tag in ("Code", "Message"))
    expired = "expired" in message.lower()
    http = response.status_code
    return Problem(code or f"http_{http}", message, "", http, "upload", expired or http >= 500, retry_after(response))


def _between(xml: str, tag: str) -> str:
    found = re.search(rf"<{tag}>([^<]*)</{tag}>", xml)
    return text(found[1], 500) if found else ""
