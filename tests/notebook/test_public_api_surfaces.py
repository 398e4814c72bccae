"""The same cell on every provider, in every mode it has, with every kind of picture, through both doors.

Real sockets: each provider's protocol on an emulator's port, pictures by address on a port of the test's own.
"""

from __future__ import annotations

import base64
import io
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image as Pillow
from PIL import features

from tests.catalog.test_providers import Servers
from tests.support.clock import PATIENCE, FakeClock
from tests.support.emulator_client import PortEmulator
from tests.support.ipython_shell import Shell
from tests.support.world import close_client, picture
from wan_jupyter import Job, Session, Status
from wan_jupyter.errors import ImageError, ModelError

pytest_plugins = ("tests.support.notebook_fixtures",)

OPENAI = ("--videos-dialect", "openai")
QUICK = ("--speed", "2000")  # a task is still met while it runs, but not a hundred times


@dataclass(frozen=True)
class Where:
    """A provider under test.

    Attributes:
        name: as it is typed after `--provider`.
        emulator: what the emulator is told to be.
        base: what follows its address.
        two: "" where it makes no video of two pictures, else "any" or, where it takes addresses only, "link".
        sources: what pictures come as; two ways are enough where another row speaks the same dialect.
        dropped: what it cannot carry of the cell below, as it says so.
    """

    name: str
    emulator: tuple[str, ...] = ()
    base: str = ""
    two: str = "any"
    dropped: str = ""
    sources: tuple[str, ...] = ("path", "address", "data URI", "PIL", "bytes")


TWO_WAYS = ("path", "address")
GATEWAY = "seed=0, watermark=false"
WHERE = {
    "emulator": Where("emulator", base="/api/v1"),
    "dashscope-intl": Where("dashscope-intl", base="/api/v1"),
    "dashscope-cn": Where("dashscope-cn", base="/api/v1", sources=TWO_WAYS),
    "dashscope-us": Where("dashscope-us", base="/api/v1", two="", sources=TWO_WAYS),
    "ssanai, classic": Where("ssanai", two="link", dropped=GATEWAY),
    "ssanai, public-id": Where("ssanai", ("--gateway", "public-id"), two="link", dropped=GATEWAY),
    "video-generations": Where("video-generations", two="link", dropped=GATEWAY, sources=TWO_WAYS),
    "ope": Where("ope", two="", dropped="watermark=false"),
    "videos": Where("videos", two="", dropped="watermark=false", sources=TWO_WAYS),
    "videos-new-api": Where("videos-new-api", ("--videos-dialect", "new-api"), two="link", dropped=GATEWAY),
    "openai-videos, vllm-omni": Where("openai-videos", OPENAI, two=""),
    "openai-videos, sglang": Where("openai-videos", (*OPENAI, "--openai-server", "sglang"), two=""),
}


# ---- what a picture may come as -------------------------------------------------------------------------------------


class Shelf:
    """Pictures by address, on this machine."""

    def __init__(self) -> None:
        self.asked: list[dict[str, str]] = []
        shelf = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                shelf.asked.append(dict(self.headers))
                body = picture()
                self.send_response(200)
                self.send_header("Content-Type", "image/png")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/cat.png"

    def stop(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


SOURCES: dict[str, Callable[[Shelf], Any]] = {
    "path": lambda shelf: "cat.png",
    "address": lambda shelf: shelf.url,
    "data URI": lambda shelf: f"data:image/png;base64,{base64.b64encode(picture()).decode()}",
    "PIL": lambda shelf: Pillow.open(io.BytesIO(picture())),
    "bytes": lambda shelf: picture(),
}


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    made = Servers(tmp_path_factory.mktemp("everywhere"), {})
    yield made
    for emulator in made.running.values():
        emulator.stop()


@pytest.fixture(scope="module")
def shelf() -> Iterator[Shelf]:
    made = Shelf()
    yield made
    made.stop()


# ---- two doors ------------------------------------------------------------------------------------------------------

Door = Callable[..., Job]


def through_python(shell: Shell, where: Where, url: str) -> Door:
    session = Session(where.name, base_url=f"{url}{where.base}", key=None if where.name == "emulator" else "sk-test")
    shell.names["session"] = session
    return partial(session.submit, "A cat looks up", duration=5, seed=0, watermark=False)


def through_the_magic(shell: Shell, where: Where, url: str) -> Door:
    shell.ok(f"%env WAN_PROVIDER={where.name}")
    shell.ok(f"%env WAN_BASE_URL={url}{where.base}")

    def order(clip_url: str = "", **pictures: Any) -> Job:
        clip = f"--clip-url {clip_url} " if clip_url else ""
        typed = {name: value if isinstance(value, str) else f"${name}" for name, value in pictures.items()}
        shell.names.update(pictures)
        line = f"{clip}{' '.join(typed.values())} -d 5 --seed 0 --no-watermark --provider {where.name}"
        job: Job = shell.made(line, "A cat looks up")
        return job

    return order


DOORS = {"python": through_python, "magic": through_the_magic}


@pytest.fixture(params=DOORS)
def door(
    request: pytest.FixtureRequest, bare: Shell, monkeypatch: pytest.MonkeyPatch, servers: Servers
) -> Iterator[Callable[[Where], tuple[Door, PortEmulator]]]:
    """A way to order a video anywhere. Nobody waits between polls, and every key lies ready."""
    clock = FakeClock()
    monkeypatch.setattr("wan_jupyter.session.resources.RealClock", lambda: clock)
    for name in ("WAN_PROVIDER", "WAN_BASE_URL"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("DASHSCOPE_API_KEY", "sk-test")
    monkeypatch.setenv("WAN_API_KEY", "sk-test")
    bare.ok("%load_ext wan_jupyter")

    def opened(where: Where) -> tuple[Door, PortEmulator]:
        emulator = servers.at((*where.emulator, *QUICK))
        return DOORS[request.param](bare, where, emulator.url), emulator

    yield opened
    if "session" in bare.names:
        close_client(bare.names["session"])


# ---- the test -------------------------------------------------------------------------------------------------------


def decoded(path: Path) -> int:
    """Return how many frames of a video decode."""
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


def ledger(emulator: PortEmulator) -> dict[str, Any]:
    with closing(HTTPConnection(emulator.url.removeprefix("http://"))) as line:  # cheaper than a client that knows TLS
        line.request("GET", "/_emulator/ledger")
        found: dict[str, Any] = json.load(line.getresponse())
        return found


def wanted(where: Where, source: str, *, two: bool) -> bool:
    return not two or where.two == "any" or (where.two == "link" and source == "address")


CASES = [
    pytest.param(where, two, source, id=f"{name}-{'first+last' if two else 'first'}-{source}")
    for name, where in WHERE.items()
    for two in (False, True)
    for source in where.sources
    if wanted(where, source, two=two)
]


@pytest.mark.parametrize(("where", "two", "source"), CASES)
def test_the_same_cell_runs_everywhere(
    door: Callable[[Where], tuple[Door, PortEmulator]], shelf: Shelf, where: Where, two: bool, source: str
) -> None:
    """A video that decodes, one task, the key to the API alone, and a word on everything that did not arrive."""
    order, emulator = door(where)
    before = ledger(emulator)
    pictures = {"image": SOURCES[source](shelf), **({"last_image": SOURCES[source](shelf)} if two else {})}

    job = order(**pictures)
    video = job.result(PATIENCE)

    assert (job.provider, job.status, decoded(video.path) > 0) == (where.name, Status.SUCCEEDED, True)
    after = ledger(emulator)
    known = {task["task_id"] for task in before["tasks"]}
    (task,) = [task for task in after["tasks"] if task["task_id"] not in known]
    assert task["status"] == "SUCCEEDED"
    lines = after["requests"][len(before["requests"]) :]
    storage = [line for line in lines if line["path"].startswith(("/results", "/uploads-sink"))]
    assert not any(line["authorized"] for line in storage)
    assert all(line["authorized"] for line in lines if line["method"] == "POST" and "uploads-sink" not in line["path"])
    assert not any("authorization" in map(str.lower, headers) for headers in shelf.asked)
    said = dict(job.remarks)
    assert said.get("remark.not_carried", {}).get("values", "") == where.dropped


CLIP = "https://movies.test/cat.mp4"


@pytest.mark.parametrize("name", WHERE)
def test_a_clip_goes_on_or_is_refused(door: Callable[[Where], tuple[Door, PortEmulator]], name: str) -> None:
    """DashScope goes on from it; whoever would lose it on the way is not asked."""
    order, emulator = door(WHERE[name])
    before = ledger(emulator)["tasks"]
    if not WHERE[name].base:
        with pytest.raises(ModelError) as caught:
            order(clip_url=CLIP)
        assert (caught.value.key, ledger(emulator)["tasks"]) == ("mode.none_clip", before)
        return
    job = order(clip_url=CLIP)
    assert decoded(job.result(PATIENCE).path) > 0
    task = ledger(emulator)["tasks"][-1]
    assert task["request"]["input"]["media"] == [{"type": "first_clip", "url": CLIP}]
    assert dict(job.remarks)["remark.clip_total"] == {"seconds": "5"}


def damaged(kind: str) -> bytes:
    """Make a picture that was turned by a camera and is partly transparent, or one that ends too early."""
    exif, sink = Pillow.Exif(), io.BytesIO()
    exif[0x0112] = 6
    Pillow.new("RGBA", (480, 400), (200, 0, 0, 128)).save(sink, kind, exif=exif.tobytes())
    return sink.getvalue()


@pytest.mark.parametrize(
    ("name", "repairs"),
    [
        ("dashscope-intl", {"rotation", "alpha"}),
        ("ope", {"rotation", "alpha"}),
        ("openai-videos, sglang", {"rotation"}),  # nothing is known against transparency
    ],
)
def test_a_picture_is_repaired_and_it_is_said(
    door: Callable[[Where], tuple[Door, PortEmulator]], name: str, repairs: set[str]
) -> None:
    """As far as the model needs it; by name, so that the user knows which of two."""
    order, _ = door(WHERE[name])
    job = order(image=damaged("WEBP"))
    job.result(PATIENCE)
    said = {key: values for key, values in job.remarks if key.startswith("remark.repaired_")}
    assert set(said) == {f"remark.repaired_{repair}" for repair in repairs}
    assert {values["label"] for values in said.values()} == {job.request.first.label}


@pytest.mark.parametrize(
    "kind",
    ["GIF", "TIFF", pytest.param("AVIF", marks=pytest.mark.skipif(not features.check("avif"), reason="an old Pillow"))],
)
def test_a_format_that_no_service_takes_is_converted(
    door: Callable[[Where], tuple[Door, PortEmulator]], kind: str
) -> None:
    """And it is said as what it was sent."""
    order, _ = door(WHERE["dashscope-intl"])
    sink = io.BytesIO()
    Pillow.new("RGB", (480, 400), "teal").save(sink, kind)
    job = order(image=sink.getvalue())
    assert decoded(job.result(PATIENCE).path) > 0
    said = dict(job.remarks)["remark.repaired_format"]
    assert (said["was"], said["mime"]) == (f"image/{kind.lower()}", "image/png")


def test_nobody_pays_for_half_a_picture(door: Callable[[Where], tuple[Door, PortEmulator]]) -> None:
    """Its header is whole, so it is found while it is prepared; nothing was sent."""
    order, emulator = door(WHERE["dashscope-intl"])
    before = ledger(emulator)["tasks"]
    with pytest.raises(ImageError) as caught:
        order(image=picture(size=(900, 900))[:-200]).result(PATIENCE)
    assert caught.value.key == "image.truncated"
    assert ledger(emulator)["tasks"] == before
