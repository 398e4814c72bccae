"""The client process of the stress tests: has made what is not made yet, says each change, may be killed at any time.

`-m tests.stress.client ORDERS` exits with 0 once every order has come to an end; another life goes on where this one
was killed, knowing only what the journal knows.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from tests.support.world import picture
from wan_jupyter import Job, Session, Status
from wan_jupyter.status import Snapshot

from .lapse import TimeLapse
from .orders import Orders, color_of

ROUNDS = 60  # a service that refuses for good is not asked for ever
PAUSE = 0.5  # seconds between rounds: it may be starting anew


def settled(job: Job) -> bool:
    """Tell whether a job is the end of its order; one that was provably never created is not."""
    never_created = job.status is Status.FAILED and not job.remote_id
    return job.snapshot.settled and not never_created


def unsettled(session: Session, orders: Orders) -> list[str]:
    """Return the prompts that have come to no end yet."""
    ended = {job.request.prompt for job in session.history(10**6) if settled(job)}
    return [prompt for prompt in orders.prompts if prompt not in ended]


def carry_out(session: Session, orders: Orders, wanted: Sequence[str]) -> None:
    """Have videos made, some at once, until this process has nothing more to do for any."""
    room = threading.Semaphore(orders.at_once)
    pictures = {color: picture(color) for color in {color_of(prompt) for prompt in wanted}}
    tellers = []
    for prompt in wanted:
        room.acquire()
        job = session.submit(prompt, image=pictures[color_of(prompt)], **orders.options)
        tellers.append(Teller(job, room))
        job.watch(tellers[-1])
    for teller in tellers:
        teller.done.wait()


class Teller:
    """Print each new state of a job for whoever started this process, make room for the next, say when it is done."""

    def __init__(self, job: Job, room: threading.Semaphore) -> None:
        self.done = threading.Event()
        self._job, self._room = job, room
        self._told: Status | None = None
        self._has_room = True

    def __call__(self, snapshot: Snapshot) -> None:
        if snapshot.status is not self._told:
            self._told = snapshot.status
            print(self._job.id, snapshot.status, flush=True)
        # What is looked for in the service's list for minutes holds nobody up.
        if self._has_room and (self._job.done or snapshot.status is Status.UNCERTAIN):
            self._has_room = False
            self._room.release()
        if self._job.done:
            self.done.set()


def main(path: Path) -> int:
    """Carry out the orders in a file; 0 once all have come to an end."""
    orders = Orders.read(path)
    clock = TimeLapse(orders.since)
    session = Session(orders.provider, key="sk-stress", base_url=orders.base_url, outputs=orders.outputs, clock=clock)
    for _ in range(ROUNDS):
        wanted = unsettled(session, orders)
        if not wanted:
            return 0
        carry_out(session, orders, wanted)
        time.sleep(PAUSE)
    return 3


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
