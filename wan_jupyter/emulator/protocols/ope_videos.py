"""Read a request to ope.ai's `/v1/videos`, and build the DashScope request that it makes of it.

Source: ope.ai's Chinese documentation of wan2.7-i2v (https://api-platform.ope.ai, 2026). What it does not say, error
bodies and strict types, follows new-api.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from .dashscope_rules import Models
from .new_api_body import Problem, Reading, mismatch

FIELDS: Mapping[str, str] = MappingProxyType(
    dict.fromkeys(("model", "prompt", "size", "seconds"), "string")
    | {"generate_audio": "bool", "seed": "int", "input_reference": "object"}
)
SIZE = re.compile(r"(\d{1,5})x(\d{1,5})")
SECONDS = re.compile(r"\d{1,5}")


def ope(models: Models) -> Reading:
    """Return how this gateway reads requests."""
    areas = {area: resolution for resolution, area in models.areas.items()}

    def upstream(sent: dict[str, Any]) -> dict[str, Any]:
        model = models.by_id[sent["model"]]
        parameters = {
            "resolution": _tier(areas, sent.get("size")),
            "duration": _number(sent.get("seconds")),
            "audio": sent.get("generate_audio"),
            "seed": sent.get("seed"),
        }
        given = {name: value for name, value in parameters.items() if value is not None}
        pictures = _input(model.body, _first_picture(sent))
        return {"model": model.name, "input": {"prompt": sent.get("prompt")} | pictures, "parameters": given}

    return Reading(
        tidied=lambda sent: sent,
        refusal=_refusal,
        upstream=upstream,
        pictured=lambda sent: bool(_first_picture(sent)),
    )


def _refusal(sent: dict[str, Any]) -> Problem | None:
    if "content" in sent:
        return 400, "invalid_request", "content is not supported, use input_reference.content"
    if sent.get("input_reference") is not None and not isinstance(sent["input_reference"], dict):
        return 400, "invalid_request", "input_reference must be an object with content"
    wrong = mismatch("VideoRequest", sent, FIELDS)
    if wrong:
        return 400, "invalid_json", wrong
    if not (sent.get("prompt") or "").strip():
        return 400, "invalid_request", "prompt is required"
    return None


def _first_picture(sent: Mapping[str, Any]) -> Any:
    """Return the only picture this gateway uses, the first `image_url`."""
    reference = sent.get("input_reference")
    content = reference.get("content") if isinstance(reference, dict) else None
    for item in content if isinstance(content, list) else ():
        link = item.get("image_url") if isinstance(item, dict) else None
        if isinstance(link, dict) and link.get("url"):
            return link["url"]
    return None


def _input(body: str, picture: Any) -> dict[str, Any]:
    shapes = {"media": {"media": [{"type": "first_frame", "url": picture}]}, "frames": {"first_frame_url": picture}}
    return shapes.get(body, {"img_url": picture}) if picture else {}


def _tier(areas: Mapping[int, str], size: str | None) -> str | None:
    """Return the resolution nearest to a size; text that is not a size is passed on, to be refused later."""
    if not size:
        return None
    found = SIZE.fullmatch(size.lower())
    if found is None:
        return size
    return areas[min(areas, key=lambda area: abs(area - int(found[1]) * int(found[2])))]


def _number(text: str | None) -> int | str | None:
    return int(text) if text and SECONDS.fullmatch(text) else text or None
