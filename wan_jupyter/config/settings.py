"""What the environment and the settings files say. Floor 3: reads them, and nothing else.

A `Settings` is read where a session or the magics begin, and handed down; nothing below reads the environment. Option >
session > environment > `%config` > the project's file, as far as it has the right > the user's own file > catalogue.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ..billing.budget import Budget
from ..i18n.messages import language_of, tr
from ..i18n.suggestions import shorten
from ..security.api_key import Key
from .settings_files import NamedSession, ParsedFile, project_file, user_file

OUTPUTS = "wan_outputs"
KEYS = ("DASHSCOPE_API_KEY", "WAN_API_KEY")
NOTHING: Mapping[str, Any] = MappingProxyType({})
WISHED = "%config"  # where a wish comes from, in sentences
DEFAULTS = ("model", "duration", "resolution", "negative_prompt")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What was found in the environment and in the settings files.

    Attributes:
        home: folder of the journal, the spool and the emulator.
        keys: the keys in the variables that a key may come from.
        logins: the keys that were typed in at `%wan login`, by provider or session.
        notebook: the folder of the notebook, else the working directory.
        provider, base_url: those of the environment; the user's file has `chosen`.
        chosen: the provider or named session that `%config`, else the user's file is set to.
        outputs: the folder for videos, None for the usual one.
        defaults: values for options that are not typed, by field name, each with where it comes from.
        sessions: the user's named sessions.
        budget: what a session may spend that has none of its own.
        shared_key: whether others use the same key (`WAN_SHARED_KEY`), so that a task in its list may be theirs.
        emulator: how the built-in emulator runs (`speed`, `clip_seconds`).
        notices: what the user should know about the files, as message keys with their values.
    """

    home: Path
    notebook: Path
    provider: str = ""
    model: str = ""
    base_url: str = ""
    language: str = "en"
    chosen: str = ""
    outputs: Path | None = None
    embed: str = "auto"
    keys: Mapping[str, Key] = field(default_factory=dict)
    logins: Mapping[str, Key] = field(default_factory=dict)
    defaults: Mapping[str, tuple[Any, str]] = field(default_factory=dict)
    sessions: Mapping[str, NamedSession] = field(default_factory=dict)
    budget: Budget | None = None
    shared_key: bool = False
    emulator: Mapping[str, Any] = field(default_factory=dict)
    notices: tuple[tuple[str, Mapping[str, str]], ...] = ()

    @property
    def usual(self) -> Mapping[str, tuple[Any, str]]:
        """The values for options that are not typed; the environment's model goes before the files'."""
        return {**self.defaults, "model": (self.model, "WAN_MODEL")} if self.model else self.defaults


def read_settings(
    environ: Mapping[str, str] | None = None,
    notebook: str = "",
    *,
    fixed: Settings | None = None,
    files: bool = True,
    wishes: Mapping[str, Any] = NOTHING,
) -> Settings:
    """Return the settings in force now.

    Args:
        environ: the environment; by default the process's own.
        notebook: the notebook's own path where the front end told it.
        fixed: settings whose home and folder stay as they were.
        files: whether the settings files are read, too.
        wishes: what was set in this shell (`%config WanMagics.…`): it comes after the environment and before the files.

    Raises:
        SettingsError: a settings file is wrong; file and line are named.
    """
    here = os.environ if environ is None else environ
    home = fixed.home if fixed else _home(here)
    folder = fixed.notebook if fixed else _notebook_folder(here, notebook)
    user, project = (user_file(home), project_file(folder)) if files else (ParsedFile(), ParsedFile())
    said = {**user.values, **project.values, **wishes}
    variables = (*KEYS, *(named.key_variable for named in user.sessions.values()))
    return Settings(
        home=home,
        notebook=folder,
        provider=here.get("WAN_PROVIDER", "").strip(),
        model=here.get("WAN_MODEL", "").strip(),
        base_url=here.get("WAN_BASE_URL", "").strip(),
        language=language_of(here.get("WAN_LANG", ""), said.get("language", ""), *_locale(here)),
        chosen=wishes.get("provider", "").strip() or user.values.get("provider", ""),
        outputs=_outputs(user, project, folder),
        embed=said.get("embed", "auto"),
        keys={name: Key(here[name], name) for name in variables if here.get(name, "").strip()},
        defaults={**_defaults(user), **_defaults(project), **_defaults(ParsedFile(WISHED, wishes))},
        sessions=user.sessions,
        budget=user.values.get("budget"),
        shared_key=here.get("WAN_SHARED_KEY", "").strip().lower() not in ("", "0", "no", "false"),
        emulator=_emulator(here),
        notices=_notices(project),
    )


def read_settings_with_warnings() -> Settings:
    """Return the settings in force now for a caller's caller in Python, who is warned of what is ignored."""
    found = read_settings()
    for key, values in found.notices:
        warnings.warn(tr(key, **values), stacklevel=3)
    return found


def _defaults(said: ParsedFile) -> dict[str, tuple[Any, str]]:
    return {name: (said.values[name], said.source) for name in DEFAULTS if name in said.values}


def _outputs(user: ParsedFile, project: ParsedFile, folder: Path) -> Path | None:
    """Return the folder for videos: a project's is beside its file, the user's beside the notebook."""
    if "outputs" in project.values:
        return (Path(project.source).parent / Path(project.values["outputs"]).expanduser()).absolute()
    return (folder / Path(user.values["outputs"]).expanduser()).absolute() if "outputs" in user.values else None


def _notices(project: ParsedFile) -> tuple[tuple[str, Mapping[str, str]], ...]:
    values = {"file": project.source, "names": ", ".join(shorten(name) for name in project.ignored)}
    return (("settings.ignored", values),) if project.ignored else ()


def _locale(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return what the system says of the language, the strongest first; "C" says nothing."""
    named = (environ.get(name, "") for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    return tuple(tag for tag in named if tag.partition(".")[0] not in ("C", "POSIX"))


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
