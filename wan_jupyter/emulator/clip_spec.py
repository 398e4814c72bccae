"""The words the emulator's parts pass to each other: what was ordered, what will be made, why it is refused.

Values only; nothing here reads a file, a clock or a request.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, dataclass
from typing import Any

RENDERING = 1  # part of every digest: raise it when the same plan gives another clip
FRAMES_PER_SECOND = 30  # stated for 2.6, 3.0 and kf2v (wire sheet 2.2, 2026-11-21)
STEP = 16  # both sides of a clip are multiples of it (same place)


@dataclass(frozen=True)
class Refusal:
    """Say why there is no video, in the service's own code and words."""

    code: str | None
    message: str | None


@dataclass(frozen=True)
class ClipOrder:
    """Say what a request asks for, before any picture was looked at.

    `pictures` are links, or the placeholders under which data URIs are kept (see `inputs`); with none, one is
    painted, as is the beginning of a video that is `continued` from a clip: no clip is looked at. `size` in pixels
    is followed to the letter; without it the first picture gives the shape of the `area`.
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
    """Say exactly which clip will be made; `asked` seconds are billed, `seconds` are made."""

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
        """Count the pictures of the clip, at least one."""
        return max(1, round(self.seconds * self.rate))

    @property
    def digest(self) -> str:
        """Name the clip: equal plans give equal clips, so it is made once."""
        facts = asdict(self) | {"asked": None, "rendering": RENDERING}
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def clip_size(area: int, width: int, height: int) -> tuple[int, int]:
    """Give the size the service would choose for a first frame of this width and height, in pixels.

    The rule reproduces the documented example, 750 x 1000 at 720P to 816 x 1104 (wire sheet 2.2, 2026-11-21).
    """
    ratio = width / height
    return _floor(math.sqrt(area * ratio)), _floor(math.sqrt(area / ratio))


def _floor(length: float) -> int:
    # A hair is added because sqrt(1280 * 720 * 16 / 9) may come out just below 1280.
    return max(STEP, int(length + 1e-6) // STEP * STEP)
