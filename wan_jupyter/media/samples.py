"""Two pictures to begin with, drawn by this package, so that a newcomer needs no picture of their own. Floor 0.

The same wall, the same cat: at dusk, and later that night. Together they are a first and a last frame.
"""

from __future__ import annotations

import io
import math
import random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from ..errors import OptionError, OutputError
from ..errors.system import reason_of
from ..security.sanitize import one_line

if TYPE_CHECKING:
    from PIL.Image import Image as Picture
    from PIL.ImageDraw import ImageDraw

Colour = tuple[int, int, int]
SIZE = (1280, 720)
SHARPER = 2  # drawn larger, then scaled down: smooth edges
KINDS: Mapping[str, str] = MappingProxyType({".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"})
UNSEEN = 1.0  # of 255, on the average: Pillow 10 and 13 differ by 0.05, at some edges by 43


@dataclass(frozen=True, slots=True)
class Hour:
    """What an hour of the evening looks like; places are fractions of width and height."""

    sky: tuple[Colour, Colour, Colour]
    hills: tuple[Colour, Colour]
    light: Colour
    disc: tuple[float, float, float]
    stars: int
    head_up: float


HOURS: Mapping[str, Hour] = MappingProxyType(
    {
        "dusk": Hour(
            ((44, 54, 110), (214, 110, 120), (255, 198, 128)), ((92, 64, 112), (52, 40, 84)), (255, 236, 190),
            (0.70, 0.60, 0.085), 14, 0.0,
        ),
        "night": Hour(
            ((8, 12, 38), (22, 34, 84), (62, 84, 142)), ((26, 34, 74), (14, 18, 46)), (244, 246, 255),
            (0.66, 0.22, 0.065), 130, 1.0,
        ),
    }
)  # fmt: skip


def sample(path: str | Path = "cat.png", hour: str = "dusk", *, overwrite: bool = False) -> Path:
    """Draw a picture of 1280x720 to begin with and return its path; one that is there already stays as it is.

    Args:
        path: where to write it, a PNG or JPEG by its name; folders that are missing are made.
        hour: "dusk" (a good first frame) or "night" (a good last one).
        overwrite: whether another file there may be replaced.

    Raises:
        OptionError: there is no such hour.
        OutputError: another file is there, the name is of another kind, or nothing can be written there.
    """
    target = Path(path).expanduser()
    if hour not in HOURS:
        choices = ", ".join(HOURS)
        raise OptionError(
            "option.bad_choice", flag="hour", value=one_line(str(hour), 80), suggestion="", choices=choices
        )
    if target.suffix.lower() not in KINDS:
        raise OutputError("sample.other_kind", name=target.name, example=f"{target.stem or 'cat'}.png")
    with io.BytesIO() as file:
        draw(HOURS[hour]).save(file, KINDS[target.suffix.lower()])
        data = file.getvalue()
    try:
        _write(target, data, overwrite)
    except OSError as error:
        raise OutputError("video.unwritable", path=target, reason=reason_of(error)) from None
    return target


def _write(target: Path, data: bytes, overwrite: bool) -> None:
    """Write a picture where there is none yet: a cell may be run again, and what is the user's own stays."""
    if target.exists() and _same(target, data):
        return
    if target.exists() and not overwrite:
        raise OutputError("sample.exists", path=target, example=f"{target.stem}-2{target.suffix}")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)


def _same(target: Path, data: bytes) -> bool:
    """Tell whether a file holds these bytes, or a picture that nobody could tell from them."""
    from PIL import Image, ImageChops, ImageStat

    try:
        if target.read_bytes() == data:
            return True
        with Image.open(target) as there, Image.open(io.BytesIO(data)) as drawn:
            alike = (there.size, there.mode) == (drawn.size, drawn.mode)
            return alike and max(ImageStat.Stat(ImageChops.difference(there, drawn)).mean) <= UNSEEN
    except Exception:  # a folder, no picture, or a broken one: Pillow's plug-ins raise whatever they like
        return False


def draw(hour: Hour) -> Picture:
    """Return the picture of an hour."""
    from PIL import Image, ImageChops, ImageDraw, ImageFilter

    width, height = (side * SHARPER for side in SIZE)
    picture = _sky(hour, width, height)
    glow = Image.new("RGB", (width, height))
    _disc(ImageDraw.Draw(glow), hour, width, height, 1.5)
    glow = glow.filter(ImageFilter.GaussianBlur(width / 28))
    picture = ImageChops.screen(picture, glow)
    pen = ImageDraw.Draw(picture)
    _stars(pen, hour, width, height)
    _disc(pen, hour, width, height, 1.0)
    for row, colour in enumerate(hour.hills):
        _hill(pen, colour, row, width, height)
    _wall(pen, width, height)
    _cat(pen, hour, width, height)
    return picture.resize(SIZE, Image.Resampling.LANCZOS)


def _sky(hour: Hour, width: int, height: int) -> Picture:
    from PIL import Image

    top, middle, low = hour.sky
    column = Image.new("RGB", (1, height))
    for y in range(height):
        place = y / (0.8 * height)
        pair = (top, middle, place * 2) if place < 0.5 else (middle, low, place * 2 - 1)
        column.putpixel((0, y), _mixed(*pair))
    return column.resize((width, height))


def _mixed(one: Colour, other: Colour, share: float) -> Colour:
    share = min(1.0, max(0.0, share))
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return (red, green, blue)


def _disc(pen: ImageDraw, hour: Hour, width: int, height: int, scale: float) -> None:
    x, y, radius = hour.disc[0] * width, hour.disc[1] * height, hour.disc[2] * height * scale
    pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=hour.light)


def _stars(pen: ImageDraw, hour: Hour, width: int, height: int) -> None:
    chance = random.Random(7)  # noqa: S311 - the same stars every evening
    for _ in range(hour.stars):
        x, y, size = chance.random() * width, chance.random() ** 1.4 * height * 0.6, chance.choice((1.5, 2, 2, 3.5))
        pen.ellipse((x - size, y - size, x + size, y + size), fill=hour.light)


def _hill(pen: ImageDraw, colour: Colour, row: int, width: int, height: int) -> None:
    base, swing = (0.66 + 0.08 * row) * height, (0.055 - 0.015 * row) * height
    points = [
        (x, base + swing * math.sin(x / width * (5 + 3 * row) + 1.7 * row) + swing / 3 * math.sin(x / width * 17 + row))
        for x in range(0, width + 16, 16)
    ]
    pen.polygon([*points, (width, height), (0, height)], fill=colour)


INK: Colour = (16, 13, 28)


def _wall(pen: ImageDraw, width: int, height: int) -> None:
    pen.rectangle((0, 0.86 * height, width, height), fill=INK)
    for x in range(0, width, width // 12):
        pen.rounded_rectangle((x + 6, 0.845 * height, x + width // 12 - 6, 0.9 * height), radius=10, fill=INK)


def _cat(pen: ImageDraw, hour: Hour, width: int, height: int) -> None:
    """Draw the cat from behind, sitting on the wall: body, tail, head, ears; at night it looks up to the moon."""
    unit, x, foot = height / 100, 0.30 * width, 0.85 * height
    lean, lift = 1.6 * hour.head_up * unit, 1.5 * hour.head_up * unit

    def oval(left: float, top: float, right: float, low: float) -> None:
        pen.ellipse((x + left * unit, foot + top * unit, x + right * unit, foot + low * unit), fill=INK)

    oval(-9.5, -17, 9.5, 2)
    oval(-7, -26, 7.4, -4)
    head_x, head_y = x + 0.6 * unit + lean, foot - 29 * unit - lift
    box = (head_x - 6.6 * unit, head_y - 5.6 * unit, head_x + 6.6 * unit, head_y + 5.8 * unit)
    pen.ellipse(box, fill=INK)
    for side in (-1, 1):
        tip = (head_x + side * 5.4 * unit + lean, head_y - 10.4 * unit)
        inner = (head_x + side * 1.2 * unit, head_y - 4.4 * unit)
        outer = (head_x + side * 6.3 * unit, head_y - 1.6 * unit)
        pen.polygon([tip, inner, outer], fill=INK)
    _tail(pen, x, foot, unit, hour.head_up)


def _tail(pen: ImageDraw, x: float, foot: float, unit: float, swing: float) -> None:
    for step in range(80):
        way = step / 79
        angle = way * 2.5 + 0.25 * swing
        tail_x = x + (8 + 13 * way + 2.5 * math.sin(angle * 2)) * unit
        tail_y = foot - (1 + 15 * way**2.2 * (0.75 + 0.5 * swing)) * unit + 1.2 * unit
        size = (1.9 - 0.8 * way) * unit
        pen.ellipse((tail_x - size, tail_y - size, tail_x + size, tail_y + size), fill=INK)
