"""Time-lapse: from a moment on, all processes of a scenario live by one clock that runs faster than the wall's.

Clients and service agree on it, so ages, links' ends and heartbeats mean what they say; what takes the machine a second
seems to take it several. The journal alone keeps the time on the wall, which decides nothing where locks work.
"""

from __future__ import annotations

import asyncio
import time

HURRY = 8.0


class TimeLapse:
    """A clock that shows the wall's time at `since` (epoch seconds), and runs HURRY times as fast from there."""

    def __init__(self, since: float) -> None:
        self._since = since

    def time(self) -> float:
        """Return epoch seconds."""
        return self._since + (time.time() - self._since) * HURRY

    async def sleep(self, seconds: float) -> None:
        """Wait so long on this clock."""
        await asyncio.sleep(seconds / HURRY)
