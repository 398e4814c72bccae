"""`JobContext`: a job with everything that its steps work with, and how it moves on, waits and asks its service."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from ..billing.pricing import Price
from ..errors import CANCELED, Problem, ProblemError
from ..protocols.base import CreateRequest, Flow, Protocol
from ..scheduling import polling, rate_limit, retry
from ..scheduling.rate_limit import RateLimiter
from ..status import Snapshot, may_move
from ..storage.input_spool import Spool
from ..storage.journal.journal import Journal, UploadScope
from ..storage.output_files import OutputPaths
from ..transport.client import Client
from .background import Clock, Engine
from .job import Job

T = TypeVar("T")

CANCELED_PROBLEM = Problem(CANCELED, advice="canceled")


class OwnershipLost(Exception):
    """Another process owns the job's journal record now; this one must stop without writing anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobContext:
    """One job and what carries it out.

    Attributes:
        job: the job; nobody else changes it.
        create_request: the request that creates the job's task.
        paths: where the video, its temporary file and its sidecar are written.
        owner: this process's name in the journal.
        account: a name for the key's account; "" without a key.
        poll_intervals_s: seconds between polls, in the first minutes and later.
        price: returns the price of a number of billed seconds, None where it is unknown.
        sidecar: returns what is written beside the video.
        requests_per_s: the account's documented rate limits by kind of request; empty where none is known.
        count_processes: counts the living processes that use this account now; they share its rate limits.
        may_adopt: whether a task found after a lost answer may be taken for this job's. False where others use the same
            key: their task could be taken for ours.
    """

    job: Job
    engine: Engine
    clock: Clock
    client: Client
    protocol: Protocol
    create_request: CreateRequest
    journal: Journal
    spool: Spool
    paths: OutputPaths
    owner: str
    account: str
    poll_intervals_s: tuple[float, float]
    price: Callable[[float], Price | None]
    sidecar: Callable[[], Mapping[str, Any]]
    requests_per_s: Mapping[str, float] = field(default_factory=dict)
    count_processes: Callable[[], int] = lambda: 1
    may_adopt: bool = True

    @property
    def upload_scope(self) -> UploadScope:
        """The account, address and model for which an upload to the service's storage may be used again."""
        return self.account, self.protocol.base_url, self.create_request.model

    @property
    def sent_at(self) -> float:
        """When the create request was sent, in epoch seconds; before that, when the job was made."""
        return self.job._sent_at or self.job.info.created_at

    @property
    def age_s(self) -> float:
        """Seconds since the create request was sent."""
        return self.clock.time() - self.sent_at

    # ---- the job's state ------------------------------------------------------------------------------------------

    async def advance(self, snapshot: Snapshot, **more: Any) -> None:
        """Move the job to a snapshot: first in the journal, then for everyone to see.

        A move that would go back is noted in the journal and ignored.

        Args:
            snapshot: the new state.
            **more: further columns of the job's record.

        Raises:
            OwnershipLost: another process owns the job now.
            OutputError: the journal cannot be written.
        """
        job = self.job
        if not may_move(job.status, snapshot.status):
            went = f"{job.status} to {snapshot.word or snapshot.status}"
            await self.work(self.journal.note, job.id, "went back", went)
            return
        record = partial(self.journal.record, job.id, self.owner, job.status, snapshot, **more)
        if not await self.work(record):
            raise OwnershipLost
        job._publish(snapshot)

    def publish(self, snapshot: Snapshot) -> None:
        """Replace the job's snapshot without writing it to the journal, and notify the job's watchers."""
        self.job._publish(snapshot)

    async def work(self, function: Callable[..., T], *args: Any) -> T:
        """Run a slow function (files, encoding, SQLite) on a worker thread."""
        return await self.engine.work(function, *args)

    # ---- waiting --------------------------------------------------------------------------------------------------

    async def pause(self, seconds: float) -> None:
        """Wait; a request to cancel the job ends the wait early."""
        if seconds <= 0:
            return
        sleeping = asyncio.ensure_future(self.clock.sleep(seconds))
        waking = asyncio.ensure_future(self.job._wake.wait())
        try:
            await asyncio.wait({sleeping, waking}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.job._wake.clear()
            sleeping.cancel()
            waking.cancel()

    def poll_interval(self, waited_s: float, failures: int = 0) -> float:
        """Return seconds until the next poll of a job that has been waited for so long, with jitter."""
        return polling.poll_interval(self.poll_intervals_s, waited_s, failures, random.random())  # noqa: S311 - jitter

    def retry_wait(self, error: ProblemError, failures: int) -> float:
        """Return seconds until a request is repeated that failed so often in a row, with jitter."""
        return retry.retry_wait(error, self.poll_intervals_s, failures, random.random())  # noqa: S311 - jitter

    async def unless_canceled(self, step: Coroutine[Any, Any, T]) -> T | None:
        """Run a step that has cost nothing yet; None if the job is canceled meanwhile, and the step with it."""
        job = self.job
        working = asyncio.ensure_future(step)
        try:
            while not working.done() and not job.cancel_requested:
                waking = asyncio.ensure_future(job._wake.wait())
                await asyncio.wait({working, waking}, return_when=asyncio.FIRST_COMPLETED)
                waking.cancel()
                job._wake.clear()
            return working.result() if working.done() else None
        finally:
            working.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await working

    # ---- asking the service ---------------------------------------------------------------------------------------

    async def request(self, kind: str, flow: Flow[T]) -> T:
        """Send a request that costs nothing, once the account's rate limit allows it.

        Args:
            kind: "poll", "cancel" or "list".
            flow: the protocol's generator for it.

        Raises:
            ProblemError: the service refused, failed or could not be reached.
        """
        await self.rate_limited(kind)
        return await self.client.run(flow)

    async def rate_limited(self, kind: str) -> None:
        """Wait until a request of a kind may be sent; return at once where no limit is known.

        Processes that use the same key do not see each other's requests. Each takes its part of the rate, by the number
        of living owners that the journal has for the account.
        """
        rate = self.requests_per_s.get(kind, 0.0)
        if not rate:
            return
        limiter = self.engine.share(("turns", (self.account, self.protocol.base_url)), RateLimiter)
        now = self.clock.time()
        if not 0 <= now - limiter.counted < rate_limit.PROCESS_COUNT_MAX_AGE_S:
            limiter.counted = now
            limiter.owners = await self.work(self.count_processes)
        # A model has a limit of its own for creates; everything else is counted together.
        key = f"{kind} {self.create_request.model}" if kind == "submit" else kind
        wait = limiter.book(key, rate, self.clock.time())
        if wait > 0:
            await self.clock.sleep(wait)
