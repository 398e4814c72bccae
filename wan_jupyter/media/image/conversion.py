"""What is done to a picture's file so that a model takes it, and what was done, to be said. Floor 0.

Turned upright, put on white, written in another format, scaled down, made lighter: each only where it is needed, else
the bytes stay as they are. The same bytes and bounds give the same bytes, since uploads are remembered by digest.
Slow (up to seconds): for worker threads only. What cannot be repaired is refused before, by `catalog`.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from ...errors import ImageError
from ...i18n.messages import Phrase
from .pixels import FORMATS, MODES, has_alpha, on_white

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

JPEG, PNG = "image/jpeg", "image/png"
ORIENTATION = 0x0112  # EXIF 2.32, 4.6.4: 1 is upright, 2 to 8 are turned or mirrored, 5 to 8 swap the sides
QUALITIES = (95, 90, 80, 70)
SMALLER = 0.8  # of each side, where no quality is light enough


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a model takes of a picture, as far as it can be repaired.

    Attributes:
        high: largest side in pixels, 0 for no bound.
        low: smallest side in pixels; scaling stops there.
        weight: bytes of the file at most, 0 for no bound.
        formats: media types; what every service takes, if nothing else is known.
        alpha: whether it may be transparent.
    """

    high: int = 0
    low: int = 1
    weight: int = 0
    formats: tuple[str, ...] = (JPEG, PNG, "image/bmp", "image/webp")
    alpha: bool = True


@dataclass(frozen=True, slots=True)
class Fit:
    """A picture's file as it can be sent, its media type, and what was repaired: keys of messages with their values."""

    data: bytes
    mime: str
    repairs: tuple[tuple[str, Mapping[str, str]], ...] = ()


def convert_to_fit(data: bytes, bounds: Bounds, label: str = "") -> Fit:
    """Repair a picture's file where its model would not take it; where nothing is to do, the same bytes come back.

    Args:
        data: the file.
        bounds: what the model takes.
        label: what the picture is called in the messages.

    Raises:
        ImageError: it cannot be decoded to its end, or its mode has no agreed range of brightness.
    """
    label = label or Phrase("image.this", {})
    with _decoded(data, label) as (picture, mime, orientation):
        fits = not bounds.high or max(picture.size) <= bounds.high
        light = not bounds.weight or len(data) <= bounds.weight
        if orientation == 1 and mime in bounds.formats and fits and light and (bounds.alpha or not has_alpha(picture)):
            return Fit(data, mime)
        size = _upright_size(picture, mime, orientation)
        work = _scaled(_plain(picture, bounds, label), bounds.high)
        made, made_mime, work = _written(work, _target(mime, bounds), bounds)
    done = {
        "rotation": orientation != 1,
        "alpha": has_alpha(picture) and work.mode != "RGBA",
        "format": mime not in bounds.formats,
        "scaled": work.size != size,
        "weight": not light,
    }
    values = {
        "label": label, "was": mime, "mime": made_mime, "old": _shown(size), "new": _shown(work.size),
        "megabytes": f"{len(data) / 1e6:.1f}", "now": f"{len(made) / 1e6:.1f}",
    }  # fmt: skip
    said = tuple((f"remark.repaired_{name}", MappingProxyType(values)) for name, did in done.items() if did)
    return Fit(made, made_mime, said)


def swaps_sides(data: bytes) -> bool:
    """Tell from a file's header whether it is turned by a quarter when it is set upright; no pixel is decoded."""
    from PIL import Image as Pillow

    try:
        with Pillow.open(io.BytesIO(data)) as picture:
            return picture.format != "PNG" and _orientation(picture) >= 5  # a PNG would be decoded to be asked
    except Exception:  # Pillow's readers raise anything on damaged bytes
        return False


def _shown(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


# ---- reading --------------------------------------------------------------------------------------------------------


@contextmanager
def _decoded(data: bytes, label: str) -> Iterator[tuple[Picture, str, int]]:
    """Decode a file; give its pixels, its media type and its EXIF orientation."""
    from PIL import Image as Pillow

    try:
        picture = Pillow.open(io.BytesIO(data))
        mime = FORMATS[str(picture.format)]
        orientation = _orientation(picture)
        picture.load()
    except Exception:  # Pillow's readers raise anything on damaged bytes: OSError, SyntaxError, struct.error, …
        raise ImageError("image.truncated", label=label) from None
    with picture:
        yield picture, mime, orientation


def _orientation(picture: Picture) -> int:
    try:
        found = picture.getexif().get(ORIENTATION, 1)
    except Exception:  # damaged EXIF turns nothing
        return 1
    return found if found in range(2, 9) else 1


def _upright_size(picture: Picture, mime: str, orientation: int) -> tuple[int, int]:
    """Return width and height as they are seen; Pillow itself turns a TIFF when it is decoded."""
    width, height = picture.size
    return (height, width) if orientation >= 5 and mime != FORMATS["TIFF"] else (width, height)


# ---- repairing ------------------------------------------------------------------------------------------------------


def _plain(picture: Picture, bounds: Bounds, label: str) -> Picture:
    """Return the pixels upright, as L, RGB, or RGBA where the model takes it."""
    from PIL import ImageOps

    try:
        upright = ImageOps.exif_transpose(picture)
    except Exception:  # damaged EXIF turns nothing
        upright = picture
    plain = _eight_bits(upright, picture.format, label)
    profile = picture.info.get("icc_profile") if picture.mode in ("RGB", "RGBA", "P", "L") else None
    plain = plain if bounds.alpha or plain.mode != "RGBA" else on_white(plain)
    plain.info = {"icc_profile": profile} if profile and (plain.mode == "L") == (picture.mode == "L") else {}
    return plain


def _eight_bits(picture: Picture, kind: str | None, label: str) -> Picture:
    if picture.mode.startswith("I;16") or (picture.mode == "I" and kind == "PNG"):  # 16 bits, dark to light
        return picture.convert("I").point(lambda level: level * (1 / 257)).convert("L")
    if picture.mode not in MODES:
        raise ImageError("image.bad_mode", label=label, mode=picture.mode)
    return picture.convert("RGBA" if has_alpha(picture) else MODES[picture.mode])


def _scaled(picture: Picture, high: int) -> Picture:
    """Return the picture with its longer side at most so many pixels; 0 for any."""
    from PIL import Image as Pillow

    longer = max(picture.size)
    if not high or longer <= high:
        return picture
    width, height = (max(1, round(side * high / longer)) for side in picture.size)
    return picture.resize((width, height), Pillow.Resampling.LANCZOS)


# ---- writing --------------------------------------------------------------------------------------------------------


def _target(mime: str, bounds: Bounds) -> str:
    """Return what to write: photographs stay photographs, everything else keeps every pixel."""
    wish, other = (JPEG, PNG) if mime == JPEG else (PNG, JPEG)
    return wish if wish in bounds.formats else other


def _written(picture: Picture, mime: str, bounds: Bounds) -> tuple[bytes, str, Picture]:
    """Write the picture; where that is too heavy as JPEG, of lower quality, then smaller. The last try counts."""
    for found in _tries(picture, mime, bounds):
        if not bounds.weight or len(found[0]) <= bounds.weight:
            break
    return found


def _tries(picture: Picture, mime: str, bounds: Bounds) -> Iterator[tuple[bytes, str, Picture]]:
    if mime == PNG:
        yield _png(picture), PNG, picture
    if picture.mode == "RGBA":
        picture, profile = on_white(picture), picture.info
        picture.info = profile
    for quality in QUALITIES:
        yield _jpeg(picture, quality), JPEG, picture
    while min(picture.size) * SMALLER >= bounds.low:
        picture = _scaled(picture, int(max(picture.size) * SMALLER))
        yield _jpeg(picture, QUALITIES[-1]), JPEG, picture


def _png(picture: Picture) -> bytes:
    return _saved(picture, "PNG")


def _jpeg(picture: Picture, quality: int) -> bytes:
    return _saved(picture, "JPEG", quality=quality, subsampling=0)


def _saved(picture: Picture, kind: str, **how: int) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, exif=b"", icc_profile=picture.info.get("icc_profile"), **how)
    return file.getvalue()
