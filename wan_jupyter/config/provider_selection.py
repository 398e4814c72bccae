"""Which provider, which key: what a session's name and the settings come to. Floor 5: pure but for the key's sources.

The rules are DESIGN section 2's: option > session > `WAN_PROVIDER` > the user's file > `dashscope-intl` if a DashScope
key is found > the emulator. A project's file has no say here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..catalog import plan
from ..catalog.plan import Provider
from ..errors import SettingsError
from ..i18n.messages import Phrase
from ..i18n.suggestions import nearest, shorten
from ..security.api_key import Key
from . import credentials
from .settings import Settings
from .settings_files import NamedSession


@dataclass(frozen=True, slots=True)
class ProviderSelection:
    """What a session is made of.

    Attributes:
        name: the named session's own, else the provider's.
        settings: those in force in it; a named session's own defaults come before the environment's.
    """

    name: str
    provider: Provider
    key: Key | None
    settings: Settings


def select_provider(
    name: str | None, base_url: str | None, key: str | Key | None, settings: Settings
) -> ProviderSelection:
    """Return the provider with its key, for a name (None: as the settings say).

    Raises:
        SettingsError: no such provider or session, or an address without one.
        CredentialsError: it needs a key and none was found.
    """
    chosen = name or settings.provider or settings.chosen
    homeless = settings.base_url if not settings.provider and not base_url and not _takes_any(chosen) else ""
    if homeless or (base_url and not chosen):
        raise SettingsError("provider.url_without_name", url=homeless or base_url)
    own = settings.sessions.get(chosen)
    if own is not None:
        set_here = settings.base_url if chosen == settings.provider else ""
        return _named(chosen, own, base_url or set_here or None, key, settings)
    row = _row(chosen, base_url, settings) if chosen else _usual(key, settings)
    return ProviderSelection(row.name, row, credentials.find_key(row, settings, key), settings)


def provider_names(settings: Settings) -> tuple[str, ...]:
    """Return every name that may be chosen: the user's sessions, then the providers."""
    return (*settings.sessions, *plan.providers())


def _named(
    name: str, own: NamedSession, base_url: str | None, key: str | Key | None, settings: Settings
) -> ProviderSelection:
    """Return a named session: its key comes from its own variable alone, if it names one."""
    row = plan.provider(own.provider, base_url or own.base_url or None)
    found = credentials.find_key(row, settings, key or settings.logins.get(name), own.key_variable)
    if own.key_variable:  # a request that is shown names this variable, too
        row = replace(row, key_variables=(own.key_variable,))
    said = {field: (value, Phrase("part.of_session", {"name": name})) for field, value in own.defaults.items()}
    model = "" if "model" in said else settings.model
    return ProviderSelection(name, row, found, replace(settings, model=model, defaults={**settings.defaults, **said}))


def _row(name: str, base_url: str | None, settings: Settings) -> Provider:
    if name not in plan.providers() and settings.sessions:
        known = provider_names(settings)
        suggestion = nearest(name, known)
        raise SettingsError("provider.unknown", name=shorten(name), names=", ".join(known), suggestion=suggestion)
    own = settings.base_url if name == settings.provider or _takes_any(name) else ""
    return plan.provider(name, base_url or own or None)


def _takes_any(name: str) -> bool:
    """Tell whether a provider has no address of its own, so that the environment's can be meant for nothing else."""
    row = plan.providers().get(name)
    return row is not None and not row.base_url


def _usual(key: str | Key | None, settings: Settings) -> Provider:
    real = plan.provider("dashscope-intl")
    return real if key or credentials.has_key(real, settings) else plan.provider(plan.EMULATOR)
