"""Save uploaded or pasted pictures beside the notebook, so that a cell can name them."""

from __future__ import annotations

import contextlib
import re
from itertools import count
from pathlib import Path, PureWindowsPath

from ..errors import OutputError
from ..errors.system import reason_of
from ..media.image.files import SUFFIXES
from ..security.sanitize import UNSHOWN

FOLDER = "wan_inputs"
MAX_STEM = 80  # characters
# Characters that a system forbids in names, or that a shell or a cell's line would interpret.
UNFIT = re.compile(r"[\"'`<>:|?*\\/#$%{}\s]+")


def keep_beside(notebook: Path, name: str, data: bytes, mime: str) -> Path:
    """Save a picture in `wan_inputs` beside a notebook, unless it is there already, and return its path.

    Another file is never overwritten: the name gets a number.

    Raises:
        OutputError: the folder cannot be created or written.
    """
    folder = notebook / FOLDER
    plain = Path(fit_name(name, mime))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for number in count(1):
            path = folder / (plain.name if number == 1 else f"{plain.stem}-{number}{plain.suffix}")
            if _same(path, data) or _written(path, data):
                return path
    except OSError as error:
        raise OutputError("compose.unsaved", folder=str(folder), reason=reason_of(error)) from None
    raise AssertionError  # `count` has no end


def fit_name(name: str, mime: str) -> str:
    """Return a name's last part as a file name that is valid on every system, with a suffix for its media type."""
    last = UNFIT.sub("_", UNSHOWN.sub("_", PureWindowsPath(name).name)).strip("._- ")
    path = Path(last or "picture")
    known = path.suffix.lower() in SUFFIXES
    stem = (path.stem if known else path.name)[:MAX_STEM]
    ending = path.suffix if known else f".{mime.rpartition('/')[2] or 'png'}"
    return stem + ending


def _same(path: Path, data: bytes) -> bool:
    return path.is_file() and path.stat().st_size == len(data) and path.read_bytes() == data


def _written(path: Path, data: bytes) -> bool:
    """Write a new file; return False if the name is taken."""
    try:
        file = path.open("xb")
    except FileExistsError:
        return False
    try:
        with file:
            file.write(data)
    except OSError:
        with contextlib.suppress(OSError):
            path.unlink()
        raise
    return True
