"""Storage that does what the emulator cannot: a raw server before it, which answers downloads byte by byte as told."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.support.clock import PATIENCE
from tests.support.emulator_client import PortEmulator

PADDING = 2_000_000  # bytes: small clips would arrive in one piece
ETAG = '"5B3C1A2E053D763E1B002CC607C5A0FE"'


@dataclass(frozen=True)
class Asked:
    """One request as it came; header names in lower case."""

    path: str
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def start(self) -> int | None:
        """Where the wanted range begins, None where all is wanted."""
        wanted = self.headers.get("range")
        return int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else None


Answer = Callable[[Asked, bytes], bytes]


@dataclass
class Storage:
    """Passes everything on to an emulator but downloads: those get the next of `answers`, then good ones."""

    behind: PortEmulator
    answers: list[Answer] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    film: bytes = b""
    url: str = ""
    stuck: threading.Event = field(default_factory=threading.Event)

    @property
    def base_url(self) -> str:
        return f"{self.url}/api/v1"

    @property
    def starts(self) -> list[int | None]:
        return [one.start for one in self.asked]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            asked, head = await _request(reader)
            if asked.path.startswith("/results/") or asked.path.endswith("/content"):
                self.film = self.film or padded(await self._behind(head, b""))
                self.asked.append(asked)
                answer = self.answers.pop(0) if self.answers else good
                raw = answer(asked, self.film)
                writer.write(raw.removesuffix(STUCK))
                await writer.drain()
                if raw.endswith(STUCK):
                    self.stuck.set()
                    await reader.read()  # until the other side is gone
            else:
                writer.write(await self._behind(head, asked.body, whole=True))
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _behind(self, head: bytes, body: bytes, *, whole: bool = False) -> bytes:
        """Ask the emulator, without the headers that would make its answer another one."""
        host, _, port = self.behind.url.removeprefix("http://").partition(":")
        lines = [line for line in head.split(b"\r\n") if line]
        dropped = (b"connection:", b"range:", b"if-range:", b"accept-encoding:")
        kept = [line for line in lines if not line.lower().startswith(dropped)]
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"\r\n".join([*kept, b"Connection: close", b"", b""]) + body)
        answer = await reader.read(-1)
        writer.close()
        return answer if whole else answer.partition(b"\r\n\r\n")[2]


STUCK = b"<<stuck>>"  # ends an answer after which the connection neither goes on nor ends


async def _request(reader: asyncio.StreamReader) -> tuple[Asked, bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Asked(first.split()[1].partition("?")[0], headers, body), head


def padded(clip: bytes) -> bytes:
    """Make a film heavier by a box of nothing, which every player skips."""
    return clip + (8 + PADDING).to_bytes(4, "big") + b"free" + bytes(range(250)) * (PADDING // 250)


def reply(status: int, body: bytes, **headers: object) -> bytes:
    """Write an answer whose length is that of its body unless told otherwise."""
    told = {"Content-Length": len(body), **{name.replace("_", "-"): value for name, value in headers.items()}}
    lines = "".join(f"{name}: {value}\r\n" for name, value in told.items() if value is not None)
    return f"HTTP/1.1 {status} Said\r\n{lines}Connection: close\r\n\r\n".encode() + body


def good(asked: Asked, film: bytes) -> bytes:
    """Answer as object storage does."""
    start = asked.start
    if start is None or start >= len(film) or asked.headers.get("if-range", ETAG) != ETAG:
        return reply(200, film, ETag=ETAG)
    return reply(206, film[start:], ETag=ETAG, Content_Range=f"bytes {start}-{len(film) - 1}/{len(film)}")


def cut(keep: int, **headers: object) -> Answer:
    """Send the film from its beginning and break off after some bytes."""
    told = {"ETag": ETAG, **headers}
    return lambda _, film: reply(200, film[:keep], **{"Content_Length": len(film), **told})


@contextmanager
def storage(behind: PortEmulator, *answers: Answer) -> Iterator[Storage]:
    """Open a storage on a port of its own, on a loop of its own."""
    made = Storage(behind, list(answers))
    ready, loop = threading.Event(), asyncio.new_event_loop()

    async def begin() -> asyncio.Server:
        server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
        made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        ready.set()
        return server

    def run() -> None:
        asyncio.set_event_loop(loop)
        server = loop.run_until_complete(begin())
        loop.run_forever()
        server.close()
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    assert ready.wait(PATIENCE)
    try:
        yield made
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(PATIENCE)
