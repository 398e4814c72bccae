"""The sample pictures: written where nothing is yet, never over a picture of the user's own."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image, ImageDraw

import wan_jupyter
from wan_jupyter.errors import OptionError, OutputError

SIZE = (1280, 720)


def test_a_picture_of_the_users_own_is_never_replaced(tmp_path: Path) -> None:
    """The README's first cell, in a folder with a cat: the error says what to type."""
    target = tmp_path / "cat.png"
    Image.new("RGB", SIZE, "white").save(target)
    mine = target.read_bytes()
    with pytest.raises(OutputError, match=r'wan_jupyter\.sample\("cat-2\.png"\).*overwrite=True') as caught:
        wan_jupyter.sample(target)
    assert caught.value.key == "sample.exists"
    assert target.read_bytes() == mine
    assert wan_jupyter.sample(target, overwrite=True) == target
    assert target.read_bytes() != mine


@pytest.mark.parametrize("name", ["cat.png", "cat.JPG"])
def test_a_sample_can_be_written_twice(tmp_path: Path, name: str) -> None:
    """Cells are run again: the file stays as it is, also its time."""
    target = wan_jupyter.sample(tmp_path / name)
    before = target.stat().st_mtime_ns
    assert wan_jupyter.sample(target) == target
    assert target.stat().st_mtime_ns == before
    with pytest.raises(OutputError):
        wan_jupyter.sample(target, "night")


def test_a_sample_of_another_pillow_is_the_same_picture(tmp_path: Path) -> None:
    """Other bytes, and an edge that was smoothed otherwise; a word that was written on it all is seen."""
    target = wan_jupyter.sample(tmp_path / "cat.png")
    with Image.open(target) as drawn:
        brighter = drawn.copy()
    edge = brighter.crop((0, 400, 1280, 402)).point(lambda value: value - 43 if value > 43 else value + 43)
    brighter.paste(edge, (0, 400))
    brighter.save(target, compress_level=1)
    other = target.read_bytes()
    wan_jupyter.sample(target)
    assert target.read_bytes() == other
    ImageDraw.Draw(brighter).text((20, 20), "mine", fill="white", font_size=300)
    brighter.save(target)
    with pytest.raises(OutputError):
        wan_jupyter.sample(target)


@pytest.mark.parametrize("data", [b"", b"not a picture", b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_picture_is_kept_too(tmp_path: Path, data: bytes) -> None:
    """Whatever it is, it is not ours."""
    target = tmp_path / "cat.png"
    target.write_bytes(data)
    with pytest.raises(OutputError):
        wan_jupyter.sample(target)
    assert target.read_bytes() == data


def test_folders_that_are_missing_are_made(tmp_path: Path) -> None:
    """And one where a file is in the way is told."""
    target = wan_jupyter.sample(tmp_path / "pictures" / "cats" / "cat.png")
    assert target.is_file()
    with pytest.raises(OutputError) as caught:
        wan_jupyter.sample(target / "cat.png")
    assert caught.value.key == "video.unwritable"


@pytest.mark.parametrize(("name", "example"), [("cat", "cat.png"), ("cat.gif", "cat.png"), ("", "cat.png")])
def test_a_name_of_another_kind_is_told(
    tmp_path: Path, name: str, example: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With one that will do."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OutputError, match=f'sample\\("{example}"\\)'):
        wan_jupyter.sample(name)
    assert list(tmp_path.glob("cat*")) == []


def test_an_hour_that_does_not_exist_is_told(tmp_path: Path) -> None:
    """With those that there are."""
    with pytest.raises(OptionError, match=r"hour does not support noon[^~]*dusk, night"):
        wan_jupyter.sample(tmp_path / "cat.png", hour="noon")


@pytest.mark.parametrize("hour", ["dusk", "night"])
def test_a_png_is_the_packages_own_file(tmp_path: Path, hour: str) -> None:
    """Byte for byte, so that its digest, and with it the request's fingerprint, is the same on every machine."""
    written = wan_jupyter.sample(tmp_path / "cat.png", hour)
    assert (
        written.read_bytes() == (Path(wan_jupyter.__file__).parent / "media" / "samples" / f"{hour}.png").read_bytes()
    )
    with Image.open(written) as picture:
        assert (picture.size, picture.mode) == (SIZE, "RGB")


def test_a_sample_that_version_0_1_0_drew_stays(tmp_path: Path) -> None:
    """The same pixels in other bytes: a folder made with the old version needs no `overwrite`."""
    target = wan_jupyter.sample(tmp_path / "cat.png")
    with Image.open(target) as picture:
        picture.save(tmp_path / "cat.png", compress_level=1)
    older = target.read_bytes()
    assert wan_jupyter.sample(target).read_bytes() == older
