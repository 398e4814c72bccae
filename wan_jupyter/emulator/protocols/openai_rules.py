"""What a request to OpenAI's videos API asks of a self-hosted server, and why it is refused.

Sizes, frames and seconds follow SGLang 0.5.23 and vLLM-Omni 0.30.0 (released packages, run 2026-11-21). A refusal is an
HTTP status and the `detail` of its body.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..clip_spec import ClipOrder, Refusal

Detail = tuple[int, Any]  # HTTP status, `detail`

NUMBERS = ("seconds", "fps", "num_frames", "seed", "width", "height")
DEFAULT_RATE = 24  # frames a second where only seconds are asked for, on either server
DEFAULT_SIZE = (832, 480)
SIZE = re.compile(r"(\d{1,5})x(\d{1,5})")
SIDES = range(16, 4097)
RATES = range(1, 61)
MOST_FRAMES = 2000
TEXT_MODELS = ("T2V", "TI2V")  # parts of the names of models that need no picture
NO_PICTURE = Refusal("500", "This model makes videos from a picture: input_reference is missing.")


@dataclass(frozen=True)
class VideoRequest:
    """What a request asks for, with the server's defaults filled in."""

    prompt: str
    size: tuple[int, int]
    rate: int
    frames: int
    seconds: int
    duration: float
    seed: int | None
    picture: Any

    def order(self, model: str) -> ClipOrder | Refusal:
        """Return the clip to make for this request."""
        if self.picture is None and not any(part in model for part in TEXT_MODELS):
            return NO_PICTURE
        pictures = () if self.picture is None else (self.picture,)
        even = (self.size[0] // 2 * 2, self.size[1] // 2 * 2)
        return ClipOrder(pictures, even[0] * even[1], self.frames / self.rate, sound=False, size=even, rate=self.rate)


def read(
    sent: Mapping[str, Any], default_frames: int, default_rate: int, references: tuple[str, ...]
) -> VideoRequest | Detail:
    """Read a request: text fields of a form or values of JSON; files are already stored.

    `references` are the server's field names for a picture; like any unknown field, other names are ignored.
    """
    numbers = _numbers(sent)
    if isinstance(numbers, tuple):
        return numbers
    size = _size(sent, numbers)
    if isinstance(size[1], str):
        return 400, size[1]
    picture = _picture(sent, references)
    if isinstance(picture, _Wrong):
        return 400, picture.why
    seconds, frames = numbers.get("seconds"), numbers.get("num_frames")
    rate = numbers.get("fps") or (DEFAULT_RATE if seconds else default_rate)
    frames = frames or (seconds * rate if seconds else default_frames)
    if rate not in RATES or not 0 < frames <= MOST_FRAMES:
        return 400, f"Cannot make {frames} frames at {rate} frames per second"
    lasting = frames / rate
    length = seconds or max(1, round(lasting))
    duration = float(seconds or lasting)
    return VideoRequest(str(sent["prompt"]), size, rate, frames, length, duration, numbers.get("seed"), picture)


def missing(name: str) -> Detail:
    """Return FastAPI's refusal of a form that lacks a field."""
    return 422, [{"type": "missing", "loc": ["body", name], "msg": "Field required", "input": None}]


@dataclass(frozen=True)
class _Wrong:
    why: str


def _numbers(sent: Mapping[str, Any]) -> dict[str, int] | Detail:
    found = {}
    for name in NUMBERS:
        value = sent.get(name)
        if value is None or value == "":
            continue
        try:
            found[name] = int(value)
        except (TypeError, ValueError, OverflowError):
            said = "Input should be a valid integer, unable to parse string as an integer"
            return 422, [{"type": "int_parsing", "loc": ["body", name], "msg": said, "input": value}]
    return found


def _size(sent: Mapping[str, Any], numbers: Mapping[str, int]) -> tuple[int, int] | tuple[None, str]:
    asked = sent.get("size")
    size = (numbers.get("width", DEFAULT_SIZE[0]), numbers.get("height", DEFAULT_SIZE[1]))
    if asked:
        found = SIZE.fullmatch(str(asked))
        if found is None:
            return None, f"Invalid size '{asked}', expected WIDTHxHEIGHT"
        size = (int(found[1]), int(found[2]))
    if size[0] not in SIDES or size[1] not in SIDES:
        return None, f"Invalid size '{size[0]}x{size[1]}', sides go from {SIDES.start} to {SIDES.stop - 1}"
    return size


def _picture(sent: Mapping[str, Any], references: tuple[str, ...]) -> Any:
    given = [name for name in references if sent.get(name)]
    if len(given) > 1:
        return _Wrong(f"{given[0]} cannot be combined with {given[1]}")
    if not given:
        return None
    value = sent[given[0]]
    if given[0] == "image_reference":
        return _linked(value)
    known = isinstance(value, dict) or str(value).startswith(("http://", "https://", "data:image"))
    if given[0] == "reference_url" and not known:
        return _Wrong("reference_url must be an http(s) or data:image URL")
    return value


def _linked(value: Any) -> Any:
    """Return the link in vLLM-Omni's `image_reference`, which in a form is JSON as text."""
    try:
        reference = json.loads(value) if isinstance(value, str) else value
    except ValueError:
        reference = None
    link = reference.get("image_url") if isinstance(reference, dict) else None
    return link or _Wrong('image_reference must be {"image_url": "..."}')
