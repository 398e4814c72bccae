"""Convert a picture's file so that a model accepts it, and report what was changed.

A file that already fits keeps its bytes. The same bytes and bounds give the same result, since uploads are remembered
by digest. Slow (up to seconds): call it on worker threads only. `catalog.validate` refuses what conversion cannot fix.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
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
JPEG_QUALITIES = (95, 90, 80, 70)
SHRINK_FACTOR = 0.8  # of each side, once the lowest quality is still too heavy


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a model accepts of a picture, as far as conversion can reach it.

    Attributes:
        max_side: longest side in pixels, 0 for no bound.
        min_side: shortest side in pixels, at which scaling stops.
        max_bytes: largest file, 0 for no bound.
        formats: media types; by default those that every service accepts.
        alpha: whether it may be transparent.
    """

    max_side: int = 0
    min_side: int = 1
    max_bytes: int = 0
    formats: tuple[str, ...] = (JPEG, PNG, "image/bmp", "image/webp")
    alpha: bool = True


@dataclass(frozen=True, slots=True)
class Fit:
    """A file that can be sent, its media type, and what was changed: message keys with their values."""

    data: bytes
    mime: str
    repairs: tuple[tuple[str, Mapping[str, str]], ...] = ()


@dataclass(frozen=True, slots=True)
class _Source:
    """A decoded file and what its model accepts."""

    data: bytes
    picture: Picture
    mime: str
    orientation: int
    bounds: Bounds

    @property
    def size(self) -> tuple[int, int]:
        """Width and height as they are seen; Pillow itself turns a TIFF when it decodes it."""
        width, height = self.picture.size
        swapped = self.orientation >= 5 and self.mime != FORMATS["TIFF"]
        return (height, width) if swapped else (width, height)

    @property
    def is_heavy(self) -> bool:
        return bool(self.bounds.max_bytes) and len(self.data) > self.bounds.max_bytes


@dataclass(frozen=True, slots=True)
class _Result:
    """A written file and the pixels in it."""

    data: bytes
    mime: str
    picture: Picture


@dataclass(frozen=True, slots=True)
class _Change:
    """One thing that conversion changes.

    Attributes:
        name: key under `remark.repaired_…`.
        needed: whether the file cannot stay as it is.
        made: whether the result differs: writing a light JPEG may also drop transparency, or scale.
    """

    name: str
    needed: Callable[[_Source], bool]
    made: Callable[[_Source, _Result], bool]


CHANGES = (
    _Change(
        "rotation",
        needed=lambda source: source.orientation != 1,
        made=lambda source, _: source.orientation != 1,
    ),
    _Change(
        "alpha",
        needed=lambda source: not source.bounds.alpha and has_alpha(source.picture),
        made=lambda source, result: has_alpha(source.picture) and result.picture.mode != "RGBA",
    ),
    _Change(
        "format",
        needed=lambda source: source.mime not in source.bounds.formats,
        made=lambda source, _: source.mime not in source.bounds.formats,
    ),
    _Change(
        "scaled",
        needed=lambda source: bool(source.bounds.max_side) and max(source.size) > source.bounds.max_side,
        made=lambda source, result: result.picture.size != source.size,
    ),
    _Change(
        "weight",
        needed=lambda source: source.is_heavy,
        made=lambda source, _: source.is_heavy,
    ),
)


def convert_to_fit(data: bytes, bounds: Bounds, label: str = "") -> Fit:
    """Convert a picture's file to what its model accepts; return the same bytes if it already fits.

    Args:
        data: the file.
        bounds: what the model accepts.
        label: the picture's name in messages.

    Raises:
        ImageError: it cannot be decoded to its end, or its mode has no agreed range of brightness.
    """
    label = label or Phrase("image.this", {})
    with _decoded(data, bounds, label) as source:
        if not any(change.needed(source) for change in CHANGES):
            return Fit(data, source.mime)
        picture = _scaled(_plain(source.picture, bounds, label), bounds.max_side)
        result = _written(picture, _target(source.mime, bounds), bounds)
        values = _remark_values(source, result, label)
        made = (change.name for change in CHANGES if change.made(source, result))
        return Fit(result.data, result.mime, tuple((f"remark.repaired_{name}", values) for name in made))


def _remark_values(source: _Source, result: _Result, label: str) -> Mapping[str, str]:
    return MappingProxyType(
        {
            "label": label,
            "was": source.mime,
            "mime": result.mime,
            "old": _shown(source.size),
            "new": _shown(result.picture.size),
            "megabytes": f"{len(source.data) / 1e6:.1f}",
            "now": f"{len(result.data) / 1e6:.1f}",
        }
    )


def swaps_sides(data: bytes) -> bool:
    """Return from a file's header whether setting it upright turns it by a quarter; decode no pixel."""
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
def _decoded(data: bytes, bounds: Bounds, label: str) -> Iterator[_Source]:
    """Decode a file to its end."""
    from PIL import Image as Pillow

    try:
        picture = Pillow.open(io.BytesIO(data))
        mime = FORMATS[str(picture.format)]
        orientation = _orientation(picture)
        picture.load()
    except Exception:  # Pillow's readers raise anything on damaged bytes: OSError, SyntaxError, struct.error, …
        raise ImageError("image.truncated", label=label) from None
    with picture:
        yield _Source(data, picture, mime, orientation, bounds)


def _orientation(picture: Picture) -> int:
    try:
        found = picture.getexif().get(ORIENTATION, 1)
    except Exception:  # damaged EXIF turns nothing
        return 1
    return found if found in range(2, 9) else 1


# ---- changing pixels ------------------------------------------------------------------------------------------------


def _plain(picture: Picture, bounds: Bounds, label: str) -> Picture:
    """Return the pixels upright, as L, RGB, or RGBA if the model accepts it, with a colour profile that still fits."""
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


def _eight_bits(picture: Picture, file_format: str | None, label: str) -> Picture:
    if picture.mode.startswith("I;16") or (picture.mode == "I" and file_format == "PNG"):  # 16 bits, dark to light
        return picture.convert("I").point(lambda level: level * (1 / 257)).convert("L")
    if picture.mode not in MODES:
        raise ImageError("image.bad_mode", label=label, mode=picture.mode)
    return picture.convert("RGBA" if has_alpha(picture) else MODES[picture.mode])


def _scaled(picture: Picture, max_side: int) -> Picture:
    """Return the picture with its longer side at most `max_side` pixels; 0 for no bound."""
    from PIL import Image as Pillow

    longer = max(picture.size)
    if not max_side or longer <= max_side:
        return picture
    width, height = (max(1, round(side * max_side / longer)) for side in picture.size)
    return picture.resize((width, height), Pillow.Resampling.LANCZOS)


# ---- writing --------------------------------------------------------------------------------------------------------


def _target(mime: str, bounds: Bounds) -> str:
    """Return the media type to write: a JPEG stays a JPEG, everything else becomes a lossless PNG, if accepted."""
    preferred, other = (JPEG, PNG) if mime == JPEG else (PNG, JPEG)
    return preferred if preferred in bounds.formats else other


def _written(picture: Picture, mime: str, bounds: Bounds) -> _Result:
    """Return the first attempt that is light enough, else the last."""
    for result in _attempts(picture, mime, bounds):
        if not bounds.max_bytes or len(result.data) <= bounds.max_bytes:
            break
    return result


def _attempts(picture: Picture, mime: str, bounds: Bounds) -> Iterator[_Result]:
    """Write the picture in the wanted format, then as JPEG of falling quality, then ever smaller."""
    if mime == PNG:
        yield _Result(_png(picture), PNG, picture)
    if picture.mode == "RGBA":
        picture, profile = on_white(picture), picture.info
        picture.info = profile
    for quality in JPEG_QUALITIES:
        yield _Result(_jpeg(picture, quality), JPEG, picture)
    while min(picture.size) * SHRINK_FACTOR >= bounds.min_side:
        picture = _scaled(picture, int(max(picture.size) * SHRINK_FACTOR))
        yield _Result(_jpeg(picture, JPEG_QUALITIES[-1]), JPEG, picture)


def _png(picture: Picture) -> bytes:
    return _saved(picture, "PNG")


def _jpeg(picture: Picture, quality: int) -> bytes:
    return _saved(picture, "JPEG", quality=quality, subsampling=0)


def _saved(picture: Picture, file_format: str, **options: int) -> bytes:
    file = io.BytesIO()
    picture.save(file, file_format, exif=b"", icc_profile=picture.info.get("icc_profile"), **options)
    return file.getvalue()
