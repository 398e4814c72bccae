"""`%wan jobs` with pictures and filters, and `%wan frame`: what was made, to look at again."""

from __future__ import annotations

import base64
import re
import sqlite3

import pytest

from tests.support.clock import PATIENCE, until
from tests.support.ipython_shell import SMALL, Shell
from tests.support.kernel_client import Kernel
from wan_jupyter.errors import OptionError, OutputError
from wan_jupyter.notebook.display.thumbnails import MAX_BYTES

pytest_plugins = ("tests.support.notebook_fixtures",)


def made(shell: Shell, *prompts: str) -> list[str]:
    """Make a video for each prompt, and return the jobs' ids."""
    jobs = [shell.order(prompt) for prompt in prompts]
    until(lambda: all(job.done for job in jobs))
    return [job.id for job in jobs]


def listed(shell: Shell, words: str = "") -> list[str]:
    """Return the ids that `%wan jobs` lists."""
    return [line.split()[0] for line in shell.ok(f"%wan jobs {words}").lines[1:]]


def test_the_table_has_a_small_picture_of_each_job(kernel: Kernel) -> None:
    """JPEGs of at most 6 kB in the HTML; the text has none."""
    kernel.ok(f"%%wan cat.png {SMALL}\nA cat")
    kernel.ok(f"%%wan cat.png {SMALL}\nA dog")
    bundle = kernel.ok("%wan jobs").bundle
    pictures = re.findall(r"data:image/jpeg;base64,([^\"]+)", bundle["text/html"])
    assert len(pictures) == 2
    assert all(100 < len(base64.b64decode(one)) <= MAX_BYTES for one in pictures)
    assert "base64" not in bundle["text/plain"]


def test_a_video_that_is_gone_leaves_its_row(kernel: Kernel) -> None:
    """Without a picture."""
    kernel.ok(f"%%wan cat.png {SMALL} -o job\nA cat")
    kernel.ok("job.video.path.unlink(); job.thumbnails = ()")
    bundle = kernel.ok("%wan jobs").bundle
    assert "A cat" in bundle["text/html"]
    assert "<img" not in bundle["text/html"]


def test_failed_jobs_can_be_asked_for(shell: Shell) -> None:
    """Alone."""
    _, bad = made(shell, "A cat", "A forbidden prompt")
    assert listed(shell, "--failed") == [bad]


def test_a_models_jobs_can_be_asked_for(shell: Shell) -> None:
    """By a part of its name, as a word or after `=`."""
    ids = made(shell, "A cat")
    assert listed(shell, "--model wan2.5") == listed(shell, "--model=WAN2.5-I2V") == ids
    assert "No jobs match" in shell.ok("%wan jobs --model wan9").out


def test_a_long_table_ends_and_says_so(shell: Shell) -> None:
    """As many jobs as asked for, the newest first, and how to see the others; nothing is left out in silence."""
    ids = made(shell, "One", "Two", "Three")[::-1]
    assert listed(shell, "--limit 3") == ids
    ran = shell.ok("%wan jobs --limit=2")
    assert [line.split()[0] for line in ran.lines[1:-1]] == ids[:2]
    assert ran.lines[-1].startswith("Jobs shown: 2, newest first; there are more. Type --limit 20")
    assert "there are more" not in shell.ok("%wan jobs").out


@pytest.mark.parametrize(
    ("since", "kept"), [("today", 1), ("yesterday", 2), ("week", 2), ("1d", 2), ("30d", 3), ("2020-01-01", 3)]
)
def test_jobs_since_a_day_can_be_asked_for(shell: Shell, since: str, kept: int) -> None:
    """Days begin at midnight here."""
    ids = made(shell, "One", "Two", "Three")
    with sqlite3.connect(shell.workspace.home / "journal.sqlite3") as sql:
        for identity, days in zip(ids, (0, 1, 12), strict=True):
            sql.execute("UPDATE jobs SET created_at = created_at - ? WHERE id = ?", (86400.0 * days, identity))
    sql.close()
    assert set(listed(shell, f"--since {since}")) == set(ids[:kept])


@pytest.mark.parametrize(
    ("words", "said"),
    [("--since tomorrow-ish", "does not support tomorrow-ish"), ("--since", "needs a value"),
     ("--model --failed", "needs"),
     ("--limit 0", "1 or more"), ("--limit many", "1 or more"), ("--limit", "needs a value"),
     ("--faild", "Unknown argument --faild"), ("all", "Unexpected argument")],
)  # fmt: skip
def test_a_filter_that_cannot_be_is_two_lines(shell: Shell, words: str, said: str) -> None:
    """What is wrong, and what it takes."""
    ran = shell.run(f"%wan jobs {words}")
    assert isinstance(ran.error, OptionError)
    assert said in ran.out
    assert len(ran.lines) == 2


# ---- frames ---------------------------------------------------------------------------------------------------------


def test_frame_returns_a_picture(shell: Shell) -> None:
    """The first, one at a time, the last; of the newest job or a named one."""
    job = shell.order()
    video = job.result(PATIENCE)
    for words in ("", job.id, f"{job.id} 0.1", f"{job.id} 0.1s", f"{job.id[:3]} last"):
        picture = shell.ok(f"x = %wan frame {words}")
        del picture
        assert shell.names["x"].size == video.size


@pytest.mark.parametrize("words", ["last", "0.1", ".1s", "0."])
def test_a_time_alone_is_that_of_the_newest_job(shell: Shell, words: str) -> None:
    """No id looks like it."""
    video = shell.order().result(PATIENCE)
    shell.ok(f"x = %wan frame {words}")
    assert shell.names["x"].size == video.size


def test_frame_strip_returns_a_filmstrip(shell: Shell) -> None:
    """Wider than high."""
    job = shell.order()
    job.result(PATIENCE)
    for words in (f"{job.id} --strip 3", f"{job.id} --strip=3", "--strip"):
        shell.ok(f"x = %wan frame {words}")
        width, height = shell.names["x"].size
        assert width > 2 * height


def test_frame_is_an_image_output(kernel: Kernel) -> None:
    """As a cell's last line."""
    kernel.ok(f"%%wan cat.png {SMALL}\nA cat")
    assert "image/png" in kernel.ok("%wan frame", live=True).bundle


@pytest.mark.parametrize(
    ("words", "kind"),
    [("{} soon", OptionError), ("{} --strip many", OptionError), ("{} --strip=0", OptionError),
     ("{} 1 2", OptionError), ("{} 99", OutputError),
     ("{} --strap", OptionError)],
)  # fmt: skip
def test_a_frame_that_cannot_be_is_two_lines(shell: Shell, words: str, kind: type[Exception]) -> None:
    """Never a traceback."""
    job = shell.order()
    job.result(PATIENCE)
    ran = shell.run(f"%wan frame {words.format(job.id)}")
    assert isinstance(ran.error, kind)
    assert len(ran.lines) == 2
