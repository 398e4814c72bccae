"""The service on a port: its ready line, its end, and connections that are really cut."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.support.clock import PATIENCE

from .service import GENERAL, data_uri, picture

HEADERS = {"Authorization": "Bearer sk-one", "X-DashScope-Async": "enable"}


@dataclass
class Port:
    process: subprocess.Popen[str]
    line: str
    client: httpx.Client

    def create(self) -> httpx.Response:
        inputs = {"img_url": data_uri(picture()), "prompt": "p"}
        body = {"model": "wan2.5-i2v-preview", "input": inputs, "parameters": {"resolution": "480P"}}
        return self.client.post(GENERAL, json=body, headers=HEADERS)

    def finished(self) -> str:
        """Create a task and return its link; at this speed it is done before we can ask."""
        task = self.create().json()["output"]["task_id"]
        while True:
            output = self.client.get(f"/api/v1/tasks/{task}", headers=HEADERS).json()["output"]
            if "video_url" in output:
                return output["video_url"]

    def faults(self, *faults) -> None:
        self.client.post("/_emulator/faults", json=list(faults)).raise_for_status()

    def stop(self, number: int) -> tuple[int, str]:
        self.process.send_signal(number)
        _, errors = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, errors


def read_until_cut(client: httpx.Client, link: str) -> tuple[bytes, httpx.Response]:
    """Read an answer that is known to end too early, and return what came of it."""
    got = bytearray()
    with client.stream("GET", link) as answer:
        try:
            for piece in answer.iter_raw():
                got += piece
        except httpx.RemoteProtocolError:
            return bytes(got), answer
    raise AssertionError("the answer came whole")


def start(folder: Path, *options: str, **environment: str) -> Port:
    command = [sys.executable, "-m", "wan_jupyter.emulator", "--port", "0", "--clip-seconds", "0.2", *options]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"WAN_HOME": str(folder)} | environment,
    )
    line = process.stdout.readline()
    return Port(process, line, httpx.Client(base_url=line.split()[-1], trust_env=False, timeout=PATIENCE))


@pytest.fixture
def port(tmp_path):
    port = start(tmp_path, "--speed", "1000")
    yield port
    port.client.close()
    if port.process.poll() is None:
        port.stop(signal.SIGTERM)


def test_the_ready_line_names_a_port_that_answers(port, tmp_path):
    """The line is exactly as promised, tasks live under WAN_HOME, and a real clip comes back."""
    assert port.line == f"emulator ready on {str(port.client.base_url).rstrip('/')}\n"
    assert port.line.startswith("emulator ready on http://127.0.0.1:")
    answer = port.client.get(port.finished())
    assert (answer.content[4:8], int(answer.headers["content-length"])) == (b"ftyp", len(answer.content))
    assert list((tmp_path / "emulator" / "tasks").glob("*.json"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_without_a_word(tmp_path, number):
    """The exit code is 0 or the signal's, and standard error stays empty."""
    port = start(tmp_path, "--state", str(tmp_path / "own"))
    with port.client:
        port.client.get("/_emulator/ledger")
        code, errors = port.stop(number)
    assert code in (0, -number)
    assert errors == ""
    assert (tmp_path / "own" / "secret").exists()


def test_it_ends_at_once_though_a_client_waits_for_a_clip(tmp_path):
    """A download that is broken off by the end is nothing to complain about."""
    port = start(tmp_path, "--speed", "1000", "--clip-seconds", "60")
    with port.client:
        link = port.finished()
        with socket.create_connection((port.client.base_url.host, port.client.base_url.port)) as waiting:
            waiting.sendall(f"GET {link} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            port.client.get("/api/v1/tasks")
            code, errors = port.stop(signal.SIGTERM)
    assert (code, errors) == (-signal.SIGTERM, "")


@pytest.mark.parametrize(
    ("options", "said"),
    [(["--speed", "0"], "speed must be above zero"), (["--host", "256.1.1.1"], "error:"), (["--port", "1e9"], "port")],
)
def test_options_that_cannot_work_end_it_with_a_sentence(tmp_path, options, said):
    """The exit code is 2 and there is no traceback."""
    command = [sys.executable, "-m", "wan_jupyter.emulator", "--port", "0", "--state", str(tmp_path), *options]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert ended.returncode == 2
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(("kind", "created"), [("drop_before", 0), ("drop_after", 1)])
def test_a_drop_cuts_the_connection(port, kind, created):
    """No answer comes at all; whether a task was made is what tells the two apart."""
    port.faults({"at": "submit", "do": kind})
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        port.create()
    assert len(port.client.get("/_emulator/ledger").json()["tasks"]) == created
    assert port.create().status_code == 200


@pytest.mark.parametrize(
    ("fault", "received"),
    [({"do": "truncate", "bytes": 5000}, lambda whole: 5000), ({"do": "wrong_length"}, lambda whole: whole)],
)
def test_a_body_that_ends_early_says_so_by_its_length(port, fault, received):
    """More is declared than is sent, then the connection ends."""
    link = port.finished()
    whole = len(port.client.get(link).content)
    port.faults({"at": "content"} | fault)
    got, answer = read_until_cut(port.client, link)
    assert len(got) == received(whole) < int(answer.headers["content-length"])
    assert len(port.client.get(link).content) == whole


def test_faults_leave_no_trace_in_the_log(tmp_path):
    """A cut that was ordered is no error of the server."""
    port = start(tmp_path)
    with port.client:
        port.faults({"at": "list", "do": "drop_after"}, {"at": "list", "do": "truncate", "bytes": 5})
        for _ in range(2):
            with pytest.raises(httpx.TransportError):
                port.client.get("/api/v1/tasks", headers=HEADERS)
        _, errors = port.stop(signal.SIGTERM)
    assert errors == ""


def test_head_on_a_link_is_refused(port):
    """On a port too, and without a body."""
    answer = port.client.head(port.finished())
    assert (answer.status_code, answer.content) == (403, b"")
