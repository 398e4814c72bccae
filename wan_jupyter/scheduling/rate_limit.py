"""How far apart the requests of one account must be."""

from __future__ import annotations

from dataclasses import dataclass, field

PROCESS_COUNT_MAX_AGE_S = 10.0  # then the processes that share an account are counted anew: one query of the journal


def spacing(rate: float, owners: int) -> float:
    """Return seconds between two requests of this process; an account's rate is shared by its living processes.

    Args:
        rate: requests a second that the account may send; 0 for no limit.
        owners: how many living processes share the account.
    """
    return max(1, owners) / rate if rate > 0 else 0.0


@dataclass(slots=True)
class RateLimiter:
    """When the next request of each kind may be sent: one for an account at an address, used on the loop only.

    Attributes:
        owners: how many living processes share the account.
        counted: when they were counted, in epoch seconds.
        booked: when a request was last booked; a clock that now says less was set back.
        free: by kind, the next moment that is free.
    """

    owners: int = 1
    counted: float = float("-inf")
    booked: float = float("-inf")
    free: dict[str, float] = field(default_factory=dict)

    def book(self, kind: str, rate: float, now: float) -> float:
        """Take the next free moment for a request, and return how many seconds away it is.

        A clock that was set back makes no wait longer than it was at the last booking: all moments are set back too.
        """
        back, self.booked = max(0.0, self.booked - now), now
        if back:
            self.free = {each: at - back for each, at in self.free.items()}
        at = max(now, self.free.get(kind, now))
        self.free[kind] = at + spacing(rate, self.owners)
        return at - now
