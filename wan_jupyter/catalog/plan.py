"""What may be asked of whom: the gate before anything is sent. Floor 2: pure; the rows are in `rows`.

`check` fills in what was not asked from the model's row, refuses what the model or the service cannot do and names the
fix, says what the service will not carry, and returns the order that a protocol turns into a body.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from ..errors import ImageError, ModelError
from ..i18n.messages import Phrase
from ..media.image.conversion import Bounds, swaps_sides
from ..media.image.reader import Image
from ..protocols.base import Order, Protocol
from ..request.options import VideoRequest, nearest
from .entries import EMULATOR, PROTOCOLS, Limits, Model, Provider, limits, model, models, provider, providers

__all__ = [
    "EMULATOR",
    "PROTOCOLS",
    "Limits",
    "Model",
    "Plan",
    "Provider",
    "check",
    "limits",
    "model",
    "models",
    "plan_of",
    "provider",
    "providers",
    "resolve",
    "spans",
]

Remark = tuple[str, Mapping[str, str]]

# Width and height of a tier, wide; what SGLang and vLLM-Omni list for Wan (reference/wire-gateways.md 5.1), and 1080P.
TIERS: Mapping[str, tuple[int, int]] = MappingProxyType(
    {"480P": (832, 480), "720P": (1280, 720), "1080P": (1920, 1080)}
)
INLINE_MAX = 6_000_000  # bytes of a picture that still go into the body; the vendor names no limit but "keep it small"
NEGATIVE_MAX = 500
# Options that have a check of their own, and values that a model without the option holds to anyway.
OURS = frozenset({"model", "duration", "resolution", "size", "params"})
HELD = frozenset({("watermark", False), ("prompt_extend", True)})
# Named without their value, which may be long, or a secret.
LONG = frozenset({"negative_prompt", "audio_url", "clip_url"})


@dataclass(frozen=True, slots=True)
class Plan:
    """A request that passed the gate: resolved, with its order and what the user should know."""

    request: VideoRequest
    model: Model
    order: Order
    remarks: tuple[Remark, ...] = field(default=())


def check(request: VideoRequest, where: Provider) -> Plan:
    """Resolve a request for a provider and refuse what its model cannot do.

    Raises:
        ModelError: wrong mode, duration, resolution or option for the model; nothing was sent.
        ImageError: a picture that the model or the service does not take.
    """
    plan = resolve(request, where)
    for refuse in REFUSALS:
        refuse(plan.request, plan.model, where)
    return plan


def plan_of(request: VideoRequest, where: Provider) -> Plan:
    """Return the plan of a request that was checked when it was sent; a newer catalogue must not refuse it now."""
    row = _known_row(request.model or _default_model(request, where), request, where)
    return Plan(request, row, _order(request, row, where.speak()))


def resolve(request: VideoRequest, where: Provider) -> Plan:
    """Fill in what was not asked, and say what the user should know; refuse nothing.

    Raises:
        ModelError: no model was named and the provider has none for these pictures.
    """
    service = where.speak()
    row = _known_row(request.model or _default_model(request, where), request, where)
    resolved = replace(request, model=row.id, **_resolved(request, row, service))
    order = _order(resolved, row, service)
    remarks = (*_remarks(resolved, row, where), *_lost(service, order, where))
    return Plan(resolved, row, order, remarks)


# ---- resolving ----------------------------------------------------------------------------------------------------


def _default_model(request: VideoRequest, where: Provider) -> str:
    try:
        return where.defaults[request.mode]
    except KeyError:
        raise ModelError(f"mode.none_{request.mode}", provider=where.name) from None


def _known_row(name: str, request: VideoRequest, where: Provider) -> Model:
    """Return a model's row as it is at a provider: its region's durations, and what the provider's documents say."""
    row = model(name, where.protocol)
    differs = {"durations": row.durations_at.get(where.region, row.durations), **where.models.get(name, {})}
    if not row.known:  # nothing is known against an option that was typed, so it is sent
        differs["fields"] = tuple(dict.fromkeys((*row.fields, *_typed(request))))
    return replace(row, **differs)


def _resolved(request: VideoRequest, row: Model, service: Protocol) -> dict[str, Any]:
    """Return the values that were not asked and are sent all the same, so that no service default surprises."""
    duration = 5 if 5 in row.durations else next(iter(row.durations), 5)
    resolution = _resolution(request, row, service)
    filled = {"duration": duration, "resolution": resolution, "watermark": False, "prompt_extend": True}
    if service.sized:
        filled["size"] = _size(request, request.resolution or resolution)
    return {name: value for name, value in filled.items() if value != "" and getattr(request, name) is None}


def _resolution(request: VideoRequest, row: Model, service: Protocol) -> str:
    """Return the tier of a request that names none: 720P, or that of the size that was typed."""
    tiers = row.resolutions or tuple(TIERS)
    if request.size is None:
        return "720P" if "720P" in tiers else tiers[0]
    if not service.sized:
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


def _order(request: VideoRequest, row: Model, service: Protocol) -> Order:
    told = _size(request, request.resolution or "") if row.sized else ""  # not in the request: a tier was asked for
    asked = {**({"size": told} if told else {}), **request.asked()}
    sized = service.sized or (row.sized and "size" in asked)
    taken = {*row.fields, "size"} - {"resolution"} if sized else set(row.fields)
    asked = {name: value for name, value in asked.items() if name in taken}
    inline = INLINE_MAX if row.data_uri else 0
    text = request.filled_prompt
    return Order(row.id, request.mode, row.path, row.shape, text, asked, {}, request.params, inline, _bounds(row))


def _bounds(row: Model) -> Bounds:
    """Return what the model takes of a picture; where nothing is known, what every service takes."""
    if not row.limits:
        return Bounds()
    told = limits(row.limits)
    low, high = told.sides
    return Bounds(high, low, told.megabytes * 1_000_000, told.formats, told.alpha)


# ---- refusing -----------------------------------------------------------------------------------------------------


def _check_clip(request: VideoRequest, row: Model, where: Provider) -> None:
    """Refuse what no clip goes with, and a service that would lose it: a video without it is not the one asked for."""
    if not request.clip_url:
        return
    if request.first is not None:
        raise ModelError("clip.first_frame", label=request.first.label)
    if request.audio_url:
        raise ModelError("clip.sound")
    service = where.speak()
    alone = replace(_order(request, row, service), fields={"clip_url": request.clip_url})
    if "clip_url" in dict(service.lost(alone)):
        raise ModelError(f"mode.none_{request.mode}", provider=where.name)


def _check_home(request: VideoRequest, row: Model, where: Provider) -> None:
    """Refuse a model to serve oneself where nothing is served."""
    del request
    if not where.writes(row):
        raise ModelError("model.self_hosted", model=row.id, provider=where.name)


def _check_mode(request: VideoRequest, row: Model, where: Provider) -> None:
    modes = (*row.modes, *(row.template_modes if request.template else ()))
    if where.modes and request.mode not in where.modes:
        raise ModelError(f"mode.none_{request.mode}", provider=where.name)
    if request.mode not in modes:
        raise _wrong_mode(request, row, where)
    if where.needs_prompt and not request.filled_prompt:
        raise ModelError("provider.needs_prompt", provider=where.name)


def _wrong_mode(request: VideoRequest, row: Model, where: Provider) -> ModelError:
    others = (other.id for other in models().values() if request.mode in other.modes and where.offers(other))
    able = where.defaults.get(request.mode) or next(others, "")
    if not able:
        return ModelError(f"mode.none_{request.mode}", provider=where.name)
    key = "mode.text_only" if row.modes == ("text",) else f"mode.wrong_{request.mode}"
    return ModelError(key, model=row.id, able=able)


def _check_values(request: VideoRequest, row: Model, where: Provider) -> None:
    """Refuse a duration or a tier that a model in the catalogue does not have."""
    del where
    if not row.known:
        return
    if request.duration not in row.durations and not (row.smart and request.duration == -1):
        choices: str = spans(row.durations)
        choices = Phrase("part.span_or_smart", {"spans": choices}) if row.smart else choices
        raise ModelError("model.duration", model=row.id, value=request.duration, choices=choices)
    if request.resolution is not None and request.resolution not in row.resolutions:  # None: a size was typed
        choices = ", ".join(row.resolutions)
        raise ModelError("model.resolution", model=row.id, value=request.resolution, choices=choices)


def _check_options(request: VideoRequest, row: Model, where: Provider) -> None:
    """Refuse options that the model does not have, or that would do nothing."""
    if request.size is not None and row.known and not where.speak().sized:
        raise ModelError("model.size", model=row.id)
    for name, value in request.asked().items():
        if name not in row.fields and name not in OURS and not _holds_anyway(name, value, row):
            raise _cannot(name, request, row, where)
    if request.shot_type is not None and request.prompt_extend is False:
        raise ModelError("model.shot_type_alone")


def _holds_anyway(name: str, value: object, row: Model) -> bool:
    """Tell whether a model without an option does what is asked: no sound, no watermark, the prompt as it is done."""
    return (name, value) in HELD or (name == "audio" and value is False and not row.sound)


def _cannot(name: str, request: VideoRequest, row: Model, where: Provider) -> ModelError:
    able = [m.id for m in models().values() if name in m.fields and request.mode in m.modes and where.offers(m)]
    able.sort(key=lambda other: other not in where.defaults.values())  # the usual one first
    key = "model.option_elsewhere" if able else "model.option_nowhere"
    return ModelError(key, model=row.id, option=name.replace("_", "-"), able=", ".join(able[:3]))


def _check_links(request: VideoRequest, row: Model, where: Provider) -> None:
    """Refuse a picture that is no address where the service's documents say that it takes only addresses."""
    for _, image in request.frames:  # one frame of a model of that shape goes by the same name
        if {request.mode, row.shape} & {*where.links_only} and not image.url:
            raise ImageError("picture.link_only", provider=where.name, label=image.label)


def _check_pictures(request: VideoRequest, row: Model, where: Provider) -> None:
    """Refuse pictures that no repair brings within the bounds that the vendor's own pages give."""
    del where
    if row.limits and limits(row.limits).firm:
        for _, image in request.frames:
            for key, values in _beyond(image, limits(row.limits)):
                raise ImageError(f"picture.{key}", model=row.id, label=image.label, **values)


def _beyond(image: Image, bounds: Limits) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Yield what is wrong with a picture and stays so when it is scaled down, as far as its header says.

    Format, weight, transparency and large sides are repaired on the way (`image.repair`); of an address nothing is
    known.
    """
    low, high = bounds.sides
    short, long = sorted((image.width, image.height))
    shown = {"width": str(image.width), "height": str(image.height)}
    if bounds.aspect and short and long > bounds.aspect * short:
        yield "aspect", {**shown, "most": f"{bounds.aspect:g}"}
    elif long and round(short * min(1, high / long)) < low:
        yield "sides", {**shown, "low": str(low), "high": str(high)}


Refusal = Callable[[VideoRequest, Model, Provider], None]
REFUSALS: tuple[Refusal, ...] = (
    *(_check_home, _check_clip, _check_mode, _check_values, _check_options, _check_links, _check_pictures),
)


# ---- remarking ----------------------------------------------------------------------------------------------------


def _remarks(request: VideoRequest, row: Model, where: Provider) -> Iterator[Remark]:
    """Yield what the user should know about a request that is sent all the same."""
    if not row.known:
        yield "remark.unknown_model", {"model": row.id, "suggestion": nearest(row.id, models())}
    elif not where.offers(row):
        yield "remark.not_offered", {"model": row.id, "provider": where.name}
    if row.prompt_max and len(request.filled_prompt) > row.prompt_max:
        yield "remark.long_prompt", {"limit": str(row.prompt_max), "length": str(len(request.filled_prompt))}
    if len(request.negative_prompt or "") > NEGATIVE_MAX:
        yield "remark.long_negative", {"limit": str(NEGATIVE_MAX), "length": str(len(request.negative_prompt or ""))}
    if request.clip_url:
        yield "remark.clip_total", {"seconds": str(request.duration)}
    yield from _template_remarks(request, row)
    yield from _picture_remarks(request, row, where)


def _template_remarks(request: VideoRequest, row: Model) -> Iterator[Remark]:
    if not request.template:
        return
    if row.templates and request.template not in row.templates:
        suggestion = nearest(request.template, row.templates)
        yield "remark.unknown_template", {"template": request.template, "model": row.id, "suggestion": suggestion}
    if request.filled_prompt:
        yield "remark.template_prompt", {"template": request.template}


def _picture_remarks(request: VideoRequest, row: Model, where: Provider) -> Iterator[Remark]:
    bounds = limits(row.limits) if row.limits else None
    for _, image in request.frames:
        if bounds and not bounds.firm:
            yield from ((f"remark.picture_{key}", {"label": image.label, **how}) for key, how in _beyond(image, bounds))
        if not image.url and not row.data_uri and where.protocol != "dashscope":
            yield "remark.link_safer", {"label": image.label, "model": row.id}


def _lost(service: Protocol, order: Order, where: Provider) -> Iterator[Remark]:
    """Yield one remark on everything that the service does not carry."""
    values = ", ".join(_shown(name, value) for name, value in service.lost(order))
    if values:
        yield "remark.not_carried", {"provider": where.name, "values": values}


def _shown(name: str, value: object) -> str:
    return name if name in LONG else f"{name}={str(value).lower() if isinstance(value, bool) else value}"


def spans(numbers: tuple[int, ...]) -> str:
    """Return whole numbers as people write them: "2 to 15" where they run on, else "5, 10"."""
    if len(numbers) > 2 and numbers == tuple(range(numbers[0], numbers[-1] + 1)):
        return Phrase("part.span", {"low": numbers[0], "high": numbers[-1]})
    return ", ".join(map(str, numbers))
