"""Pillow: read a file's header; copy, hash and encode the pixels of Python objects.

Pillow is imported inside functions, to keep `%load_ext` fast.
"""

from __future__ import annotations

import hashlib
import io
import re
import warnings
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ...errors import ImageError
from ...i18n.messages import Phrase

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

MAX_PIXELS = 100_000_000

# Pillow's name of a format -> media type. A phone's JPEG that contains a second picture is an MPO. The services accept
# the first line; `conversion` converts the others.
FORMATS: Mapping[str, str] = MappingProxyType(
    {"JPEG": "image/jpeg", "MPO": "image/jpeg", "PNG": "image/png", "BMP": "image/bmp", "WEBP": "image/webp"}
    | {"GIF": "image/gif", "TIFF": "image/tiff", "AVIF": "image/avif"}
)

# Beginning of a file that Pillow cannot open -> the message that says what it is.
LOOKS: tuple[tuple[re.Pattern[bytes], str, str], ...] = (
    (re.compile(rb"\xff\xd8\xff|\x89PNG|BM.{4}\0{4}|RIFF.{4}WEBP", re.DOTALL), "image.damaged", ""),
    (re.compile(rb"\W*<(?:!doctype html|html|head|body)\b", re.IGNORECASE), "image.web_page", "HTML"),
    (re.compile(rb"\W*<(?:[^\0]*<)?svg\b", re.IGNORECASE), "image.svg", "SVG"),
    (re.compile(rb".{4}ftyp(?:hei|hev|mif|msf)", re.DOTALL), "image.format", "HEIC"),
    (re.compile(rb".{4}ftypavi", re.DOTALL), "image.format", "AVIF"),
    (re.compile(rb".{4}ftyp|\x1aE\xdf\xa3", re.DOTALL), "image.format", ""),
    (re.compile(rb"%PDF"), "image.format", "PDF"),
)

# Pillow's mode -> the mode in which pixels are kept. Other modes have no agreed range of brightness.
MODES: Mapping[str, str] = MappingProxyType(
    dict.fromkeys(("1", "L"), "L")
    | dict.fromkeys(("RGB", "RGBX", "P", "CMYK", "YCbCr", "HSV"), "RGB")
    | dict.fromkeys(("RGBA", "RGBa", "LA", "La", "PA"), "RGBA")
)
CHANNELS: Mapping[int, str] = MappingProxyType({1: "L", 3: "RGB", 4: "RGBA"})


def header(data: bytes, label: str) -> tuple[str, int, int]:
    """Return media type, width and height of a picture file from its header; no pixel is decoded.

    Raises:
        ImageError: it is not a picture, damaged, of an unsupported format, or larger than `MAX_PIXELS`.
    """
    name, (width, height) = _opened(data, label)
    if name not in FORMATS:
        raise ImageError("image.format", label=label, kind=name)
    _check_size(width, height, label)
    return FORMATS[name], width, height


def _opened(data: bytes, label: str) -> tuple[str, tuple[int, int]]:
    from PIL import Image as Pillow

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about bombs and bad EXIF: `_check_size` follows, and EXIF is not read
            with Pillow.open(io.BytesIO(data)) as picture:
                return str(picture.format), picture.size
    except Pillow.DecompressionBombError:
        raise ImageError("image.too_many_pixels", label=label, millions=MAX_PIXELS // 1_000_000) from None
    except Exception:  # Pillow's readers raise anything on damaged bytes: KeyError, struct.error, zlib.error, …
        raise _unopened(data[:4096], label) from None


def _unopened(head: bytes, label: str) -> ImageError:
    for look, key, kind in LOOKS:
        if look.match(head):
            return ImageError(key, label=label, kind=kind or Phrase("part.video", {}))
    return ImageError("image.not_image", label=label)


def _check_size(width: int, height: int, label: str) -> None:
    if width < 1 or height < 1:
        raise ImageError("image.empty", label=label)
    if width * height > MAX_PIXELS:
        raise ImageError("image.too_many_pixels", label=label, millions=MAX_PIXELS // 1_000_000)


# ---- objects --------------------------------------------------------------------------------------------------------


def from_picture(picture: Picture, label: str) -> Picture:
    """Return a copy of a PIL image as L, RGB or RGBA.

    Raises:
        ImageError: its file is damaged, or its mode has no agreed range of brightness (I, F, I;16).
    """
    _check_size(*picture.size, label)
    if picture.mode not in MODES:
        raise ImageError("image.bad_mode", label=label, mode=picture.mode)
    mode = "RGBA" if "transparency" in picture.info else MODES[picture.mode]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return picture.copy() if picture.mode == mode else picture.convert(mode)
    except Exception:  # decoding reads the file, which may be damaged, closed or gone
        raise ImageError("image.undecodable", label=label) from None


def from_array(array: Any, label: str) -> Picture:
    """Return a copy of a numpy array as a PIL image: H×W, H×W×1, H×W×3 or H×W×4; uint8, bool, or floats from 0 to 1.

    Raises:
        ImageError: its shape or type is not supported, or its floats are outside 0–1.
    """
    from PIL import Image as Pillow

    mode = CHANNELS.get(array.shape[2] if array.ndim == 3 else 1) if array.ndim in (2, 3) else None
    if mode is None:
        raise ImageError("image.bad_shape", label=label, shape="×".join(map(str, array.shape)) or "()")
    height, width = array.shape[:2]
    _check_size(width, height, label)
    return Pillow.frombytes(mode, (width, height), _in_bytes(array, label).tobytes())


def _in_bytes(array: Any, label: str) -> Any:
    """Return the array as uint8; refuse other integers, whose range (0–1 or 0–255) is ambiguous."""
    if array.dtype.kind == "f" and bool(((array >= 0) & (array <= 1)).all()):
        array = (array * 255).round()
    elif array.dtype.kind == "b":
        array = array * 255
    elif array.dtype != "uint8":
        raise ImageError("image.bad_array", label=label, type=array.dtype)
    return array.astype("uint8", copy=False)


def from_figure(figure: Any, label: str) -> Picture:
    """Return a matplotlib figure as `savefig` draws it."""
    from PIL import Image as Pillow

    drawn = io.BytesIO()
    figure.savefig(drawn, format="png")
    with Pillow.open(drawn) as picture:
        return from_picture(picture, label)


def digest(picture: Picture) -> str:
    """Return the SHA-256 of mode, size and pixels."""
    head = f"{picture.mode} {picture.width}x{picture.height}\n".encode()
    return hashlib.sha256(head + picture.tobytes()).hexdigest()


def png(picture: Picture) -> bytes:
    """Return the pixels as a PNG file. Takes up to seconds.

    A fully opaque alpha channel is dropped: the services refuse one, and the picture looks the same.
    """
    written = io.BytesIO()
    picture = picture.convert("RGB") if picture.mode == "RGBA" and not see_through(picture) else picture
    picture.save(written, "PNG", exif=b"")  # an EXIF orientation would rotate pixels that are already upright
    return written.getvalue()


def has_alpha(picture: Picture) -> bool:
    """Return whether a picture has an alpha channel or a transparent colour."""
    return "transparency" in picture.info or MODES.get(picture.mode) == "RGBA"


def see_through(picture: Picture) -> bool:
    """Return whether any pixel is transparent; for modes that cannot be converted, whether one may be."""
    if not has_alpha(picture) or picture.mode not in MODES:
        return has_alpha(picture)
    return picture.convert("RGBA").getchannel("A").histogram()[255] < picture.width * picture.height


def on_white(picture: Picture) -> Picture:
    """Return an RGBA picture as RGB on a white background."""
    from PIL import Image as Pillow

    return Pillow.alpha_composite(Pillow.new("RGBA", picture.size, "white"), picture).convert("RGB")
