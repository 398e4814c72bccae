"""Measure what the README may say, on this machine: `make bench`. Not a test: nothing fails for being slow.

Figures that are compared are taken side by side in one run.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path


def main() -> None:
    """Print a table of figures and the machine they were taken on."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["WAN_HOME"] = f"{folder}/home"
        os.chdir(folder)
        print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
        for title, measure in MEASURES.items():
            print(f"{title:<58} {measure()}")


def load_ext() -> str:
    """Time `%load_ext wan_jupyter` in fresh shells, best of five."""
    code = "import time; from IPython.core.interactiveshell import InteractiveShell as S; ip = S()"
    code += "; t = time.perf_counter()"
    code += "; ip.run_line_magic('load_ext', 'wan_jupyter'); print(time.perf_counter() - t)"
    runs = [subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True) for _ in range(5)]
    return f"{min(float(run.stdout) for run in runs) * 1000:.0f} ms"


def submit() -> str:
    """Time what a cell does before it returns, with a picture of 5 MB: the second time on."""
    from PIL import Image

    import wan_jupyter

    Image.frombytes("RGB", (1300, 1300), os.urandom(1300 * 1300 * 3)).save("noise.png")
    session = wan_jupyter.Session("emulator")
    times = []
    for number in range(4):
        begin = time.perf_counter()
        job = session.submit(f"Take {number}", image="noise.png", duration=2)
        times.append(time.perf_counter() - begin)
        job.result(120)
    size = Path("noise.png").stat().st_size / 1e6
    return f"{max(times[1:]) * 1000:.0f} ms ({size:.1f} MB)"


def clip() -> str:
    """Time the emulator's whole way to a clip of 5 s at 720P."""
    import wan_jupyter

    wan_jupyter.sample("cat.png")
    begin = time.perf_counter()
    video = wan_jupyter.Session("emulator").submit("Bench", image="cat.png", duration=5).result(300)
    return f"{time.perf_counter() - begin:.1f} s ({video.path.stat().st_size / 1e6:.1f} MB)"


MEASURES: dict[str, Callable[[], str]] = {
    "%load_ext wan_jupyter": load_ext,
    "a cell's own time, 5 MB picture, from the second on": submit,
    "emulator: from submit to a saved clip, 5 s at 720P": clip,
}

if __name__ == "__main__":
    main()
