"""What a video is asked for with: the options of a request and of a cell, and how they are read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .options import VideoRequest

__all__ = ["VideoRequest"]


def __getattr__(name: str) -> Any:
    if name != "VideoRequest":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .options import VideoRequest

    return VideoRequest
