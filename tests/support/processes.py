"""Child processes of tests: their environment, and scripts that run in one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import MappingProxyType

from tests.support.clock import PATIENCE

ROOT = Path(__file__).parents[2]
INSTALLED = MappingProxyType({"PYTHONPATH": "", "PYTHONSAFEPATH": "1"})  # what is installed, not this checkout


def environment(home: Path, **more: str) -> dict[str, str]:
    """Return the environment of a child process: this checkout, a home of its own, no keys."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "SYSTEMROOT", "TMPDIR") if name in os.environ}
    path = str(ROOT)
    return {**kept, "PYTHONPATH": path, "HOME": str(home), "WAN_HOME": str(home / "wan"), "PYTHONUTF8": "1", **more}


def python(code: str, folder: Path, *, timeout: float = PATIENCE, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a script in a process of its own; its warnings are errors, too."""
    command = [sys.executable, "-W", "error", "-X", "faulthandler", "-c", code]
    folder.mkdir(parents=True, exist_ok=True)
    child = subprocess.Popen(
        command, cwd=folder, env=environment(folder, **variables), text=True, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    late = threading.Timer(timeout, os.killpg, (child.pid, signal.SIGABRT))  # with its children; says where it hung
    late.start()
    try:
        out, err = child.communicate()
    finally:
        late.cancel()
    return subprocess.CompletedProcess(command, child.returncode, out, err)
