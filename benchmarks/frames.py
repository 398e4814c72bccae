"""How smooth a page stays: frames of a real JupyterLab in a Chromium without a window, while many jobs run in it.

The jobs are held where a service renders them, by an emulator in a process of its own, as a service would be. What is
compared with is the very same page before its first job: the extension loaded, the cells unrun.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from tests.browser.lab import CHROMIUM, CHROMIUM_ARGS, LabPage, LabServer
from tests.browser.service import Service
from tests.support.ipython_shell import HELD, SMALL

JOBS = 50
SECONDS = 10.0
LATEST = 300_000  # milliseconds until the videos have to be there
# Watches the page until `seconds` are over and so many videos are in it: the times between its frames, its tasks above
# 50 ms (what browsers call long), and the messages of the kernel's IOPub channel.
# JupyterLab's debugger asks the kernel five times after the first cell; the answers are no messages of ours.
WATCH = """async ([seconds, videos, latest]) => {
    const frame = () => new Promise(done => requestAnimationFrame(done));
    const frames = [], long = [], shown = document.getElementsByTagName('video');
    const kernel = window.nb.sessionContext.session.kernel;
    let messages = 0;
    const count = (_, message) => { messages += message.parent_header.msg_type === 'debug_request' ? 0 : 1; };
    const tasks = new PerformanceObserver(seen => long.push(...seen.getEntries().map(task => task.duration)));
    tasks.observe({type: 'longtask'});
    kernel.iopubMessage.connect(count);
    const begin = await frame();
    let last = begin;
    while (last - begin < (shown.length < videos ? latest : seconds * 1000)) {
        const now = await frame();
        frames.push(now - last);
        last = now;
    }
    kernel.iopubMessage.disconnect(count);
    tasks.disconnect();
    return {frames, long, messages, videos: shown.length}; }"""

# A card out of sight has no layout, and so no text of the kind that is seen.
RENDERING = """(jobs) => [...document.querySelectorAll('.wan-state')]
    .filter(state => state.textContent.includes('Rendering')).length >= jobs"""


@dataclass(frozen=True)
class Seen:
    """What was seen of a page: milliseconds between frames, milliseconds of long tasks, IOPub messages, videos."""

    frames: list[float]
    long: list[float]
    messages: int
    videos: int

    @property
    def seconds(self) -> float:
        """How long was watched."""
        return sum(self.frames) / 1000

    @property
    def rate(self) -> float:
        """Frames a second."""
        return len(self.frames) / self.seconds


def watch(lab: LabPage, seconds: float, videos: int = 0) -> Seen:
    """Watch a page for some seconds and until so many videos are in it."""
    return Seen(**lab.page.evaluate(WATCH, [seconds, videos, LATEST]))


def cells(service: Service, home: Path, jobs: int) -> list[str]:
    """Return a notebook's cells: one that loads the extension, and one for each job."""
    lines = [f"%env WAN_HOME={home}", "%env WAN_PROVIDER=emulator", f"%env WAN_BASE_URL={service.base_url}"]
    load = [*lines, "%load_ext wan_jupyter", "import wan_jupyter", "wan_jupyter.sample('cat.png')"]
    return ["\n".join(load), *(f"%%wan cat.png {SMALL}\nCat {number}" for number in range(jobs))]


def compare(lab: LabPage, service: Service, jobs: int, seconds: float) -> tuple[Seen, Seen, Seen]:
    """Return what was seen of an opened notebook of `cells`: idle, with its jobs under way, while their videos came."""
    lab.run(0)
    idle = watch(lab, seconds)
    service.faults(HELD)
    lab.run_all()
    lab.page.wait_for_function(RENDERING, arg=jobs, timeout=LATEST)
    under_way = watch(lab, seconds)
    service.clear()
    return idle, under_way, watch(lab, seconds, videos=jobs)


def rows(idle: Seen, busy: Seen) -> Iterator[tuple[str, str]]:
    """Yield the lines of a table, each with what the idle page has."""
    share = busy.rate / idle.rate
    yield "  frames a second", f"{busy.rate:.1f} (idle {idle.rate:.1f}, ratio {share:.2f})"
    yield "  a frame, median and worst", f"{times(busy)} (idle {times(idle)})"
    yield "  tasks above 50 ms", f"{tasks(busy)} in {busy.seconds:.0f} s (idle {tasks(idle)} in {idle.seconds:.0f} s)"
    yield "  IOPub messages a second", f"{busy.messages / busy.seconds:.0f} (idle {idle.messages / idle.seconds:.0f})"


def times(seen: Seen) -> str:
    """Say how long frames took."""
    return f"{median(seen.frames):.1f} and {max(seen.frames):.0f} ms"


def tasks(seen: Seen) -> str:
    """Say how many long tasks there were, and the longest."""
    return f"{len(seen.long)}, longest {max(seen.long):.0f} ms," if seen.long else "none"


def many_jobs(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield the figures of a notebook with many jobs; where there is no Chromium, a line that says so."""
    title = f"{JOBS} jobs in one notebook"
    if CHROMIUM is None:
        yield title, "no Chromium here: install the distribution's chromium package"
        return
    service = Service(folder / "service", "--speed", "5", "--clip-seconds", "1")
    try:
        server = LabServer(folder / "lab", {})
        try:
            name, (idle, under_way, coming) = in_chromium(folder, server, service)
        finally:
            server.stop()
    finally:
        service.stop()
    yield f"{title}, each rendered by the service", f"JupyterLab {version('jupyterlab')}, Chromium {name}"
    yield from rows(idle, under_way)
    yield f"the same, while the {coming.videos} videos come in", "each of 1 s at 480P; the emulator shares the cores"
    yield from rows(idle, coming)


def in_chromium(folder: Path, server: LabServer, service: Service) -> tuple[str, tuple[Seen, Seen, Seen]]:
    """Open a notebook of many jobs in a Chromium, and return the Chromium's version and what was seen."""
    from playwright.sync_api import sync_playwright

    server.write("many.ipynb", cells(service, folder / "wan", JOBS))
    with sync_playwright() as playwright:
        browser: Any = playwright.chromium.launch(executable_path=CHROMIUM, args=list(CHROMIUM_ARGS))
        page = browser.new_page(viewport={"width": 1180, "height": 1000})
        lab = LabPage(page, server).open("many.ipynb")
        seen = compare(lab, service, JOBS, SECONDS)
        lab.shutdown()
        return browser.version, seen
