"""The log of requests that one app received, for `/_emulator/ledger`."""

from __future__ import annotations

from dataclasses import dataclass, replace

LONGEST = 20_000  # requests; older ones are forgotten


@dataclass(frozen=True)
class LoggedRequest:
    """A received request; `status` is None until, or if ever, an answer begins."""

    method: str
    path: str
    status: int | None
    authorized: bool


class Ledger:
    """The requests that one app received, in order."""

    def __init__(self) -> None:
        self._lines: dict[int, LoggedRequest] = {}
        self._count = 0

    def write(self, line: LoggedRequest) -> int:
        """Add a request and return its number."""
        self._count += 1
        self._lines[self._count] = line
        self._lines.pop(self._count - LONGEST, None)
        return self._count

    def answered(self, number: int, status: int) -> None:
        """Record the HTTP status of a request's answer."""
        if number in self._lines:
            self._lines[number] = replace(self._lines[number], status=status)

    def lines(self) -> list[LoggedRequest]:
        """Return the requests so far, oldest first."""
        return list(self._lines.values())
