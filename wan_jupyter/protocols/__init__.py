"""Wire protocols: one file each, no I/O. See `base` for the shape they share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from .base import Protocol
from .dashscope import DashScope
from .new_api_generations import VideoGenerations
from .new_api_videos import Videos
from .openai_videos import OpenAIVideos

# Protocol to what speaks it: given a base URL and, where it has several, a dialect.
PROTOCOLS: Mapping[str, Callable[..., Protocol]] = MappingProxyType(
    {
        "dashscope": DashScope,
        "video-generations": VideoGenerations,
        "videos": Videos,
        "openai-videos": OpenAIVideos,
    }
)
