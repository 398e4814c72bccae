"""What a user does about what a crash left behind: `%wan clean`, an hour later. `-m tests.stress.tidy ORDERS`."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from wan_jupyter import Session
from wan_jupyter.workflows.cleanup import MAX_WRITE_S, clear

from .orders import Orders


def main(path: Path) -> None:
    """Make the files of a client's home older, and remove what is not needed."""
    orders = Orders.read(path)
    then = time.time() - 2 * MAX_WRITE_S
    for left in (Path(orders.home) / "wan" / "inputs").glob("*"):
        os.utime(left, (then, then))
    clear(Session(orders.provider, key="sk-stress", base_url=orders.base_url, outputs=orders.outputs))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
