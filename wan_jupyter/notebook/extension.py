"""Load and unload the IPython extension: magics, renderers and completion of one shell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import completion, display, magics

if TYPE_CHECKING:
    from .completion.candidates import CompletionContext


def load(ip: Any) -> None:
    """Register magics, renderers and completion with a shell, and say whether jobs were left unfinished."""
    display.install(ip)
    ours = magics.register(ip)

    def context() -> CompletionContext:
        # Imported by the first Tab, not by `%load_ext`.
        from .completion.sources import context_of

        return context_of(ours.state)

    completion.install(ip, context)
    ours.greet()


def unload(ip: Any) -> None:
    """Undo `load`; jobs under way continue."""
    completion.uninstall(ip)
    magics.unregister(ip)
    display.uninstall(ip)
