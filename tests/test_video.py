"""`wan_jupyter.video`: facts and pictures of real clips, and a plain word about files that are none."""

from __future__ import annotations

import contextlib
import io
import pickle
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import pytest
from PIL import Image

from wan_jupyter.errors import OutputError
from wan_jupyter.video import Video, inspect, looks_like_mp4, thumbnail

SIZE = (64, 48)
SHADES = (20, 60, 100, 140, 180, 220)  # one grey a frame, so that a picture says which frame it is

Maker = Callable[..., Path]


def make_clip(path: Path, frames: int = 6, fps: Fraction | int = 12, audio: bool = False, key: int = 250) -> Path:
    """Write a clip whose frame `i` is plain grey of `SHADES[i % 6]`, as H.264 with its index in front."""
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=fps, options={"g": str(key)})
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        if audio:
            add_silence(container, seconds=float(frames / fps))
        for i in range(frames):
            grey = SHADES[i % len(SHADES)]
            container.mux(stream.encode(av.VideoFrame.from_image(Image.new("RGB", SIZE, (grey, grey, grey)))))
        container.mux(stream.encode())
    return path


def add_silence(container: av.container.OutputContainer, seconds: float) -> None:
    """Put a sound track before the pictures, so that it is the file's first stream to be written."""
    sound = container.add_stream("aac", rate=44100, layout="mono")
    for _ in range(int(seconds * 44100 / 1024)):
        frame = av.AudioFrame(format="fltp", layout="mono", samples=1024)
        frame.sample_rate = 44100
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        container.mux(sound.encode(frame))
    container.mux(sound.encode())


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Six frames at 12 a second."""
    return make_clip(tmp_path / "clip.mp4")


def shade(picture: Image.Image) -> int:
    """Return which frame a picture is, as the index into `SHADES`."""
    grey = picture.convert("L").getpixel((SIZE[0] // 2, SIZE[1] // 2))
    return min(range(len(SHADES)), key=lambda i: abs(SHADES[i] - grey))


def test_a_clip_says_its_length_size_and_rate(clip: Path) -> None:
    """Duration in seconds, size in pixels, frames per second."""
    video = Video(clip)

    assert video.duration == pytest.approx(0.5)
    assert video.size == SIZE
    assert video.fps == 12


def test_an_odd_rate_is_kept_as_it_is(tmp_path: Path) -> None:
    """30000/1001 stays 29.97."""
    facts = inspect(make_clip(tmp_path / "ntsc.mp4", fps=Fraction(30000, 1001)))

    assert facts.fps == pytest.approx(29.97, abs=0.001)


def test_the_file_is_probed_once(clip: Path) -> None:
    """Facts stay known when the file is gone; pictures do not."""
    video = Video(clip)
    length = video.duration
    clip.unlink()

    assert (video.duration, video.size) == (length, SIZE)
    with pytest.raises(OutputError, match="no video at"):
        _ = video.last_frame


def test_the_last_frame_is_the_last(clip: Path) -> None:
    """A further video goes on from it."""
    video = Video(clip)

    assert shade(video.last_frame) == 5
    assert shade(video.__wan_image__()) == 5


@pytest.mark.parametrize("key", [1, 2, 250])
def test_a_frame_is_what_is_on_the_screen_at_that_time(tmp_path: Path, key: int) -> None:
    """Whatever the distance of the key frames."""
    video = Video(make_clip(tmp_path / "clip.mp4", key=key))
    times = {0.0: 0, 0.05: 0, 0.09: 1, 0.26: 3, 0.49: 5, 0.5: 5}

    assert {t: shade(video.frame(t)) for t in times} == times


@pytest.mark.parametrize("t", [-0.1, 0.6, float("nan")])
def test_a_time_outside_the_video_is_refused(clip: Path, t: float) -> None:
    """The error names the length."""
    with pytest.raises(OutputError, match=r"0\.5 s long"):
        Video(clip).frame(t)


def test_a_single_frame_is_a_video_too(tmp_path: Path) -> None:
    """Its first frame is its last."""
    path = make_clip(tmp_path / "one.mp4", frames=1)

    assert inspect(path).duration > 0
    assert shade(Video(path).last_frame) == shade(Video(path).frame(0)) == 0


def test_a_sound_track_does_not_disturb(tmp_path: Path) -> None:
    """Facts and pictures are those of the video track."""
    path = make_clip(tmp_path / "sound.mp4", audio=True)

    assert inspect(path).duration == pytest.approx(0.5)
    assert shade(Video(path).last_frame) == 5


def test_sound_alone_is_not_a_video(tmp_path: Path) -> None:
    """The reason is said in words."""
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as container:
        add_silence(container, 0.2)

    with pytest.raises(OutputError, match="no video track"):
        inspect(path)


def test_a_poster_is_a_small_jpeg_of_the_first_frame(clip: Path) -> None:
    """It is never made larger than the video."""
    small, large = (Image.open(io.BytesIO(Video(clip).poster(width))) for width in (32, 480))

    assert (small.format, small.size) == ("JPEG", (32, 24))
    assert large.size == SIZE
    assert shade(large) == 0


def test_a_poster_of_a_large_video_stays_small(tmp_path: Path) -> None:
    """It travels in the notebook three times over."""
    path = tmp_path / "large.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=1)
        stream.width, stream.height, stream.pix_fmt = 1280, 720, "yuv420p"
        picture = Image.effect_mandelbrot((1280, 720), (-2, -1.2, 1, 1.2), 60).convert("RGB")
        container.mux(stream.encode(av.VideoFrame.from_image(picture)))
        container.mux(stream.encode())

    assert len(Video(path).poster()) < 60_000


def test_every_cut_of_a_file_is_noticed(clip: Path, tmp_path: Path) -> None:
    """Anywhere: in the header, in a frame, between two frames, before the last byte."""
    whole = clip.read_bytes()
    with av.open(str(clip)) as container:
        between = [entry.pos for entry in container.streams.video[0].index_entries]
    cut = tmp_path / "cut.mp4"
    for length in {0, 4, 40, 100, len(whole) // 2, len(whole) - 1, *between}:
        cut.write_bytes(whole[:length])

        with pytest.raises(OutputError, match="cannot be played"):
            inspect(cut)


@pytest.mark.parametrize("content", [b"<html>404</html>", b"\0" * 5000, b"\0\0\0\x18ftypmp42" + b"\xff" * 5000])
def test_garbage_is_called_unplayable(tmp_path: Path, content: bytes) -> None:
    """The error names the file, and says it in one line without a traceback of PyAV."""
    path = tmp_path / "garbage.mp4"
    path.write_bytes(content)

    with pytest.raises(OutputError) as caught:
        inspect(path)
    assert caught.value.key == "video.undecodable"
    assert "garbage.mp4" in caught.value.message()


def test_damage_writes_nothing_past_python(clip: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """FFmpeg's own log stays silent."""
    content = bytearray(clip.read_bytes())
    content[-300:] = b"\xff" * 300
    clip.write_bytes(content)

    with contextlib.suppress(OutputError):
        inspect(clip)

    assert capfd.readouterr() == ("", "")


def test_a_video_is_a_short_value(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has an absolute path, compares by it, is pickled, and has a repr that opens nothing."""
    monkeypatch.chdir(clip.parent)
    video = Video(Path("clip.mp4"), {"seed": 42})
    copy = pickle.loads(pickle.dumps(video))

    assert video.path == clip
    assert copy == video == Video(clip)
    assert (copy.facts["seed"], len({video, copy})) == (42, 1)
    assert repr(video) == "<Video clip.mp4>"
    assert repr(Video(clip.parent / "none.mp4")) == "<Video none.mp4>"


def test_an_mp4_is_known_by_its_first_bytes(clip: Path) -> None:
    """A web page or half a header is not one."""
    assert looks_like_mp4(clip.read_bytes()[:12])
    assert not looks_like_mp4(b"<!doctype html>")
    assert not looks_like_mp4(b"")


def encoded(picture: Image.Image, kind: str, **options: object) -> bytes:
    """Return a picture as the bytes of a file."""
    sink = io.BytesIO()
    picture.save(sink, kind, **options)
    return sink.getvalue()


@pytest.mark.parametrize(("mode", "kind"), [("RGB", "PNG"), ("L", "JPEG"), ("P", "GIF"), ("CMYK", "JPEG"),
                                            ("I;16", "PNG"), ("RGBA", "WEBP"), ("1", "PNG")])  # fmt: skip
def test_a_thumbnail_is_made_of_any_kind_of_picture(mode: str, kind: str) -> None:
    """It is a JPEG of the asked width, in the picture's proportions."""
    small = Image.open(io.BytesIO(thumbnail(encoded(Image.new(mode, (400, 200)), kind), width=96)))

    assert (small.format, small.size) == ("JPEG", (96, 48))


def test_a_thumbnail_is_upright_and_on_white() -> None:
    """The camera's note on its orientation is followed, and what is transparent becomes white."""
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = Image.open(io.BytesIO(thumbnail(encoded(Image.new("RGB", (200, 100)), "JPEG", exif=exif))))
    clear = Image.open(io.BytesIO(thumbnail(encoded(Image.new("RGBA", (50, 50), (0, 0, 0, 0)), "PNG"))))

    assert turned.size == (96, 192)
    assert clear.getpixel((25, 25)) == (255, 255, 255)


@pytest.mark.parametrize("content", [b"", b"no picture", encoded(Image.new("RGB", (90, 90)), "PNG")[:60]])
def test_a_thumbnail_of_no_picture_is_an_error_of_ours(content: bytes) -> None:
    """Whatever Pillow raised."""
    with pytest.raises(OutputError, match="small picture"):
        thumbnail(content)
