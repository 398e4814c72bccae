"""Where a key comes from. Floor 3: reads settings, a key file and, last, the keyring.

Order: explicit, environment, the vendor's key file, keyring. A provider's row names what its key may come from, so
that a key never goes to a provider it was not meant for: `WAN_API_KEY` is for the provider that `WAN_PROVIDER` names,
else for one that is not DashScope and was named in code.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from .errors import CredentialsError
from .key import Key
from .settings import Settings

SERVICE = "wan_jupyter"


class Asks(Protocol):
    """What is asked of a provider's row."""

    @property
    def name(self) -> str: ...
    @property
    def key(self) -> str: ...
    @property
    def key_variables(self) -> tuple[str, ...]: ...
    @property
    def key_file(self) -> str: ...


def find(row: Asks, settings: Settings, explicit: str | Key | None = None, only: str = "") -> Key | None:
    """Return the key for a provider, None where it takes none; from the variable `only`, where one is given.

    Raises:
        CredentialsError: the provider needs a key and none was found.
    """
    if row.key == "none":
        return None
    if row.key == "built-in":
        return Key("emulated", "the emulator, which needs none")
    if isinstance(explicit, Key):
        return explicit
    if explicit:
        return _clean(Key(explicit, "the session's argument"))
    found = next(_sources(row, settings, only), None)
    if found is None and (only or row.key == "required"):
        names = only or " or ".join(_variables(row, settings))
        raise CredentialsError("key.missing", provider=row.name, variable=names)
    return found


def has_key(row: Asks, settings: Settings) -> bool:
    """Tell whether a key for a provider can be found, without asking the keyring twice."""
    return next(_sources(row, settings), None) is not None


def _sources(row: Asks, settings: Settings, only: str = "") -> Iterator[Key]:
    for name in (only,) if only else _variables(row, settings):
        if name in settings.keys:
            yield _clean(settings.keys[name])
    if only:
        return
    if row.key_file:
        path = Path(row.key_file).expanduser()
        with contextlib.suppress(OSError, UnicodeDecodeError):
            if text := path.read_text(encoding="utf-8").strip():
                yield _clean(Key(text, row.key_file))
    if text := _keyring(row.name):
        yield _clean(Key(text, "keyring"))


def _variables(row: Asks, settings: Settings) -> tuple[str, ...]:
    own = settings.provider == row.name or (not settings.provider and not row.name.startswith("dashscope"))
    return (*row.key_variables, "WAN_API_KEY") if own else row.key_variables


def _clean(key: Key) -> Key:
    """Refuse a key that cannot be a header's value, before it could break out of the header."""
    text = key.reveal()
    if not text.isascii() or not text.isprintable() or any(blank in text for blank in " \t"):
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
