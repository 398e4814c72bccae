"""When to poll a running task again."""

from __future__ import annotations

# A provider has two intervals in the catalogue. DashScope advises 15 s, allows 20 queries a second for an account
# (alibabacloud.com/help/en/model-studio/manage-asynchronous-tasks, 2026-03-15) and says that a video usually takes 1 to
# 5 minutes: the first minutes are polled more often, so that a video is shown soon, then at the advised interval.
SLOW_POLLING_AFTER_S = 180.0
MAX_POLL_INTERVAL_S = 60.0  # after failures; a provider's own longer interval is kept
HEARTBEAT_INTERVAL_S = 60.0  # a tenth of the silence after which a process counts as dead (`process_lock`)
# How long a task is polled that does not end: twice the 3 h after which DashScope itself fails a task without a result
# (help.aliyun.com/zh/model-studio/error-code, `InternalError.Timeout`). On some gateways a stuck task never ends. The
# job stays as it is, and `%wan resume` polls it again.
POLL_TIMEOUT_S = 6 * 3600.0

JITTER = 0.1  # share of an interval that is added at random, so that many jobs do not poll at the same moment


def poll_interval(poll_intervals_s: tuple[float, float], elapsed_s: float, failures: int, jitter: float) -> float:
    """Return seconds before the next poll.

    Args:
        poll_intervals_s: the provider's interval in the first minutes, and later.
        elapsed_s: how long the task has been waited for.
        failures: polls that failed in a row; each doubles the interval.
        jitter: a random number from 0 to 1.
    """
    base = poll_intervals_s[0] if elapsed_s < SLOW_POLLING_AFTER_S else poll_intervals_s[1]
    return min(base * 2.0 ** min(failures, 10), max(MAX_POLL_INTERVAL_S, base)) * (1 + JITTER * jitter)
