"""What a DashScope request asks for by the rules of its model, and refusals that show up only on a poll.

The service accepts almost any request and lets the task fail later (seen in public reports, for example
https://github.com/pollinations/pollinations/pull/11701, read 2026-11-21). A prompt with the word "forbidden" stands for
one that fails moderation.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..clip_spec import ClipOrder, Refusal
from ..tasks import Task

FORBIDDEN = "forbidden"
CLIP = "first_clip"
SMART = -1  # a duration by which the model chooses how long
MODERATED = Refusal("DataInspectionFailed", "Input data may contain inappropriate content.")
MIXED = Refusal(
    "InvalidParameter",
    "The two modes are mutually exclusive. Do not pass reference_xx and first_frame/last_frame at the same time.",
)
UNRESOLVED = Refusal(
    "InvalidParameter.DataInspection",
    "Unable to download the media resource during the data inspection process.",
)
NO_PICTURE = Refusal(
    "InvalidParameter", "image_url must provided"
)  # as the Korean documentation of a gateway shows it (December 2025)
NO_FRAMES = Refusal("InvalidParameter", "The emulator makes videos from first_frame, last_frame and first_clip only.")


@dataclass(frozen=True)
class Model:
    """An entry of the table of models; the comments in `dashscope.toml` explain the fields."""

    name: str
    body: str
    resolutions: tuple[str, ...]
    durations: tuple[int, ...]
    usage: tuple[str, ...]
    media: tuple[list[str], ...] = ()
    text: bool = False
    smart: bool = False
    sound: str = "none"
    rewritten: bool = False
    metrics: bool = False


@dataclass(frozen=True)
class Parameters:
    """A request's parameters, with the model's defaults filled in."""

    resolution: str
    duration: int
    sound: bool
    extend: bool


@dataclass(frozen=True)
class Models:
    """The table: models by id, and pixels by resolution."""

    by_id: Mapping[str, Model]
    areas: Mapping[str, int]

    @classmethod
    def load(cls) -> Models:
        """Read the table beside this file."""
        table = tomllib.loads(Path(__file__).with_name("dashscope.toml").read_text(encoding="utf-8"))
        rows = [(name, row) for row in table["models"] for name in row["ids"]]
        return cls({name: _model(name, row) for name, row in rows}, table["areas"])

    def order(self, task: Task) -> ClipOrder | Refusal:
        """Return what a task asks for, or why it will fail."""
        model = self.by_id[task.model]
        asked = _section(task.request, "input")
        if FORBIDDEN in str(asked.get("prompt") or "").lower():
            return MODERATED
        pictures = SHAPES[model.body](model, asked)
        if isinstance(pictures, Refusal):
            return pictures
        clip = _clip(asked) if model.body == "media" else None
        wanted = parameters_of(model, task.request)
        if isinstance(wanted, Refusal):
            return wanted
        pictures = tuple(_resolved(task, picture) for picture in pictures)
        if None in pictures or (clip is not None and _resolved(task, clip) is None):
            return UNRESOLVED
        if clip is not None and not str(clip).startswith(("http://", "https://", "oss://")):
            return Refusal("InvalidURL", f"Failed to download {clip}")
        area, seconds = self.areas[wanted.resolution], wanted.duration
        return ClipOrder(pictures, area, seconds, wanted.sound, continued=clip is not None)


def parameters_of(model: Model, request: dict[str, Any]) -> Parameters | Refusal:
    """Return a request's parameters, or a refusal that names the one the model does not support."""
    sent = _section(request, "parameters")
    resolution = sent.get("resolution", model.resolutions[0])
    duration = sent.get("duration", model.durations[0])
    if resolution not in model.resolutions:
        return _not_taken(model, "resolution", model.resolutions, resolution)
    if model.smart and duration == SMART:
        duration = model.durations[0]
    if isinstance(duration, bool) or duration not in model.durations:
        return _not_taken(model, "duration", model.durations, duration)
    sound = model.sound == "always" or (model.sound == "asked" and sent.get("audio") is not False)
    return Parameters(resolution, int(duration), sound, sent.get("prompt_extend") is not False)


def _model(name: str, row: dict[str, Any]) -> Model:
    fields: dict[str, Any] = {key: value for key, value in row.items() if key != "ids"}
    lists = {key: tuple(value) for key, value in fields.items() if isinstance(value, list)}
    return Model(name=name, **fields | lists)


def _section(request: dict[str, Any], name: str) -> dict[str, Any]:
    section = request.get(name)
    return section if isinstance(section, dict) else {}


def _not_taken(model: Model, name: str, taken: tuple[Any, ...], sent: Any) -> Refusal:
    choice = ", ".join(str(value) for value in sorted(taken, key=str))
    message = f"The {name} {sent!r} is not supported by {model.name}. Supported: {choice}."
    return Refusal("InvalidParameter", message)


def _single(_: Model, asked: dict[str, Any]) -> tuple[Any, ...] | Refusal:
    return (asked["img_url"],) if asked.get("img_url") else NO_PICTURE


def _frames(_: Model, asked: dict[str, Any]) -> tuple[Any, ...] | Refusal:
    # With a template the first frame is enough; a last one is ignored (Chinese list of effects, copy of February 2026).
    names = ("first_frame_url",) if asked.get("template") else ("first_frame_url", "last_frame_url")
    for name in names:
        if not asked.get(name):
            return _required(name)
    return tuple(asked[name] for name in names)


def _media(model: Model, asked: dict[str, Any]) -> tuple[Any, ...] | Refusal:
    media = asked.get("media")
    if not isinstance(media, list) or not media:
        return () if model.text and not media and asked.get("prompt") else _required("media")
    for index, item in enumerate(media):
        for name in ("type", "url"):
            if not isinstance(item, dict) or not item.get(name):
                return _required(f"media.{index}.{name}")
    by_type = {str(item["type"]): item["url"] for item in media}
    frames = tuple(by_type[name] for name in ("first_frame", "last_frame") if name in by_type)
    if frames and any(name.startswith("reference_") for name in by_type):
        return MIXED
    kinds = sorted(str(item["type"]) for item in media)  # each at most once
    if frames or CLIP in kinds:
        return frames if kinds in [sorted(taken) for taken in model.media] else _not_together(model, kinds)
    return NO_FRAMES


def _not_together(model: Model, kinds: list[str]) -> Refusal:
    return Refusal("InvalidParameter", f"{model.name} does not take {', '.join(kinds)} together in input.media.")


def _clip(asked: dict[str, Any]) -> Any:
    """Return the link of the clip to continue, None if there is none."""
    return next((item["url"] for item in asked.get("media") or () if item["type"] == CLIP), None)


def _resolved(task: Task, picture: Any) -> Any:
    if not (isinstance(picture, str) and picture.startswith("oss://")):
        return picture
    return {"sha256": task.uploads[picture]} if picture in task.uploads else None


def _required(name: str) -> Refusal:
    return Refusal("InvalidParameter", f"Field required: input.{name}")


SHAPES: Mapping[str, Callable[[Model, dict[str, Any]], tuple[Any, ...] | Refusal]] = {
    "img_url": _single,
    "frames": _frames,
    "media": _media,
}
