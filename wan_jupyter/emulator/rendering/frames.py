"""Make a clip's frames from one or two pictures, as planes of brightness and colour.

Working on the planes that the encoder takes (one full, two quarter-size) costs half of what RGB pictures would.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .camera import NEAR, Viewport, pass_over, push_in, spread
from .watermark import Watermark

if TYPE_CHECKING:
    from PIL import Image

# RGB to limited-range Y'CbCr by BT.709, the one players assume for untagged H.264; rows Y, Cb, Cr.
TO_PLANES = (
    *(0.18259, 0.61423, 0.06201, 16.0),
    *(-0.10064, -0.33857, 0.43922, 128.0),
    *(0.43922, -0.39894, -0.04027, 128.0),
)
SOFTNESS = 0.6  # of the whole transition: how long one spot takes to change


@dataclass(frozen=True)
class Planes:
    """A picture as brightness and, at half the width and height, two planes of colour."""

    bright: Image.Image
    blue: Image.Image
    red: Image.Image

    def __iter__(self) -> Iterator[Image.Image]:
        return iter((self.bright, self.blue, self.red))


def planes(picture: Image.Image) -> Planes:
    """Return an RGB picture of even sides as planes."""
    bright, blue, red = picture.convert("RGB", TO_PLANES).split()
    return Planes(bright, blue.reduce(2), red.reduce(2))


class FrameSource:
    """Returns the frames of a clip, one after another."""

    def __init__(self, pictures: list[Image.Image], size: tuple[int, int], mark: Watermark, view: int) -> None:
        self._pictures = [planes(picture) for picture in pictures]
        self._size = size
        self._view = view
        self._mark, self._where, self._opaque = planes(mark.face), (mark.left, mark.top), mark.mask
        self._order = _order(self._pictures[-1].bright, size) if len(pictures) == 2 else None

    def frame(self, moment: float) -> Planes:
        """Return the frame at a moment from 0, the first, to 1, the last."""
        frame = self._one(moment) if self._order is None else self._two(moment, self._order)
        self._stamp(frame)
        return frame

    def _one(self, moment: float) -> Planes:
        return self._seen(self._pictures[0], push_in(moment, self._view))

    def _two(self, moment: float, order: Image.Image) -> Planes:
        done = spread(moment)
        if done in (0.0, 1.0):
            picture = self._pictures[round(done)]
        else:
            picture = _mixed(self._pictures[0], self._pictures[1], order.point(_steps(done)))
        return self._seen(picture, pass_over(moment))

    def _seen(self, picture: Planes, look: Viewport) -> Planes:
        return Planes(*(_cut(plane, look, self._size, index) for index, plane in enumerate(picture)))

    def _stamp(self, frame: Planes) -> None:
        left, top = self._where
        frame.bright.paste(self._mark.bright, (left, top), self._opaque)
        half = self._opaque.reduce(2)
        frame.blue.paste(self._mark.blue, (left // 2, top // 2), half)
        frame.red.paste(self._mark.red, (left // 2, top // 2), half)


def canvas_size(width: int, height: int, pictures: int) -> tuple[int, int]:
    """Return the size of a clip's pictures: larger than the clip by as much as the camera moves in."""
    if pictures == 2:
        return width, height
    return 2 * round(width * NEAR / 2), 2 * round(height * NEAR / 2)


def _cut(plane: Image.Image, look: Viewport, size: tuple[int, int], index: int) -> Image.Image:
    from PIL import Image

    target = size if index == 0 else (size[0] // 2, size[1] // 2)
    return plane.resize(target, Image.Resampling.BICUBIC, box=look.box(*plane.size))


def _mixed(first: Planes, last: Planes, mask: Image.Image) -> Planes:
    from PIL import Image

    masks = (mask, mask.reduce(2), mask.reduce(2))
    return Planes(*(Image.composite(b, a, m) for a, b, m in zip(first, last, masks, strict=True)))


def _order(bright: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Return when each spot changes (0 first, 255 last): from the middle outwards, bright spots earlier."""
    from PIL import Image, ImageChops, ImageFilter, ImageOps

    small = bright.resize((max(16, size[0] // 8), max(16, size[1] // 8)), Image.Resampling.BOX)
    blurred = small.filter(ImageFilter.GaussianBlur(max(small.size) / 10))
    lights = ImageChops.invert(ImageOps.autocontrast(blurred))
    around = ImageOps.autocontrast(Image.radial_gradient("L").resize(small.size, Image.Resampling.BICUBIC))
    both = ImageOps.autocontrast(Image.blend(lights, around, 0.6))
    return both.resize(size, Image.Resampling.BICUBIC)


def _steps(done: float) -> list[int]:
    # For each place in the order: how much of the last picture is seen, 0 to 255, when this much is done.
    starts = [value / 255 * (1 - SOFTNESS) for value in range(256)]
    shares = (min(1.0, max(0.0, (done - start) / SOFTNESS)) for start in starts)
    return [round(255 * share * share * (3 - 2 * share)) for share in shares]
