"""After a kernel died: one line says what is unfinished, and going on with it sends nothing twice."""

from __future__ import annotations

import contextlib
import sqlite3

import pytest

from tests.support.clock import PATIENCE, until
from tests.support.emulator_client import PortEmulator
from tests.support.ipython_shell import LOAD, SMALL, Shell
from tests.support.processes import python
from wan_jupyter import errors
from wan_jupyter.session.orphans import orphans

pytest_plugins = ("tests.support.notebook_fixtures",)

KILLED = """
import os, signal, sys
from pathlib import Path
from tests.support.clock import until
from wan_jupyter.session.session import Session

session = Session("emulator", outputs=Path("wan_outputs"))
job = session.submit("A cat", image="cat.png", model="wan2.5-i2v-preview", resolution="480P")
until(lambda: job.remote_id)
os.kill(os.getpid(), signal.SIGKILL)
"""


def killed(shell: Shell) -> str:
    """Let a process with this home begin a job and be killed; return the job's id."""
    home = shell.workspace.home
    how = {"WAN_EMULATOR_SPEED": "20", "WAN_EMULATOR_CLIP_SECONDS": "0.2"}
    ran = python(KILLED, shell.workspace.folder, WAN_HOME=str(home), **how)
    assert ran.returncode == -9, ran.stderr
    found: str = shell.workspace.rows()[-1]["id"]
    return found


def test_loading_says_in_one_line_what_is_unfinished(bare: Shell) -> None:
    """It names the job and the next thing to type; nothing is sent or asked for."""
    job = killed(bare)
    (line,) = bare.ok(LOAD).lines
    assert job in line
    assert "%wan resume" in line


def test_loading_is_silent_where_nothing_is_unfinished(bare: Shell) -> None:
    """No journal, or one in which every job has ended."""
    assert bare.ok(LOAD).lines == []
    bare.order().result(PATIENCE)
    bare.ok("%unload_ext wan_jupyter")
    assert bare.ok(LOAD).lines == []


def test_resume_goes_on_with_it(bare: Shell) -> None:
    """The known task is polled and its video fetched: one task, one bill."""
    job = killed(bare)
    bare.ok(LOAD)
    bare.ok("%wan resume")
    bare.ok("import wan_jupyter; found = wan_jupyter.last()")
    found = bare.names["found"]
    found.result(PATIENCE)
    assert (found.id, len(bare.workspace.tasks())) == (job, 1)
    assert bare.ok("%wan resume").lines == ["No unfinished jobs."]


def test_the_same_cell_goes_on_with_it_too(bare: Shell) -> None:
    """Same request, same video, also after a kernel died."""
    job = killed(bare)
    bare.ok(LOAD)
    found = bare.order("A cat")
    found.result(PATIENCE)
    assert (found.id, len(bare.workspace.tasks())) == (job, 1)


def test_waiting_goes_on_with_a_search_that_a_dead_kernel_left(bare: Shell) -> None:
    """As the refused retry says: it waits for what is found; of two days ago the service has nothing any more."""
    job = killed(bare)
    search(bare)
    bare.ok(LOAD)
    found = bare.run(f"%wan wait {job}").error
    assert isinstance(found, errors.JobUncertain)
    assert (found.problem.advice, bare.workspace.rows()[0]["note"]) == ("no_trace", "no_trace")


def search(shell: Shell) -> None:
    """Write down that what is in the journal was sent two days ago, and is still searched for."""
    with contextlib.closing(sqlite3.connect(shell.workspace.home / "journal.sqlite3")) as sql, sql:
        sql.execute("UPDATE jobs SET status = 'UNCERTAIN', note = 'recognising', remote_id = NULL")
        sql.execute("UPDATE jobs SET sent_at = sent_at - 2 * 86400")


def ordered_by(shell: Shell, cell: str) -> None:
    """Write down that this cell began what is in the journal."""
    with contextlib.closing(sqlite3.connect(shell.workspace.home / "journal.sqlite3")) as sql, sql:
        sql.execute("UPDATE jobs SET cell = ?", (cell,))


def test_a_cell_with_new_goes_on_with_its_own_unfinished_take(bare: Shell) -> None:
    """As what it left in the notebook says: run again, it costs nothing. When that has ended, it makes another."""
    job, cell = killed(bare), f"%%wan cat.png {SMALL} --wait -o found --new\nA cat"
    ordered_by(bare, cell)
    bare.ok(LOAD)
    bare.ok(cell)
    assert (bare.names["found"].id, len(bare.workspace.tasks())) == (job, 1)
    bare.ok(cell)
    assert (bare.names["found"].info.take, len(bare.workspace.tasks())) == (2, 2)


def test_a_cell_with_new_goes_on_with_its_own_search(bare: Shell) -> None:
    """What may have been created is looked for to the end before the same cell pays once more."""
    killed(bare)
    cell = f"%%wan cat.png {SMALL} --wait -o found --new\nA cat"
    ordered_by(bare, cell)
    search(bare)
    bare.ok(LOAD)
    assert isinstance(bare.run(cell).error, errors.JobUncertain)
    assert [row["note"] for row in bare.workspace.rows()] == ["no_trace"]
    bare.ok(cell)
    assert [row["take"] for row in bare.workspace.rows()] == [1, 2]


def test_new_makes_a_take_where_another_cell_left_one(bare: Shell) -> None:
    """Whoever adds --new to a cell whose job is unfinished wants another take."""
    killed(bare)
    ordered_by(bare, f"%%wan cat.png {SMALL} --wait -o found\nA cat")
    bare.ok(LOAD)
    bare.ok(f"%%wan cat.png {SMALL} --wait -o found --new\nA cat")
    assert (bare.names["found"].info.take, len(bare.workspace.tasks())) == (2, 2)


def test_it_may_be_resumed_by_loading(bare: Shell) -> None:
    """`c.WanMagics.auto_resume = True` in the user's IPython configuration."""
    killed(bare)
    bare.ip.config.WanMagics.auto_resume = True
    bare.ok(LOAD)
    (job,) = bare.sessions()[0].live_jobs() or [None]
    if job is not None:
        job.result(PATIENCE)
    assert [row["status"] for row in bare.workspace.rows()] == ["SUCCEEDED"]


def test_a_job_whose_key_is_missing_is_named_with_the_reason(bare: Shell) -> None:
    """It stays as it is, and what to set is said."""
    job = killed(bare)
    with contextlib.closing(sqlite3.connect(bare.workspace.home / "journal.sqlite3")) as sql, sql:
        sql.execute("UPDATE jobs SET provider = 'dashscope-cn', session = 'dashscope-cn'")
    bare.ok(LOAD)
    ran = bare.ok("%wan resume")
    assert job in ran.out
    assert "DASHSCOPE_API_KEY" in ran.out
    assert bare.workspace.rows()[0]["status"] != "SUCCEEDED"


def test_what_a_living_process_carries_out_is_no_orphan(shell: Shell) -> None:
    """Nor what this kernel follows itself."""
    shell.hold()
    job = shell.order()
    until(lambda: job.remote_id)
    assert orphans(shell.workspace.home) == []
    code = (
        "from pathlib import Path; from wan_jupyter.session.orphans import orphans;"
        " print(orphans(Path('home').absolute()))"
    )
    assert python(code, shell.workspace.folder).stdout.strip() == "[]"
    shell.emulator().clear()
    job.result(PATIENCE)


def test_a_video_is_not_retried(shell: Shell) -> None:
    """What to type instead is said."""
    job = shell.order()
    job.result(PATIENCE)
    refused = shell.run(f"%wan retry {job.id}")
    assert isinstance(refused.error, errors.JobError)
    assert f"%wan show {job.id}" in refused.error.hint()


def test_retry_sends_an_uncertain_job_once_more(
    shell: Shell, port: PortEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gateway that lists nothing lost the answer: the user's word makes a further take."""
    said = {"WAN_PROVIDER": "videos", "WAN_BASE_URL": port.url, "WAN_API_KEY": "sk-test"}
    for name, value in said.items():
        monkeypatch.setenv(name, value)
    port.faults({"at": "submit", "do": "drop_after"})
    lost = shell.run("%%wan cat.png -r 720P -o lost\nA cat")
    assert isinstance(lost.error, errors.JobUncertain)
    shell.ok(f"again = %wan retry {shell.names['lost'].id}")
    shell.names["again"].result(PATIENCE)
    assert (shell.names["again"].info.take, len(port.tasks)) == (2, 2)
