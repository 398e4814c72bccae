"""What the routes of a new-api gateway share: the create body, its answer, its errors, what it drops. Floor 1.

Facts: reference/wire-gateways.md 1 and 2 (2026-11-21), read in new-api's source of December 2025 to August 2026; the
seed document gateway-video-generations (Korean, December 2025). The gateway decodes `metadata` over the body that it
sends to Model Studio; whatever it has no name for, it drops without a word.
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
from .base import CreateRequest, lost_fields, put, set_path
from .dashscope_errors import STUDIO
from .responses import Errors, advise, percent, problem_of, read_json, table, text, unreadable, words_of

if TYPE_CHECKING:
    import httpx

INPUT, PARAMETERS = ("metadata", "input"), ("metadata", "parameters")

# Where each option goes (1.2; the seed's tables).
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
# The names that the gateway passes on (1.2), `media` since 2026-07-01.
PICTURES = frozenset({"img_url", "first_frame_url", "last_frame_url", "media"})
KNOWN: Mapping[tuple[str, ...], frozenset[str]] = MappingProxyType(
    {
        INPUT: PICTURES | {"prompt", "audio_url", "negative_prompt", "template"},
        PARAMETERS: frozenset({"resolution", "size", "duration", "prompt_extend", "watermark", "audio", "seed"}),
    }
)
# Go's encoder leaves these out on the way to Model Studio (1.2, "omit-empty"); `audio=false` passes.
DROPPED = frozenset({("prompt_extend", False), ("watermark", False), ("seed", 0)})
# The folders that `-p` may name as DashScope's own body has them.
FOLDERS = frozenset({"input", "parameters"})

# A single first frame has a place of its own; any other set of frames goes by these names, as links.
FRAMES: Mapping[str, str] = MappingProxyType({"first": "first_frame_url", "last": "last_frame_url"})

# Of Model Studio's refusals, those that are the operator's to mend, not the user's (1.5, notes).
OPERATORS = frozenset({"key", "access", "free_tier", "billing", "quota", "workspace"})

# The gateway's own codes (1.5): the older generation's and the newer's; "http …" where it gives none.
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

# Refusals before anything reached Model Studio, or by Model Studio itself, whatever the HTTP status (1.5): a price is
# charged after a create that worked, or given back.
CREATED_NOTHING = frozenset(
    {"model_not_found", "convert_to_ali_request_failed", "build_request_failed", "ali_api_error"}
)


# ---- creating -----------------------------------------------------------------------------------------------------


def body_of(order: CreateRequest) -> dict[str, Any]:
    """Return the create body: model, prompt, `input_reference` or frames, options in `metadata`, then `-p`.

    The prompt is always there: a blank one is refused, and the gateway says so before anything is charged.
    """
    body: dict[str, Any] = {"model": order.model, "prompt": order.prompt}
    if set(order.frames) == {"first"} and order.shape != "first_last":
        body["input_reference"] = order.frames["first"]
    else:
        for role, link in order.frames.items():
            put(body, INPUT, FRAMES[role], link)
    for name, value in order.fields.items():
        if name not in FIELDS:  # said by `dropped`
            continue
        folders, key = FIELDS[name]
        put(body, folders, key, value.replace("x", "*") if name == "size" else value)
    for path, value in order.params:
        set_path(body, _inside(path), value, ".".join(PARAMETERS))
    return body


def _inside(path: str) -> str:
    """Return a path of DashScope's body as one of the gateway's, so that the same cell means the same."""
    return f"metadata.{path}" if path.partition(".")[0] in FOLDERS and "." in path else path


def dropped(order: CreateRequest) -> tuple[tuple[str, object], ...]:
    """Return what the gateway drops: options without a name there, false and zero values, unknown `-p` names."""
    unnamed = {name for name in order.fields if name in FIELDS and FIELDS[name][1] not in KNOWN[FIELDS[name][0]]}
    gone = [(name, value) for name, value in order.fields.items() if name in unnamed or (name, value) in DROPPED]
    return (*gone, *lost_fields(order, FIELDS), *(pair for pair in order.params if _unknown(pair[0])))


def _unknown(path: str) -> bool:
    whole = _inside(path if "." in path else f"parameters.{path}").split(".")
    names = KNOWN.get(tuple(whole[:2]))
    return names is not None and len(whole) > 2 and whole[2] not in names


def created(response: httpx.Response) -> Snapshot:
    """Return the answer to a create (1.3): the id is `id`, else `task_id`, else `data.task_id`.

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
    """Return what the headers say of an exchange."""
    said = {"request_id": response.headers.get("x-oneapi-request-id", ""), "date": response.headers.get("date", "")}
    return {name: value[:200] for name, value in said.items() if value}


# ---- errors -------------------------------------------------------------------------------------------------------


def checked(response: httpx.Response) -> dict[str, Any]:
    """Return the object in a good answer, or raise the gateway's error."""
    if not 200 <= response.status_code < 300:
        raise ServiceError("service.refused", problem=_looked_into(problem_of(response, ERRORS, prefix="http ")))
    return read_json(response)


def refused(answer: Mapping[str, Any], response: httpx.Response) -> ServiceError:
    """Return the error for a 200 that is none: an error body, or nothing that the documents know."""
    code, _ = words_of(answer)
    if not code or code.casefold() in ("success", "0"):
        return ServiceError("service.unreadable", problem=unreadable(response))
    return ServiceError("service.refused", problem=_looked_into(problem_of(response, ERRORS)))


def _looked_into(problem: Problem) -> Problem:
    """Return a problem with the advice for what Model Studio said, which the gateway passes on as text."""
    said = replace(problem, created_nothing=problem.code in CREATED_NOTHING)
    if problem.code not in ("fail_to_fetch_task", "ali_api_error"):
        return said
    advice, again = upstream(_passed_on(problem.message))
    if advice in ("unknown", "no_reason"):  # a 429 of the service's is passed on without its words
        return replace(said, advice="busy", again=True) if problem.http == 429 else said
    return replace(said, advice=advice, again=again or problem.http == 429)


def upstream(code: str) -> tuple[str, bool]:
    """Return the advice for a code of Model Studio's: the key and the account there are the operator's."""
    if not code:
        return "no_reason", False
    advice, again = advise(STUDIO, code)
    return ("operator" if advice in OPERATORS else advice), again


def _passed_on(message: str) -> str:
    """Return the code in what was passed on: a JSON body as text, or `Code: message`."""
    try:
        body = json.loads(message)
    except (ValueError, RecursionError):
        found = re.match(r"([A-Za-z][\w.]{2,80}): ", message)
        return found[1] if found else ""
    return words_of(table(body))[0]


def late(output: Mapping[str, Any], reason: str, request_id: str = "") -> Problem:
    """Return the problem of a failed task: Model Studio's own code and message, else what the gateway made of them.

    The gateway writes `task failed, code: X , message: Y` (1.4), or only a message.
    """
    found = re.fullmatch(r"task failed, code: (.*?) , message: (.*)", reason, re.DOTALL)
    code = text(output.get("code"), 200) or (found[1][:200] if found else "")
    message = text(output.get("message")) or (found[2] if found else reason)
    advice, again = upstream(code)
    return Problem(code, message, request_id, 0, advice, again)
