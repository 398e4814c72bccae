"""The options of one emulator."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

VIDEOS_DIALECTS = ("ope", "openai", "new-api")
GATEWAYS = ("classic", "public-id")
OPENAI_SERVERS = ("vllm-omni", "sglang")
SERVED_MODEL = "Wan-AI/Wan2.2-I2V-A14B-Diffusers"


@dataclass(frozen=True)
class Settings:
    """The arguments of `create_app`, validated."""

    state: Path
    speed: float
    clip_seconds: float | None
    strict_paths: bool
    videos_dialect: str
    now: Callable[[], float]
    gateway: str = GATEWAYS[0]
    openai_server: str = OPENAI_SERVERS[0]
    served_model: str = SERVED_MODEL
    clips: Path | None = None

    @classmethod
    def checked(
        cls,
        state: str | os.PathLike[str],
        speed: float,
        clip_seconds: float | None,
        strict_paths: bool,
        videos_dialect: str,
        now: Callable[[], float],
        gateway: str = GATEWAYS[0],
        openai_server: str = OPENAI_SERVERS[0],
        served_model: str = SERVED_MODEL,
        clips: str | os.PathLike[str] | None = None,
    ) -> Settings:
        """Return validated settings.

        Raises:
            ValueError: a value that cannot work.
        """
        if not speed > 0:
            raise ValueError(f"speed must be above zero, not {speed}")
        if clip_seconds is not None and not 0 < clip_seconds <= 60:
            raise ValueError(f"clip_seconds must be above 0 and at most 60, not {clip_seconds}")
        _one_of("videos_dialect", videos_dialect, VIDEOS_DIALECTS)
        _one_of("gateway", gateway, GATEWAYS)
        _one_of("openai_server", openai_server, OPENAI_SERVERS)
        shared = Path(clips) if clips is not None else None
        server = (gateway, openai_server, served_model)
        return cls(Path(state), speed, clip_seconds, strict_paths, videos_dialect, now, *server, shared)


def _one_of(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ValueError(f"{name} must be one of {', '.join(known)}, not {value}")


def default_state() -> Path:
    """Return the default folder: below $WAN_HOME, else in the user's data folder."""
    home = os.environ.get("WAN_HOME")
    if home:
        return Path(home).expanduser() / "emulator"
    import platformdirs

    return platformdirs.user_data_path("wan_jupyter", appauthor=False) / "emulator"
