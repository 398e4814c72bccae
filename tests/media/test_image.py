"""A picture is taken in every form it comes in, at once and as it is, or refused in two lines that say what to type."""

from __future__ import annotations

import base64
import dataclasses
import datetime
import hashlib
import io
import json
import os
import struct
import subprocess
import sys
import types
import zlib
from pathlib import Path, PureWindowsPath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from wan_jupyter.errors import ImageError, InputError
from wan_jupyter.media.image import files, pixels
from wan_jupyter.media.image.reader import Image, read_image
from wan_jupyter.security.urls import unsigned

quick = settings(max_examples=100, deadline=None, database=None)


def drawn(mode: str = "RGB", size: tuple[int, int] = (6, 4)) -> Pillow.Image:
    return Pillow.effect_noise(size, 60).convert(mode)


def saved(kind: str = "PNG", picture: Pillow.Image | None = None, **how: object) -> bytes:
    file = io.BytesIO()
    (picture or drawn()).save(file, kind, **how)
    return file.getvalue()


def refused(value: object, **how: object) -> ImageError:
    with pytest.raises(ImageError) as caught:
        read_image(value, **how)
    assert 1 <= len(caught.value.lines()) <= 2
    assert all("\n" not in line for line in caught.value.lines())
    return caught.value


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("cat.png", "my dog.png", "a+b#1.png", "100%20.png"):
        (tmp_path / name).write_bytes(saved())
    return tmp_path


# ---- files ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "mime"),
    [
        ("PNG", "image/png"),
        ("JPEG", "image/jpeg"),
        ("BMP", "image/bmp"),
        ("WEBP", "image/webp"),
        ("MPO", "image/jpeg"),
        ("GIF", "image/gif"),
        ("TIFF", "image/tiff"),
    ],
)
def test_a_file_is_known_by_its_bytes_and_not_by_its_name(folder: Path, kind: str, mime: str) -> None:
    """The accepted formats are read from their headers, whatever the suffix says."""
    data = saved(kind)
    (folder / "thing.dat").write_bytes(data)

    image = read_image("thing.dat")

    assert image == Image("thing.dat", hashlib.sha256(data).hexdigest(), mime, 6, 4, len(data))
    assert image.encoded() == data
    assert image.identity == f"sha256:{image.digest}"


def test_a_snapshot_does_not_follow_the_file(folder: Path) -> None:
    """What is sent is what was there when the cell ran."""
    before = (folder / "cat.png").read_bytes()
    image = read_image("cat.png")
    (folder / "cat.png").unlink()

    assert image.encoded() == before


@pytest.mark.parametrize("name", ["cat.png", "my dog.png", "a+b#1.png", "100%20.png"])
def test_every_way_to_name_a_file_finds_it(folder: Path, name: str) -> None:
    """Text, Path, absolute, file URLs absolute and relative, quoted or not: the same picture."""
    absolute = folder / name
    ways = [name, Path(name), str(absolute), absolute, f"file://{absolute}", f"file://localhost{absolute}"]
    ways += [f"file://./{name}", f"file://{name}", f"FILE:{absolute}", f"file://{absolute}".replace(" ", "%20")]
    if "%" not in name:
        ways.append(absolute.as_uri())

    assert {read_image(way).label for way in ways} == {name}
    assert len({read_image(way).digest for way in ways}) == 1


def test_a_relative_path_begins_at_the_folder_given(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Relative names and relative file URLs begin at `folder`, not at the working directory."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "b c.png").write_bytes(saved())

    assert read_image("b c.png", folder=elsewhere).weight
    assert read_image("file://./b%20c.png", folder=elsewhere).weight
    assert refused("b c.png").key == "image.missing"


def test_a_tilde_is_the_home_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`~/cat.png` is found; `~nobody-here/x.png` is a name like any other."""
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("USERPROFILE", str(folder))

    assert read_image("~/cat.png").label == "cat.png"
    assert refused("~nobody-here-at-all/x.png").key == "image.missing"


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("file:///C:/pics/x.png", "C:/pics/x.png"),
        ("file://localhost/C:/x.png", "C:/x.png"),
        ("file:///a/b%20c+d%23.png", "/a/b c+d#.png"),
        ("file://./rel.png", "rel.png"),
        ("file://pics/rel.png", "pics/rel.png"),
    ],
)
def test_file_urls_are_read_as_people_write_them(url: str, path: str) -> None:
    """Drive letters lose the slash before them, %20 is undone, + stays, and what follows file:// is no host."""
    assert files.path_of(url) == Path(path)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("caat.png", "cat.png"),
        ("CAT.PNG", "cat.png"),
        ("cat", "cat.png"),
        ("cat.jpg", "cat.png"),
        ("my", '"my dog.png"'),
    ],
)
def test_a_missing_file_names_the_one_that_was_meant_and_where_it_looked(folder: Path, typed: str, meant: str) -> None:
    """Misspelt, wrong case, no suffix, or a name with blanks that was not quoted."""
    if (folder / typed).exists():
        pytest.skip("this file system does not tell the cases apart")
    error = refused(typed)

    assert error.message() == f"Image {typed} not found."
    assert error.hint() == f"Did you mean {meant}? Searched in {folder}."


def test_a_suggestion_can_be_typed_as_it_is(folder: Path) -> None:
    """The folder that was typed stays in front of the name that is suggested."""
    (folder / "pics").mkdir()
    (folder / "pics" / "sunset.png").write_bytes(saved())

    assert f"Did you mean {Path('pics/sunset.png')}? " in refused("pics/sunst.png").hint()
    assert refused("nowhere/x.png").hint() == f"Searched in {folder / 'nowhere'}."


@pytest.mark.parametrize(
    ("value", "key"),
    [
        ("", "image.unnamed"),
        ("  ", "image.unnamed"),
        (".", "image.folder"),
        ("cat.png/inside.png", "image.missing"),
        ("x" * 5000, "image.unreadable"),
        ("a\0b.png", "image.unreadable"),
        ("s3://bucket/cat.png?X-Amz-Signature=SECRET", "image.bad_scheme"),
        (PureWindowsPath("no/such.png"), "image.missing"),
    ],
)
def test_what_is_no_file_is_refused(folder: Path, value: object, key: str) -> None:
    """Each case has its own message, and none shows a signature."""
    error = refused(value)

    assert error.key == key
    assert "SECRET" not in str(error)


def test_a_file_that_may_not_be_read_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Permission denied is said in those words (root may read anything, so the refusal is played)."""

    def deny(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", deny)

    assert "permission denied" in refused("cat.png").message()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_is_refused_without_waiting_for_it(folder: Path) -> None:
    """Reading a pipe would never end, and the cell with it."""
    os.mkfifo(folder / "pipe.png")

    assert "not a regular file" in refused("pipe.png").message()


def test_too_heavy_a_file_is_refused_before_it_is_read(folder: Path) -> None:
    """Above 100 MB nothing is read: the size on the disk decides."""
    with (folder / "huge.png").open("wb") as file:
        file.truncate(files.MAX_BYTES + 1)

    assert refused("huge.png").message() == "huge.png is larger than 100 MB."


# ---- bytes that are no picture --------------------------------------------------------------------------------------

SVG = b'<?xml version="1.0"?>\n<!-- made by <hand> -->\n<svg xmlns="http://www.w3.org/2000/svg"/>'


@pytest.mark.parametrize(
    ("data", "key"),
    [
        (b"", "image.empty"),
        (b"hello", "image.not_image"),
        (b"\0" * 100, "image.not_image"),
        (SVG, "image.svg"),
        (b"\xef\xbb\xbf <svg/>", "image.svg"),
        (b"<!DOCTYPE html><html><svg></svg></html>", "image.web_page"),
        (b"\0\0\0\x18ftypheic", "image.format"),
        (b"\0\0\0\x18ftypisom", "image.format"),
        (b"%PDF-1.7", "image.format"),
        (saved("ICO"), "image.format"),
        (saved("PPM"), "image.format"),
        (saved("PNG")[:20], "image.damaged"),
        (saved("JPEG")[:20], "image.damaged"),
        (saved("WEBP")[:14], "image.damaged"),
        (saved("BMP")[:20], "image.damaged"),
    ],
)
def test_bytes_that_cannot_be_sent_are_refused(data: bytes, key: str) -> None:
    """Each kind of wrong file has a message that says what it is."""
    assert refused(data, label="thing").key == key


def test_a_drawing_is_sent_to_be_converted() -> None:
    """An SVG has no pixels; the hint says what to do."""
    assert "Convert it to PNG" in refused(SVG).hint()


def bomb(width: int, height: int) -> bytes:
    head = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + head + struct.pack(">I", zlib.crc32(head))
    return b"\x89PNG\r\n\x1a\n" + chunk + struct.pack(">I", 0) + b"IDAT"


@pytest.mark.parametrize("side", [10_001, 12_000, 60_000])
def test_a_decompression_bomb_is_refused_by_its_header(side: int) -> None:
    """Above 100 million pixels it is refused, and Pillow's own warning and error do not come out."""
    assert refused(bomb(side, side)).key == "image.too_many_pixels"


def test_a_large_picture_is_no_bomb() -> None:
    """95 million pixels, where Pillow already warns, are accepted without a warning and without being decoded."""
    assert read_image(bomb(9_500, 10_000)).width == 9_500


# ---- addresses ------------------------------------------------------------------------------------------------------


def test_an_address_is_taken_whole_and_shown_without_its_secrets() -> None:
    """The label has no query, no password; neither has the repr."""
    url = "https://user:secret@host.example/a/cat.png?size=2&Signature=SECRET#top"
    image = read_image(url)

    assert image.url == url
    assert image.label == "https://host.example/a/cat.png"
    assert "secret" not in repr(image).lower()
    assert (image.digest, image.mime, image.width, image.weight, image.source) == ("", "", 0, 0, None)


@pytest.mark.parametrize(
    "url", ["http://", "https:", "http:///x.png", "https://[x", "https://h/a b.png", "https://h/a\nb"]
)
def test_an_incomplete_address_is_refused(url: str) -> None:
    """No host, a broken one, or blanks in it."""
    assert refused(url).key == "image.bad_url"


def test_a_refused_address_shows_no_password() -> None:
    """A wrong address may hold a right password."""
    assert "secret" not in str(refused("https://user:secret@host/a b.png?Signature=secret"))


@pytest.mark.parametrize(
    ("url", "counts_as"),
    [
        ("https://h/x?b=2&a=1&b=3", "https://h/x?b=2&a=1&b=3"),
        ("https://h/x?b=%20+2&Expires=9&OSSAccessKeyId=k&Signature=s", "https://h/x?b=%20+2"),
        ("https://h/x?X-Amz-Date=1&v=7&X-Amz-Signature=2", "https://h/x?v=7"),
        ("https://h/x?X-Goog-Signature=2#f", "https://h/x#f"),
        ("https://h/x?sv=1&se=2026&sig=abc", "https://h/x?sv=1"),
        ("https://h/x?expires=1&seen=2&sigma=3", "https://h/x?expires=1&seen=2&sigma=3"),
        (
            "https://h/x?x-oss-signature-version=OSS4-HMAC-SHA256&x-oss-credential=k&x-oss-date=1&x-oss-expires=2"
            "&x-oss-signature=3&x-oss-additional-headers=host&X-OSS-Security-Token=4&v=1",
            "https://h/x?v=1",
        ),
        ("https://h/x?x-oss-process=image/crop,w_9&x-oss-date=1", "https://h/x?x-oss-process=image/crop,w_9"),
    ],
)
def test_a_new_signature_does_not_make_another_picture(url: str, counts_as: str) -> None:
    """Known signature parameters do not count; the rest of the query stays, in order and as written."""
    assert read_image(url).identity == f"url:{counts_as}"
    assert unsigned(counts_as) == counts_as


# ---- data URIs ------------------------------------------------------------------------------------------------------


def test_a_data_uri_counts_by_the_bytes_in_it() -> None:
    """Wrapped, unpadded or percent-encoded base64 is the same picture as the file."""
    data = saved()
    packed = base64.b64encode(data).decode()
    ways = [
        f"data:image/png;base64,{packed}",
        f"DATA:image/png;BASE64,{packed.rstrip('=')}",
        f"data:image/png;name=x.png;base64,{packed.replace('+', '%2B').replace('/', '%2F')}",
        f"data:;base64,{packed[:40]}\n {packed[40:]}",
        "data:image/png," + "".join(f"%{byte:02x}" for byte in data),
    ]

    assert {read_image(way).digest for way in ways} == {hashlib.sha256(data).hexdigest()}
    assert read_image(ways[0]).label == "data:image/png"
    assert packed[:20] not in repr(read_image(ways[0]))


@pytest.mark.parametrize(
    "uri", ["data:", "data:image/png;base64", "data:image/png;base64,", "data:;base64,§", "data:;base64,a"]
)
def test_a_broken_data_uri_is_refused(uri: str) -> None:
    """No comma, nothing after it, or no base64."""
    assert refused(uri).key == "image.bad_data_uri"


# ---- Python objects -------------------------------------------------------------------------------------------------


def test_bytes_and_file_objects_are_the_file_they_hold(folder: Path) -> None:
    """bytes, bytearray, memoryview, BytesIO and an open file give one digest."""
    data = (folder / "cat.png").read_bytes()
    with (folder / "cat.png").open("rb") as file:
        held = [data, bytearray(data), memoryview(data), io.BytesIO(data), file]
        images = [read_image(value) for value in held]

    assert {image.digest for image in images} == {hashlib.sha256(data).hexdigest()}
    assert [image.label for image in images] == ["bytes", "bytearray", "memoryview", "BytesIO", "cat.png"]


def test_a_file_object_is_read_whole_and_left_where_it_stood(folder: Path) -> None:
    """A cell that is run again must find the same picture."""
    with (folder / "cat.png").open("rb") as file:
        file.seek(7)
        assert read_image(file) == read_image(file)
        assert file.tell() == 7


def test_a_stream_that_cannot_go_back_is_read_once() -> None:
    """An answer from the network has `read` and no `seek`."""

    class Stream:
        def read(self, most: int) -> bytes:
            return saved()[:most]

    assert read_image(Stream()).label == "Stream"


def test_a_file_opened_as_text_is_refused(folder: Path) -> None:
    """`open(name)` without "rb" is said so."""
    with (folder / "cat.png").open(encoding="utf-8") as file:
        assert refused(file).key == "image.text_file"
    assert refused(io.StringIO("x")).key == "image.text_file"


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "HSV"])
def test_a_pil_image_is_copied_and_becomes_a_png_without_alpha(mode: str) -> None:
    """The services refuse an alpha channel; an opaque picture of any usual mode ends as L or RGB of the same size."""
    picture = drawn("RGB").convert(mode)
    image = read_image(picture)
    picture.paste(0, (0, 0, 6, 4))

    encoded = Pillow.open(io.BytesIO(image.encoded()))

    assert (image.mime, image.width, image.height, image.weight) == ("image/png", 6, 4, 0)
    assert (encoded.format, encoded.size, encoded.mode in ("L", "RGB")) == ("PNG", (6, 4), True)
    assert image.digest != read_image(picture).digest


def test_what_is_transparent_stays_so_until_its_model_is_known() -> None:
    """An object's pixels go into the file as they are, as a file's do: what a model does not take is repaired later."""
    picture = Pillow.new("RGBA", (2, 1), (255, 0, 0, 0))
    picture.putpixel((1, 0), (0, 0, 0, 128))
    encoded = Pillow.open(io.BytesIO(read_image(picture).encoded()))

    assert [encoded.getpixel((x, 0)) for x in (0, 1)] == [(255, 0, 0, 0), (0, 0, 0, 128)]


def test_two_palettes_are_two_pictures() -> None:
    """The same indices with other colours do not count as the same picture."""
    red, blue = Pillow.new("P", (4, 4), 0), Pillow.new("P", (4, 4), 0)
    red.putpalette([255, 0, 0])
    blue.putpalette([0, 0, 255])

    assert read_image(red).digest != read_image(blue).digest
    assert read_image(red).digest == read_image(Pillow.new("RGB", (4, 4), (255, 0, 0))).digest


def test_size_and_mode_count_as_well_as_pixels() -> None:
    """A 2×8 and an 8×2 picture of one colour differ; so do grey and coloured ones."""
    shapes = [Pillow.new("L", (2, 8)), Pillow.new("L", (8, 2)), Pillow.new("RGB", (2, 8)), Pillow.new("RGBA", (2, 8))]

    assert len({read_image(shape).digest for shape in shapes}) == 4


def test_a_rotation_mark_of_the_camera_stays_out_of_the_png(folder: Path) -> None:
    """A PIL image is sent as it looks in the notebook: its pixels as they lie, with no EXIF to turn them again."""
    exif = Pillow.Exif()
    exif[0x0112] = 6
    (folder / "phone.jpg").write_bytes(saved("JPEG", exif=exif))

    with Pillow.open(folder / "phone.jpg") as picture:
        encoded = Pillow.open(io.BytesIO(read_image(picture).encoded()))

    assert (encoded.size, dict(encoded.getexif())) == ((6, 4), {})


@pytest.mark.parametrize("mode", ["I", "F", "I;16"])
def test_a_mode_without_a_range_is_refused(mode: str) -> None:
    """What is white in 32 bits? Guessing would give a black or white video."""
    assert refused(Pillow.new(mode, (4, 4))).key == "image.bad_mode"


def test_a_lazily_opened_picture_whose_file_is_damaged_is_refused(folder: Path) -> None:
    """Pixels are read here for the first time, and may be missing."""
    whole = saved("PNG", drawn(size=(200, 200)))
    (folder / "half.png").write_bytes(whole[: len(whole) // 2])

    with Pillow.open(folder / "half.png") as picture:
        assert refused(picture).key == "image.undecodable"


@pytest.mark.parametrize(
    ("shape", "dtype", "mode"),
    [
        ((4, 6), "uint8", "L"),
        ((4, 6, 1), "uint8", "L"),
        ((4, 6, 3), "uint8", "RGB"),
        ((4, 6, 4), "uint8", "RGBA"),
        ((4, 6, 3), "float64", "RGB"),
        ((4, 6, 3), "float16", "RGB"),
        ((4, 6), "bool", "L"),
    ],
)
def test_a_numpy_array_is_a_picture(shape: tuple[int, ...], dtype: str, mode: str) -> None:
    """Ones of uint8 are nearly black, ones of floats and True are white."""
    np = pytest.importorskip("numpy")
    shade = 1 if dtype == "uint8" else 255
    image = read_image(np.ones(shape, dtype=dtype))

    assert image.digest == read_image(Pillow.frombytes(mode, (6, 4), bytes([shade]) * (24 * len(mode)))).digest
    assert (image.width, image.height, image.mime) == (6, 4, "image/png")


def test_a_numpy_array_is_copied_whatever_its_layout() -> None:
    """Views, reversed and transposed arrays are taken as they read, and later changes do not count."""
    np = pytest.importorskip("numpy")
    array = np.arange(72, dtype="uint8").reshape(4, 6, 3)[::-1, :, ::-1]
    image = read_image(array)
    data = array.tobytes()
    array[:] = 0

    assert image.source.tobytes() == data


@pytest.mark.parametrize(
    ("shape", "dtype", "scale", "key"),
    [
        ((3, 4, 6), "uint8", 1, "image.bad_shape"),
        ((6,), "uint8", 1, "image.bad_shape"),
        ((), "uint8", 1, "image.bad_shape"),
        ((4, 6, 2), "uint8", 1, "image.bad_shape"),
        ((4, 6), "int64", 1, "image.bad_array"),
        ((4, 6), "float32", 2, "image.bad_array"),
        ((4, 6), "float32", float("nan"), "image.bad_array"),
        ((4, 6), "float32", -1, "image.bad_array"),
        ((4, 6), "complex64", 1, "image.bad_array"),
        ((0, 6), "uint8", 1, "image.empty"),
    ],
)
def test_an_array_that_may_mean_two_things_is_refused(
    shape: tuple[int, ...], dtype: str, scale: float, key: str
) -> None:
    """Channels first, whole numbers of another type, and floats outside 0–1 are not guessed at."""
    np = pytest.importorskip("numpy")

    assert refused(np.asarray(np.ones(shape) * scale).astype(dtype)).key == key


def test_a_matplotlib_figure_is_drawn_at_once() -> None:
    """The same figure counts as the same picture, and what is drawn later does not."""
    pytest.importorskip("matplotlib")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(2, 1), dpi=50)
    figure.subplots().plot([1, 2, 3])
    first, again = read_image(figure), read_image(figure)
    figure.axes[0].plot([3, 2, 1])

    assert first.digest == again.digest != read_image(figure).digest
    assert Pillow.open(io.BytesIO(first.encoded())).mode == "RGB"


def test_an_upload_widget_is_the_file_in_it() -> None:
    """The widget, its value, and one file of its value are the same picture (ipywidgets 8)."""
    widgets = pytest.importorskip("ipywidgets")
    when = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    file = {"name": "cat.png", "type": "image/png", "size": 1, "content": memoryview(saved()), "last_modified": when}
    widget = widgets.FileUpload(value=(file,))

    assert read_image(widget).label == "cat.png"
    assert {read_image(form).digest for form in (widget, (file,), file)} == {
        hashlib.sha256(file["content"]).hexdigest()
    }


def test_an_upload_widget_of_ipywidgets_7_is_read_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """There the value is a mapping from names to files."""

    class FileUpload:
        def __init__(self, **files: object) -> None:
            self.value = files

    monkeypatch.setitem(sys.modules, "ipywidgets", types.SimpleNamespace(FileUpload=FileUpload))
    file = {"metadata": {"type": "image/png"}, "content": saved()}

    assert read_image(FileUpload(cat=file)).label == "cat"
    assert read_image({"cat.png": file}).label == "cat.png"
    assert refused(FileUpload()).key == "image.upload_count"
    assert "2 files" in refused(FileUpload(a=file, b=file)).message()


@pytest.mark.parametrize(
    "held", [saved(), Path("cat.png"), "cat.png", "https://host/cat.png", drawn(), io.BytesIO(saved())]
)
def test_an_object_may_offer_its_own_picture(folder: Path, held: object) -> None:
    """`__wan_image__()` may return bytes, a path, an address or a PIL image; a Video's last frame comes this way."""

    class Clip:
        def __wan_image__(self) -> object:
            return held

    assert read_image(Clip()).label == "Clip"
    assert read_image(Clip(), label="$clip").label == "$clip"


def test_an_object_that_fails_is_named_with_its_own_words() -> None:
    """A foreign exception becomes ours, in one line; our own errors stay as they are."""

    class Broken:
        def __wan_image__(self) -> object:
            raise RuntimeError("no\nframe")

    class Endless:
        def __wan_image__(self) -> object:
            return self

    class NotYet:
        def __wan_image__(self) -> object:
            raise InputError("image.unnamed")

    assert "RuntimeError: no frame" in refused(Broken(), label="$clip").message()
    assert refused(Endless()).key == "image.unsupported"
    with pytest.raises(InputError, match="image name is empty"):
        read_image(NotYet())


@pytest.mark.parametrize("value", [None, 5, 1.5, object(), [], (), {}, {"content": 5}, ["cat.png"], type, lambda: 1])
def test_any_other_object_is_refused_by_name(value: object) -> None:
    """The message names the type, the hint what can be used."""
    error = refused(value)

    assert error.key == "image.unsupported"
    assert "numpy array" in error.hint()


def test_an_object_that_answers_everything_with_an_error_is_refused() -> None:
    """Asking what an object is must not fail."""

    class Hostile:
        def __getattr__(self, name: str) -> object:
            raise RuntimeError(name)

    assert refused(Hostile()).key == "image.unsupported"


# ---- the value itself -----------------------------------------------------------------------------------------------


def test_a_picture_is_kept_without_its_bytes(folder: Path) -> None:
    """The journal holds JSON; what comes back is equal, and says that its bytes are not here."""
    for image in (read_image("cat.png"), read_image(drawn()), read_image("https://host/x.png?Signature=s")):
        kept = json.loads(json.dumps(image.as_json()))
        back = Image.from_json({**kept, "of_a_later_version": 1})

        assert (back, back.source) == (image, None)
        with pytest.raises(ImageError, match="not available here"):
            back.encoded()


def test_a_picture_cannot_be_changed_and_hides_its_bytes(folder: Path) -> None:
    """Frozen, and short in a traceback."""
    image = read_image("cat.png")

    with pytest.raises(dataclasses.FrozenInstanceError):
        image.label = "dog"  # type: ignore[misc]
    assert "source" not in repr(image)
    assert len(repr(image)) < 200


def test_neither_decoding_nor_encoding_happens_when_a_file_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cell waits for `take`: 5 MB must cost no more than reading and hashing."""
    from PIL import ImageFile

    def never(*_: object, **__: object) -> None:
        raise AssertionError

    data = saved()
    monkeypatch.setattr(ImageFile.ImageFile, "load", never)
    monkeypatch.setattr(Pillow.Image, "save", never)

    assert read_image(data).encoded() is data


def test_importing_the_module_imports_no_pillow_and_no_numpy() -> None:
    """`%load_ext` must not pay for a picture that was never given."""
    dear = {"PIL", "numpy", "matplotlib", "ipywidgets"}
    ask = f"import sys, wan_jupyter.media.image.reader; print({dear} & set(sys.modules))"
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True, cwd=root)

    assert done.stdout.strip() == "set()"


# ---- anything at all ------------------------------------------------------------------------------------------------


def only_ours(value: object, folder: Path | None = None) -> None:
    try:
        image = read_image(value, folder=folder)
    except ImageError as error:
        told = str(error)
    else:
        assert image.identity
        assert Image.from_json(image.as_json()) == image
        told = image.label
    assert len(told.encode().splitlines()) <= 2
    assert len(told.splitlines()) <= 2


@quick
@given(st.text() | st.text("acgt./~:%#?@[]\\ ", max_size=20))
def test_any_text_is_taken_or_refused_by_us(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    """No text brings out an exception of Python's, the system's or Pillow's."""
    only_ours(text, tmp_path_factory.getbasetemp() / "nothing-here")


@quick
@given(st.sampled_from(["http://", "https://", "data:", "data:image/png;base64,", "file://", "s3://"]), st.text())
def test_any_text_after_a_scheme_is_taken_or_refused_by_us(scheme: str, text: str) -> None:
    """Broken hosts, brackets, NULs, lone surrogates."""
    only_ours(scheme + text)


@quick
@given(
    st.sampled_from([saved(kind) for kind in ("PNG", "JPEG", "BMP", "WEBP", "GIF", "TIFF")]),
    st.integers(0, 200),
    st.binary(max_size=30),
    st.booleans(),
)
def test_any_damage_is_taken_or_refused_by_us(data: bytes, at: int, damage: bytes, cut: bool) -> None:
    """Damaged and cut headers bring out no error of Pillow's, and no warning."""
    only_ours(data[:at] + damage + (b"" if cut else data[at + len(damage) :]))


@quick
@given(st.binary(max_size=200))
def test_any_bytes_are_taken_or_refused_by_us(data: bytes) -> None:
    """Bytes, and bytes behind the beginnings of the formats."""
    for head in (b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"BM", b"RIFF\0\0\0\0WEBP", b"<svg", b"II*\0"):
        only_ours(head + data)


@quick
@given(
    st.sampled_from(sorted(pixels.MODES)), st.integers(1, 5), st.integers(1, 5), st.binary(min_size=100, max_size=100)
)
def test_any_pixels_become_a_png_of_the_same_size(mode: str, width: int, height: int, data: bytes) -> None:
    """Whatever the mode, what is sent can be opened, and equal pixels have equal digests."""
    if mode in ("La", "RGBa"):  # cannot be made from bytes by Pillow's public means
        return
    raw = data[: len(Pillow.new(mode, (width, height)).tobytes())]
    picture = Pillow.frombytes(mode, (width, height), raw)
    image = read_image(picture)

    assert Pillow.open(io.BytesIO(image.encoded())).size == (width, height)
    assert image.digest == read_image(picture.copy()).digest
