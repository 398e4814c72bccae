"""What would be sent, without sending it. Floor 2: pure; a protocol's own submit flow is asked for its request.

The key stands as a variable's name and a picture as its kind, weight and digest, so that the text can be shown.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from .image import Image
from .protocols.base import Order, Protocol
from .request import VideoRequest


@dataclass(frozen=True, slots=True)
class Preview:
    """One request as it would go out; `curl` is the same as a command for a shell."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]
    curl: str


def preview(request: VideoRequest, order: Order, protocol: Protocol, variable: str) -> Preview:
    """Return the create request of an order; `variable` is the environment variable that holds the key, "" for none."""
    links = {role: stand_in(image) for role, image in request.frames}
    flow = protocol.submit(replace(order, frames=links))
    sent = next(flow)
    flow.close()
    wanted = ("content-type", "x-dashscope-async", "x-dashscope-ossresourceresolve")
    headers = {name: value for name, value in sent.headers.items() if name in wanted}
    if variable:
        headers["authorization"] = f"Bearer ${variable}"
    body = json.loads(sent.content)
    return Preview(sent.method, str(sent.url), headers, body, _curl(sent.method, str(sent.url), headers, body))


def stand_in(image: Image) -> str:
    """Return what is shown for a picture: its address, or kind, weight and digest of its data URI."""
    if image.url:
        return image.url.partition("?")[0]
    weight = f"{image.weight / 1e6:.1f} MB" if image.weight >= 100_000 else f"{image.weight / 1e3:.1f} kB"
    return f"<data:{image.mime}, {weight}, sha256 {image.digest[:12]}…>"


def _curl(method: str, url: str, headers: Mapping[str, str], body: Mapping[str, Any]) -> str:
    # Double quotes, so that the shell puts the key in; nothing of a user's stands in a header.
    shown = [f'-H "{name}: {value}"' for name, value in headers.items()]
    data = shlex.quote(json.dumps(body, ensure_ascii=False))
    return " \\\n  ".join([f"curl -X {method} {shlex.quote(url)}", *shown, f"-d {data}"])
