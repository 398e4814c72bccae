"""A local stand-in for the video services: it answers as they do and renders real MP4s, free of charge.

It is the default provider for newcomers and classes, and the service in this project's tests. It shares no code with
the client: the two meet over literal wire examples only. Importing this package is cheap; Starlette, Pillow and PyAV
are loaded by `create_app` and the first clip.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp

__all__ = ["create_app"]


def create_app(
    state: str | os.PathLike[str],
    *,
    speed: float = 1.0,
    clip_seconds: float | None = None,
    strict_paths: bool = False,
    videos_dialect: str = "ope",
    gateway: str = "classic",
    openai_server: str = "vllm-omni",
    served_model: str | None = None,
    clips: str | os.PathLike[str] | None = None,
    now: Callable[[], float] = time.time,
) -> ASGIApp:
    """Return the service as an ASGI app whose tasks are files in the folder `state`.

    The app needs no lifespan. Several apps, also in several processes, may serve one folder.

    Args:
        state: folder of tasks, inputs and clips; created if missing.
        speed: divides every duration of a task's life (at 1: PENDING for 1 s, done after 6 s).
        clip_seconds: length of every clip; bills still follow the request. None: as requested.
        strict_paths: refuse first-and-last-frame models on the general path.
        videos_dialect: what `/v1/videos` speaks: "ope", "openai" or "new-api".
        gateway: generation of new-api on `/v1/video/generations` (and on `/v1/videos` for "new-api"): "classic", where
            task ids are DashScope's own, or "public-id".
        openai_server: server whose quirks the dialect "openai" has: "vllm-omni" or "sglang".
        served_model: the model that server has loaded; Wan 2.2 I2V by default.
        clips: folder of rendered clips, which several services may share; by default in `state`.
        now: returns the time in epoch seconds.

    Raises:
        ValueError: speed or clip length not above zero, or an unknown dialect, gateway or server.
    """
    from .app import build
    from .settings import SERVED_MODEL, Settings

    served = served_model or SERVED_MODEL
    checked = Settings.checked(
        state, speed, clip_seconds, strict_paths, videos_dialect, now, gateway, openai_server, served, clips
    )
    return build(checked)
