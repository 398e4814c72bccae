"""Sums of what jobs cost, by session, provider and currency."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...billing.budget import Spending
from ...status import Status

if TYPE_CHECKING:
    import sqlite3


def _among(*statuses: Status) -> str:
    return f"status IN ({', '.join(repr(str(status)) for status in statuses)})"


# Services bill what succeeds: DashScope's documents say so, and new-api gateways refund what they charged in advance
# (their source code, November 2026). What may have been made counts until it is known.
_NOTHING = f"({_among(Status.FAILED, Status.CANCELED)} OR ({_among(Status.UNCERTAIN)} AND note = 'no_trace'))"
_MADE = _among(Status.SUCCEEDED)
_LIVE = _among(*(status for status in Status if status.live))
_KNOWN = f"cost IS NOT NULL OR {_NOTHING}"
_SUMS = f"""
    SELECT session, provider, currency, COUNT(*) AS jobs, SUM({_MADE}) AS made,
        SUM(CASE WHEN cost IS NOT NULL THEN cost WHEN {_MADE} THEN COALESCE(estimate, 0) ELSE 0 END) AS spent,
        SUM(CASE WHEN {_KNOWN} OR {_MADE} THEN 0 ELSE COALESCE(estimate, 0) END) AS reserved,
        SUM(NOT ({_KNOWN}) AND estimate IS NULL) AS unknown
    FROM jobs
    WHERE (COALESCE(sent_at, created_at) >= :since OR (sent_at IS NULL AND {_LIVE}))
        AND (:session IS NULL OR session = :session)
    GROUP BY session, provider, currency ORDER BY session, provider, currency
"""  # noqa: S608 - names of our own states; values are bound


def read_sums(sql: sqlite3.Connection, since: float, session: str | None) -> tuple[Spending, ...]:
    """Return what jobs cost that were sent since an epoch second or are not yet sent; of one session, or of all.

    A job counts from the moment it was sent: from then on it may be billed.
    """
    return tuple(Spending(**dict(row)) for row in sql.execute(_SUMS, {"since": since, "session": session}))
