"""Thumbnails and filmstrips. Pillow is imported lazily."""

from __future__ import annotations

import io
from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING

from ...errors import OutputError
from ...i18n.messages import tr

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

JPEG_QUALITY = 80
# Of a filmstrip, in pixels.
GAP = 4
CAPTION_HEIGHT = 20
FONT_SIZE = 12
MIN_FRAME_WIDTH = 40  # so that a frame's time fits under it


class Jpeg(bytes):
    """The bytes of a JPEG file, which a notebook displays as a picture."""

    def _repr_jpeg_(self) -> bytes:
        return bytes(self)

    def __repr__(self) -> str:
        return f"<JPEG, {len(self)} bytes>"


def thumbnail(encoded: bytes, width: int = 96) -> bytes:
    """Return a small JPEG of a picture's file, upright, with white for transparency.

    Raises:
        OutputError: the bytes are not a picture that Pillow can read.
    """
    from PIL import Image, ImageOps

    try:
        with Image.open(io.BytesIO(encoded)) as picture:
            picture.draft("RGB", (2 * width, 2 * width))  # lets libjpeg decode at down to an eighth of the size
            return jpeg(_on_white(ImageOps.exif_transpose(picture)), width)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as problem:
        raise OutputError("video.no_picture", why=type(problem).__name__) from problem


def jpeg(picture: Picture, width: int) -> bytes:
    """Return a picture as a JPEG, scaled down if it is wider than `width`."""
    sink = io.BytesIO()
    shrunk(picture, width).save(sink, "JPEG", quality=JPEG_QUALITY, optimize=True)
    return sink.getvalue()


def shrunk(picture: Picture, width: int) -> Picture:
    """Return a picture, scaled down if it is wider than `width` pixels."""
    return picture.resize(fitted(picture.size, width)) if picture.width > width else picture


def fitted(size: tuple[int, int], width: int) -> tuple[int, int]:
    """Return a size of the same aspect ratio, at most `width` wide."""
    return size if size[0] <= width else (width, max(1, round(size[1] * width / size[0])))


def frame_width(count: int, width: int) -> int:
    """Return the width of each of `count` frames in a filmstrip of `width` pixels.

    Raises:
        OutputError: they would be narrower than `MIN_FRAME_WIDTH`.
    """
    each = (width - (count - 1) * GAP) // count
    if each < MIN_FRAME_WIDTH:
        most, least = max(1, (width + GAP) // (MIN_FRAME_WIDTH + GAP)), count * (MIN_FRAME_WIDTH + GAP) - GAP
        raise OutputError("video.narrow", count=count, width=width, most=most, least=least)
    return each


def filmstrip(frames: Mapping[float, Picture]) -> Picture:
    """Return frames of one size side by side, each with its time in seconds below."""
    from PIL import Image, ImageDraw, ImageFont

    wide, high = next(iter(frames.values())).size
    cell = max(wide, MIN_FRAME_WIDTH)  # leaves room for the times of a very small video
    strip = Image.new("RGB", (len(frames) * (cell + GAP) - GAP, high + CAPTION_HEIGHT), "white")
    draw, font = ImageDraw.Draw(strip), ImageFont.load_default(FONT_SIZE)
    decimals = 1 if _apart(list(frames)) >= 0.1 else 2
    for i, (second, frame) in enumerate(frames.items()):
        left = i * (cell + GAP)
        strip.paste(frame, (left + (cell - wide) // 2, 0))
        time = tr("strip.time", seconds=f"{second:.{decimals}f}")
        draw.text((left + cell / 2, high + CAPTION_HEIGHT / 2), time, fill="#444444", font=font, anchor="mm")
    return strip


def _apart(seconds: list[float]) -> float:
    """Return the smallest difference between sorted times; 1.0 for a single time."""
    return min((after - before for before, after in pairwise(seconds)), default=1.0)


def _on_white(picture: Picture) -> Picture:
    from PIL import Image

    if not picture.has_transparency_data:
        return picture.convert("RGB")
    layer = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
