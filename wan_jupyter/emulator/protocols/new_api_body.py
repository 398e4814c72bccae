"""Read a request as new-api's Go code does, and build the DashScope request that it makes of it.

Source: https://github.com/QuantumNous/new-api, relay/channel/task/ali/ and relay/common/, code of December 2025 to
August 2026, read 2026-11-21. What the gateway drops is dropped here, too.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any

Problem = tuple[int, str, str]  # HTTP status, code, message

# Known fields and their Go types; all others are ignored.
FIELDS: Mapping[str, str] = MappingProxyType(
    dict.fromkeys(("model", "prompt", "mode", "image", "size", "seconds", "input_reference"), "string")
    | {"images": "[]string", "duration": "int"}
)
INPUT: Mapping[str, str] = MappingProxyType(
    dict.fromkeys(
        ("prompt", "img_url", "first_frame_url", "last_frame_url", "audio_url", "negative_prompt", "template"), "string"
    )
)
PARAMETERS: Mapping[str, str] = MappingProxyType(
    {"resolution": "string", "size": "string", "duration": "int", "seed": "int"}
    | dict.fromkeys(("prompt_extend", "watermark", "audio"), "bool")
)
TYPES: Mapping[str, Callable[[Any], bool]] = MappingProxyType(
    {
        "string": lambda value: isinstance(value, str),
        "int": lambda value: isinstance(value, int) and not isinstance(value, bool),
        "bool": lambda value: isinstance(value, bool),
        "object": lambda value: isinstance(value, dict),
        "[]string": lambda value: isinstance(value, list),
        "[]AliMedia": lambda value: isinstance(value, list),
    }
)
KINDS: Mapping[type, str] = MappingProxyType({str: "string", bool: "bool", dict: "object", list: "array"})
LONGEST_SECONDS = 3600
FULL_HD = ("wan2.6", "wan2.5", "wan2.2-i2v-plus")  # models that get 1080P where nothing is asked
NO_PICTURE = "wan2.7-i2v requires image, images, input_reference, or input.media"


@dataclass(frozen=True)
class Generation:
    """What differs between the two generations of the gateway; the text fields are error codes and messages."""

    public: bool
    no_key: str
    bad_key: str
    wrong_type: str
    cannot_build: str
    build_prefix: str
    pictures: tuple[str, ...]


CLASSIC = Generation(
    public=False,
    no_key="未提供令牌",
    bad_key="无效的令牌",
    wrong_type="unmarshal_task_request_failed",
    cannot_build="convert_to_ali_request_failed",
    build_prefix="",
    pictures=("input_reference",),
)
PUBLIC_ID = Generation(
    public=True,
    no_key="Invalid token",
    bad_key="Invalid token",
    wrong_type="invalid_json",
    cannot_build="build_request_failed",
    build_prefix="convert_to_ali_request_failed: ",
    pictures=("image", "images", "input_reference"),
)


@dataclass(frozen=True)
class Reading:
    """How a gateway reads a request.

    Attributes:
        tidied: returns the request in the form that is stored.
        refusal: returns why it is refused at once, None if it is not.
        upstream: returns the request to DashScope.
        pictured: returns whether a picture is at its top level.
    """

    tidied: Callable[[dict[str, Any]], dict[str, Any]]
    refusal: Callable[[dict[str, Any]], Problem | None]
    upstream: Callable[[dict[str, Any]], dict[str, Any]]
    pictured: Callable[[dict[str, Any]], bool]


def new_api(generation: Generation) -> Reading:
    """Return how a generation of new-api reads requests."""
    return Reading(
        tidied=_tidied,
        refusal=partial(_refusal, generation),
        upstream=partial(_upstream, generation),
        pictured=lambda sent: bool(_picture(generation, sent)),
    )


def mismatch(struct: str, sent: Mapping[str, Any], types: Mapping[str, str]) -> str | None:
    """Return Go's decoder error for the first field whose value has another type, None if all fit; null fits any."""
    for name, wanted in types.items():
        value = sent.get(name)
        if value is not None and not TYPES[wanted](value):
            return _cannot(value, f"{struct}.{name}", wanted)
        if wanted == "[]string":
            wrong = [item for item in value or () if not isinstance(item, str)]
            if wrong:
                return _cannot(wrong[0], f"{struct}.{name}", "string")
    return None


def _cannot(value: Any, field: str, wanted: str) -> str:
    kind = KINDS.get(type(value), "number")
    shown = f"number {value}" if kind == "number" and wanted == "int" else kind
    return f"json: cannot unmarshal {shown} into Go struct field {field} of type {wanted}"


def _tidied(sent: dict[str, Any]) -> dict[str, Any]:
    """Return a request with `metadata` decoded from text; metadata that is not an object is dropped."""
    if "metadata" not in sent:
        return sent
    metadata = sent["metadata"]
    if isinstance(metadata, str):
        try:
            metadata = json.loads(metadata)
        except (ValueError, RecursionError):
            metadata = None
    return sent | {"metadata": metadata if isinstance(metadata, dict) else {}}


def _refusal(generation: Generation, sent: dict[str, Any]) -> Problem | None:
    strict = {name: kind for name, kind in FIELDS.items() if name != "duration" or not generation.public}
    wrong = mismatch("TaskSubmitReq", sent, strict)
    if wrong:
        return 400, generation.wrong_type, wrong
    if not (sent.get("prompt") or "").strip():
        return 400, "invalid_request", "prompt is required"
    if generation.public and not 0 <= _duration(sent) <= LONGEST_SECONDS:
        return 400, "invalid_seconds", f"seconds must be between 0 and {LONGEST_SECONDS}"
    cannot = _metadata_problem(generation, sent)
    if cannot:
        return 500, generation.cannot_build, cannot
    return None


def _metadata_problem(generation: Generation, sent: dict[str, Any]) -> str | None:
    over = sent.get("metadata", {})
    known = {**INPUT, "media": "[]AliMedia"} if generation.public else INPUT
    wrong = (
        mismatch("AliVideoRequest", over, {"model": "string", "input": "object", "parameters": "object"})
        or mismatch("AliVideoInput.input", over.get("input") or {}, known)
        or mismatch("AliVideoParameters.parameters", over.get("parameters") or {}, PARAMETERS)
    )
    if wrong:
        return f"{generation.build_prefix}unmarshal metadata failed: {wrong}"
    if over.get("model") not in (None, sent["model"]):
        return f"{generation.build_prefix}can't change model with metadata"
    if _wants_media(generation, sent["model"]) and not _upstream(generation, sent)["input"].get("media"):
        return NO_PICTURE
    return None


def _upstream(generation: Generation, sent: dict[str, Any]) -> dict[str, Any]:
    over = sent.get("metadata", {})
    inputs: dict[str, Any] = {"prompt": sent["prompt"], "img_url": _picture(generation, sent)}
    parameters: dict[str, Any] = {"prompt_extend": True, "watermark": False, "duration": _duration(sent) or 5}
    parameters |= _size(sent["model"], sent.get("size") or "")
    known = (*INPUT, "media") if generation.public else tuple(INPUT)
    inputs |= _present(over.get("input") or {}, known)
    parameters |= _present(over.get("parameters") or {}, tuple(PARAMETERS))
    if _wants_media(generation, sent["model"]) and not inputs.get("media"):
        inputs = _as_media(inputs, sent.get("images") or [])
    # Go leaves out what is empty, false or zero; only audio is a pointer there and survives as false.
    kept = {name: value for name, value in parameters.items() if value or name == "audio"}
    return {
        "model": sent["model"],
        "input": {name: value for name, value in inputs.items() if value},
        "parameters": kept,
    }


def _present(values: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: values[name] for name in names if values.get(name) is not None}


def _picture(generation: Generation, sent: Mapping[str, Any]) -> Any:
    for name in generation.pictures:
        value = sent.get(name)
        for one in value if isinstance(value, list) else [value]:
            if one and not (isinstance(one, str) and not one.strip()):
                return one
    return ""


def _duration(sent: Mapping[str, Any]) -> int:
    asked = [sent.get("duration"), sent.get("seconds")]
    numbers = (_number(value) for value in asked)
    return next((number for number in numbers if number), 0)


def _number(value: Any) -> int:
    try:
        return int(value) if isinstance(value, (int, str)) and not isinstance(value, bool) else 0
    except ValueError:
        return 0


def _size(model: str, size: str) -> dict[str, str]:
    if "*" in size:
        return {"size": size}
    if not size:
        return {"resolution": "1080P" if model.startswith(FULL_HD) else "720P"}
    return {"resolution": size.upper() if size.upper().endswith("P") else f"{size.upper()}P"}


def _wants_media(generation: Generation, model: str) -> bool:
    return generation.public and model.startswith("wan2.7-i2v")


def _as_media(inputs: dict[str, Any], images: list[Any]) -> dict[str, Any]:
    given = {
        "first_frame": inputs.get("first_frame_url") or inputs.get("img_url"),
        "last_frame": inputs.get("last_frame_url") or (images[1] if len(images) > 1 else None),
        "driving_audio": inputs.get("audio_url"),
    }
    media = [{"type": kind, "url": url} for kind, url in given.items() if url]
    kept = {name: value for name, value in inputs.items() if not name.endswith("_url")}
    return kept | {"media": media if given["first_frame"] else []}
