"""Views in; HTML, posters and plain text out. Floor 2: pure, and the only maker of HTML in the package.

`views` what goes in · `markup` safe text and escaped HTML · `live` the card of a running job · `pace` its bar, bytes
and times · `board` many jobs in one table · `final` the player of a finished video · `static` what remains without a
kernel, and what a terminal shows.
"""

from __future__ import annotations

from ..text import clean, one_line
from .board import board, board_still, tally
from .final import player
from .live import card, frame, state_words
from .markup import Bundle, style
from .pace import elapsed
from .sound import SOUND_SECONDS, sound
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
