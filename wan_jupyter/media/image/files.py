"""The bytes of a picture's file, from a path as people type it; and what to say when they cannot be had. Floor 0.

Knows nothing of what is in the bytes.
"""

from __future__ import annotations

import difflib
import re
import stat
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from urllib.parse import unquote

from ...errors import ImageError
from ...errors.system import reason_of
from ...i18n.messages import Phrase
from ...security.sanitize import shown_name

MAX_BYTES = 100 * 1024 * 1024
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".gif", ".tif", ".tiff", ".avif"})
LOOKED_AT = 2000  # names in a folder; a network drive may hold far more


def path_of(url: str, folder: Path | None = None) -> Path:
    """Return the path in a file URL: `file:///a/b`, `file://localhost/a`, `file:///C:/x`, and relative as `file://./a`.

    The vendor's own SDK writes relative paths after `file://`, so what stands there is no host. `+`, `#` and `?` are
    letters of the name; `%20` is undone unless a file of that very name exists.
    """
    rest = re.sub(r"^file:(//)?(localhost(?=/))?", "", url, flags=re.IGNORECASE)
    rest = re.sub(r"^/(?=[A-Za-z]:)", "", rest)
    return Path(rest if _exists((folder or Path()) / rest) else unquote(rest))


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def read(typed: Path, folder: Path | None = None) -> bytes:
    """Return the contents of a picture's file; `~` is the home folder, a relative path begins at `folder`.

    Raises:
        ImageError: there is no such file, it is a folder, it may not be read, it is empty, or above `MAX_BYTES`.
    """
    path, shown = (folder or Path()) / _home(typed), shown_name(str(typed))
    try:
        return _contents(path, shown)
    except (FileNotFoundError, NotADirectoryError):
        looked, suggestion = shown_name(_absolute(path.parent), 200), similar(path, typed)
        raise ImageError("image.missing", label=shown, folder=looked, suggestion=suggestion) from None
    except PermissionError:
        raise ImageError("image.not_allowed", label=shown) from None
    except (OSError, ValueError) as error:  # too long, a NUL in it, a broken disk
        raise ImageError("image.unreadable", label=shown, reason=reason_of(error)) from None


def _contents(path: Path, shown: str) -> bytes:
    about = path.stat()
    if stat.S_ISDIR(about.st_mode):
        raise ImageError("image.folder", label=shown)
    if not stat.S_ISREG(about.st_mode):  # a pipe would never end
        raise ImageError("image.unreadable", label=shown, reason=Phrase("image.not_a_file", {}))
    check_weight(about.st_size, shown)
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)


def check_weight(weight: int, label: str) -> None:
    """Refuse a file of no bytes, or of more than `MAX_BYTES`."""
    if weight == 0:
        raise ImageError("image.empty", label=label)
    if weight > MAX_BYTES:
        raise ImageError("image.too_heavy", label=label, megabytes=MAX_BYTES >> 20)


def _home(path: Path) -> Path:
    try:
        return path.expanduser()
    except RuntimeError:  # "~nobody", or no home: then it is a name like any other
        return path


def _absolute(path: Path) -> str:
    try:
        return str(path.absolute())
    except OSError:  # the working directory itself is gone
        return str(path)


def similar(path: Path, typed: Path) -> str:
    """Return "Did you mean X? " for a picture in the folder where one was looked for, or ""."""
    try:
        names = [entry.name for entry in islice(path.parent.iterdir(), LOOKED_AT) if entry.suffix.lower() in SUFFIXES]
    except (OSError, ValueError):
        return ""
    found = _nearest(path.name, sorted(names))
    word = shown_name(str(typed.parent / found))
    return Phrase("option.did_you_mean", {"word": f'"{word}"' if " " in word else word}) if found else ""


def _nearest(name: str, among: Iterable[str]) -> str:
    """Return what a name was meant to be: one that begins with it ("my" of "my cat.png"), or one spelled alike."""
    by_lower = {other.lower(): other for other in among}
    begun = [lower for lower in by_lower if name and lower.startswith(name.lower())]
    close = begun or difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[close[0]] if close else ""
