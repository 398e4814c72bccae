"""What a user should know about a plan: what differs from what was asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..i18n.suggestions import nearest
from ..protocols.base import CreateRequest, Protocol
from ..request.options import VideoRequest
from .entries import Model, Provider, limits, models
from .validate import LONG, _beyond

Remark = tuple[str, Mapping[str, str]]
NEGATIVE_MAX = 500


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


def _lost(service: Protocol, order: CreateRequest, where: Provider) -> Iterator[Remark]:
    """Yield one remark on everything that the service does not carry."""
    values = ", ".join(_shown(name, value) for name, value in service.unsupported(order))
    if values:
        yield "remark.not_carried", {"provider": where.name, "values": values}


def _shown(name: str, value: object) -> str:
    return name if name in LONG else f"{name}={str(value).lower() if isinstance(value, bool) else value}"
