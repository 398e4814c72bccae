"""What users may use, by name: a name that appears or vanishes fails a test, and has to be wanted."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable

import wan_jupyter
from tests.support.processes import ROOT
from tests.support.world import World

PACKAGE = [
    "Job", "Session", "Status", "Video", "VideoRequest", "allow_nested_asyncio", "errors", "last", "sample", "testing",
]  # fmt: skip
SESSION = [
    "adopt", "budget", "compose", "dry_run", "history", "job", "live_jobs", "name", "outputs", "ping", "price",
    "provider", "resume", "retry", "spend", "submit",
]  # fmt: skip


def public(names: Iterable[str]) -> list[str]:
    return sorted(name for name in names if not name.startswith("_"))


def test_the_package_shows_its_public_names_and_nothing_else() -> None:
    """`dir` is what Tab completes after `wan_jupyter.`; every name leads to something."""
    assert public(wan_jupyter.__all__) == PACKAGE
    assert all(getattr(wan_jupyter, name) is not None for name in PACKAGE)
    unasked = [name for name in dir(wan_jupyter) if name not in PACKAGE]
    assert [name for name in unasked if not (name.startswith("__") and name.endswith("__"))] == []
    assert {"__doc__", "__version__"} <= set(unasked)


def test_submodules_that_were_imported_do_not_show() -> None:
    """An imported submodule becomes an attribute of its package; and a star import brings the public names only."""
    code = "import wan_jupyter.session.session; print(*dir(wan_jupyter)); from wan_jupyter import *; print(*dir())"
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    shown, starred = (public(line.split()) for line in ran.stdout.splitlines())
    assert shown == PACKAGE
    assert [name for name in starred if name != "wan_jupyter"] == PACKAGE


def test_a_session_shows_the_calls_of_users_and_nothing_else(world: World) -> None:
    """Also after it was used, and its properties have values."""
    session = world.session()
    job = world.order(session=session)
    assert public(dir(session)) == SESSION
    assert public(vars(session)) == []
    assert (session.name, session.provider.name, session.outputs) == (
        "emulator",
        "emulator",
        world.folder / "wan_outputs",
    )
    assert session.budget is None
    assert session.job(job.id) is job
