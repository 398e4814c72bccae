"""What every step of a job's life needs: its tools, how it moves on, how it waits. Floor 4."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from .client import Client
from .engine import Clock, Engine
from .job import Job
from .journal import Journal
from .outputs import Place, Spool
from .prices import Price
from .protocols.base import Order, Protocol
from .status import Snapshot, may_move


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What a job's life needs, one set a job.

    Attributes:
        owner: this process's name in the journal.
        pace: seconds between polls, at first and later.
        price: gives the price of some billed seconds, None where it is unknown.
        sidecar: gives what is written beside the video.
    """

    engine: Engine
    clock: Clock
    client: Client
    protocol: Protocol
    order: Order
    journal: Journal
    spool: Spool
    place: Place
    owner: str
    pace: tuple[float, float]
    price: Callable[[float], Price | None]
    sidecar: Callable[[Job], Mapping[str, Any]]


class TakenOver(Exception):
    """The journal's row is no longer ours."""


async def advance(job: Job, tools: Tools, snapshot: Snapshot, **more: Any) -> None:
    """Move a job: first in the journal, then for all to see. A move that goes back is noted and ignored."""
    if not may_move(job.status, snapshot.status):
        went = f"{job.status} to {snapshot.word or snapshot.status}"
        await tools.engine.work(tools.journal.note, job.id, "went back", went)
        return
    record = partial(tools.journal.record, job.id, tools.owner, job.status, snapshot, **more)
    if not await tools.engine.work(record):
        raise TakenOver
    job.show(snapshot)


async def pause(job: Job, tools: Tools, seconds: float) -> None:
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
