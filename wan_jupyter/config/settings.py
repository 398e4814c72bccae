"""Read the settings in force from the environment, `%config` and the settings files.

`Settings` are read where a session or the magics begin, and passed down; no lower module reads the environment.
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
from .folders import Folders, home_folder, notebook_folder, system_languages
from .setting_names import CONFIG, OPTION_DEFAULTS
from .settings_files import NamedSession, ParsedFile, project_file, user_file

OUTPUTS = "wan_outputs"
KEYS = ("DASHSCOPE_API_KEY", "WAN_API_KEY")
NOTHING: Mapping[str, Any] = MappingProxyType({})
# Environment variable of each setting that has one.
VARIABLES: Mapping[str, str] = MappingProxyType(
    {"provider": "WAN_PROVIDER", "model": "WAN_MODEL", "base_url": "WAN_BASE_URL", "language": "WAN_LANG"}
)
OFF = ("", "0", "no", "false")  # values of a variable that switches something on

Layer = Mapping[str, tuple[Any, str]]  # settings by name, each with its source as remarks name it


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings in force.

    Attributes:
        home: folder of the journal, the spooled inputs and the emulator's state.
        notebook: the notebook's folder, else the working directory.
        provider, base_url: the environment's alone; `WAN_API_KEY` belongs to that provider.
        chosen: the provider or named session to use where the caller names none.
        outputs: the folder for videos, None for the default one.
        keys, logins: API keys, by environment variable; typed at `%wan login`, by provider or session.
        defaults: values for options that a request leaves open, by field name, each with its source.
        sessions: the user's named sessions.
        budget: the limit for sessions without one of their own.
        shared_key: whether others use the same key (`WAN_SHARED_KEY`), so that a task in its list may be theirs.
        emulator: options of the built-in emulator (`speed`, `clip_seconds`).
        notices: what the user should know about the files: message keys with their values.
    """

    home: Path
    notebook: Path
    provider: str = ""
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


def read_settings(
    environ: Mapping[str, str] | None = None,
    notebook: str = "",
    *,
    fixed: Folders | None = None,
    files: bool = True,
    config: Mapping[str, Any] = NOTHING,
) -> Settings:
    """Return the settings in force now.

    For each setting, the first layer that has it wins::

        option         what a cell or call sets        applied by `catalog.defaults.plan_with`
        session        `[sessions.NAME]`               applied by `provider_selection.select_provider`
        environment    `WAN_MODEL`, `WAN_LANG`, …      `_environment_layer`
        %config        `%config WanMagics.model = …`   `_config_layer`
        project file   `[tool.wan_jupyter]`            `_file_layer`
        user file      `$WAN_HOME/settings.toml`       `_file_layer`
        defaults       the system's language, …        `_default_layer`

    Args:
        environ: the environment; the process's own by default.
        notebook: the notebook's path, if the front end names it.
        fixed: the home and the notebook folder, if they are known already.
        files: whether to read the settings files.
        config: what `%config WanMagics.…` set in this shell, by name.

    Raises:
        SettingsError: a settings file is wrong; the error names file and line.
    """
    env = os.environ if environ is None else environ
    home = fixed.home if fixed else home_folder(env)
    folder = fixed.notebook if fixed else notebook_folder(env, notebook)
    user, project = (user_file(home), project_file(folder)) if files else (ParsedFile(), ParsedFile())
    found = _merge(
        _environment_layer(env),
        _config_layer(config),
        _file_layer(project, Path(project.source).parent),
        _file_layer(user, folder),
        _default_layer(env),
    )
    values = {name: value for name, (value, _) in found.items()}
    return Settings(
        home=home,
        notebook=folder,
        provider=_environment_layer(env).get("provider", ("", ""))[0],
        base_url=values["base_url"],
        language=language_of(values["language"]),
        chosen=values["provider"],
        outputs=values["outputs"],
        embed=values["embed"],
        keys=_keys(env, user),
        defaults={name: found[name] for name in OPTION_DEFAULTS if name in found},
        sessions=user.sessions,
        budget=values["budget"],
        shared_key=env.get("WAN_SHARED_KEY", "").strip().lower() not in OFF,
        emulator=_emulator(env),
        notices=_notices(project),
    )


def read_settings_with_warnings() -> Settings:
    """Return the settings in force now; warn the caller's caller of what the files say without effect."""
    found = read_settings()
    for key, values in found.notices:
        warnings.warn(tr(key, **values), stacklevel=3)
    return found


# ---- layers -----------------------------------------------------------------------------------------------------


def _merge(*layers: Layer) -> Layer:
    """Return every setting with its source; of several layers that have it, the first wins."""
    merged: dict[str, tuple[Any, str]] = {}
    for layer in layers:
        merged = {**layer, **merged}
    return merged


def _environment_layer(environ: Mapping[str, str]) -> Layer:
    said = {name: (environ.get(variable, "").strip(), variable) for name, variable in VARIABLES.items()}
    return {name: (value, variable) for name, (value, variable) in said.items() if value}


def _config_layer(config: Mapping[str, Any]) -> Layer:
    said = {name: value.strip() if isinstance(value, str) else value for name, value in config.items()}
    return {name: (value, CONFIG) for name, value in said.items() if value != ""}


def _file_layer(file: ParsedFile, folder: Path) -> Layer:
    """Return a file's settings; a relative outputs folder starts at `folder`."""
    found = {name: (value, file.source) for name, value in file.values.items()}
    if "outputs" in found:
        outputs = (folder / Path(file.values["outputs"]).expanduser()).absolute()
        found["outputs"] = (outputs, file.source)
    return found


def _default_layer(environ: Mapping[str, str]) -> Layer:
    language = next(iter(system_languages(environ)), "")
    plain = {"provider": "", "base_url": "", "language": language, "outputs": None, "embed": "auto", "budget": None}
    return {name: (value, "") for name, value in plain.items()}


# ---- the environment's own --------------------------------------------------------------------------------------


def _keys(environ: Mapping[str, str], user: ParsedFile) -> Mapping[str, Key]:
    """Return the keys in the environment: in our own variables and in those that named sessions declare."""
    variables = (*KEYS, *(named.key_variable for named in user.sessions.values()))
    return {name: Key(environ[name], name) for name in variables if environ.get(name, "").strip()}


def _notices(project: ParsedFile) -> tuple[tuple[str, Mapping[str, str]], ...]:
    values = {"file": project.source, "names": ", ".join(shorten(name) for name in project.ignored)}
    return (("settings.ignored", values),) if project.ignored else ()


def _emulator(environ: Mapping[str, str]) -> dict[str, float]:
    """Return the emulator's options; ignore a value that is not a number, which must not stop a class."""
    names = {"WAN_EMULATOR_SPEED": "speed", "WAN_EMULATOR_CLIP_SECONDS": "clip_seconds"}
    found = {}
    for variable, name in names.items():
        try:
            found[name] = float(environ[variable])
        except (KeyError, ValueError):
            continue
    return found
