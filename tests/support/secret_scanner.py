"""A search of a whole tree of files for secrets: whole, in base64, in pieces, packed and unpacked."""

from __future__ import annotations

import base64
import contextlib
import gzip
import io
import json
import re
import sqlite3
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

PIECE = 8
PACKED = re.compile(rb"(?:[A-Za-z0-9+/_-]|\\n){24,}={0,2}")
MOVING = re.compile(rb"(?:video|image)/[a-z0-9.+-]+(?:;base64,|\"\s*:\s*\"?)$")
LARGEST = 1 << 17  # what is packed and larger is a picture or a video


@dataclass(frozen=True)
class Secret:
    """Something that may be nowhere, in every form that gives it away."""

    name: str
    forms: tuple[bytes, ...]


def of_key(key: str) -> Secret:
    """Return a key: any eight characters of it in a row, and its base64 wherever it begins."""
    pieces = {key[at : at + PIECE] for at in range(len(key) - PIECE + 1)}
    return Secret("key", tuple(text.encode() for text in (*pieces, *_packed(key))))


def of_signature(link: str) -> list[Secret]:
    """Return the signature of a link, as it is written and as it is meant."""
    query = urlsplit(link).query
    found = {value for name, values in parse_qs(query).items() if name == "Signature" for value in values}
    written = {part.partition("=")[2] for part in query.split("&") if part.startswith("Signature=")}
    return [Secret("signature", tuple(text.encode() for text in found | written | set(map(unquote, written)) if text))]


def _packed(text: str) -> Iterator[str]:
    for shift in range(3):
        whole = base64.b64encode(b" " * shift + text.encode()).decode().rstrip("=")
        yield whole[(0, 2, 3)[shift] : -1]


def signatures(folder: Path) -> list[Secret]:
    """Return the signatures of all links in the journals of a tree."""
    links = []
    for path in folder.rglob("journal.sqlite3"):
        with contextlib.closing(sqlite3.connect(path)) as sql:
            links += [json.loads(row[0] or "{}").get("link", "") for row in sql.execute("SELECT result FROM jobs")]
    return [secret for link in links if link for secret in of_signature(link)]


def leaks(folder: Path, secrets: list[Secret], *, but: tuple[str, ...] = ()) -> list[str]:
    """Return which files give which secret away; `but` names beginnings of file names that may."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.name.startswith(but or ("\0",))]
    found = []
    for path in files:
        with contextlib.suppress(FileNotFoundError):  # SQLite's own journals come and go while a kernel lives
            contents = path.read_bytes()
            found += _leaks_in(contents, path.relative_to(folder), secrets)
    return found


def _leaks_in(contents: bytes, path: Path, secrets: list[Secret]) -> list[str]:
    """Return how a file's contents, packed or not, give secrets away."""
    return [
        f"{secret.name} in {path}{way}: {form.decode()}"
        for way, data in unpacked(contents)
        for secret in secrets
        for form in secret.forms
        if form in data
    ]


def unpacked(data: bytes, depth: int = 2) -> Iterator[tuple[str, bytes]]:
    """Yield bytes as they are, and what is packed in them: gzip, zip, base64; not pictures and videos."""
    yield "", data
    if not depth:
        return
    if data[:2] == b"\x1f\x8b":
        yield from ((f" gzip{way}", inner) for way, inner in unpacked(gzip.decompress(data), depth - 1))
    if data[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for name in archive.namelist():
                yield from ((f" {name}{way}", inner) for way, inner in unpacked(archive.read(name), depth - 1))
    for run in PACKED.finditer(data):
        text = run[0].replace(b"\\n", b"").translate(bytes.maketrans(b"-_", b"+/")).rstrip(b"=")
        if len(text) < LARGEST and not MOVING.search(data[max(0, run.start() - 40) : run.start()]):
            with contextlib.suppress(ValueError):
                inside = base64.b64decode(text + b"=" * (-len(text) % 4))
                yield from ((f" base64{way}", inner) for way, inner in unpacked(inside, depth - 1))
