"""IPython on a real pseudo-terminal: one line that is written over, then what was made."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.clock import PATIENCE
from tests.support.emulator_client import PortEmulator
from tests.support.ipython_shell import FAST, HELD, LOAD, SMALL, Workspace
from tests.support.processes import environment

pytest_plugins = ("tests.support.notebook_fixtures",)

PROMPT = re.compile(r"In \[(\d+)\]: \a?\Z")  # the bell may ring while the prompt stands there


class Terminal:
    """A process on a pseudo-terminal of 200 columns, and what it wrote."""

    def __init__(self, command: list[str], folder: Path, variables: dict[str, str]) -> None:
        ours, theirs = pty.openpty()
        self.text = ""
        self._end = ours
        variables = {**variables, "TERM": "dumb", "COLUMNS": "200", "LINES": "50"}
        # A new session, and the pseudo-terminal as its own, so that ^C reaches it.
        own = (
            "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
        )
        how = {"cwd": folder, "env": variables, "stdin": theirs, "stdout": theirs, "stderr": theirs}
        self.process = subprocess.Popen([sys.executable, "-c", own, *command], start_new_session=True, **how)
        os.close(theirs)

    def until(self, pattern: str | re.Pattern[str]) -> str:
        """Read until something stands at the end of what was written since; return that."""
        end = time.monotonic() + PATIENCE
        since = len(self.text)
        while not re.search(pattern, self.text[since:]):
            assert time.monotonic() < end, self.text[-3000:]
            if select.select([self._end], [], [], 0.1)[0]:
                self.text += os.read(self._end, 65536).decode("utf-8", "replace")
        return self.text[since:].replace("\r\n", "\n")

    def write(self, text: str) -> None:
        """Type something."""
        os.write(self._end, text.encode())

    def run(self, source: str) -> str:
        """Type a cell, with the blank lines that end it, and return what came until the next prompt."""
        self.write(source + ("\n\n\n" if "\n" in source else "\n"))
        return self.until(PROMPT)

    def stop(self) -> None:
        """End the process."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(PATIENCE)
        os.close(self._end)


IPYTHON = [sys.executable, "-m", "IPython", "--simple-prompt", "--no-banner", "--no-confirm-exit", "--colors=nocolor"]


@pytest.fixture
def variables(workspace: Workspace, port: PortEmulator) -> dict[str, str]:
    """The environment of a terminal whose emulator is on a port."""
    (workspace.folder / "user").mkdir(exist_ok=True)
    more = {"WAN_HOME": str(workspace.home), "WAN_PROVIDER": "emulator", "WAN_BASE_URL": port.base_url}
    return environment(workspace.folder / "user", IPYTHONDIR=str(workspace.folder / "ipython"), **more, **FAST)


@pytest.fixture
def terminal(workspace: Workspace, variables: dict[str, str]) -> Iterator[Terminal]:
    """A terminal IPython after `%load_ext wan_jupyter`."""
    made = Terminal(IPYTHON, workspace.folder, variables)
    made.until(PROMPT)
    made.run(LOAD)
    yield made
    made.stop()


def test_one_line_is_written_over(terminal: Terminal, workspace: Workspace) -> None:
    """Then it is gone, and two or three lines say what was made."""
    said = terminal.run(f"%%wan cat.png {SMALL}\nA cat")
    [video] = workspace.videos()
    progress, _, result = said.rpartition("\r")
    states = [line.strip() for line in progress.split("\r") if " · " in line]
    assert states
    assert not any("\n" in line for line in states)
    assert result.splitlines()[0] == f"wan_outputs/{video.name}"
    assert "A cat" in result
    assert not result.startswith(" ")


def test_nothing_of_widgets_is_imported(terminal: Terminal) -> None:
    """A terminal pays for what it shows, and no more."""
    terminal.run(f"%%wan cat.png {SMALL}\nA cat")
    said = terminal.run("import sys; print(sorted({'ipywidgets', 'comm', 'ipykernel', 'zmq'} & set(sys.modules)))")
    assert "[]" in said


def test_a_failure_is_told_once(terminal: Terminal) -> None:
    """Three lines after the progress: the service's words, what they mean, what to do."""
    said = terminal.run(f"%%wan cat.png {SMALL}\nA forbidden prompt")
    lines = [line for line in said.rpartition("\r")[2].splitlines() if line.strip() and not line.startswith("In [")]
    assert len(lines) == 3
    assert said.count("DataInspectionFailed") == 1


def test_control_c_ends_the_wait_and_not_the_job(terminal: Terminal, port: PortEmulator, workspace: Workspace) -> None:
    """One line that says how to come back, on a line of its own; later nothing falls into what is typed."""
    port.faults(HELD)
    terminal.write(f"%%wan cat.png {SMALL} -o job\nA cat\n\n\n")
    terminal.until("Rendering")
    terminal.write("\x03")
    said = terminal.until(PROMPT)
    [line] = [line for line in said.splitlines() if "keeps running in the background" in line]
    assert line.startswith("Stopped waiting; job ")
    assert "%wan wait" in line
    assert "Traceback" not in said
    assert "KeyboardInterrupt" not in said
    port.clear()
    said = terminal.run("job.result(60).path.exists()")
    assert "True" in said
    assert "·" not in said
    assert len(workspace.videos()) == 1


def test_a_wait_that_timed_out_leaves_the_terminal_alone(terminal: Terminal, port: PortEmulator) -> None:
    """The error stands on lines of its own, and nothing is written later."""
    port.faults(HELD)
    said = terminal.run(f"%%wan cat.png {SMALL} -o job --timeout 1s\nA cat")
    [first] = [line for line in said.splitlines() if "WaitTimeout" in line]
    assert first.startswith("WaitTimeout: Job ")
    port.clear()
    assert "·" not in terminal.run("job.result(60).path.exists()")


def test_a_job_can_be_waited_for_again(terminal: Terminal, port: PortEmulator) -> None:
    """`%wan wait` takes up the line where it was."""
    port.faults(HELD)
    terminal.run(f"%%wan cat.png {SMALL} -o job --no-wait\nA cat")
    port.clear()
    assert ".mp4" in terminal.run("%wan wait")


def test_quiet_says_only_what_was_made(terminal: Terminal) -> None:
    """No line on the way: typed for a cell, or wished for all; else there is one."""
    clock = re.compile(r" · \d+:\d\d · ")
    assert clock.search(terminal.run(f"%%wan cat.png {SMALL}\nA cat"))
    said = terminal.run(f"%%wan cat.png {SMALL} --quiet\nA dog")
    said += terminal.run("%config WanMagics.progress = 'none'")
    said += terminal.run(f"%%wan cat.png {SMALL}\nA bird")
    said += terminal.run("%wan wait")
    assert not clock.search(said)
    assert said.count("wan_outputs/") == 2


@pytest.mark.parametrize("line", ["", "--no-wait"])
def test_the_bell_rings_at_the_end_where_it_is_wished_for(terminal: Terminal, line: str) -> None:
    """Once a job, waited for or not; never by itself."""
    terminal.run(f"%%wan cat.png {SMALL} {line} -o job\nA cat")
    terminal.run("job.result(60); None")
    assert "\a" not in terminal.text
    terminal.run("%config WanMagics.notify = 'bell'")
    terminal.run(f"%%wan cat.png {SMALL} {line} -o job\nA dog")
    terminal.run("job.result(60); None")
    if "\a" not in terminal.text:  # the loop tells the watchers after those that wait
        terminal.until("\a")
    terminal.run("job")
    assert terminal.text.count("\a") == 1


def test_without_a_terminal_there_is_a_line_a_state(workspace: Workspace, variables: dict[str, str]) -> None:
    """In a log: no carriage returns; progress on stderr, the result on stdout."""
    script = workspace.folder / "script.ipy"
    script.write_text(f"{LOAD}\nget_ipython().run_cell_magic('wan', 'cat.png {SMALL}', 'A cat')\n", encoding="utf-8")
    command = [*IPYTHON[:3], "--no-banner", "--colors=nocolor", str(script)]
    done = subprocess.run(
        command, cwd=workspace.folder, env=variables, text=True, capture_output=True, timeout=PATIENCE
    )
    [video] = workspace.videos()
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == f"wan_outputs/{video.name}"
    lines = done.stderr.splitlines()
    assert "\r" not in done.stderr
    states = [line.split(" · ")[1] for line in lines]
    assert len(states) == len(set(states)) >= 1


def test_a_script_that_fails_ends_with_our_lines(workspace: Workspace, variables: dict[str, str]) -> None:
    """And with a code that a shell can ask for."""
    script = workspace.folder / "script.ipy"
    script.write_text(f"{LOAD}\nget_ipython().run_cell_magic('wan', 'kat.png', 'A cat')\n", encoding="utf-8")
    command = [*IPYTHON[:3], "--no-banner", "--colors=nocolor", str(script)]
    done = subprocess.run(
        command, cwd=workspace.folder, env=variables, text=True, capture_output=True, timeout=PATIENCE
    )
    assert done.returncode != 0
    assert "Image kat.png not found." in done.stdout + done.stderr


def test_plain_python_needs_no_ipython(workspace: Workspace, variables: dict[str, str]) -> None:
    """The Python door, in a script: neither IPython nor widgets are imported."""
    code = (
        "import sys, wan_jupyter\n"
        "video = wan_jupyter.Session().submit('A cat', image='cat.png', model='wan2.5-i2v-preview',"
        " resolution='480P').result(60)\n"
        "print(video.path, sorted({'IPython', 'ipywidgets'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=workspace.folder,
        env=variables,
        text=True,
        capture_output=True,
        timeout=PATIENCE,
    )
    assert done.stdout.endswith(".mp4 []\n"), done.stderr
    assert done.stderr == ""
