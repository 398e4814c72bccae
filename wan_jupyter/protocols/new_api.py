"""What the routes of a new-api gateway share: the create body, its answer, its errors, what the gateway drops.

Sources: new-api's code of December 2025 to August 2026 (https://github.com/QuantumNous/new-api, relay/ and
relay/channel/task/ali/), read 2026-11-21; the Korean documentation of a gateway that runs it, December 2025 (its tables
of fields). The gateway decodes `metadata` over the body that it sends to Model Studio, and silently drops every name
that it does not know.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ..errors import Problem, ServiceError
from ..status import Snapshot, Status
from .base import CreateRequest, put, set_path, unsupported_fields
from .dashscope_errors import STUDIO
from .responses import Errors, advise, percent, problem_of, read_json, table, text, unreadable, words_of

if TYPE_CHECKING:
    import httpx

INPUT, PARAMETERS = ("metadata", "input"), ("metadata", "parameters")

# Names of a task's state on both routes, in lower case. Any other name counts as "still running", `unknown` too: unlike
# DashScope's UNKNOWN it passes.
STATUS_NAMES: Mapping[str, Status] = MappingProxyType(
    {
        "not_start": Status.QUEUED,
        "submitted": Status.QUEUED,
        "queued": Status.QUEUED,
        "pending": Status.QUEUED,
        "in_progress": Status.RUNNING,
        "processing": Status.RUNNING,
        "success": Status.DOWNLOADING,
        "succeeded": Status.DOWNLOADING,
        "completed": Status.DOWNLOADING,
        "failure": Status.FAILED,
        "failed": Status.FAILED,
        "canceled": Status.CANCELED,
        "cancelled": Status.CANCELED,
    }
)

# Where each option goes.
FIELDS: Mapping[str, tuple[tuple[str, ...], str]] = MappingProxyType(
    {
        "negative_prompt": (INPUT, "negative_prompt"),
        "template": (INPUT, "template"),
        "audio_url": (INPUT, "audio_url"),
        "resolution": (PARAMETERS, "resolution"),
        "size": (PARAMETERS, "size"),
        "duration": (PARAMETERS, "duration"),
        "prompt_extend": (PARAMETERS, "prompt_extend"),
        "shot_type": (PARAMETERS, "shot_type"),
        "audio": (PARAMETERS, "audio"),
        "watermark": (PARAMETERS, "watermark"),
        "seed": (PARAMETERS, "seed"),
    }
)
# The names that the gateway passes on, `media` since 2026-07-01.
PICTURES = frozenset({"img_url", "first_frame_url", "last_frame_url", "media"})
KNOWN: Mapping[tuple[str, ...], frozenset[str]] = MappingProxyType(
    {
        INPUT: PICTURES | {"prompt", "audio_url", "negative_prompt", "template"},
        PARAMETERS: frozenset({"resolution", "size", "duration", "prompt_extend", "watermark", "audio", "seed"}),
    }
)
# Go's JSON encoder omits these on the way to Model Studio (`omitempty`); `audio=false` passes.
DROPPED = frozenset({("prompt_extend", False), ("watermark", False), ("seed", 0)})
# Sections of DashScope's own body that `--param` may name.
FOLDERS = frozenset({"input", "parameters"})

# A single first frame has a field of its own; any other set of frames uses these names, as links.
FRAMES: Mapping[str, str] = MappingProxyType({"first": "first_frame_url", "last": "last_frame_url"})

# Model Studio's refusals that the gateway's operator must resolve, not the user.
OPERATORS = frozenset({"key", "access", "free_tier", "billing", "quota", "workspace"})

# The gateway's own codes, of both generations (see `new_api_generations`); "http …" where it gives none.
OWN: Errors = MappingProxyType(
    {
        "http 400": ("parameter", False),
        "http 401": ("gateway_key", False),
        "http 403": ("gateway_right", False),
        "http 404": ("gateway_route", False),
        "http 413": ("too_large", False),
        "http 429": ("busy", True),
        "http 500": ("gateway_trouble", False),
        "http 502": ("gateway_trouble", True),
        "http 503": ("gateway_trouble", True),
        "http 504": ("gateway_trouble", True),
        "model_not_found": ("gateway_model", False),
        "model_price_error": ("gateway_model", False),
        "quota_not_enough": ("gateway_quota", False),
        "insufficient_user_quota": ("gateway_quota", False),
        "pre_consume_token_quota_failed": ("gateway_quota", False),
        "unmarshal_task_request_failed": ("parameter", False),
        "invalid_json": ("parameter", False),
        "invalid_request": ("parameter", False),
        "invalid_seconds": ("parameter", False),
        "missing_model": ("parameter", False),
        "convert_to_ali_request_failed": ("parameter", False),
        "build_request_failed": ("parameter", False),
        "fail_to_fetch_task": ("passed_on", False),
        "ali_api_error": ("passed_on", False),
        "do_request_failed": ("gateway_trouble", False),
        "unmarshal_response_body_failed": ("gateway_trouble", False),
        "invalid_response": ("gateway_trouble", False),
        "read_request_body_failed": ("too_large", False),
        "task_not_exist": ("gateway_unknown", True),
        "not_implemented": ("gateway_route", False),
        "convert_to_openai_video_failed": ("gateway_trouble", True),
        "invalid_request_error": ("gateway_route", False),
        "new_api_panic": ("gateway_trouble", True),
    }
)
ERRORS: Errors = MappingProxyType({**STUDIO, **OWN})

# Refusals before anything reached Model Studio, or by Model Studio itself, whatever the HTTP status: the gateway
# charges after a successful create, or refunds.
CREATED_NOTHING = frozenset(
    {"model_not_found", "convert_to_ali_request_failed", "build_request_failed", "ali_api_error"}
)


# ---- creating -----------------------------------------------------------------------------------------------------


def body_of(request: CreateRequest) -> dict[str, Any]:
    """Return the create body: model, prompt, `input_reference` or frames, options in `metadata`, then `--param`.

    The prompt is always sent: the gateway refuses a blank one before anything is charged.
    """
    body: dict[str, Any] = {"model": request.model, "prompt": request.prompt}
    if set(request.frames) == {"first"} and request.shape != "first_last":
        body["input_reference"] = request.frames["first"]
    else:
        for role, link in request.frames.items():
            put(body, INPUT, FRAMES[role], link)
    for name, value in request.fields.items():
        if name not in FIELDS:  # reported by `dropped`
            continue
        folders, key = FIELDS[name]
        put(body, folders, key, value.replace("x", "*") if name == "size" else value)
    for path, value in request.params:
        set_path(body, _inside(path), value, ".".join(PARAMETERS))
    return body


def _inside(path: str) -> str:
    """Return a path in DashScope's body as a path in the gateway's, so that one cell works with both."""
    return f"metadata.{path}" if path.partition(".")[0] in FOLDERS and "." in path else path


def dropped(request: CreateRequest) -> tuple[tuple[str, object], ...]:
    """Return what the gateway drops: options it has no name for, false and zero values, unknown `--param` names."""
    unnamed = {name for name in request.fields if name in FIELDS and FIELDS[name][1] not in KNOWN[FIELDS[name][0]]}
    gone = [(name, value) for name, value in request.fields.items() if name in unnamed or (name, value) in DROPPED]
    return (*gone, *unsupported_fields(request, FIELDS), *(pair for pair in request.params if _unknown(pair[0])))


def _unknown(path: str) -> bool:
    parts = _inside(path if "." in path else f"parameters.{path}").split(".")
    names = KNOWN.get(tuple(parts[:2]))
    return names is not None and len(parts) > 2 and parts[2] not in names


def created(response: httpx.Response) -> Snapshot:
    """Return the snapshot of a create's answer; the id is `id`, else `task_id`, else `data.task_id`.

    Raises:
        ServiceError: an error body, which may come with HTTP 200 (`ali_api_error`), or no id.
    """
    answer = checked(response)
    task_id = text(answer.get("id")) or text(answer.get("task_id")) or text(table(answer.get("data")).get("task_id"))
    if not task_id:
        raise refused(answer, response)
    word = text(answer.get("status"))
    status = Status.RUNNING if word.casefold() == "in_progress" else Status.QUEUED
    return Snapshot(status, task_id, word, percent(answer.get("progress")), facts=dated(response))


def dated(response: httpx.Response) -> dict[str, str]:
    """Return request id and date of an exchange from its headers."""
    facts = {"request_id": response.headers.get("x-oneapi-request-id", ""), "date": response.headers.get("date", "")}
    return {name: value[:200] for name, value in facts.items() if value}


# ---- errors -------------------------------------------------------------------------------------------------------


def checked(response: httpx.Response) -> dict[str, Any]:
    """Return the JSON object in a successful answer; raise ServiceError for any other."""
    if not 200 <= response.status_code < 300:
        raise ServiceError(
            "service.refused", problem=_with_upstream_advice(problem_of(response, ERRORS, prefix="http "))
        )
    return read_json(response)


def refused(answer: Mapping[str, Any], response: httpx.Response) -> ServiceError:
    """Return the error for an HTTP 200 without a result: an error body, or one that no document describes."""
    code, _ = words_of(answer)
    if not code or code.casefold() in ("success", "0"):
        return ServiceError("service.unreadable", problem=unreadable(response))
    return ServiceError("service.refused", problem=_with_upstream_advice(problem_of(response, ERRORS)))


def _with_upstream_advice(problem: Problem) -> Problem:
    """Return a problem with the advice for Model Studio's own error, which the gateway passes on as text."""
    known = replace(problem, created_nothing=problem.code in CREATED_NOTHING)
    if problem.code not in ("fail_to_fetch_task", "ali_api_error"):
        return known
    advice, again = upstream(_passed_on(problem.message))
    if advice in ("unknown", "no_reason"):  # a 429 from Model Studio is passed on without its message
        return replace(known, advice="busy", again=True) if problem.http == 429 else known
    return replace(known, advice=advice, again=again or problem.http == 429)


def upstream(code: str) -> tuple[str, bool]:
    """Return the advice for a code of Model Studio, where key and account belong to the gateway's operator."""
    if not code:
        return "no_reason", False
    advice, again = advise(STUDIO, code)
    return ("operator" if advice in OPERATORS else advice), again


def _passed_on(message: str) -> str:
    """Return Model Studio's code in a message: a JSON body as text, or `Code: message`."""
    try:
        body = json.loads(message)
    except (ValueError, RecursionError):
        found = re.match(r"([A-Za-z][\w.]{2,80}): ", message)
        return found[1] if found else ""
    return words_of(table(body))[0]


def task_problem(output: Mapping[str, Any], reason: str, request_id: str = "") -> Problem:
    """Return the problem of a failed task: Model Studio's own code and message, else the gateway's version.

    The gateway writes `task failed, code: X , message: Y`, or only a message.
    """
    found = re.fullmatch(r"task failed, code: (.*?) , message: (.*)", reason, re.DOTALL)
    code = text(output.get("code"), 200) or (found[1][:200] if found else "")
    message = text(output.get("message")) or (found[2] if found else reason)
    advice, again = upstream(code)
    return Problem(code, message, request_id, 0, advice, again)
