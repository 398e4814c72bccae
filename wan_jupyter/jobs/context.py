"""What every step of a job's life needs: its tools, how it moves on, how it waits. Floor 4."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from ..billing.money import Price
from ..errors import (
    CANCELED,
    Problem,
)
from ..protocols.base import CreateRequest, Protocol
from ..scheduling import rate_limit
from ..scheduling.rate_limit import RateLimiter
from ..status import Snapshot, may_move
from ..storage.input_spool import Spool
from ..storage.journal.journal import Journal, Whose
from ..storage.output_files import OutputPaths
from ..transport.client import Client
from .background import Clock, Engine
from .job import Job

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class JobContext:
    """What a job's life needs, one set a job.

    Attributes:
        owner: this process's name in the journal.
        account: a name for the key's account; "" without a key.
        pace: seconds between polls, at first and later.
        price: gives the price of some billed seconds, None where it is unknown.
        sidecar: gives what is written beside the video.
        rates: requests a second that the account may send, by kind; none where nothing is known.
        sharing: counts the living processes that work with this account now.
        adopts: whether a task that a lost answer may have created is taken for ours once it is recognised; not where
            others use the same key.
    """

    engine: Engine
    clock: Clock
    client: Client
    protocol: Protocol
    order: CreateRequest
    journal: Journal
    spool: Spool
    place: OutputPaths
    owner: str
    account: str
    pace: tuple[float, float]
    price: Callable[[float], Price | None]
    sidecar: Callable[[Job], Mapping[str, Any]]
    rates: Mapping[str, float] = field(default_factory=dict)
    sharing: Callable[[], int] = lambda: 1
    adopts: bool = True

    @property
    def whose(self) -> Whose:
        """Who may use what is put into the service's storage for this job."""
        return self.account, self.protocol.base_url, self.order.model


class OwnershipLost(Exception):
    """The journal's row is no longer ours."""


async def advance(job: Job, tools: JobContext, snapshot: Snapshot, **more: Any) -> None:
    """Move a job: first in the journal, then for all to see. A move that goes back is noted and ignored."""
    if not may_move(job.status, snapshot.status):
        went = f"{job.status} to {snapshot.word or snapshot.status}"
        await tools.engine.work(tools.journal.note, job.id, "went back", went)
        return
    record = partial(tools.journal.record, job.id, tools.owner, job.status, snapshot, **more)
    if not await tools.engine.work(record):
        raise OwnershipLost
    job.show(snapshot)


async def pause(job: Job, tools: JobContext, seconds: float) -> None:
    """Wait, but no longer than until someone asks for the job to be stopped."""
    if seconds <= 0:
        return
    sleeping = asyncio.ensure_future(tools.clock.sleep(seconds))
    waking = asyncio.ensure_future(job.wake.wait())
    try:
        await asyncio.wait({sleeping, waking}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        job.wake.clear()
        sleeping.cancel()
        waking.cancel()


async def unless_canceled(job: Job, step: Coroutine[Any, Any, T]) -> T | None:
    """Carry out a step that has cost nothing yet; once someone asks for the job to be stopped, drop it: None."""
    working = asyncio.ensure_future(step)
    try:
        while not working.done() and not job.cancel_requested:
            waking = asyncio.ensure_future(job.wake.wait())
            await asyncio.wait({working, waking}, return_when=asyncio.FIRST_COMPLETED)
            waking.cancel()
            job.wake.clear()
        return working.result() if working.done() else None
    finally:
        working.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await working


async def rate_limited(tools: JobContext, kind: str) -> None:
    """Wait until a request of a kind may go out; at once where no limit is known."""
    rate = tools.rates.get(kind, 0.0)
    if not rate:
        return
    turns = tools.engine.share(("turns", (tools.account, tools.protocol.base_url)), RateLimiter)
    now = tools.clock.time()
    if not 0 <= now - turns.counted < rate_limit.SHARE_READ_EVERY:
        turns.counted = now
        turns.owners = await tools.engine.work(tools.sharing)
    # A model has a limit of its own for creates; everything else is counted together.
    wait = turns.book(f"{kind} {tools.order.model}" if kind == "submit" else kind, rate, tools.clock.time())
    if wait > 0:
        await tools.clock.sleep(wait)


CANCELED_PROBLEM = Problem(CANCELED, advice="canceled")
