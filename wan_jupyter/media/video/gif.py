"""Write a video as a GIF: two passes through FFmpeg's palette filters, one frame at a time.

Pillow would hold all frames in memory and give each its own palette, which flickers.
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

MAX_FPS = 50  # a GIF counts in hundredths of a second, and browsers slow down frames shorter than two
COLOURS = "reserve_transparent=1"  # pixels that did not change are transparent in the next frame
DITHER = "dither=bayer:bayer_scale=4:diff_mode=rectangle"


def write_gif(source: Path, target: Path, width: int, fps: float) -> None:
    """Write a looping GIF, at most `width` pixels wide and with at most `fps` frames per second.

    Raises:
        OutputError: the video cannot be decoded, or the file cannot be written.
    """
    import av

    with opened(source) as (container, stream):
        facts = video_info(container, stream)
        rate = Fraction(min(fps, facts.fps or fps)).limit_denominator(1000)
        size = fitted(facts.size, width)
        [colours] = _through(container, stream, rate, size, None)
    with opened(source) as (container, stream), _write_errors(target), av.open(str(target), "w", format="gif") as sink:
        track: Any = sink.add_stream("gif", rate=rate)
        track.width, track.height, track.pix_fmt = *size, "pal8"
        for frame in _through(container, stream, rate, size, colours):
            sink.mux(track.encode(frame))
        sink.mux(track.encode(None))


def _through(
    container: InputContainer, stream: VideoStream, rate: Fraction, size: tuple[int, int], colours: VideoFrame | None
) -> Iterator[VideoFrame]:
    """Yield the video's frames in the given palette; without one, yield the palette as a single frame."""
    filters: _Filters | None = None
    # A time that was rounded up would miss its place in the GIF; a quarter of a frame earlier is enough.
    early = round(1 / (4 * stream.average_rate * stream.time_base)) if stream.average_rate and stream.time_base else 0
    for frame in container.decode(stream):
        filters = filters or _filters(frame, stream.time_base or Fraction(1), rate, size, colours)
        frame.pts = None if frame.pts is None else frame.pts - early
        filters.source.push(frame)
        yield from _pulled(filters.end)
    if filters is None:
        raise OutputError("video.undecodable", path=container.name, why=Phrase("video.why.no_frame", {}))
    filters.source.push(None)
    yield from _pulled(filters.end)


@dataclass(frozen=True, slots=True)
class _Filters:
    """Both ends of a chain of filters, and the graph, without which PyAV would free them."""

    graph: Any
    source: Any
    end: Any


def _filters(
    frame: VideoFrame, tick: Fraction, rate: Fraction, size: tuple[int, int], colours: VideoFrame | None
) -> _Filters:
    """Build the filters for frames like this one."""
    from av.filter import Graph

    graph: Any = Graph()
    source, end = _buffer(graph, frame, tick), graph.add("buffersink")
    thinned = graph.add("fps", f"fps={rate}:round=up")  # up: the frame shown at each moment; keeps a single frame, too
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
    return _Filters(graph, source, end)


def _buffer(graph: Any, like: VideoFrame, tick: Fraction) -> Any:
    return graph.add_buffer(width=like.width, height=like.height, format=like.format.name, time_base=tick)


def _pulled(end: Any) -> Iterator[VideoFrame]:
    """Yield the frames that are ready at the end of a graph."""
    while True:
        try:
            yield end.pull()
        except (BlockingIOError, EOFError):  # more must be pushed first; the end
            return


@contextmanager
def _write_errors(target: Path) -> Iterator[None]:
    """Raise FFmpeg's errors as failures to write, not to decode."""
    import av

    try:
        yield
    except av.error.FFmpegError as problem:
        raise OutputError("video.unwritable", path=target, reason=reason_of(problem)) from problem
