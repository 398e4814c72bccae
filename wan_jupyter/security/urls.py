"""What an address says: where it leads, and whether that is this machine. Floor 0: the standard library only."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus, urlsplit, urlunsplit

from .sanitize import shown_name

if TYPE_CHECKING:
    pass


def origin_of(url: str) -> str:
    """Return scheme, host and port of a URL, in lower case, with the default port left out."""
    parts = urlsplit(url)
    default = {"http": 80, "https": 443}.get(parts.scheme)
    port = f":{parts.port}" if parts.port and parts.port != default else ""
    return f"{parts.scheme}://{(parts.hostname or '').lower()}{port}"


def is_loopback(url: str) -> bool:
    """Tell whether a URL names this machine; `127.0.0.1.example.com` does not."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


# Query parameters that sign a link anew each time it is made; the picture behind it stays the same.
SIGNATURES = frozenset({"Expires", "Signature", "OSSAccessKeyId", "se", "sig"})
SIGNATURE_PREFIXES = ("x-amz-", "x-goog-")
# OSS's fourth version, name by name: `x-oss-process` crops and scales, so it chooses the picture.
OSS4 = ("signature-version", "credential", "date", "expires", "signature", "additional-headers", "security-token")
OSS_SIGNATURES = frozenset(f"x-oss-{name}" for name in OSS4)


def unsigned(url: str) -> str:
    """Return a URL less the known signature parameters; the rest of its query stays as it is, in order."""
    parts = urlsplit(url)
    kept = [pair for pair in parts.query.split("&") if not _signs(unquote_plus(pair.partition("=")[0]))]
    return urlunsplit(parts._replace(query="&".join(kept)))


def _signs(parameter: str) -> bool:
    name = parameter.lower()
    return parameter in SIGNATURES or name in OSS_SIGNATURES or name.startswith(SIGNATURE_PREFIXES)


def shown_url(url: str) -> str:
    """Return a URL as it may be shown: without query, fragment and `user:password@`."""
    return shown_name(re.sub(r"^([^/]*//)[^/?#]*@", r"\1", re.split(r"[?#]", url, maxsplit=1)[0]), 200)
