"""Frozen views, the input of all drawing. Their text is raw, never HTML."""

from __future__ import annotations

from dataclasses import dataclass

from ..status import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayerView:
    """A finished video.

    Attributes:
        src: a path relative to the notebook, percent-encoded, or a data URI.
        poster: JPEG.
        path: the file's path, as shown to the user.
        size: width and height in pixels.
        duration: seconds.
        cost: the price with its currency, "" if it is unknown.
        origin: "new", "shown" (it existed, nothing was sent) or "attached" (its job was running already).
        warning: a sentence, "" if there is none.
        cell: the cell that made it, "" if it was not a cell.
    """

    job_id: str
    src: str
    poster: bytes
    path: str
    embedded: bool
    prompt: str
    model: str
    provider: str
    seed: int | None
    resolution: str
    size: tuple[int, int]
    duration: float
    take: int = 1
    cost: str = ""
    emulated: bool = False
    origin: str = "new"
    warning: str = ""
    cell: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CardView:
    """A job that is unfinished, or that ended without a video.

    Attributes:
        since: epoch seconds at which the job began.
        now: epoch seconds at which this view was made; for an ended job, its end.
        chips: short facts, such as "720P", "5 s", "seed 42".
        progress: 0-1 as reported by the service, None if it reports none.
        moved: bytes moved and total bytes (0: unknown) during an upload or download, else None.
        expected: seconds that similar earlier jobs took, None if too few are known.
        note: a sentence for a live job, "" if there is none.
        lines: for an ended job one or two lines about what happened, then what to do next.
        stopped: whether this kernel no longer tracks it; the job itself may still run.
        thumbnails: small JPEGs of the frames that were sent, at most two.
        file: the name of the video, "" before it is saved.
    """

    job_id: str
    status: Status
    since: float
    now: float
    prompt: str
    model: str
    provider: str
    chips: tuple[str, ...] = ()
    progress: float | None = None
    moved: tuple[int, int] | None = None
    expected: float | None = None
    note: str = ""
    lines: tuple[str, ...] = ()
    emulated: bool = False
    thumbnails: tuple[bytes, ...] = ()
    file: str = ""
    cancel_requested: bool = False
    stopped: bool = False
