"""Find the task of a create request whose answer was lost, in the service's list of tasks.

Services take no idempotency key, so a task is recognised by what the service says of it: it was created between our
sending the request and our giving up on the answer, no job is known to be it, and once it has ended, its prompt is
ours. It is adopted only if it is the only such task, no other uncertain job fits it, and nobody else submits our
prompts with the same key: another client's task must never be taken for ours. Nothing is sent again here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from types import MappingProxyType

from ..billing.pricing import LENGTH, set_by_hand
from ..errors import OutputError, Problem, ProblemError
from ..protocols.base import ListedTask, TaskList
from ..request.templates import normal
from ..scheduling import retry
from ..status import RECOGNISING, Snapshot, Status
from ..storage.journal.journal import JobRecord
from .context import JobContext, OwnershipLost
from .task_list import (
    RUNNING,
    DuplicateSubmitter,
    find_duplicate_submitter,
    list_tasks,
    query_task,
    without_known,
)

LOST_AT = "lost_at"  # the fact that holds when we gave up on the answer, in epoch seconds
MAX_KEPT_PROMPT = 20_000  # characters of a prompt that a task's facts keep
MIN_PROMPT_PREFIX = 500  # characters: a service that repeats only the beginning of a prompt repeats at least so many
UNKNOWN_CLOCK_MARGIN_S = 300.0  # by how much more of the list is read, until the service's clock is known


class TaskMatch(Enum):
    """What a listed task is to an uncertain job."""

    OURS = "ours"  # it ended, and is as ours would be
    RUNNING = "running"  # it may be ours; the service says its prompt at its end
    UNREADABLE = "unreadable"  # it may be ours, and the service does not say its state, however often it is asked
    FOREIGN = "foreign"


@dataclass(frozen=True, slots=True)
class TaskListView:
    """What one look at the list showed.

    Attributes:
        ours: tasks that ended and are as ours would be, with what the service says of them.
        running: ids of tasks that may be ours and have not ended.
        unreadable: ids of tasks that may be ours and whose state the service does not say.
        whole: whether the list was read to its end.
    """

    ours: tuple[Snapshot, ...] = ()
    running: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()
    whole: bool = True

    @property
    def candidates(self) -> list[str]:
        """Ids of the tasks among which the user has to choose where we cannot."""
        return [*(task.remote_id for task in self.ours), *self.unreadable]

    @property
    def has_trace(self) -> bool:
        """Whether any task may be ours."""
        return bool(self.ours or self.running or self.unreadable)


@dataclass(slots=True)
class RecoverySearch:
    """What one search has learned so far.

    Attributes:
        started_at: when it began, in epoch seconds.
        foreign: ids of tasks that are not ours; each is queried once.
        ours: by id, what the service said of ended tasks that may be ours, at the last look; it does not change.
        clock_offset_s: seconds that the service's clock is ahead of ours, by its first answer; 0 until then.
        clock_known: whether the service has said its time.
        failures: how often in a row each task could not be queried.
    """

    started_at: float
    foreign: set[str] = field(default_factory=set)
    ours: dict[str, Snapshot] = field(default_factory=dict)
    clock_offset_s: float = 0.0
    clock_known: bool = False
    failures: Counter[str] = field(default_factory=Counter)


class Outcome(Enum):
    """What follows from a look at the list."""

    ADOPT = "adopt"
    SEVERAL = "several"  # only the user can say which task is the job's
    NO_TRACE = "no_trace"
    KEEP_LOOKING = "keep_looking"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known after a look at the list; the first condition in `DECISIONS` that it meets decides.

    Attributes:
        complete: whether every task that may be ours is known by now, and has ended.
        forgotten: whether the service no longer lists a task as old as ours: nothing more will be learned.
        only_one: whether one task fits, and neither another job nor an unreadable task competes with it.
        duplicate: whether somebody else submits our prompts.
        candidates: whether some ended or unreadable task may be ours.
        timed_out: whether the list was silent for `RECOVERY_TIMEOUT_S`.
    """

    complete: bool
    forgotten: bool
    only_one: bool
    duplicate: DuplicateSubmitter
    candidates: bool
    timed_out: bool


Condition = Callable[[Evidence], bool]
# The first condition that holds decides.
DECISIONS: tuple[tuple[Condition, Outcome], ...] = (
    (lambda e: not (e.complete or e.forgotten), Outcome.KEEP_LOOKING),
    (lambda e: e.only_one and e.duplicate is DuplicateSubmitter.NONE, Outcome.ADOPT),
    (lambda e: e.only_one and e.duplicate is DuplicateSubmitter.UNDECIDED and not e.forgotten, Outcome.KEEP_LOOKING),
    (lambda e: e.candidates, Outcome.SEVERAL),
    (lambda e: e.forgotten or e.timed_out, Outcome.NO_TRACE),
    (lambda e: True, Outcome.KEEP_LOOKING),
)


def decide(evidence: Evidence) -> Outcome:
    """Return what follows from the evidence."""
    return next(outcome for holds, outcome in DECISIONS if holds(evidence))


def uncertain(context: JobContext, problem: Problem) -> Snapshot:
    """Return the state of a job whose create request may have been carried out; its connection is closed by now."""
    lost_at = min(context.clock.time(), context.sent_at + retry.CREATE_TIMEOUT_S)
    note, advice = ("recognising", "recognising") if context.protocol.can_list_tasks else ("", "uncertain")
    facts = {LOST_AT: f"{lost_at:.3f}"}
    return Snapshot(Status.UNCERTAIN, note=note, problem=replace(problem, advice=advice), facts=facts)


async def recover_task(context: JobContext) -> None:
    """Look for an uncertain job's task until it is recognised, or it is clear that it cannot be."""
    search, waited = RecoverySearch(context.clock.time()), 0.0
    while context.job.status is Status.UNCERTAIN and context.job.snapshot.note in RECOGNISING:
        if await _adopted_by_user(context):
            return
        looked_at = context.clock.time()  # a list is read from its head; what came in since then was not seen
        try:
            if await _conclude(context, await _look(context, search), search, looked_at):
                continue
        except OwnershipLost:
            if not await _adopted_by_user(context):
                raise
            return
        except ProblemError as error:
            if await _conclude_without_list(context, error, search):
                continue
        wait = context.poll_interval(waited)
        await context.pause(wait)
        waited += wait


async def _adopted_by_user(context: JobContext) -> bool:
    """Take over the task that the user named meanwhile with `%wan adopt`; False if there is none."""
    record = await context.work(context.journal.get, context.job.id)
    if record.snapshot.status is Status.UNCERTAIN or record.owner != context.owner:
        return False
    context.publish(record.snapshot)
    return True


# ---- concluding ---------------------------------------------------------------------------------------------------


async def _conclude(context: JobContext, view: TaskListView, search: RecoverySearch, now: float) -> bool:
    """Draw the conclusion that a look at the moment `now` allows; False if there is none yet."""
    outcome = decide(await _evidence(context, view, search, now))
    if outcome is Outcome.ADOPT:
        return await _adopt(context, view.ours[0], search)
    if outcome is Outcome.SEVERAL:
        return await _end(context, "several", view.candidates)
    if outcome is Outcome.NO_TRACE:
        return await _end(context, "no_trace")
    await _note_trace(context, "probable" if view.has_trace else "")
    return False


async def _evidence(context: JobContext, view: TaskListView, search: RecoverySearch, now: float) -> Evidence:
    rivals = await _rivals(context) if view.ours else ()
    latest = _latest_read(context)
    on_the_way = any(record.snapshot.status is Status.SUBMITTING for record in rivals)
    complete = now >= latest and view.whole and not view.running and not on_the_way
    forgotten = now - context.sent_at >= context.protocol.task_retention_s
    alone = len(view.ours) == 1 and not view.unreadable and not rivals
    only_one = alone and context.may_adopt and _prompt_identifies(context)
    duplicate = DuplicateSubmitter.UNDECIDED
    # Before that moment a duplicate submitter may yet send something within the window that is looked at.
    window_over = now >= latest + retry.CLOCK_TOLERANCE_S + retry.DUPLICATE_WINDOW_S
    if only_one and (complete or forgotten) and window_over:
        span, candidate = _span(context, search), view.ours[0].remote_id
        duplicate = await find_duplicate_submitter(context, span, candidate, search.failures)
    timed_out = now - max(search.started_at, latest) >= retry.RECOVERY_TIMEOUT_S
    return Evidence(complete, forgotten, only_one, duplicate, bool(view.candidates), timed_out)


async def _conclude_without_list(context: JobContext, error: ProblemError, search: RecoverySearch) -> bool:
    """Conclude what can be concluded without the list; False where it may yet come, and is asked for again."""
    if context.age_s >= context.protocol.task_retention_s or retry.is_refused(
        error
    ):  # as at a service that has no list
        seen = tuple(search.ours)
        return await _end(context, "several" if seen else "", seen, advice="" if seen else "uncertain")
    await _note_trace(context, "list_silent")
    return False


async def _note_trace(context: JobContext, trace: str) -> None:
    """Show what the list says so far. A trace is kept in mind; a list that was silent answers again."""
    shown = context.job.snapshot
    note = trace or ("recognising" if shown.note == "list_silent" else shown.note)
    if note != shown.note:
        await context.advance(replace(shown, note=note))


async def _adopt(context: JobContext, seen: Snapshot, search: RecoverySearch) -> bool:
    try:
        await context.advance(replace(seen, facts={**context.job.snapshot.facts, **seen.facts}))
    except OutputError:  # the journal gives a task to one job only: another turned out to be it in the same moment
        search.foreign.add(seen.remote_id)
        return False
    return True


async def _end(context: JobContext, note: str, tasks: Iterable[str] = (), advice: str = "") -> bool:
    """End the search. The job stays uncertain; its error says what can be done, by `advice`, else by `note`."""
    problem = replace(context.job.snapshot.problem or Problem(), advice=advice or note)
    shown = replace(problem, message=", ".join(tasks) or problem.message)
    await context.advance(replace(context.job.snapshot, note=note, problem=shown))
    return True


# ---- looking ------------------------------------------------------------------------------------------------------


async def _look(context: JobContext, search: RecoverySearch) -> TaskListView:
    """Read the list, and query the tasks in it that may be ours and have ended."""
    listing = await _list_around(context, search)
    found: Mapping[TaskMatch, list[tuple[str, Snapshot]]] = MappingProxyType({match: [] for match in TaskMatch})
    for task in await _possible(context, search, listing):
        seen = search.ours.get(task.remote_id) or await _state_of(context, task, search.failures)
        match = _match(context, seen, search.failures[task.remote_id])
        found[match].append((task.remote_id, seen or Snapshot()))
    search.foreign.update(task_id for task_id, _ in found[TaskMatch.FOREIGN])
    search.ours = {seen.remote_id: seen for _, seen in found[TaskMatch.OURS]}
    running, unreadable = (
        tuple(task_id for task_id, _ in found[match]) for match in (TaskMatch.RUNNING, TaskMatch.UNREADABLE)
    )
    return TaskListView(tuple(search.ours.values()), running, unreadable, listing.complete)


async def _list_around(context: JobContext, search: RecoverySearch) -> TaskList:
    """List the tasks that were created around our request; learn the service's clock from the first answer."""
    # Once the clock is known the margin is small: at a busy account, a list of minutes is pages long.
    margin = 2 * retry.CLOCK_TOLERANCE_S if search.clock_known else UNKNOWN_CLOCK_MARGIN_S
    offset = search.clock_offset_s
    listing = await list_tasks(context, context.sent_at + offset - margin, _latest_read(context) + offset + margin)
    if listing.server_time is not None and not search.clock_known:  # the answer nearest in time to our request
        search.clock_offset_s, search.clock_known = listing.server_time - context.clock.time(), True
    return listing


async def _possible(context: JobContext, search: RecoverySearch, listing: TaskList) -> list[ListedTask]:
    """Return the listed tasks that may be ours by their time, and that are not known to be another job's."""
    low, high = _span(context, search)
    inside = [task for task in listing.tasks if task.created is None or low <= task.created <= high]
    return [task for task in await without_known(context, inside) if task.remote_id not in search.foreign]


async def _state_of(context: JobContext, task: ListedTask, failures: Counter[str]) -> Snapshot | None:
    return Snapshot(task.status) if task.status in RUNNING else await query_task(context, task, failures)


def _match(context: JobContext, seen: Snapshot | None, failures: int) -> TaskMatch:
    """Return what a task is to the job, by its state (None if it could not be queried)."""
    if seen is None:
        return TaskMatch.UNREADABLE if failures >= retry.MAX_UNREADABLE_POLLS else TaskMatch.RUNNING
    if seen.status in RUNNING:  # also where the list said that it had ended: it may be ahead of a query
        return TaskMatch.RUNNING
    return TaskMatch.OURS if _is_like(context, seen) else TaskMatch.FOREIGN


def _is_like(context: JobContext, seen: Snapshot) -> bool:
    """Return whether an ended task may be ours: it has a video, and our prompt and length as far as these are known.

    A failed task has no prompt in its answer, and costs nothing.
    """
    if seen.status is not Status.DOWNLOADING:
        return False
    if not _prompt_identifies(context):
        return True
    ours, reported = context.create_request.prompt, normal(seen.facts.get("orig_prompt", ""))
    shortened = len(reported) >= MIN_PROMPT_PREFIX and ours.startswith(reported)
    return (reported == ours or shortened) and _has_our_length(context, seen)


def _prompt_identifies(context: JobContext) -> bool:
    """Return whether our prompt can identify a task: sent as it was typed, and short enough to be kept whole."""
    request = context.create_request
    by_hand = any(path.rpartition(".")[2] in ("prompt", "input", "messages") for path, _ in request.params)
    return bool(request.prompt) and not by_hand and len(request.prompt) <= MAX_KEPT_PROMPT


def _has_our_length(context: JobContext, seen: Snapshot) -> bool:
    request = context.create_request
    billed, asked = context.protocol.billed_seconds(seen.usage), request.fields.get("duration", -1)
    by_hand = set_by_hand(request.params) & LENGTH
    return billed is None or asked == -1 or bool(by_hand) or billed == asked


# ---- rivals and times ---------------------------------------------------------------------------------------------


async def _rivals(context: JobContext) -> tuple[JobRecord, ...]:
    """Return the other jobs that may be the same task: uncertain, or on their way to the service."""
    records = await context.work(context.journal.unsettled)
    return tuple(record for record in records if record.id != context.job.id and _competes(record, context))


def _competes(record: JobRecord, context: JobContext) -> bool:
    sent = record.snapshot.status in (Status.UNCERTAIN, Status.SUBMITTING) and not record.snapshot.remote_id
    same = (record.account, record.base_url, record.model) == context.upload_scope
    prompt = normal(str(record.request.get("filled_prompt", "")))
    return sent and same and prompt == context.create_request.prompt and _overlaps(record, context)


def _overlaps(record: JobRecord, context: JobContext) -> bool:
    """Return whether two create requests were on their way at the same time."""
    begun, slack = record.sent_at or record.created_at, 2 * retry.CLOCK_TOLERANCE_S
    return begun <= _latest_read(context) + slack and context.sent_at <= begun + retry.CREATE_TIMEOUT_S + slack


def _span(context: JobContext, search: RecoverySearch) -> tuple[float, float]:
    """Return when the service can have read the create request, in epoch seconds of its own clock."""
    offset, slack = search.clock_offset_s, retry.CLOCK_TOLERANCE_S
    return context.sent_at + offset - slack, _latest_read(context) + offset + slack


def _latest_read(context: JobContext) -> float:
    """Return when the service can have read the create request at the latest, in epoch seconds of our clock."""
    try:
        return float(context.job.snapshot.facts[LOST_AT])
    except (KeyError, ValueError):
        return context.sent_at + retry.CREATE_TIMEOUT_S
