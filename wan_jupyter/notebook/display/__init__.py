"""Displays in a notebook or terminal: cards, players, tables, the terminal line.

`install` registers renderers by type name, so that a `Job` or `Video` as a cell's last line shows itself; nothing is
imported before that happens.
"""

from __future__ import annotations

from functools import partial
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from .presenter import Presenter

# (module, type) to (module, function): the function shows such a value with the presenter of its shell.
RENDERERS = MappingProxyType(
    {
        ("wan_jupyter.jobs.job", "Job"): (".display.presenter", "show_job"),
        ("wan_jupyter.media.video.video", "Video"): (".display.presenter", "show_video"),
        ("wan_jupyter.session.session", "Composer"): (".composer", "show"),
    }
)
PRESENTER_ATTRIBUTE = "_wan_presenter"
FOLDER_ATTRIBUTE = "_wan_folder"


def install(ip: Any) -> None:
    """Register the renderers with a shell's formatters."""
    formatter = ip.display_formatter.ipython_display_formatter
    for (module, name), (renderer, function) in RENDERERS.items():
        formatter.for_type_by_name(module, name, partial(_render, ip, renderer, function))


def set_notebook_folder(ip: Any, folder: Path) -> None:
    """Fix the folder of a shell's notebook; later changes of the working directory do not move it."""
    setattr(ip, FOLDER_ATTRIBUTE, folder)


def set_language(ip: Any, language: str) -> None:
    """Set the language of a shell's presenter, if there is a presenter yet."""
    if hasattr(ip, PRESENTER_ATTRIBUTE):
        presenter_of(ip).language = language


def uninstall(ip: Any) -> None:
    """Remove the renderers and close the shell's presenter."""
    formatter = ip.display_formatter.ipython_display_formatter
    for module, name in RENDERERS:
        formatter.pop(f"{module}.{name}", None)
    if hasattr(ip, PRESENTER_ATTRIBUTE):
        presenter_of(ip).close()
    for name in (PRESENTER_ATTRIBUTE, FOLDER_ATTRIBUTE):
        if hasattr(ip, name):
            delattr(ip, name)


def presenter_of(ip: Any) -> Presenter:
    """Return the shell's presenter, made on first use."""
    if not hasattr(ip, PRESENTER_ATTRIBUTE):
        from .presenter import Presenter

        setattr(ip, PRESENTER_ATTRIBUTE, Presenter(ip, getattr(ip, FOLDER_ATTRIBUTE, None)))
    found: Presenter = getattr(ip, PRESENTER_ATTRIBUTE)
    return found


def _render(ip: Any, module: str, function: str, value: object) -> None:
    """Show a value; the module is imported, and the presenter made, when first needed."""
    getattr(import_module(module, __package__.rpartition(".")[0]), function)(value, presenter_of(ip))
