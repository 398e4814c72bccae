"""A real JupyterLab and a real Chromium, for tests: one server, one page, a fresh notebook a test.

The server has its own configuration, data and settings folders, so nothing of the machine's user shows. Waiting is for
things that become visible or for promises of JupyterLab's own; never for time to pass.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

CHROMIUM = os.environ.get("WAN_TEST_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
CHROMIUM_ARGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
    "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
    "--disable-backgrounding-occluded-windows",
    "--disable-dev-shm-usage",
)
LONG = 60_000  # milliseconds: a bound, not a wait
# Off-screen cells have no layout in the default windowing mode, and a test must not depend on what fits the window; nor
# on a kernel that answers Tab within JupyterLab's second, since a machine may be busy with others' work.
SETTINGS: dict[str, dict[str, Any]] = {
    "@jupyterlab/apputils-extension/notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
        "doNotDisturbMode": True,
    },
    "@jupyterlab/completer-extension/manager": {"providerTimeout": LONG},
    "@jupyterlab/docmanager-extension/plugin": {"autosave": False},
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},
}
MODULES = {"lab": "jupyterlab", "notebook": "notebook"}
PANEL = ".jp-NotebookPanel:not(.lm-mod-hidden)"
POPUP = ".jp-Completer:not(.lm-mod-hidden)"


class LabServer:
    """One `jupyter lab` or `jupyter notebook` process on a loopback port."""

    def __init__(self, folder: Path, environ: dict[str, str], app: str = "lab") -> None:
        self.app = app
        self.root = folder / "root"
        self.root.mkdir(parents=True)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.url = f"http://127.0.0.1:{probe.getsockname()[1]}"
        self.token = secrets.token_hex(12)
        self.log = folder / "server.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                self._command(), env=self._environ(folder, environ), stdout=log, stderr=subprocess.STDOUT
            )
        self._await_answer()

    def _command(self) -> list[str]:
        port = self.url.rpartition(":")[2]
        return [
            *(sys.executable, "-m", MODULES[self.app], "--no-browser", "--allow-root"),
            *("--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}", "--ServerApp.port_retries=0"),
            *(f"--IdentityProvider.token={self.token}", f"--ServerApp.root_dir={self.root}"),
            *(f"--{name}.expose_app_in_browser=True" for name in ("LabApp", "JupyterNotebookApp")),
            *("--LabApp.news_url=None", "--LabApp.extension_manager=readonly"),
        ]

    @staticmethod
    def _environ(folder: Path, more: dict[str, str]) -> dict[str, str]:
        for name, values in SETTINGS.items():
            file = folder / "settings" / f"{name}.jupyterlab-settings"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(values))
        return {
            **os.environ,
            "JUPYTER_CONFIG_DIR": str(folder / "config"),
            "JUPYTER_DATA_DIR": str(folder / "data"),
            "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
            "IPYTHONDIR": str(folder / "ipython"),
            "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
            "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
            "JUPYTER_PREFER_ENV_PATH": "1",
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            **more,
        }

    def _await_answer(self) -> None:
        end = time.monotonic() + LONG / 1000
        while time.monotonic() < end:
            if self.process.poll() is not None:
                break
            try:
                with urllib.request.urlopen(f"{self.url}/api/status?token={self.token}", timeout=20):
                    return
            except OSError:
                time.sleep(0.1)
        raise RuntimeError(f"JupyterLab did not come up:\n{self.log.read_text()[-4000:]}")

    def write(self, name: str, cells: list[str]) -> Path:
        """Write a notebook of code cells."""
        import nbformat

        made = [nbformat.v4.new_code_cell(source, id=f"c{number}") for number, source in enumerate(cells)]
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        path = self.root / name
        nbformat.write(nbformat.v4.new_notebook(cells=made, metadata={"kernelspec": kernel}), path)
        return path

    def stop(self) -> None:
        """End the server, which ends its kernels."""
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class LabPage:
    """One notebook on a Chromium page, driven as a user would."""

    def __init__(self, page: Any, server: LabServer) -> None:
        self.page, self.server = page, server

    # ---- opening ----------------------------------------------------------------------------------------------

    def turn_to(self, name: str) -> LabPage:
        """Open a notebook in place of what the page shows; JupyterLab is not loaded again where it is there already."""
        if self.server.app != "lab" or not self.page.url.startswith(self.server.url):
            return self.open(name)
        self.page.evaluate(
            """async (name) => { const {shell, commands} = window.jupyterapp;
                for (const shown of [...shell.widgets('main')]) shown.dispose();
                window.ran = {};
                await commands.execute('docmanager:open', {path: name, factory: 'Notebook'}); }""",
            name,
        )
        return self._settle(name)

    def open(self, name: str, kernel: bool = True) -> LabPage:
        """Load a notebook alone in a fresh workspace and wait until its kernel answers."""
        page = f"/lab/workspaces/{secrets.token_hex(4)}/tree" if self.server.app == "lab" else "/notebooks"
        reset = "&reset" if self.server.app == "lab" else ""
        where = f"{self.server.url}{page}/{name}?token={self.server.token}{reset}"
        self.page.goto(where, wait_until="domcontentloaded")
        self.page.wait_for_function("() => window.jupyterapp", timeout=LONG)
        self.page.evaluate("() => window.jupyterapp.restored.then(() => true)")
        return self._settle(name, kernel)

    def _settle(self, name: str, kernel: bool = True) -> LabPage:
        self.page.wait_for_selector(f"{PANEL} .jp-Notebook .jp-Cell", timeout=LONG)
        self.page.evaluate(
            """async (name) => {
                const find = () => [...window.jupyterapp.shell.widgets('main')]
                    .find(w => w.context && w.context.path === name);
                while (!find()) await new Promise(done => requestAnimationFrame(done));
                window.nb = find();
                await window.nb.context.ready; await window.nb.revealed; }""",
            name,
        )
        if kernel:
            self._await_kernel()
        return self

    def _await_kernel(self) -> None:
        self.page.wait_for_function(
            """() => { const k = window.nb.sessionContext.session?.kernel;
                return k && k.connectionStatus === 'connected' && k.status === 'idle'; }""",
            timeout=LONG,
        )
        self.page.evaluate("() => window.nb.sessionContext.session.kernel.info.then(() => true)")

    def shutdown(self) -> None:
        """End the notebook's kernel."""
        self.page.evaluate("() => window.nb.sessionContext.shutdown()")

    def reload(self) -> None:
        """Load the page anew, as a browser does after F5; the kernel goes on."""
        self.open(self.page.evaluate("() => window.nb.context.path"))

    def restart(self) -> None:
        """Restart the kernel, as the menu does after its question."""
        self.page.evaluate("() => window.nb.sessionContext.restartKernel()")
        self._await_kernel()

    def clear(self, cell: int) -> None:
        """Clear a cell's outputs, as the menu does."""
        self.page.evaluate(
            """(i) => { window.jupyterapp.shell.activateById(window.nb.id); window.nb.content.activeCellIndex = i;
                return window.jupyterapp.commands.execute('notebook:clear-cell-output').then(() => null); }""",
            cell,
        )

    def theme(self, name: str) -> None:
        """Switch JupyterLab to a theme, "JupyterLab Dark" or "JupyterLab Light"."""
        self.page.evaluate(
            "(theme) => window.jupyterapp.commands.execute('apputils:change-theme', {theme}).then(() => null)", name
        )
        light = "false" if "Dark" in name else "true"
        self.page.wait_for_selector(f"body[data-jp-theme-light='{light}']", state="attached")

    # ---- running ----------------------------------------------------------------------------------------------

    def start(self, cell: int) -> None:
        """Run a cell without waiting for it."""
        self.page.evaluate(
            """(i) => { const n = window.nb.content;
                window.jupyterapp.shell.activateById(window.nb.id);
                n.activeCellIndex = i; n.deselectAll();
                window.ran = window.ran || {}; window.ran[i] = false;
                window.jupyterapp.commands.execute('notebook:run-cell').then(() => window.ran[i] = true); }""",
            cell,
        )

    def run(self, cell: int) -> None:
        """Run a cell and wait for its end."""
        self.start(cell)
        self.await_ran(cell)

    def await_ran(self, cell: int) -> None:
        """Wait until a started cell has ended."""
        self.page.wait_for_function(
            """(i) => window.ran[i] && window.nb.content.widgets[i].model.executionCount !== null
                && window.nb.content.widgets[i].model.executionState !== 'running'""",
            arg=cell,
            timeout=LONG,
        )

    def run_all(self) -> None:
        """Run every cell, without waiting."""
        self.page.evaluate(
            """() => { window.jupyterapp.shell.activateById(window.nb.id);
                window.jupyterapp.commands.execute('notebook:run-all-cells'); }"""
        )

    def is_running(self, cell: int) -> bool:
        """Tell whether a cell runs or waits to run: its prompt is a star."""
        return "[*]" in self.cell(cell).locator(".jp-InputPrompt").inner_text()

    def click_stop(self) -> None:
        """Click the toolbar's stop button."""
        self.page.locator(f'{PANEL} [data-jp-item-name="interrupt"]').first.click()

    # ---- typing -----------------------------------------------------------------------------------------------

    def type(self, cell: int, text: str) -> None:
        """Type a text into a cell in place of what it holds; the cursor is left where `|` stands, or at its end."""
        self.cell(cell).locator(".cm-content").click()
        keys = self.page.keyboard
        keys.press("Control+A")
        keys.press("Delete")
        before, _, after = text.partition("|")
        keys.type(before + after)
        for _ in after:
            keys.press("ArrowLeft")

    def tab(self) -> list[tuple[str, str]]:
        """Press Tab and return what pops up: texts, each with its kind, "" if it is JupyterLab's own."""
        self.page.keyboard.press("Tab")
        self.page.locator(f"{POPUP} .jp-Completer-item").first.wait_for(state="visible", timeout=LONG)
        found: list[list[str]] = self.page.evaluate(
            """(popup) => [...document.querySelectorAll(popup + ' .jp-Completer-item')].map(item =>
                ['match', 'typeExtended'].map(part => item.querySelector('.jp-Completer-' + part)?.innerText ?? ''))""",
            POPUP,
        )
        return [(text, kind) for text, kind in found]

    def choose(self, number: int) -> None:
        """Take an item of the popup by its number, with the keyboard."""
        for _ in range(number):
            self.page.keyboard.press("ArrowDown")
        self.page.keyboard.press("Enter")
        self.page.locator(POPUP).first.wait_for(state="hidden", timeout=LONG)

    def source(self, cell: int) -> str:
        """Return what a cell holds."""
        return str(self.page.evaluate("(i) => window.nb.content.widgets[i].model.sharedModel.getSource()", cell))

    # ---- looking ----------------------------------------------------------------------------------------------

    def cell(self, number: int) -> Any:
        """Return a cell's element."""
        return self.page.locator(f"{PANEL} .jp-Notebook .jp-Cell").nth(number)

    def see(self, cell: int, selector: str) -> Any:
        """Wait until something is visible in a cell, and return it."""
        found = self.cell(cell).locator(selector).first
        found.wait_for(state="visible", timeout=LONG)
        return found

    def see_text(self, cell: int, text: str) -> None:
        """Scroll to a cell and wait until it shows a text: a card out of sight is not drawn."""
        self.page.wait_for_function(
            """([i, s]) => { const {node} = window.nb.content.widgets[i];
                node.scrollIntoView({block: 'nearest'}); return node.innerText.includes(s); }""",
            arg=[cell, text],
            timeout=LONG,
        )

    def text(self, cell: int) -> str:
        """Scroll to a cell and return what it shows."""
        shown = """async (i) => { const {node} = window.nb.content.widgets[i];
            node.scrollIntoView({block: 'nearest'});
            for (const _ of 'ab') await new Promise(done => requestAnimationFrame(done));
            return node.innerText; }"""
        return str(self.page.evaluate(shown, cell))

    def save(self) -> list[list[dict[str, Any]]]:
        """Save the notebook and return the outputs of its cells as they are on disk."""
        self.page.evaluate("() => window.nb.context.save()")
        path = self.page.evaluate("() => window.nb.context.path")
        return [cell["outputs"] for cell in json.loads((self.server.root / path).read_text())["cells"]]

    def play(self, cell: int) -> dict[str, Any]:
        """Play the video in a cell and tell how far it came."""
        return play(self.page, f"{PANEL} .jp-Notebook .jp-Cell:nth-child({cell + 1}) video")

    def errors(self) -> list[str]:
        """Return what the page's console complained about in our name."""
        return [line for line in getattr(self.page, "complaints", []) if "wan" in line.lower()]


def play(page: Any, selector: str) -> dict[str, Any]:
    """Play a page's video until its clock moves (or it reports an error), and return its state."""
    state: dict[str, Any] = page.evaluate(
        """async ([selector, bound]) => {
            const frame = () => new Promise(done => requestAnimationFrame(done));
            const end = performance.now() + bound;
            let v = null, time = 0;
            while (performance.now() < end && !(v && (v.error || (v.readyState >= 2 && time > 0)))) {
                v = document.querySelector(selector);
                if (v && v.paused) { v.muted = true; v.play().catch(() => {}); }
                time = Math.max(time, v ? v.currentTime : 0);
                await frame();
            }
            return {readyState: v?.readyState, time, width: v?.videoWidth, duration: v?.duration,
                error: v?.error && v.error.message}; }""",
        [selector, LONG],
    )
    return state
