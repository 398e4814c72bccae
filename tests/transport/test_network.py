"""With a real key in the environment and `WAN_PROVIDER=emulator`, as every make target sets it, nothing leaves this
machine and the key goes nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.processes import ROOT, python

SECRET = "sk-distinctive-9f27c1-never-to-be-seen"

# An audit hook sees every connection and every name that is looked up, whoever asks: it cannot be gone round.
WATCHED = """
import sys

LOCAL = {"127.0.0.1", "::1", "localhost", "0.0.0.0", "", None, b"localhost"}

def watch(event, arguments):
    if event in ("socket.connect", "socket.sendto"):
        address = arguments[1]
        print("CONNECTED", address, flush=True)
        if isinstance(address, tuple) and address[0] not in LOCAL:
            raise PermissionError("not from here")
    if event in ("socket.getaddrinfo", "socket.gethostbyname") and arguments[0] not in LOCAL:
        print("LOOKED UP", arguments[0], flush=True)
        raise PermissionError("not from here")

sys.addaudithook(watch)
"""
FROM_PYTHON = (
    WATCHED
    + """
from tests.support.clock import *
from tests.support.processes import *
from tests.support.emulator_client import *
from tests.support.world import *
from wan_jupyter.session.session import Session
session = Session()
print(session)
job = session.submit("A cat", image=picture(), **SMALL)
video = job.result(60)
print(job, video, video.facts, job.snapshot)
print("MADE", video.path.is_file(), session.provider.name)
"""
)
FROM_A_CELL = (
    WATCHED
    + """
from tests.support.clock import *
from tests.support.processes import *
from tests.support.emulator_client import *
from tests.support.world import *
from pathlib import Path
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
Path("cat.png").write_bytes(picture())
shell.run_cell("%load_ext wan_jupyter").raise_error()
shell.run_cell("%wan").raise_error()
shell.run_cell("%%wan cat.png -m wan2.2-i2v-flash -r 480P --wait -o job\\nA cat").raise_error()
print("MADE", shell.user_ns["job"].video.path.is_file(), shell.user_ns["job"].provider)
"""
)
AWAY = (
    WATCHED
    + """
import contextlib, socket
with contextlib.suppress(PermissionError):
    socket.create_connection(("192.0.2.1", 80), 0.1)
with contextlib.suppress(PermissionError), socket.socket() as direct:
    direct.connect(("192.0.2.1", 80))
"""
)
TARGETS = {
    "DASHSCOPE_API_KEY": SECRET,
    "WAN_PROVIDER": "emulator",
    "WAN_EMULATOR_SPEED": "50",
    "WAN_EMULATOR_CLIP_SECONDS": "0.2",
}


@pytest.mark.parametrize("script", [FROM_PYTHON, FROM_A_CELL], ids=["from Python", "from a cell"])
def test_no_socket_is_opened_outside_this_machine(tmp_path: Path, script: str) -> None:
    """A whole video, no connection and no name looked up; the key is in no file and in no line."""
    ran = python(script, tmp_path, **TARGETS)
    assert ran.returncode == 0, ran.stderr
    assert "MADE True emulator" in ran.stdout
    assert "CONNECTED" not in ran.stdout
    assert "LOOKED UP" not in ran.stdout
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.suffix for path in files} >= {".mp4", ".json", ".sqlite3"}
    assert [path for path in files if SECRET.encode() in path.read_bytes()] == []
    assert SECRET not in ran.stdout + ran.stderr


def test_a_connection_elsewhere_would_be_seen(tmp_path: Path) -> None:
    """The test above can fail."""
    ran = python(AWAY, tmp_path)
    assert ran.stdout.splitlines() == ["LOOKED UP 192.0.2.1", "CONNECTED ('192.0.2.1', 80)"]


def test_every_target_runs_without_keys_on_the_emulator() -> None:
    """What `make` hands on: the emulator, a home of its own, and none of the variables a key may come from."""
    text = (ROOT / "Makefile").read_text("utf-8")
    removed = {text.split()[position + 1] for position, word in enumerate(text.split()) if word == "-u"}
    assert removed >= {"DASHSCOPE_API_KEY", "WAN_API_KEY", "WAN_BASE_URL", "DASHSCOPE_API_KEY_FILE_PATH"}
    assert "WAN_PROVIDER=emulator" in text
    runs = [line for line in text.splitlines() if line.startswith("\t") and "$(BIN)/" in line and "pip" not in line]
    assert runs
    assert [line for line in runs if not line.strip().removeprefix("@").startswith("$(SAFE)")] == []
