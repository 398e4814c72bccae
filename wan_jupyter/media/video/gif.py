"""A video as a GIF: its frames go through FFmpeg's palette filters twice, one frame at a time.

Pillow would keep all frames until the file is written, and would give each its own colours, which flicker.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import OutputError
from ...errors.system import reason_of
from ...i18n.messages import Phrase
from .decode import opened, video_info
from .thumbnails import fitted

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

FASTEST = 50  # frames a second: a GIF counts in hundredths, and browsers slow down what is shown for less than two
COLOURS = "reserve_transparent=1"  # what did not change since the last frame is left out of the next
DITHER = "dither=bayer:bayer_scale=4:diff_mode=rectangle"


def write_gif(source: Path, target: Path, width: int, fps: float) -> None:
    """Write a video's pictures to `target`, at most `width` pixels wide and at most `fps` a second, in a loop.

    Raises:
        OutputError: the video cannot be decoded, or the file cannot be written.
    """
    import av

    with opened(source) as (container, stream):
        facts = video_info(container, stream)
        rate = Fraction(min(fps, facts.fps or fps)).limit_denominator(1000)
        size = fitted(facts.size, width)
        [colours] = _through(container, stream, rate, size, None)
    with opened(source) as (container, stream), _told(target), av.open(str(target), "w", format="gif") as sink:
        track: Any = sink.add_stream("gif", rate=rate)
        track.width, track.height, track.pix_fmt = *size, "pal8"
        for frame in _through(container, stream, rate, size, colours):
            sink.mux(track.encode(frame))
        sink.mux(track.encode(None))


def _through(
    container: InputContainer, stream: VideoStream, rate: Fraction, size: tuple[int, int], colours: VideoFrame | None
) -> Iterator[VideoFrame]:
    """Yield the video's frames in the given colours; without colours, the one frame that holds them."""
    row: _Row | None = None
    # A time that was rounded up would be too late for its place in the GIF; a quarter of a frame is early enough.
    early = round(1 / (4 * stream.average_rate * stream.time_base)) if stream.average_rate and stream.time_base else 0
    for frame in container.decode(stream):
        row = row or _row(frame, stream.time_base or Fraction(1), rate, size, colours)
        frame.pts = None if frame.pts is None else frame.pts - early
        row.source.push(frame)
        yield from _pulled(row.end)
    if row is None:
        raise OutputError("video.undecodable", path=container.name, why=Phrase("video.why.no_frame", {}))
    row.source.push(None)
    yield from _pulled(row.end)


@dataclass(frozen=True, slots=True)
class _Row:
    """A row of filters by its two ends; PyAV frees all of them with the graph, so it is held, too."""

    graph: Any
    source: Any
    end: Any


def _row(frame: VideoFrame, tick: Fraction, rate: Fraction, size: tuple[int, int], colours: VideoFrame | None) -> _Row:
    """Put up the filters for frames like this one."""
    from av.filter import Graph

    graph: Any = Graph()
    source, end = _buffer(graph, frame, tick), graph.add("buffersink")
    thinned = graph.add("fps", f"fps={rate}:round=up")  # up: what is seen at a time, and even a single frame
    scaled = graph.add("scale", f"{size[0]}:{size[1]}:flags=lanczos")
    last = graph.add("palettegen", COLOURS) if colours is None else graph.add("paletteuse", DITHER)
    for before, after in ((source, thinned), (thinned, scaled), (scaled, last), (last, end)):
        before.link_to(after)
    palette = _buffer(graph, colours, tick) if colours is not None else None
    if palette is not None:
        palette.link_to(last, 0, 1)
    graph.configure()
    if palette is not None:
        palette.push(colours)
        palette.push(None)
    return _Row(graph, source, end)


def _buffer(graph: Any, like: VideoFrame, tick: Fraction) -> Any:
    return graph.add_buffer(width=like.width, height=like.height, format=like.format.name, time_base=tick)


def _pulled(end: Any) -> Iterator[VideoFrame]:
    """Yield what is ready at the end of a graph."""
    while True:
        try:
            yield end.pull()
        except (BlockingIOError, EOFError):  # nothing until more is pushed; nothing more at all
            return


@contextmanager
def _told(target: Path) -> Iterator[None]:
    """Tell a failure to write apart from a video that cannot be decoded."""
    import av

    try:
        yield
    except av.error.FFmpegError as problem:
        raise OutputError("video.unwritable", path=target, reason=reason_of(problem)) from problem
