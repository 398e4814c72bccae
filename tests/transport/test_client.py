"""The network: one driver, a key that goes to its own origin alone, and nothing that is sent twice."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import logging
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from traceback import walk_tb
from typing import Any

import httpx
import pytest

from tests.support.clock import PATIENCE
from tests.support.emulator_client import PortEmulator
from tests.support.world import World
from wan_jupyter.errors import ConnectionProblem, InputError, ProblemError, ServiceError, SettingsError
from wan_jupyter.protocols.base import Download
from wan_jupyter.security.api_key import Key
from wan_jupyter.security.log_redaction import LOGGERS
from wan_jupyter.security.urls import is_loopback
from wan_jupyter.transport.client import Client
from wan_jupyter.transport.downloads import stream
from wan_jupyter.transport.exchange import MAX_ANSWER_BYTES

SECRET = "sk-distinctive-0123456789"
HERE = "https://service.test"


class Service:
    """An ASGI app made of hand-written answers; it remembers what it was asked."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, str, dict[str, str]]] = []

    async def __call__(self, scope: Any, receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.asked.append((scope["method"], f"{scope['scheme']}://{headers['host']}{scope['path']}", headers))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        pairs = [(name.encode(), value.encode()) for name, value in answer.headers.items()]
        await send({"type": "http.response.start", "status": answer.status_code, "headers": pairs})
        await send({"type": "http.response.body", "body": answer.content})

    def keys(self) -> list[str | None]:
        return [headers.get("authorization") for _, _, headers in self.asked]


def client(service: Service) -> Client:
    return Client(HERE, Key(SECRET, "a test"), service)


def asking(method: str, url: str, count: int = 1) -> Iterator[Any]:
    """A flow that sends the same request some times and returns the last answer."""
    for _ in range(count):
        response = yield httpx.Request(method, url)
    return response


async def create(made: Client, flow: Any, commit: Callable[[], Any] | None = None) -> Any:
    """Create something, with nothing to write down before."""
    return await made.create(flow, commit or (lambda: asyncio.sleep(0)))


async def upload(made: Client, flow: Any) -> Any:
    """Put something into storage, and do not look how far it is."""
    return await made.upload(flow, lambda share: None)


HOW: Mapping[str, Callable[..., Any]] = {"run": Client.run, "create": create, "upload": upload}


def keeps(error: BaseException) -> list[str]:
    """Return where an error, with all that led to it, still holds the key: in variables of its frames."""
    found, seen = [], error
    while seen is not None:
        for frame, _ in walk_tb(seen.__traceback__):
            inside = frame.f_code.co_filename != __file__
            names = [name for name, value in frame.f_locals.items() if inside and _says(value)]
            found += [f"{frame.f_code.co_name}.{name}" for name in names]
        seen = seen.__cause__ or seen.__context__
    return found


def _says(value: object) -> bool:
    shown = f"{value!r} {getattr(value, 'headers', '')!r} {getattr(value, '__dict__', '')!r}"
    return SECRET in shown or f"Bearer {SECRET}" in shown


def run(service: Service, url: str = f"{HERE}/api", how: str = "run") -> httpx.Response:
    async def once() -> httpx.Response:
        made = client(service)
        try:
            return await HOW[how](made, asking("GET", url))
        finally:
            await made.close()

    return asyncio.run(once())


def fetch(service: Service, url: str, with_key: bool = False) -> bytes:
    async def once() -> bytes:
        async with client(service).download(Download(httpx.Request("GET", url), with_key)) as response:
            return b"".join([piece async for piece in stream(response)])

    return asyncio.run(once())


def moved(there: str, code: int = 302) -> httpx.Response:
    return httpx.Response(code, headers={"location": there})


# ---- the driver ---------------------------------------------------------------------------------------------------


def test_a_flow_is_sent_the_answers_to_what_it_yields() -> None:
    """The protocol says what to send; the driver sends it."""
    service = Service(httpx.Response(200, json={"a": 1}))
    assert run(service).json() == {"a": 1}
    assert service.asked[0][:2] == ("GET", f"{HERE}/api")


@pytest.mark.parametrize("how", ["run", "create"])
def test_a_flow_is_never_repeated(how: str) -> None:
    """An error answer is handed to the flow, a lost one raised; either way there was one request."""
    service = Service(httpx.Response(503, json={}))
    assert run(service, how=how).status_code == 503
    broken = Service(ConnectionError("dropped"))
    with pytest.raises(ConnectionProblem) as caught:
        run(broken, how=how)
    assert (caught.value.sent, len(broken.asked), len(service.asked)) == (True, 1, 1)


def test_what_is_written_down_before_a_create_comes_before_it() -> None:
    """Everything is ready by then; what fails in the writing sends nothing."""
    service = Service(httpx.Response(200), httpx.Response(200))
    asked: list[int] = []

    async def commit() -> None:
        asked.append(len(service.asked))

    async def fail() -> None:
        raise KeyError("taken over")

    asyncio.run(create(client(service), asking("POST", HERE), commit))
    with pytest.raises(KeyError):
        asyncio.run(create(client(service), asking("POST", HERE), fail))
    assert (asked, len(service.asked)) == ([0], 1)


def test_a_body_that_cannot_be_written_is_refused_before_anything_is_written_down() -> None:
    """Nothing was sent, and nothing says that it may have been."""

    def flow() -> Iterator[Any]:
        yield httpx.Request("POST", HERE, json={"prompt": float("nan")})

    async def never() -> None:
        raise AssertionError("written down")

    with pytest.raises(InputError):
        asyncio.run(create(client(Service()), flow(), never))


def test_a_redirected_create_is_not_followed() -> None:
    """Wherever it leads, it is not the service that was asked."""
    service = Service(moved("https://elsewhere.test/", 307))
    assert run(service, how="create").status_code == 307
    assert len(service.asked) == 1


def test_an_answer_that_is_too_large_is_a_lost_answer() -> None:
    """No API answer is that large; it is not read to its end."""
    with pytest.raises(ConnectionProblem) as caught:
        run(Service(httpx.Response(200, content=b" " * (MAX_ANSWER_BYTES + 1))))
    assert caught.value.sent


def test_a_packed_answer_is_unpacked_once() -> None:
    """The flow gets the bytes themselves, and no header that says they are packed."""
    assert run(Service(_packed(gzip.compress(b'{"a":1}')))).json() == {"a": 1}


def test_a_badly_packed_answer_is_a_lost_answer() -> None:
    """Bytes that cannot be unpacked are none."""
    with pytest.raises(ConnectionProblem):
        run(Service(_packed(b"no gzip")))


def _packed(content: bytes) -> httpx.Response:
    """Say that some bytes are packed, whether they are or not."""
    response = httpx.Response(200, content=content)
    response.headers["content-encoding"] = "gzip"
    return response


def test_a_name_that_cannot_be_found_was_never_reached() -> None:
    """DNS: nothing was sent."""

    async def once() -> None:
        await create(Client("https://nowhere.invalid", None), asking("POST", "https://nowhere.invalid/api"))

    with pytest.raises(ConnectionProblem) as caught:
        asyncio.run(once())
    assert (caught.value.sent, caught.value.code) == (False, "unreached")


def test_a_server_without_tls_was_never_reached(port: PortEmulator) -> None:
    """The handshake fails before anything is sent."""
    url = port.url.replace("http://", "https://")

    async def once() -> None:
        await create(Client(url, None), asking("POST", f"{url}/api"))

    with pytest.raises(ConnectionProblem) as caught:
        asyncio.run(once())
    assert not caught.value.sent


@pytest.mark.parametrize("said", ["407 Proxy Authentication Required", "403 Forbidden"])
def test_a_proxy_that_opens_no_tunnel_let_nothing_through(said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A company's proxy answers the CONNECT itself; the create was not even sent to it."""

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        asked.append(head.partition(b" ")[0])
        writer.write(f"HTTP/1.1 {said}\r\nContent-Length: 0\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    async def once() -> None:
        proxy = await asyncio.start_server(refuse, "127.0.0.1", 0)
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.sockets[0].getsockname()[1]}")
        async with proxy:
            await create(Client(HERE, Key(SECRET, "test")), asking("POST", f"{HERE}/api"))

    asked: list[bytes] = []
    with pytest.raises(ConnectionProblem) as caught:
        asyncio.run(once())
    assert (caught.value.sent, caught.value.code, asked) == (False, "unreached", [b"CONNECT"])


@pytest.mark.parametrize("wrong", ["http://proxy.corp:80x", "http://[::1", "http://it:pass/word@corp"])
def test_a_proxy_that_is_mistyped_is_told_before_anything_is_written_down(
    wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It names the variables, and nothing of what may be a password."""
    written: list[str] = []

    async def commit() -> None:
        written.append("sent")

    monkeypatch.setenv("HTTPS_PROXY", wrong)
    with pytest.raises(SettingsError) as caught:
        asyncio.run(create(Client(HERE, None), asking("POST", f"{HERE}/api"), commit))
    told = "\n".join(caught.value.lines())
    assert ("HTTPS_PROXY" in told, "word" in told or "'pass'" in told, written) == (True, False, [])


def test_a_create_has_a_connection_of_its_own() -> None:
    """Polls share a pooled connection; a create never takes one that the server may just have closed."""
    ports: list[int] = []

    class Answer(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            ports.append(self.client_address[1])
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    async def once(url: str) -> None:
        made = Client(url, None)
        for how in (Client.run, Client.run, create, create):
            await how(made, asking("GET", url))
        await made.close()

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        asyncio.run(once(f"http://127.0.0.1:{server.server_port}"))
        server.shutdown()
        serving.join()
    assert (len(ports), len(set(ports)), ports[0] == ports[1]) == (4, 3, True)


async def dripping(made: Callable[[str], Client], how: str) -> bool:
    """Ask a server whose answer never ends, a byte at a time; return whether the client hung up."""
    hung_up = asyncio.Event()

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        gone = asyncio.ensure_future(reader.read(1))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        while not gone.done():
            writer.write(b" ")
            await asyncio.wait({gone}, timeout=0.01)
        writer.transport.abort()
        hung_up.set()

    async with await asyncio.start_server(drip, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        there = made(url)
        with pytest.raises(ConnectionProblem) as caught:
            await HOW[how](there, asking("GET", url))
        await there.close()
        await asyncio.wait_for(hung_up.wait(), PATIENCE)
    assert (caught.value.key, caught.value.sent, keeps(caught.value)) == ("service.lost", True, [])
    return hung_up.is_set()


@pytest.mark.parametrize("how", ["run", "create", "upload"])
def test_an_answer_that_drips_is_not_waited_for_without_end(how: str) -> None:
    """Each byte comes in time, the whole never does: it is a lost answer, and the connection is closed."""
    assert asyncio.run(dripping(lambda url: Client(url, Key(SECRET, "a test"), timeout_s=0.3), how))


def test_a_file_may_take_longer_than_an_answer() -> None:
    """Its body goes out in its own time; the clock runs for the answer to it."""
    gone: list[float] = []

    class Slow(Service):
        async def __call__(self, scope: Any, receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.Event().wait(), 1.0)
            await super().__call__(scope, receive, send)

    def flow() -> Iterator[Any]:
        yield httpx.Request("POST", HERE, content=b"x" * 10)
        return True

    made = Client(HERE, Key(SECRET, "a test"), Slow(httpx.Response(200), httpx.Response(200)), timeout_s=0.5)
    assert asyncio.run(made.upload(flow(), gone.append))
    with pytest.raises(ConnectionProblem):
        asyncio.run(create(made, flow()))


# ---- downloads ----------------------------------------------------------------------------------------------------


def test_a_download_follows_redirects() -> None:
    """Storage may send us on."""
    service = Service(moved("https://cdn.test/b"), httpx.Response(200, content=b"bytes"))
    assert fetch(service, "https://store.test/a") == b"bytes"
    assert [url for _, url, _ in service.asked] == ["https://store.test/a", "https://cdn.test/b"]


def test_a_download_never_goes_from_https_to_http() -> None:
    """A signed link is a secret, and a video that could be exchanged on the way is no result."""
    service = Service(moved("http://store.test/b"))
    with pytest.raises(ServiceError) as caught:
        fetch(service, "https://store.test/a")
    assert (caught.value.code, len(service.asked)) == ("insecure_redirect", 1)


def test_a_download_does_not_go_round_in_circles() -> None:
    """After a few redirects it is an error."""
    service = Service(*(moved("https://store.test/a") for _ in range(20)))
    with pytest.raises(ServiceError) as caught:
        fetch(service, "https://store.test/a")
    assert caught.value.code == "too_many_redirects"


@pytest.mark.parametrize(("code", "name"), [(403, "expired_link"), (404, "expired_link"), (500, "http_500")])
def test_storage_that_refuses_is_told(code: int, name: str) -> None:
    """An expired link is worth asking for a new one."""
    with pytest.raises(ServiceError) as caught:
        fetch(Service(httpx.Response(code, text="<Error/>")), "https://store.test/a")
    assert caught.value.code == name


@pytest.mark.parametrize("link", ["ftp://store.test/a", "file:///etc/passwd", "", "/relative"])
def test_a_link_that_is_none_reaches_nothing(link: str) -> None:
    """Only http and https are ever fetched."""

    async def once() -> None:
        async with Client(HERE, None).download(Download(httpx.Request("GET", link), False)):
            pass

    with pytest.raises(ProblemError):
        asyncio.run(once())


def test_a_broken_download_is_told_in_our_words() -> None:
    """Whatever breaks on the way, the video is to be fetched again."""
    with pytest.raises(ConnectionProblem):
        fetch(Service(_packed(b"no gzip")), "https://store.test/a")


# ---- the key ------------------------------------------------------------------------------------------------------


def test_the_key_goes_to_its_own_origin() -> None:
    """As a bearer token."""
    service = Service(httpx.Response(200))
    run(service)
    assert service.keys() == [f"Bearer {SECRET}"]


@pytest.mark.parametrize("url", ["https://other.test/", "http://service.test/", "https://service.test:8443/"])
def test_the_key_goes_nowhere_else(url: str) -> None:
    """Another host, another scheme, another port: another origin."""
    service = Service(httpx.Response(200))
    run(service, url)
    assert service.keys() == [None]


@pytest.mark.parametrize("with_key", [False, True])
def test_a_redirect_to_another_origin_does_not_take_the_key_along(with_key: bool) -> None:
    """The content route carries the key, the storage behind it does not get it."""
    service = Service(moved("https://store.test/b"), httpx.Response(200))
    fetch(service, f"{HERE}/content", with_key)
    assert service.keys() == [f"Bearer {SECRET}" if with_key else None, None]


def test_an_error_does_not_show_the_key_or_a_signature() -> None:
    """Neither in its text, nor in its repr, nor in what it keeps."""
    with pytest.raises(ConnectionProblem) as caught:
        run(Service(ConnectionError(f"{HERE}/?Signature=very-secret {SECRET}")))
    shown = f"{caught.value} {caught.value!r} {caught.value.problem} {caught.value.lines()}"
    assert SECRET not in shown
    assert "very-secret" not in shown


def test_a_whole_life_logs_neither_key_nor_signature(
    world: World, port: PortEmulator, caplog: pytest.LogCaptureFixture
) -> None:
    """Not even with every logger at its most talkative: httpx writes addresses down, and a new logger is missed."""
    caplog.set_level(logging.DEBUG)
    port.faults({"at": "content", "do": "truncate"})
    session = world.session("dashscope-intl", base_url=port.base_url, key=SECRET)
    world.order(session=session).result(PATIENCE)
    text = "\n".join(record.getMessage() for record in caplog.records) + caplog.text
    assert "/results/" in text
    assert not [word for word in (SECRET, "Signature=", "Expires=") if word in text]
    spoke = {record.name for record in caplog.records if record.name.startswith(("httpx", "httpcore", "wan_jupyter"))}
    assert {"httpx", "httpcore.connection", "httpcore.http11"} <= spoke <= set(LOGGERS)


@pytest.mark.parametrize("how", ["run", "create"])
@pytest.mark.parametrize("whole_head", [True, False])
def test_a_lost_answer_holds_no_frame_with_the_key(how: str, whole_head: bool) -> None:
    """Whether it breaks off in its head or its body: a debugger that shows locals would show the header."""

    async def once() -> ConnectionProblem:
        async def break_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n" + (b"\r\n{" if whole_head else b""))
            writer.close()

        async with await asyncio.start_server(break_off, "127.0.0.1", 0) as server:
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            made = Client(url, Key(SECRET, "a test"))
            with pytest.raises(ConnectionProblem) as caught:
                await HOW[how](made, asking("GET", url))
            await made.close()
            return caught.value

    problem = asyncio.run(once())
    assert (problem.sent, problem.__context__, keeps(problem)) == (True, None, [])


# ---- loopback -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://127.0.0.1:8000/v1", True),
        ("http://localhost/", True),
        ("http://[::1]:9/", True),
        ("https://127.0.0.1.evil.test/", False),
        ("https://localhost.evil.test/", False),
        ("https://dashscope-intl.aliyuncs.com/", False),
        ("", False),
    ],
)
def test_loopback_is_this_machine_and_no_other(url: str, here: bool) -> None:
    """By the host's name alone."""
    assert is_loopback(url) is here


def test_loopback_ignores_a_proxy(world: World, port: PortEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """A company's HTTP_PROXY does not know this machine's own servers; here it leads to a closed port."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        dead = f"http://127.0.0.1:{closed.getsockname()[1]}"
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, dead)
        session = world.session("dashscope-intl", base_url=port.base_url, key=SECRET)
        world.order(session=session).result(PATIENCE)
    assert port.billed == 5


def test_the_emulators_downloads_carry_no_key(world: World) -> None:
    """Every request to the API is signed, the result's is not."""
    world.order().result(PATIENCE)
    signed: Mapping[bool, list[str]] = {
        known: [line["path"] for line in world.emulator().requests if line["authorized"] is known]
        for known in (True, False)
    }
    assert signed[True]
    assert [path.startswith("/results/") for path in signed[False]] == [True]


def test_the_key_is_in_no_file(world: World, port: PortEmulator) -> None:
    """Not in the journal, the sidecar, the spool, whatever happened."""
    port.faults({"at": "poll", "do": "status", "status": 401, "body": {"code": "InvalidApiKey"}})
    session = world.session("dashscope-intl", base_url=port.base_url, key=SECRET)
    world.order(session=session).result(PATIENCE)
    files = [path for path in world.folder.rglob("*") if path.is_file()]
    assert {"journal.sqlite3", ".mp4", ".json"} <= {path.name for path in files} | {path.suffix for path in files}
    assert not [path for path in files if SECRET.encode() in path.read_bytes()]


def test_the_signed_link_is_in_the_journal_alone(world: World) -> None:
    """It is a secret, too: not beside the video, not in what is shown."""
    job = world.order()
    job.result(PATIENCE)
    link = json.loads(world.rows()[0]["result"])["link"]
    signature = link.partition("Signature=")[2]
    holding = [path.name for path in world.folder.rglob("*") if _holds(path, signature.encode())]
    assert all(name.startswith("journal.sqlite3") for name in holding)
    assert signature not in f"{job!r} {job.snapshot!r}"


def _holds(path: Path, text: bytes) -> bool:
    return path.is_file() and text in path.read_bytes()
