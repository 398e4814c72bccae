"""Views in; HTML, posters and plain text out. Floor 2: pure, and the only maker of HTML in the package.

`views` what goes in · `markup` safe text and escaped HTML · `live` the card of a running job · `pace` its bar, bytes
and times · `board` many jobs in one table · `final` the player of a finished video · `static` what remains without a
kernel, and what a terminal shows.
"""

from __future__ import annotations

from ..security.sanitize import clean, one_line
from .card import card, frame, state_words
from .chime import SOUND_SECONDS, sound
from .html import Bundle, style
from .job_table import board, board_still, tally
from .player import player
from .progress import elapsed
from .static import line, page, still, table
from .views import CardView, PlayerView

__all__ = [
    "SOUND_SECONDS",
    "Bundle",
    "CardView",
    "PlayerView",
    "board",
    "board_still",
    "card",
    "clean",
    "elapsed",
    "frame",
    "line",
    "one_line",
    "page",
    "player",
    "sound",
    "state_words",
    "still",
    "style",
    "table",
    "tally",
]
