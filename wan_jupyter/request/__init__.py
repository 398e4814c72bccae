"""Requests: the options of a request and of a cell, how they are read, and how a request is built."""

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
