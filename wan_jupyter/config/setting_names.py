"""The settings that a user can give, and in which places: the one list that files, `%config` and sessions share."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

USER = "user"  # `$WAN_HOME/settings.toml`
PROJECT = "project"  # `[tool.wan_jupyter]` of a `pyproject.toml`, which may come from anywhere
CONFIG = "%config"  # `%config WanMagics.…`; also the source that remarks name
SESSION = "session"  # `[sessions.NAME]` in the user's file

# Default values for options of a request; a cell that sets the option overrides them.
OPTION_DEFAULTS = ("model", "duration", "resolution", "negative_prompt")

# A project's file may say how videos are made and shown, never where a key goes or what may be spent: opening a cloned
# repository must not redirect a key. `%config` has `outputs`, too; the session resolves that one itself.
PLACES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "provider": (USER, CONFIG, SESSION),
        "base_url": (SESSION,),
        "key_variable": (SESSION,),
        "budget": (USER, SESSION),
        **dict.fromkeys(OPTION_DEFAULTS, (USER, PROJECT, CONFIG, SESSION)),
        "embed": (USER, PROJECT, CONFIG),
        "outputs": (USER, PROJECT),
        "language": (USER, PROJECT, CONFIG),
    }
)


def names_in(place: str) -> tuple[str, ...]:
    """Return the names of the settings that can be given in a place."""
    return tuple(name for name, places in PLACES.items() if place in places)
