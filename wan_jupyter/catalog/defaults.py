"""Apply the user's default settings to a request.

A default yields to the model: what the model does not support is left out, with a remark. Only what was typed can be
refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from ..request.options import VideoRequest
from . import plan as catalog
from .plan import Model, Plan, Provider
from .remarks import Remark

Default = tuple[Any, str]  # a value, and where it comes from
NO_DEFAULT: Default = ("", "")


def plan_with(request: VideoRequest, provider: Provider, defaults: Mapping[str, Default]) -> Plan:
    """Resolve a request with the user's defaults and check it against its model; send nothing.

    Raises:
        ModelError, ImageError: the model cannot do what was typed; a default is never the reason.
    """
    default_model = defaults.get("model", NO_DEFAULT)
    asked = _with_default_model(request, provider, str(default_model[0]))
    model = catalog.resolve(asked, provider).model
    used, ignored = _split(asked, model, defaults)
    plan = catalog.check(replace(asked, **used), provider)
    remarks = [*plan.remarks, *(_ignored_option(model, name, default) for name, default in ignored.items())]
    if default_model[0] and asked.model is None and model.id != default_model[0]:
        remarks.append(_ignored_model(model, default_model))
    return replace(plan, remarks=tuple(remarks))


def _with_default_model(request: VideoRequest, provider: Provider, name: str) -> VideoRequest:
    """Return the request with the default model, if none was typed and that model can make this request here."""
    if not name or request.model is not None:
        return request
    model = catalog.model(name, provider.protocol)
    able = request.mode in model.modes and provider.writes(model)
    return replace(request, model=name) if able else request


def _split(
    request: VideoRequest, model: Model, defaults: Mapping[str, Default]
) -> tuple[dict[str, Any], dict[str, Default]]:
    """Return the default values that the model supports, and the defaults that it does not."""
    open_options = dict(_open_options(request, defaults))
    fits = {name: not model.known or SUPPORTS[name](value, model) for name, (value, _) in open_options.items()}
    used = {name: value for name, (value, _) in open_options.items() if fits[name]}
    return used, {name: default for name, default in open_options.items() if not fits[name]}


def _open_options(request: VideoRequest, defaults: Mapping[str, Default]) -> Iterator[tuple[str, Default]]:
    """Yield the defaults of options that were not typed; a typed size leaves no room for a resolution tier."""
    for name in SUPPORTS:
        typed = getattr(request, name) is not None or (name == "resolution" and request.size is not None)
        if name in defaults and not typed:
            yield name, defaults[name]


def _ignored_option(model: Model, name: str, default: Default) -> Remark:
    value, source = default
    return "remark.setting_yields", {"name": name, "value": str(value), "model": model.id, "source": source}


def _ignored_model(model: Model, default: Default) -> Remark:
    name, source = default
    return "remark.default_yields", {"default": name, "model": model.id, "source": source}


# Option that has a default setting -> whether a model supports a value of it.
SUPPORTS: Mapping[str, Callable[[Any, Model], bool]] = MappingProxyType(
    {
        "duration": lambda value, model: value in model.durations or (model.smart and value == -1),
        "resolution": lambda value, model: value in model.resolutions,
        "negative_prompt": lambda _, model: "negative_prompt" in model.fields,
    }
)
