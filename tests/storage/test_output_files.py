"""Files: whole or not there, ours by name, beside the notebook."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import stat
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.clock import START
from wan_jupyter.errors import OutputError
from wan_jupyter.media.image.reader import data_uri
from wan_jupyter.protocols.http_ranges import NOTHING, PartialFile, RangeReply
from wan_jupyter.storage import output_files
from wan_jupyter.storage.atomic_files import is_usable
from wan_jupyter.storage.input_spool import Spool
from wan_jupyter.storage.output_files import DownloadFile, OutputPaths, bring, output_paths, read_sidecar, set_aside

ANEW = RangeReply(0, "", 0)
FACTS = {"job": "abcde"}
ETAG = '"e"'


def arrive(place: OutputPaths, data: bytes) -> str:
    """Bring bytes to a place's temporary name and return their digest."""
    with closing(place.receive(ANEW)) as incoming:
        incoming.add(data)
        return incoming.finish()


@pytest.fixture
def place(tmp_path: Path) -> OutputPaths:
    return OutputPaths(tmp_path / "wan_outputs", "2026-11-18-abcde")


def test_a_picture_is_spooled_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    """0600 in a folder 0700, by its digest."""
    spool = Spool(tmp_path / "inputs")
    path = spool.keep("digest", b"bytes")
    assert (path, spool.read("digest")) == (tmp_path / "inputs" / "digest", b"bytes")
    assert (stat.S_IMODE(path.stat().st_mode), stat.S_IMODE(path.parent.stat().st_mode)) == (0o600, 0o700)
    before = path.stat().st_ino
    assert spool.keep("digest", b"bytes").stat().st_ino == before
    spool.drop("digest")
    spool.drop("digest")
    with pytest.raises(OutputError) as caught:
        spool.read("digest")
    assert "Run the cell again" in caught.value.hint()


def test_a_file_is_named_by_day_and_job(tmp_path: Path) -> None:
    """Never by anything a service said."""
    made = output_paths(tmp_path, "abcde", START)
    assert (made.video.suffix, made.sidecar.suffix, made.video.stem) == (".mp4", ".json", made.sidecar.stem)
    assert made.video.name.endswith("-abcde.mp4")
    assert len(made.video.name) == len("2026-11-18-abcde.mp4")


def test_a_video_has_its_name_only_when_it_is_whole(place: OutputPaths) -> None:
    """Until then it is a hidden file that no browser offers."""
    with closing(place.receive(ANEW)) as incoming:
        incoming.add(b"12345678")
        incoming.add(b"9012345678901234")
        assert not place.video.exists()
        assert [path.name[0] for path in place.folder.iterdir()] == ["."]
        digest = incoming.finish()
    assert (incoming.size, incoming.head) == (24, b"1234567890123456")
    assert digest == hashlib.sha256(b"123456789012345678901234").hexdigest()
    assert place.settle(digest, FACTS).read_bytes() == b"123456789012345678901234"
    assert {path.name for path in place.folder.iterdir()} == {place.video.name, place.sidecar.name}
    assert read_sidecar(place.video) == {**FACTS, "file": place.video.name, "sha256": digest}


def test_a_second_try_begins_anew(place: OutputPaths) -> None:
    """Nothing of the first is left in the file."""
    digests = [arrive(place, data) for data in (b"a long first try", b"second")]
    assert place.settle(digests[-1], FACTS).read_bytes() == b"second"


def test_what_broke_off_is_gone_on_with(place: OutputPaths) -> None:
    """It knows whose beginning it is; the digest is that of both parts."""
    with closing(place.receive(RangeReply(0, ETAG, 10))) as incoming:
        incoming.add(b"01234")
    assert place.held() == PartialFile(5, ETAG, 10)
    with closing(place.receive(RangeReply(5, ETAG, 10))) as incoming:
        assert (incoming.size, incoming.head) == (5, b"01234")
        incoming.add(b"56789")
        digest = incoming.finish()
    assert (digest, place.held().whole) == (hashlib.sha256(b"0123456789").hexdigest(), True)
    assert place.settle(digest, FACTS).read_bytes() == b"0123456789"
    assert place.held() == NOTHING


def test_without_a_label_nothing_is_held(place: OutputPaths) -> None:
    """Nobody knows of which file it is the beginning; more than there can be is none either."""
    arrive(place, b"01234")
    assert place.held() == NOTHING
    place.label.write_text(json.dumps({"etag": ETAG, "total": 4}))
    assert place.held() == NOTHING
    place.label.write_text(json.dumps({"etag": ETAG, "total": 0}))
    assert place.held() == PartialFile(5, ETAG, 0)


def test_a_label_never_stands_beside_other_bytes(place: OutputPaths) -> None:
    """Beginning anew without an ETag removes that of the first try."""
    with closing(place.receive(RangeReply(0, ETAG, 10))) as incoming:
        incoming.add(b"01234")
    arrive(place, b"other")
    assert (place.held(), place.label.exists()) == (NOTHING, False)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full")
def test_a_full_disk_is_told_and_closing_does_not_fail() -> None:
    """The device's own error, in our words; nothing is left in a buffer that closing would write."""
    with Path("/dev/full").open("wb", buffering=0) as full:
        incoming = DownloadFile(full)
        with pytest.raises(OutputError) as caught:
            incoming.add(b"bytes")
    assert (caught.value.key, incoming.size) == ("output.disk_full", 0)


@pytest.mark.parametrize("linked", [True, False], ids=["with links", "without links"])
@pytest.mark.parametrize("foreign", [".mp4", ".json"])
def test_a_name_that_is_taken_is_left_to_its_owner(
    place: OutputPaths, monkeypatch: pytest.MonkeyPatch, foreign: str, linked: bool
) -> None:
    """The video and its sidecar get the next one, on every file system."""
    if not linked:
        monkeypatch.setattr(os, "link", _no_links)
    digest = arrive(place, b"video")
    (place.folder / f"{place.stem}{foreign}").write_text("the user's")
    there = place.settle(digest, FACTS)
    assert (there.name, there.read_bytes()) == (f"{place.stem}-2.mp4", b"video")
    assert read_sidecar(there)["file"] == there.name
    assert (place.folder / f"{place.stem}{foreign}").read_text() == "the user's"
    assert place.settled("abcde") == (there, digest)


def _no_links(*_: object) -> None:
    raise OSError(errno.EPERM, "not here")


def test_the_same_bytes_under_the_name_are_the_video(place: OutputPaths) -> None:
    """What the user added to its sidecar stays."""
    digest = arrive(place, b"video")
    place.settle(digest, FACTS)
    place.sidecar.write_text(json.dumps({**read_sidecar(place.video), "stars": 5}))
    assert place.settle(arrive(place, b"video"), FACTS) == place.video
    assert (read_sidecar(place.video)["stars"], len(list(place.folder.iterdir()))) == (5, 2)


def test_a_video_got_its_name_only_with_its_own_sidecar_and_bytes(place: OutputPaths) -> None:
    """Another job's, or one that was edited since, is not the one that was fetched."""
    digest = arrive(place, b"video")
    place.settle(digest, FACTS)
    assert (place.settled("abcde"), place.settled("other")) == ((place.video, digest), None)
    place.video.write_bytes(b"edited")
    assert place.settled("abcde") is None


def test_a_damaged_file_is_set_aside_and_a_sound_one_is_not(tmp_path: Path) -> None:
    """Under a name of its own each time."""
    video = tmp_path / "a.mp4"
    set_aside(video, "gone")
    for text in ("one", "two"):
        video.write_text(text)
        set_aside(video, "of something else")
    video.write_text("sound")
    set_aside(video, hashlib.sha256(b"sound").hexdigest())
    found = {path.name: path.read_text() for path in tmp_path.glob("a.*")}
    assert found == {"a.mp4": "sound", "a.mp4.damaged": "one", "a.mp4.damaged-2": "two"}


def test_a_folder_is_usable_if_it_can_be_made(tmp_path: Path) -> None:
    """Judged by what is there already."""
    (tmp_path / "file").write_text("")
    assert (is_usable(tmp_path / "new" / "er"), is_usable(tmp_path / "file" / "in")) == (True, False)


def test_a_sidecar_is_json_that_people_can_read(place: OutputPaths) -> None:
    """Any language as it is written; no temporary file stays."""
    place.folder.mkdir()
    place.write_sidecar({"prompt": "고양이가 올려다본다"})
    assert "고양이가" in place.sidecar.read_text("utf-8")
    assert read_sidecar(place.video) == {"prompt": "고양이가 올려다본다"}
    assert [path.name for path in place.folder.iterdir()] == [place.sidecar.name]


@pytest.mark.parametrize("text", ["", "[1]", "{", "null", "\ud800".encode("utf-8", "surrogatepass").decode("latin-1")])
def test_a_sidecar_that_is_none_is_empty(place: OutputPaths, text: str) -> None:
    """Users edit files."""
    place.folder.mkdir()
    place.sidecar.write_bytes(text.encode("latin-1"))
    assert read_sidecar(place.video) == {}


def test_a_missing_sidecar_is_empty(place: OutputPaths) -> None:
    """It may have been left behind."""
    assert read_sidecar(place.video) == {}


def test_a_video_is_brought_beside_another_notebook(tmp_path: Path) -> None:
    """Hard-linked with its sidecar: no byte twice, and it stays when the first is deleted."""
    video = _video(tmp_path / "one")
    there = bring(video, tmp_path / "two")
    assert (there.read_bytes(), there.stat().st_ino) == (b"video", video.stat().st_ino)
    assert read_sidecar(there) == {"a": 1}
    assert bring(video, tmp_path / "two") == there
    video.unlink()
    assert there.read_bytes() == b"video"


def test_a_video_stays_where_it_is(tmp_path: Path) -> None:
    """In its own folder nothing is done."""
    video = _video(tmp_path / "one")
    assert bring(video, video.parent) == video


def test_where_links_do_not_work_a_video_is_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another disk."""

    def refuse(*_: object) -> None:
        raise OSError(errno.EXDEV, "another disk")

    monkeypatch.setattr(os, "link", refuse)
    video = _video(tmp_path / "one")
    there = bring(video, tmp_path / "two")
    assert (there.read_bytes(), there.stat().st_ino == video.stat().st_ino) == (b"video", False)


def _video(folder: Path) -> Path:
    folder.mkdir()
    (folder / "a.json").write_text(json.dumps({"a": 1}))
    (folder / "a.mp4").write_bytes(b"video")
    return folder / "a.mp4"


@pytest.mark.parametrize(("number", "key"), [(errno.ENOSPC, "output.disk_full"), (errno.EACCES, "output.unwritable")])
def test_a_disk_that_refuses_is_told_in_our_words(
    place: OutputPaths, monkeypatch: pytest.MonkeyPatch, number: int, key: str
) -> None:
    """Full, or not ours: what to do, and that nothing is sent twice."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(output_files, "write_whole", refuse)
    with pytest.raises(OutputError) as caught:
        place.write_sidecar({})
    assert caught.value.key == key
    assert "nothing is sent twice" in caught.value.hint()


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    """A file stands where it should be."""
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        OutputPaths(tmp_path / "file", "a").receive(ANEW)


def test_a_failed_write_leaves_nothing_behind(place: OutputPaths, monkeypatch: pytest.MonkeyPatch) -> None:
    """No temporary file stays."""
    place.folder.mkdir()

    def refuse(_: int) -> None:
        raise OSError(errno.EIO, "broken")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(OutputError):
        place.write_sidecar({})
    assert list(place.folder.iterdir()) == []


def test_a_data_uri_is_base64() -> None:
    """As the service takes it."""
    assert data_uri("image/png", b"\x00\xff") == "data:image/png;base64,AP8="


def test_what_a_killed_process_left_half_written_goes_once_the_video_is_there(place: OutputPaths) -> None:
    """Temporary files of its sidecar and its label; not those of another job."""
    place.folder.mkdir()
    other = place.folder / ".2026-11-18-zzzzz.json.77.88"
    for path in (f".{place.stem}.json.77.88", f"..{place.stem}.mp4.part.json.77.88", other.name):
        (place.folder / path).write_text('{"prompt": "A c')
    place.part.write_bytes(b"video")
    place.settle(hashlib.sha256(b"video").hexdigest(), {"job": "abcde"})
    assert sorted(place.folder.iterdir()) == [other, place.sidecar, place.video]
