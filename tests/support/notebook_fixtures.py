"""The fixtures of the tests of the doors; a test module takes them with `pytest_plugins = ("shell",)`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.clock import QuickClock
from tests.support.emulator_client import PortEmulator
from tests.support.ipython_shell import FAST, LOAD, Shell, Workspace, an_ipython, drop_work
from tests.support.kernel_client import Kernel
from tests.support.world import close_client, forget
from wan_jupyter.i18n.messages import ENGLISH, language_scope
from wan_jupyter.jobs import background
from wan_jupyter.session import resources


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """The test's own folder as the working directory, with a picture in it, and a fast emulator."""
    made = Workspace(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    for name, value in FAST.items():
        monkeypatch.setenv(name, value)
    return made


@pytest.fixture
def bare(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    """A terminal IPython in which nothing is loaded yet; the language it comes to speak ends with it."""
    monkeypatch.setattr(resources, "RealClock", QuickClock)
    with language_scope(ENGLISH), an_ipython() as ip:
        shell = Shell(ip, workspace)
        yield shell
        drop_work()
        for session in shell.sessions():
            close_client(session)
        forget(workspace.home)
        background.current().jobs.clear()


@pytest.fixture
def shell(bare: Shell) -> Shell:
    """A terminal IPython after `%load_ext wan_jupyter`."""
    bare.ok(LOAD)
    return bare


@pytest.fixture(scope="session")
def _kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    made = Kernel(tmp_path_factory.mktemp("kernel"))
    yield made
    made.stop()


@pytest.fixture
def kernel(_kernel: Kernel, workspace: Workspace, port: PortEmulator) -> Kernel:
    """A kernel as it is after `%load_ext wan_jupyter`: a home and folder of its own, an emulator on a port."""
    _kernel.begin(workspace, {"WAN_PROVIDER": "emulator", "WAN_BASE_URL": port.base_url})
    return _kernel


@pytest.fixture
def own_kernel(tmp_path: Path) -> Iterator[Kernel]:
    """A kernel for a test that changes its process."""
    (tmp_path / "own").mkdir()
    made = Kernel(tmp_path / "own")
    yield made
    made.stop()
