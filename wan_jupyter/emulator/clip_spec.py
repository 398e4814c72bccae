"""The values that the emulator's parts exchange: what was ordered, what will be made, why it is refused."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, dataclass
from typing import Any

RENDERING = 1  # part of every digest: raise it when the same spec renders differently
# Stated for Wan 2.6, 3.0 and kf2v (Alibaba Cloud Model Studio, image-to-video API references, read 2026-11-21).
FRAMES_PER_SECOND = 30
STEP = 16  # both sides of a clip are multiples of it (same source)


@dataclass(frozen=True)
class Refusal:
    """Why there is no video, in the service's own code and words."""

    code: str | None
    message: str | None


@dataclass(frozen=True)
class ClipOrder:
    """What a request asks for, before its pictures are inspected.

    Attributes:
        pictures: links, or placeholders of stored data URIs (see `input_store`); if empty, one is painted.
        area: pixels of a frame, used if there is no `size`; the first picture then gives the shape.
        seconds: length of the video.
        sound: whether it has an audio track.
        size: exact width and height in pixels.
        rate: frames a second.
        continued: whether it continues a clip; its beginning is painted, since clips are not decoded.
    """

    pictures: tuple[Any, ...]
    area: int
    seconds: float
    sound: bool
    size: tuple[int, int] | None = None
    rate: int = FRAMES_PER_SECOND
    continued: bool = False


@dataclass(frozen=True)
class ClipSpec:
    """Exactly which clip to make; `asked` seconds are billed, `seconds` are made."""

    pictures: tuple[str, ...]
    width: int
    height: int
    seconds: float
    asked: float
    sound: bool
    view: int
    rate: int = FRAMES_PER_SECOND

    @property
    def frames(self) -> int:
        """The number of frames, at least one."""
        return max(1, round(self.seconds * self.rate))

    @property
    def digest(self) -> str:
        """The clip's name: equal specs give equal clips, so each is made once."""
        facts = asdict(self) | {"asked": None, "rendering": RENDERING}
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def clip_size(area: int, width: int, height: int) -> tuple[int, int]:
    """Return the size that the service chooses for a first frame of this width and height, in pixels.

    The rule reproduces the documented example, 750 x 1000 at 720P to 816 x 1104 (Alibaba Cloud Model Studio,
    image-to-video API reference, read 2026-11-21).
    """
    ratio = width / height
    return _floor(math.sqrt(area * ratio)), _floor(math.sqrt(area / ratio))


def _floor(length: float) -> int:
    # 1e-6 is added because sqrt(1280 * 720 * 16 / 9) may come out just below 1280.
    return max(STEP, int(length + 1e-6) // STEP * STEP)
