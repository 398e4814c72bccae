"""The list of requests that one app received, for `/_emulator/ledger`. It knows nothing of what they mean."""

from __future__ import annotations

from dataclasses import dataclass, replace

LONGEST = 20_000  # requests; older ones are forgotten


@dataclass(frozen=True)
class LoggedRequest:
    """Hold one request; `status` is None as long as, or if ever, no answer began to go out."""

    method: str
    path: str
    status: int | None
    authorized: bool


class Ledger:
    """Keep the lines in the order the requests came."""

    def __init__(self) -> None:
        self._lines: dict[int, LoggedRequest] = {}
        self._count = 0

    def write(self, line: LoggedRequest) -> int:
        """Add a line and return its number."""
        self._count += 1
        self._lines[self._count] = line
        self._lines.pop(self._count - LONGEST, None)
        return self._count

    def answered(self, number: int, status: int) -> None:
        """Note with which HTTP status a request was answered."""
        if number in self._lines:
            self._lines[number] = replace(self._lines[number], status=status)

    def lines(self) -> list[LoggedRequest]:
        """List the requests so far, oldest first."""
        return list(self._lines.values())
