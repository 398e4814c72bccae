"""A picture and a sentence in, a video out, inside a notebook cell.

In a notebook: `%load_ext wan_jupyter`, then a cell that begins with `%%wan cat.png -d 5` and holds a prompt. In Python:

    session = wan_jupyter.Session()
    job = session.submit("A cat looks up", image="cat.png", duration=5)
    video = await job        # or job.result(timeout=600)

The import is cheap: heavy libraries are imported when they are first used.
"""

from __future__ import annotations

import sys
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .jobs.job import Job, last
    from .media.samples import sample
    from .media.video.video import Video
    from .notebook.completion.candidates import CompletionContext
    from .request.options import VideoRequest
    from .session.session import Session
    from .status import Status

__version__ = "0.1.0"
__all__ = [
    "Job",
    "Session",
    "Status",
    "Video",
    "VideoRequest",
    "allow_nested_asyncio",
    "errors",
    "last",
    "sample",
    "testing",
]

_MODULES = ("errors", "testing")
_HOMES = MappingProxyType(
    {
        "Job": "jobs.job",
        "Session": "session",
        "Status": "status",
        "Video": "media.video.video",
        "VideoRequest": "request",
        "last": "jobs.job",
        "sample": "media.samples",
    }
)


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name in _MODULES:
        return import_module(f".{name}", __name__)
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted([*__all__, *(name for name in globals() if name.startswith("__"))])


def allow_nested_asyncio() -> None:
    """Let `asyncio.run` work inside a cell, for teaching scripts that call it.

    It patches asyncio for the whole process, so `wan_jupyter` neither needs it nor calls it by itself. It uses
    `nest_asyncio2`, which is maintained: `nest_asyncio` 1.6.0 is archived and loses queued cells on ipykernel 7.2 and
    later.
    """
    import nest_asyncio2

    nest_asyncio2.apply()


def load_ipython_extension(ip: Any) -> None:
    """Register the magics and the renderers: `%load_ext wan_jupyter`."""
    from .notebook import completion, display, magics

    display.install(ip)
    ours = magics.register(ip)

    def context() -> CompletionContext:
        from .notebook.completion.sources import context_of

        return context_of(ours.state)

    completion.install(ip, context)
    ours.greet()


def unload_ipython_extension(ip: Any) -> None:
    """Undo what loading did; jobs under way continue: `%unload_ext wan_jupyter`."""
    from .notebook import completion, display, magics

    completion.uninstall(ip)
    magics.unregister(ip)
    display.uninstall(ip)


def _install_in_running_shell() -> None:
    """Let `Job` and `Video` show themselves in a notebook that only imports the package; IPython is not imported."""
    ipython = sys.modules.get("IPython")
    ip = ipython.get_ipython() if ipython is not None and hasattr(ipython, "get_ipython") else None
    if ip is not None:
        from .notebook import display

        display.install(ip)


_install_in_running_shell()
