"""Turn a checked request into what the protocol sends."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ..media.image.conversion import Bounds, swaps_sides
from ..media.image.reader import Image
from ..protocols.base import MAX_INLINE_BYTES, CreateRequest, Protocol
from ..request.options import VideoRequest
from .entries import Model, limits

# Width and height of each tier, landscape: as SGLang and vLLM-Omni list them for Wan (November 2026), and 1080P.
TIERS: Mapping[str, tuple[int, int]] = MappingProxyType(
    {"480P": (832, 480), "720P": (1280, 720), "1080P": (1920, 1080)}
)


def default_resolution(request: VideoRequest, model: Model, service: Protocol) -> str:
    """Return the tier for a request without one: 720P, or the tier nearest to its size."""
    tiers = model.resolutions or tuple(TIERS)
    if request.size is None:
        return "720P" if "720P" in tiers else tiers[0]
    if not service.takes_size:
        return ""
    wide, high = (int(side) for side in request.size.split("x"))
    return min((tier for tier in tiers if tier in TIERS), key=lambda tier: abs(_area(tier) - wide * high))


def _area(tier: str) -> int:
    return TIERS[tier][0] * TIERS[tier][1]


def size_of_tier(request: VideoRequest, tier: str) -> str:
    """Return a tier's "WxH", portrait if the first picture is; "" for an unknown tier."""
    if tier not in TIERS:
        return ""
    wide, high = TIERS[tier]
    return f"{high}x{wide}" if request.first is not None and _upright(request.first) else f"{wide}x{high}"


def _upright(image: Image) -> bool:
    """Return whether a picture is seen as portrait; EXIF may turn it by a quarter."""
    turned = isinstance(image.source, bytes) and swaps_sides(image.source)
    return image.width > image.height if turned else image.height > image.width


def typed_options(request: VideoRequest) -> list[str]:
    """Return the names of the options that the user set, other than the model and `--param`."""
    return [name for name in request.asked() if name not in ("model", "params")]


def create_request(request: VideoRequest, model: Model, service: Protocol) -> CreateRequest:
    """Return what the protocol sends for a request: the options that its model takes, with the size if it takes one."""
    # Computed from the tier, so not part of the request.
    size = size_of_tier(request, request.resolution or "") if model.sized else ""
    asked = {**({"size": size} if size else {}), **request.asked()}
    sized = service.takes_size or (model.sized and "size" in asked)
    taken = {*model.fields, "size"} - {"resolution"} if sized else set(model.fields)
    asked = {name: value for name, value in asked.items() if name in taken}
    inline = MAX_INLINE_BYTES if model.data_uri else 0
    text = request.filled_prompt
    return CreateRequest(
        model.id, request.mode, model.path, model.shape, text, asked, {}, request.params, inline, _bounds(model)
    )


def _bounds(model: Model) -> Bounds:
    """Return what the model accepts of a picture; for unknown limits, what every service accepts."""
    if not model.limits:
        return Bounds()
    known = limits(model.limits)
    low, high = known.sides
    return Bounds(high, low, known.megabytes * 1_000_000, known.formats, known.alpha)
