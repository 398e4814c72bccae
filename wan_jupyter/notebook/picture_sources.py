"""Find pictures for a word of a `%%wan` line, files and the user's variables; write a name so that it is read back.

Lists folders, but opens no file and imports no imaging library: types are recognised by name.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path, PurePath
from types import MappingProxyType

from ..errors import OptionError
from ..media.image.files import SUFFIXES
from ..request.command_line import DASHES, split
from ..request.templates import is_lookup
from ..security.sanitize import UNSHOWN

FOLDER = "folder"
PICTURE = "picture"
MAX_ENTRIES = 20_000  # names read from a folder
MAX_PATH_LENGTH = 1000  # characters; longer texts are not taken for paths
LINKS = ("http://", "https://", "file:", "data:image/")
# Package and class of objects that may be pictures, to the number of dimensions (any if empty). They are recognised by
# name, since importing the packages is slow.
FOREIGN = MappingProxyType(
    {("PIL", "Image"): (), ("numpy", "ndarray"): (2, 3), ("matplotlib", "Figure"): (), ("ipywidgets", "FileUpload"): ()}
)


# ---- files --------------------------------------------------------------------------------------------------------


def files(typed: str, folder: Path) -> Iterator[tuple[str, str]]:
    """Yield the pictures, then the folders, whose names begin with `typed`; hidden ones only if a dot is typed."""
    head, prefix = _split_path(typed)
    inside = folder / Path(head).expanduser()
    try:
        with os.scandir(inside) as entries:
            fitting = [entry for entry in islice(entries, MAX_ENTRIES) if _fits(entry.name, prefix)]
    except (OSError, ValueError):  # no such folder, or no permission
        return
    fitting.sort(key=lambda entry: _natural(entry.name))
    yield from ((head + entry.name, PICTURE) for entry in fitting if _is_picture(entry))
    yield from ((f"{head}{entry.name}/", FOLDER) for entry in fitting if entry.is_dir())


def _split_path(typed: str) -> tuple[str, str]:
    """Split a path into its folder part and the beginning of a name in that folder."""
    separators = r"[/\\]" if PurePath("a\\b").name == "b" else "/"
    end = max((found.end() for found in re.finditer(separators, typed)), default=0)
    if not end and typed == "~":
        return "~/", ""
    return typed[:end], typed[end:]


def _fits(name: str, prefix: str) -> bool:
    visible = not name.startswith(".") or prefix.startswith(".")
    return visible and name.casefold().startswith(prefix.casefold()) and not UNSHOWN.search(name)


def _is_picture(entry: os.DirEntry[str]) -> bool:
    return PurePath(entry.name).suffix.lower() in SUFFIXES and entry.is_file()


def _natural(name: str) -> list[tuple[int, str]]:
    """Return a sort key that puts 2.png before 10.png."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"([0-9]{1,18})", name.casefold())]


def written(name: str, kind: str, quote: str, closed: bool) -> str:
    """Return a name as it must be typed in a line, "" if it cannot be written.

    Args:
        name: the name that the line must be read as.
        kind: of a `folder` the quote stays open, so that a name in it can follow.
        quote: the quote that is open already, or "".
        closed: whether the closing quote follows in the line.
    """
    word = f"./{name}" if kind in (PICTURE, FOLDER) and (name[:1] in tuple(DASHES) or is_lookup(name)) else name
    for mark in (quote,) if quote else ("", '"', "'"):
        if _reads(f"{mark}{word}{mark}", word):
            ends = not closed and kind != FOLDER
            return f"{mark}{word}{mark if ends else ''}"
    return ""


def _reads(line: str, word: str) -> bool:
    try:
        return split(line) == [word]
    except OptionError:
        return False


# ---- variables ----------------------------------------------------------------------------------------------------


def pictures(names: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Yield `$name` for each variable that may be a picture by its type."""
    for name in sorted(names):
        if not name.startswith("_") and may_be_picture(names[name]):
            yield f"${name}", "name"


def may_be_picture(value: object) -> bool:
    """Return whether `read_image` may accept an object; only its type is inspected."""
    kind = type(value)
    if issubclass(kind, str | PurePath):
        return _may_be_path_or_link(str(value))
    if hasattr(kind, "__wan_image__") or issubclass(kind, bytes | bytearray | memoryview | io.BufferedIOBase):
        return True
    for base in kind.__mro__:
        sides = FOREIGN.get((base.__module__.partition(".")[0], base.__name__))
        if sides is not None:
            return not sides or getattr(value, "ndim", 0) in sides
    return False


def _may_be_path_or_link(text: str) -> bool:
    short = 0 < len(text) <= MAX_PATH_LENGTH and "\n" not in text
    return text.lower().startswith(LINKS) or (short and PurePath(text).suffix.lower() in SUFFIXES)
