"""Alibaba Cloud Model Studio's own API (DashScope).

There is no idempotency key: a create that is sent twice is billed twice. Sources, read 2026-11-21, all below
https://www.alibabacloud.com/help/en/model-studio/:

    [i2v]    image-to-video-general-api-reference; legacy-image-to-video-api-reference (Wan 2.1 to 2.6)
    [kf2v]   image-to-video-by-first-and-last-frame-api-reference
    [tasks]  manage-asynchronous-tasks
    [upload] get-temporary-file-url
    [rates]  https://help.aliyun.com/zh/model-studio/rate-limit

What they leave open was read in Alibaba's Python SDK, dashscope 2.0.2.
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
from .base import (
    KEYLESS,
    CreateRequest,
    Download,
    Flow,
    ListedTask,
    TaskList,
    get,
    segment,
    set_path,
    unsupported_fields,
)
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

# The service's names of a task's state [tasks]. UNKNOWN is final: the id is expired, wrong or another account's; what
# that means for a job depends on who submitted it and when. Any other name counts as "still running".
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

# Where each option goes [i2v]. `negative_prompt` and `template` belong to `input`, not to `parameters`.
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

# Types of `input.media`, in the order of [i2v], each at most once; by role of a frame, or by option.
MEDIA: Mapping[str, str] = MappingProxyType(
    {"clip_url": "first_clip", "first": "first_frame", "last": "last_frame", "audio_url": "driving_audio"}
)

ERRORS: Errors = STUDIO
FACTS = ("orig_prompt", "actual_prompt", "submit_time", "scheduled_time", "end_time")
TASK_RETENTION_S = 24 * 3600.0  # [tasks], [kf2v]
UPLOAD_RETENTION_S = 48 * 3600.0  # [upload]
CHINA = timezone(timedelta(hours=8))  # the service's times carry no zone; they are China's [tasks]
# Requests a second and account [rates].
RATE_LIMITS: Mapping[str, float] = MappingProxyType({"poll": 20.0, "cancel": 20.0, "list": 20.0, "upload": 100.0})
PAGE_SIZE = 10  # tasks on a page of the list


@dataclass(frozen=True, slots=True)
class DashScope:
    """The protocol on one base URL, which ends in `/api/v1`."""

    base_url: str
    task_retention_s: ClassVar[float] = TASK_RETENTION_S
    upload_retention_s: ClassVar[float] = UPLOAD_RETENTION_S
    rate_limits: ClassVar[Mapping[str, float]] = RATE_LIMITS
    can_list_tasks: ClassVar[bool] = True
    takes_size: ClassVar[bool] = False

    def submit(self, request: CreateRequest) -> Flow[Snapshot]:
        """Create a task [i2v]: HTTP 200 with PENDING and a task id, or an error body."""
        headers, body = {"X-DashScope-Async": "enable"}, body_of(request)
        if _is_stored(body):
            headers["X-DashScope-OssResourceResolve"] = "enable"
        response = yield self._request("POST", request.path, headers=headers, json=body)
        answer = ok(response, ERRORS)
        output = table(answer.get("output"))
        task_id = text(output.get("task_id"))
        if not task_id:
            raise ServiceError("service.unreadable", problem=unreadable(response))
        # Whatever state it reports here, the task exists; a final one is believed from a poll only, with link or code.
        word = text(output.get("task_status"))
        status = Status.RUNNING if word == "RUNNING" else Status.QUEUED
        return Snapshot(status, task_id, word, facts=_facts(output, response, answer))

    def poll(self, remote_id: str) -> Flow[Snapshot]:
        """Query a task [tasks]: HTTP 200 for every state, FAILED included."""
        response = yield self._request("GET", f"/tasks/{segment(remote_id)}")
        return read_task(ok(response, ERRORS), response, remote_id)

    def cancel(self, remote_id: str) -> Flow[bool]:
        """Cancel a task [tasks]: only while PENDING, else HTTP 400 UnsupportedOperation."""
        response = yield self._request("POST", f"/tasks/{segment(remote_id)}/cancel")
        if response.status_code == 400 and problem_of(response, ERRORS).code == "UnsupportedOperation":
            return False
        ok(response, ERRORS)
        return True

    def content(self, snapshot: Snapshot) -> Download:
        """Return the signed link into storage, which refuses requests that carry the key."""
        return Download(get(snapshot.result.link if snapshot.result else ""), with_key=False)

    def billed_seconds(self, usage: Mapping[str, Any]) -> float | None:
        """Return `duration`, else `output_video_duration`, else `video_duration`; models differ."""
        return billed_seconds(usage)

    def unsupported(self, request: CreateRequest) -> tuple[tuple[str, object], ...]:
        """Return the options without a field in this API; so far every option has one."""
        return unsupported_fields(request, FIELDS)

    def needs_upload(self, request: CreateRequest, size: int) -> bool:
        """Return whether a picture is too large for the body, or the model accepts links only (`inline_max` 0)."""
        return size > request.inline_max

    def upload(self, model: str, name: str, data: bytes, mime: str) -> Flow[str]:
        """Put a file into temporary storage [upload]; return its `oss://` link, valid for 48 h and for this model.

        Args:
            model: the model id of the create request that will use the file.
            name: ASCII, with the extension of its content: `<sha256>.png`.
            data: the file.
            mime: its media type.

        Raises:
            ServiceError: no policy, a file larger than the policy allows, or storage refused the file.
        """
        response = yield self._request("GET", "/uploads", params={"action": "getPolicy", "model": model})
        policy = table(ok(response, ERRORS).get("data"))
        _check_size(policy, len(data))
        key = f"{text(policy.get('upload_dir')).strip('/')}/{name}"
        stored = yield _form(self._storage(policy, response), key, policy, (name, data, mime))
        if not 200 <= stored.status_code < 300:
            raise ServiceError("service.refused", problem=_storage_problem(stored))
        return f"oss://{key}"

    def list_tasks(self, since: float, until: float, model: str = "", page: int = 1) -> Flow[TaskList]:
        """Return one page of the account's tasks in a span of at most 24 h [tasks], newest first.

        Raises:
            ServiceError: the answer is unreadable, or an empty page although others follow: tasks would be missed.
        """
        span = {"start_time": _china(since), "end_time": _china(until), **({"model_name": model} if model else {})}
        response = yield self._request("GET", "/tasks/", params={**span, "page_no": page, "page_size": PAGE_SIZE})
        answer = ok(response, ERRORS)
        data: Any = answer.get("data")
        last_page: Any = answer.get("total_page")
        entries = data if isinstance(data, list) else []
        more = page < last_page if is_number(last_page) else len(entries) >= PAGE_SIZE
        if (more and not entries) or not (isinstance(data, list) or is_number(last_page)):
            raise ServiceError("service.unreadable", problem=unreadable(response))
        tasks = (_listed(entry) for entry in entries if text(table(entry).get("task_id")))
        return TaskList(tuple(tasks), server_time(response), not more)

    def find_task(self, remote_id: str) -> Flow[ListedTask | None]:
        """Return a task of the last 24 h from the list [tasks], which names the model; the query does not."""
        response = yield self._request("GET", "/tasks/", params={"task_id": remote_id})
        data = ok(response, ERRORS).get("data")
        tasks = [_listed(entry) for entry in data if table(entry)] if isinstance(data, list) else []
        return next((task for task in tasks if task.remote_id == remote_id), None)

    def _storage(self, policy: Mapping[str, Any], response: httpx.Response) -> str:
        """Return the storage's URL; raise ServiceError for a policy that leads from https to http."""
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


def body_of(request: CreateRequest) -> dict[str, Any]:
    """Return the create body [i2v]: model, input, parameters, then the user's `--param` values."""
    body: dict[str, Any] = {"model": request.model, "input": {}, "parameters": {}}
    if request.prompt:
        body["input"]["prompt"] = request.prompt
    body["input"].update(SHAPES[request.shape](request))
    for name, value in request.fields.items():
        if request.shape != "media" or name not in MEDIA:  # for "media" models, sound and clip are in `input.media`
            section, key = FIELDS[name]
            body[section][key] = value.replace("x", "*") if name == "size" else value
    for path, value in request.params:
        set_path(body, path, value, "parameters")
    return body


def _is_stored(value: Any) -> bool:
    """Return whether a body holds a link into the service's own storage, which it resolves only if a header asks."""
    if isinstance(value, dict | list):
        return any(_is_stored(inner) for inner in (value.values() if isinstance(value, dict) else value))
    return isinstance(value, str) and value.startswith("oss://")


def _keyed(keys: Mapping[str, str], request: CreateRequest) -> dict[str, Any]:
    return {key: request.frames[role] for role, key in keys.items() if role in request.frames}


def _media(request: CreateRequest) -> dict[str, Any]:
    links = {**request.fields, **request.frames}
    items = [{"type": kind, "url": links[name]} for name, kind in MEDIA.items() if name in links]
    return {"media": items} if items else {}


# A model's shape to the fields of `input` that hold its pictures [i2v], [kf2v].
SHAPES: Mapping[str, Callable[[CreateRequest], dict[str, Any]]] = MappingProxyType(
    {
        "img_url": partial(_keyed, MappingProxyType({"first": "img_url"})),
        "first_last": partial(_keyed, MappingProxyType({"first": "first_frame_url", "last": "last_frame_url"})),
        "media": _media,
    }
)


# ---- answers ------------------------------------------------------------------------------------------------------


def read_task(answer: Mapping[str, Any], response: httpx.Response, remote_id: str) -> Snapshot:
    """Return an answer to the query as a snapshot; any key may be missing, even the code of a FAILED task."""
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
        problem=_task_problem(answer, output) if status in (Status.FAILED, Status.EXPIRED) else None,
        usage=dict(table(answer.get("usage"))),
        facts=_facts(output, response, answer),
    )


def _task_problem(answer: Mapping[str, Any], output: Mapping[str, Any]) -> Problem:
    code = text(output.get("code") or answer.get("code"), 200)
    message = text(output.get("message") or answer.get("message"))
    expired = text(output.get("task_status")) == "UNKNOWN"
    advice, again = ("expired", False) if expired else advise(ERRORS, code) if code else ("no_reason", False)
    return Problem(code, message, text(answer.get("request_id"), 200), 0, advice, again)


def _facts(output: Mapping[str, Any], response: httpx.Response, answer: Mapping[str, Any]) -> dict[str, str]:
    facts = {name: text(output.get(name), 20000) for name in FACTS}
    facts["request_id"] = text(answer.get("request_id"), 200)
    facts["date"] = response.headers.get("date", "")[:64]
    return {name: value for name, value in facts.items() if value}


def _listed(entry: Any) -> ListedTask:
    """Return an entry of the list [tasks]; there the state is `status`, and times are in milliseconds."""
    created: Any = entry.get("gmt_create")
    return ListedTask(
        text(entry.get("task_id")),
        text(entry.get("model_name"), 200),
        float(created) / 1000 if is_number(created, 1e14) else None,
        WORDS.get(text(entry.get("status")), Status.RUNNING),
    )


def _china(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, CHINA).strftime("%Y%m%d%H%M%S")


# ---- storage ------------------------------------------------------------------------------------------------------


def _form(host: str, key: str, policy: Mapping[str, Any], file: tuple[str, bytes, str]) -> httpx.Request:
    """Return the upload [upload]: the policy's fields, then the file, which must be the last part; without the key."""
    import httpx

    names = {"OSSAccessKeyId": "oss_access_key_id", "Signature": "signature", "policy": "policy"}
    lists = {"x-oss-object-acl": "x_oss_object_acl", "x-oss-forbid-overwrite": "x_oss_forbid_overwrite"}
    fields = {name: text(policy.get(source), 20000) for name, source in {**names, **lists}.items()}
    whole = {**fields, "key": key, "success_action_status": "200"}
    try:
        return httpx.Request("POST", host, data=whole, files={"file": file}, extensions={KEYLESS: True})
    except (httpx.InvalidURL, ValueError):
        raise ServiceError("service.unreadable", problem=Problem("unreadable", advice="unreadable")) from None


def _check_size(policy: Mapping[str, Any], size: int) -> None:
    """Refuse a file above the policy's `max_file_size_mb` [upload] (in MiB) before it is sent."""
    most: Any = policy.get("max_file_size_mb")
    if is_number(most) and most > 0 and size > most * 2**20:
        facts = {"megabytes": f"{size / 2**20:.1f}", "most": f"{most:g}"}
        raise ServiceError("service.too_heavy", problem=Problem("too_heavy", advice="too_large"), **facts)


def _storage_problem(response: httpx.Response) -> Problem:
    """Return storage's refusal, which is XML; after an expired policy (300 s), a retry with a new one helps."""
    said = response.content[:4000].decode("utf-8", "replace")
    code, message = (_between(said, tag) for tag in ("Code", "Message"))
    expired = "expired" in message.lower()
    http = response.status_code
    return Problem(code or f"http_{http}", message, "", http, "upload", expired or http >= 500, retry_after(response))


def _between(xml: str, tag: str) -> str:
    found = re.search(rf"<{tag}>([^<]*)</{tag}>", xml)
    return text(found[1], 500) if found else ""
