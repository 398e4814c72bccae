"""Remarks on a plan: what the user should know although the request is sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..i18n.suggestions import nearest
from ..protocols.base import CreateRequest, Protocol
from ..request.options import VideoRequest
from .entries import Model, Provider, limits, models
from .validate import LONG, beyond_limits

Remark = tuple[str, Mapping[str, str]]
NEGATIVE_MAX = 500  # characters that DashScope reads of a negative prompt


def request_remarks(request: VideoRequest, model: Model, provider: Provider) -> Iterator[Remark]:
    """Yield the remarks on a resolved request."""
    if not model.known:
        yield "remark.unknown_model", {"model": model.id, "suggestion": nearest(model.id, models())}
    elif not provider.offers(model):
        yield "remark.not_offered", {"model": model.id, "provider": provider.name}
    if model.prompt_max and len(request.filled_prompt) > model.prompt_max:
        yield "remark.long_prompt", {"limit": str(model.prompt_max), "length": str(len(request.filled_prompt))}
    if len(request.negative_prompt or "") > NEGATIVE_MAX:
        yield "remark.long_negative", {"limit": str(NEGATIVE_MAX), "length": str(len(request.negative_prompt or ""))}
    if request.clip_url:
        yield "remark.clip_total", {"seconds": str(request.duration)}
    yield from _template_remarks(request, model)
    yield from _picture_remarks(request, model, provider)


def _template_remarks(request: VideoRequest, model: Model) -> Iterator[Remark]:
    if not request.template:
        return
    if model.templates and request.template not in model.templates:
        suggestion = nearest(request.template, model.templates)
        yield "remark.unknown_template", {"template": request.template, "model": model.id, "suggestion": suggestion}
    if request.filled_prompt:
        yield "remark.template_prompt", {"template": request.template}


def _picture_remarks(request: VideoRequest, model: Model, provider: Provider) -> Iterator[Remark]:
    bounds = limits(model.limits) if model.limits else None
    for _, image in request.frames:
        if bounds and not bounds.firm:
            yield from (
                (f"remark.picture_{key}", {"label": image.label, **how}) for key, how in beyond_limits(image, bounds)
            )
        if not image.url and not model.data_uri and provider.protocol != "dashscope":
            yield "remark.link_safer", {"label": image.label, "model": model.id}


def ignored_options(service: Protocol, order: CreateRequest, provider: Provider) -> Iterator[Remark]:
    """Yield one remark on all options that the service ignores."""
    values = ", ".join(_shown(name, value) for name, value in service.unsupported(order))
    if values:
        yield "remark.not_carried", {"provider": provider.name, "values": values}


def _shown(name: str, value: object) -> str:
    return name if name in LONG else f"{name}={str(value).lower() if isinstance(value, bool) else value}"
