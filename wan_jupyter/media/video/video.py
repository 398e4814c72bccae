"""`Video`: a finished video on disk, its properties, frames and exports.

Every call opens the file, reads what it needs and closes it, so a `Video` can be kept, copied, pickled and used from
any thread. PyAV and Pillow are imported lazily.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import OutputError
from ..display import show
from . import decode, export, thumbnails
from .decode import VideoInfo, opened
from .thumbnails import thumbnail

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

    from ...billing.money import Amount

__all__ = ["Video", "VideoInfo", "codecs", "inspect", "looks_like_mp4", "thumbnail"]


@dataclass(frozen=True, repr=False)
class Video:
    """A video file and the facts in its sidecar.

    Attributes:
        path: the file, absolute.
        facts: the sidecar's contents (`prompt`, `filled_prompt`, `model`, `provider`, `seed`, `cost`, `take`, …),
            empty without a sidecar.
    """

    path: Path
    facts: Mapping[str, Any] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", Path(self.path).absolute())

    @property
    def duration(self) -> float:
        """The length in seconds."""
        return self._probed.duration

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self._probed.size

    @property
    def fps(self) -> float:
        """Frames per second."""
        return self._probed.fps

    # ---- how it was made ------------------------------------------------------------------------------------------

    @property
    def prompt(self) -> str:
        """The prompt that was sent, with its `{{ }}` filled in; "" where the sidecar is missing."""
        return str(self.facts.get("filled_prompt") or self.facts.get("prompt") or "")

    @property
    def seed(self) -> int | None:
        """The seed, typed or drawn; None where it is unknown."""
        seed = self.facts.get("seed")
        return seed if isinstance(seed, int) else None

    @property
    def model(self) -> str:
        """The model that made it, "" where it is unknown."""
        return str(self.facts.get("model") or "")

    @property
    def cost(self) -> Amount | None:
        """What was charged for it; None where that is unknown."""
        from ...billing.money import read_amount

        try:
            return read_amount(self.facts.get("cost", ""))
        except ValueError:  # an empty or a foreign sidecar
            return None

    # ---- pictures -------------------------------------------------------------------------------------------------

    @property
    def last_frame(self) -> Picture:
        """The last frame, with which another video can start."""
        with opened(self.path) as (container, stream):
            return decode.picture_of(decode.last(container, stream))

    def frame(self, t: float) -> Picture:
        """Return the frame shown at `t` seconds.

        Args:
            t: from 0 up to and including `duration`.

        Raises:
            OutputError: `t` is outside the video, or the file cannot be read.
        """
        with opened(self.path) as (container, stream):
            duration = decode.video_info(container, stream).duration
            if not 0 <= t <= duration:
                raise OutputError("video.outside", t=f"{t:g}", duration=f"{duration:g}", name=self.path.name)
            return decode.picture_of(decode.at(container, stream, t))

    def frames(self, n: int) -> list[Picture]:
        """Return `n` frames, evenly spaced from the first to the last, both included.

        The video is decoded once. If it has fewer frames, some are repeated; for `n` = 1, the first is returned.

        Raises:
            OutputError: `n` is less than 1, or the file cannot be read.
        """
        count = _whole(n, 1, "video.count")
        with opened(self.path) as (container, stream):
            return [decode.picture_of(frame) for _, frame in decode.spread(container, stream, count)]

    @property
    def poster(self) -> thumbnails.Jpeg:
        """The first frame as a JPEG, at most 480 pixels wide: bytes, which a notebook displays as a picture."""
        return thumbnails.Jpeg(self.jpeg())

    def jpeg(self, width: int = 480) -> bytes:
        """Return the first frame as a JPEG, at most `width` pixels wide."""
        with opened(self.path) as (container, stream):
            return thumbnails.jpeg(decode.picture_of(decode.first(container, stream)), width)

    def strip(self, n: int = 8, *, width: int = 960) -> Picture:
        """Return a filmstrip: `n` evenly spaced frames side by side, with the time under each.

        The strip is at most `width` pixels wide. If the video has fewer frames, each is shown once.

        Raises:
            OutputError: `n` is less than 1 or too many for this width, or the file cannot be read.
        """
        count = _whole(n, 1, "video.count")
        each = thumbnails.frame_width(count, _whole(width, 1, "video.width"))
        with opened(self.path) as (container, stream):
            spread = decode.spread(container, stream, count)
            return thumbnails.filmstrip({t: thumbnails.shrunk(decode.picture_of(frame), each) for t, frame in spread})

    # ---- files ----------------------------------------------------------------------------------------------------

    def save(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Copy the video to a folder or a file name, and return the copy's path.

        Missing folders are created; a name without a suffix gets the video's.

        Raises:
            OutputError: another file is there, the suffix is not the video's, or the copy cannot be written.
        """
        target = export.target_of(path, self.path.name)
        if not self.path.is_file():
            raise OutputError("video.missing", path=self.path)
        return export.copied(self.path, target, overwrite)

    def to_gif(
        self, path: str | Path | None = None, *, width: int = 480, fps: float = 10, overwrite: bool = False
    ) -> Path:
        """Write a looping GIF and return its path.

        Args:
            path: a folder or a file name; by default a file beside the video.
            width: the largest width in pixels; the GIF is never wider than the video.
            fps: the highest frame rate, above 0 and up to 50.
            overwrite: whether to replace another file at that path.

        Raises:
            OutputError: another file is there, the video cannot be read, or the GIF cannot be written.
        """
        from .gif import MAX_FPS, write_gif

        width = _whole(width, 1, "video.width")
        if not 0 < fps <= MAX_FPS:
            raise OutputError("video.rate", value=fps, most=MAX_FPS)
        usual = self.path.with_suffix(".gif")
        target = export.target_of(path or usual, usual.name)
        with export.replacing(target, self.path, overwrite) as part:
            write_gif(self.path, part, width, fps)
        return target

    def __wan_image__(self) -> Picture:
        """Return the last frame: `%%wan $video` continues from it."""
        return self.last_frame

    def show(self) -> None:
        """Display the video in the running notebook or IPython shell; elsewhere, print one line."""
        show(self)

    def __repr__(self) -> str:
        return f"<Video {self.path.name}>"

    @cached_property
    def _probed(self) -> VideoInfo:
        with opened(self.path) as (container, stream):
            return decode.video_info(container, stream)


def inspect(path: Path | str) -> VideoInfo:
    """Return a video file's properties, after decoding its first and its last frame.

    Raises:
        OutputError: `video.missing`; `video.undecodable` if a frame cannot be decoded or the file is truncated.
    """
    with opened(Path(path)) as (container, stream):
        facts = decode.video_info(container, stream)
        decode.refuse_cut_file(Path(path), stream)
        decode.first(container, stream)
        decode.last(container, stream)
        return facts


def looks_like_mp4(first_bytes: bytes) -> bool:
    """Return whether a file with these first bytes (12 are enough) is of the MP4 family."""
    return first_bytes[4:8] == b"ftyp"


def codecs() -> dict[str, bool]:
    """Return which of the codecs that players and the emulator need PyAV has."""
    import av

    return {name: name in av.codecs_available for name in ("h264", "hevc", "aac", "libx264")}


def _whole(value: Any, least: int, problem: str) -> int:
    """Return a whole number, numpy's too.

    Raises:
        OutputError: it is not a whole number, or less than `least`.
    """
    try:
        number = operator.index(value)
    except TypeError:
        number = least - 1
    if number < least:
        raise OutputError(problem, value=value)
    return number
