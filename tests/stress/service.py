"""The emulator on a port in time-lapse: `-m tests.stress.service --since SECONDS …`, else as the real command."""

from __future__ import annotations

import argparse
import contextlib
import sys

from wan_jupyter.emulator.__main__ import main

from .lapse import TimeLapse

if __name__ == "__main__":
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--since", type=float, required=True)
    asked, others = parser.parse_known_args(sys.argv[1:])
    with contextlib.suppress(KeyboardInterrupt):
        main(others, TimeLapse(asked.since).time)
