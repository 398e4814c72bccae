"""Detect the front end: a notebook with widgets, a headless run, or a terminal.

Everything is read from the shell when a cell runs, since one kernel can be used from several front ends.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ...config.settings import Settings

MB = 1024 * 1024
EMBED_FILE = 8 * MB  # largest video to embed in a notebook, by default
EMBED_TOTAL = 32 * MB  # and all videos together


@dataclass(frozen=True, slots=True)
class FrontEnd:
    """How to show a job, and whether to wait for it.

    Attributes:
        surface: "widget" (a live card), "text" (one static display that is updated) or "terminal".
        waits: whether a cell waits for its video unless `--wait` or `--no-wait` is typed.
        embeds: whether videos are always embedded because a linked one would not play.
        quiet: whether nothing is shown until the end.
    """

    surface: str
    waits: bool
    embeds: bool = False
    quiet: bool = False


NOTEBOOK = FrontEnd("widget", waits=False)
VS_CODE = FrontEnd("widget", waits=False, embeds=True)
COLAB = FrontEnd("text", waits=True, embeds=True)
HEADLESS = FrontEnd("text", waits=True)
TERMINAL = FrontEnd("terminal", waits=True)


def detect(ip: Any) -> FrontEnd:
    """Return the front end of the running cell, with the user's settings applied."""
    found = _detected(ip)
    progress, waits = user_setting(ip, "progress", "auto"), user_setting(ip, "wait", "auto")
    if progress == "none":
        found = replace(found, quiet=True)
    elif found.surface != "terminal" and progress != "auto":  # without a kernel there is only the terminal
        found = replace(found, surface=progress)
    return found if waits == "auto" else replace(found, waits=waits == "always")


def _detected(ip: Any) -> FrontEnd:
    if getattr(ip, "kernel", None) is None:
        return TERMINAL
    if "google.colab" in sys.modules:
        return COLAB
    if _has_no_stdin(ip):
        return HEADLESS
    return VS_CODE if "__vsc_ipynb_file__" in ip.user_ns else NOTEBOOK


def is_heard(ip: Any) -> bool:
    """Return whether output has a place now: a kernel that loads its profile's extensions runs no cell yet."""
    if getattr(ip, "kernel", None) is None:
        return True
    try:
        return bool(ip.get_parent())
    except Exception:
        return True


def user_setting(ip: Any, name: str, default: str) -> str:
    """Return what the user set with `%config WanMagics.…`, `default` if the magics are not loaded."""
    manager = getattr(ip, "magics_manager", None)
    magics = manager.registry.get("WanMagics") if manager is not None else None
    return str(getattr(magics, name, default))


def settings_of(ip: Any) -> Settings:
    """Return the settings; only those of the environment if a file is invalid, which a session will report."""
    from ...config.settings import read_settings
    from ...errors import SettingsError

    notebook = str(ip.user_ns.get("__vsc_ipynb_file__", ""))
    try:
        return read_settings(notebook=notebook)
    except SettingsError:
        return read_settings(notebook=notebook, files=False)


def _has_no_stdin(ip: Any) -> bool:
    """Return whether nobody can answer a question: nbclient, nbconvert and papermill send allow_stdin=False."""
    try:
        return ip.get_parent()["content"].get("allow_stdin") is False
    except (AttributeError, KeyError, TypeError):
        return False
