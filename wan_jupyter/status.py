"""The life of a job, as data: its states, the moves between them, and one frozen picture of where it stands.

Floor 0. Knows `errors` for `Problem` and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from .errors import Problem


class Status(StrEnum):
    """Where a job stands. Ours until SUBMITTING, the service's word afterwards."""

    PREPARING = "PREPARING"
    SUBMITTING = "SUBMITTING"
    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    DOWNLOADING = "DOWNLOADING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    UNCERTAIN = "UNCERTAIN"

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen by itself."""
        return self in ENDED

    @property
    def live(self) -> bool:
        """Whether the job is still under way."""
        return self not in ENDED


# Notes of an UNCERTAIN job for whose task the service's list is searched: it may yet turn out to exist.
RECOGNISING = frozenset({"recognising", "probable", "list_silent"})

S = Status
ENDED = frozenset({S.SUCCEEDED, S.FAILED, S.CANCELED, S.EXPIRED, S.UNCERTAIN})

_SERVICE = frozenset({S.QUEUED, S.RUNNING, S.DOWNLOADING, S.FAILED, S.CANCELED, S.EXPIRED})

# Forward only. What the service reports against this order is recorded and ignored, but an UNCERTAIN job may turn out
# to exist (adopted: one of the service's states) or never to have been created (FAILED, code `not_created`).
# One step is not here, since no report may cause it: `Journal.refetch` takes a job whose file is gone from SUCCEEDED
# back to DOWNLOADING.
MOVES: Mapping[Status, frozenset[Status]] = MappingProxyType(
    {
        S.PREPARING: frozenset({S.SUBMITTING, S.FAILED, S.CANCELED}),
        S.SUBMITTING: _SERVICE | {S.UNCERTAIN},
        S.QUEUED: _SERVICE,
        S.RUNNING: _SERVICE - {S.QUEUED},
        S.DOWNLOADING: frozenset({S.SUCCEEDED, S.FAILED, S.EXPIRED}),
        S.UNCERTAIN: _SERVICE,
        S.SUCCEEDED: frozenset(),
        S.FAILED: frozenset(),
        S.CANCELED: frozenset(),
        S.EXPIRED: frozenset(),
    }
)


def may_move(here: Status, there: Status) -> bool:
    """Tell whether a job may go from one state to another; staying is always allowed."""
    return here is there or there in MOVES[here]


@dataclass(frozen=True, slots=True)
class Result:
    """Where the finished video lies.

    Attributes:
        link: a signed URL, which is a secret; "" means the protocol's content route.
        expires: epoch seconds after which the link is dead, None if unknown.
    """

    link: str = field(default="", repr=False)
    expires: float | None = None

    def __reduce__(self) -> tuple[object, ...]:
        return Result, ("", self.expires)  # a pickle may go anywhere; the link is in the journal


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One picture of a job, replaced whole, so that any thread may read it.

    Attributes:
        status: where the job stands.
        remote_id: the service's id, "" before it has one.
        word: the service's own status word, "" before it said one.
        progress: 0–1 where the service or a download gives one, else None. Never invented.
        result: where the video lies, once the service says so.
        problem: what went wrong, if something did.
        poll_after: seconds the service asked to wait before the next poll, None if it did not.
        usage: what the service says it billed (seconds, count, resolution), as it said it.
        facts: other things the service said (`actual_prompt`, `orig_prompt`, `submit_time`, `end_time`, `request_id`).
        note: key under `note` in `messages` for something the user should know while the job is live.
        file: the absolute path of the saved MP4, "" before it is on disk.
        moved: bytes that went and bytes in all (0: unknown) while pictures are uploaded or the video is downloaded.
    """

    status: Status = Status.PREPARING
    remote_id: str = ""
    word: str = ""
    progress: float | None = None
    result: Result | None = None
    problem: Problem | None = None
    poll_after: float | None = None
    usage: Mapping[str, object] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)
    note: str = ""
    file: str = ""
    moved: tuple[int, int] | None = None

    @property
    def settled(self) -> bool:
        """Whether nothing more will happen by itself: it ended, and nobody looks for its task in the service's list."""
        return self.status.ended and not (self.status is Status.UNCERTAIN and self.note in RECOGNISING)
