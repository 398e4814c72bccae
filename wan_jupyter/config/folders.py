"""The folders that stay the same for a session's life: home and notebook. Part of `%load_ext`, so it imports little."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Folders:
    """The home with journal and settings, and the folder of the notebook."""

    home: Path
    notebook: Path


def find_folders(environ: Mapping[str, str], notebook: str = "") -> Folders:
    """Return the folders; `notebook` is the notebook's path if the front end names it."""
    return Folders(home_folder(environ), notebook_folder(environ, notebook))


def system_languages(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the system's language tags in POSIX order of precedence; "C" and "POSIX" name no language."""
    named = (environ.get(name, "") for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    return tuple(tag for tag in named if tag.strip() and tag.partition(".")[0] not in ("C", "POSIX"))


def home_folder(environ: Mapping[str, str]) -> Path:
    """Return `$WAN_HOME`, by default the user data folder of the system."""
    if environ.get("WAN_HOME"):
        return Path(environ["WAN_HOME"]).expanduser().absolute()
    import platformdirs

    return Path(platformdirs.user_data_dir("wan_jupyter", appauthor=False))


def notebook_folder(environ: Mapping[str, str], notebook: str) -> Path:
    """Return where to put `wan_outputs/`: beside the notebook if its path is known, else in the working folder."""
    for name in (notebook, environ.get("JPY_SESSION_NAME", "")):
        if name and Path(name).is_file():
            return Path(name).absolute().parent
    return Path.cwd()
