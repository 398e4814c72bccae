"""Read a picture's file from a path as typed, and explain why it cannot be read."""

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
MAX_NAMES = 2000  # of a folder that are searched for a suggestion; a network drive may hold far more


def path_of(url: str, folder: Path | None = None) -> Path:
    """Return the path in a file URL: `file:///a/b`, `file://localhost/a`, `file:///C:/x`, and relative as `file://./a`.

    DashScope's SDK writes relative paths after `file://`, so what follows is not a host. `+`, `#` and `?` belong to the
    name; `%20` is decoded unless a file of that literal name exists.
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
    """Return the contents of a picture's file; `~` is the home folder, a relative path starts at `folder`.

    Raises:
        ImageError: the file does not exist, is a folder, cannot be read, is empty, or is larger than `MAX_BYTES`.
    """
    path, shown = (folder or Path()) / _home(typed), shown_name(str(typed))
    try:
        return _contents(path, shown)
    except (FileNotFoundError, NotADirectoryError):
        looked, suggestion = shown_name(_absolute(path.parent), 200), similar(path, typed)
        raise ImageError("image.missing", label=shown, folder=looked, suggestion=suggestion) from None
    except PermissionError:
        raise ImageError("image.not_allowed", label=shown) from None
    except (OSError, ValueError) as error:  # a path that is too long or contains NUL, a broken disk
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
    """Refuse a file that is empty or larger than `MAX_BYTES`."""
    if weight == 0:
        raise ImageError("image.empty", label=label)
    if weight > MAX_BYTES:
        raise ImageError("image.too_heavy", label=label, megabytes=MAX_BYTES >> 20)


def _home(path: Path) -> Path:
    try:
        return path.expanduser()
    except RuntimeError:  # "~nobody", or no home folder: a name like any other
        return path


def _absolute(path: Path) -> str:
    try:
        return str(path.absolute())
    except OSError:  # the working directory itself is gone
        return str(path)


def similar(path: Path, typed: Path) -> str:
    """Return "Did you mean X? " for a picture of a similar name in the same folder, else ""."""
    try:
        names = [entry.name for entry in islice(path.parent.iterdir(), MAX_NAMES) if entry.suffix.lower() in SUFFIXES]
    except (OSError, ValueError):
        return ""
    found = _nearest(path.name, sorted(names))
    word = shown_name(str(typed.parent / found))
    return Phrase("option.did_you_mean", {"word": f'"{word}"' if " " in word else word}) if found else ""


def _nearest(name: str, among: Iterable[str]) -> str:
    """Return the likely intended name: one that starts with `name` ("my" of "my cat.png"), or the closest spelling."""
    by_lower = {other.lower(): other for other in among}
    begun = [lower for lower in by_lower if name and lower.startswith(name.lower())]
    close = begun or difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[close[0]] if close else ""
