"""Entries of the catalogue: providers, models, limits and prices, read from `catalog.toml`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from ..errors import SettingsError
from ..i18n.messages import Phrase
from ..i18n.suggestions import nearest, shorten
from ..protocols import PROTOCOLS
from ..protocols.base import Protocol
from ..protocols.openai_videos import SERVED
from ..security.urls import is_loopback, origin_of

# Protocol of self-hosted servers -> the model entry that stands for whatever such a server runs.
SERVING: Mapping[str, str] = MappingProxyType({"openai-videos": SERVED})
EMULATOR = "emulator"
NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A service: its protocol, address and key.

    Attributes:
        base_url: "" if the user must give one.
        key: "required", "optional", "none", or "built-in" for the emulator's own.
        key_variables: environment variables its key may come from.
        tariff: the tariff of its prices in the catalogue.
        poll: seconds between polls: at first, and after some minutes.
        defaults: mode to default model.
        dialect: the dialect of its protocol, "" for the protocol's default.
        region: the region that a model must be available in, "" if unknown.
        modes: the modes it supports with any model, () for all.
        links_only: modes whose pictures must be links.
        needs_prompt: whether it refuses a request without a prompt.
        models: the models in its documents, with the attributes that differ there; {} if it may offer any.
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
    dialect: str = ""
    region: str = ""
    modes: tuple[str, ...] = ()
    links_only: tuple[str, ...] = ()
    needs_prompt: bool = False
    models: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def origin(self) -> str:
        """Scheme, host and port: the only address that its key is sent to."""
        return origin_of(self.base_url)

    @property
    def emulated(self) -> bool:
        """Whether it is the built-in emulator."""
        return self.name == EMULATOR

    def speak(self) -> Protocol:
        """Return its protocol for its base URL."""
        how = {"dialect": self.dialect} if self.dialect else {}
        return PROTOCOLS[self.protocol](self.base_url, **how)

    def writes(self, model: Model) -> bool:
        """Return whether its protocol can carry a model's pictures: self-hosted models take them as files."""
        return self.protocol in SERVING or model.shape != models()[SERVED].shape

    def offers(self, model: Model) -> bool:
        """Return whether it offers a model, as far as is known."""
        if self.models:
            return model.id in self.models
        return self.writes(model) and (not (self.region and model.regions) or self.region in model.regions)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a model accepts of a picture.

    Attributes:
        sides: smallest and largest side in pixels.
        aspect: the largest ratio of the longer side to the shorter, 0.0 if not stated.
        megabytes: the largest file.
        formats: media types.
        alpha: whether a PNG may be transparent.
        firm: whether the vendor documents the limits; otherwise a breach is only remarked on, and the service decides.
    """

    sides: tuple[int, int]
    aspect: float
    megabytes: int
    formats: tuple[str, ...]
    alpha: bool
    firm: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A video model; `known` is False for an id that is not in the catalogue.

    Attributes:
        durations_at: region to the durations there, if they differ.
        sized: whether it takes width and height (`size`) in place of a tier (`resolution`).
        smart: whether a duration of -1 lets the model choose.
        data_uri: whether pictures can be data URIs in the body; otherwise they must be links.
        limits: key of its limits in the catalogue, "" for none.
        templates: the effects in its documents, () for none.
        template_modes: modes that it supports with a template only.
        regions: the regions it is available in, () if unknown.
        submit_rps: create requests per second that DashScope allows an account (November 2026), 0.0 if unknown.
    """

    id: str
    path: str = ""
    shape: str
    modes: tuple[str, ...]
    resolutions: tuple[str, ...] = ()
    durations: tuple[int, ...] = ()
    durations_at: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    sized: bool = False
    smart: bool = False
    fields: tuple[str, ...] = ()
    sound: bool = False
    prompt_max: int = 0
    data_uri: bool = True
    limits: str = ""
    templates: tuple[str, ...] = ()
    template_modes: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    submit_rps: float = 0.0
    prices: tuple[Mapping[str, Any], ...] = ()
    same_as: str = ""
    known: bool = True


# ---- reading the file ---------------------------------------------------------------------------------------------


@cache
def _data() -> Mapping[str, Any]:
    text = (resources.files(__package__) / "catalog.toml").read_text(encoding="utf-8")
    return MappingProxyType(tomllib.loads(text))


@cache
def providers() -> Mapping[str, Provider]:
    """Return all providers by name."""
    return MappingProxyType({name: _provider(name, entry) for name, entry in _data()["providers"].items()})


@cache
def models() -> Mapping[str, Model]:
    """Return all models by id; an entry with `same_as` inherits what it does not set itself."""
    entries = {entry["id"]: entry for entry in _data()["models"]}
    complete = ({**entries.get(entry.get("same_as", ""), {}), **entry} for entry in entries.values())
    made = (Model(**{key: _frozen(value) for key, value in entry.items()}) for entry in complete)
    return MappingProxyType({model.id: model for model in made})


@cache
def limits(name: str) -> Limits:
    """Return limits by the name that a model refers to."""
    return Limits(**{key: _frozen(value) for key, value in _data()["limits"][name].items()})


def provider(name: str, base_url: str | None = None) -> Provider:
    """Return a provider by name, with another base URL if one is given.

    Raises:
        SettingsError: the name is unknown, the address is invalid, or the provider needs one.
    """
    if name not in providers():
        names = ", ".join(providers())
        raise SettingsError("provider.unknown", name=shorten(name), names=names, suggestion=nearest(name, providers()))
    found = providers()[name]
    if not base_url and not found.base_url:
        raise SettingsError("provider.needs_url", name=name)
    return _at(found, base_url) if base_url else found


def model(name: str, protocol: str) -> Model:
    """Return a model by id; guess an unknown one from its name and the provider's protocol."""
    if name in models():
        return models()[name]
    _, like, modes = next(guess for guess in GUESSES if guess[0] in name.lower())
    alike = models()[SERVING.get(protocol, like)]
    return Model(
        id=name, path=alike.path, shape=alike.shape, modes=modes or alike.modes, fields=alike.fields,
        data_uri=alike.data_uri, sized=OLD_TEXT.search(name.lower()) is not None, known=False,
    )  # fmt: skip


# Text models up to 2.6 read `size` and ignore `resolution`; newer ones the reverse (DashScope's documents, 2026-11).
OLD_TEXT = re.compile(r"wanx?2\.[1-6]-t2v")
# Part of an unknown id, the known model to treat it like, and its modes if they differ.
GUESSES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("ti2v", "wan2.6-i2v", ("first", "text")),
    ("kf2v", "wan2.2-kf2v-flash", ()),
    ("t2v", "wan2.6-i2v", ("text",)),
    ("wan2.7", "wan2.7-i2v", ()),
    ("wan3", "wan3.0-video", ()),
    ("", "wan2.6-i2v", ()),
)


def _frozen(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_frozen(item) for item in value)
    if isinstance(value, dict):
        return MappingProxyType({key: _frozen(item) for key, item in value.items()})
    return value


def _provider(name: str, entry: Mapping[str, Any]) -> Provider:
    attributes = {key: _frozen(value) for key, value in entry.items()}
    return Provider(name=name, title=Phrase(f"provider.title.{name}", {}), **attributes)


def _at(provider: Provider, base_url: str) -> Provider:
    """Return a provider at another base URL; no key ever goes over plain http to another machine."""
    url = _whole_url(base_url)
    if url.startswith("http:") and not is_loopback(url):
        if provider.key != "optional":
            raise SettingsError("provider.plain_http", url=url)
        provider = replace(provider, key="none")
    return replace(provider, base_url=url)


def _whole_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # an invalid port or IPv6 address
        whole = False
    if not whole:
        raise SettingsError("provider.bad_url", url=shorten(url))
    if parts.username or parts.password or parts.query or parts.fragment:
        raise SettingsError("provider.url_with_key", host=parts.hostname)
    return url.rstrip("/")
