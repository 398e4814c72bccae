"""A service's list of tasks, read whole: each page has its turn, and what was read is not thrown away. Floor 4."""

from __future__ import annotations

import itertools
from collections import Counter

from ..errors import ProblemError
from ..protocols.base import ListedTask, TaskList
from ..request.templates import normal
from ..scheduling import retry
from ..status import Snapshot, Status
from .context import JobContext

PAGES = 100  # a list of more is not read to its end


async def listed(context: JobContext, since: float, until: float) -> TaskList:
    """Return the account's tasks of the job's model in a span of epoch seconds, each once, with the last page's date.

    A list shifts while it is read, since new tasks come in at its head: a task may stand on two pages.

    Raises:
        ProblemError: the first page did not come, or a later one not after some tries.
    """
    found: dict[str, ListedTask] = {}
    page = TaskList(complete=False)
    for number in range(1, PAGES + 1):
        page = await _page(context, (since, until), number)
        found |= {one.remote_id: one for one in page.tasks}
        if page.complete:
            break
    return TaskList(tuple(found.values()), page.server_time, page.complete)


async def _page(context: JobContext, span: tuple[float, float], number: int) -> TaskList:
    """Read one page; the first is tried once, since nothing is lost with it and its reader tries again."""
    tries = itertools.count(1 if number > 1 else retry.PAGE_TRIES)
    while True:
        try:
            return await context.request(
                "list", context.protocol.list_tasks(*span, context.create_request.model, number)
            )
        except ProblemError as error:
            failures = next(tries)
            if failures >= retry.PAGE_TRIES or retry.is_refused(error):
                raise
            wait = context.retry_wait(error, failures - 1)
        await context.pause(wait)


GOING = (Status.QUEUED, Status.RUNNING)


async def asked(one: ListedTask, context: JobContext, failed: Counter[str]) -> Snapshot | None:
    """Ask how a task stands that a list named; None where the service does not say, which is counted in `failed`.

    One task that cannot be asked for says nothing of the others.
    """
    try:
        seen = await context.request("poll", context.protocol.poll(one.remote_id))
    except ProblemError:
        failed[one.remote_id] += 1
        return None
    failed.pop(one.remote_id, None)
    return seen


async def has_twin(context: JobContext, span: tuple[float, float], candidate: str, failed: Counter[str]) -> bool | None:
    """Tell whether somebody else orders our prompts; None while tasks that may show it go on.

    Args:
        span: when the create can have been read, in epoch seconds of the service's clock.
        candidate: the task that may be ours.
        failed: how often in a row a task was asked for in vain.

    Raises:
        ProblemError: the list could not be had.
    """
    listing = await listed(context, span[0] - retry.TWINS_AROUND, span[1] + retry.TWINS_AROUND)
    if not listing.complete:
        return True  # nobody can look at them all
    ids = [one.remote_id for one in listing.tasks]
    known = await context.work(context.journal.tasks_of, context.protocol.base_url, ids)
    made = await context.work(context.journal.prompts_of, context.account, context.protocol.base_url)
    ours = {*made, context.create_request.prompt} - {""}
    prompts = _prompts(context)
    going = False
    for one in listing.tasks:
        if one.remote_id in known or one.remote_id == candidate:
            continue
        if one.remote_id not in prompts and one.status not in GOING:
            seen = await asked(one, context, failed)
            if seen is not None and seen.status not in GOING:  # a list may be ahead of a query
                prompts[one.remote_id] = normal(seen.facts.get("orig_prompt", ""))
        if prompts.get(one.remote_id, "") in ours or failed[one.remote_id] >= retry.UNREAD_TRIES:
            return True  # or nobody can tell
        going = going or one.status in GOING or one.remote_id not in prompts
    return None if going else False


def _prompts(context: JobContext) -> dict[str, str]:
    """Return the prompts of others' tasks that were asked for in this process; an ended task's never changes."""
    found: dict[str, str] = context.engine.share(
        ("foreign prompts", (context.account, context.protocol.base_url)), dict
    )
    return found
