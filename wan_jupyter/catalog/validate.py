"""Refuse requests that the model or the service cannot carry out, with an error that names a fix."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from ..errors import ImageError, ModelError
from ..i18n.messages import Phrase
from ..media.image.reader import Image
from ..request.options import VideoRequest
from .entries import Limits, Model, Provider, limits, models
from .order import create_request

# Options with a check of their own, and option values that hold for any model without the option.
OURS = frozenset({"model", "duration", "resolution", "size", "params"})
HELD = frozenset({("watermark", False), ("prompt_extend", True)})
# Options that remarks name without their value, which may be long or a secret.
LONG = frozenset({"negative_prompt", "audio_url", "clip_url"})


def _check_clip(request: VideoRequest, model: Model, provider: Provider) -> None:
    """Refuse options that exclude a clip, and a service that would drop it: the video would not continue it."""
    if not request.clip_url:
        return
    if request.first is not None:
        raise ModelError("clip.first_frame", label=request.first.label)
    if request.audio_url:
        raise ModelError("clip.sound")
    service = provider.speak()
    alone = replace(create_request(request, model, service), fields={"clip_url": request.clip_url})
    if "clip_url" in dict(service.unsupported(alone)):
        raise ModelError(f"mode.none_{request.mode}", provider=provider.name)


def _check_home(request: VideoRequest, model: Model, provider: Provider) -> None:
    """Refuse a self-hosted model at a hosted service."""
    del request
    if not provider.writes(model):
        raise ModelError("model.self_hosted", model=model.id, provider=provider.name)


def _check_mode(request: VideoRequest, model: Model, provider: Provider) -> None:
    modes = (*model.modes, *(model.template_modes if request.template else ()))
    if provider.modes and request.mode not in provider.modes:
        raise ModelError(f"mode.none_{request.mode}", provider=provider.name)
    if request.mode not in modes:
        raise _wrong_mode(request, model, provider)
    if provider.needs_prompt and not request.filled_prompt:
        raise ModelError("provider.needs_prompt", provider=provider.name)


def _wrong_mode(request: VideoRequest, model: Model, provider: Provider) -> ModelError:
    others = (other.id for other in models().values() if request.mode in other.modes and provider.offers(other))
    able = provider.defaults.get(request.mode) or next(others, "")
    if not able:
        return ModelError(f"mode.none_{request.mode}", provider=provider.name)
    key = "mode.text_only" if model.modes == ("text",) else f"mode.wrong_{request.mode}"
    return ModelError(key, model=model.id, able=able)


def _check_values(request: VideoRequest, model: Model, provider: Provider) -> None:
    """Refuse a duration or a tier that a known model does not support."""
    del provider
    if not model.known:
        return
    if request.duration not in model.durations and not (model.smart and request.duration == -1):
        choices: str = spans(model.durations)
        choices = Phrase("part.span_or_smart", {"spans": choices}) if model.smart else choices
        raise ModelError("model.duration", model=model.id, value=request.duration, choices=choices)
    if request.resolution is not None and request.resolution not in model.resolutions:  # None: the request has a size
        choices = ", ".join(model.resolutions)
        raise ModelError("model.resolution", model=model.id, value=request.resolution, choices=choices)


def _check_options(request: VideoRequest, model: Model, provider: Provider) -> None:
    """Refuse options that the model does not support, or that would have no effect."""
    if request.size is not None and model.known and not provider.speak().takes_size:
        raise ModelError("model.size", model=model.id)
    for name, value in request.asked().items():
        if name not in model.fields and name not in OURS and not _holds_anyway(name, value, model):
            raise _cannot(name, request, model, provider)
    if request.shot_type is not None and request.prompt_extend is False:
        raise ModelError("model.shot_type_alone")


def _holds_anyway(name: str, value: object, model: Model) -> bool:
    """Return whether a model without this option behaves as asked anyway: no sound, no watermark, rewritten prompt."""
    return (name, value) in HELD or (name == "audio" and value is False and not model.sound)


def _cannot(name: str, request: VideoRequest, model: Model, provider: Provider) -> ModelError:
    able = [m.id for m in models().values() if name in m.fields and request.mode in m.modes and provider.offers(m)]
    able.sort(key=lambda other: other not in provider.defaults.values())  # the provider's defaults first
    key = "model.option_elsewhere" if able else "model.option_nowhere"
    return ModelError(key, model=model.id, option=name.replace("_", "-"), able=", ".join(able[:3]))


def _check_links(request: VideoRequest, model: Model, provider: Provider) -> None:
    """Refuse a local picture if the service's documents say that it accepts links only."""
    for _, image in request.frames:  # `links_only` names modes, and shapes of a single frame
        if {request.mode, model.shape} & {*provider.links_only} and not image.url:
            raise ImageError("picture.link_only", provider=provider.name, label=image.label)


def _check_pictures(request: VideoRequest, model: Model, provider: Provider) -> None:
    """Refuse pictures that conversion cannot bring within the vendor's documented limits."""
    del provider
    if model.limits and limits(model.limits).firm:
        for _, image in request.frames:
            for key, values in beyond_limits(image, limits(model.limits)):
                raise ImageError(f"picture.{key}", model=model.id, label=image.label, **values)


def beyond_limits(image: Image, bounds: Limits) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Yield what is wrong with a picture and cannot be fixed by scaling it down, by its header.

    `media.image.conversion` fixes format, size in bytes, transparency and large sides. Nothing is known of a link.
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
    """Return whole numbers as text: "2 to 15" for three or more consecutive ones, else "5, 10"."""
    if len(numbers) > 2 and numbers == tuple(range(numbers[0], numbers[-1] + 1)):
        return Phrase("part.span", {"low": numbers[0], "high": numbers[-1]})
    return ", ".join(map(str, numbers))
