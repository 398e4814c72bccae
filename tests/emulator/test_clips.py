"""The clips: real H.264 of the right size and length, made from the user's own picture."""

from __future__ import annotations

import io
import subprocess
import sys
from itertools import pairwise

import av
import pytest
from PIL import Image, ImageChops, ImageStat

from tests.support.clock import PATIENCE
from wan_jupyter.emulator.clip_spec import clip_size
from wan_jupyter.emulator.rendering.camera import pass_over, push_in, spread

from .service import Service, data_uri, picture


def opened(data: bytes):
    return av.open(io.BytesIO(data))


def frames(data: bytes) -> list[Image.Image]:
    with opened(data) as clip:
        return [frame.to_image() for frame in clip.decode(video=0)]


def unlike(frame: Image.Image, source: bytes) -> float:
    """How far, of 255, a frame is from a picture on average, the corner with the mark left out.

    To be used with grey pictures only: old PyAV does not read which matrix a clip's colours are tagged with.
    """
    wanted = Image.open(io.BytesIO(source)).convert("RGB").resize(frame.size, Image.Resampling.LANCZOS)
    upper = (0, 0, frame.width, frame.height * 4 // 5)
    difference = ImageChops.difference(frame.crop(upper), wanted.crop(upper))
    return max(ImageStat.Stat(difference).mean)


def test_a_clip_is_h264_with_thirty_pictures_a_second(service):
    """The container, codec, pixel format and rate are those of the service, and play everywhere."""
    with opened(service.clip(service.first_frame())) as clip:
        video = clip.streams.video[0]
        assert (video.codec_context.name, video.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert (video.average_rate, video.frames) == (30, 6)
        frame = next(clip.decode(video=0))
        assert (int(frame.colorspace), int(frame.color_range)) == (1, 1)  # BT.709, limited


def test_a_clip_can_play_before_it_has_all_come(service):
    """The index comes before the pictures."""
    data = service.clip(service.first_frame())
    assert data.index(b"moov") < data.index(b"mdat")


@pytest.mark.parametrize(
    ("area", "source", "size"),
    [
        (1280 * 720, (750, 1000), (816, 1104)),
        (1280 * 720, (1920, 1080), (1280, 720)),
        (1920 * 1080, (1600, 900), (1920, 1080)),
        (1920 * 1080, (900, 1600), (1080, 1920)),
        (832 * 480, (1000, 1000), (624, 624)),
    ],
)
def test_the_size_follows_the_first_frame(area, source, size):
    """Sides are multiples of 16 within the tier's pixels; the first row is the documented example."""
    expected = tuple(side // 16 * 16 for side in size)
    assert clip_size(area, *source) == expected


def test_the_clip_has_the_size_of_its_tier_and_aspect(service):
    """A portrait at 480P comes out as a portrait of that many pixels."""
    clip = frames(service.clip(service.first_frame(image=picture((300, 400)))))
    assert clip[0].size == clip_size(832 * 480, 300, 400) == (544, 720)


@pytest.mark.parametrize("ends", [False, True])
def test_a_video_that_goes_on_begins_with_a_painted_picture(service, ends):
    """The clip itself is never fetched; a last frame is what it ends with."""
    last = picture((640, 360), "black")
    media = [{"type": "first_clip", "url": "https://movies.test/a.mp4"}]
    media += [{"type": "last_frame", "url": data_uri(last)}] if ends else []
    body = {"model": "wan2.7-i2v", "input": {"media": media}, "parameters": {"resolution": "720P", "duration": 4}}
    task = service.create(body).json()["output"]["task_id"]
    clip = frames(service.clip(task))
    assert len(clip) > 1
    assert unlike(clip[0], last) > 10
    assert (unlike(clip[-1], last) < 4) is ends
    assert service.poll(task)["usage"]["duration"] == 4


def test_the_clip_lasts_as_long_as_asked(tmp_path):
    """Without clip_seconds, three seconds are three seconds, with a key frame every one of them."""
    service = Service(tmp_path, clip_seconds=None)
    task = service.first_frame(model="wanx2.1-i2v-turbo", duration=3)
    with opened(service.clip(task)) as clip:
        keys = [packet.pts * packet.time_base for packet in clip.demux(video=0) if packet.is_keyframe]
        assert (clip.duration, clip.streams.video[0].frames) == (3_000_000, 90)
        assert keys == [0, 1, 2]


def test_the_first_frame_is_the_picture(service):
    """A push-in starts with all of the picture and ends nearer."""
    source = picture((832, 480), "gray")
    clip = frames(service.clip(service.first_frame(image=source)))
    assert unlike(clip[0], source) < 4
    assert unlike(clip[-1], source) > 2 * unlike(clip[0], source)


def test_a_transition_begins_on_the_first_and_ends_on_the_last_picture(service):
    """Both given pictures are really there."""
    first, last = picture((640, 360), "black"), picture((640, 360), "silver")
    clip = frames(service.clip(service.both_frames(first, last)))
    assert unlike(clip[0], first) < 4
    assert unlike(clip[-1], last) < 4
    assert unlike(clip[3], first) > 20
    assert unlike(clip[2], last) > 20


def test_a_last_picture_of_another_shape_is_cut_to_the_first(service):
    """The first picture decides about the shape."""
    clip = frames(service.clip(service.both_frames(picture((640, 360)), picture((360, 640)))))
    assert clip[-1].size == clip_size(832 * 480, 640, 360)


def test_the_mark_is_in_the_lower_right_corner(service):
    """Every frame says that it is emulated."""
    clip = frames(service.clip(service.first_frame(image=picture((640, 360), "white"))))
    for frame in (clip[0], clip[-1]):
        corner = frame.crop((frame.width * 6 // 7, frame.height * 6 // 7, frame.width, frame.height))
        assert min(corner.convert("L").tobytes()) < 140


def test_a_picture_is_turned_as_its_camera_says(service):
    """EXIF orientation decides what is up, for the size and for the frames."""
    exif = Image.Exif()
    exif[0x0112] = 6
    clip = frames(service.clip(service.first_frame(image=data_uri(picture(kind="JPEG", exif=exif)))))
    assert clip[0].height > clip[0].width


def test_transparent_parts_become_white(service):
    """The service takes no transparency; what it would show there is paper."""
    file = io.BytesIO()
    Image.new("RGBA", (320, 180), (255, 0, 0, 0)).save(file, "PNG")
    clip = frames(service.clip(service.first_frame(image=file.getvalue())))
    assert min(clip[0].getpixel((20, 20))) > 245


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "WEBP"])
@pytest.mark.parametrize("size", [(7, 5), (320, 180)])
def test_every_documented_format_is_taken(service, kind, size):
    """Small pictures too: they save time in tests, and the service's lower limit differs by document."""
    assert service.clip(service.first_frame(image=picture(size, kind=kind)))[4:8] == b"ftyp"


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "I;16", "CMYK"])
def test_every_kind_of_colour_is_taken(service, mode):
    """Palettes, greys and print colours end as ordinary video."""
    file = io.BytesIO()
    Image.new(mode, (64, 36)).save(file, "JPEG" if mode == "CMYK" else "PNG")
    assert service.clip(service.first_frame(image=file.getvalue()))[4:8] == b"ftyp"


@pytest.mark.parametrize(
    ("model", "parameters", "kinds"),
    [
        ("wan2.5-i2v-preview", {}, ["video", "audio"]),
        ("wan2.6-i2v-flash", {"resolution": "720P"}, ["video", "audio"]),
        ("wan2.6-i2v-flash", {"resolution": "720P", "audio": False}, ["video"]),
        ("wan2.2-i2v-flash", {}, ["video"]),
    ],
)
def test_models_with_sound_have_a_sound_track(service, model, parameters, kinds):
    """The track is AAC and as long as the pictures; 2.6-flash goes without if asked to."""
    with opened(service.clip(service.first_frame(model=model, **parameters))) as clip:
        assert [stream.type for stream in clip.streams] == kinds
        lengths = {round(float(stream.duration * stream.time_base), 2) for stream in clip.streams}
        assert lengths == {0.2}


def test_the_same_request_gives_the_same_bytes_wherever_it_is_made(tmp_path):
    """Clips hold no time and no chance."""
    clips = [Service(tmp_path / name).clip(Service(tmp_path / name).first_frame(seed=3)) for name in "ab"]
    assert clips[0] == clips[1]


def test_another_seed_is_another_take(service):
    """A camera that goes elsewhere shows that the seed counts."""
    one, other = (service.clip(service.first_frame(seed=seed)) for seed in (1, 2))
    assert one != other


def test_equal_plans_are_rendered_once(service, tmp_path):
    """A second task for the same picture and seed serves the same file."""
    for _ in range(2):
        service.clip(service.first_frame(seed=9))
    assert len(list((tmp_path / "state" / "clips").iterdir())) == 1


def test_the_clip_is_begun_while_the_task_still_runs(service, tmp_path):
    """A poll that finds the task running starts the work, so that the download need not wait."""
    service.after(2, service.first_frame())
    made = _eventually(lambda: list((tmp_path / "state" / "clips").glob("*.mp4")))
    assert made


def test_the_interpreter_can_end_while_a_clip_is_made(tmp_path):
    """Exit neither waits for the studio nor crashes in it."""
    code = (
        "from tests.emulator.service import Service, picture\n"
        f"service = Service({str(tmp_path)!r}, clip_seconds=30)\n"
        "print(service.after(2, service.first_frame())['task_status'])"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "RUNNING\n", "")


def test_the_camera_starts_and_stops_gently():
    """First and last steps are small, none goes back, and a transition is at rest at both ends."""
    zooms = [push_in(step / 149, 0).zoom for step in range(150)]
    steps = [after - before for before, after in pairwise(zooms)]
    assert zooms[0] == 1
    assert min(steps) > 0
    assert max(steps[0], steps[-1]) < max(steps) / 10
    assert (spread(0), spread(1), pass_over(0).zoom) == (0, 1, 1)


def _eventually(look, tries: int = 500):
    # The studio is another thread: there is no clock of ours to move.
    import time

    for _ in range(tries):
        if found := look():
            return found
        time.sleep(0.01)
    return None
