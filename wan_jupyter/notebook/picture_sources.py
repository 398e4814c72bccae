"""Pictures that a word may stand for: files in folders and the user's variables; and how a name is written in a line.

Looks into folders, opens no file and imports nothing: whoever holds a PIL image has imported PIL.
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
LOOKED_AT = 20_000  # names in a folder
LONGEST = 1000  # letters of a text that may be a path
LINKS = ("http://", "https://", "file:", "data:image/")
# Package and class to whether its instances may be pictures; known by name, for importing them would be dear.
FOREIGN = MappingProxyType(
    {("PIL", "Image"): (), ("numpy", "ndarray"): (2, 3), ("matplotlib", "Figure"): (), ("ipywidgets", "FileUpload"): ()}
)


# ---- files --------------------------------------------------------------------------------------------------------


def files(typed: str, folder: Path) -> Iterator[tuple[str, str]]:
    """Yield the pictures, then the folders, whose names begin as typed; hidden ones only if a dot is typed."""
    head, begun = _parted(typed)
    inside = folder / Path(head).expanduser()
    try:
        with os.scandir(inside) as entries:
            fitting = [entry for entry in islice(entries, LOOKED_AT) if _fits(entry.name, begun)]
    except (OSError, ValueError):  # no such folder, or none that may be read
        return
    fitting.sort(key=lambda entry: _natural(entry.name))
    yield from ((head + entry.name, PICTURE) for entry in fitting if _is_picture(entry))
    yield from ((f"{head}{entry.name}/", FOLDER) for entry in fitting if entry.is_dir())


def _parted(typed: str) -> tuple[str, str]:
    """Part a path into what leads to the folder, and the beginning of a name in it."""
    separators = r"[/\\]" if PurePath("a\\b").name == "b" else "/"
    at = max((found.end() for found in re.finditer(separators, typed)), default=0)
    if not at and typed == "~":
        return "~/", ""
    return typed[:at], typed[at:]


def _fits(name: str, begun: str) -> bool:
    seen = not name.startswith(".") or begun.startswith(".")
    return seen and name.casefold().startswith(begun.casefold()) and not UNSHOWN.search(name)


def _is_picture(entry: os.DirEntry[str]) -> bool:
    return PurePath(entry.name).suffix.lower() in SUFFIXES and entry.is_file()


def _natural(name: str) -> list[tuple[int, str]]:
    """Return a key by which 2.png comes before 10.png."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"([0-9]{1,18})", name.casefold())]


def written(name: str, kind: str, quote: str, closed: bool) -> str:
    """Return a word as it is typed so that it is read as this name, "" if there is no way to write it.

    Args:
        name: what it is to be read as.
        kind: a folder's quote stays open, for a name in it to follow.
        quote: the quote that is open already, or "".
        closed: whether the line goes on with the quote that closes it.
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
    """Yield `$name` for each variable that may be a picture, as far as a look at its type tells."""
    for name in sorted(names):
        if not name.startswith("_") and may_be_picture(names[name]):
            yield f"${name}", "name"


def may_be_picture(value: object) -> bool:
    """Tell whether `image.take` may make something of an object; no property of it is asked, only its type."""
    kind = type(value)
    if issubclass(kind, str | PurePath):
        return _may_be_place(str(value))
    if hasattr(kind, "__wan_image__") or issubclass(kind, bytes | bytearray | memoryview | io.BufferedIOBase):
        return True
    for base in kind.__mro__:
        sides = FOREIGN.get((base.__module__.partition(".")[0], base.__name__))
        if sides is not None:
            return not sides or getattr(value, "ndim", 0) in sides
    return False


def _may_be_place(text: str) -> bool:
    short = 0 < len(text) <= LONGEST and "\n" not in text
    return text.lower().startswith(LINKS) or (short and PurePath(text).suffix.lower() in SUFFIXES)
