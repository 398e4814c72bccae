"""What the environment says. Floor 3: reads environment variables and the paths they name, nothing else.

A `Settings` is read once, where a session or the magics begin, and handed down; nothing below reads the environment.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .key import Key

OUTPUTS = "wan_outputs"
KEYS = ("DASHSCOPE_API_KEY", "WAN_API_KEY")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What was found in the environment.

    Attributes:
        home: folder of the journal, the spool and the emulator.
        keys: the keys in the variables that a key may come from.
        notebook: the folder of the notebook, else the working directory.
        emulator: how the built-in emulator runs (`speed`, `clip_seconds`).
    """

    home: Path
    notebook: Path
    provider: str = ""
    model: str = ""
    base_url: str = ""
    language: str = "en"
    keys: Mapping[str, Key] = field(default_factory=dict)
    emulator: Mapping[str, Any] = field(default_factory=dict)


def read(environ: Mapping[str, str] | None = None, notebook: str = "") -> Settings:
    """Return the settings in force now. `notebook` is the notebook's own path where the front end told it."""
    here = os.environ if environ is None else environ
    return Settings(
        home=_home(here),
        notebook=_notebook_folder(here, notebook),
        provider=here.get("WAN_PROVIDER", "").strip(),
        model=here.get("WAN_MODEL", "").strip(),
        base_url=here.get("WAN_BASE_URL", "").strip(),
        language=here.get("WAN_LANG", "").strip() or "en",
        keys={name: Key(here[name], name) for name in KEYS if here.get(name, "").strip()},
        emulator=_emulator(here),
    )


def _home(environ: Mapping[str, str]) -> Path:
    if environ.get("WAN_HOME"):
        return Path(environ["WAN_HOME"]).expanduser().absolute()
    import platformdirs

    return Path(platformdirs.user_data_dir("wan_jupyter", appauthor=False))


def _notebook_folder(environ: Mapping[str, str], notebook: str) -> Path:
    """Return where `wan_outputs/` goes: beside the notebook if a front end names it, else the working directory."""
    for name in (notebook, environ.get("JPY_SESSION_NAME", "")):
        if name and Path(name).is_file():
            return Path(name).absolute().parent
    return Path.cwd()


def _emulator(environ: Mapping[str, str]) -> dict[str, float]:
    names = {"WAN_EMULATOR_SPEED": "speed", "WAN_EMULATOR_CLIP_SECONDS": "clip_seconds"}
    found = {}
    for variable, name in names.items():
        try:
            found[name] = float(environ[variable])
        except (KeyError, ValueError):
            continue
    return found
