"""When to look at a job again."""

from __future__ import annotations

SLOW_AFTER = 180.0
LONGEST_WAIT = 60.0
HEARTBEAT = 60.0  # seconds between two signs of life of a job
DEADLINE = 6 * 3600.0


def poll_wait(pace: tuple[float, float], elapsed: float, failures: int, jitter: float) -> float:
    """Return seconds before the next poll: the provider's pace, slower after minutes and after failures."""
    base = pace[0] if elapsed < SLOW_AFTER else pace[1]
    return min(base * 2.0 ** min(failures, 10), max(LONGEST_WAIT, base)) * (1 + 0.1 * jitter)
