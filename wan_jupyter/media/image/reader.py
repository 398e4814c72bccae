"""Read a picture in any form that a user gives it, as a snapshot.

`read_image` reads the picture at once, checks its header and hashes it, but decodes and encodes no file, since the cell
waits for it. Objects of other libraries are recognised by `__wan_image__()` or through `sys.modules`, never by import.
"""

from __future__ import annotations

import base64
import hashlib
import io
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from functools import partial
from pathlib import Path, PurePath
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes, urlsplit

from ...errors import ImageError, WanError
from ...security.sanitize import shown_name
from ...security.urls import shown_url, unsigned
from . import files, pixels

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

    Reader = Callable[[Any, str, Path | None], "Image"]

from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Image:
    """A snapshot of a picture.

    Attributes:
        label: its name in displays: a file name, a URL without its query, "$name", "data:image/png".
        digest: SHA-256 in hex of the original bytes, or of an object's mode, size and pixels; "" for a URL.
        mime: media type such as "image/png"; "" for a URL.
        width, height: in pixels by the header, before any EXIF rotation; 0 for a URL.
        weight: size of the original in bytes; 0 for URLs and objects.
        url: the http(s) address, "" for other forms. It may be signed, so it is a secret.
        source: bytes, or a copy of the pixels; None for a URL and for a picture from the journal.
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
        """Return the picture as a file: its own bytes, or a PNG of an object's pixels.

        Slow for objects (up to seconds): call it on worker threads only.

        Raises:
            ImageError: it has no pixels: a URL, or a picture from the journal.
        """
        if isinstance(self.source, bytes):
            return self.source
        if self.source is None:
            raise ImageError("image.no_snapshot", label=self.label)
        return pixels.png(self.source)

    @property
    def identity(self) -> str:
        """What identifies the picture in a fingerprint: its digest, or its URL without a signature."""
        return f"url:{unsigned(self.url)}" if self.url else f"sha256:{self.digest}"

    def as_json(self) -> dict[str, Any]:
        """Return the picture's JSON for the journal: everything but the pixels."""
        return {name: getattr(self, name) for name in _kept()}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Image:
        """Return a picture from the journal's JSON, without pixels; ignore keys of other versions."""
        return cls(**{"label": "", **{name: kept[name] for name in _kept() if name in kept}})


def _kept() -> list[str]:
    return [field.name for field in fields(Image) if field.name != "source"]


def read_image(value: object, *, label: str = "", folder: Path | None = None) -> Image:
    """Read a picture in any supported form.

    Args:
        value: a path, an http(s) or file URL, a data URI, bytes, a file object, a PIL image, a numpy array (uint8 or
            0–1; H×W, H×W×3 or H×W×4), a matplotlib figure, an upload widget, or an object with `__wan_image__()`.
        label: its name in displays; by default its file name, address or type.
        folder: base of relative paths; the working directory by default.

    Raises:
        ImageError: it is missing, unreadable, too large, or not a picture that the services accept.
    """
    own = getattr(type(value), "__wan_image__", None)
    if own is not None:
        label = label or type(value).__name__
        value = _asked(partial(own, value), label)
    for recognise, read in FORMS:
        if recognise(value):
            return read(value, label, folder)
    kind = type(value).__name__
    raise ImageError("image.unsupported", kind=kind, label=label or kind)


def _asked(ask: Callable[[], Any], label: str) -> Any:
    """Call into an object of another library; raise any error in it as an `ImageError`."""
    try:
        return ask()
    except WanError:
        raise
    except Exception as error:
        reason = shown_name(f"{type(error).__name__}: {error}")
        raise ImageError("image.object_failed", label=label, error=reason) from error


# ---- text: a path, a URL, a data URI --------------------------------------------------------------------------------


def _from_text(value: Any, label: str, folder: Path | None) -> Image:
    # At least two letters, since C:\cat.png is a path.
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]+):(//)?", value)
    known = SCHEMES.get(scheme[1].lower()) if scheme else None
    if known:
        return known(value, label, folder)
    if scheme and scheme[2]:
        raise ImageError("image.bad_scheme", label=shown_url(value), scheme=shown_name(scheme[1]))
    if not value.strip():
        raise ImageError("image.unnamed")
    return _from_path(Path(value), label, folder)


def _from_url(url: str, label: str, folder: Path | None) -> Image:
    del folder
    if not _has_host(url) or re.search(r"[\s\x00-\x1f\x7f\ud800-\udfff]", url):
        raise ImageError("image.bad_url", label=shown_url(url))
    return Image(label or shown_url(url), url=url)


def _has_host(url: str) -> bool:
    try:
        return bool(urlsplit(url).hostname)
    except ValueError:
        return False


def _from_data_uri(uri: str, label: str, folder: Path | None) -> Image:
    del folder
    head, comma, body = uri.partition(",")
    name = label or shown_name(head.split(";")[0], 40)
    try:
        raw = unquote_to_bytes(body)
        data = _unbase64(raw) if head.lower().endswith(";base64") else raw
    except ValueError:
        data = b""
    if not comma or not data:
        raise ImageError("image.bad_data_uri", label=name)
    return _from_bytes(data, name)


def _unbase64(text: bytes) -> bytes:
    """Decode base64 that may have line breaks or lack padding, as browsers accept it."""
    packed = b"".join(text.split()).rstrip(b"=")
    return base64.b64decode(packed + b"=" * (-len(packed) % 4), validate=True)


def _from_file_url(url: str, label: str, folder: Path | None) -> Image:
    return _from_path(files.path_of(url, folder), label, folder)


SCHEMES: Mapping[str, Reader] = MappingProxyType(
    {"http": _from_url, "https": _from_url, "data": _from_data_uri, "file": _from_file_url}
)


# ---- bytes, wherever they are ----------------------------------------------------------------------------------------


def _from_path(value: Any, label: str, folder: Path | None) -> Image:
    path = Path(value)
    return _from_bytes(files.read(path, folder), label or shown_name(path.name))


def _from_buffer(value: Any, label: str, folder: Path | None) -> Image:
    del folder
    name = label or type(value).__name__
    return _from_bytes(_asked(lambda: bytes(value), name), name)


def _uploads(held: object) -> list[Any]:
    """Return the files in an upload widget's value: a tuple since ipywidgets 8, before that a mapping by name."""
    if isinstance(held, Mapping):
        named = [{"name": name, **file} for name, file in held.items() if isinstance(file, Mapping)]
        return [held] if "content" in held else named
    return list(held) if isinstance(held, tuple | list) else []


def _is_upload(value: object) -> bool:
    found = _uploads(value)
    return bool(found) and all(isinstance(file, Mapping) and "content" in file for file in found)


def _from_upload(value: Any, label: str, folder: Path | None) -> Image:
    found = _uploads(getattr(value, "value", value))
    if len(found) != 1:
        raise ImageError("image.upload_count", label=label or "FileUpload", count=len(found))
    content = found[0]["content"]
    if not isinstance(content, bytes | bytearray | memoryview):
        raise ImageError("image.unsupported", kind=type(content).__name__, label=label or "upload")
    return _from_buffer(content, label or shown_name(str(found[0].get("name", "upload"))), folder)


def _is_file(value: object) -> bool:
    try:
        return any(callable(getattr(value, name, None)) for name in ("getvalue", "read"))
    except Exception:  # an object whose attributes all raise is not a file
        return False


def _from_file(value: Any, label: str, folder: Path | None) -> Image:
    name = label or shown_name(Path(str(getattr(value, "name", ""))).name) or type(value).__name__
    data = "" if isinstance(value, io.TextIOBase) else _asked(lambda: _drained(value), name)
    if not isinstance(data, bytes | bytearray | memoryview):
        raise ImageError("image.text_file", label=name)
    return _from_buffer(data, name, folder)


def _drained(file: Any) -> Any:
    """Return a file object's contents and restore its position, so that the cell can run again."""
    if callable(getattr(file, "getvalue", None)):
        return file.getvalue()
    if not (callable(getattr(file, "seekable", None)) and file.seekable()):
        return file.read(files.MAX_BYTES + 1)
    before = file.tell()
    file.seek(0)
    try:
        return file.read(files.MAX_BYTES + 1)
    finally:
        file.seek(before)


def _from_bytes(data: bytes, label: str) -> Image:
    files.check_weight(len(data), label)
    mime, width, height = pixels.header(data, label)
    digest = hashlib.sha256(data).hexdigest()
    return Image(label, digest, mime, width, height, len(data), source=data)


# ---- objects --------------------------------------------------------------------------------------------------------


def _from_pixels(hold: Callable[[Any, str], Picture]) -> Reader:
    """Return a reader for objects that have pixels but no file; `hold` copies them."""

    def read(value: Any, label: str, folder: Path | None) -> Image:
        del folder
        name = label or type(value).__name__
        picture = _asked(lambda: hold(value, name), name)
        return Image(name, pixels.digest(picture), "image/png", picture.width, picture.height, source=picture)

    return read


def _is_a(*kinds: type) -> Callable[[object], bool]:
    return lambda value: isinstance(value, kinds)


def _is_foreign(module: str, name: str) -> Callable[[object], bool]:
    """Return a test for instances of a class in a module, which only the user may have imported."""

    def recognise(value: object) -> bool:
        kind = getattr(sys.modules.get(module), name, None)
        return isinstance(kind, type) and isinstance(value, kind)

    return recognise


FORMS: tuple[tuple[Callable[[object], bool], Reader], ...] = (
    (_is_a(str), _from_text),
    (_is_a(PurePath), _from_path),
    (_is_a(bytes, bytearray, memoryview), _from_buffer),
    (_is_foreign("PIL.Image", "Image"), _from_pixels(pixels.from_picture)),
    (_is_foreign("numpy", "ndarray"), _from_pixels(pixels.from_array)),
    (_is_foreign("matplotlib.figure", "Figure"), _from_pixels(pixels.from_figure)),
    (_is_foreign("ipywidgets", "FileUpload"), _from_upload),
    (_is_upload, _from_upload),
    (_is_file, _from_file),
)


def data_uri(mime: str, data: bytes) -> str:
    """Return bytes as a data URI."""
    return f"data:{mime};base64,{base64.b64encode(data).decode('ascii')}"
