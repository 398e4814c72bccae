"""A client process that kills itself at the Nth thing it does to the world outside it: a crash at a chosen point.

`-m tests.stress.brittle ORDERS N` counts what it does: files that are opened for writing, renamed or removed, sockets
that are connected, statements that change the journal. Just before the Nth it is gone, as if by SIGKILL; with N = 0 it
lives, and prints how many there were.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import sys
import threading
from pathlib import Path
from typing import Any

from .client import main

FILES = frozenset({"os.rename", "os.remove", "os.link", "os.mkdir", "socket.connect", "os.truncate"})
CHANGES = ("INSERT", "UPDATE", "DELETE", "COMMIT")
WRITING = os.O_WRONLY | os.O_RDWR | os.O_APPEND


class Counter:
    """Count steps on all threads, and end the process before the one that is its last."""

    def __init__(self, last: int) -> None:
        self._last = last
        self._lock = threading.Lock()
        self.count = 0

    def step(self, what: str) -> None:
        """Count one step."""
        with self._lock:
            self.count += 1
            if self.count == self._last:
                os.write(1, f"- dies before step {self.count}: {what}\n".encode())
                os.kill(os.getpid(), signal.SIGKILL)

    def hook(self, event: str, args: tuple[Any, ...]) -> None:
        """Be the interpreter's audit hook."""
        if event in FILES:
            self.step(event)
        elif event == "open" and isinstance(args[2], int) and args[2] & WRITING:
            self.step(f"open {Path(os.fsdecode(args[0])).suffix}" if isinstance(args[0], str | bytes) else "open")

    def statement(self, sql: str) -> None:
        word = sql.lstrip().partition(" ")[0]
        if word in CHANGES:
            self.step(word)


if __name__ == "__main__":
    counter = Counter(int(sys.argv[2]))
    sys.addaudithook(counter.hook)
    connect = sqlite3.connect

    def traced(*args: Any, **how: Any) -> sqlite3.Connection:
        made = connect(*args, **how)
        made.set_trace_callback(counter.statement)
        return made

    sqlite3.connect = traced  # the interpreter tells of no statement
    code = main(Path(sys.argv[1]))
    print("- steps", counter.count, flush=True)
    sys.exit(code)
