"""A scenario: an emulator on a port in bad weather, clients that are killed on the way, and what stands at the end."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.emulator_client import PortEmulator
from tests.support.processes import environment

from .orders import Orders
from .sizes import LONGEST
from .weather import weather

# At which news a client is killed: just before a create goes out, while it is waited for, on the way to disk, …
NEWS = ("PREPARING", "SUBMITTING", "SUBMITTING", "SUBMITTING", "QUEUED", "RUNNING", "DOWNLOADING", "SUCCEEDED")


class Lapsed(PortEmulator):
    """The service in time-lapse."""

    module = "tests.stress.service"


@dataclass(frozen=True)
class Blow:
    """Say what happens once so many jobs said this: the client is killed, or the service begins anew."""

    what: str
    news: str
    count: int

    def is_due(self, heard: Counter[str]) -> bool:
        """Tell whether it falls now; some news pass so quickly that nobody hears them, so videos count as well."""
        return heard[self.news] >= self.count or heard["SUCCEEDED"] >= 2 * self.count


def blows(kills: int, restarts: int, jobs: int, seed: int) -> list[Blow]:
    """Draw the blows of a run, all of which fall before its jobs are done."""
    dice = random.Random(seed)
    kinds = ["kill"] * kills + ["restart"] * restarts
    dice.shuffle(kinds)
    share = jobs * 0.4 / max(1, len(kinds))
    return [Blow(kind, dice.choice(NEWS), max(1, round(share * dice.uniform(0.6, 1.4)))) for kind in kinds]


@dataclass
class Run:
    """What a scenario leaves behind.

    Attributes:
        emulator: still serves, without faults.
        errors: what the clients wrote to standard error.
        exits: the exit code of each client's last life.
    """

    folder: Path
    seed: int
    emulator: Lapsed
    since: float
    arguments: tuple[str, ...] = ()
    port: int = 0
    kills: int = 0
    restarts: int = 0
    fired: Counter[str] = field(default_factory=Counter)
    requests: int = 0
    exits: list[int] = field(default_factory=list)
    seconds: float = 0.0

    def begin(self) -> None:
        """Let the weather turn bad."""
        self.emulator.faults(*weather(self.seed + self.restarts))

    def count(self) -> None:
        """Add up which faults have fired so far, as "500 at submit", and how many requests came."""
        self.requests += len(self.emulator.requests)
        for fault in self.emulator._call("GET", "faults").json():
            self.fired[f"{fault.get('status', fault['do'])} at {fault['at']}"] += fault["fired"]

    @property
    def share(self) -> str:
        """Tell how many of all requests were hit."""
        return f"{self.fired.total() / max(1, self.requests):.0%}"

    def restart(self) -> None:
        """End the service and begin it anew at the same address; meanwhile it refuses connections."""
        self.count()
        self.emulator.stop()
        self.restarts += 1
        self.emulator = Lapsed(self.folder / "service", *self.arguments, port=self.port)
        self.begin()

    def errors(self) -> str:
        """Return what the clients complained of."""
        return "".join(path.read_text("utf-8") for path in sorted(self.folder.glob("*/stderr*.txt")))

    def stop(self) -> None:
        """Let the weather turn good; the service stays."""
        self.count()
        self.emulator.clear()


def serve(folder: Path, seed: int, *arguments: str) -> Run:
    """Start the service of a scenario: a task takes twelve seconds of its time, a clip has three frames."""
    since = time.time()
    arguments = ("--speed", "0.5", "--clip-seconds", "0.1", "--since", str(since), *arguments)
    emulator = Lapsed(folder / "service", *arguments)
    port = int(emulator.url.rpartition(":")[2])
    return Run(folder, seed, emulator, since, arguments, port)


def client(orders: Orders) -> subprocess.Popen[str]:
    """Start one life of a client."""
    home = Path(orders.home)
    path = orders.write()
    command = [sys.executable, "-X", "faulthandler", "-m", "tests.stress.client", str(path)]
    told = {"WAN_SHARED_KEY": "1"} if orders.shared else {}
    with (home / f"stderr{orders.twin}.txt").open("a", encoding="utf-8") as complaints:
        return subprocess.Popen(
            command, cwd=home, env=environment(home, **told), stdout=subprocess.PIPE, stderr=complaints, text=True
        )


def live(run: Run, orders: Orders, coming: Sequence[Blow]) -> None:
    """Let a client live until all its orders have ended, through all blows."""
    begun = time.monotonic()
    left = list(coming)
    code: int | None = None
    while code is None:
        code = _one_life(run, orders, left)
        assert time.monotonic() - begun < LONGEST, "it goes on for ever"
    run.exits.append(code)
    run.seconds = time.monotonic() - begun


def _one_life(run: Run, orders: Orders, left: list[Blow]) -> int | None:
    """Return the exit code of a client, None if it was killed."""
    child = client(orders)
    hanging = threading.Timer(LONGEST, child.kill)
    hanging.start()
    try:
        assert child.stdout
        heard: Counter[str] = Counter()
        for news in _news(child):
            heard[news] += 1
            if not left or not left[0].is_due(heard):
                continue
            blow = left.pop(0)
            heard.clear()
            if blow.what == "restart":
                run.restart()
                continue
            child.kill()
            run.kills += 1
            child.wait()
            return None
        return child.wait()
    finally:
        hanging.cancel()
        child.stdout.close()


def _news(child: subprocess.Popen[str]) -> Iterator[str]:
    assert child.stdout
    for line in child.stdout:
        yield line.split()[1]
