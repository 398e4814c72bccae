"""Which provider and which key a session uses.

The name is the caller's own, else that of `WAN_PROVIDER`, `%config` or the user's file; without any, `dashscope-intl`
if a key for it is found, else the emulator. A project's file has no say.
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
    """What a session starts with.

    Attributes:
        name: the named session's own, else the provider's.
        settings: the settings in force in it; a named session's defaults override the environment's.
    """

    name: str
    provider: Provider
    key: Key | None
    settings: Settings


def select_provider(
    name: str | None, base_url: str | None, key: str | Key | None, settings: Settings
) -> ProviderSelection:
    """Return the provider and the key for a name.

    Args:
        name: of a provider or a named session; None for the one that the settings name.
        base_url: address to use in place of the provider's own.
        key: the caller's own key.

    Raises:
        SettingsError: the provider or session is unknown, or an address was given without a name.
        CredentialsError: the provider needs a key and none was found.
    """
    name = name or settings.chosen
    _refuse_address_without_name(name, base_url, settings)
    session = settings.sessions.get(name)
    if session is not None:
        return _select_session(name, session, base_url, key, settings)
    provider = _find_provider(name, base_url, settings) if name else _default_provider(key, settings)
    return ProviderSelection(provider.name, provider, credentials.find_key(provider, settings, key), settings)


def provider_names(settings: Settings) -> tuple[str, ...]:
    """Return every name that can be selected: the user's sessions, then the providers."""
    return (*settings.sessions, *plan.providers())


def _refuse_address_without_name(name: str, base_url: str | None, settings: Settings) -> None:
    """Refuse an address that names no provider: whose key goes there would be a guess.

    `WAN_BASE_URL` is clear with `WAN_PROVIDER`, beside a `base_url` that overrides it, or for a provider without an
    address of its own.
    """
    if base_url:
        unclear = "" if name else base_url
    else:
        unclear = "" if settings.provider or _has_no_address(name) else settings.base_url
    if unclear:
        raise SettingsError("provider.url_without_name", url=unclear)


def _select_session(
    name: str, session: NamedSession, base_url: str | None, key: str | Key | None, settings: Settings
) -> ProviderSelection:
    """Return a named session; if it names a key variable, its key comes from that one alone."""
    of_environment = settings.base_url if name == settings.provider else ""
    provider = plan.provider(session.provider, base_url or of_environment or session.base_url or None)
    found = credentials.find_key(provider, settings, key or settings.logins.get(name), session.key_variable)
    if session.key_variable:  # a dry run's curl command names this variable, too
        provider = replace(provider, key_variables=(session.key_variable,))
    source = Phrase("part.of_session", {"name": name})
    defaults = {**settings.defaults, **{option: (value, source) for option, value in session.defaults.items()}}
    return ProviderSelection(name, provider, found, replace(settings, defaults=defaults))


def _find_provider(name: str, base_url: str | None, settings: Settings) -> Provider:
    if name not in plan.providers() and settings.sessions:
        known = provider_names(settings)
        suggestion = nearest(name, known)
        raise SettingsError("provider.unknown", name=shorten(name), names=", ".join(known), suggestion=suggestion)
    of_environment = settings.base_url if name == settings.provider or _has_no_address(name) else ""
    return plan.provider(name, base_url or of_environment or None)


def _has_no_address(name: str) -> bool:
    """Return whether a provider has no address of its own, so that `WAN_BASE_URL` can only be meant for it."""
    provider = plan.providers().get(name)
    return provider is not None and not provider.base_url


def _default_provider(key: str | Key | None, settings: Settings) -> Provider:
    real = plan.provider("dashscope-intl")
    return real if key or credentials.has_key(real, settings) else plan.provider(plan.EMULATOR)
