"""Pictures made of pictures: small ones, and a filmstrip. Pillow is imported where used."""

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
# Of a filmstrip, in pixels: between two frames, and for the time under each.
GAP = 4
CAPTION = 20
LETTERS = 12
NARROWEST = 40  # a frame of a filmstrip, so that its time fits under it


class Jpeg(bytes):
    """The bytes of a JPEG file; a notebook shows them as the picture."""

    def _repr_jpeg_(self) -> bytes:
        return bytes(self)

    def __repr__(self) -> str:
        return f"<JPEG, {len(self)} bytes>"


def thumbnail(encoded: bytes, width: int = 96) -> bytes:
    """Return a small JPEG of a picture's bytes, upright and on white where the picture is transparent.

    Raises:
        OutputError: the bytes are not a picture that Pillow can read.
    """
    from PIL import Image, ImageOps

    try:
        with Image.open(io.BytesIO(encoded)) as picture:
            picture.draft("RGB", (2 * width, 2 * width))  # lets libjpeg decode at an eighth of the size
            return jpeg(_on_white(ImageOps.exif_transpose(picture)), width)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as problem:
        raise OutputError("video.no_picture", why=type(problem).__name__) from problem


def jpeg(picture: Picture, width: int) -> bytes:
    """Encode a picture, made smaller if it is wider than `width`, never larger."""
    sink = io.BytesIO()
    shrunk(picture, width).save(sink, "JPEG", quality=JPEG_QUALITY, optimize=True)
    return sink.getvalue()


def shrunk(picture: Picture, width: int) -> Picture:
    """Return a picture in its proportions, at most `width` pixels wide."""
    return picture.resize(fitted(picture.size, width)) if picture.width > width else picture


def fitted(size: tuple[int, int], width: int) -> tuple[int, int]:
    """Return a size in its proportions, at most `width` wide."""
    return size if size[0] <= width else (width, max(1, round(size[1] * width / size[0])))


def frame_width(count: int, width: int) -> int:
    """Return how wide each of `count` frames of a filmstrip may be, for a strip of `width` pixels.

    Raises:
        OutputError: they do not fit.
    """
    each = (width - (count - 1) * GAP) // count
    if each < NARROWEST:
        most, least = max(1, (width + GAP) // (NARROWEST + GAP)), count * (NARROWEST + GAP) - GAP
        raise OutputError("video.narrow", count=count, width=width, most=most, least=least)
    return each


def filmstrip(frames: Mapping[float, Picture]) -> Picture:
    """Return frames of one size side by side, with the second at which each is seen below it."""
    from PIL import Image, ImageDraw, ImageFont

    wide, high = next(iter(frames.values())).size
    cell = max(wide, NARROWEST)  # a very small video still has room for its times
    strip = Image.new("RGB", (len(frames) * (cell + GAP) - GAP, high + CAPTION), "white")
    draw, font = ImageDraw.Draw(strip), ImageFont.load_default(LETTERS)
    decimals = 1 if _apart(list(frames)) >= 0.1 else 2
    for i, (second, frame) in enumerate(frames.items()):
        left = i * (cell + GAP)
        strip.paste(frame, (left + (cell - wide) // 2, 0))
        told = tr("strip.time", seconds=f"{second:.{decimals}f}")
        draw.text((left + cell / 2, high + CAPTION / 2), told, fill="#444444", font=font, anchor="mm")
    return strip


def _apart(seconds: list[float]) -> float:
    """Return the smallest distance between two times in order; 1.0 where there is one time only."""
    return min((after - before for before, after in pairwise(seconds)), default=1.0)


def _on_white(picture: Picture) -> Picture:
    from PIL import Image

    if not picture.has_transparency_data:
        return picture.convert("RGB")
    layer = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
