"""Turns views into HTML, thumbnails and plain text. Pure, and the only package that makes HTML.

`views` are the input; `html` escapes by construction; `card` and `job_table` draw running jobs, with `progress` for
bars, bytes and times; `player` draws a finished video; `static` draws what stays without a kernel and what a terminal
shows; `composer` draws the form; `columns` measures text.
"""

from __future__ import annotations

from ..security.sanitize import clean, one_line
from .card import card_details, live_card, state_words
from .chime import SOUND_SECONDS, sound
from .html import Bundle, style
from .job_table import live_job_table, static_job_table, status_counts
from .player import video_player
from .progress import elapsed
from .static import static_card, table, terminal_line, text_block
from .views import CardView, PlayerView

__all__ = [
    "SOUND_SECONDS",
    "Bundle",
    "CardView",
    "PlayerView",
    "card_details",
    "clean",
    "elapsed",
    "live_card",
    "live_job_table",
    "one_line",
    "sound",
    "state_words",
    "static_card",
    "static_job_table",
    "status_counts",
    "style",
    "table",
    "terminal_line",
    "text_block",
    "video_player",
]
