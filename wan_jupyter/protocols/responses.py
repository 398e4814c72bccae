"""Read services' answers: error bodies, values of any type, links.

Every answer is either read or becomes a ServiceError; what is read is limited in length, to fit the journal and a
line of text.
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

# A service's code to a key of `errors.kinds.ADVICE`, and whether sending the same request again may help.
Errors = Mapping[str, tuple[str, bool]]

# Names of the billed seconds in a finished task's `usage`, by generation of model; the first that is present counts
# (Alibaba Cloud Model Studio, image-to-video API references of Wan 2.1 to 3.0, read 2026-11-21).
BILLED = ("duration", "output_video_duration", "video_duration")


def read_json(response: httpx.Response) -> dict[str, Any]:
    """Return the JSON object in an answer's body.

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
    """Return the problem of an answer that does not follow the protocol, such as a proxy's page or half a body."""
    kind = response.headers.get("content-type", "").partition(";")[0][:60]
    return Problem("unreadable", f"HTTP {response.status_code} {kind}".strip(), "", response.status_code, "unreadable")


def ok(response: httpx.Response, errors: Errors, **more: Any) -> dict[str, Any]:
    """Return the JSON object in a successful answer.

    Raises:
        ServiceError: an error answer, with `errors` for its advice, or a body that is not a JSON object.
    """
    if not 200 <= response.status_code < 300:
        raise ServiceError("service.refused", problem=problem_of(response, errors, **more))
    return read_json(response)


def problem_of(response: httpx.Response, errors: Errors, *, prefix: str = "") -> Problem:
    """Return an error answer as a problem; it may have any of the known bodies.

    Args:
        errors: code to advice and whether sending the same again may help.
        prefix: if not "", unknown codes are looked up as `prefix` + HTTP status.
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

    Known bodies: flat `code`/`message` (DashScope, new-api's task layer); an `error` object (OpenAI and compatible
    servers) or text (SGLang, vLLM, OpenRouter); FastAPI's `detail`, a text or a list of validation errors.
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
    """Return the service's id for the exchange, from the body or from one of the usual headers."""
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
    """Return a value of an answer as text of at most `limit` characters; "" for anything but text and numbers."""
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        return ""
    return whole(str(value)[:limit])


def table(value: object) -> Mapping[str, Any]:
    """Return a value of an answer if it is an object, else an empty mapping."""
    return value if isinstance(value, Mapping) else {}


def is_number(value: object, limit: float = 1e9) -> bool:
    """Return whether a value is a number from 0 to below `limit`."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < limit


def billed_seconds(usage: Mapping[str, Any]) -> float | None:
    """Return the billed seconds: `duration`, else `output_video_duration`, else `video_duration`."""
    return next((float(usage[key]) for key in BILLED if is_number(usage.get(key))), None)


def percent(value: object) -> float | None:
    """Return a progress of "30%" or 30 as 0.3; None for 0 and 100, which only repeat the status, or if unreadable."""
    found = re.fullmatch(r"(\d{1,3}(?:\.\d{1,6})?)\s*%?", text(value, 20).strip(), re.ASCII)
    number = float(found[1]) if found else 0.0
    return number / 100 if 0 < number < 100 else None


def link_of(*values: object) -> str:
    """Return the first value that is an http(s) link, "" if none is."""
    links = (text(value, 8000) for value in values)
    return next((link for link in links if link.startswith(("https://", "http://"))), "")


def expires_at(link: str) -> float | None:
    """Return when a signed link expires in epoch seconds, from its `Expires` parameter; None without one."""
    try:
        found = parse_qs(urlsplit(link).query).get("Expires", [""])[0]
    except ValueError:
        return None
    return float(found) if re.fullmatch(r"\d{1,12}", found, re.ASCII) else None
