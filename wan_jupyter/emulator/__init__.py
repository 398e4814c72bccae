"""A pretend video service that answers as the real ones do and makes real MP4s, free of charge.

It is the provider of newcomers and classes, and the other side in tests. It shares no code with the client of
this package: the two meet over literal wire examples only. Importing this name is cheap; the machinery
(Starlette, Pillow, PyAV) is loaded by `create_app` and by the first clip.
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
    """Make the service as an ASGI app whose tasks live as files in the folder `state`.

    `speed` divides every duration of a task's life (at 1: PENDING for 1 s, done after 6 s). `clip_seconds`
    shortens every clip, never the bill. `strict_paths` refuses first-and-last-frame models on the general
    path. `videos_dialect` is one of "ope", "openai", "new-api".
    `gateway` is the generation of the gateway on `/v1/video/generations` (and, for "new-api", on `/v1/videos`):
    "classic", the one of the seed document's samples, or "public-id". `openai_server` is whose quirks the dialect
    "openai" has: "vllm-omni" or "sglang"; it serves `served_model`, Wan 2.2 I2V unless named. `clips` is
    the folder of rendered clips, named by what they show, which several services may share; by default one in
    `state`. `now` gives the time in seconds since 1970.
    The app needs no lifespan; several apps, also in several processes, may serve one folder.
    Raises ValueError for a speed or a clip length that is not above zero, and for an unknown dialect, gateway or
    server.
    """
    from .app import build
    from .settings import SERVED_MODEL, Settings

    served = served_model or SERVED_MODEL
    checked = Settings.checked(
        state, speed, clip_seconds, strict_paths, videos_dialect, now, gateway, openai_server, served, clips
    )
    return build(checked)
