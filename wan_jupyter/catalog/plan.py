"""What may be asked of whom: the gate before anything is sent. Floor 2: pure; the rows are in `rows`.

`check` fills in what was not asked from the model's row, refuses what the model or the service cannot do and names the
fix, says what the service will not carry, and returns the order that a protocol turns into a body.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from ..errors import ModelError
from ..protocols import PROTOCOLS
from ..protocols.base import CreateRequest, Protocol
from ..request.options import VideoRequest
from .entries import EMULATOR, Limits, Model, Provider, limits, model, models, provider, providers
from .order import _order, _resolution, _size, _typed
from .remarks import Remark, _lost, _remarks
from .validate import REFUSALS

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
]


@dataclass(frozen=True, slots=True)
class Plan:
    """A request that passed the gate: resolved, with its order and what the user should know."""

    request: VideoRequest
    model: Model
    order: CreateRequest
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
    if service.takes_size:
        filled["size"] = _size(request, request.resolution or resolution)
    return {name: value for name, value in filled.items() if value != "" and getattr(request, name) is None}


# ---- refusing -----------------------------------------------------------------------------------------------------


# ---- remarking ----------------------------------------------------------------------------------------------------
