"""What would be sent, without sending it. Floor 2: pure; a protocol's own submit flow is asked for its request.

The key stands as a variable's name and a picture as its kind, weight and digest, so that the text can be shown.
"""

from __future__ import annotations

import email
import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from email.message import Message
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
    url = str(sent.url)
    if not headers.get("content-type", "").startswith("multipart/"):
        body = json.loads(sent.content)
        # Double quotes for headers, so that the shell puts the key in; nothing of a user's stands in a header.
        data = f"-d {shlex.quote(json.dumps(body, ensure_ascii=False))}"
        return Preview(sent.method, url, headers, body, _curl(sent.method, url, headers, [data]))
    parts = _parts(headers.pop("content-type"), sent.content)
    form = {_of(part, "name"): _text(part) for part in parts}
    return Preview(sent.method, url, headers, form, _curl(sent.method, url, headers, [_shown(part) for part in parts]))


def stand_in(image: Image) -> str:
    """Return what is shown for a picture: its address, or kind, weight and digest of its data URI."""
    if image.url:
        return image.url.partition("?")[0]
    weight = f"{image.weight / 1e6:.1f} MB" if image.weight >= 100_000 else f"{image.weight / 1e3:.1f} kB"
    return f"<data:{image.mime}, {weight}, sha256 {image.digest[:12]}…>"


def _parts(kind: str, content: bytes) -> list[Message]:
    """Return the parts of a multipart body; a picture's part holds its stand-in."""
    whole = email.message_from_bytes(b"content-type: " + kind.encode() + b"\r\n\r\n" + content)
    parts = whole.get_payload()
    return [part for part in parts if isinstance(part, Message)] if isinstance(parts, list) else []


def _shown(part: Message) -> str:
    name, file = _of(part, "name"), _of(part, "filename")
    return f"-F {shlex.quote(f'{name}=@{file}')}" if file else f"--form-string {shlex.quote(f'{name}={_text(part)}')}"


def _of(part: Message, what: str) -> str:
    return str(part.get_param(what, "", "content-disposition"))


def _text(part: Message) -> str:
    data = part.get_payload(decode=True)
    return data.decode("utf-8", "replace") if isinstance(data, bytes) else ""


def _curl(method: str, url: str, headers: Mapping[str, str], data: list[str]) -> str:
    shown = [f'-H "{name}: {value}"' for name, value in headers.items()]
    return " \\\n  ".join([f"curl -X {method} {shlex.quote(url)}", *shown, *data])
