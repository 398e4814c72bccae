"""What one emulator was told when it was made. It knows nothing of HTTP, tasks or clips."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

VIDEOS_DIALECTS = ("ope", "openai", "new-api")


@dataclass(frozen=True)
class Settings:
    """Hold the arguments of `create_app`, checked."""

    state: Path
    speed: float
    clip_seconds: float | None
    strict_paths: bool
    videos_dialect: str
    now: Callable[[], float]

    @classmethod
    def checked(
        cls,
        state: str | os.PathLike[str],
        speed: float,
        clip_seconds: float | None,
        strict_paths: bool,
        videos_dialect: str,
        now: Callable[[], float],
    ) -> Settings:
        """Build the settings; raise ValueError for a value that cannot work."""
        if not speed > 0:
            raise ValueError(f"speed must be above zero, not {speed}")
        if clip_seconds is not None and not 0 < clip_seconds <= 60:
            raise ValueError(f"clip_seconds must be above 0 and at most 60, not {clip_seconds}")
        if videos_dialect not in VIDEOS_DIALECTS:
            known = ", ".join(VIDEOS_DIALECTS)
            raise ValueError(f"videos_dialect must be one of {known}, not {videos_dialect}")
        return cls(Path(state), speed, clip_seconds, strict_paths, videos_dialect, now)


def default_state() -> Path:
    """Name the folder used when none is given: under $WAN_HOME, else in the user's data folder."""
    home = os.environ.get("WAN_HOME")
    if home:
        return Path(home).expanduser() / "emulator"
    import platformdirs

    return platformdirs.user_data_path("wan_jupyter", appauthor=False) / "emulator"
