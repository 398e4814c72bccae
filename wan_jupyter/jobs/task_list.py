"""A service's list of tasks, read whole: each page has its turn, and what was read is not thrown away. Floor 4."""

from __future__ import annotations

import itertools
import random

from ..errors import ProblemError
from ..protocols.base import Found, Listing
from ..scheduling import retry
from .context import Tools, pause
from .job import Job
from .turns import turn

PAGES = 100  # a list of more is not read to its end


async def listed(job: Job, tools: Tools, since: float, until: float) -> Listing:
    """Return the account's tasks of the job's model in a span of epoch seconds, each once, with the last page's date.

    A list shifts while it is read, since new tasks come in at its head: a task may stand on two pages.

    Raises:
        ProblemError: the first page did not come, or a later one not after some tries.
    """
    found: dict[str, Found] = {}
    page = Listing(whole=False)
    for number in range(1, PAGES + 1):
        page = await _page(job, tools, (since, until), number)
        found |= {one.remote_id: one for one in page.found}
        if page.whole:
            break
    return Listing(tuple(found.values()), page.date, page.whole)


async def _page(job: Job, tools: Tools, span: tuple[float, float], number: int) -> Listing:
    """Read one page; the first is tried once, since nothing is lost with it and its reader tries again."""
    tries = itertools.count(1 if number > 1 else retry.PAGE_TRIES)
    while True:
        await turn(tools, "list")
        try:
            return await tools.client.run(tools.protocol.find(*span, tools.order.model, number))
        except ProblemError as error:
            failures = next(tries)
            if failures >= retry.PAGE_TRIES or retry.is_refused(error):
                raise
            wait = retry.after_failure(error, tools.pace, failures - 1, random.random())  # noqa: S311 - jitter
        await pause(job, tools, wait)
