"""Where a key comes from. Floor 3: reads settings, a key file and, last, the keyring.

Order: explicit, typed in at `%wan login`, environment, the vendor's key file, keyring. A provider's row names what its
key may come from, so that a key never goes to a provider it was not meant for: `WAN_API_KEY` is for the provider that
`WAN_PROVIDER` names, else for one that is not DashScope and was named in code.
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
    """What is asked of a provider's row."""

    @property
    def name(self) -> str: ...
    @property
    def key(self) -> str: ...
    @property
    def key_variables(self) -> tuple[str, ...]: ...
    @property
    def key_file(self) -> str: ...


def find_key(row: KeyOwner, settings: Settings, explicit: str | Key | None = None, only: str = "") -> Key | None:
    """Return the key for a provider, None where it takes none; from the variable `only`, where one is given.

    Raises:
        CredentialsError: the provider needs a key and none was found.
    """
    if row.key == "none":
        return None
    if row.key == "built-in":
        return Key("emulated", Phrase("key.from.emulator", {}))
    if isinstance(explicit, Key):
        return explicit
    if explicit:
        return checked(Key(explicit, Phrase("key.from.argument", {})))
    found = next(sources(row, settings, only), None)
    if found is None and (only or row.key == "required"):
        raise CredentialsError("key.missing", provider=row.name, variable=only or _named(row, settings))
    return found


def has_key(row: KeyOwner, settings: Settings) -> bool:
    """Tell whether a key for a provider can be found, without asking the keyring twice."""
    return next(sources(row, settings), None) is not None


def store_key(provider: str, key: Key) -> str:
    """Store a provider's key in this machine's keyring, and return what that calls itself.

    Raises:
        CredentialsError: there is no keyring, or it does not take the key.
    """
    try:
        import keyring  # an extra

        keyring.set_password(SERVICE, provider, key.reveal())
        return str(keyring.get_keyring().name)
    except ImportError:
        problem = CredentialsError("key.no_keyring", provider=provider)
    except Exception as error:  # each backend raises its own
        problem = CredentialsError("key.not_kept", provider=provider, reason=type(error).__name__)
    raise problem


def forget_key(provider: str) -> bool:
    """Take a provider's key out of the keyring; False where there is none.

    Raises:
        CredentialsError: it is there and cannot be taken out.
    """
    if not _keyring(provider):
        return False
    import keyring

    try:
        keyring.delete_password(SERVICE, provider)
    except Exception as error:
        raise CredentialsError("key.not_forgotten", provider=provider, reason=type(error).__name__) from None
    return True


def sources(row: KeyOwner, settings: Settings, only: str = "") -> Iterator[Key]:
    """Yield the keys that a provider could have, the one that counts first; the keyring is asked last."""
    if not only and row.name in settings.logins:
        yield settings.logins[row.name]
    for name in (only,) if only else _variables(row, settings):
        if name in settings.keys:
            yield checked(settings.keys[name])
    if only:
        return
    if row.key_file:
        path = Path(row.key_file).expanduser()
        with contextlib.suppress(OSError, UnicodeDecodeError):
            if text := path.read_text(encoding="utf-8").strip():
                yield checked(Key(text, row.key_file))
    if text := _keyring(row.name):
        yield checked(Key(text, Phrase("key.from.keyring", {})))


def _variables(row: KeyOwner, settings: Settings) -> tuple[str, ...]:
    own = settings.provider == row.name or (not settings.provider and not row.name.startswith("dashscope"))
    return (*row.key_variables, "WAN_API_KEY") if own else row.key_variables


def _named(row: KeyOwner, settings: Settings) -> str:
    """Return the variables that would do, as a user sets them: WAN_API_KEY belongs to the provider in WAN_PROVIDER."""
    first, *others = _variables(row, settings) or (f"WAN_API_KEY (WAN_PROVIDER={row.name})",)
    return reduce(lambda one, other: Phrase("part.either", {"one": one, "other": other}), others, first)


def checked(key: Key) -> Key:
    """Return a key that can be a header's value; one that could break out of the header is refused.

    Raises:
        CredentialsError: it is none.
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
    except Exception:  # a keyring without a desktop raises many things; it is only a source among others
        return ""
