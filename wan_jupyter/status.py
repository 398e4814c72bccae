"""The states of a job, the allowed transitions between them, and `Snapshot`: the state of a job at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from .errors import Problem


class Status(StrEnum):
    """The state of a job: ours until SUBMITTING, as the service reports it afterwards."""

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
        """Whether the job has not ended."""
        return self not in ENDED


# Notes of an UNCERTAIN job whose task is being searched for in the service's list: it may yet turn out to exist.
RECOGNISING = frozenset({"recognising", "probable", "list_silent"})

S = Status
ENDED = frozenset({S.SUCCEEDED, S.FAILED, S.CANCELED, S.EXPIRED, S.UNCERTAIN})

_SERVICE = frozenset({S.QUEUED, S.RUNNING, S.DOWNLOADING, S.FAILED, S.CANCELED, S.EXPIRED})

# Forward only. What the service reports against this order is recorded and ignored, but an UNCERTAIN job may turn out
# to exist (adopted: one of the service's states) or never to have been created (FAILED, code `not_created`).
# One transition is missing here, since no report may cause it: `Journal.refetch` moves a job whose file is gone from
# SUCCEEDED back to DOWNLOADING.
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
    """Return whether a job may move from one state to another; staying is always allowed."""
    return here is there or there in MOVES[here]


@dataclass(frozen=True, slots=True)
class Result:
    """Where the finished video can be downloaded.

    Attributes:
        link: a signed URL, which is a secret; "" means the protocol's content route.
        expires: epoch seconds after which the link no longer works, None if unknown.
    """

    link: str = field(default="", repr=False)
    expires: float | None = None

    def __reduce__(self) -> tuple[object, ...]:
        return Result, ("", self.expires)  # a pickle may go anywhere; the link is in the journal


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state of a job at one moment. Replaced whole, so any thread may read it.

    Attributes:
        status: the job's state.
        remote_id: the service's id, "" before it has one.
        word: the service's own status word, "" before it said one.
        progress: 0–1 where the service or a download reports it, else None. Never estimated.
        result: where the video can be downloaded, once the service says so.
        problem: what went wrong, if anything.
        poll_after: seconds the service asked to wait before the next poll, None if it did not.
        usage: what the service reports as billed (seconds, count, resolution), unchanged.
        facts: other values it reported (`actual_prompt`, `orig_prompt`, `submit_time`, `end_time`, `request_id`).
        note: key under `note` in `messages` for something the user should know while the job is live.
        file: the absolute path of the saved MP4, "" before it is on disk.
        moved: bytes transferred and bytes in total (0: unknown) while images are uploaded or the video is downloaded.
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
        """Whether nothing more will happen by itself: it ended, and its task is not being searched for."""
        return self.status.ended and not (self.status is Status.UNCERTAIN and self.note in RECOGNISING)
