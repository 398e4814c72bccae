"""A finished video on disk: what it is, and its pictures. Floor 3: PyAV is its one outside thing.

Knows nothing of jobs, services or displays. Every call opens the file, reads what it needs and closes it, so
a `Video` may be kept, copied, pickled and used from any thread. PyAV and Pillow are imported where used.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from .errors import OutputError

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream
    from PIL.Image import Image as Picture

JPEG_QUALITY = 80


@dataclass(frozen=True, slots=True)
class Facts:
    """What a video file says of itself.

    Attributes:
        duration: seconds, above 0.
        size: width and height in pixels.
        fps: frames per second on average; 0.0 where the file does not say.
    """

    duration: float
    size: tuple[int, int]
    fps: float


@dataclass(frozen=True, repr=False)
class Video:
    """A video file and what is known of its making.

    Attributes:
        path: where it lies, absolute.
        facts: what the sidecar says (`prompt`, `filled_prompt`, `model`, `provider`, `seed`, `cost`, `take`
            and so on), empty if there is none.
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

    @property
    def last_frame(self) -> Picture:
        """The last picture, from which a further video can go on."""
        with _opened(self.path) as (container, stream):
            return _picture(_last(container, stream))

    def frame(self, t: float) -> Picture:
        """Return the picture that is on the screen `t` seconds after the beginning.

        Args:
            t: 0 up to and including `duration`.

        Raises:
            OutputError: `t` lies outside the video, or the file cannot be read.
        """
        with _opened(self.path) as (container, stream):
            duration = _facts(container, stream).duration
            if not 0 <= t <= duration:
                raise OutputError("video.outside", t=f"{t:g}", duration=f"{duration:g}", name=self.path.name)
            return _picture(_at(container, stream, t))

    def poster(self, width: int = 480) -> bytes:
        """Return the first picture as a JPEG, at most `width` pixels wide."""
        with _opened(self.path) as (container, stream):
            return _jpeg(_picture(_first(container, stream)), width)

    def __wan_image__(self) -> Picture:
        """Answer the wish for a still picture: `%%wan $video` goes on from the last frame."""
        return self.last_frame

    def __repr__(self) -> str:
        return f"<Video {self.path.name}>"

    @cached_property
    def _probed(self) -> Facts:
        with _opened(self.path) as (container, stream):
            return _facts(container, stream)


def inspect(path: Path | str) -> Facts:
    """Return what a video file says of itself, having decoded its first and its last frame.

    Raises:
        OutputError: `video.missing`; `video.undecodable` if a frame cannot be had or the file is cut short.
    """
    with _opened(Path(path)) as (container, stream):
        facts = _facts(container, stream)
        _refuse_cut_file(Path(path), stream)
        _first(container, stream)
        _last(container, stream)
        return facts


def looks_like_mp4(first_bytes: bytes) -> bool:
    """Tell whether a file that begins with these bytes (12 are enough) is of the MP4 family."""
    return first_bytes[4:8] == b"ftyp"


def thumbnail(encoded: bytes, width: int = 96) -> bytes:
    """Return a small JPEG of a picture's bytes, upright and on white where the picture is transparent.

    Raises:
        OutputError: the bytes are not a picture that Pillow can read.
    """
    from PIL import Image, ImageOps

    try:
        with Image.open(io.BytesIO(encoded)) as picture:
            picture.draft("RGB", (2 * width, 2 * width))  # lets libjpeg decode at an eighth of the size
            return _jpeg(_on_white(ImageOps.exif_transpose(picture)), width)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as problem:
        raise OutputError("video.no_picture", why=type(problem).__name__) from problem


@contextmanager
def _opened(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open a file for decoding; every way in which that can fail becomes an OutputError."""
    import av

    if not path.is_file():
        raise OutputError("video.missing", path=path)
    try:
        with av.open(str(path), metadata_errors="replace") as container:
            if not container.streams.video:
                raise OutputError("video.undecodable", path=path, why="no video track")
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            yield container, stream
    # A header cut in two shows up as IndexError (PyAV 18.1).
    except (av.error.FFmpegError, IndexError) as problem:
        why = getattr(problem, "strerror", "") or type(problem).__name__
        raise OutputError("video.undecodable", path=path, why=why) from problem


def _facts(container: InputContainer, stream: VideoStream) -> Facts:
    rate = stream.average_rate or stream.guessed_rate
    return Facts(_duration(container, stream), (stream.width, stream.height), float(rate or 0))


def _duration(container: InputContainer, stream: VideoStream) -> float:
    """Return seconds from the video track, or from the container where the track does not say."""
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return (container.duration or 0) / 1_000_000


def _refuse_cut_file(path: Path, stream: VideoStream) -> None:
    """Refuse a file that ends before its index does.

    Cut exactly between two frames, a file decodes without an error and is only shorter than it says.
    """
    entries = getattr(stream, "index_entries", ())
    end = max((entry.pos + entry.size for entry in entries), default=0)
    if end > path.stat().st_size:
        raise OutputError("video.undecodable", path=path, why="the file is cut short")


def _first(container: InputContainer, stream: VideoStream) -> VideoFrame:
    for frame in container.decode(stream):
        return frame
    raise OutputError("video.undecodable", path=container.name, why="no frame")


def _last(container: InputContainer, stream: VideoStream) -> VideoFrame:
    """Decode from the last key frame on; from the beginning if that gives nothing."""
    for target in (_end(stream), _start(stream)):
        container.seek(target, stream=stream)
        frame = None
        for frame in container.decode(stream):  # noqa: B007  the last one is what is wanted
            pass
        if frame is not None:
            return frame
    raise OutputError("video.undecodable", path=container.name, why="no frame")


def _at(container: InputContainer, stream: VideoStream, t: float) -> VideoFrame:
    """Decode from the key frame before `t` up to the frame that begins at `t` or just before."""
    target = _start(stream) + round(t / float(stream.time_base or 1))
    container.seek(target, stream=stream)
    shown: VideoFrame | None = None
    for frame in container.decode(stream):
        if shown is not None and frame.pts is not None and frame.pts > target:
            break
        shown = frame
    return shown or _last(container, stream)


def _start(stream: VideoStream) -> int:
    return stream.start_time or 0


def _end(stream: VideoStream) -> int:
    return _start(stream) + (stream.duration or 0)


def _picture(frame: VideoFrame) -> Picture:
    picture: Picture = cast("Any", frame).to_image()  # untyped in PyAV's own stubs
    return picture


def _on_white(picture: Picture) -> Picture:
    from PIL import Image

    if not picture.has_transparency_data:
        return picture.convert("RGB")
    layer = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")


def _jpeg(picture: Picture, width: int) -> bytes:
    """Encode a picture, made smaller if it is wider than `width`, never larger."""
    if picture.width > width:
        picture = picture.resize((width, max(1, round(picture.height * width / picture.width))))
    sink = io.BytesIO()
    picture.save(sink, "JPEG", quality=JPEG_QUALITY, optimize=True)
    return sink.getvalue()


def codecs() -> dict[str, bool]:
    """Tell which codecs PyAV has of those that are needed: to show videos, and to make the emulator's."""
    import av

    return {name: name in av.codecs_available for name in ("h264", "hevc", "aac", "libx264")}
