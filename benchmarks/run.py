"""Measure what `docs/reference/performance.md` says, on this machine: `make bench`. Not a test: slow is no failure.

Figures that are compared are taken side by side in one run.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
RUNS = 5
CONFIG = "c.InteractiveShellApp.extensions = ['wan_jupyter']\n"

Rows = Iterable[tuple[str, str]]


def main() -> None:
    """Print a table of figures and the machine they were taken on."""
    sys.path.append(str(ROOT))  # the tests' way to drive kernels, JupyterLab and Chromium
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        os.environ |= {"WAN_HOME": f"{name}/home", "IPYTHONDIR": f"{name}/ipython"}
        os.chdir(folder)
        print(machine())
        for measure in MEASURES:
            for title, figure in measure(folder):
                print(f"{title:<58} {figure}", flush=True)


def machine() -> str:
    """Say what is measured on, and how many programs want its cores before anything is."""
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    system = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores{load}"
    return f"{system}, Python {platform.python_version()}"


def load_ext(folder: Path) -> Rows:
    """Time `%load_ext wan_jupyter` in fresh shells, best of five."""
    code = "import time; from IPython.core.interactiveshell import InteractiveShell as S; ip = S()"
    code += "; t = time.perf_counter()"
    code += "; ip.run_line_magic('load_ext', 'wan_jupyter'); print(time.perf_counter() - t)"
    command = [sys.executable, "-c", code]
    runs = [subprocess.run(command, check=True, capture_output=True, text=True) for _ in range(RUNS)]
    return [("%load_ext wan_jupyter", f"{min(float(run.stdout) for run in runs) * 1000:.0f} ms")]


def kernel_start(folder: Path) -> Rows:
    """Time kernels until they answer, by turns with and without the extension loaded by the profile; best of five."""
    with_it, without = folder / "with", folder / "without"
    for place, lines in ((with_it, CONFIG), (without, "")):
        (place / "profile_default").mkdir(parents=True)
        (place / "profile_default" / "ipython_kernel_config.py").write_text(lines)
    times = [(start(with_it), start(without)) for _ in range(RUNS)]
    ours, plain = (min(column) for column in zip(*times, strict=True))
    figure = f"{ours * 1000:.0f} ms (without {plain * 1000:.0f} ms, ratio {ours / plain:.2f})"
    return [("a kernel's start, the extension loaded by its profile", figure)]


def start(profile: Path) -> float:
    """Return the seconds until a kernel answers."""
    from jupyter_client.manager import KernelManager

    manager = KernelManager(kernel_name="python3")
    begin = time.perf_counter()
    manager.start_kernel(env={**os.environ, "IPYTHONDIR": str(profile)}, stderr=subprocess.DEVNULL)
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=60)
    taken = time.perf_counter() - begin
    client.stop_channels()
    manager.shutdown_kernel(now=True)
    return taken


def submit(folder: Path) -> Rows:
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
    figure = f"{max(times[1:]) * 1000:.0f} ms ({size:.1f} MB)"
    return [("a cell's own time, 5 MB picture, from the second on", figure)]


def clip(folder: Path) -> Rows:
    """Time the emulator's whole way to a clip of 5 s at 720P."""
    import wan_jupyter

    wan_jupyter.sample("cat.png")
    begin = time.perf_counter()
    video = wan_jupyter.Session("emulator").submit("Bench", image="cat.png", duration=5).result(300)
    figure = f"{time.perf_counter() - begin:.1f} s ({video.path.stat().st_size / 1e6:.1f} MB)"
    return [("emulator: from submit to a saved clip, 5 s at 720P", figure)]


def frames(folder: Path) -> Iterator[tuple[str, str]]:
    """Watch a JupyterLab with many jobs in it."""
    from benchmarks.frames import many_jobs

    return many_jobs(folder)


MEASURES: tuple[Callable[[Path], Rows], ...] = (load_ext, kernel_start, submit, clip, frames)

if __name__ == "__main__":
    main()
