"""The emulator's own doors (ledger, faults), in process and on a port."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.support.clock import PATIENCE
from tests.support.processes import INSTALLED, environment


@dataclass
class Emulator:
    """The emulator's own doors: its ledger and its faults."""

    url: str
    open: Callable[[], httpx.AsyncClient] = field(default=lambda: httpx.AsyncClient(trust_env=False, timeout=PATIENCE))

    @property
    def base_url(self) -> str:
        return f"{self.url}/api/v1"

    def faults(self, *faults: Mapping[str, Any]) -> None:
        answer = self._call("POST", "faults", json=list(faults))
        assert answer.status_code == 200, answer.text

    def fired(self) -> list[int]:
        return [fault["fired"] for fault in self._call("GET", "faults").json()]

    def clear(self) -> None:
        self._call("DELETE", "faults")

    def ledger(self) -> dict[str, Any]:
        return self._call("GET", "ledger").json()

    @property
    def tasks(self) -> list[dict[str, Any]]:
        return self.ledger()["tasks"]

    @property
    def requests(self) -> list[dict[str, Any]]:
        return self.ledger()["requests"]

    @property
    def creates(self) -> int:
        """How many create requests came in."""
        return sum(line["path"].endswith("/video-synthesis") for line in self.requests)

    @property
    def downloads(self) -> list[dict[str, Any]]:
        return [line for line in self.requests if line["path"].startswith("/results/")]

    @property
    def billed(self) -> float:
        return sum(task["billed_seconds"] for task in self.tasks)

    def _call(self, method: str, door: str, **body: Any) -> httpx.Response:
        async def once() -> httpx.Response:
            async with self.open() as http:
                return await http.request(method, f"{self.url}/_emulator/{door}", **body)

        return asyncio.run(once())


class PortEmulator(Emulator):
    """An emulator as a process of its own, on a port."""

    module = "wan_jupyter.emulator"

    def __init__(self, state: Path, *arguments: str, port: int = 0, python: Path | None = None) -> None:
        where = ["--port", str(port), "--state", str(state), "--clip-seconds", "0.2", "--speed", "200"]
        command = [str(python or sys.executable), "-m", self.module, *where, *arguments]
        variables = environment(state, **(INSTALLED if python else {}))
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=variables)
        assert self.process.stdout
        super().__init__(self.process.stdout.readline().split()[-1])

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(PATIENCE)
        assert self.process.stdout
        self.process.stdout.close()
