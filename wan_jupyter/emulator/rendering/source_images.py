"""Open a user's picture safely, and fit it to the size of a clip."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from ..clip_spec import Refusal

if TYPE_CHECKING:
    from PIL import Image

# The formats that the service lists under InvalidURL (https://help.aliyun.com/zh/model-studio/error-code, 2026-11-21).
FORMATS = ("JPEG", "PNG", "BMP", "WEBP")
# The widest limits of any model (Alibaba Cloud Model Studio, image-to-video API references, read 2026-11-21).
MAX_SIDE = 8000  # pixels
MAX_ASPECT = 8.0  # longer by shorter side

NOT_A_PICTURE = Refusal(
    "InvalidImage.FileFormat", "Invalid image type. Please ensure the uploaded file is a valid image."
)
WRONG_SIZE = Refusal(
    "InvalidImage.ImageSize",
    f"The image must be at most {MAX_SIDE} pixels a side, with sides no further apart than 1:8.",
)


def measure(path: Path) -> tuple[int, int] | Refusal:
    """Return width and height as a viewer sees them after decoding the whole picture, or why it cannot be used."""
    try:
        with _open(path) as picture:
            width, height = picture.size
            if max(width, height) > MAX_SIDE or max(width, height) > MAX_ASPECT * min(width, height):
                return WRONG_SIZE
            turned = picture.getexif().get(0x0112, 1) >= 5
            picture.draft("RGB", (max(1, width // 8), max(1, height // 8)))
            picture.load()
    except _bombs():
        return WRONG_SIZE
    except Exception:  # decoders raise whatever their format's damage leads to
        return NOT_A_PICTURE
    return (height, width) if turned else (width, height)


def paint(seed: int) -> bytes:
    """Return a PNG for a request without a picture: a soft light in a colour that depends on the seed."""
    from PIL import Image, ImageOps

    light = Image.radial_gradient("L").resize((832, 480))
    colors = (f"hsl({seed % 360}, 45%, 72%)", f"hsl({(seed + 40) % 360}, 55%, 24%)")
    sink = io.BytesIO()
    ImageOps.colorize(light, *colors).save(sink, "PNG")
    return sink.getvalue()


def cover(path: Path, width: int, height: int) -> Image.Image:
    """Return the picture upright, on white, in RGB, cropped and scaled to fill this size exactly."""
    from PIL import Image, ImageOps

    with _open(path) as opened:
        opened.draft("RGB", (2 * max(width, height),) * 2)
        picture = _flat(ImageOps.exif_transpose(opened))
    scale = max(width / picture.width, height / picture.height)
    left = (picture.width - width / scale) / 2
    top = (picture.height - height / scale) / 2
    box = (max(0.0, left), max(0.0, top), picture.width - max(0.0, left), picture.height - max(0.0, top))
    return picture.resize((width, height), Image.Resampling.LANCZOS, box=box)


def _open(path: Path) -> Image.Image:
    from PIL import Image

    return Image.open(path, formats=FORMATS)


def _flat(picture: Image.Image) -> Image.Image:
    from PIL import Image

    if not picture.has_transparency_data:
        return picture.convert("RGB")
    layer = picture.convert("RGBA")
    paper = Image.new("RGBA", layer.size, "white")
    return Image.alpha_composite(paper, layer).convert("RGB")


def _bombs() -> tuple[type[BaseException], ...]:
    # Pillow refuses a picture of absurd size by itself; where warnings are errors, already a large one.
    from PIL import Image

    return (Image.DecompressionBombError, Image.DecompressionBombWarning)
