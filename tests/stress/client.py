"""The client process of the stress tests: has made what is not made yet, says each change, may be killed at any time.

`python -m stress.client ORDERS` exits with 0 once every order has come to an end; another life goes on where this one
was killed, knowing only what the journal knows.
"""

from __future__ import annotations

import asyncio
import queue
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from parts import picture

from wan_jupyter import Job, Session, Status
from wan_jupyter.status import Snapshot

from .orders import Orders

ROUNDS = 60  # a service that refuses for good is not asked for ever
PAUSE = 0.5  # seconds between rounds: it may be starting anew


class Hurried:
    """Everyone's time, with shorter waits: heartbeats and the ages of tasks stay comparable between processes."""

    def __init__(self, hurry: float) -> None:
        self._hurry = hurry

    def time(self) -> float:
        """Return epoch seconds."""
        return time.time()

    async def sleep(self, seconds: float) -> None:
        """Wait a part of that."""
        await asyncio.sleep(seconds / self._hurry)


def settled(job: Job) -> bool:
    """Tell whether a job is the end of its order; one that was provably never created is not."""
    never_created = job.status is Status.FAILED and not job.remote_id
    return job.status.ended and not never_created


def unsettled(session: Session, orders: Orders) -> list[str]:
    """Return the prompts that have come to no end yet."""
    ended = {job.request.prompt for job in session.history(10**6) if settled(job)}
    return [prompt for prompt in orders.prompts if prompt not in ended]


def carry_out(session: Session, orders: Orders, wanted: Sequence[str]) -> None:
    """Have videos made, some at once, until this process has nothing more to do for any."""
    done: queue.SimpleQueue[str] = queue.SimpleQueue()
    pictures = {color: picture(color) for color in {orders.color(prompt) for prompt in wanted}}
    under_way = 0
    for prompt in wanted:
        while under_way >= orders.at_once:
            done.get()
            under_way -= 1
        job = session.submit(prompt, image=pictures[orders.color(prompt)], **orders.options)
        job.watch(Teller(job, done))
        under_way += 1
    for _ in range(under_way):
        done.get()


class Teller:
    """Print each new state of a job for whoever started this process, and say when it is done."""

    def __init__(self, job: Job, done: queue.SimpleQueue[str]) -> None:
        self._job, self._done = job, done
        self._told: Status | None = None
        self._ended = False

    def __call__(self, snapshot: Snapshot) -> None:
        if snapshot.status is not self._told:
            self._told = snapshot.status
            print(self._job.id, snapshot.status, flush=True)
        if self._job.done and not self._ended:
            self._ended = True
            self._done.put(self._job.id)


def main(path: Path) -> int:
    """Carry out the orders in a file; 0 once all have come to an end."""
    orders = Orders.read(path)
    session = Session(
        orders.provider, key="sk-stress", base_url=orders.base_url, outputs=orders.outputs, clock=Hurried(orders.hurry)
    )
    for _ in range(ROUNDS):
        wanted = unsettled(session, orders)
        if not wanted:
            return 0
        carry_out(session, orders, wanted)
        time.sleep(PAUSE)
    return 3


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
