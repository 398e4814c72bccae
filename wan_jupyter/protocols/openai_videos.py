"""OpenAI's videos API as self-hosted servers speak it: SGLang Diffusion and vLLM-Omni.

Sources, read and run 2026-11-21: openai-python 3.52.0, SGLang 0.5.23, vLLM-Omni 0.30.0, LiteLLM 1.109.1. Jobs live in
the server's memory: after a restart they are lost, and a poll answers 404. A failed job may be answered with the
failure's own HTTP status and a whole video object as body.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ..errors import Problem, ServiceError
from ..status import Result, Snapshot, Status
from .base import BareProtocol, CreateRequest, Download, Flow, below, content_of, segment, set_path, unsupported_fields
from .responses import (
    Errors,
    advise,
    expires_at,
    is_number,
    link_of,
    ok,
    percent,
    read_json,
    request_id,
    table,
    text,
    unreadable,
    words_of,
)

if TYPE_CHECKING:
    import httpx

# Names of a job's state, case ignored; any other counts as "still running".
WORDS: Mapping[str, Status] = MappingProxyType(
    {
        "queued": Status.QUEUED,
        "pending": Status.QUEUED,
        "in_progress": Status.RUNNING,
        "processing": Status.RUNNING,
        "running": Status.RUNNING,
        "completed": Status.DOWNLOADING,
        "succeeded": Status.DOWNLOADING,
        "failed": Status.FAILED,
        "cancelled": Status.CANCELED,
        "canceled": Status.CANCELED,
        "deleted": Status.CANCELED,
        "expired": Status.EXPIRED,
    }
)

# Each option's form field. `seconds` is written in digits, which all servers accept.
FIELDS: Mapping[str, str] = MappingProxyType(
    {"duration": "seconds", "size": "size", "seed": "seed", "negative_prompt": "negative_prompt"}
)

# OpenAI's own codes, else "http …". Nothing here costs money but the server's time.
ERRORS: Errors = MappingProxyType(
    {
        "moderation_blocked": ("moderation", False),
        "content_policy_violation": ("moderation", False),
        "invalid_api_key": ("server_key", False),
        "insufficient_quota": ("billing", False),
        "rate_limit_exceeded": ("busy", True),
        "model_not_found": ("server_parameter", False),
        "http 400": ("server_parameter", False),
        "http 401": ("server_key", False),
        "http 403": ("server_key", False),
        "http 404": ("address", False),
        "http 405": ("address", False),
        "http 409": ("server_many", False),
        "http 413": ("too_large", False),
        "http 422": ("server_parameter", False),
        "http 429": ("busy", True),
        "http 500": ("server_failed", False),
        "http 502": ("server_failed", True),
        "http 503": ("server_failed", True),
        "http 504": ("server_failed", True),
    }
)
LOST = Problem("lost", advice="lost")

# A model's native frame rate, by a part of its name in lower case. Without `num_frames` a server assumes 24 frames a
# second, but Wan was trained at 16 (81 frames in 5 s). `SERVED` stands for whatever model the server has loaded.
FRAME_RATES: tuple[tuple[str, int], ...] = (("ti2v-5b", 24), ("wan", 16))
SERVED = "served"

# The id prefix of vLLM-Omni, whose DELETE stops a job. SGLang's DELETE only forgets it: the job would run on, and its
# video could not be fetched.
STOPPABLE = "video_gen_"


@dataclass(frozen=True, slots=True)
class OpenAIVideos(BareProtocol):
    """The protocol on one base URL, with or without `/v1` at its end."""

    base_url: str

    @property
    def takes_size(self) -> bool:  # type: ignore[override]
        """Whether it takes width and height: always."""
        return True

    def submit(self, request: CreateRequest) -> Flow[Snapshot]:
        """Create a job: multipart, which every server accepts, with the picture as file part."""
        import httpx

        fields, files = form_of(request)
        # `files` also for the text parts: without it, httpx sends an urlencoded form, which some servers refuse.
        parts = [(name, (None, value)) for name, value in fields.items()]
        create = httpx.Request("POST", below(self.base_url, "videos"), files=[*parts, *files.items()])
        create.read()  # builds the body here, where the caller expects the work, not while it is sent
        response = yield create
        answer = ok(response, ERRORS, prefix="http ")
        job_id = text(answer.get("id"))
        if not job_id:
            raise ServiceError("service.unreadable", problem=unreadable(response))
        word = text(answer.get("status"), 200)
        status = Status.RUNNING if word.casefold() == "in_progress" else Status.QUEUED
        return Snapshot(status, job_id, word, percent(answer.get("progress")), facts=_facts(answer, response))

    def poll(self, remote_id: str) -> Flow[Snapshot]:
        """Retrieve a job: a video object with any HTTP status; 404 means that the server no longer knows it."""
        import httpx

        response = yield httpx.Request("GET", self._job(remote_id))
        video = _video_in(response)
        if video is not None:
            return read_video(video, response, remote_id)
        if response.status_code == 404 and _says_json(response):
            return Snapshot(Status.EXPIRED, remote_id, problem=LOST)
        ok(response, ERRORS, prefix="http ")
        raise ServiceError("service.unreadable", problem=unreadable(response))

    def cancel(self, remote_id: str) -> Flow[bool]:
        """Stop a job where DELETE does so (vLLM-Omni); elsewhere return False without a request."""
        import httpx

        if not remote_id.startswith(STOPPABLE):
            return False
        response = yield httpx.Request("DELETE", self._job(remote_id))
        if response.status_code == 409:  # "Cancellation in progress"
            return True
        return ok(response, ERRORS, prefix="http ").get("deleted") is True

    def content(self, snapshot: Snapshot) -> Download:
        """Return the content route with the key (no `variant`: SGLang numbers them), or a cloud link without it."""
        return content_of(self.base_url, snapshot)

    def unsupported(self, request: CreateRequest) -> tuple[tuple[str, object], ...]:
        """Return the options that have no form field."""
        return unsupported_fields(request, FIELDS)

    def _job(self, remote_id: str) -> str:
        return below(self.base_url, f"videos/{segment(remote_id)}")


# ---- creating -----------------------------------------------------------------------------------------------------


def form_of(request: CreateRequest) -> tuple[dict[str, str], dict[str, tuple[str, bytes, str]]]:
    """Return the form's text fields and its file part: the picture, which the request holds as a data URI.

    A picture given as a link goes into `reference_url` (SGLang) and `image_reference` (vLLM-Omni); each server ignores
    the other's field.
    """
    fields: dict[str, Any] = {"prompt": request.prompt, **_named(request.model)}
    fields |= {FIELDS[name]: value for name, value in request.fields.items() if name in FIELDS}
    fields |= _frames(request)
    link = request.frames.get("first", "")
    if link.startswith(("http://", "https://")):
        fields |= {"reference_url": link, "image_reference": {"image_url": link}}
    for path, value in request.params:
        set_path(fields, path, value)
    return {name: _written(value) for name, value in fields.items()}, _file(link)


def _named(model: str) -> dict[str, str]:
    """Return the model's field, only if a model was chosen: vLLM-Omni refuses all but the exact name it serves."""
    return {"model": model} if model != SERVED else {}


def _frames(request: CreateRequest) -> dict[str, int]:
    """Return rate and number of frames for a Wan model: the native rate, and rate * seconds + 1 frames."""
    name = request.model.lower().replace(SERVED, "wan")
    rate = next((rate for part, rate in FRAME_RATES if part in name), 0)
    seconds = request.fields.get("duration")
    return {"fps": rate, "num_frames": rate * seconds + 1} if rate and isinstance(seconds, int) else {}


def _written(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _file(link: str) -> dict[str, tuple[str, bytes, str]]:
    """Return the file part of a data URI; text that is neither data URI nor link, as in a preview, is sent as it is."""
    if not link or link.startswith(("http://", "https://")):
        return {}
    head, _, body = link.partition(",")
    mime = head.removeprefix("data:").partition(";")[0]
    try:
        data = base64.b64decode(body, validate=True) if link.startswith("data:") else link.encode()
    except binascii.Error:
        data = link.encode()
    kind = mime.partition("/")[2] if mime.startswith("image/") else ""
    return {"input_reference": (f"first_frame.{kind or 'bin'}", data, mime if kind else "application/octet-stream")}


# ---- answers ------------------------------------------------------------------------------------------------------


def _video_in(response: httpx.Response) -> dict[str, Any] | None:
    """Return the video object in an answer of any HTTP status, None if there is none."""
    try:
        body = read_json(response)
    except ServiceError:
        return None
    return body if body.get("object") == "video" and text(body.get("status")) else None


def _says_json(response: httpx.Response) -> bool:
    """Return whether the server itself answered; a proxy's page says nothing about a job."""
    return any(words_of(_body(response)))


def _body(response: httpx.Response) -> Mapping[str, Any]:
    try:
        return read_json(response)
    except ServiceError:
        return {}


def read_video(video: Mapping[str, Any], response: httpx.Response, remote_id: str) -> Snapshot:
    """Return a video object as a snapshot; any field may be missing or null."""
    word = text(video.get("status"), 200)
    status = WORDS.get(word.strip().casefold(), Status.RUNNING)
    return Snapshot(
        status,
        remote_id,
        word,
        percent(video.get("progress")) if status in (Status.QUEUED, Status.RUNNING) else None,
        _result(video) if status is Status.DOWNLOADING else None,
        _job_problem(video, response) if status in (Status.FAILED, Status.EXPIRED) else None,
        _poll_after(response),
        dict(table(video.get("usage"))),
        _facts(video, response),
    )


def _result(video: Mapping[str, Any]) -> Result:
    """Return the video's cloud link if the server uploaded it, else a result that means the content route."""
    link, expires = link_of(video.get("url"), table(video.get("metadata")).get("url")), video.get("expires_at")
    return Result(
        link, expires_at(link) or (float(expires) if is_number(expires, 1e11) and expires is not None else None)
    )


def _job_problem(video: Mapping[str, Any], response: httpx.Response) -> Problem:
    """Return why a job failed: `error` is an object, whose code may be a number, or a text."""
    code, message = words_of({"error": video.get("error")})
    advice, again = advise(ERRORS, code)
    known = advice if advice != "unknown" else "server_failed"
    return Problem(code, message, request_id({}, response), 0, known, again)


def _poll_after(response: httpx.Response) -> float | None:
    """Return the seconds to wait before the next poll, if the server sends `openai-poll-after-ms`."""
    asked = response.headers.get("openai-poll-after-ms", "")
    return int(asked) / 1000 if asked.isascii() and asked.isdigit() and len(asked) < 7 else None


def _facts(video: Mapping[str, Any], response: httpx.Response) -> dict[str, str]:
    facts = {
        "actual_prompt": text(video.get("revised_prompt"), 20000),
        "request_id": request_id({}, response),
        "date": response.headers.get("date", "")[:64],
    }
    return {name: value for name, value in facts.items() if value}
