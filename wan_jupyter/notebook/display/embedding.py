"""Whether a video is embedded in the notebook or linked: the user's limits, and the bytes embedded so far."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .frontend import EMBED_FILE, EMBED_TOTAL, MB, FrontEnd, user_setting
from .views import Page

LIMITS = (("embed_limit_mb", EMBED_FILE), ("embed_total_mb", EMBED_TOTAL))


class EmbeddingPolicy:
    """Decides how the videos of one shell are embedded.

    Attributes:
        page: the notebook; what it embeds counts for as long as the kernel lives.
        widget_page: the widgets, which no notebook keeps, so they have a budget of their own.
        default: "auto", "always" or "never" from the settings, for where nothing else was set.
    """

    def __init__(self, ip: Any, folder: Path, default: str) -> None:
        self._ip = ip
        self.page, self.widget_page = Page(folder), Page(folder)
        self.default = default

    def choose(self, front: FrontEnd, asked: str = "") -> str:
        """Return "auto", "always" or "never": as typed (`asked`), else as set with %config, else the default.

        The notebook's limits are read from %config as well, so a change applies to the next video.
        """
        self.page.largest, self.page.most = (
            float(user_setting(self._ip, name, f"{limit / MB}")) * MB for name, limit in LIMITS
        )
        policy = asked or user_setting(self._ip, "embed", "") or self.default
        return "always" if front.embeds and policy == "auto" else policy

    def unlimited_page(self) -> Page:
        """Return a page that counts nothing for the notebook: for a video that goes into somebody's widget."""
        return Page(self.page.folder)
