"""Whose turn it is: requests of one account keep to its documented limits, shared with other processes. Floor 4.

Two kernels with one key do not know of each other's requests; each takes its part of the rate, by the number of
living owners that the journal has for the account.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ..scheduling import retry
from .context import Tools


@dataclass(slots=True)
class Turns:
    """When the next request of each kind may go out, one for an account at an address; used on the loop only.

    Attributes:
        owners: how many living processes share the account.
        counted: when they were counted.
        booked: when a moment was taken last; a clock that says less was set back.
        free: by kind, the next moment that is free.
    """

    owners: int = 1
    counted: float = float("-inf")
    booked: float = float("-inf")
    free: dict[str, float] = field(default_factory=dict)

    def book(self, kind: str, rate: float, now: float) -> float:
        """Take the next free moment for a request, and return how many seconds away it is.

        No clock makes that longer than it was at the last booking: with one that was set back, all moments go back.
        """
        back, self.booked = max(0.0, self.booked - now), now
        if back:
            self.free = {each: at - back for each, at in self.free.items()}
        at = max(now, self.free.get(kind, now))
        self.free[kind] = at + retry.spacing(rate, self.owners)
        return at - now


async def turn(tools: Tools, kind: str) -> None:
    """Wait until a request of a kind may go out; at once where no limit is known."""
    rate = tools.rates.get(kind, 0.0)
    if not rate:
        return
    turns = tools.engine.share(("turns", (tools.account, tools.protocol.base_url)), Turns)
    now = tools.clock.time()
    if not 0 <= now - turns.counted < retry.SHARE_READ_EVERY:
        turns.counted = now
        turns.owners = await tools.engine.work(tools.sharing)
    # A model has a limit of its own for creates; everything else is counted together.
    wait = turns.book(f"{kind} {tools.order.model}" if kind == "submit" else kind, rate, tools.clock.time())
    if wait > 0:
        await tools.clock.sleep(wait)
