"""When to repeat a request, and when never. Pure: no clock and no randomness of its own.

The one rule that costs money: a create request is repeated only if it provably never happened, that is if the
connection was never made or the service answered that it is too busy (429). Not on a 5xx, not on a lost answer: there
the task may exist, and DashScope and the gateways take no idempotency key.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from ..errors import ConnectionProblem, ProblemError
from .polling import MAX_POLL_INTERVAL_S

# Waits after a 429 on create, one for each further try: a minute in all. DashScope counts creates by the second (2 or 5
# a second for each model; rate-limit page, help.aliyun.com/zh/model-studio/rate-limit, read 2026-11-21), so that a
# short wait helps; a gateway whose channel is overloaded needs longer.
SUBMIT_BACKOFF_S = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
MAX_UNREACHED_TRIES = (
    4  # creates that made no connection; with the waits above about 7 s, as for a name server's hiccup
)
# The longest wait that a service may ask for before a create: below the 600 s after which a process whose job shows no
# sign of life counts as dead, and another would take the job over.
MAX_SUBMIT_WAIT_S = 120.0
MAX_DOWNLOAD_TRIES = 5  # copies that arrive whole and do not decode
DOWNLOAD_TIMEOUT_S = 30 * 60.0  # waited without one more byte; the link lives for 24 h, and `%wan resume` tries again
MAX_UPLOAD_TRIES = 2  # an upload costs nothing, but 20 MB over a slow line take minutes

# A create request whose answer was lost.
# The client's own time-outs together (connect 10 s, write 300 s, read 60 s): by then the service has read it, or never.
CREATE_TIMEOUT_S = 370.0
CLOCK_TOLERANCE_S = 5.0  # how far two clocks may differ that are set by NTP, and the service's rounding to seconds
# How long a list without a trace of the task is not believed. DashScope's page on the list
# (alibabacloud.com/help/en/model-studio/manage-asynchronous-tasks, 2026-03-15) does not say how soon it has a
# new task.
RECOVERY_TIMEOUT_S = 120.0
# Before and after the create request: where somebody else with the same key submits our prompts within this window, the
# task may be theirs, as in a class that runs the same cell with one key.
DUPLICATE_WINDOW_S = 120.0
MAX_PAGE_TRIES = 4  # for each page of a list after the first, so that what was read is not thrown away
# How often in a row a listed task is queried in vain until it counts as unreadable: 10 minutes at one try every 15 s.
MAX_UNREADABLE_POLLS = 40

# 4xx answers after which the task may exist all the same. 408: the server gave up waiting for the rest of the request.
AMBIGUOUS_4XX = frozenset({408})

JITTER = 0.25  # share of a wait that is added at random, so that processes which failed together do not come together


class SubmitVerdict(Enum):
    """What a failed create request means."""

    AGAIN = "again"
    NOT_CREATED = "not_created"
    UNCERTAIN = "uncertain"


@dataclass(frozen=True, slots=True)
class Stall:
    """How long a download has been failing without getting any further.

    Attributes:
        furthest: the most bytes that were ever safe on disk.
        failures: failed tries since then.
        waited: seconds that were waited since then; while the machine slept nothing is counted.
    """

    furthest: int = 0
    failures: int = 0
    waited: float = 0.0

    def failed(self, held: int) -> Stall:
        """Count a failed try after which `held` bytes are on disk; where that is more than ever, start anew."""
        return Stall(held, 1) if held > self.furthest else replace(self, failures=self.failures + 1)

    def rested(self, seconds: float) -> Stall:
        """Count a wait."""
        return replace(self, waited=self.waited + seconds)

    @property
    def over(self) -> bool:
        """Whether to give up for now."""
        return self.waited >= DOWNLOAD_TIMEOUT_S


def judge_submit(error: ProblemError, tries: int) -> SubmitVerdict:
    """Return what to make of a failed create request after `tries` tries (1 after the first)."""
    if isinstance(error, ConnectionProblem):
        if error.sent:
            return SubmitVerdict.UNCERTAIN
        return SubmitVerdict.AGAIN if tries < MAX_UNREACHED_TRIES else SubmitVerdict.NOT_CREATED
    http = error.problem.http
    if http == 429 and error.problem.again and tries <= len(SUBMIT_BACKOFF_S):
        return SubmitVerdict.AGAIN
    refused = error.problem.created_nothing or (300 <= http < 500 and http not in AMBIGUOUS_4XX)
    return SubmitVerdict.NOT_CREATED if refused else SubmitVerdict.UNCERTAIN


def is_refused(error: ProblemError) -> bool:
    """Return whether repeating a request cannot help: the answer was a 4xx other than 408 and 429."""
    http = error.problem.http
    return not isinstance(error, ConnectionProblem) and 400 <= http < 500 and http not in (*AMBIGUOUS_4XX, 429)


def submit_wait(error: ProblemError, tries: int, jitter: float) -> float:
    """Return seconds before a create request is sent again; `jitter` is a random number from 0 to 1."""
    return _wait(error, SUBMIT_BACKOFF_S[min(tries, len(SUBMIT_BACKOFF_S)) - 1], jitter, MAX_SUBMIT_WAIT_S)


def retry_wait(error: ProblemError, poll_intervals_s: tuple[float, float], failures: int, jitter: float) -> float:
    """Return seconds before a failed poll, upload or download is tried again: doubled with each failure in a row."""
    base = max(poll_intervals_s[0], 0.5) * 2.0 ** min(failures, 10)
    return _wait(error, min(base, MAX_POLL_INTERVAL_S), jitter, MAX_POLL_INTERVAL_S)


def _wait(error: ProblemError, base: float, jitter: float, longest: float) -> float:
    """Return what the service asked for, up to `longest`: a result link expires while a client waits for days."""
    asked = error.problem.wait
    return (min(asked, longest) if asked is not None else base) + base * JITTER * jitter
