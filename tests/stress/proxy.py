"""A TCP proxy that treats connections badly: cuts them, holds bytes up, lets only a part of them through. By seed.

It knows nothing of HTTP; whatever it does to a connection, the far side did or did not read what went through.
"""

from __future__ import annotations

import asyncio
import random
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

CHUNK = 16 * 1024
FATES = ("refuse", "cut the request", "cut the answer", "truncate the request", "truncate the answer", "delay")


@dataclass(frozen=True)
class Fate:
    """Say what becomes of one connection.

    Attributes:
        what: one of FATES, or "pass".
        after: bytes that go through before it strikes.
        seconds: how long each piece is held up.
    """

    what: str = "pass"
    after: int = 0
    seconds: float = 0.0

    def strikes(self, way: str) -> bool:
        """Tell whether it ends the connection on this way, "request" or "answer"."""
        return self.what in (f"cut the {way}", f"truncate the {way}")


def fate(seed: int, number: int, share: float) -> Fate:
    """Draw what becomes of a connection, by its number: the same seed treats the same ones badly."""
    dice = random.Random(f"{seed} {number}")
    if dice.random() >= share:
        return Fate()
    # From the first byte to the middle of a picture or clip; most requests and answers are a few hundred bytes.
    return Fate(dice.choice(FATES), round(10 ** dice.uniform(0, 4.2)), dice.uniform(0.05, 0.3))


class Proxy:
    """Listen on a port of its own and pass on to another, on a thread of its own; `stop` it at the end."""

    def __init__(self, port: int, seed: int, share: float = 0.2) -> None:
        self._there = port
        self._draw: Callable[[int], Fate] = partial(fate, seed, share=share)
        self.met: Counter[str] = Counter()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(
            asyncio.start_server(self._serve, "127.0.0.1", 0), self._loop
        ).result()
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def stop(self) -> None:
        """End every connection and the thread."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end(self) -> None:
        self._server.close()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        mine = self._draw(self.met.total())
        self.met[mine.what] += 1
        ends = [writer]
        try:
            if mine.what == "refuse":
                return writer.transport.abort()
            there, back = await asyncio.open_connection("127.0.0.1", self._there)
            ends.append(back)
            ways = [_pump(reader, back, mine, "request"), _pump(there, writer, mine, "answer")]
            pumps = [asyncio.ensure_future(way) for way in ways]
            try:
                await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for pump in pumps:
                    pump.cancel()
                await asyncio.gather(*pumps, return_exceptions=True)
            if mine.what.startswith("cut"):
                for end in ends:
                    end.transport.abort()
        except OSError:  # the service is not there: to the client the connection just ends
            pass
        finally:
            for end in ends:
                end.close()
        return None


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter, mine: Fate, way: str) -> None:
    """Pass bytes on until their end, or until the connection's fate strikes."""
    passed = 0
    while piece := await source.read(CHUNK):
        if mine.what == "delay":
            await asyncio.sleep(mine.seconds)
        if mine.strikes(way) and passed + len(piece) > mine.after:
            sink.write(piece[: mine.after - passed])
            await sink.drain()
            return
        sink.write(piece)
        await sink.drain()
        passed += len(piece)
