"""What `%load_ext wan_jupyter` imports: the declaration of the magics and the hook of Tab, nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.ipython_shell import Shell
from tests.support.processes import python
from wan_jupyter.i18n.messages import tr

pytest_plugins = ("tests.support.notebook_fixtures",)

LOADED = """
import sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
before = set(sys.modules)
for cell in {cells!r}:
    shell.run_cell(cell)
print(*sorted(set(sys.modules) - before))
"""
LOAD = "get_ipython().run_line_magic('load_ext', 'wan_jupyter')"
# All of the package that loading may import. Add a line only for what the declaration itself needs.
OWN = {
    "wan_jupyter",
    "wan_jupyter.config",
    "wan_jupyter.config.folders",  # the home and the notebook's folder are fixed at loading
    "wan_jupyter.config.setting_names",
    "wan_jupyter.errors",
    "wan_jupyter.errors.kinds",
    "wan_jupyter.i18n",
    "wan_jupyter.i18n.messages",  # the names of languages; no message file
    "wan_jupyter.notebook",
    "wan_jupyter.notebook.completion",
    "wan_jupyter.notebook.completion.ipython_hook",
    "wan_jupyter.notebook.completion.magic_line",
    "wan_jupyter.notebook.display",
    "wan_jupyter.notebook.display.frontend",
    "wan_jupyter.notebook.extension",
    "wan_jupyter.notebook.magics",
    "wan_jupyter.notebook.shell_state",
    "wan_jupyter.security",
    "wan_jupyter.security.sanitize",
    "wan_jupyter.session",
    "wan_jupyter.session.orphans",  # is there a journal?
    "wan_jupyter.storage",
    "wan_jupyter.storage.home",
}
# Of the standard library: asynchronous code, TOML, money, message files (`importlib.resources`), the journal, the net.
FORBIDDEN = {
    "asyncio", "tomllib", "decimal", "fractions", "importlib.resources", "importlib.metadata", "sqlite3", "hashlib",
    "hmac", "secrets", "ssl", "socket", "subprocess", "concurrent.futures", "email", "html", "statistics", "csv",
    "wave", "zipfile", "difflib", "logging", "json", "getpass",
}  # fmt: skip


def loaded(tmp_path: Path, *cells: str) -> set[str]:
    """Return the modules that cells of a fresh IPython import, in a home that does not exist yet."""
    ran = python(LOADED.format(cells=cells), tmp_path)
    assert ran.returncode == 0, ran.stderr
    return set(ran.stdout.split("\n")[-2].split())


@pytest.mark.parametrize("more", [(), ("x = 1",)], ids=["load_ext", "and a cell of the user's"])
def test_loading_imports_the_declaration_and_the_hook(tmp_path: Path, more: tuple[str, ...]) -> None:
    """The exact list of our modules; of others, nothing that only a `%wan` line needs."""
    new = loaded(tmp_path, LOAD, *more) - loaded(tmp_path, "1", *more)
    assert {name for name in new if name.startswith("wan_jupyter")} == OWN
    assert new & FORBIDDEN == set()


def test_the_first_command_brings_the_rest(tmp_path: Path) -> None:
    """The test above would notice: these are the modules that it forbids."""
    new = loaded(tmp_path, LOAD, "%wan help")
    assert {"tomllib", "wan_jupyter.notebook.commands", "wan_jupyter.request.command_line"} <= new


@pytest.mark.parametrize("source", ["environment", "settings file", "locale"])
def test_the_language_is_right_from_the_cell_that_loads(
    bare: Shell, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    """It is looked up when the first sentence is needed, also within that cell."""
    monkeypatch.delenv("WAN_LANG", raising=False)
    if source == "environment":
        monkeypatch.setenv("WAN_LANG", "ko")
    elif source == "locale":
        monkeypatch.setenv("LC_ALL", "ko_KR.UTF-8")
    else:
        bare.workspace.home.mkdir(exist_ok=True)
        (bare.workspace.home / "settings.toml").write_text('language = "ko"\n', encoding="utf-8")
    ran = bare.run("%load_ext wan_jupyter\n%wan shwo")
    assert tr("command.unknown.text", "ko", name="shwo") in ran.out


def test_a_language_set_while_nothing_was_said_counts(bare: Shell) -> None:
    """`%config` goes before what was never looked up."""
    bare.ok("%load_ext wan_jupyter\n%config WanMagics.language = 'ja'")
    assert tr("command.unknown.text", "ja", name="shwo") in bare.run("%wan shwo").out
