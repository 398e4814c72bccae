"""What the settings say where nothing was typed. Floor 5: pure.

A default from settings yields to the model: what the model does not have is left out, and that is said.
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


def plan_with(request: VideoRequest, where: Provider, defaults: Mapping[str, Default]) -> Plan:
    """Resolve a request with the settings' defaults, and check it against the model's row; nothing is sent.

    Raises:
        ModelError, ImageError: what was typed cannot be; a default never is the reason.
    """
    default, source = defaults.get("model", ("", ""))
    row = catalog.model(default, where.protocol)
    able = default and request.model is None and request.mode in row.modes and where.writes(row)
    asked = replace(request, model=default) if able else request
    row = catalog.resolve(asked, where).model
    values: dict[str, Any] = {}
    remarks: list[Remark] = []
    for name, value, said in _open(asked, defaults):
        if not row.known or SUITS[name](value, row):
            values[name] = value
        else:
            facts = {"name": name, "value": str(value), "model": row.id, "source": said}
            remarks.append(("remark.setting_yields", facts))
    plan = catalog.check(replace(asked, **values), where)
    if default and request.model is None and not able and row.id != default:
        remarks.append(("remark.default_yields", {"default": default, "model": row.id, "source": source}))
    return replace(plan, remarks=(*plan.remarks, *remarks))


def _open(request: VideoRequest, defaults: Mapping[str, Default]) -> Iterator[tuple[str, Any, str]]:
    """Yield the defaults for what was not typed; a size that was typed leaves no room for a tier."""
    for name in SUITS:
        typed = getattr(request, name) is not None or (name == "resolution" and request.size is not None)
        if name in defaults and not typed:
            yield name, *defaults[name]


# Setting to whether a model has a value of it.
SUITS: Mapping[str, Callable[[Any, Model], bool]] = MappingProxyType(
    {
        "duration": lambda value, row: value in row.durations or (row.smart and value == -1),
        "resolution": lambda value, row: value in row.resolutions,
        "negative_prompt": lambda _, row: "negative_prompt" in row.fields,
    }
)
