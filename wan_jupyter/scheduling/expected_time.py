"""How long a job is likely to take, by earlier jobs like it."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

MIN_DURATIONS = 2  # a single earlier job may have been an exception


def expected_time(durations: Sequence[float]) -> float | None:
    """Return the median of earlier jobs' seconds, None for fewer than `MIN_DURATIONS`."""
    return median(durations) if len(durations) >= MIN_DURATIONS else None
