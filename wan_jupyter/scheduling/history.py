"""How long a job may take, by what earlier jobs took."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

ENOUGH = 2  # earlier jobs from which a time may be told


def expected_time(durations: Sequence[float]) -> float | None:
    """Return how many seconds a job may take, by those that earlier jobs like it took; None for too few."""
    return median(durations) if len(durations) >= ENOUGH else None
