"""The same through a proxy that cuts, holds up and truncates bytes, on top of the bad weather."""

from __future__ import annotations

import contextlib
import random
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from .audit import audit
from .orders import Orders
from .proxy import FATES, Proxy, fate
from .scenario import blows, live
from .sizes import KILLS, LONGEST, PROXIED, SEED
from .test_ledger import Begin, begin, orders_of, report

__all__ = ["begin"]

pytestmark = [pytest.mark.stress, pytest.mark.timeout(LONGEST + 120)]


@pytest.fixture
def echo() -> Iterator[int]:
    """The port of a service that sends back what it got, on a thread of its own."""

    class Back(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(ConnectionError):
                while piece := self.request.recv(65536):
                    self.request.sendall(piece)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Back) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def sent_through(proxy: Proxy, data: bytes) -> bytes:
    """Send bytes and return what came back before the connection ended or all of it was there."""
    got = b""
    with closing(socket.create_connection(("127.0.0.1", int(proxy.url.rpartition(":")[2])), timeout=30)) as line:
        try:
            line.sendall(data)
            while len(got) < len(data) and (piece := line.recv(65536)):
                got += piece
        except ConnectionError:
            pass
    return got


def test_the_proxy_does_what_its_draw_says(echo: int) -> None:
    """Bytes that come back are a beginning of those sent, all of them where it lets pass or only delays."""
    data = random.Random(SEED).randbytes(20_000)
    proxy = Proxy(echo, SEED, share=0.8)
    try:
        for number in range(60):
            drawn = fate(SEED, number, 0.8)
            got = sent_through(proxy, data)
            assert data.startswith(got)
            assert (got == data) is (drawn.what in ("pass", "delay")), drawn
            assert drawn.what != "truncate the answer" or len(got) == drawn.after
            assert drawn.what != "truncate the request" or len(got) <= drawn.after
    finally:
        proxy.stop()
    assert set(proxy.met) == {*FATES, "pass"}


def test_everything_is_paid_for_once_through_a_bad_proxy(begin: Begin) -> None:
    """DashScope; every fifth connection is cut, truncated or held up, and every fifth step is hit."""
    run = begin()
    proxy = Proxy(run.port, SEED)
    try:
        ours: Orders = orders_of(run, "client", PROXIED, base_url=f"{proxy.url}/api/v1")
        live(run, ours, blows(KILLS // 2, 1, PROXIED, SEED + 2))
    finally:
        proxy.stop()
    print(f"\nconnections: {dict(proxy.met)}")
    report(run, audit(ours, run.emulator, run.folder / "service", mine=""))
