"""Who is looking: a notebook with widgets, a headless run, or a terminal.

Facts: reference/jupyter-platform.md sections A4 and E (2026-11-21). Everything is read from the shell at the moment
of the cell, since one kernel can be used from several front ends.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ...config.settings import Settings

MB = 1024 * 1024
EMBED_FILE = 8 * MB  # largest video that is embedded in a notebook by default
EMBED_TOTAL = 32 * MB  # and the most for all of them together


@dataclass(frozen=True, slots=True)
class FrontEnd:
    """How to show and whether to wait.

    Attributes:
        face: "widget" (a live card), "text" (one static display that is updated) or "terminal".
        waits: whether a cell waits for its video where `--wait`/`--no-wait` is not typed.
        embeds: whether a linked video would not play here, so that it is always embedded.
        quiet: whether nothing is shown before the end.
    """

    face: str
    waits: bool
    embeds: bool = False
    quiet: bool = False


NOTEBOOK = FrontEnd("widget", waits=False)
VS_CODE = FrontEnd("widget", waits=False, embeds=True)
COLAB = FrontEnd("text", waits=True, embeds=True)
HEADLESS = FrontEnd("text", waits=True)
TERMINAL = FrontEnd("terminal", waits=True)


def detect(ip: Any) -> FrontEnd:
    """Return the front end that the cell which runs now came from, as the user wants it to be treated."""
    found = _found(ip)
    progress, waits = user_setting(ip, "progress", "auto"), user_setting(ip, "wait", "auto")
    if progress == "none":
        found = replace(found, quiet=True)
    elif found.face != "terminal" and progress != "auto":  # without a kernel there is nothing else
        found = replace(found, face=progress)
    return found if waits == "auto" else replace(found, waits=waits == "always")


def _found(ip: Any) -> FrontEnd:
    if getattr(ip, "kernel", None) is None:
        return TERMINAL
    if "google.colab" in sys.modules:
        return COLAB
    if _asked_without_stdin(ip):
        return HEADLESS
    return VS_CODE if "__vsc_ipynb_file__" in ip.user_ns else NOTEBOOK


def is_heard(ip: Any) -> bool:
    """Tell whether what is said now has a place: a kernel that loads its profile's extensions runs no cell yet."""
    if getattr(ip, "kernel", None) is None:
        return True
    try:
        return bool(ip.get_parent())
    except Exception:
        return True


def user_setting(ip: Any, name: str, usual: str) -> str:
    """Return what the user set with `%config WanMagics.…`, `usual` where the magics are not loaded."""
    manager = getattr(ip, "magics_manager", None)
    ours = manager.registry.get("WanMagics") if manager is not None else None
    return str(getattr(ours, name, usual))


def settings_of(ip: Any) -> Settings:
    """Return the settings; those of the environment alone where a file is wrong, which a session will say."""
    from ...config.settings import read_settings
    from ...errors import SettingsError

    notebook = str(ip.user_ns.get("__vsc_ipynb_file__", ""))
    try:
        return read_settings(notebook=notebook)
    except SettingsError:
        return read_settings(notebook=notebook, files=False)


def _asked_without_stdin(ip: Any) -> bool:
    """Tell whether nobody could answer a question: nbclient, nbconvert and papermill say so in each request."""
    try:
        return ip.get_parent()["content"].get("allow_stdin") is False
    except (AttributeError, KeyError, TypeError):
        return False
