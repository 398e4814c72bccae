"""What a URL says: its origin, whether that is this machine, and which part of it may be shown."""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import unquote_plus, urlsplit, urlunsplit

from .sanitize import shown_name


def origin_of(url: str) -> str:
    """Return scheme, host and port of a URL, in lower case, without the default port."""
    parts = urlsplit(url)
    default = {"http": 80, "https": 443}.get(parts.scheme)
    port = f":{parts.port}" if parts.port and parts.port != default else ""
    return f"{parts.scheme}://{(parts.hostname or '').lower()}{port}"


def is_loopback(url: str) -> bool:
    """Return whether a URL names this machine; `127.0.0.1.example.com` does not."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


# Query parameters that differ each time a link to the same picture is signed.
SIGNATURES = frozenset({"Expires", "Signature", "OSSAccessKeyId", "se", "sig"})
SIGNATURE_PREFIXES = ("x-amz-", "x-goog-")
# OSS signature version 4, name by name: other x-oss- parameters, such as `x-oss-process`, change the picture.
OSS4 = ("signature-version", "credential", "date", "expires", "signature", "additional-headers", "security-token")
OSS_SIGNATURES = frozenset(f"x-oss-{name}" for name in OSS4)


def unsigned(url: str) -> str:
    """Return a URL without known signature parameters; the rest of its query keeps its order."""
    parts = urlsplit(url)
    kept = [pair for pair in parts.query.split("&") if not _signs(unquote_plus(pair.partition("=")[0]))]
    return urlunsplit(parts._replace(query="&".join(kept)))


def _signs(parameter: str) -> bool:
    name = parameter.lower()
    return parameter in SIGNATURES or name in OSS_SIGNATURES or name.startswith(SIGNATURE_PREFIXES)


def shown_url(url: str) -> str:
    """Return a URL without query, fragment and `user:password@`."""
    return shown_name(re.sub(r"^([^/]*//)[^/?#]*@", r"\1", re.split(r"[?#]", url, maxsplit=1)[0]), 200)
