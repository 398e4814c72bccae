"""What the protocols' answers share: error bodies, values of any type, links. Floor 1: no I/O, no protocol.

Whatever comes is read or becomes an error of ours; what is read is bounded, so that it fits a journal and a line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from ..errors import Problem, ServiceError
from ..security.sanitize import whole

if TYPE_CHECKING:
    import httpx

# Code to a word of the table in `advice`, and whether sending the same again may help.
Errors = Mapping[str, tuple[str, bool]]

# What a finished task's `usage` may call the billed seconds (reference/wire-dashscope.md 4.2): the first counts.
BILLED = ("duration", "output_video_duration", "video_duration")


def read_json(response: httpx.Response) -> dict[str, Any]:
    """Return the object in an answer's body.

    Raises:
        ServiceError: the body is not a JSON object.
    """
    try:
        body = json.loads(response.content)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise ServiceError("service.unreadable", problem=unreadable(response))
    return body


def unreadable(response: httpx.Response) -> Problem:
    """Return the problem of an answer that is not what the protocol says: a proxy's page, half a body."""
    kind = response.headers.get("content-type", "").partition(";")[0][:60]
    return Problem("unreadable", f"HTTP {response.status_code} {kind}".strip(), "", response.status_code, "unreadable")


def ok(response: httpx.Response, errors: Errors, **more: Any) -> dict[str, Any]:
    """Return the object in a good answer.

    Raises:
        ServiceError: an error answer, with `errors` for its advice, or a body that is no JSON object.
    """
    if not 200 <= response.status_code < 300:
        raise ServiceError("service.refused", problem=problem_of(response, errors, **more))
    return read_json(response)


def problem_of(response: httpx.Response, errors: Errors, *, prefix: str = "") -> Problem:
    """Return an error answer as a problem, whichever of the known bodies it has.

    Args:
        errors: code to advice and whether sending the same again may help. `prefix` + the HTTP status is looked up
            where the code is not known.
        prefix: "" for no such entries.
    """
    http, wait = response.status_code, retry_after(response)
    try:
        body = read_json(response)
    except ServiceError:
        advice, again = errors.get(f"{prefix}{http}", ("unreadable", False))
        known = unreadable(response)
        return Problem(known.code, known.message, "", http, advice, again or http == 429, wait)
    code, message = words_of(body)
    advice, again = advise(errors, code, http, prefix)
    return Problem(code, message, request_id(body, response), http, advice, again, wait)


def words_of(body: Mapping[str, Any]) -> tuple[str, str]:
    """Return code and message of an error body.

    Known bodies: flat `code`/`message` (DashScope, new-api's task layer); an `error` object (OpenAI and those who
    follow it) or text (SGLang, vLLM, OpenRouter); FastAPI's `detail`, a text or a list of what is wrong where.
    """
    error, detail = body.get("error"), body.get("detail")
    inner = table(error)
    code = text(body.get("code") or inner.get("code") or inner.get("type"), 200)
    message = text(body.get("message") or inner.get("message") or error or detail)
    if isinstance(detail, list):
        message = "; ".join(filter(None, (_detail(item) for item in detail[:5])))[:2000]
    return code, message


def _detail(item: object) -> str:
    """Return one item of FastAPI's list as text: `seconds: Input should be a valid integer`."""
    place = table(item).get("loc")
    where = text(place[-1], 80) if isinstance(place, list) and place else ""
    return ": ".join(filter(None, (where, text(table(item).get("msg"), 300))))


def request_id(body: Mapping[str, Any], response: httpx.Response) -> str:
    """Return the service's id for the exchange, from the body or from either of the usual headers."""
    headers = (response.headers.get(name, "") for name in ("x-request-id", "x-oneapi-request-id"))
    return text(body.get("request_id"), 200) or next((value[:200] for value in headers if value), "")


def advise(errors: Errors, code: str, http: int = 0, prefix: str = "") -> tuple[str, bool]:
    """Return the advice for a code and whether sending the same again may help.

    A code is looked up whole, then without what follows its last dot, then by its first word.
    """
    for known in (code, code.rpartition(".")[0], code.partition(".")[0], f"{prefix}{http}" if prefix else ""):
        if known and known in errors:
            return errors[known]
    return ("key", False) if http == 401 else ("unknown", http in (429, 503))


def retry_after(response: httpx.Response) -> float | None:
    """Return `Retry-After` in seconds from either of its forms, None if absent or unreadable."""
    value = response.headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,6}", value, re.ASCII):
        return float(value)
    try:
        then, now = (parsedate_to_datetime(text) for text in (value, response.headers.get("date", "")))
        return max(0.0, (then - now).total_seconds())
    except (TypeError, ValueError, OverflowError):
        return None


def server_time(response: httpx.Response) -> float | None:
    """Return the answer's `Date` in epoch seconds, None if absent or unreadable."""
    try:
        return parsedate_to_datetime(response.headers.get("date", "")).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None


# ---- values -------------------------------------------------------------------------------------------------------


def text(value: object, limit: int = 2000) -> str:
    """Return a value of an answer as bounded text; anything that is not text or a number counts as nothing."""
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        return ""
    return whole(str(value)[:limit])


def table(value: object) -> Mapping[str, Any]:
    """Return a value of an answer as a mapping; anything else counts as an empty one."""
    return value if isinstance(value, Mapping) else {}


def is_number(value: object, limit: float = 1e9) -> bool:
    """Tell whether a value can be a number of seconds; JSON has room for others."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < limit


def billed_seconds(usage: Mapping[str, Any]) -> float | None:
    """Return the billed seconds: `duration`, else `output_video_duration`, else `video_duration`."""
    return next((float(usage[key]) for key in BILLED if is_number(usage.get(key))), None)


def percent(value: object) -> float | None:
    """Return a progress of "30%" or 30 as 0.3; None for 0 and 100, which only repeat the status, and for nonsense."""
    found = re.fullmatch(r"(\d{1,3}(?:\.\d{1,6})?)\s*%?", text(value, 20).strip(), re.ASCII)
    number = float(found[1]) if found else 0.0
    return number / 100 if 0 < number < 100 else None


def link_of(*values: object) -> str:
    """Return the first value that is an http(s) link, "" if none is."""
    links = (text(value, 8000) for value in values)
    return next((link for link in links if link.startswith(("https://", "http://"))), "")


def expires_at(link: str) -> float | None:
    """Return the epoch second at which a signed link dies, from its `Expires`, None without one."""
    try:
        found = parse_qs(urlsplit(link).query).get("Expires", [""])[0]
    except ValueError:
        return None
    return float(found) if re.fullmatch(r"\d{1,12}", found, re.ASCII) else None
