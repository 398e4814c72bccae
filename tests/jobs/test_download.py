"""Downloads that survive: what has arrived is kept and gone on with, but only if it is provably the same file."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.clock import PATIENCE, until
from tests.support.emulator_client import PortEmulator
from tests.support.processes import environment
from tests.support.slow_storage import ETAG, STUCK, Answer, Asked, Storage, cut, good, reply, storage
from tests.support.world import World, loop_held, picture
from wan_jupyter import errors
from wan_jupyter.jobs.job import Job
from wan_jupyter.scheduling import retry
from wan_jupyter.session.session import Session
from wan_jupyter.storage.output_files import OutputPaths, output_paths

HALF = 1 << 20  # bytes
DAY = 24 * 3600.0


def on(world: World, store: Storage, **how: object) -> Session:
    return world.session("dashscope-intl", base_url=store.base_url, key="sk-test", **how)


def place_of(job: Job) -> OutputPaths:
    return output_paths(job.info.folder, job.id, job.info.created_at)


def part(start: int | None = None, lost: int = 0, **headers: object) -> Answer:
    """Send a 206 that is as it should be, but for the headers given, and for where it begins and ends."""

    def answer(asked: Asked, film: bytes) -> bytes:
        begin = (asked.start or 0) + (start or 0)
        end = len(film) - lost
        told = {"ETag": ETAG, "Content_Range": f"bytes {begin}-{end - 1}/{len(film)}", **headers}
        return reply(206, film[begin:end], **told)

    return answer


def fetched(world: World, store: Storage, session: Session | None = None) -> Job:
    """Order a video, wait for it, and check that it is the film, in the journal too."""
    job = world.order(session=session or on(world, store))
    digest = hashlib.sha256(job.result(PATIENCE).path.read_bytes()).hexdigest()
    assert digest == hashlib.sha256(store.film).hexdigest() == world.rows()[0]["sha256"]
    assert not [path for path in world.outputs.iterdir() if path.name.startswith(".")]
    assert (store.behind.creates, store.behind.billed, job.warning) == (1, 5, "")
    return job


# ---- too much -----------------------------------------------------------------------------------------------------


def test_what_is_no_video_is_not_fetched_to_its_end(world: World, port: PortEmulator) -> None:
    """A page without a length may have no end; its first bytes tell that it is none."""
    page = reply(200, b"<html>no video</html>" * 400_000, Content_Length=None)
    with storage(port, lambda *_: page) as store:
        moved = [0]
        with loop_held():
            job = world.order(session=on(world, store))
            job.watch(lambda shot: moved.append((shot.moved or (0, 0))[0]))
        job.result(PATIENCE)
    assert (max(moved), port.creates) == (len(store.film), 1)  # the page has four times that


@pytest.mark.parametrize("announced", [5 << 30, None], ids=["announced", "unannounced"])
def test_what_is_larger_than_any_video_is_not_kept(
    world: World, port: PortEmulator, monkeypatch: pytest.MonkeyPatch, announced: int | None
) -> None:
    """It would fill the disk. The task is made and paid for: it can be asked for again."""
    with storage(port, lambda _, film: reply(200, film, Content_Length=announced)) as store:
        with monkeypatch.context() as smaller:
            smaller.setattr("wan_jupyter.jobs.download.MAX_VIDEO_BYTES", (4 << 30) if announced else HALF)
            job = world.order(session=on(world, store))
            with pytest.raises(errors.JobError) as caught:
                job.result(PATIENCE)
        assert (caught.value.key, f"%wan wait {job.id}" in caught.value.hint()) == ("job.oversized", True)
        assert (world.rows()[0]["status"], len(store.asked), place_of(job).part.exists()) == ("DOWNLOADING", 1, False)
        (again,) = world.sessions[0].resume()
        again.result(PATIENCE)
    assert (again.id, port.creates) == (job.id, 1)


# ---- going on -----------------------------------------------------------------------------------------------------


def test_a_broken_download_goes_on_where_it_broke_off(world: World, port: PortEmulator) -> None:
    """By Range and If-Range, and the digest is that of the whole file."""
    with storage(port, cut(HALF)) as store:
        fetched(world, store)
        assert store.starts == [None, HALF]
        assert store.asked[1].headers["if-range"] == ETAG
        assert {one.headers["accept-encoding"] for one in store.asked} == {"identity"}


def test_it_may_break_off_many_times(world: World, port: PortEmulator) -> None:
    """Each time more is there; getting further, it never waits longer than after the first failure."""
    shorter: list[Answer] = [part(lost=PADDED - (number + 2) * 100_000) for number in range(18)]
    with storage(port, cut(100_000), *shorter) as store:
        fetched(world, store)
        assert store.starts[:4] == [None, 100_000, *store.starts[2:4]]
        assert sorted(store.starts[1:], key=int) == store.starts[1:]
    assert len([nap for nap in world.clock.naps if nap >= 9]) >= 19
    assert max(world.clock.naps) <= 12.5


PADDED = 2_000_000


@pytest.mark.parametrize(
    "second",
    [
        part(ETag='"ANOTHER"'),
        part(ETag=None),
        part(ETag=f"W/{ETAG}"),
        part(start=-10),
        part(start=10),
        part(Content_Range=None),
        part(Content_Range=f"bytes {HALF}-1999999/2000000"),
        part(Content_Range="lines 1-2/3"),
        part(Content_Encoding="gzip"),
        lambda *_: reply(416, b"", Content_Range="bytes */17"),
    ],
    ids=[
        "another ETag", "no ETag", "a weak ETag", "begins too early", "begins too late", "no Content-Range",
        "another length", "other units", "packed", "416",
    ],
)  # fmt: skip
def test_what_does_not_provably_go_on_begins_anew(world: World, port: PortEmulator, second: Answer) -> None:
    """Nothing of it is put behind what we have; the whole file is asked for, at once."""
    with storage(port, cut(HALF), second) as store:
        fetched(world, store)
        assert store.starts == [None, HALF, None]


@pytest.mark.parametrize(
    "second",
    [
        lambda _, film: reply(200, film, ETag=ETAG),
        lambda _, film: reply(200, gzip.compress(film), Content_Encoding="gzip"),
    ],
    ids=["ignores Range", "packs it"],
)
def test_a_server_that_sends_everything_again_is_taken_at_its_word(
    world: World, port: PortEmulator, second: Answer
) -> None:
    """A 200 begins anew, with what it brings."""
    with storage(port, cut(HALF), second) as store:
        fetched(world, store)
        assert store.starts == [None, HALF]


@pytest.mark.parametrize(
    "first",
    [
        cut(HALF, ETag=None),
        cut(HALF, ETag=f"W/{ETAG}"),
        cut(HALF, ETag="unquoted"),
        lambda _, film: cut(HALF, Content_Encoding="gzip")(_, gzip.compress(film, 0)),
    ],
    ids=["none", "weak", "malformed", "of what was packed"],
)
def test_without_a_strong_etag_it_begins_anew(world: World, port: PortEmulator, first: Answer) -> None:
    """Nobody can tell whether it would be the same file."""
    with storage(port, first) as store:
        fetched(world, store)
        assert store.starts == [None, None]


def test_a_file_longer_than_was_said_is_not_kept(world: World, port: PortEmulator) -> None:
    """Its 206 brings more than it announces, with no length of its own to stop it: begun anew."""

    def longer(asked: Asked, film: bytes) -> bytes:
        return reply(206, film[asked.start :] + b"more", Content_Length=None, ETag=ETAG,
                     Content_Range=f"bytes {HALF}-{len(film) - 1}/{len(film)}")  # fmt: skip

    with storage(port, cut(HALF), longer) as store:
        fetched(world, store)
        assert store.starts == [None, HALF, None]


def test_a_mixture_that_does_not_decode_is_fetched_whole(world: World, port: PortEmulator) -> None:
    """A server that says 206 and the right ETag but sends other bytes is found out by the decoder."""

    def wrong(asked: Asked, film: bytes) -> bytes:
        return good(asked, film[:400] + bytes(len(film) - 400))

    with storage(port, cut(400), wrong) as store:
        fetched(world, store)
        assert store.starts == [None, 400, None]


def test_progress_is_right_after_going_on(world: World, port: PortEmulator) -> None:
    """The bar does not fall back to nothing, and ends full."""
    with storage(port, cut(HALF)) as store:
        session, seen = on(world, store), []
        world.clock.hold()
        job = world.order(session=session)
        job.watch(lambda shot: seen.append((len(store.asked), shot.progress)) if shot.progress is not None else None)
        until(lambda: job.snapshot.note == "fetching" or world.clock.advance(1.0))
        world.clock.release()
        job.result(PATIENCE)
    after = [share for count, share in seen if count == 2]
    assert min(after) >= HALF / len(store.film)
    assert (after == sorted(after), after[-1]) == (True, 1.0)


@pytest.mark.parametrize(
    ("what", "answered"),
    [("truncate", [200, 206, 206]), ("drop_after", [200, None, 206]), ("wrong_length", [200, 206])],
)
def test_the_emulators_storage_goes_on_as_object_storage_does(
    world: World, port: PortEmulator, what: str, answered: list[int | None]
) -> None:
    """Cut on a real port, twice: 200, then parts; one that announced too much but brought all needs no third."""
    port.faults({"at": "content", "do": "truncate"}, {"at": "content", "do": what})
    session = world.session("dashscope-intl", base_url=port.base_url, key="sk-test")
    video = world.order(session=session).result(PATIENCE)
    assert [line["status"] for line in port.downloads] == answered
    assert world.rows()[0]["sha256"] == hashlib.sha256(video.path.read_bytes()).hexdigest()


def test_an_expired_link_is_made_fresh_and_the_download_goes_on(world: World, port: PortEmulator) -> None:
    """The new link leads to the same file: what has arrived counts."""
    port.faults({"at": "content", "do": "truncate"}, {"at": "content", "do": "expired_link", "skip": 1})
    world.order(session=world.session("dashscope-intl", base_url=port.base_url, key="sk-test")).result(PATIENCE)
    assert [line["status"] for line in port.downloads] == [200, 403, 206]


def test_after_a_day_the_user_is_told(world: World) -> None:
    """The service has forgotten it by then: nothing more is tried, nothing of it stays on disk."""
    world.emulator().faults({"at": "content", "do": "html", "times": 0})
    session = world.session()
    with pytest.raises(errors.WanError):
        world.order(session=session).result(PATIENCE)
    world.emulator().clear()
    world.clock.advance(2 * DAY)
    (job,) = session.resume()
    with pytest.raises(errors.JobExpired) as caught:
        job.result(PATIENCE)
    assert ("24 hours" in str(caught.value), world.rows()[0]["status"]) == (True, "EXPIRED")
    assert list(world.outputs.iterdir()) == []


# ---- patience -----------------------------------------------------------------------------------------------------


def test_an_outage_of_twenty_minutes_is_waited_out(world: World) -> None:
    """Waits grow to a minute; the video comes."""
    world.emulator().faults({"at": "content", "do": "status", "status": 503, "times": 26})
    job = world.order()
    job.result(PATIENCE)
    waits = [nap for nap in world.clock.naps if nap >= 1]
    assert (sum(waits) >= 20 * 60, max(waits) <= 75) == (True, True)


def test_half_an_hour_without_a_byte_leaves_the_job_for_later(world: World) -> None:
    """It says how to go on; going on costs nothing."""
    world.emulator().faults({"at": "content", "do": "status", "status": 503, "times": 0})
    session = world.session()
    job = world.order(session=session)
    with pytest.raises(errors.ServiceError) as caught:
        job.result(PATIENCE)
    waited = sum(nap for nap in world.clock.naps if nap >= 1)
    assert retry.DOWNLOAD_TIMEOUT_S <= waited <= retry.DOWNLOAD_TIMEOUT_S + 120
    assert ("%wan resume" in caught.value.hint(), world.rows()[0]["status"]) == (True, "DOWNLOADING")
    world.emulator().clear()
    (resumed,) = session.resume()
    resumed.result(PATIENCE)
    assert (resumed.id, world.emulator().billed) == (job.id, 5)


# ---- a process that dies ------------------------------------------------------------------------------------------

CHILD = """
import sys
from pathlib import Path
from tests.support.clock import *
from tests.support.processes import *
from tests.support.emulator_client import *
from tests.support.world import *
world = World(Path(sys.argv[1]))
session = world.session("dashscope-intl", base_url=sys.argv[2], key="sk-test")
world.order(session=session).result(60)
"""


@contextlib.contextmanager
def kernel(world: World, store: Storage) -> Iterator[subprocess.Popen[bytes]]:
    """Order a video in a process of its own."""
    command = [sys.executable, "-c", CHILD, str(world.folder), store.base_url]
    child = subprocess.Popen(command, env=environment(world.folder / "child"))
    try:
        yield child
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait(PATIENCE)


def test_a_kernel_that_is_killed_loses_nothing_that_has_arrived(world: World, port: PortEmulator) -> None:
    """The next one knows whose beginning it is, and goes on."""

    def half_and_no_end(_: Asked, film: bytes) -> bytes:
        return reply(200, film[:HALF], Content_Length=len(film), ETag=ETAG) + STUCK

    with storage(port, half_and_no_end) as store:
        with kernel(world, store):
            assert store.stuck.wait(PATIENCE)
            until(lambda: any(path.stat().st_size > HALF / 2 for path in world.outputs.glob(".*.part")))
        (job,) = on(world, store).resume()
        video = job.result(PATIENCE)
        assert ((store.starts[1] or 0) > HALF / 2, video.path.read_bytes() == store.film) == (True, True)
    assert (port.creates, port.billed) == (1, 5)


def dies_before_the_journal_knew(world: World, job: Job) -> None:
    """Put the row to where it stood before the last step, owned by a process that is gone."""
    with contextlib.closing(sqlite3.connect(world.home / "journal.sqlite3")) as sql, sql:
        sql.execute("UPDATE jobs SET status = 'DOWNLOADING', file = '', owner = 'gone:1:dead', heartbeat = 0")
    assert job.done


@pytest.mark.parametrize("named", [True, False], ids=["after it got its name", "before it got its name"])
def test_a_video_that_was_whole_is_not_fetched_again(world: World, port: PortEmulator, named: bool) -> None:
    """The process died in the last moment: the file is there, and only the journal has to learn of it."""
    with storage(port) as store:
        job = fetched(world, store)
        place = place_of(job)
        dies_before_the_journal_knew(world, job)
        if not named:
            place.video.rename(place.part)
            place.label.write_text(json.dumps({"etag": ETAG, "total": len(store.film)}))
        (again,) = on(world, store).resume()
        assert again.result(PATIENCE).path.read_bytes() == store.film
        assert (len(store.asked), world.rows()[0]["sha256"]) == (1, hashlib.sha256(store.film).hexdigest())
    assert sorted(path.name for path in world.outputs.iterdir()) == [place.sidecar.name, place.video.name]


@pytest.mark.parametrize("label", ["", "[]", "{}", '{"etag": "", "total": 5}', '{"etag": "x", "total": "many"}'])
def test_a_beginning_of_nobody_knows_what_begins_anew(world: World, port: PortEmulator, label: str) -> None:
    """Without its label it is only bytes."""
    with storage(port) as store:
        job = fetched(world, store)
        place = place_of(job)
        dies_before_the_journal_knew(world, job)
        place.video.rename(place.part)
        place.label.write_text(label)
        (again,) = on(world, store).resume()
        assert again.result(PATIENCE).path.read_bytes() == store.film
        assert store.starts == [None, None]


# ---- disks --------------------------------------------------------------------------------------------------------

ROOM = """
import sys
from pathlib import Path
from tests.support.clock import *
from tests.support.processes import *
from tests.support.emulator_client import *
from tests.support.world import *
from wan_jupyter import errors
world = World(Path(sys.argv[1]))
session = world.session("dashscope-intl", base_url=sys.argv[2], key="sk-test")
{little}
job = world.order(session=session)
try:
    job.result(60)
except errors.OutputError as problem:
    print("KEY", problem.key, flush=True)
print("ROW", world.rows()[0]["status"])
{more}
again = world.order(session=session)
print("SAME", again.id == job.id, again.result(60).path.stat().st_size)
"""
LIMIT = (
    "import resource; hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]\n"
    "resource.setrlimit(resource.RLIMIT_FSIZE, (1500000, hard))",
    "resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))",
)
FULL = (
    "import subprocess; world.outputs.mkdir()\n"
    "subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=1500k', 'none', str(world.outputs)], check=True)",
    "subprocess.run(['mount', '-o', 'remount,size=9m', str(world.outputs)], check=True)",
)
OWN_DISKS = ["unshare", "--user", "--map-root-user", "--mount"]


def has_own_disks() -> bool:
    with contextlib.suppress(OSError):
        trial = [*OWN_DISKS, "mount", "-t", "tmpfs", "none", "/mnt"]
        return subprocess.run(trial, capture_output=True, check=False).returncode == 0
    return False


@pytest.mark.parametrize(
    ("before", "how", "key"),
    [
        pytest.param([], LIMIT, "output.unwritable", id="a limit on files"),
        pytest.param(OWN_DISKS, FULL, "output.disk_full", id="a full disk",
                     marks=pytest.mark.skipif(not has_own_disks(), reason="no disk of its own may be mounted here")),
    ],
)  # fmt: skip
def test_without_room_the_job_waits_and_goes_on_where_it_stopped(
    world: World, port: PortEmulator, before: list[str], how: tuple[str, str], key: str
) -> None:
    """A clear error, the row is under way still; with room the same cell fetches the rest and pays nothing."""
    script = ROOM.format(little=how[0], more=how[1])
    with storage(port) as store:
        command = [*before, sys.executable, "-c", script, str(world.folder), store.base_url]
        here = environment(world.folder / "child")
        ran = subprocess.run(command, env=here, capture_output=True, text=True, timeout=PATIENCE, check=False)
        assert ran.returncode == 0, ran.stderr
        assert ran.stdout.splitlines() == [f"KEY {key}", "ROW DOWNLOADING", f"SAME True {len(store.film)}"]
        assert (len(store.starts), (store.starts[1] or 0) > HALF) == (2, True)
    assert (port.creates, port.billed) == (1, 5)


def test_a_folder_that_stays_unwritable_may_be_exchanged(world: World, port: PortEmulator) -> None:
    """Another folder is chosen, the same cell again: the video goes there, as the hint says."""
    world.outputs.write_text("a file where the folder should be")
    with storage(port) as store:
        job = world.order(session=on(world, store))
        with pytest.raises(errors.OutputError) as caught:
            job.result(PATIENCE)
        assert "Choose another folder" in caught.value.hint()
        other = world.folder / "other"
        again = world.order(session=on(world, store, outputs=other))
        assert (again.id, again.result(PATIENCE).path.parent) == (job.id, other)
    assert (port.creates, world.outputs.read_text()) == (1, "a file where the folder should be")


# ---- names --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".mp4", ".json"])
def test_what_has_the_videos_name_already_is_never_overwritten(world: World, suffix: str) -> None:
    """The video and its sidecar take the next free name together; the same cell finds them there."""
    world.clock.hold()
    job = world.order()
    place = place_of(job)
    world.outputs.mkdir()
    for name in (place.stem, f"{place.stem}-2"):
        (world.outputs / f"{name}{suffix}").write_text("the user's own")
    world.clock.release()
    video = job.result(PATIENCE)
    assert video.path.name == f"{place.stem}-3.mp4"
    assert json.loads(video.path.with_suffix(".json").read_text("utf-8"))["file"] == video.path.name
    assert {path.read_text() for path in world.outputs.glob(f"*{suffix}") if path.stem != video.path.stem} == {
        "the user's own"
    }
    again = world.order()
    assert (again.video, again.done, world.emulator().creates) == (video, True, 1)


# ---- keys ---------------------------------------------------------------------------------------------------------


def test_a_range_goes_to_storage_without_the_key(world: World, port: PortEmulator) -> None:
    """As the first request did."""
    with storage(port, cut(HALF)) as store:
        fetched(world, store)
        assert [one.headers.get("authorization") for one in store.asked] == [None, None]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PortEmulator]:
    """A server whose videos are fetched from a content route, with the key."""
    made = PortEmulator(tmp_path / "server", "--videos-dialect", "openai")
    yield made
    made.stop()


def test_a_content_route_gets_the_key_and_the_storage_behind_it_does_not(world: World, server: PortEmulator) -> None:
    """Also when it goes on: the route sends us to storage, which is asked for the rest, without the key."""
    with storage(server) as behind, storage(server) as store:

        def there(asked: Asked, film: bytes) -> bytes:
            behind.film = film
            return reply(302, b"", Location=f"{behind.url}/results/clip.mp4")

        store.answers[:] = [there, there]
        behind.answers[:] = [cut(HALF), good]
        session = world.session("openai-videos", base_url=f"{store.url}/v1", key="sk-test")
        job = session.submit("A cat", image=picture())
        assert job.result(PATIENCE).path.read_bytes() == behind.film
        assert [one.headers.get("authorization") for one in store.asked] == ["Bearer sk-test"] * 2
        assert [one.headers.get("authorization") for one in behind.asked] == [None, None]
        assert behind.starts == [None, HALF]
