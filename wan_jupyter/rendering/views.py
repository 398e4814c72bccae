"""What the displays are made from: frozen views, filled from above. Their text is raw, never HTML."""

from __future__ import annotations

from dataclasses import dataclass

from ..status import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayerView:
    """A finished video.

    Attributes:
        src: a path relative to the notebook, percent-encoded, or a data URI.
        poster: JPEG.
        path: where the file lies, as the user should read it.
        size: width and height in pixels.
        duration: seconds.
        cost: the price with its currency, "" if unknown.
        origin: "new", "shown" (it was there, nothing was sent) or "attached" (its job was under way).
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
    """A job that is under way, or that ended without a video.

    Attributes:
        since: epoch seconds at which the job began.
        now: epoch seconds at which this view was made; for an ended job, its end.
        chips: short facts, such as "720P", "5 s", "seed 42".
        progress: 0-1 where it is really known, else None.
        moved: bytes that went and bytes in all (0: unknown) while something is uploaded or downloaded.
        expected: seconds that earlier jobs like it took, None where too few are known.
        note: a sentence for a live job, "" if there is none.
        lines: for an ended job what happened, in one or two lines, then what to do next.
        stopped: whether this kernel has given up following it; the job itself may go on.
        thumbnails: small JPEGs of the pictures that were sent, at most two.
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
