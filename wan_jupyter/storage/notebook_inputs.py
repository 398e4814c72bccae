"""Pictures that came without a file, put beside the notebook so that a cell can name them. Floor 3: the disk only."""

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
LONGEST = 80  # letters of a name
# Nothing that a system forbids in a name, that a shell or a cell's line reads otherwise, or that hides the file.
UNFIT = re.compile(r"[\"'`<>:|?*\\/#$%{}\s]+")


def keep_beside(notebook: Path, name: str, data: bytes, mime: str) -> Path:
    """Write a picture into `wan_inputs` beside a notebook, unless it lies there already, and return its path.

    Another file is never overwritten: the name gets a number.

    Raises:
        OutputError: the folder cannot be made or written.
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
    """Return the last part of a name as a file may have it anywhere, with an ending that tells the kind."""
    last = UNFIT.sub("_", UNSHOWN.sub("_", PureWindowsPath(name).name)).strip("._- ")
    path = Path(last or "picture")
    known = path.suffix.lower() in SUFFIXES
    stem = (path.stem if known else path.name)[:LONGEST]
    ending = path.suffix if known else f".{mime.rpartition('/')[2] or 'png'}"
    return stem + ending


def _same(path: Path, data: bytes) -> bool:
    return path.is_file() and path.stat().st_size == len(data) and path.read_bytes() == data


def _written(path: Path, data: bytes) -> bool:
    """Write a new file whole; False where there is one of the name."""
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
