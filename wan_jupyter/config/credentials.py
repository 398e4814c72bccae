"""Find a provider's API key, and keep keys in the machine's keyring.

Order: the caller's own, typed at `%wan login`, environment, the vendor's key file, keyring. A provider declares which
variables and file its key may come from, so that no key goes to a provider it was not meant for. `WAN_API_KEY` is for
the provider that `WAN_PROVIDER` names, else for one that is not DashScope and was named in code.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from functools import reduce
from pathlib import Path
from typing import Protocol

from ..errors import CredentialsError
from ..i18n.messages import Phrase
from ..security.api_key import Key
from .settings import Settings

SERVICE = "wan_jupyter"


class KeyOwner(Protocol):
    """The attributes of a provider that decide about its key."""

    @property
    def name(self) -> str: ...
    @property
    def key(self) -> str: ...
    @property
    def key_variables(self) -> tuple[str, ...]: ...
    @property
    def key_file(self) -> str: ...


def find_key(provider: KeyOwner, settings: Settings, explicit: str | Key | None = None, only: str = "") -> Key | None:
    """Return the key for a provider, None if it takes none or needs none and none was found.

    Args:
        explicit: the caller's own key.
        only: the one environment variable to read, "" for the provider's own sources.

    Raises:
        CredentialsError: the provider needs a key and none was found, or a key cannot be sent in a header.
    """
    if provider.key == "none":
        return None
    if provider.key == "built-in":
        return Key("emulated", Phrase("key.from.emulator", {}))
    if isinstance(explicit, Key):
        return explicit
    if explicit:
        return checked(Key(explicit, Phrase("key.from.argument", {})))
    found = next(sources(provider, settings, only), None)
    if found is None and (only or provider.key == "required"):
        variable = only or _variables_text(provider, settings)
        raise CredentialsError("key.missing", provider=provider.name, variable=variable)
    return found


def has_key(provider: KeyOwner, settings: Settings) -> bool:
    """Return whether a key for a provider can be found."""
    return next(sources(provider, settings), None) is not None


def store_key(provider: str, key: Key) -> str:
    """Store a provider's key in the machine's keyring, and return the keyring's name.

    Raises:
        CredentialsError: there is no keyring, or it refuses the key.
    """
    try:
        import keyring  # an extra

        keyring.set_password(SERVICE, provider, key.reveal())
        return str(keyring.get_keyring().name)
    except ImportError:
        problem = CredentialsError("key.no_keyring", provider=provider)
    except Exception as error:  # each backend raises errors of its own
        problem = CredentialsError("key.not_kept", provider=provider, reason=type(error).__name__)
    raise problem


def forget_key(provider: str) -> bool:
    """Remove a provider's key from the keyring; return False if it has none.

    Raises:
        CredentialsError: the key cannot be removed.
    """
    if not _keyring(provider):
        return False
    import keyring

    try:
        keyring.delete_password(SERVICE, provider)
    except Exception as error:
        raise CredentialsError("key.not_forgotten", provider=provider, reason=type(error).__name__) from None
    return True


def sources(provider: KeyOwner, settings: Settings, only: str = "") -> Iterator[Key]:
    """Yield a provider's keys by precedence; lazily, since asking the keyring may prompt the user."""
    if not only and provider.name in settings.logins:
        yield settings.logins[provider.name]
    for name in (only,) if only else _variables(provider, settings):
        if name in settings.keys:
            yield checked(settings.keys[name])
    if only:
        return
    if provider.key_file:
        path = Path(provider.key_file).expanduser()
        with contextlib.suppress(OSError, UnicodeDecodeError):
            if text := path.read_text(encoding="utf-8").strip():
                yield checked(Key(text, provider.key_file))
    if text := _keyring(provider.name):
        yield checked(Key(text, Phrase("key.from.keyring", {})))


def _variables(provider: KeyOwner, settings: Settings) -> tuple[str, ...]:
    own = settings.provider == provider.name or (not settings.provider and not provider.name.startswith("dashscope"))
    return (*provider.key_variables, "WAN_API_KEY") if own else provider.key_variables


def _variables_text(provider: KeyOwner, settings: Settings) -> str:
    """Return the variables that a user can set, as text."""
    first, *others = _variables(provider, settings) or (f"WAN_API_KEY (WAN_PROVIDER={provider.name})",)
    return reduce(lambda one, other: Phrase("part.either", {"one": one, "other": other}), others, first)


def checked(key: Key) -> Key:
    """Return a key if it can be a header's value; one with line ends could add headers of its own.

    Raises:
        CredentialsError: it is empty, or has white space or characters that a header cannot hold.
    """
    text = key.reveal()
    if not text or not text.isascii() or not text.isprintable() or any(blank in text for blank in " \t"):
        raise CredentialsError("key.unusable", source=key.source)
    return key


def _keyring(provider: str) -> str:
    try:
        import keyring  # an extra
    except ImportError:
        return ""
    try:
        return keyring.get_password(SERVICE, provider) or ""
    except Exception:  # backends without a desktop raise anything; the keyring is only one source of several
        return ""
