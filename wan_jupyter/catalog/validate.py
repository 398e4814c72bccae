"""Check a request against what its model takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from ..errors import ImageError, ModelError
from ..i18n.messages import Phrase
from ..media.image.reader import Image
from ..request.options import VideoRequest
from .entries import Limits, Model, Provider, limits, models
from .order import _order

# Options that have a check of their own, and values that a model without the option holds to anyway.
OURS = frozenset({"model", "duration", "resolution", "size", "params"})
HELD = frozenset({("watermark", False), ("prompt_extend", True)})
# Named without their value, which may be long, or a secret.
LONG = frozenset({"negative_prompt", "audio_url", "clip_url"})


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
    if "clip_url" in dict(service.unsupported(alone)):
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
    if request.size is not None and row.known and not where.speak().takes_size:
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


def spans(numbers: tuple[int, ...]) -> str:
    """Return whole numbers as people write them: "2 to 15" where they run on, else "5, 10"."""
    if len(numbers) > 2 and numbers == tuple(range(numbers[0], numbers[-1] + 1)):
        return Phrase("part.span", {"low": numbers[0], "high": numbers[-1]})
    return ", ".join(map(str, numbers))
