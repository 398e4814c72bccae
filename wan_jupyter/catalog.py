"""What exists and what it can do: providers, models, prices. Floor 2: pure; reads its own data file and nothing else.

`check` is the gate before anything is sent: it fills in what was not asked from the model's row, refuses what the model
cannot do and names the fix, and returns the order that a protocol turns into a body.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from .errors import ModelError, SettingsError
from .protocols.base import Order, Protocol
from .protocols.dashscope import DashScope
from .request import VideoRequest, nearest, shorten
from .urls import is_loopback, origin_of

PROTOCOLS: Mapping[str, type[DashScope]] = MappingProxyType({"dashscope": DashScope})
EMULATOR = "emulator"


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A service: which protocol it speaks, where, and with what key.

    Attributes:
        key: "required", "optional", "none", or "built-in" for the emulator's own.
        key_variables: environment variables its key may come from.
        tariff: which price rows are its own.
        poll: seconds between polls: at first, and after some minutes.
        defaults: mode to default model.
    """

    name: str
    title: str
    protocol: str
    base_url: str
    key: str
    tariff: str
    poll: tuple[float, float]
    defaults: Mapping[str, str]
    key_variables: tuple[str, ...] = ()
    key_file: str = ""

    @property
    def origin(self) -> str:
        """Scheme, host and port: the only place its key may go."""
        return origin_of(self.base_url)

    @property
    def emulated(self) -> bool:
        """Whether it is the emulator that is built in."""
        return self.name == EMULATOR

    def speak(self) -> Protocol:
        """Return its protocol on its base URL."""
        return PROTOCOLS[self.protocol](self.base_url)


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model's row; `known` is False for an id that the catalogue does not have."""

    id: str
    path: str
    shape: str
    modes: tuple[str, ...]
    resolutions: tuple[str, ...] = ()
    durations: tuple[int, ...] = ()
    fields: tuple[str, ...] = ()
    sound: bool = False
    prompt_max: int = 0
    data_uri: bool = True
    prices: tuple[Mapping[str, Any], ...] = ()
    same_as: str = ""
    known: bool = True


@dataclass(frozen=True, slots=True)
class Plan:
    """A request that passed the gate: resolved, with its order and what the user should know."""

    request: VideoRequest
    model: Model
    order: Order
    remarks: tuple[tuple[str, Mapping[str, str]], ...] = field(default=())


@cache
def _data() -> Mapping[str, Any]:
    text = (resources.files("wan_jupyter") / "catalog.toml").read_text(encoding="utf-8")
    return MappingProxyType(tomllib.loads(text))


@cache
def providers() -> Mapping[str, Provider]:
    """Return all providers by name."""
    return MappingProxyType({name: _provider(name, row) for name, row in _data()["providers"].items()})


@cache
def models() -> Mapping[str, Model]:
    """Return all models by id."""
    rows = (Model(**{key: _frozen(value) for key, value in row.items()}) for row in _data()["models"])
    return MappingProxyType({row.id: row for row in rows})


def provider(name: str, base_url: str | None = None) -> Provider:
    """Return a provider's row, on another base URL if one is given.

    Raises:
        SettingsError: no such provider, or an address that is none.
    """
    if name not in providers():
        names = ", ".join(providers())
        raise SettingsError("provider.unknown", name=name, names=names, suggestion=nearest(name, providers()))
    row = providers()[name]
    return replace(row, base_url=_checked_url(base_url)) if base_url else row


def model(name: str) -> Model:
    """Return a model's row, or a guess from its name where the catalogue has none: catalogues age."""
    if name in models():
        return models()[name]
    like = models()["wan2.2-kf2v-flash" if "kf2v" in name else "wan2.6-i2v"]
    return Model(id=name, path=like.path, shape=like.shape, modes=like.modes, fields=like.fields, known=False)


def plan_of(request: VideoRequest, where: Provider) -> Plan:
    """Return the plan of a request that was checked when it was sent; a newer catalogue must not refuse it now."""
    row = model(request.model or _default_model(request, where))
    return Plan(request, row, _order(request, row))


def check(request: VideoRequest, where: Provider) -> Plan:
    """Resolve a request for a provider and refuse what its model cannot do.

    Raises:
        ModelError: wrong mode, duration, resolution or option for the model; nothing was sent.
    """
    chosen = model(request.model or _default_model(request, where))
    if request.mode not in chosen.modes:
        raise _wrong_mode(request, chosen, where)
    resolved = replace(request, model=chosen.id, **_resolved(request, chosen))
    if chosen.known:
        _check_limits(resolved, chosen)
    else:  # nothing is known against an option that was typed, so it is sent
        chosen = replace(chosen, fields=tuple(dict.fromkeys((*chosen.fields, *_typed(request)))))
    return Plan(resolved, chosen, _order(resolved, chosen), tuple(_remarks(resolved, chosen)))


# ---- resolving and refusing ---------------------------------------------------------------------------------------


def _resolved(request: VideoRequest, row: Model) -> dict[str, Any]:
    """Return the values that were not asked and are sent all the same, so that no service default surprises."""
    duration = 5 if 5 in row.durations else next(iter(row.durations), 5)
    resolution = "720P" if not row.resolutions or "720P" in row.resolutions else row.resolutions[0]
    filled = {"duration": duration, "resolution": resolution, "watermark": False, "prompt_extend": True}
    return {name: value for name, value in filled.items() if getattr(request, name) is None}


def _typed(request: VideoRequest) -> list[str]:
    return [name for name in request.asked() if name not in ("model", "params")]


def _default_model(request: VideoRequest, where: Provider) -> str:
    try:
        return where.defaults[request.mode]
    except KeyError:
        raise ModelError(f"mode.none_{request.mode}", provider=where.name) from None


def _wrong_mode(request: VideoRequest, row: Model, where: Provider) -> ModelError:
    able = where.defaults.get(request.mode) or next((m.id for m in models().values() if request.mode in m.modes), "")
    if not able:
        return ModelError(f"mode.none_{request.mode}", provider=where.name)
    return ModelError(f"mode.wrong_{request.mode}", model=row.id, able=able)


def _check_limits(request: VideoRequest, row: Model) -> None:
    if request.duration not in row.durations:
        raise ModelError("model.duration", model=row.id, value=request.duration, choices=spans(row.durations))
    if request.resolution not in row.resolutions:
        raise ModelError(
            "model.resolution", model=row.id, value=request.resolution, choices=", ".join(row.resolutions),
            first=row.resolutions[0],
        )
    for name in request.asked():
        if name not in {"model", "duration", "params", *row.fields}:
            raise _cannot(name, request, row)


def _cannot(name: str, request: VideoRequest, row: Model) -> ModelError:
    able = [m.id for m in models().values() if name in m.fields and request.mode in m.modes]
    key = "model.option_elsewhere" if able else "model.option_nowhere"
    return ModelError(key, model=row.id, option=name.replace("_", "-"), able=", ".join(able[:3]))


def _order(request: VideoRequest, row: Model) -> Order:
    asked = {name: value for name, value in request.asked().items() if name in row.fields}
    text = request.filled_prompt
    return Order(row.id, request.mode, row.path, row.shape, text, asked, {}, request.params)


def _remarks(request: VideoRequest, row: Model) -> list[tuple[str, Mapping[str, str]]]:
    found: list[tuple[str, Mapping[str, str]]] = []
    if not row.known:
        found.append(("remark.unknown_model", {"model": row.id, "suggestion": nearest(row.id, models())}))
    if row.prompt_max and len(request.filled_prompt) > row.prompt_max:
        found.append(("remark.long_prompt", {"limit": str(row.prompt_max), "length": str(len(request.filled_prompt))}))
    return found


def spans(numbers: tuple[int, ...]) -> str:
    """Return whole numbers as people write them: "2 to 15" where they run on, else "5, 10"."""
    if len(numbers) > 2 and numbers == tuple(range(numbers[0], numbers[-1] + 1)):
        return f"{numbers[0]} to {numbers[-1]}"
    return ", ".join(map(str, numbers))


# ---- reading the file ---------------------------------------------------------------------------------------------


def _frozen(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_frozen(item) for item in value)
    return MappingProxyType(value) if isinstance(value, dict) else value


def _provider(name: str, row: Mapping[str, Any]) -> Provider:
    return Provider(name=name, **{key: _frozen(value) for key, value in row.items()})


def _checked_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port or an IPv6 address that is none
        whole = False
    if not whole:
        raise SettingsError("provider.bad_url", url=shorten(url))
    if parts.username or parts.password or parts.query or parts.fragment:
        raise SettingsError("provider.url_with_key", host=parts.hostname)
    if parts.scheme == "http" and not is_loopback(url):
        raise SettingsError("provider.plain_http", url=url)
    return url.rstrip("/")
