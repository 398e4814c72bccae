"""A service's list of tasks, read whole: each page has its turn, and what was read is not thrown away. Floor 4."""

from __future__ import annotations

import itertools
import random
from collections import Counter

from ..errors import ProblemError
from ..protocols.base import Found, Listing
from ..request.templates import normal
from ..scheduling import retry
from ..status import Snapshot, Status
from .context import JobContext, pause, rate_limited
from .job import Job

PAGES = 100  # a list of more is not read to its end


async def listed(job: Job, tools: JobContext, since: float, until: float) -> Listing:
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


async def _page(job: Job, tools: JobContext, span: tuple[float, float], number: int) -> Listing:
    """Read one page; the first is tried once, since nothing is lost with it and its reader tries again."""
    tries = itertools.count(1 if number > 1 else retry.PAGE_TRIES)
    while True:
        await rate_limited(tools, "list")
        try:
            return await tools.client.run(tools.protocol.find(*span, tools.order.model, number))
        except ProblemError as error:
            failures = next(tries)
            if failures >= retry.PAGE_TRIES or retry.is_refused(error):
                raise
            wait = retry.after_failure(error, tools.pace, failures - 1, random.random())  # noqa: S311 - jitter
        await pause(job, tools, wait)


GOING = (Status.QUEUED, Status.RUNNING)


async def asked(one: Found, tools: JobContext, failed: Counter[str]) -> Snapshot | None:
    """Ask how a task stands that a list named; None where the service does not say, which is counted in `failed`.

    One task that cannot be asked for says nothing of the others.
    """
    await rate_limited(tools, "poll")
    try:
        seen = await tools.client.run(tools.protocol.poll(one.remote_id))
    except ProblemError:
        failed[one.remote_id] += 1
        return None
    failed.pop(one.remote_id, None)
    return seen


async def has_twin(
    job: Job, tools: JobContext, span: tuple[float, float], candidate: str, failed: Counter[str]
) -> bool | None:
    """Tell whether somebody else orders our prompts; None while tasks that may show it go on.

    Args:
        span: when the create can have been read, in epoch seconds of the service's clock.
        candidate: the task that may be ours.
        failed: how often in a row a task was asked for in vain.

    Raises:
        ProblemError: the list could not be had.
    """
    listing = await listed(job, tools, span[0] - retry.TWINS_AROUND, span[1] + retry.TWINS_AROUND)
    if not listing.whole:
        return True  # nobody can look at them all
    ids = [one.remote_id for one in listing.found]
    known = await tools.engine.work(tools.journal.tasks_of, tools.protocol.base_url, ids)
    made = await tools.engine.work(tools.journal.prompts_of, tools.account, tools.protocol.base_url)
    ours = {*made, tools.order.prompt} - {""}
    prompts = _prompts(tools)
    going = False
    for one in listing.found:
        if one.remote_id in known or one.remote_id == candidate:
            continue
        if one.remote_id not in prompts and one.status not in GOING:
            seen = await asked(one, tools, failed)
            if seen is not None and seen.status not in GOING:  # a list may be ahead of a query
                prompts[one.remote_id] = normal(seen.facts.get("orig_prompt", ""))
        if prompts.get(one.remote_id, "") in ours or failed[one.remote_id] >= retry.UNREAD_TRIES:
            return True  # or nobody can tell
        going = going or one.status in GOING or one.remote_id not in prompts
    return None if going else False


def _prompts(tools: JobContext) -> dict[str, str]:
    """Return the prompts of others' tasks that were asked for in this process; an ended task's never changes."""
    found: dict[str, str] = tools.engine.share(("foreign prompts", (tools.account, tools.protocol.base_url)), dict)
    return found
