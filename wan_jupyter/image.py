"""A picture as the user gave it: where it came from, what it is, and a snapshot of it. Floor 0.

`take` recognises every form a picture comes in, reads it at once, looks at its header and hashes it; nothing is decoded
or encoded there, since the cell waits for it. Foreign objects are met through `__wan_image__()` or `sys.modules`, never
by import. Knows nothing of requests, services or their limits.
"""

from __future__ import annotations

import base64
import binascii
import difflib
import hashlib
import io
import re
import stat
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from itertools import islice
from pathlib import Path, PurePath
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, unquote_plus, unquote_to_bytes, urlsplit, urlunsplit

from . import pixels
from .errors import ImageError, WanError
from .messages import say

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

    Reader = Callable[[Any, str, Path | None], "Image"]

MAX_BYTES = 100 * 1024 * 1024
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp"})

# Query parameters that sign a link anew each time it is made; the picture behind it stays the same.
SIGNATURES = frozenset({"Expires", "Signature", "OSSAccessKeyId", "se", "sig"})
SIGNATURE_PREFIXES = ("X-Amz-", "X-Goog-")


@dataclass(frozen=True, slots=True)
class Image:
    """A picture that was taken.

    Attributes:
        label: what is shown: a file name, a URL without its query, "$name", "data:image/png".
        digest: SHA-256 in hex of the original bytes, or of mode, size and pixels of an object; "" for a URL.
        mime: "image/png", …; "" for a URL.
        width: pixels as the header says, before any EXIF rotation; 0 for a URL.
        height: likewise.
        weight: bytes of the original; 0 where there is none.
        url: the http(s) address, "" for anything else. It may be signed, so it is a secret.
        source: the snapshot: bytes, or a copy of the pixels; None for a URL and for what comes from the journal.
    """

    label: str
    digest: str = ""
    mime: str = ""
    width: int = 0
    height: int = 0
    weight: int = 0
    url: str = field(default="", repr=False)
    source: bytes | Picture | None = field(default=None, repr=False, compare=False)

    def encoded(self) -> bytes:
        """Return the picture as a file: its own bytes, or a PNG of an object's pixels on white.

        Slow for objects (up to seconds): for worker threads only.

        Raises:
            ImageError: there is no snapshot (a URL, or a picture read from the journal).
        """
        if isinstance(self.source, bytes):
            return self.source
        if self.source is None:
            raise ImageError("image.no_snapshot", label=self.label)
        return pixels.png(self.source)

    @property
    def identity(self) -> str:
        """What the picture counts as in a fingerprint: its digest, or its URL less the signature in it."""
        return f"url:{unsigned(self.url)}" if self.url else f"sha256:{self.digest}"

    def as_json(self) -> dict[str, Any]:
        """Return the picture as the journal keeps it: everything but the snapshot."""
        return {name: getattr(self, name) for name in _kept()}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Image:
        """Rebuild a picture from the journal, without a snapshot; keys of other versions are left out."""
        return cls(**{"label": "", **{name: kept[name] for name in _kept() if name in kept}})


def _kept() -> list[str]:
    return [row.name for row in fields(Image) if row.name != "source"]


def take(value: object, *, label: str = "", folder: Path | None = None) -> Image:
    """Take a snapshot of a picture in whatever form it comes.

    Args:
        value: a path, an http(s) or file URL, a data URI, bytes, a file object, a PIL image, a numpy array (uint8 or
            0–1; H×W, H×W×3 or H×W×4), a matplotlib figure, an upload widget, or an object with `__wan_image__()`.
        label: what to call it; by default its file name, address or type.
        folder: where relative paths begin; the working directory by default.

    Raises:
        ImageError: it is missing, unreadable, too large, or not a picture that the services take.
    """
    own = getattr(type(value), "__wan_image__", None)
    if own is not None:
        name = label or type(value).__name__
        value, label = _asked(lambda: own(value), name), name
    return _read(value, label, folder)


def unsigned(url: str) -> str:
    """Return a URL less the known signature parameters; the rest of its query stays as it is, in order."""
    parts = urlsplit(url)
    kept = [pair for pair in parts.query.split("&") if not _signs(unquote_plus(pair.partition("=")[0]))]
    return urlunsplit(parts._replace(query="&".join(kept)))


def _one_line(text: str, limit: int = 80) -> str:
    clean = re.sub(r"[\x00-\x1f\x7f\ud800-\udfff]+", " ", text)
    return clean if len(clean) <= limit else f"{clean[: limit - 1]}…"


def _signs(parameter: str) -> bool:
    return parameter in SIGNATURES or parameter.startswith(SIGNATURE_PREFIXES)


# ---- which form it is -----------------------------------------------------------------------------------------------


def _read(value: object, label: str, folder: Path | None) -> Image:
    for recognise, read in FORMS:
        if recognise(value):
            return read(value, label, folder)
    raise ImageError("image.unsupported", kind=type(value).__name__, label=label or type(value).__name__)


def _is_foreign(module: str, name: str) -> Callable[[object], bool]:
    """Recognise instances of a class of a module that the user, not we, may have imported."""

    def recognise(value: object) -> bool:
        kind = getattr(sys.modules.get(module), name, None)
        return isinstance(kind, type) and isinstance(value, kind)

    return recognise


def _is_upload(value: object) -> bool:
    return isinstance(value, Mapping) and "content" in value


def _is_file(value: object) -> bool:
    return callable(getattr(value, "getvalue", None)) or callable(getattr(value, "read", None))


def _asked(ask: Callable[[], Any], label: str) -> Any:
    """Ask a foreign object for something; whatever goes wrong in it is told as an error about the picture."""
    try:
        return ask()
    except WanError:
        raise
    except Exception as error:
        raise ImageError("image.object_failed", label=label, error=_one_line(f"{type(error).__name__}: {error}")) from error


# ---- text: a path, a URL, a data URI --------------------------------------------------------------------------------


def _from_text(value: Any, label: str, folder: Path | None) -> Image:
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]+):(//)?", value)
    known = SCHEMES.get(scheme[1].lower()) if scheme else None
    if known:
        return known(value, label, folder)
    if scheme and scheme[2]:
        raise ImageError("image.bad_scheme", label=_one_line(value), scheme=scheme[1])
    return _from_path(Path(value), label or _one_line(Path(value).name), folder)


def _from_url(url: str, label: str, folder: Path | None) -> Image:
    del folder
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        host = None
    if not host or re.search(r"[\s\x00-\x1f\x7f]", url):
        raise ImageError("image.bad_url", label=_one_line(url.partition("?")[0]))
    # Neither the query nor a "user:password@" may be shown.
    bare = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment=""))
    return Image(label or bare, url=url)


def _from_data_uri(uri: str, label: str, folder: Path | None) -> Image:
    del folder
    head, comma, body = uri.partition(",")
    kind = _one_line(head.removesuffix(";base64"), 40)
    if not comma:
        raise ImageError("image.bad_data_uri", label=label or kind)
    try:
        raw = unquote_to_bytes(body)
        data = _unbase64(raw) if head.lower().endswith(";base64") else raw
    except (binascii.Error, ValueError):
        raise ImageError("image.bad_data_uri", label=label or kind) from None
    return _from_bytes(data, label or kind)


def _unbase64(text: bytes) -> bytes:
    """Decode base64 that may be wrapped in lines or lack its padding, as browsers do."""
    packed = b"".join(text.split()).rstrip(b"=")
    return base64.b64decode(packed + b"=" * (-len(packed) % 4), validate=True)


def path_of(url: str) -> str:
    """Return the path in a file URL: `file:///a/b`, `file://localhost/a`, `file:///C:/x`, and relative as `file://./a`.

    The vendor's own SDK writes relative paths after `file://`, so what stands there is no host. `+`, `#` and `?` are
    letters of the name; `%20` is undone unless a file of that very name exists.
    """
    rest = re.sub(r"^file:(//)?(localhost(?=/))?", "", url, flags=re.IGNORECASE)
    rest = re.sub(r"^/(?=[A-Za-z]:)", "", rest)
    return rest if _exists(rest) else unquote(rest)


def _exists(path: str) -> bool:
    try:
        return Path(path).exists()
    except (OSError, ValueError):
        return False


def _from_file_url(url: str, label: str, folder: Path | None) -> Image:
    path = Path(path_of(url))
    return _from_path(path, label or _one_line(path.name), folder)


SCHEMES: Mapping[str, Reader] = MappingProxyType(
    {"http": _from_url, "https": _from_url, "data": _from_data_uri, "file": _from_file_url}
)


# ---- files ----------------------------------------------------------------------------------------------------------


def _from_path(value: Any, label: str, folder: Path | None) -> Image:
    path = (folder or Path()) / _home(value)
    return _from_bytes(_bytes_of(path, value), label or _one_line(path.name))


def _home(path: Path) -> Path:
    try:
        return path.expanduser()
    except RuntimeError:  # "~nobody", or no home: then it is a name like any other
        return path


def _bytes_of(path: Path, typed: Path) -> bytes:
    shown = _one_line(str(typed))
    try:
        return _contents(path, shown)
    except (FileNotFoundError, NotADirectoryError):
        where, suggestion = path.parent.absolute(), _similar(path, typed)
        raise ImageError("image.missing", label=shown, folder=_one_line(str(where)), suggestion=suggestion) from None
    except PermissionError:
        raise ImageError("image.not_allowed", label=shown) from None
    except (OSError, ValueError) as error:  # too long, a NUL in it, a broken disk
        reason = getattr(error, "strerror", None) or str(error)
        raise ImageError("image.unreadable", label=shown, reason=_one_line(reason)) from None


def _contents(path: Path, shown: str) -> bytes:
    about = path.stat()
    if stat.S_ISDIR(about.st_mode):
        raise ImageError("image.folder", label=shown)
    if not stat.S_ISREG(about.st_mode):  # a pipe would never end
        raise ImageError("image.unreadable", label=shown, reason=say("image.not_a_file"))
    _check_weight(about.st_size, shown)
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)


def _similar(path: Path, typed: Path) -> str:
    """Return "Did you mean X? " for a picture in the folder where one was looked for, or ""."""
    try:
        names = [entry.name for entry in islice(path.parent.iterdir(), 2000) if entry.suffix.lower() in SUFFIXES]
    except (OSError, ValueError):
        return ""
    found = _nearest(path.name, sorted(names))
    shown = str(typed.with_name(found)) if found else ""
    return say("option.did_you_mean", word=f'"{shown}"' if " " in shown else shown) if found else ""


def _nearest(name: str, among: Iterable[str]) -> str:
    """Return what a name was meant to be: one that begins with it ("my" of "my cat.png"), or one spelled alike."""
    by_lower = {other.lower(): other for other in among}
    begun = [lower for lower in by_lower if name and lower.startswith(name.lower())]
    close = begun or difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[close[0]] if close else ""


# ---- bytes ----------------------------------------------------------------------------------------------------------


def _from_buffer(value: Any, label: str, folder: Path | None) -> Image:
    del folder
    return _from_bytes(bytes(value), label or type(value).__name__)


def _from_upload(value: Any, label: str, folder: Path | None) -> Image:
    del folder
    name = value.get("name") or value.get("metadata", {}).get("name")
    return _from_bytes(bytes(value["content"]), label or _one_line(str(name or "upload")))


def _from_widget(value: Any, label: str, folder: Path | None) -> Image:
    """Read an upload widget: a tuple of files since ipywidgets 8, a dict of them by name before."""
    held = value.value
    files = [{"name": name, **file} for name, file in held.items()] if isinstance(held, Mapping) else list(held)
    if len(files) != 1:
        raise ImageError("image.upload_count", label=label or "FileUpload", count=len(files))
    return _from_upload(files[0], label, folder)


def _from_file(value: Any, label: str, folder: Path | None) -> Image:
    del folder
    name = label or _one_line(Path(str(getattr(value, "name", ""))).name) or type(value).__name__
    data = _asked(lambda: _drained(value), name)
    if not isinstance(data, bytes | bytearray | memoryview):
        raise ImageError("image.text_file", label=name)
    return _from_bytes(bytes(data), name)


def _drained(file: Any) -> Any:
    """Return all that a file object holds, and leave it where it stood, so that the cell can be run again."""
    if callable(getattr(file, "getvalue", None)):
        return file.getvalue()
    seekable = callable(getattr(file, "seekable", None)) and file.seekable()
    before = file.seek(0, io.SEEK_CUR) if seekable else 0
    if seekable:
        file.seek(0)
    data = file.read(MAX_BYTES + 1)
    if seekable:
        file.seek(before)
    return data


def _from_bytes(data: bytes, label: str) -> Image:
    _check_weight(len(data), label)
    mime, width, height = pixels.header(data, label)
    digest = hashlib.sha256(data).hexdigest()
    return Image(label, digest, mime, width, height, len(data), source=data)


def _check_weight(weight: int, label: str) -> None:
    if weight == 0:
        raise ImageError("image.empty", label=label)
    if weight > MAX_BYTES:
        raise ImageError("image.too_heavy", label=label, megabytes=MAX_BYTES >> 20)


# ---- objects --------------------------------------------------------------------------------------------------------


def _from_pixels(hold: Callable[[Any, str], Picture]) -> Reader:
    """Read an object that has pixels but no file: `hold` copies it."""

    def read(value: Any, label: str, folder: Path | None) -> Image:
        del folder
        name = label or type(value).__name__
        picture = _asked(lambda: hold(value, name), name)
        return Image(name, pixels.digest(picture), "image/png", *picture.size, source=picture)

    return read


FORMS: tuple[tuple[Callable[[object], bool], Reader], ...] = (
    (lambda value: isinstance(value, str), _from_text),
    (lambda value: isinstance(value, PurePath), _from_path),
    (lambda value: isinstance(value, bytes | bytearray | memoryview), _from_buffer),
    (_is_foreign("PIL.Image", "Image"), _from_pixels(pixels.from_picture)),
    (_is_foreign("numpy", "ndarray"), _from_pixels(pixels.from_array)),
    (_is_foreign("matplotlib.figure", "Figure"), _from_pixels(pixels.from_figure)),
    (_is_foreign("ipywidgets", "FileUpload"), _from_widget),
    (_is_upload, _from_upload),
    (_is_file, _from_file),
)
