"""Plan a request: choose its model, fill in open options, check it, and build what the protocol sends.

`check` is the gate before anything is sent: it refuses what the model or the service cannot do, and remarks on what the
service will ignore.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from ..errors import ModelError
from ..protocols import PROTOCOLS
from ..protocols.base import CreateRequest, Protocol
from ..request.options import VideoRequest
from .entries import EMULATOR, Limits, Model, Provider, limits, model, models, provider, providers
from .order import create_request, default_resolution, size_of_tier, typed_options
from .remarks import Remark, ignored_options, request_remarks
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
    """A resolved request with its model, what the protocol sends, and remarks for the user."""

    request: VideoRequest
    model: Model
    order: CreateRequest
    remarks: tuple[Remark, ...] = field(default=())


def check(request: VideoRequest, service: Provider) -> Plan:
    """Resolve a request for a service and refuse what its model cannot do.

    Raises:
        ModelError: the model does not support the mode, duration, resolution or an option.
        ImageError: the model or the service does not accept a picture.
    """
    plan = resolve(request, service)
    for refuse in REFUSALS:
        refuse(plan.request, plan.model, service)
    return plan


def plan_of(request: VideoRequest, service: Provider) -> Plan:
    """Return the plan of a request that was checked when it was sent; a newer catalogue must not refuse it now."""
    chosen = _model_at(request.model or _default_model(request, service), request, service)
    return Plan(request, chosen, create_request(request, chosen, service.speak()))


def resolve(request: VideoRequest, service: Provider) -> Plan:
    """Fill in open options and collect remarks; refuse nothing.

    Raises:
        ModelError: no model was named and the service has no default one for these pictures.
    """
    protocol = service.speak()
    chosen = _model_at(request.model or _default_model(request, service), request, service)
    resolved = replace(request, model=chosen.id, **_filled_in(request, chosen, protocol))
    order = create_request(resolved, chosen, protocol)
    remarks = (*request_remarks(resolved, chosen, service), *ignored_options(protocol, order, service))
    return Plan(resolved, chosen, order, remarks)


# ---- resolving ----------------------------------------------------------------------------------------------------


def _default_model(request: VideoRequest, service: Provider) -> str:
    try:
        return service.defaults[request.mode]
    except KeyError:
        raise ModelError(f"mode.none_{request.mode}", provider=service.name) from None


def _model_at(name: str, request: VideoRequest, service: Provider) -> Model:
    """Return a model as a service offers it: with its region's durations, and what its documents say differently."""
    found = model(name, service.protocol)
    differs = {"durations": found.durations_at.get(service.region, found.durations), **service.models.get(name, {})}
    if not found.known:  # it may support any option that was typed, so all are sent
        differs["fields"] = tuple(dict.fromkeys((*found.fields, *typed_options(request))))
    return replace(found, **differs)


def _filled_in(request: VideoRequest, chosen: Model, protocol: Protocol) -> dict[str, Any]:
    """Return values for open options that are sent anyway, so that no service default surprises."""
    duration = 5 if 5 in chosen.durations else next(iter(chosen.durations), 5)
    resolution = default_resolution(request, chosen, protocol)
    filled = {"duration": duration, "resolution": resolution, "watermark": False, "prompt_extend": True}
    if protocol.takes_size:
        filled["size"] = size_of_tier(request, request.resolution or resolution)
    return {name: value for name, value in filled.items() if value != "" and getattr(request, name) is None}
