"""The catalogue's rows: providers, models, prices, limits, as `catalog.toml` has them. Floor 2: reads that file alone.

What a request may ask of a row is said in `catalog`.
"""

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

# Protocol of servers that people run themselves, to the model that stands for whatever such a server serves.
SERVING: Mapping[str, str] = MappingProxyType({"openai-videos": SERVED})
EMULATOR = "emulator"
NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A service: which protocol it speaks, where, and with what key.

    Attributes:
        base_url: "" where the user must give one.
        key: "required", "optional", "none", or "built-in" for the emulator's own.
        key_variables: environment variables its key may come from.
        tariff: which price rows are its own.
        poll: seconds between polls: at first, and after some minutes.
        defaults: mode to default model.
        dialect: which of its protocol's dialects it speaks, "" for the protocol's own choice.
        region: where its models must be at home, "" where that is not known.
        modes: what it can do whatever the model, () for anything.
        links_only: modes whose pictures it takes by address only.
        needs_prompt: whether it refuses a request without one.
        models: the models its documents name, with what is different there; {} where any may be had.
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
        """Scheme, host and port: the only place its key may go."""
        return origin_of(self.base_url)

    @property
    def emulated(self) -> bool:
        """Whether it is the emulator that is built in."""
        return self.name == EMULATOR

    def speak(self) -> Protocol:
        """Return its protocol on its base URL."""
        how = {"dialect": self.dialect} if self.dialect else {}
        return PROTOCOLS[self.protocol](self.base_url, **how)

    def writes(self, row: Model) -> bool:
        """Tell whether a model's pictures can be written in its protocol: those of one's own server are files."""
        return self.protocol in SERVING or row.shape != models()[SERVED].shape

    def offers(self, row: Model) -> bool:
        """Tell whether a model is known to be had here; where nothing is known, it may be."""
        if self.models:
            return row.id in self.models
        return self.writes(row) and (not (self.region and row.regions) or self.region in row.regions)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a picture may be.

    Attributes:
        sides: smallest and largest side in pixels.
        aspect: the longer side divided by the shorter at most, 0.0 where that is not stated.
        megabytes: the file's weight at most.
        formats: media types.
        alpha: whether a PNG may be transparent.
        firm: whether the vendor's own pages say so; else it is only told, and the service decides.
    """

    sides: tuple[int, int]
    aspect: float
    megabytes: int
    formats: tuple[str, ...]
    alpha: bool
    firm: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model's row; `known` is False for an id that the catalogue does not have.

    Attributes:
        durations_at: region to the durations there, where they are others.
        sized: whether it takes width and height (`size`) where others take a tier (`resolution`).
        smart: whether a duration of -1 lets the model choose.
        data_uri: whether its pictures may be written into the body; else they are links.
        limits: key into the file's `limits`, "" for none.
        templates: the effects that the documents name, () where it has none.
        template_modes: modes that it has with a template only.
        regions: where it is at home, () where that is not known.
        submit_rps: creates a second that an account may send (wire-dashscope.md 2.7), 0.0 where that is not known.
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
    return MappingProxyType({name: _provider(name, row) for name, row in _data()["providers"].items()})


@cache
def models() -> Mapping[str, Model]:
    """Return all models by id; a row that is `same_as` another has what it does not say itself from there."""
    rows = {row["id"]: row for row in _data()["models"]}
    whole = ({**rows.get(row.get("same_as", ""), {}), **row} for row in rows.values())
    made = (Model(**{key: _frozen(value) for key, value in row.items()}) for row in whole)
    return MappingProxyType({row.id: row for row in made})


@cache
def limits(name: str) -> Limits:
    """Return what a picture may be, by the name that a model's row gives."""
    return Limits(**{key: _frozen(value) for key, value in _data()["limits"][name].items()})


def provider(name: str, base_url: str | None = None) -> Provider:
    """Return a provider's row, on another base URL if one is given.

    Raises:
        SettingsError: no such provider, an address that is none, or none where there is no default.
    """
    if name not in providers():
        names = ", ".join(providers())
        raise SettingsError("provider.unknown", name=shorten(name), names=names, suggestion=nearest(name, providers()))
    row = providers()[name]
    if not base_url and not row.base_url:
        raise SettingsError("provider.needs_url", name=name)
    return _at(row, base_url) if base_url else row


def model(name: str, protocol: str) -> Model:
    """Return a model's row, or a guess where the catalogue has none: from its name, and from who is to make it."""
    if name in models():
        return models()[name]
    part, like, modes = next(guess for guess in GUESSES if guess[0] in name.lower())
    del part
    row = models()[SERVING.get(protocol, like)]
    return Model(
        id=name, path=row.path, shape=row.shape, modes=modes or row.modes, fields=row.fields,
        data_uri=row.data_uri, sized=OLD_TEXT.search(name.lower()) is not None, known=False,
    )  # fmt: skip


# Text models up to 2.6 read `size` and no `resolution`; newer ones the other way round (wire-dashscope.md 2.1).
OLD_TEXT = re.compile(r"wanx?2\.[1-6]-t2v")
# Part of an unknown id, the model it is taken for, and its modes if they are others.
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


def _provider(name: str, row: Mapping[str, Any]) -> Provider:
    said = {key: _frozen(value) for key, value in row.items()}
    return Provider(name=name, title=Phrase(f"provider.title.{name}", {}), **said)


def _at(row: Provider, base_url: str) -> Provider:
    """Return a provider on another base URL. Over plain http to another machine goes no key, or nothing."""
    url = _whole_url(base_url)
    if url.startswith("http:") and not is_loopback(url):
        if row.key != "optional":
            raise SettingsError("provider.plain_http", url=url)
        row = replace(row, key="none")
    return replace(row, base_url=url)


def _whole_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port or an IPv6 address that is none
        whole = False
    if not whole:
        raise SettingsError("provider.bad_url", url=shorten(url))
    if parts.username or parts.password or parts.query or parts.fragment:
        raise SettingsError("provider.url_with_key", host=parts.hostname)
    return url.rstrip("/")
