"""A create whose answer was lost: its task is looked for in the service's list, and taken for ours only beyond doubt.

Floor 4. There is no idempotency key, so a task is recognised by what the service says of it: it was created between our
sending and our giving up, no job is known to be it, and once it has ended, its prompt is ours. It must be the only such
task, and no other uncertain job may fit it. Nothing is ever sent again here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from ..billing.money import LENGTH, set_by_hand
from ..errors import OutputError, Problem, ProblemError
from ..request.templates import normal
from ..scheduling import retry
from ..status import RECOGNISING, Snapshot, Status
from ..storage.journal.journal import JobRecord
from .context import JobContext, OwnershipLost
from .task_list import GOING, asked, has_twin, listed

LOST_AT = "lost_at"  # the fact that tells when we gave up on the answer, in epoch seconds
TOLD_WHOLE = 20_000  # characters of a prompt that a task's facts keep
SHORTENED = 500  # a service that repeats only the beginning of a prompt repeats at least so much
SPAN = 300.0  # seconds by which the list is asked for more than is wanted, until the service's clock is known


@dataclass(frozen=True, slots=True)
class TaskListView:
    """What one look at the list showed.

    Attributes:
        ours: tasks that ended and are as ours would be, with what the service says of them.
        open: tasks that may be ours and go on; their prompts are told at their end.
        unread: tasks that may be ours and of which the service, however often it is asked, does not say how they stand.
        whole: whether the list was read to its end.
    """

    ours: tuple[Snapshot, ...] = ()
    open: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    whole: bool = True


@dataclass(slots=True)
class RecoverySearch:
    """What one search has learned so far.

    Attributes:
        begun: when it began.
        foreign: tasks that are not ours; each is asked for once.
        ours: what the service said at their end of tasks that may be ours, at the last look; it stays so.
        ahead: seconds that the service's clock is before ours, as its first answer said; 0 until then.
        dated: whether it said so.
        failed: how often in a row a task was asked for in vain.
    """

    begun: float
    foreign: set[str] = field(default_factory=set)
    ours: dict[str, Snapshot] = field(default_factory=dict)
    ahead: float = 0.0
    dated: bool = False
    failed: Counter[str] = field(default_factory=Counter)


def uncertain(context: JobContext, problem: Problem) -> Snapshot:
    """Return where a job stands whose create may have happened; by now its connection is there no more."""
    lost_at = min(context.clock.time(), context.sent_at + retry.CREATE_PATIENCE)
    note, advice = ("recognising", "recognising") if context.protocol.can_list_tasks else ("", "uncertain")
    facts = {LOST_AT: f"{lost_at:.3f}"}
    return Snapshot(Status.UNCERTAIN, note=note, problem=replace(problem, advice=advice), facts=facts)


async def recover_task(context: JobContext) -> None:
    """Look for an uncertain job's task until it is recognised, or it is clear that it cannot be."""
    search, waited = RecoverySearch(context.clock.time()), 0.0
    while context.job.status is Status.UNCERTAIN and context.job.snapshot.note in RECOGNISING:
        if await _was_told(context):
            return
        looked = context.clock.time()  # a list is read from its head; what came in since then was not seen
        try:
            if await _concluded(context, await _look(context, search), search, looked):
                continue
        except OwnershipLost:
            if not await _was_told(context):
                raise
            return
        except ProblemError as error:
            if await _without_list(context, error, search):
                continue
        wait = context.poll_interval(waited)
        await context.pause(wait)
        waited += wait


async def _was_told(context: JobContext) -> bool:
    """Take over what the user said meanwhile: with `%wan adopt` a task was made this job's."""
    row = await context.work(context.journal.get, context.job.id)
    if row.snapshot.status is Status.UNCERTAIN or row.owner != context.owner:
        return False
    context.job.show(row.snapshot)
    return True


async def _concluded(context: JobContext, sight: TaskListView, search: RecoverySearch, now: float) -> bool:
    """Draw the conclusion that a look at the moment `now` allows; False when there is none yet."""
    rivals = await _rivals(context) if sight.ours else ()
    forgotten = now - context.sent_at >= context.protocol.task_retention_s
    on_the_way = any(row.snapshot.status is Status.SUBMITTING for row in rivals)
    told = (now >= _until(context) and sight.whole and not sight.open and not on_the_way) or forgotten
    clear = len(sight.ours) == 1 and not sight.unread and not rivals
    if told and clear and context.may_adopt and _says_who(context):
        over = now >= _until(context) + retry.CLOCK_SLACK + retry.TWINS_AROUND  # what is looked at has all happened
        candidate = sight.ours[0].remote_id
        twin = await has_twin(context, _span(context, search), candidate, search.failed) if over else None
        if twin is False:
            return await _adopt(context, sight.ours[0], search)
        told = twin is True or forgotten
    if told and (sight.ours or sight.unread):
        return await _conclude(context, "several", [*(one.remote_id for one in sight.ours), *sight.unread])
    if told and (forgotten or now - max(search.begun, _until(context)) >= retry.NO_TRACE_AFTER):
        return await _conclude(context, "no_trace")
    await _say(context, "probable" if sight.ours or sight.open or sight.unread else "")
    return False


async def _say(context: JobContext, trace: str) -> None:
    """Show what a list tells while nothing can be concluded; a trace stays one, a silent list is heard again."""
    note = trace or ("recognising" if context.job.snapshot.note == "list_silent" else context.job.snapshot.note)
    if note != context.job.snapshot.note:
        await context.advance(replace(context.job.snapshot, note=note))


async def _without_list(context: JobContext, error: ProblemError, search: RecoverySearch) -> bool:
    """Conclude what can be concluded without the list; False where it may yet be had, and it is asked for again."""
    forgotten = context.clock.time() - context.sent_at >= context.protocol.task_retention_s
    if forgotten or retry.is_refused(error):  # no list will ever tell: as at a service that has none
        seen = tuple(search.ours)
        return await _conclude(context, "several" if seen else "", seen, advice="" if seen else "uncertain")
    await _say(context, "list_silent")
    return False


async def _look(context: JobContext, search: RecoverySearch) -> TaskListView:
    """Read the list, and ask for the prompts of tasks that have ended; what is not ours is asked for once."""
    more = 2 * retry.CLOCK_SLACK if search.dated else SPAN  # a list of minutes is pages long
    since, until = context.sent_at + search.ahead - more, _until(context) + search.ahead + more
    listing = await listed(context, since, until)
    if listing.server_time is not None and not search.dated:  # the answer nearest to what is looked for
        search.ahead, search.dated = listing.server_time - context.clock.time(), True
    low, high = _span(context, search)
    inside = [one for one in listing.tasks if one.created is None or low <= one.created <= high]
    known = await context.work(context.journal.tasks_of, context.protocol.base_url, [one.remote_id for one in inside])
    left = [one for one in inside if one.remote_id not in known and one.remote_id not in search.foreign]
    ours, going, unread = [], [], []
    for one in left:
        seen = search.ours.get(one.remote_id)
        if seen is None:
            seen = Snapshot(one.status) if one.status in GOING else await asked(one, context, search.failed)
        if seen is None and search.failed[one.remote_id] >= retry.UNREAD_TRIES:
            unread.append(one.remote_id)
        elif seen is None or seen.status in GOING:  # a list may be ahead of a query
            going.append(one.remote_id)
        elif _is_like(context, seen):
            ours.append(seen)
        else:  # a task that failed says no prompt, and costs nothing
            search.foreign.add(one.remote_id)
    search.ours = {seen.remote_id: seen for seen in ours}
    return TaskListView(tuple(ours), tuple(going), tuple(unread), listing.complete)


def _is_like(context: JobContext, seen: Snapshot) -> bool:
    """Tell whether a task that ended may be ours: made, and with our prompt and length as far as these are known."""
    if seen.status is not Status.DOWNLOADING:
        return False
    if not _says_who(context):
        return True
    told = normal(seen.facts.get("orig_prompt", ""))
    shortened = len(told) >= SHORTENED and context.create_request.prompt.startswith(told)
    return (told == context.create_request.prompt or shortened) and _has_length(context, seen)


def _says_who(context: JobContext) -> bool:
    """Tell whether our prompt can tell a task as ours: as it was typed, and short enough to be told whole."""
    by_hand = any(
        path.rpartition(".")[2] in ("prompt", "input", "messages") for path, _ in context.create_request.params
    )
    return bool(context.create_request.prompt) and not by_hand and len(context.create_request.prompt) <= TOLD_WHOLE


def _has_length(context: JobContext, seen: Snapshot) -> bool:
    billed, asked = context.protocol.billed_seconds(seen.usage), context.create_request.fields.get("duration", -1)
    by_hand = set_by_hand(context.create_request.params) & LENGTH
    return billed is None or asked == -1 or bool(by_hand) or billed == asked


async def _rivals(context: JobContext) -> tuple[JobRecord, ...]:
    """Return the other jobs that may be the same task: uncertain, or on their way to the service."""
    rows = await context.work(context.journal.unsettled)
    return tuple(row for row in rows if row.id != context.job.id and _fits(row, context))


def _fits(row: JobRecord, context: JobContext) -> bool:
    sent = row.snapshot.status in (Status.UNCERTAIN, Status.SUBMITTING) and not row.snapshot.remote_id
    same = (row.base_url, row.account, row.model) == (
        context.protocol.base_url,
        context.account,
        context.create_request.model,
    )
    prompt = normal(str(row.request.get("filled_prompt", "")))
    return sent and same and prompt == context.create_request.prompt and _meet(row, context)


def _meet(row: JobRecord, context: JobContext) -> bool:
    """Tell whether two creates were on their way at the same time."""
    begun, slack = row.sent_at or row.created_at, 2 * retry.CLOCK_SLACK
    return begun <= _until(context) + slack and context.sent_at <= begun + retry.CREATE_PATIENCE + slack


async def _adopt(context: JobContext, seen: Snapshot, search: RecoverySearch) -> bool:
    try:
        await context.advance(replace(seen, facts={**context.job.snapshot.facts, **seen.facts}))
    except OutputError:  # another job turned out to be this task in the same moment
        search.foreign.add(seen.remote_id)
        return False
    return True


async def _conclude(context: JobContext, note: str, tasks: Iterable[str] = (), advice: str = "") -> bool:
    """End the search: the job stays uncertain, and its error says what can be done; by its note, unless `advice`."""
    problem = replace(context.job.snapshot.problem or Problem(), advice=advice or note)
    found = ", ".join(tasks)
    shown = replace(problem, message=found or problem.message)
    await context.advance(replace(context.job.snapshot, note=note, problem=shown))
    return True


def _span(context: JobContext, search: RecoverySearch) -> tuple[float, float]:
    """Return when the service can have read the create, by its own clock."""
    ahead, slack = search.ahead, retry.CLOCK_SLACK
    return context.sent_at + ahead - slack, _until(context) + ahead + slack


def _until(context: JobContext) -> float:
    """Return when the service can have read the create at the latest, by our clock."""
    try:
        return float(context.job.snapshot.facts[LOST_AT])
    except (KeyError, ValueError):
        return context.sent_at + retry.CREATE_PATIENCE
