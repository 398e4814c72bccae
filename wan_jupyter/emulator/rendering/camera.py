"""Where the camera is at each moment of a clip.

Every movement starts and ends at rest. Positions are fractions of a pixel: rounded ones would jitter.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

NEAR = 1.14  # how close the push-in comes
BREATH = 0.07  # how much closer the camera is half way through a transition

# Where a push-in leads, as fractions of the room there is beside the picture; which one, the seed decides.
VIEWS = ((0.5, 0.46), (0.38, 0.42), (0.62, 0.42), (0.42, 0.58), (0.58, 0.58))


@dataclass(frozen=True)
class Viewport:
    """The visible part of a picture: its magnification, and its position (0 to 1 of the room around it)."""

    zoom: float
    across: float
    down: float

    def box(self, width: int, height: int) -> tuple[float, float, float, float]:
        """Return the visible part of a picture of this size: left, top, right, bottom."""
        seen_width, seen_height = width / self.zoom, height / self.zoom
        left, top = (width - seen_width) * self.across, (height - seen_height) * self.down
        return left, top, left + seen_width, top + seen_height


def ease(moment: float) -> float:
    """Return even time (0 to 1) as time that starts and stops gently."""
    inside = min(1.0, max(0.0, moment))
    return inside * inside * inside * (inside * (6 * inside - 15) + 10)


def push_in(moment: float, view: int) -> Viewport:
    """Return the view of a single picture at a moment (0 to 1): all of it at first, closer at the end."""
    # Half eased, half sine: a clip of fifteen seconds should not stand still for its first two.
    eased = (ease(moment) + (1 - math.cos(math.pi * moment)) / 2) / 2
    return Viewport(NEAR**eased, *VIEWS[view % len(VIEWS)])


def pass_over(moment: float) -> Viewport:
    """Return the view during a transition (0 to 1): all of both pictures at the ends, a little closer between."""
    return Viewport(1 + BREATH * math.sin(math.pi * moment) ** 2, 0.5, 0.5)


def spread(moment: float) -> float:
    """Return how far a transition is (0 to 1) at a moment; it rests on both pictures, so that both are seen."""
    return ease((moment - 0.14) / 0.72)
