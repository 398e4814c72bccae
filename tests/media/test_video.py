"""`wan_jupyter.media.video.video`: facts and pictures of real clips, and a plain word about files that are none."""

from __future__ import annotations

import contextlib
import io
import pickle
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import pytest
from IPython.core.formatters import DisplayFormatter
from PIL import Image, ImageChops, ImageStat

from tests.support.world import picture
from wan_jupyter.emulator.clip_spec import ClipSpec
from wan_jupyter.emulator.rendering.encoder import render
from wan_jupyter.errors import OutputError
from wan_jupyter.media.video.decode import opened, spread
from wan_jupyter.media.video.video import Video, inspect, looks_like_mp4, thumbnail

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


def make_film(path: Path, size: tuple[int, int] = (64, 96), seconds: float = 0.5, pictures: str = "teal") -> Path:
    """Let the emulator make a clip of a picture, as a service would send it: 30 frames a second, sizes as asked."""
    path.with_suffix(".png").write_bytes(picture(pictures))
    plan = ClipSpec(("only",), *size, seconds=seconds, asked=seconds, sound=True, view=0)
    render(plan, lambda _: path.with_suffix(".png"), path)
    return path


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
    with pytest.raises(OutputError, match="No video at"):
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
    with pytest.raises(OutputError, match=r"duration is 0\.5 s"):
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
    small, large = (Image.open(io.BytesIO(Video(clip).jpeg(width))) for width in (32, 480))

    assert (small.format, small.size) == ("JPEG", (32, 24))
    assert large.size == SIZE
    assert shade(large) == 0


def test_a_poster_is_bytes_that_a_notebook_shows(clip: Path) -> None:
    """A property, as `last_frame` is; without megabytes of escapes where there are no pictures."""
    poster = Video(clip).poster
    assert poster == Video(clip).jpeg(480)
    assert DisplayFormatter().format(poster)[0]["image/jpeg"] == poster
    assert repr(poster) == f"<JPEG, {len(poster)} bytes>"


def test_a_poster_of_a_large_video_stays_small(tmp_path: Path) -> None:
    """It travels in the notebook three times over."""
    path = tmp_path / "large.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=1)
        stream.width, stream.height, stream.pix_fmt = 1280, 720, "yuv420p"
        picture = Image.effect_mandelbrot((1280, 720), (-2, -1.2, 1, 1.2), 60).convert("RGB")
        container.mux(stream.encode(av.VideoFrame.from_image(picture)))
        container.mux(stream.encode())

    assert len(Video(path).poster) < 60_000


def test_every_cut_of_a_file_is_noticed(clip: Path, tmp_path: Path) -> None:
    """Anywhere: in the header, in a frame, between two frames, before the last byte."""
    whole = clip.read_bytes()
    with av.open(str(clip)) as container:
        between = [entry.pos for entry in container.streams.video[0].index_entries]
    cut = tmp_path / "cut.mp4"
    for length in {0, 4, 40, 100, len(whole) // 2, len(whole) - 1, *between}:
        cut.write_bytes(whole[:length])

        with pytest.raises(OutputError, match="can't be played"):
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


# ---- several pictures ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n", "shades"),
    [(1, [0]), (2, [0, 5]), (3, [0, 3, 5]), (6, [0, 1, 2, 3, 4, 5]), (8, [0, 1, 1, 2, 3, 4, 4, 5])],
)
@pytest.mark.parametrize("key", [1, 250])
def test_frames_are_evenly_spaced_with_both_ends(tmp_path: Path, key: int, n: int, shades: list[int]) -> None:
    """As many as asked for, whatever the distance of the key frames; where there are fewer, some come again."""
    video = Video(make_clip(tmp_path / "clip.mp4", key=key))

    assert [shade(frame) for frame in video.frames(n)] == shades


def test_the_frames_of_one_frame_are_that_one(tmp_path: Path) -> None:
    """Its both ends are the same."""
    video = Video(make_clip(tmp_path / "one.mp4", frames=1))

    assert [shade(frame) for frame in video.frames(3)] == [0, 0, 0]


@pytest.mark.parametrize("n", [0, -1, 2.5, "3", None])
def test_a_number_of_frames_is_a_whole_one(clip: Path, n: object) -> None:
    """The error says what to give."""
    for ask in (Video(clip).frames, Video(clip).strip):
        with pytest.raises(OutputError) as caught:
            ask(n)
        assert caught.value.key == "video.count"


def test_frames_are_decoded_as_they_are_wanted(tmp_path: Path) -> None:
    """One pass, and never more than one frame ahead: a long video is not taken into memory."""

    class Counted:
        """A container that counts the frames it gave."""

        def __init__(self, container: av.container.InputContainer) -> None:
            self.name, self.duration, self.given, self._inner = container.name, container.duration, 0, container

        def decode(self, stream: av.VideoStream) -> Iterator[av.VideoFrame]:
            for frame in self._inner.decode(stream):
                self.given += 1
                yield frame

    path = make_clip(tmp_path / "long.mp4", frames=400, fps=30)
    with opened(path) as (container, stream):
        counted = Counted(container)
        seen = [counted.given for _ in spread(counted, stream, 5)]
        given = counted.given

    assert seen == pytest.approx([2, 101, 201, 301, 400], abs=1)
    assert given == 400


def test_a_strip_shows_each_frame_with_its_time(clip: Path) -> None:
    """Side by side from left to right, in the order of time, a line of text below each."""
    strip = Video(clip).strip(3, width=3 * SIZE[0] + 8)

    assert strip.size[0] == 3 * SIZE[0] + 8
    assert strip.size[1] > SIZE[1]
    shown = [strip.crop((left, 0, left + SIZE[0], SIZE[1])) for left in (0, SIZE[0] + 4, 2 * SIZE[0] + 8)]
    assert [shade(frame) for frame in shown] == [0, 3, 5]
    below = strip.crop((0, SIZE[1], *strip.size)).convert("L")
    for left in (0, SIZE[0] + 4, 2 * SIZE[0] + 8):
        assert below.crop((left, 0, left + SIZE[0], below.height)).getextrema()[0] < 128


def test_times_under_a_strip_are_those_of_its_frames(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In tenths of a second, or hundredths where tenths would be the same."""
    from PIL import ImageDraw

    told: list[str] = []
    real = ImageDraw.ImageDraw.text
    monkeypatch.setattr(
        ImageDraw.ImageDraw, "text", lambda self, xy, text, **how: (told.append(text), real(self, xy, text, **how))
    )
    Video(clip).strip(2)
    Video(clip).strip(6)

    assert told == ["0.0 s", "0.4 s", *(f"{t} s" for t in ("0.00", "0.08", "0.17", "0.25", "0.33", "0.42"))]


def test_a_strip_of_a_short_video_shows_each_frame_once(tmp_path: Path) -> None:
    """One frame is one frame."""
    one = Video(make_clip(tmp_path / "one.mp4", frames=1)).strip()
    six = Video(make_clip(tmp_path / "six.mp4")).strip(12)

    assert one.size[0] == SIZE[0]
    assert six.size[0] == 6 * SIZE[0] + 5 * 4


def test_a_strip_that_cannot_be_read_is_refused(clip: Path) -> None:
    """The error names what fits."""
    with pytest.raises(OutputError, match="does not fit into 200 pixels") as caught:
        Video(clip).strip(20, width=200)
    assert "at most 4 frames" in caught.value.hint()
    assert "width=876" in caught.value.hint()
    Video(clip).strip(4, width=200)
    Video(clip).strip(20, width=876)


def make_uneven(path: Path, starts: Iterable[int]) -> Path:
    """Write a clip whose frames begin at these twelfths of a second."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=12)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        for start, grey in zip(starts, SHADES, strict=True):
            frame = av.VideoFrame.from_image(Image.new("RGB", SIZE, (grey, grey, grey)))
            frame.pts, frame.time_base = start, Fraction(1, 12)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


@pytest.mark.parametrize(
    ("name", "starts"), [("late.mp4", range(24, 30)), ("uneven.mp4", (0, 1, 6, 7, 12, 13)), ("rounded.mkv", range(6))]
)
def test_both_ends_are_there_whatever_the_clock_of_the_video(tmp_path: Path, name: str, starts: Iterable[int]) -> None:
    """It begins late, its frames are not evenly spaced, its times are rounded to milliseconds."""
    video = Video(make_uneven(tmp_path / name, starts))
    ends = [shade(frame) for frame in video.frames(6)][::5]

    assert ends == [0, 5]
    assert shades_of(video.to_gif(fps=12))[0] == 0


def test_a_gif_of_rounded_times_loses_no_frame(tmp_path: Path) -> None:
    """Milliseconds are never twelfths of a second."""
    assert shades_of(Video(make_uneven(tmp_path / "rounded.mkv", range(6))).to_gif(fps=12)) == [0, 1, 2, 3, 4, 5]


# ---- what the emulator makes --------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(48, 272), (272, 48), (176, 208), (16, 16)])
def test_a_video_of_any_shape_gives_its_pictures(tmp_path: Path, size: tuple[int, int]) -> None:
    """Upright, wide or tiny, all of them have its size, and the first is what its service was sent."""
    video = Video(make_film(tmp_path / "film.mp4", size))

    assert (video.size, video.fps, video.duration) == (size, 30, pytest.approx(0.5))
    assert {picture.size for picture in (*video.frames(4), video.frame(0.2), video.last_frame)} == {size}
    assert video.strip(2).height == size[1] + 20
    assert size_of(video.to_gif()) == size
    assert alike(video.frames(2)[0], video.frame(0))
    assert alike(video.frames(2)[1], video.last_frame)


def test_odd_sides_are_kept(tmp_path: Path) -> None:
    """A self-hosted server may make what H.264 has no half-size colours for."""
    path = tmp_path / "odd.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=12)
        stream.width, stream.height, stream.pix_fmt = 75, 51, "yuv444p"
        for grey in SHADES:
            container.mux(stream.encode(av.VideoFrame.from_image(Image.new("RGB", (75, 51), (grey,) * 3))))
        container.mux(stream.encode())
    video = Video(path)

    assert [frame.size for frame in video.frames(2)] == [(75, 51)] * 2
    assert size_of(video.to_gif(width=51)) == (51, 35)
    assert video.strip(2, width=104).size == (104, 34 + 20)


def size_of(path: Path) -> tuple[int, int]:
    """Return width and height of a picture's file."""
    with Image.open(path) as opened:
        return opened.size


def alike(one: Image.Image, other: Image.Image) -> bool:
    """Tell whether two pictures differ by no more than a codec or a palette does."""
    return max(ImageStat.Stat(ImageChops.difference(one.convert("RGB"), other.convert("RGB"))).mean) < 6


# ---- files --------------------------------------------------------------------------------------------------------


def shades_of(path: Path) -> list[int]:
    """Return which frames a GIF shows, as indexes into `SHADES`."""
    with Image.open(path) as gif:
        return [(gif.seek(i), shade(gif.convert("RGB")))[1] for i in range(gif.n_frames)]


def test_a_gif_lies_beside_the_video_and_loops(clip: Path) -> None:
    """It has the video's length, size and colours, and no more frames than the video."""
    video = Video(clip)
    path = video.to_gif(fps=50)

    assert path == clip.with_suffix(".gif")
    assert shades_of(path) == [0, 1, 2, 3, 4, 5]
    with Image.open(path) as gif:
        times = [(gif.seek(i), gif.info["duration"])[1] for i in range(gif.n_frames)]
        assert (gif.info["loop"], gif.size, sum(times)) == (0, SIZE, pytest.approx(500, abs=10))


def test_a_gif_has_the_colours_of_the_video(tmp_path: Path) -> None:
    """A palette of its own, for all of its frames."""
    video = Video(make_film(tmp_path / "film.mp4", (96, 64), pictures="crimson"))

    with Image.open(video.to_gif()) as gif:
        assert gif.n_frames == 5
        assert alike(gif.convert("RGB"), video.frame(0))


@pytest.mark.parametrize(("fps", "shades"), [(6, [0, 2, 4]), (4, [0, 3]), (0.5, [0]), (12.0, [0, 1, 2, 3, 4, 5])])
def test_a_gif_shows_as_many_pictures_a_second_as_asked(clip: Path, fps: float, shades: list[int]) -> None:
    """Each is what is on the screen at its time."""
    assert shades_of(Video(clip).to_gif(fps=fps)) == shades


def test_a_gif_of_one_frame_is_one_picture(tmp_path: Path) -> None:
    """However few a second are asked for."""
    assert shades_of(Video(make_clip(tmp_path / "one.mp4", frames=1, fps=30)).to_gif(fps=1)) == [0]


def test_a_gif_is_made_smaller_never_larger(clip: Path) -> None:
    """In the video's proportions."""
    small, large = Video(clip).to_gif("small", width=31), Video(clip).to_gif("large.gif", width=4000)

    assert (size_of(small), size_of(large)) == ((31, 23), SIZE)


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("how", [{"width": 0}, {"width": 4.5}, {"fps": 0}, {"fps": 51}, {"fps": float("nan")}])
def test_a_gif_that_cannot_be_is_refused(clip: Path, how: dict[str, float]) -> None:
    """Nothing is written."""
    with pytest.raises(OutputError):
        Video(clip).to_gif(**how)
    assert [path.name for path in clip.parent.iterdir() if path.is_file()] == ["clip.mp4"]


def test_the_same_gif_again_is_the_same_file(clip: Path) -> None:
    """A cell may be run again; another file of that name stays, unless it may be replaced."""
    video = Video(clip)
    path = video.to_gif(fps=12)
    before = path.stat().st_mtime_ns

    assert video.to_gif(fps=12) == path
    assert path.stat().st_mtime_ns == before
    with pytest.raises(OutputError, match="a different file"):
        video.to_gif(fps=6)
    assert shades_of(path) == [0, 1, 2, 3, 4, 5]
    assert shades_of(video.to_gif(fps=6, overwrite=True)) == [0, 2, 4]


def test_a_failed_gif_leaves_nothing_behind(clip: Path) -> None:
    """A damaged video, and a video that is gone."""
    content = clip.read_bytes()
    clip.write_bytes(content[: len(content) // 2])
    for problem in ("can't be played", "No video at"):
        with pytest.raises(OutputError, match=problem):
            Video(clip).to_gif()
        clip.unlink(missing_ok=True)
    assert [path for path in clip.parent.iterdir() if path.is_file()] == []


@pytest.mark.parametrize(
    ("typed", "lands"),
    [("copy.mp4", "copy.mp4"), ("copy", "copy.mp4"), (".", "clip-1.mp4"), ("new/", "new/clip-1.mp4"),
     ("new/deep/copy.MP4", "new/deep/copy.MP4"), (Path("there"), "there/clip-1.mp4"), ("~", "user/clip-1.mp4")],
)  # fmt: skip
def test_a_video_is_saved_to_a_folder_or_a_name(tmp_path: Path, typed: str | Path, lands: str) -> None:
    """Folders that are missing are made; the copy is whole and as readable as the video."""
    (tmp_path / "there").mkdir()
    (tmp_path / "from").mkdir()
    clip = make_clip(tmp_path / "from" / "clip-1.mp4")
    clip.chmod(0o640)
    saved = Video(clip).save(typed)

    assert saved == tmp_path / lands
    assert saved.read_bytes() == clip.read_bytes()
    assert saved.stat().st_mode & 0o777 == 0o640


def test_saving_replaces_nothing_by_accident(clip: Path, tmp_path: Path) -> None:
    """Another file stays; the video's own place, and a copy that is there already, are no accident."""
    other = tmp_path / "other.mp4"
    other.write_bytes(b"a holiday")
    with pytest.raises(OutputError, match="a different file") as caught:
        Video(clip).save(other)

    assert other.read_bytes() == b"a holiday"
    assert "overwrite=True" in caught.value.hint()
    assert Video(clip).save(clip) == Video(clip).save(clip.parent) == clip
    assert Video(clip).save(other, overwrite=True).read_bytes() == clip.read_bytes()
    assert Video(clip).save(other) == other
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["clip.mp4", "other.mp4"]


def test_a_copy_does_not_change_its_kind(clip: Path) -> None:
    """The hint names the ending."""
    with pytest.raises(OutputError, match=r"is a \.mp4 file") as caught:
        Video(clip).save("copy.gif")
    assert "copy.mp4" in caught.value.hint()
    with pytest.raises(OutputError, match=r"is a \.gif file"):
        Video(clip).to_gif("copy.mp4")


def test_a_place_that_cannot_be_written_is_named(clip: Path, tmp_path: Path) -> None:
    """A file where a folder should be; and a video that is gone is said to be gone."""
    (tmp_path / "file").write_bytes(b"")
    for write in (Video(clip).save, Video(clip).to_gif):
        with pytest.raises(OutputError, match="Could not write"):
            write("file/below/")
    clip.unlink()
    with pytest.raises(OutputError, match="No video at"):
        Video(clip).save("copy.mp4")


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
    with pytest.raises(OutputError, match="thumbnail"):
        thumbnail(content)
