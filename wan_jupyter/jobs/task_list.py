"""Read the service's list of tasks, and look there for another program that submits the same prompts."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable
from enum import Enum

from ..errors import ProblemError
from ..protocols.base import ListedTask, TaskList
from ..request.templates import normal
from ..scheduling import retry
from ..status import Snapshot, Status
from .context import JobContext

MAX_PAGES = 100  # a longer list is not read to its end: 1,000 tasks at DashScope's default of 10 a page
RUNNING = (Status.QUEUED, Status.RUNNING)


class DuplicateSubmitter(Enum):
    """Whether somebody else submits our prompts with the same key."""

    FOUND = "found"  # or it cannot be ruled out: the list is too long, or a task in it cannot be read
    NONE = "none"
    UNDECIDED = "undecided"  # tasks that may show it are still running


async def list_tasks(context: JobContext, since: float, until: float) -> TaskList:
    """Return the account's tasks of the job's model that were created in a span of time, each once.

    New tasks come in at the head of the list while it is read, so a task may be on two pages.

    Args:
        since: epoch seconds of the service's clock, as `until`.

    Returns:
        The tasks, with the last page's date.

    Raises:
        ProblemError: the first page did not come, or a later one not after several tries.
    """
    found: dict[str, ListedTask] = {}
    page = TaskList(complete=False)
    for number in range(1, MAX_PAGES + 1):
        page = await _read_page(context, (since, until), number)
        found |= {task.remote_id: task for task in page.tasks}
        if page.complete:
            break
    return TaskList(tuple(found.values()), page.server_time, page.complete)


async def _read_page(context: JobContext, span: tuple[float, float], number: int) -> TaskList:
    """Read one page. The first is tried once: nothing is lost with it, and the caller tries again."""
    tries = itertools.count(1 if number > 1 else retry.MAX_PAGE_TRIES)
    while True:
        try:
            flow = context.protocol.list_tasks(*span, context.create_request.model, number)
            return await context.request("list", flow)
        except ProblemError as error:
            failures = next(tries)
            if failures >= retry.MAX_PAGE_TRIES or retry.is_refused(error):
                raise
            wait = context.retry_wait(error, failures - 1)
        await context.pause(wait)


async def without_known(context: JobContext, tasks: Iterable[ListedTask]) -> list[ListedTask]:
    """Return those of the listed tasks that no job in the journal is known to be."""
    listed = list(tasks)
    ids = [task.remote_id for task in listed]
    known = await context.work(context.journal.tasks_of, context.protocol.base_url, ids)
    return [task for task in listed if task.remote_id not in known]


async def query_task(context: JobContext, task: ListedTask, failures: Counter[str]) -> Snapshot | None:
    """Ask for the state of a listed task; None where the service does not answer, which `failures` counts.

    The error is not raised: a task that cannot be queried says nothing about the others.
    """
    try:
        seen = await context.request("poll", context.protocol.poll(task.remote_id))
    except ProblemError:
        failures[task.remote_id] += 1
        return None
    failures.pop(task.remote_id, None)
    return seen


async def find_duplicate_submitter(
    context: JobContext, span: tuple[float, float], candidate: str, failures: Counter[str]
) -> DuplicateSubmitter:
    """Find out whether somebody else submits our prompts with the same key: then no task can be taken for ours.

    Args:
        span: when the service can have read the create request, in epoch seconds of its clock.
        candidate: id of the task that may be ours.
        failures: how often in a row each task could not be queried.

    Raises:
        ProblemError: the list could not be read.
    """
    window = retry.DUPLICATE_WINDOW_S
    listing = await list_tasks(context, span[0] - window, span[1] + window)
    if not listing.complete:
        return DuplicateSubmitter.FOUND
    prompts = await context.work(context.journal.prompts_of, context.account, context.protocol.base_url)
    ours = {*prompts, context.create_request.prompt} - {""}
    undecided = False
    for task in await without_known(context, listing.tasks):
        if task.remote_id == candidate:
            continue
        prompt = await _prompt_of(context, task, failures)
        if prompt in ours or failures[task.remote_id] >= retry.MAX_UNREADABLE_POLLS:
            return DuplicateSubmitter.FOUND
        undecided = undecided or prompt is None or task.status in RUNNING
    return DuplicateSubmitter.UNDECIDED if undecided else DuplicateSubmitter.NONE


async def _prompt_of(context: JobContext, task: ListedTask, failures: Counter[str]) -> str | None:
    """Return a foreign task's prompt, None until it has ended and the service has said it.

    An ended task's prompt never changes, so each is queried once in this process.
    """
    prompts: dict[str, str] = context.engine.share(
        ("foreign prompts", (context.account, context.protocol.base_url)), dict
    )
    if task.remote_id not in prompts and task.status not in RUNNING:
        seen = await query_task(context, task, failures)
        if seen is not None and seen.status not in RUNNING:  # a list may be ahead of a query
            prompts[task.remote_id] = normal(seen.facts.get("orig_prompt", ""))
    return prompts.get(task.remote_id)
