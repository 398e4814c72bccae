"""The pictures of requests, from data URIs or fetched from this machine, stored once by digest.

It opens no connection that leaves the machine: any other link counts as one that cannot be downloaded.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import http.client
import ipaddress
import re
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

from .clip_spec import Refusal
from .tasks import write_whole

# Limit of Wan 2.7 and 3.0 (Alibaba Cloud Model Studio, image-to-video API reference, read 2026-11-21).
MAX_DOWNLOAD_BYTES = 20 * 1024 * 1024
DOWNLOAD_TIMEOUT_S = 5.0
DIGEST = re.compile(r"[0-9a-f]{64}")


class InputFolder:
    """Stores bytes under their SHA-256."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "inputs"

    def put(self, data: bytes) -> str:
        """Store the bytes and return their digest."""
        digest = hashlib.sha256(data).hexdigest()
        if self.path(digest).exists():
            self.path(digest).touch()  # in use again: `sweep` keeps it
        else:
            write_whole(self.path(digest), data)
        return digest

    def path(self, digest: str) -> Path:
        """Return the file that holds, or would hold, the bytes of this digest."""
        return self._folder / digest

    def set_aside(self, value: Any) -> Any:
        """Return a copy of a request with every data URI stored and replaced by its type, length and SHA-256."""
        if isinstance(value, dict):
            return {key: self.set_aside(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.set_aside(item) for item in value]
        if isinstance(value, str) and value[:5].lower() == "data:":
            return self._placeholder(value)
        return value

    def _placeholder(self, uri: str) -> dict[str, Any]:
        head, _, payload = uri.partition(",")
        data = _decoded(payload, head.lower().endswith(";base64"))
        return {"data_uri": head[5:].split(";")[0], "length": len(data), "sha256": self.put(data)}

    def fetch(self, reference: Any) -> str | Refusal:
        """Return the digest of a request's picture, downloading it if it is a link to this machine."""
        refusal = Refusal("InvalidURL", f"Failed to download {reference}")
        if isinstance(reference, dict):
            # A client can send such an object itself, so the digest is not trusted.
            digest = str(reference.get("sha256"))
            return digest if DIGEST.fullmatch(digest) and self.path(digest).exists() else refusal
        if not (isinstance(reference, str) and is_here(reference)):
            return refusal
        try:
            return self.put(_download(reference))
        except (OSError, ValueError, http.client.HTTPException):
            return refusal


def is_here(url: str) -> bool:
    """Return whether an http(s) link names this machine by a loopback name or address."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        on_the_web = parts.scheme in ("http", "https")
        return on_the_web and (host == "localhost" or ipaddress.ip_address(host).is_loopback)
    except ValueError:
        return False


def _decoded(payload: str, is_base64: bool) -> bytes:
    if not is_base64:
        return unquote_to_bytes(payload)
    try:
        return base64.b64decode(payload)
    except (binascii.Error, ValueError):
        return payload.encode()  # stored as it came; it will be refused as not a picture


def _download(url: str) -> bytes:
    # No proxy: loopback is never behind one. Redirects are followed by the same rule as the link itself.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _StayHere())
    with opener.open(url, timeout=DOWNLOAD_TIMEOUT_S) as answer:
        data: bytes = answer.read(MAX_DOWNLOAD_BYTES + 1)
    if len(data) > MAX_DOWNLOAD_BYTES:
        raise ValueError("too large")
    return data


class _StayHere(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *arguments: Any, **named: Any) -> urllib.request.Request | None:
        target: Callable[..., Any] = super().redirect_request
        request = target(*arguments, **named)
        if request is not None and not is_here(request.full_url):
            raise urllib.error.URLError("leads away from this machine")
        return request  # type: ignore[no-any-return]
