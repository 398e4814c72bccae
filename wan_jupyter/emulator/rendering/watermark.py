"""The small label that marks a clip as emulated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

WORDS = "emulated"
FINE = 4  # drawn this much larger, then reduced: smooth edges


@dataclass(frozen=True)
class Watermark:
    """The label (RGB), its opacity (L), and its upper left corner; all numbers are even."""

    face: Image.Image
    mask: Image.Image
    left: int
    top: int


def make_watermark(width: int, height: int) -> Watermark:
    """Draw the label for the lower right corner of a clip of this size in pixels."""
    from PIL import Image, ImageChops, ImageDraw, ImageFont

    letters = max(11, min(width, height) // 36) * FINE
    font = ImageFont.load_default(letters)
    wide, tall = _even((font.getlength(WORDS) + letters * 1.25) / FINE), _even(letters * 1.75 / FINE)
    size = (wide * FINE, tall * FINE)
    pill, text = Image.new("L", size), Image.new("L", size)
    ImageDraw.Draw(pill).rounded_rectangle((0, 0, size[0] - 1, size[1] - 1), radius=size[1] / 2, fill=150)
    middle = (size[0] / 2, size[1] / 2)
    ImageDraw.Draw(text).text(middle, WORDS, font=font, fill=235, anchor="mm")
    face = Image.composite(Image.new("RGB", size, "white"), Image.new("RGB", size, (16, 18, 22)), text)
    mask = ImageChops.lighter(pill, text)
    small = (wide, tall)
    margin = _even(min(width, height) / 32)
    return Watermark(
        face.resize(small, Image.Resampling.BOX),
        mask.resize(small, Image.Resampling.BOX),
        width - wide - margin,
        height - tall - margin,
    )


def _even(length: float) -> int:
    return 2 * round(length / 2)
