"""Two sample pictures, so that a newcomer needs none of their own.

The same cat on the same wall, at dusk and later that night: together they make a first and a last frame.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from types import MappingProxyType

from ...errors import OptionError, OutputError
from ...errors.system import reason_of
from ...security.sanitize import one_line

HOURS = ("dusk", "night")  # each is a PNG file of 1280x720 in this folder
FORMATS: Mapping[str, str] = MappingProxyType({".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"})  # Pillow's names
# Of 255, averaged over a channel. Covers JPEG encoders, and samples that 0.1.0 drew with Pillow 10 or 13 (0.05 apart).
MAX_MEAN_DIFFERENCE = 1.0


def sample(path: str | Path = "cat.png", hour: str = "dusk", *, overwrite: bool = False) -> Path:
    """Write a sample picture of 1280x720 and return its path; leave the file alone if it already holds that picture.

    Args:
        path: where to write it; the suffix selects PNG or JPEG. Missing folders are created.
        hour: "dusk" (a good first frame) or "night" (a good last one).
        overwrite: whether to replace another file at that path.

    Raises:
        OptionError: `hour` is neither of the two.
        OutputError: another file is there, the suffix is not PNG's or JPEG's, or the file cannot be written.
    """
    target = Path(path).expanduser()
    if hour not in HOURS:
        choices = ", ".join(HOURS)
        raise OptionError(
            "option.bad_choice", flag="hour", value=one_line(str(hour), 80), suggestion="", choices=choices
        )
    if target.suffix.lower() not in FORMATS:
        raise OutputError("sample.other_kind", name=target.name, example=f"{target.stem or 'cat'}.png")
    data = _encode(hour, FORMATS[target.suffix.lower()])
    try:
        _write(target, data, overwrite)
    except OSError as error:
        raise OutputError("video.unwritable", path=target, reason=reason_of(error)) from None
    return target


def _encode(hour: str, file_format: str) -> bytes:
    """Return a sample as a file of a format; a PNG is the package's own file, byte for byte."""
    png = (resources.files(__package__) / f"{hour}.png").read_bytes()
    if file_format == "PNG":
        return png
    from PIL import Image

    with Image.open(io.BytesIO(png)) as picture, io.BytesIO() as file:
        picture.save(file, file_format)
        return file.getvalue()


def _write(target: Path, data: bytes, overwrite: bool) -> None:
    """Write a sample unless it is there already: a cell may run twice, and a user's own file stays."""
    if target.exists() and _shows_same_picture(target, data):
        return
    if target.exists() and not overwrite:
        raise OutputError("sample.exists", path=target, example=f"{target.stem}-2{target.suffix}")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)


def _shows_same_picture(target: Path, data: bytes) -> bool:
    """Return whether a file holds these bytes, or a picture that nobody could tell from them."""
    from PIL import Image, ImageChops, ImageStat

    try:
        if target.read_bytes() == data:
            return True
        with Image.open(target) as found, Image.open(io.BytesIO(data)) as wanted:
            alike = (found.size, found.mode) == (wanted.size, wanted.mode)
            return alike and max(ImageStat.Stat(ImageChops.difference(found, wanted)).mean) <= MAX_MEAN_DIFFERENCE
    except Exception:  # a folder, not a picture, or a damaged one: Pillow's plug-ins raise anything
        return False
