"""Turn a checked request into what the protocol sends."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ..media.image.conversion import Bounds, swaps_sides
from ..media.image.reader import Image
from ..protocols.base import MAX_INLINE_BYTES, CreateRequest, Protocol
from ..request.options import VideoRequest
from .entries import Model, limits

# Width and height of a tier, wide; what SGLang and vLLM-Omni list for Wan (reference/wire-gateways.md 5.1), and 1080P.
TIERS: Mapping[str, tuple[int, int]] = MappingProxyType(
    {"480P": (832, 480), "720P": (1280, 720), "1080P": (1920, 1080)}
)


def _resolution(request: VideoRequest, row: Model, service: Protocol) -> str:
    """Return the tier of a request that names none: 720P, or that of the size that was typed."""
    tiers = row.resolutions or tuple(TIERS)
    if request.size is None:
        return "720P" if "720P" in tiers else tiers[0]
    if not service.takes_size:
        return ""
    wide, high = (int(side) for side in request.size.split("x"))
    return min((tier for tier in tiers if tier in TIERS), key=lambda tier: abs(_area(tier) - wide * high))


def _area(tier: str) -> int:
    return TIERS[tier][0] * TIERS[tier][1]


def _size(request: VideoRequest, tier: str) -> str:
    """Return width and height of a tier, upright where the first picture is; "" for a tier that nobody knows."""
    if tier not in TIERS:
        return ""
    wide, high = TIERS[tier]
    return f"{high}x{wide}" if request.first is not None and _upright(request.first) else f"{wide}x{high}"


def _upright(image: Image) -> bool:
    """Tell whether a picture is higher than wide as it is seen: a camera may have marked it as turned."""
    turned = isinstance(image.source, bytes) and swaps_sides(image.source)
    return image.width > image.height if turned else image.height > image.width


def _typed(request: VideoRequest) -> list[str]:
    return [name for name in request.asked() if name not in ("model", "params")]


def _order(request: VideoRequest, row: Model, service: Protocol) -> CreateRequest:
    told = _size(request, request.resolution or "") if row.sized else ""  # not in the request: a tier was asked for
    asked = {**({"size": told} if told else {}), **request.asked()}
    sized = service.takes_size or (row.sized and "size" in asked)
    taken = {*row.fields, "size"} - {"resolution"} if sized else set(row.fields)
    asked = {name: value for name, value in asked.items() if name in taken}
    inline = MAX_INLINE_BYTES if row.data_uri else 0
    text = request.filled_prompt
    return CreateRequest(
        row.id, request.mode, row.path, row.shape, text, asked, {}, request.params, inline, _bounds(row)
    )


def _bounds(row: Model) -> Bounds:
    """Return what the model takes of a picture; where nothing is known, what every service takes."""
    if not row.limits:
        return Bounds()
    told = limits(row.limits)
    low, high = told.sides
    return Bounds(high, low, told.megabytes * 1_000_000, told.formats, told.alpha)
