"""A picture that a model would refuse is repaired, and what was done is said; else nothing is done."""

from __future__ import annotations

import contextlib
import io
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow
from PIL import ImageChops, ImageOps

from wan_jupyter.errors import ImageError
from wan_jupyter.i18n.messages import tr
from wan_jupyter.media.image.conversion import Bounds, Fit, convert_to_fit, swaps_sides
from wan_jupyter.media.image.reader import read_image

OLD = Bounds(2000, 360, 10_000_000, alpha=False)
NEW = Bounds(8000, 240, 20_000_000, alpha=False)
SMALL = Bounds(64, 8, 4000, alpha=False)
TRUNCATED = ("JPEG", "PNG", "WEBP", "GIF", "TIFF")


def drawn(mode: str = "RGB", size: tuple[int, int] = (400, 300)) -> Pillow.Image:
    """Draw a picture whose four corners differ: upper left red, upper right green, lower left blue, the rest white."""
    picture = Pillow.new("RGB", size, "white")
    wide, high = size[0] // 2, size[1] // 2
    for at, colour in {(0, 0): "red", (wide, 0): "lime", (0, high): "blue"}.items():
        picture.paste(colour, (*at, at[0] + wide, at[1] + high))
    return picture if mode == "RGB" else picture.convert(mode)


def saved(picture: Pillow.Image, kind: str = "PNG", **how: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **how)
    return file.getvalue()


def noise(size: tuple[int, int]) -> Pillow.Image:
    return Pillow.merge("RGB", [Pillow.effect_noise(size, 90 + band) for band in range(3)])


def turned(orientation: int, kind: str = "JPEG") -> bytes:
    """Save a picture as a camera held in that way would: turned, with the mark that turns it back."""
    back = {2: 2, 3: 3, 4: 4, 5: 5, 6: 8, 7: 7, 8: 6}.get(orientation, 1)
    marked = drawn()
    if back > 1:
        exif = Pillow.Exif()
        exif[0x0112] = back
        marked.getexif().update(exif)
        marked = ImageOps.exif_transpose(marked)
    exif = Pillow.Exif()
    exif[0x0112] = orientation
    return saved(marked, kind, exif=exif.tobytes())


def pixels(fit: Fit) -> Pillow.Image:
    with Pillow.open(io.BytesIO(fit.data)) as picture:
        picture.load()
        return picture


def corners(picture: Pillow.Image) -> list[str]:
    """Name what is seen in the four corners."""
    plain = picture.convert("RGB")
    wide, high = plain.size
    places = [(x * wide // 4, y * high // 4) for y in (1, 3) for x in (1, 3)]
    names = {(True, False, False): "red", (False, True, False): "green", (False, False, True): "blue"}
    return [names.get(tuple(level > 128 for level in plain.getpixel(place)), "white") for place in places]  # type: ignore[union-attr]


def done(fit: Fit) -> list[str]:
    return [key.removeprefix("remark.repaired_") for key, _ in fit.repairs]


def said(fit: Fit) -> str:
    return " ".join(tr(key, **values) for key, values in fit.repairs)


# ---- nothing to do --------------------------------------------------------------------------------------------------

KEPT = {
    "PNG": (drawn(), "PNG", "image/png"),
    "JPEG": (drawn(), "JPEG", "image/jpeg"),
    "CMYK JPEG": (drawn("CMYK"), "JPEG", "image/jpeg"),
    "grey JPEG": (drawn("L"), "JPEG", "image/jpeg"),
    "two pictures in a JPEG": (drawn(), "MPO", "image/jpeg"),
    "BMP": (drawn(), "BMP", "image/bmp"),
    "WEBP": (drawn(), "WEBP", "image/webp"),
    "palette": (drawn("P"), "PNG", "image/png"),
    "one bit": (drawn("1"), "PNG", "image/png"),
    "16 bits": (drawn("L").convert("I;16"), "PNG", "image/png"),
}


@pytest.mark.parametrize("name", KEPT)
def test_a_picture_that_fits_is_not_touched(name: str) -> None:
    """The very bytes are sent, and nothing is said."""
    picture, kind, mime = KEPT[name]
    data = saved(picture, kind)
    fit = convert_to_fit(data, OLD, "cat")
    assert fit.data is data
    assert fit == Fit(data, mime, ())


def test_a_model_that_takes_transparency_gets_it() -> None:
    """Where nothing is known against it."""
    data = saved(drawn("RGBA"))
    assert convert_to_fit(data, Bounds()).data is data


# ---- turned ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_picture_is_set_upright(orientation: int, kind: str) -> None:
    """All eight ways to hold a camera; the mark goes, so that nobody turns it twice."""
    fit = convert_to_fit(turned(orientation, kind), OLD, "cat")
    assert (corners(pixels(fit)), pixels(fit).size) == (["red", "green", "blue", "white"], (400, 300))
    assert pixels(fit).getexif().get(0x0112, 1) == 1
    assert done(fit) == (["rotation"] if orientation > 1 else [])


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_a_mark_that_means_nothing_turns_nothing(orientation: int) -> None:
    """EXIF knows 1 to 8."""
    exif = Pillow.Exif()
    exif[0x0112] = orientation
    data = saved(drawn(), "JPEG", exif=exif.tobytes())
    assert convert_to_fit(data, OLD).data is data


@pytest.mark.filterwarnings("ignore")  # Pillow tells of it, too
def test_damaged_exif_turns_nothing() -> None:
    """It is no reason to refuse the picture."""
    data = saved(drawn(), "JPEG", exif=b"Exif\0\0MM\0*\0\0\xff\xff" + b"\xff" * 20)
    assert convert_to_fit(data, OLD).data is data


def test_the_shape_of_a_turned_picture_is_known_from_its_header() -> None:
    """5 to 8 swap the sides."""
    assert [n for n in range(1, 9) if swaps_sides(turned(n))] == [5, 6, 7, 8]
    assert not swaps_sides(b"no picture")
    assert not swaps_sides(turned(6, "PNG"))


def test_a_tiff_is_turned_once() -> None:
    """Pillow turns it by itself when it is decoded."""
    fit = convert_to_fit(turned(6, "TIFF"), OLD, "cat")
    assert (corners(pixels(fit)), pixels(fit).size) == (["red", "green", "blue", "white"], (400, 300))
    assert done(fit) == ["rotation", "format"]


# ---- transparent ----------------------------------------------------------------------------------------------------


def see_through(mode: str) -> Pillow.Image:
    """Draw a picture whose left half is transparent."""
    alpha = Pillow.new("L", (400, 300), 255)
    alpha.paste(0, (0, 0, 200, 300))
    picture = Pillow.new("RGB", (400, 300), "black")
    picture.putalpha(alpha)
    return picture.convert(mode)


@pytest.mark.parametrize(
    ("mode", "kind"), [("RGBA", "PNG"), ("LA", "PNG"), ("P", "PNG"), ("RGBA", "WEBP"), ("RGBA", "GIF")]
)
def test_what_is_transparent_becomes_white(mode: str, kind: str) -> None:
    """And no alpha channel is left."""
    fit = convert_to_fit(saved(see_through(mode), kind), OLD, "cat")
    made = pixels(fit).convert("RGB")
    assert (made.getpixel((10, 10)), made.getpixel((390, 10))) == ((255, 255, 255), (0, 0, 0))
    assert (pixels(fit).mode, fit.mime, done(fit)[0]) == ("RGB", "image/png", "alpha")


def test_a_transparent_object_is_put_on_white_and_that_is_said() -> None:
    """As the same picture from a file is; a model that takes transparency gets it."""
    picture = see_through("RGBA")
    for data in (read_image(picture).encoded(), saved(picture)):
        fit = convert_to_fit(data, OLD, "cat")
        assert (pixels(fit).mode, pixels(fit).getpixel((10, 10)), done(fit)) == ("RGB", (255, 255, 255), ["alpha"])
        assert pixels(convert_to_fit(data, Bounds())).mode == "RGBA"


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_an_alpha_channel_in_which_nothing_is_transparent_goes_too(mode: str) -> None:
    """The file is another then, which is said. An object's, such as a figure's, never comes into a file."""
    picture = drawn().convert("LA" if mode == "LA" else "RGBA").convert(mode)
    more = {"transparency": 255} if mode == "P" else {}
    fit = convert_to_fit(saved(picture, **more), OLD, "cat")
    assert (pixels(fit).mode in ("RGB", "L"), done(fit)) == (True, ["alpha"])
    data = read_image(drawn().convert("RGBA")).encoded()
    assert convert_to_fit(data, OLD, "cat").data is data


def test_a_transparent_colour_is_transparency() -> None:
    """A PNG may name one colour that is not seen."""
    fit = convert_to_fit(saved(drawn(), transparency=(255, 0, 0)), OLD, "cat")
    assert corners(pixels(fit)) == ["white", "green", "blue", "white"]
    assert done(fit) == ["alpha"]


def test_transparency_survives_a_scaling_where_the_model_takes_it() -> None:
    """Nothing is repaired that is not broken."""
    fit = convert_to_fit(saved(see_through("RGBA")), Bounds(max_side=200))
    assert (pixels(fit).mode, done(fit)) == ("RGBA", ["scaled"])


def test_transparency_that_a_jpeg_cannot_hold_is_said() -> None:
    """Too heavy for a PNG."""
    picture = noise((300, 300))
    picture.putalpha(128)
    fit = convert_to_fit(saved(picture), Bounds(max_bytes=100_000))
    assert (fit.mime, done(fit)) == ("image/jpeg", ["alpha", "weight"])


# ---- format ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "mime"), [("GIF", "image/gif"), ("TIFF", "image/tiff")])
def test_another_format_is_converted(kind: str, mime: str) -> None:
    """Without loss, and it is said."""
    image = read_image(saved(drawn(), kind), label="cat")
    assert image.mime == mime
    fit = convert_to_fit(image.encoded(), OLD, "cat")
    assert (fit.mime, corners(pixels(fit)), done(fit)) == ("image/png", ["red", "green", "blue", "white"], ["format"])
    assert said(fit) == f"cat is {mime}, which this model does not support; it was sent as image/png."


@pytest.mark.parametrize(
    ("kind", "formats", "mime"),
    [
        ("WEBP", ("image/jpeg",), "image/jpeg"),
        ("JPEG", ("image/png",), "image/png"),
        ("BMP", ("image/png",), "image/png"),
    ],
)
def test_the_new_format_is_one_that_the_model_takes(kind: str, formats: tuple[str, ...], mime: str) -> None:
    """Whatever that is."""
    fit = convert_to_fit(saved(drawn(), kind), Bounds(formats=formats))
    assert (fit.mime, done(fit)) == (mime, ["format"])


@pytest.mark.parametrize("kind", ["I;16", "I;16B"])
def test_sixteen_bits_become_eight_of_the_same_brightness(kind: str) -> None:
    """Not cut off at 255."""
    levels = Pillow.frombytes("I;16", (256, 2), b"".join((n * 257).to_bytes(2, "little") for n in range(256)) * 2)
    data = saved(levels, "PNG") if kind == "I;16" else saved(levels.convert("I").convert("I;16B"), "TIFF")
    fit = convert_to_fit(data, Bounds(formats=("image/jpeg",)))
    made = pixels(fit)
    assert all(abs(made.getpixel((n, 0)) - n) <= 3 for n in range(256))  # type: ignore[operator]


def test_a_mode_without_a_range_is_refused() -> None:
    """What a float means as brightness nobody knows."""
    with pytest.raises(ImageError) as caught:
        convert_to_fit(saved(drawn("F"), "TIFF"), OLD, "cat")
    assert caught.value.key == "image.bad_mode"


def test_printers_colours_become_a_screens() -> None:
    """Where a CMYK picture is written anew."""
    fit = convert_to_fit(saved(drawn("CMYK"), "JPEG"), SMALL)
    assert (pixels(fit).mode, corners(pixels(fit))) == ("RGB", ["red", "green", "blue", "white"])


# ---- sides and weight -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "bounds", "made"),
    [
        ((2001, 500), OLD, (2000, 500)),
        ((500, 4000), OLD, (250, 2000)),
        ((3000, 2000), OLD, (2000, 1333)),
        ((8200, 2050), NEW, (8000, 2000)),
    ],
)
def test_a_large_picture_is_scaled_to_the_largest_side(
    size: tuple[int, int], bounds: Bounds, made: tuple[int, int]
) -> None:
    """Its shape stays; old and new size are said."""
    fit = convert_to_fit(saved(drawn(size=size)), bounds, "cat")
    assert (pixels(fit).size, fit.mime) == (made, "image/png")
    words = f"cat was scaled down from {size[0]}x{size[1]} to {made[0]}x{made[1]} pixels, the limit of this model."
    assert said(fit) == words


def test_the_old_size_is_the_one_that_is_seen() -> None:
    """A turned picture is scaled upright."""
    fit = convert_to_fit(turned(6), SMALL, "cat")
    assert done(fit) == ["rotation", "scaled", "weight"] or done(fit) == ["rotation", "scaled"]
    assert "from 400x300 to 64x48" in said(fit)


def test_a_heavy_png_becomes_a_light_jpeg() -> None:
    """12 MB of noise, 10 MB at most; no pixel is lost to scaling."""
    data = saved(noise((2000, 2000)), compress_level=1)
    assert len(data) > 10_000_000
    fit = convert_to_fit(data, OLD, "cat")
    assert len(fit.data) <= 10_000_000
    assert (pixels(fit).size, fit.mime, done(fit)) == ((2000, 2000), "image/jpeg", ["weight"])
    words = f"cat is {len(data) / 1e6:.1f} MB, above this model's limit; it was sent as image/jpeg with "
    assert said(fit).startswith(words)


def test_a_heavy_bmp_that_fits_as_png_loses_nothing() -> None:
    """12 MB of plain colours."""
    picture = drawn(size=(2000, 2000))
    fit = convert_to_fit(saved(picture, "BMP"), OLD)
    assert (fit.mime, done(fit)) == ("image/png", ["weight"])
    assert ImageChops.difference(pixels(fit), picture).getbbox() is None


def test_what_no_quality_makes_light_enough_is_scaled() -> None:
    """As far as the model allows; both are said."""
    fit = convert_to_fit(saved(noise((400, 400))), Bounds(min_side=50, max_bytes=20_000), "cat")
    assert len(fit.data) <= 20_000
    assert (done(fit), min(pixels(fit).size) >= 50) == (["scaled", "weight"], True)


def test_scaling_stops_at_the_smallest_side() -> None:
    """Then the service decides."""
    fit = convert_to_fit(saved(noise((100, 100))), Bounds(min_side=90, max_bytes=100))
    assert pixels(fit).size == (100, 100)


# ---- damage ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", TRUNCATED)
def test_a_file_that_ends_too_early_is_refused(kind: str) -> None:
    """Its header is whole, so only the decoder sees it; nobody pays for half a picture."""
    data = saved(noise((300, 200)), kind)
    with pytest.raises(ImageError) as caught:
        convert_to_fit(data[: len(data) // 2], OLD, "cat")
    assert caught.value.key == "image.truncated"
    assert "cat is damaged" in str(caught.value)


@given(data=st.binary(max_size=300), at=st.integers(0, 3000))
@settings(max_examples=60, deadline=None, database=None)
@pytest.mark.filterwarnings("ignore")
def test_any_damage_is_our_own_error_or_a_picture(data: bytes, at: int) -> None:
    """Whatever stands in the file."""
    whole = saved(drawn(size=(40, 30)), "JPEG")
    with contextlib.suppress(ImageError):
        assert pixels(convert_to_fit(whole[:at] + data + whole[at + len(data) :], SMALL)).size


# ---- of all of them -------------------------------------------------------------------------------------------------

MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16")
KINDS = ("PNG", "JPEG", "BMP", "WEBP", "GIF", "TIFF")
MESSAGES = ("rotation", "alpha", "format", "scaled", "weight")


def written(mode: str, kind: str, size: tuple[int, int]) -> bytes | None:
    picture = (noise(size) if mode != "I;16" else noise(size).convert("L")).convert(mode)
    try:
        return saved(picture, kind)
    except (OSError, ValueError):  # the format has no such mode
        return None


@given(
    mode=st.sampled_from(MODES),
    kind=st.sampled_from(KINDS),
    size=st.tuples(st.integers(8, 200), st.integers(8, 200)),
    bounds=st.builds(
        Bounds,
        max_side=st.sampled_from([0, 64, 100]),
        min_side=st.just(1),
        max_bytes=st.sampled_from([0, 3000, 20_000]),
        formats=st.sampled_from([OLD.formats, ("image/jpeg", "image/png"), ("image/jpeg",)]),
        alpha=st.booleans(),
    ),
)
@settings(max_examples=80, deadline=None, database=None)
def test_whatever_comes_fits_and_comes_again(mode: str, kind: str, size: tuple[int, int], bounds: Bounds) -> None:
    """Within the bounds, said, the same bytes for the same bytes; and what fits is not touched again."""
    data = written(mode, kind, size)
    if data is None:
        return
    fit = convert_to_fit(data, bounds, "cat")
    made = pixels(fit)
    assert not bounds.max_side or max(made.size) <= bounds.max_side
    assert not bounds.max_bytes or len(fit.data) <= bounds.max_bytes
    assert fit.mime in bounds.formats
    assert bounds.alpha or made.mode in ("1", "L", "P", "RGB", "CMYK", "I;16", "I")
    assert (fit.data == data) == (fit.repairs == ())
    assert fit == convert_to_fit(data, bounds, "cat")
    assert convert_to_fit(fit.data, bounds).data is fit.data
    assert all(tr(key, **values) for key, values in fit.repairs)


@pytest.mark.parametrize("name", MESSAGES)
def test_every_repair_has_its_words(name: str) -> None:
    """With the picture's name."""
    words = tr(f"remark.repaired_{name}", label="cat.png", was="a", mime="b", old="c", new="d", megabytes="1", now="2")
    assert words.startswith("cat.png")


def test_a_picture_without_a_name_has_one_all_the_same() -> None:
    """In words."""
    assert said(convert_to_fit(turned(6), OLD)).startswith("The image was rotated upright")
