"""When to ask again, and when never. Floor 2: pure, no clock of its own.

The one rule that costs money: a create is repeated only if it provably never happened, that is if the connection was
never made or the service answered that it is too busy (429). Not on a 5xx, not on a lost answer: there the task may
exist.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from ..errors import ConnectionProblem, ProblemError
from .polling import LONGEST_WAIT

SUBMIT_WAITS = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
UNREACHED_TRIES = 4
LONGEST_SUBMIT_WAIT = 120.0  # below the time after which a silent owner counts as dead
DOWNLOAD_TRIES = 5  # copies that arrive whole and do not decode
DOWNLOAD_PATIENCE = 30 * 60.0  # seconds of waiting in which a download gets no further
UPLOAD_TRIES = 2

# A create whose answer was lost: the longest that the service may take to read it (the client's time-outs together),
# how far two clocks may differ, and for how long a list without a trace of it is not believed.
CREATE_PATIENCE = 370.0
CLOCK_SLACK = 5.0
NO_TRACE_AFTER = 120.0
# Around a lost create: how far, in seconds, it is looked whether somebody else orders what we order.
TWINS_AROUND = 120.0
# How often in a row a page of a list whose beginning is read is asked for.
PAGE_TRIES = 4
# How often in a row a listed task is asked for in vain until nobody is thought to be able to say what it is.
UNREAD_TRIES = 40

# 4xx answers after which the task may exist all the same: the server gave up waiting for the rest of the request.
UNSURE_4XX = frozenset({408})


class SubmitVerdict(Enum):
    """What a failed submit means."""

    AGAIN = "again"
    NOT_CREATED = "not_created"
    UNCERTAIN = "uncertain"


@dataclass(frozen=True, slots=True)
class Stall:
    """How long a download has been failing without getting any further.

    Attributes:
        furthest: the most bytes that were ever safe on disk.
        failures: failed tries since then.
        waited: seconds that were waited since then; a machine that slept has not waited.
    """

    furthest: int = 0
    failures: int = 0
    waited: float = 0.0

    def failed(self, held: int) -> Stall:
        """Count a failed try after which so many bytes are on disk; getting further begins the count anew."""
        return Stall(held, 1) if held > self.furthest else replace(self, failures=self.failures + 1)

    def rested(self, seconds: float) -> Stall:
        """Count a wait."""
        return replace(self, waited=self.waited + seconds)

    @property
    def over(self) -> bool:
        """Whether it is time to leave the download to a later day."""
        return self.waited >= DOWNLOAD_PATIENCE


def judge_submit(error: ProblemError, tries: int) -> SubmitVerdict:
    """Tell what to make of a failed create after `tries` tries (1 after the first)."""
    if isinstance(error, ConnectionProblem):
        if error.sent:
            return SubmitVerdict.UNCERTAIN
        return SubmitVerdict.AGAIN if tries < UNREACHED_TRIES else SubmitVerdict.NOT_CREATED
    http = error.problem.http
    if http == 429 and error.problem.again and tries <= len(SUBMIT_WAITS):
        return SubmitVerdict.AGAIN
    refused = error.problem.created_nothing or (300 <= http < 500 and http not in UNSURE_4XX)
    return SubmitVerdict.NOT_CREATED if refused else SubmitVerdict.UNCERTAIN


def is_refused(error: ProblemError) -> bool:
    """Tell whether the service will not do what it was asked, however often it is asked: a 4xx but 408 and 429."""
    http = error.problem.http
    return not isinstance(error, ConnectionProblem) and 400 <= http < 500 and http not in (*UNSURE_4XX, 429)


def submit_wait(error: ProblemError, tries: int, jitter: float) -> float:
    """Return seconds before a create is sent again; `jitter` is a draw from 0–1."""
    return _wait(error, SUBMIT_WAITS[min(tries, len(SUBMIT_WAITS)) - 1], jitter, LONGEST_SUBMIT_WAIT)


def after_failure(error: ProblemError, pace: tuple[float, float], failures: int, jitter: float) -> float:
    """Return seconds before a failed poll or download is tried again."""
    return _wait(error, min(max(pace[0], 0.5) * 2.0 ** min(failures, 10), LONGEST_WAIT), jitter, LONGEST_WAIT)


def _wait(error: ProblemError, base: float, jitter: float, longest: float) -> float:
    """Return what the service asked for, within reason: a result link dies while a client sleeps for days."""
    asked = error.problem.wait
    return (min(asked, longest) if asked is not None else base) + base * 0.25 * jitter


# ---- an account's limits ------------------------------------------------------------------------------------------
