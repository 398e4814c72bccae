"""When to ask again, and when never."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wan_jupyter.errors import LOST_ANSWER, UNREACHED, ConnectionProblem, Problem, ProblemError, ServiceError
from wan_jupyter.scheduling import polling, retry
from wan_jupyter.scheduling.retry import SubmitVerdict, judge_submit

PACE = (5.0, 15.0)


def answered(http: int, again: bool = False, wait: float | None = None) -> ServiceError:
    return ServiceError("service.refused", problem=Problem("Code", "", "", http, "unknown", again, wait))


def unreached() -> ConnectionProblem:
    return ConnectionProblem("service.unreached", problem=Problem(UNREACHED))


def lost() -> ConnectionProblem:
    return ConnectionProblem("service.lost", problem=Problem(LOST_ANSWER))


@pytest.mark.parametrize(
    ("error", "tries", "verdict"),
    [
        (unreached(), 1, SubmitVerdict.AGAIN),
        (unreached(), retry.MAX_UNREACHED_TRIES, SubmitVerdict.NOT_CREATED),
        (lost(), 1, SubmitVerdict.UNCERTAIN),
        (answered(429, again=True), 1, SubmitVerdict.AGAIN),
        (answered(429, again=True), len(retry.SUBMIT_BACKOFF_S) + 1, SubmitVerdict.NOT_CREATED),
        (answered(429, again=False), 1, SubmitVerdict.NOT_CREATED),
        (answered(200), 1, SubmitVerdict.UNCERTAIN),
        (answered(302), 1, SubmitVerdict.NOT_CREATED),
        (answered(400), 1, SubmitVerdict.NOT_CREATED),
        (answered(400, again=True), 1, SubmitVerdict.NOT_CREATED),
        (answered(401), 1, SubmitVerdict.NOT_CREATED),
        (answered(404), 1, SubmitVerdict.NOT_CREATED),
        (answered(408), 1, SubmitVerdict.UNCERTAIN),
        (answered(500, again=True), 1, SubmitVerdict.UNCERTAIN),
        (answered(503, again=True), 1, SubmitVerdict.UNCERTAIN),
        (answered(504), 1, SubmitVerdict.UNCERTAIN),
    ],
    ids=str,
)
def test_a_create_is_repeated_only_if_it_never_happened(
    error: ProblemError, tries: int, verdict: SubmitVerdict
) -> None:
    """The one rule that costs money."""
    assert judge_submit(error, tries) is verdict


@given(http=st.integers(0, 999), again=st.booleans(), tries=st.integers(1, 50))
def test_no_answer_but_429_is_ever_sent_again(http: int, again: bool, tries: int) -> None:
    """Whatever a service's code promises."""
    assert judge_submit(answered(http, again), tries) is not SubmitVerdict.AGAIN or http == 429


@given(http=st.integers(0, 999), again=st.booleans())
def test_trying_ends(http: int, again: bool) -> None:
    """No error is tried again for ever."""
    assert judge_submit(answered(http, again), 100) is not SubmitVerdict.AGAIN
    assert judge_submit(unreached(), 100) is not SubmitVerdict.AGAIN


def test_the_services_own_wait_is_kept() -> None:
    """`Retry-After`, and a little more, so that not all come back at once."""
    assert retry.submit_wait(answered(429, wait=7.0), 1, 0.0) == 7.0
    assert 7.0 < retry.submit_wait(answered(429, wait=7.0), 1, 1.0) < 8.0


def test_submits_wait_longer_each_time() -> None:
    """Without a word of the service's."""
    waits = [retry.submit_wait(answered(429), tries, 0.0) for tries in range(1, 9)]
    assert waits == [1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 30.0, 30.0]


def test_polls_slow_down_after_minutes_and_after_failures() -> None:
    """Never faster than the provider's pace, never slower than a minute or so."""
    assert polling.poll_interval(PACE, 0.0, 0, 0.0) == 5.0
    assert polling.poll_interval(PACE, polling.SLOW_POLLING_AFTER_S, 0, 0.0) == 15.0
    assert polling.poll_interval(PACE, 0.0, 2, 0.0) == 20.0
    assert polling.poll_interval(PACE, 0.0, 99, 1.0) == pytest.approx(polling.MAX_POLL_INTERVAL_S * 1.1)


@given(failures=st.integers(0, 5000), jitter=st.floats(0, 1))
def test_a_failed_poll_is_asked_again_within_a_minute_or_so(failures: int, jitter: float) -> None:
    """However often it failed."""
    assert 5.0 <= retry.retry_wait(answered(500), PACE, failures, jitter) <= polling.MAX_POLL_INTERVAL_S * 1.25
    assert 5.0 <= polling.poll_interval(PACE, 0.0, failures, jitter) <= polling.MAX_POLL_INTERVAL_S * 1.1


def test_an_answer_that_proves_nothing_was_created_is_believed_whatever_its_status() -> None:
    """A gateway decides some things before it asks anybody, and answers 503 or 500."""
    for http in (200, 500, 503):
        error = ServiceError("service.refused", problem=Problem("model_not_found", http=http, created_nothing=True))
        assert retry.judge_submit(error, 1) is retry.SubmitVerdict.NOT_CREATED


def stalled(held: int, times: int, stall: retry.Stall = retry.Stall()) -> retry.Stall:  # noqa: B008 - frozen
    """Fail some times with so many bytes on disk, and wait each time."""
    for _ in range(times):
        stall = stall.failed(held)
        stall = stall.rested(retry.retry_wait(answered(503), PACE, stall.failures, 0.0))
    return stall


def test_a_download_is_given_half_an_hour_without_progress() -> None:
    """In waits that grow to a minute."""
    assert not stalled(0, 31).over
    assert stalled(0, 32).over
    assert stalled(0, 32).waited == 10 + 20 + 40 + 29 * 60


def test_getting_further_begins_the_count_anew() -> None:
    """Half an hour after the last byte, not after the first."""
    stall = stalled(1, 1, stalled(0, 31))
    assert (stall.failures, stall.waited, stall.over) == (1, 10.0, False)


def test_what_was_there_before_is_no_progress() -> None:
    """A file that begins anew again and again and never gets further is not fetched for ever."""
    stall = stalled(500, 1)
    assert stalled(400, 40, stall).over
    assert stalled(500, 40, stall).over
