"""Elements of HTML, escaped by construction: `tag` escapes everything that is not `Html` already.

Callers pass text through `clean` first: no control characters, no bidi overrides, no query of a URL. Static outputs
use only the inline styles of `LOOK`, because JupyterLab drops `<style>` from an untrusted notebook; each of these
styles passes its sanitizer.
"""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any

from ..i18n.messages import tr

Bundle = dict[str, Any]

LOOK: Mapping[str, str] = MappingProxyType(
    {
        "figure": "margin:4px 0;max-width:640px;font-size:13px;line-height:1.5",
        "video": "display:block;max-width:100%;height:auto;border-radius:8px",
        "caption": "margin-top:8px",
        "prompt": "white-space:pre-wrap;overflow-wrap:break-word;font-size:14px",
        "soft": "opacity:0.8;overflow-wrap:break-word",
        "said": "margin-top:4px;overflow-wrap:break-word",
        "badge": "border:1px dashed #888888;border-radius:9px;padding:0 7px;margin-right:6px;font-size:12px",
        "warning": "margin-top:4px;padding-left:8px;border-left:3px solid #c77700;overflow-wrap:break-word",
        "link": "color:inherit;text-decoration:underline",
        "details": "margin-top:4px",
        "pre": "white-space:pre-wrap;overflow-wrap:break-word;margin:4px 0 0;padding:8px;"
        "border:1px solid #88888866;border-radius:5px;background:none;font-size:12px",
        "still": "max-width:640px;margin:4px 0;padding:2px 0 2px 10px;border-left:3px solid #888888;"
        "font-size:13px;line-height:1.5",
        "bad": "max-width:640px;margin:4px 0;padding:2px 0 2px 10px;border-left:3px solid #e5484d;"
        "font-size:13px;line-height:1.5",
        "title": "font-weight:600",
        "line": "white-space:pre-wrap;overflow-wrap:break-word",
        "thumb": "display:block;max-width:72px;max-height:54px;border-radius:4px",
        "cell": "text-align:left;vertical-align:middle;padding:4px 6px;overflow-wrap:break-word;min-width:9em",
        "short": "text-align:left;vertical-align:middle;padding:4px 6px;white-space:nowrap",
    }
)


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def _escape(text: str) -> str:
    return text if isinstance(text, Html) else html.escape(text, quote=True)


def tag(name: str, *children: str, **attributes: object) -> Html:
    """Make an element; every child and every attribute value is escaped.

    Attributes are keywords: `class_` is class, `aria_label` is aria-label. True makes a bare attribute; None and
    False leave it out.
    """
    written = "".join(attribute(key, value) for key, value in attributes.items())
    return Html(f"<{name}{written}>{''.join(map(_escape, children))}</{name}>")


def attribute(key: str, value: object) -> str:
    """Return an attribute as text for a tag, with a leading space."""
    key = key.rstrip("_").replace("_", "-")
    if value is None or value is False:
        return ""
    return f" {key}" if value is True else f' {key}="{html.escape(str(value), quote=True)}"'


def joined(*parts: str) -> Html:
    """Concatenate elements and texts."""
    return Html("".join(map(_escape, parts)))


def image(jpeg: bytes, alt: str, look: str | None = None) -> Html:
    """Return an `<img>` with its picture as a data URI, styled by an entry of `LOOK` if one is named."""
    styled = attribute("style", LOOK[look] if look else None)
    return Html(f"<img{attribute('src', data_uri(jpeg))}{attribute('alt', alt)}{styled}>")


def data_uri(jpeg: bytes) -> str:
    """Return a JPEG as a data URI."""
    return f"data:image/jpeg;base64,{base64_text(jpeg)}"


def base64_text(data: bytes) -> str:
    """Return bytes in base64, the form in which nbformat keeps pictures."""
    return base64.b64encode(data).decode("ascii")


@cache
def style() -> Html:
    """Return the card's `<style>` element, minified."""
    text = (resources.files(__package__) / "card.css").read_text(encoding="utf-8")
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    return Html("<style>" + " ".join(text.split()) + "</style>")


def badge(emulated: bool, language: str) -> Html:
    """Return the badge of an emulated job; nothing for a real one."""
    return tag("span", tr("card.emulated", language), style=LOOK["badge"]) if emulated else Html()


def text_div(text: str, look: str) -> Html:
    """Return a text as a `<div>` styled by an entry of `LOOK`; nothing for no text."""
    return tag("div", text, dir="auto", style=LOOK[look]) if text else Html()


def isolated(text: str) -> Html:
    """Return a text in a `<bdi>`, so that its direction does not affect its neighbours."""
    return tag("bdi", text, dir="auto")
