"""What the running cell has shown already, so that nothing is shown twice and a loop of jobs becomes one table."""

from __future__ import annotations

from typing import Any

from .job_group import CARDS_PER_CELL, JobGroup


class CellLog:
    """Record of what the current execution has displayed; it starts anew with each cell.

    Attributes:
        group: the jobs that share a table because the cell has shown enough cards; None before there are any.
    """

    def __init__(self, ip: Any) -> None:
        self._ip = ip
        self._last_shown: tuple[str, int] | None = None
        self._execution = -1
        self._cards = 0
        self.group: JobGroup | None = None

    def has_just_shown(self, name: str) -> bool:
        """Return whether `name` was the last thing shown, in this very execution."""
        return self._last_shown == (name, self._ip.execution_count)

    def record(self, name: str) -> None:
        """Record that this execution shows `name`."""
        self._last_shown = (name, self._ip.execution_count)

    def has_room_for_card(self) -> bool:
        """Count one more live job; False once the cell has as many cards as it should."""
        if self._execution != self._ip.execution_count:
            self._execution, self._cards, self.group = self._ip.execution_count, 0, None
        self._cards += 1
        return self._cards <= CARDS_PER_CELL
