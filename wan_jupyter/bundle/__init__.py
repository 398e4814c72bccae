"""Views in; HTML, posters and plain text out. Floor 2: pure, and the only maker of HTML in the package.

`views` what goes in · `markup` safe text and escaped HTML · `live` the card of a running job · `final` the
player of a finished video · `static` what remains without a kernel, and what a terminal shows.
"""

from __future__ import annotations

from ..text import clean, one_line
from .final import player
from .live import card, elapsed, state_words
from .markup import Bundle, style
from .static import line, page, still, table
from .views import CardView, PlayerView

__all__ = [
    "Bundle",
    "CardView",
    "PlayerView",
    "card",
    "clean",
    "elapsed",
    "line",
    "one_line",
    "page",
    "player",
    "state_words",
    "still",
    "style",
    "table",
]
