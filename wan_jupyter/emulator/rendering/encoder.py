"""Write a clip: H.264 in MP4 that plays while it loads, with sound if the model has it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ..clip_spec import ClipSpec
from .audio import RATE, chord
from .frames import FrameSource, Planes, canvas_size
from .source_images import cover
from .watermark import make_watermark

if TYPE_CHECKING:
    from av import VideoFrame

SAMPLES = 1024  # of one AAC packet
# One thread: a second one gains little at this preset and takes the processor from the notebook beside us.
VIDEO: Mapping[str, str] = MappingProxyType({"preset": "veryfast", "crf": "20", "threads": "1"})
BT709 = 1  # the number of these primaries, this curve and this matrix in H.264's table
LIMITED = 1


def render(plan: ClipSpec, picture: Callable[[str], Path], target: Path) -> None:
    """Write a clip to a file; `picture` returns the file of a picture's digest."""
    import av

    canvas = canvas_size(plan.width, plan.height, len(plan.pictures))
    pictures = [cover(picture(digest), *canvas) for digest in plan.pictures]
    film = FrameSource(pictures, (plan.width, plan.height), make_watermark(plan.width, plan.height), plan.view)
    with av.open(str(target), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        video = _video_stream(container, plan)
        sound = container.add_stream("aac", rate=RATE, layout="mono") if plan.sound else None
        _write_pictures(container, video, film, plan)
        if sound is not None:
            _write_sound(container, sound, plan.frames / plan.rate)


def _video_stream(container: Any, plan: ClipSpec) -> Any:
    stream = container.add_stream("libx264", rate=plan.rate, options={**VIDEO, "g": str(plan.rate)})
    stream.width, stream.height, stream.pix_fmt = plan.width, plan.height, "yuv420p"
    context = stream.codec_context
    context.color_range, context.colorspace = LIMITED, BT709
    context.color_primaries, context.color_trc = BT709, BT709
    return stream


def _write_pictures(container: Any, stream: Any, film: FrameSource, plan: ClipSpec) -> None:
    for index in range(plan.frames):
        frame = _video_frame(film.frame(index / max(1, plan.frames - 1)))
        frame.pts, frame.time_base = index, Fraction(1, plan.rate)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def _video_frame(picture: Planes) -> VideoFrame:
    from av import VideoFrame

    frame = VideoFrame(*picture.bright.size, "yuv420p")
    for plane, image in zip(frame.planes, picture, strict=True):
        # Rows of a plane are longer than the picture is wide; the encoder of raw pixels can pad them.
        plane.update(image.tobytes("raw", "L", plane.line_size))
    return frame


def _write_sound(container: Any, stream: Any, seconds: float) -> None:
    from av import AudioFrame

    samples = chord(seconds)
    for start in range(0, len(samples), SAMPLES):
        piece = samples[start : start + SAMPLES]
        frame = AudioFrame("s16", "mono", len(piece))
        frame.planes[0].update(piece.tobytes())
        frame.sample_rate, frame.pts, frame.time_base = RATE, start, Fraction(1, RATE)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))
