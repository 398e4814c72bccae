"""Open and decode a video file with PyAV: its properties, and single frames.

Frames are decoded in one pass, one at a time; no function holds all of a video's frames. PyAV is imported lazily.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ...errors import OutputError
from ...errors.system import reason_of
from ...i18n.messages import Phrase

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream
    from PIL.Image import Image as Picture


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """A video file's properties, from its header.

    Attributes:
        duration: seconds, above 0.
        size: width and height in pixels.
        fps: average frames per second; 0.0 if the file does not say.
    """

    duration: float
    size: tuple[int, int]
    fps: float


@contextmanager
def opened(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open a file for decoding; raise every failure as an `OutputError`."""
    import av

    if not path.is_file():
        raise OutputError("video.missing", path=path)
    try:
        with av.open(str(path), metadata_errors="replace") as container:
            if not container.streams.video:
                raise OutputError("video.undecodable", path=path, why=Phrase("video.why.no_track", {}))
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            yield container, stream
    # PyAV 18.1 raises IndexError for a truncated header.
    except (av.error.FFmpegError, IndexError) as problem:
        why = Phrase("video.why.cut", {}) if isinstance(problem, IndexError) else reason_of(problem)
        raise OutputError("video.undecodable", path=path, why=why) from problem


def video_info(container: InputContainer, stream: VideoStream) -> VideoInfo:
    """Return the properties in the header."""
    return VideoInfo(_duration(container, stream), (stream.width, stream.height), float(_rate(stream)))


def refuse_cut_file(path: Path, stream: VideoStream) -> None:
    """Raise an error for a file that is shorter than its index says.

    A file that was cut exactly between two frames decodes without an error.
    """
    entries = getattr(stream, "index_entries", ())
    end = max((entry.pos + entry.size for entry in entries), default=0)
    if end > path.stat().st_size:
        raise OutputError("video.undecodable", path=path, why=Phrase("video.why.cut", {}))


# ---- frames -------------------------------------------------------------------------------------------------------


def first(container: InputContainer, stream: VideoStream) -> VideoFrame:
    """Decode the first frame."""
    for frame in container.decode(stream):
        return frame
    raise OutputError("video.undecodable", path=container.name, why=Phrase("video.why.no_frame", {}))


def last(container: InputContainer, stream: VideoStream) -> VideoFrame:
    """Decode the last frame, starting at the last key frame, or at the beginning if that yields no frame."""
    for target in (_end(stream), _start(stream)):
        container.seek(target, stream=stream)
        frame = None
        for frame in container.decode(stream):  # noqa: B007  only the last one is wanted
            pass
        if frame is not None:
            return frame
    raise OutputError("video.undecodable", path=container.name, why=Phrase("video.why.no_frame", {}))


def at(container: InputContainer, stream: VideoStream, t: float) -> VideoFrame:
    """Decode the frame shown at `t` seconds, starting at the key frame before it."""
    target = _start(stream) + round(t / float(stream.time_base or 1))
    container.seek(target, stream=stream)
    shown: VideoFrame | None = None
    for frame in container.decode(stream):
        if shown is not None and frame.pts is not None and frame.pts > target:
            break
        shown = frame
    return shown or last(container, stream)


def spread(container: InputContainer, stream: VideoStream, count: int) -> Iterator[tuple[float, VideoFrame]]:
    """Yield `count` frames with their times in seconds, evenly spaced from the first to the last, in one pass.

    If the video has fewer frames, some are repeated.
    """
    wanted = deque(_moments(container, stream, count))
    shown: VideoFrame | None = None
    for frame in container.decode(stream):
        while shown is not None and wanted and frame.pts is not None and frame.pts > wanted[0]:
            wanted.popleft()
            yield _seconds(shown, stream), shown
        if not wanted:
            return
        shown = frame
    if shown is None:
        raise OutputError("video.undecodable", path=container.name, why=Phrase("video.why.no_frame", {}))
    for _ in wanted:
        yield _seconds(shown, stream), shown


def picture_of(frame: VideoFrame) -> Picture:
    """Return a frame as a PIL image."""
    picture: Picture = cast("Any", frame).to_image()  # untyped in PyAV's own stubs
    return picture


def _moments(container: InputContainer, stream: VideoStream, count: int) -> list[float]:
    """Return the latest start (in ticks) of each of `count` frames, half a frame late against rounding errors.

    The first and the last frame do not depend on the header's rate and duration, which may be wrong.
    """
    tick = float(stream.time_base or 1)
    step = 1 / float(_rate(stream)) / tick if _rate(stream) else 0.0
    whole = max(0.0, _duration(container, stream) / tick - step)
    evenly = [_start(stream) + step / 2 + whole * i / max(1, count - 1) for i in range(count)]
    return [_start(stream), *evenly[1:-1], float("inf")][:count]


def _seconds(frame: VideoFrame, stream: VideoStream) -> float:
    return float(((frame.pts or 0) - _start(stream)) * (stream.time_base or 1)) if frame.pts else 0.0


def _rate(stream: VideoStream) -> Any:
    return stream.average_rate or stream.guessed_rate or 0


def _duration(container: InputContainer, stream: VideoStream) -> float:
    """Return the video track's duration in seconds, or the container's if the track has none."""
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return (container.duration or 0) / 1_000_000


def _start(stream: VideoStream) -> int:
    return stream.start_time or 0


def _end(stream: VideoStream) -> int:
    return _start(stream) + (stream.duration or 0)
