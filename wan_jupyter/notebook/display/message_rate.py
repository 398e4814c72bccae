"""How many messages displays may send: the server drops those above 1000 a second, and the last ones with them.

One budget for all displays of a process (reference/jupyter-platform.md F). Used on the loop only.
"""

from __future__ import annotations

import time
from collections.abc import Callable

MESSAGES_A_SECOND = 100.0


class Budget:
    """Turns for messages, one after the other."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._free = 0.0

    def turn(self, messages: int = 1) -> float:
        """Take a turn for some messages, and return after how many seconds it comes."""
        now = self._clock()
        begin = max(now, self._free)
        self._free = begin + messages / MESSAGES_A_SECOND
        return begin - now
