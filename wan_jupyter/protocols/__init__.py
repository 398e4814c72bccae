"""Wire protocols, one file each, without I/O; `base` declares what they have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from .base import Protocol
from .dashscope import DashScope
from .new_api_generations import VideoGenerations
from .new_api_videos import Videos
from .openai_videos import OpenAIVideos

# A protocol's name in the catalog to its class, called with a base URL and, if it has several, a dialect.
PROTOCOLS: Mapping[str, Callable[..., Protocol]] = MappingProxyType(
    {
        "dashscope": DashScope,
        "video-generations": VideoGenerations,
        "videos": Videos,
        "openai-videos": OpenAIVideos,
    }
)
