"""Show what would be sent, without sending it: the protocol's own create request, its price and a curl command.

The key appears as a variable's name, and a picture as its type, size and digest, so that the text can be shown.
Pictures are converted as for a real request, which may take seconds.
"""

from __future__ import annotations

import email
import hashlib
import json
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from email.message import Message
from functools import partial
from typing import Any

from ..billing.pricing import Price
from ..i18n.messages import tr
from ..media.image.conversion import Bounds, Fit, convert_to_fit
from ..media.image.reader import Image
from ..protocols.base import CreateRequest, Protocol
from ..request.options import VideoRequest
from ..security.urls import shown_url
from .plan import Plan, Provider


@dataclass(frozen=True, slots=True)
class Preview:
    """One request as it would be sent.

    Attributes:
        curl: the same as a shell command.
        remarks: what is done to the pictures before: message keys with their values.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]
    curl: str
    remarks: tuple[tuple[str, Mapping[str, str]], ...] = ()


def preview(request: VideoRequest, order: CreateRequest, protocol: Protocol, variable: str) -> Preview:
    """Return the create request as it would be sent.

    Args:
        variable: the environment variable that holds the key, "" for none.

    Raises:
        ImageError: a picture cannot be decoded to its end.
    """
    pictures = {role: _sent(image, order.bounds) for role, image in request.frames}
    stored = {role for role, one in pictures.items() if not one.url and protocol.needs_upload(order, one.weight)}
    links = {role: placeholder(one, stored=role in stored) for role, one in pictures.items()}
    shown = {name: shown_url(value) if name in request.links else value for name, value in order.fields.items()}
    remarks = [remark for one in pictures.values() for remark in one.repairs]
    remarks += [("remark.uploads_first", {"label": pictures[role].label}) for role in pictures if role in stored]
    made = _request(protocol, replace(order, frames=links, fields=shown), variable)
    return replace(made, remarks=tuple(remarks))


def _request(protocol: Protocol, order: CreateRequest, variable: str) -> Preview:
    flow = protocol.submit(order)
    sent = next(flow)
    flow.close()
    wanted = ("content-type", "x-dashscope-async", "x-dashscope-ossresourceresolve")
    headers = {name: value for name, value in sent.headers.items() if name in wanted}
    if variable:
        headers["authorization"] = f"Bearer ${variable}"
    url = str(sent.url)
    if not headers.get("content-type", "").startswith("multipart/"):
        body = json.loads(sent.content)
        # Double quotes for headers, so that the shell inserts the key; no header holds text of the user's.
        data = f"-d {shlex.quote(json.dumps(body, ensure_ascii=False))}"
        return Preview(sent.method, url, headers, body, _curl(sent.method, url, headers, [data]))
    parts = _parts(headers.pop("content-type"), sent.content)
    form = {_of(part, "name"): _text(part) for part in parts}
    return Preview(sent.method, url, headers, form, _curl(sent.method, url, headers, [_shown(part) for part in parts]))


@dataclass(frozen=True, slots=True)
class Sent:
    """A picture as it would be sent: its link, or facts of its file; `repairs` are message keys with values."""

    label: str
    url: str = ""
    mime: str = ""
    weight: int = 0
    digest: str = ""
    repairs: tuple[tuple[str, Mapping[str, str]], ...] = ()


def _sent(image: Image, bounds: Bounds | None) -> Sent:
    if image.url or image.source is None:  # without its bytes, as it came
        return Sent(image.label, image.url, image.mime, image.weight, image.digest)
    data = image.encoded()
    fit = convert_to_fit(data, bounds, image.label) if bounds is not None else Fit(data, image.mime)
    digest = hashlib.sha256(fit.data).hexdigest()
    return Sent(image.label, "", fit.mime, len(fit.data), digest, fit.repairs)


def placeholder(picture: Sent, *, stored: bool = False) -> str:
    """Return the text shown for a picture: its link, or type, size and digest of its data URI or upload.

    Args:
        stored: whether it is uploaded to the service's storage first and sent as a link.
    """
    if picture.url:
        return shown_url(picture.url)
    weight = f"{picture.weight / 1e6:.1f} MB" if picture.weight >= 100_000 else f"{picture.weight / 1e3:.1f} kB"
    facts = f"{weight}, sha256 {picture.digest[:12]}…"
    if stored:
        kind = tr("preview.upload", kind=picture.mime.rpartition("/")[2].upper())
        return f"oss://<{kind}, {facts}>"
    return f"<data:{picture.mime}, {facts}>"


def _parts(kind: str, content: bytes) -> list[Message]:
    """Return the parts of a multipart body; a picture's part holds its placeholder."""
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


@dataclass(frozen=True, slots=True)
class DryRun:
    """The exact request, its price (None if unknown) and the plan with all remarks."""

    request: Preview
    price: Price | None
    plan: Plan


def dry_run(plan: Plan, provider: Provider, price: Callable[[Plan], Price | None]) -> DryRun:
    """Return what a plan would send to a provider and what it would cost.

    Raises:
        ImageError: a picture cannot be decoded to its end.
    """
    variable = next(iter(provider.key_variables), "")
    drawn = plan.request.seed is None and "seed" in plan.model.fields
    fields = {**plan.order.fields, **({"seed": tr("preview.seed")} if drawn else {})}
    shown = preview(plan.request, replace(plan.order, fields=fields), provider.speak(), variable)
    return DryRun(shown, price(plan), replace(plan, remarks=(*plan.remarks, *shown.remarks)))


def sent_later(plan: Plan, provider: Provider, price: Callable[[Plan], Price | None]) -> Callable[[], DryRun]:
    """Return a function that makes the dry run of a job later, without keeping its pixels in memory."""
    frames: dict[str, Any] = {role: replace(image, source=None) for role, image in plan.request.frames}
    light = replace(plan, request=replace(plan.request, **frames))
    return partial(dry_run, light, provider, price)
