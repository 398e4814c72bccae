"""Everything that is drawn: the card, the player, the terminal line. Nothing below imports from here.

`install` registers renderers by type name, so that a `Job` or `Video` as a cell's last line shows itself; until that
happens nothing is imported.
"""

from __future__ import annotations

from functools import partial
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from .presenter import Presenter

# (module, type) to the module in `notebook` and its function that shows such a thing with a presenter.
RENDERERS = MappingProxyType(
    {
        ("wan_jupyter.jobs.job", "Job"): (".display.presenter", "show_job"),
        ("wan_jupyter.media.video.video", "Video"): (".display.presenter", "show_video"),
        ("wan_jupyter.session.session", "Composer"): (".composer", "show"),
    }
)
ATTRIBUTE = "_wan_presenter"
FOLDER = "_wan_folder"


def install(ip: Any) -> None:
    """Register the renderers with a shell's formatters."""
    formatter = ip.display_formatter.ipython_display_formatter
    for (module, name), (place, function) in RENDERERS.items():
        formatter.for_type_by_name(module, name, partial(_render, ip, place, function))


def settle(ip: Any, folder: Path) -> None:
    """Say where a shell's notebook lies; it stays so, wherever the working directory moves."""
    setattr(ip, FOLDER, folder)


def speak(ip: Any, language: str) -> None:
    """Have a shell's presenter speak a language, if there is a presenter yet."""
    if hasattr(ip, ATTRIBUTE):
        presenter_of(ip).language = language


def uninstall(ip: Any) -> None:
    """Take the renderers back."""
    formatter = ip.display_formatter.ipython_display_formatter
    for module, name in RENDERERS:
        formatter.pop(f"{module}.{name}", None)
    if hasattr(ip, ATTRIBUTE):
        presenter_of(ip).close()
    for name in (ATTRIBUTE, FOLDER):
        if hasattr(ip, name):
            delattr(ip, name)


def presenter_of(ip: Any) -> Presenter:
    """Return the shell's presenter, made on the first use."""
    if not hasattr(ip, ATTRIBUTE):
        from .presenter import Presenter

        setattr(ip, ATTRIBUTE, Presenter(ip, getattr(ip, FOLDER, None)))
    found: Presenter = getattr(ip, ATTRIBUTE)
    return found


def _render(ip: Any, place: str, function: str, thing: object) -> None:
    """Show a thing; what does so is imported, and the presenter made, when it is first needed."""
    getattr(import_module(place, __package__.rpartition(".")[0]), function)(thing, presenter_of(ip))
