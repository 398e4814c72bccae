"""`%wan login` and `%wan logout`, and a key that is typed where it must not be: in a terminal and in a real kernel."""

from __future__ import annotations

import getpass
import sqlite3
import sys
import types
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.support.clock import PATIENCE
from tests.support.emulator_client import PortEmulator
from tests.support.ipython_shell import LOAD, SMALL, Shell, Workspace
from tests.support.kernel_client import Kernel
from wan_jupyter.errors import CredentialsError, SettingsError, WanError

pytest_plugins = ("tests.support.notebook_fixtures",)

SECRET = "sk-4f0c81d2b7a9463e95d0c3f2a1b8e764"
Answers = Callable[[str | BaseException], list[str]]


class Ring:
    """A keyring as the `keyring` package has it, in memory."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, name: str) -> str | None:
        return self.kept.get((service, name))

    def set_password(self, service: str, name: str, text: str) -> None:
        self.kept[service, name] = text

    def delete_password(self, service: str, name: str) -> None:
        del self.kept[service, name]

    def get_keyring(self) -> Any:
        return types.SimpleNamespace(name="Test Ring")


class NoBackend(Ring):
    """What keyring is on a machine without a key store."""

    def set_password(self, service: str, name: str, text: str) -> None:
        raise RuntimeError(f"No recommended backend was available for {text}")


@pytest.fixture
def ring(monkeypatch: pytest.MonkeyPatch) -> Ring:
    made = Ring()
    monkeypatch.setitem(sys.modules, "keyring", made)
    return made


@pytest.fixture(autouse=True)
def _no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Answers:
    """Say what the user types at the password field; returns what was asked."""

    def will(text: str | BaseException) -> list[str]:
        asked: list[str] = []

        def field(prompt: str = "") -> str:
            asked.append(prompt)
            if isinstance(text, BaseException):
                raise text
            return text

        monkeypatch.setattr(getpass, "getpass", field)
        return asked

    return will


@pytest.fixture
def there(shell: Shell, port: PortEmulator, monkeypatch: pytest.MonkeyPatch) -> PortEmulator:
    """Model Studio in Singapore is an emulator on a port."""
    monkeypatch.setenv("WAN_PROVIDER", "dashscope-intl")
    monkeypatch.setenv("WAN_BASE_URL", port.base_url)
    return port


def key_of(shell: Shell, name: str = "dashscope-intl") -> Any:
    """Return the key of the sessions that are open at a provider; they have the same."""
    [key] = {one._resources.key for one in shell.sessions() if one.provider.name == name}
    return key


# ---- login ----------------------------------------------------------------------------------------------------------


def test_login_asks_and_the_next_cell_uses_the_key(shell: Shell, there: PortEmulator, answer: Answers) -> None:
    """Nothing is kept anywhere but in this kernel; the service was asked whether it takes the key."""
    asked = answer(f" {SECRET}\n")
    ran = shell.ok("%wan login")
    assert ran.lines == [
        "dashscope-intl accepted the key. It is active in this kernel; %wan logout dashscope-intl removes it."
    ]
    assert len(asked) == 1
    assert "dashscope-intl" in asked[0]
    assert key_of(shell).reveal() == SECRET
    assert "key from       %wan login" in shell.ok("%wan").out
    shell.order().result(PATIENCE)
    assert there.creates == 1
    files = [path for path in shell.workspace.folder.rglob("*") if path.is_file()]
    assert [path for path in files if SECRET.encode() in path.read_bytes()] == []


def test_a_session_that_was_opened_with_another_key_is_opened_anew(
    shell: Shell, there: PortEmulator, answer: Answers
) -> None:
    """What was typed last counts; logging out brings the environment's back, and says so."""
    shell.ok("%env DASHSCOPE_API_KEY=sk-of-the-environment")
    shell.ok("%wan")
    assert key_of(shell).source == "DASHSCOPE_API_KEY"
    answer(SECRET)
    shell.ok("%wan login dashscope-intl")
    assert key_of(shell).source == "%wan login"
    assert shell.ok("%wan logout").lines == [
        "Removed the dashscope-intl key.",
        "dashscope-intl still has a key from DASHSCOPE_API_KEY.",
    ]
    shell.ok("%wan")
    assert key_of(shell).source == "DASHSCOPE_API_KEY"


def test_a_key_that_the_service_refuses_is_told(shell: Shell, there: PortEmulator, answer: Answers, ring: Ring) -> None:
    """With the other regions, and it is not put into the keyring."""
    answer("bad-key")
    out = shell.ok("%wan login --keep").out
    assert "dashscope-intl rejected the key (HTTP 401)." in out
    assert "dashscope-cn" in out
    assert "The key was not saved in the keyring." in out
    assert ring.kept == {}


def test_login_makes_model_studio_the_default(bare: Shell, answer: Answers) -> None:
    """With no provider chosen, a key for it decides; nobody can be reached here, and that is said."""
    bare.ok("%env WAN_PROVIDER=")
    bare.ok("%env HTTPS_PROXY=http://127.0.0.1:9")
    bare.ok(LOAD)
    answer(SECRET)
    out = bare.ok("%wan login").out
    assert "Could not verify the key" in out
    assert "%wan use" not in out
    assert "dashscope-intl" in bare.ok("%wan").out


def test_login_elsewhere_says_how_to_go_there(shell: Shell, answer: Answers) -> None:
    """A key alone changes nothing about where cells go."""
    shell.ok("%env WAN_PROVIDER=emulator")
    shell.ok("%env HTTPS_PROXY=http://127.0.0.1:9")
    answer(SECRET)
    assert (
        shell.ok("%wan login dashscope-cn").lines[-1]
        == "Cells do not use this provider yet: type %wan use dashscope-cn."
    )
    assert shell.ok("%wan login emulator").lines == ["emulator needs no key."]


def test_a_session_with_a_variable_of_its_own_has_a_key_of_its_own(
    shell: Shell, port: PortEmulator, answer: Answers, ring: Ring
) -> None:
    """Typed for it, a key goes nowhere else, and not into the keyring, where it would be the provider's."""
    shell.workspace.home.mkdir(exist_ok=True)
    place = f'base_url = "{port.base_url}"\nkey_variable = "WORK_KEY"'
    (shell.workspace.home / "settings.toml").write_text(f'[sessions.work]\nprovider = "dashscope-cn"\n{place}')
    answer(SECRET)
    ran = shell.run("%wan login work --keep")
    assert "WORK_KEY" in str(ran.error)
    assert isinstance(ran.error, CredentialsError)
    assert ring.kept == {}
    shell.ok("%wan use work")
    assert key_of(shell, "dashscope-cn").source == "%wan login"
    with pytest.raises(CredentialsError):
        raise shell.run("%wan use dashscope-cn").error


@pytest.mark.parametrize(
    ("typed", "key"),
    [("", "key.nothing_typed"), ("  ", "key.nothing_typed"), ("sk-a b", "key.unusable"), ("sk-ключ", "key.unusable"),
     ("sk-a\x00", "key.unusable"), (EOFError(), "key.nobody_to_ask"), (OSError(5, "no terminal"), "key.nobody_to_ask")],
    ids=repr,
)  # fmt: skip
def test_what_is_no_key_changes_nothing(
    shell: Shell, there: PortEmulator, answer: Answers, typed: Any, key: str
) -> None:
    """And is not shown; where nobody can be asked, the variable is named."""
    answer(typed)
    ran = shell.run("%wan login")
    assert isinstance(ran.error, CredentialsError)
    assert ran.error.key == key
    assert there.requests == []
    assert not (isinstance(typed, str) and typed.strip() and typed in str(ran.error))
    if key == "key.nobody_to_ask":
        assert "DASHSCOPE_API_KEY" in str(ran.error)


@pytest.mark.parametrize(
    "word", ["4f0c81d2b7a9463e95d0c3f2", "a-gateway-gave-us-words", "sk-short", "Xk3dT9aPq2Lw", SECRET]
)
@pytest.mark.parametrize(
    "line",
    ["%wan login {}", "%wan login dashscope-intl {}", "%wan logout {}", "%wan login {} --help", "%wan login --foo {}"],
)
def test_a_key_behind_login_is_refused_whatever_it_looks_like(
    shell: Shell, answer: Answers, word: str, line: str
) -> None:
    """What is no name there is a key, and is not shown again."""
    asked = answer(SECRET)
    ran = shell.run(line.format(word))
    assert isinstance(ran.error, CredentialsError)
    assert ran.error.key == "key.typed"
    assert word not in ran.out + ran.err + str(ran.error)
    assert asked == []
    assert word not in repr([value for name, value in shell.names.items() if name.startswith(("_", "In"))])


@pytest.mark.parametrize("word", ["dev", "wan", "nix", "alibaba", "xyzzy-plugh"])
@pytest.mark.parametrize("line", ["%wan login {}", "%wan login emulator {}", "%wan logout {}"])
def test_a_name_that_does_not_exist_is_no_key(shell: Shell, word: str, line: str) -> None:
    """Nothing is to be revoked, and no input that holds these letters is forgotten."""
    shell.ok(f"x = 'development, wanted, unix, {word}'")
    ran = shell.run(line.format(word))
    assert isinstance(ran.error, WanError)
    assert ran.error.key in ("provider.unknown", "command.too_many")
    assert word in str(ran.error)
    assert "development" in shell.names["In"][-2]
    assert word in shell.names["In"][-1]


def test_only_inputs_that_have_the_key_as_a_word_are_forgotten(shell: Shell) -> None:
    """A longer word that begins or ends so is another one; quotes and brackets are no part of a word."""
    key = "a-gateway-gave-us"
    for source in (f"x = '{key}-all'", f"x = 'not-{key}'", f"x = '{key}'"):
        shell.ok(source)
    assert shell.run(f"%wan login {key}").error.key == "key.typed"
    kept = [source for source in shell.names["In"] if key in source]
    assert kept == [f"x = '{key}-all'", f"x = 'not-{key}'"]


def test_a_name_with_a_slip_is_told_as_one(shell: Shell) -> None:
    """It is no key."""
    ran = shell.run("%wan login dashscop-intl")
    assert isinstance(ran.error, SettingsError)
    assert "Did you mean dashscope-" in str(ran.error)


# ---- keyring --------------------------------------------------------------------------------------------------------


def test_a_key_is_kept_only_on_request(shell: Shell, there: PortEmulator, answer: Answers, ring: Ring) -> None:
    """`--keep` says where; another kernel finds it there; logging out takes it out."""
    answer(SECRET)
    shell.ok("%wan login")
    assert ring.kept == {}
    out = shell.ok("%wan login --keep").out
    assert "It is also saved in Test Ring as wan_jupyter / dashscope-intl" in out
    assert ring.kept == {("wan_jupyter", "dashscope-intl"): SECRET}
    shell.ok("%reload_ext wan_jupyter")
    shell.ok("%wan")
    assert key_of(shell).source == "keyring"
    assert shell.ok("%wan logout").lines == ["Removed the dashscope-intl key."]
    assert ring.kept == {}
    assert "No dashscope-intl key to remove" in shell.ok("%wan logout").out
    assert shell.run("%wan").error.key == "key.missing"


@pytest.mark.parametrize(("module", "key"), [(None, "key.no_keyring"), (NoBackend(), "key.not_kept")])
def test_without_a_keyring_the_key_is_used_all_the_same(
    shell: Shell, there: PortEmulator, answer: Answers, monkeypatch: pytest.MonkeyPatch, module: Any, key: str
) -> None:
    """And what to install is said."""
    monkeypatch.setitem(sys.modules, "keyring", module)
    answer(SECRET)
    ran = shell.run("%wan login --keep")
    assert isinstance(ran.error, CredentialsError)
    assert ran.error.key == key
    assert 'pip install "wan_jupyter[keyring]"' in str(ran.error)
    assert SECRET not in str(ran.error)
    assert ran.error.__context__ is None
    assert key_of(shell).reveal() == SECRET


# ---- a key in a cell ------------------------------------------------------------------------------------------------

CELLS = {
    "login": f"%wan login {SECRET}",
    "a word of a line": f"%wan show {SECRET}",
    "an option that is none": f"%%wan cat.png --key {SECRET}\nA cat",
    "its value alone": "%%wan cat.png --api-key=hunter2\nA cat",
    "a parameter": f"%%wan cat.png -p api_key={SECRET}\nA cat",
    "a header": "%%wan cat.png --param Authorization=hunter2\nA cat",
    "the prompt": f"%%wan cat.png {SMALL}\nA cat with {SECRET}",
    "a negative prompt": f"%%wan cat.png -n '{SECRET}'\nA cat",
    "dry": f"%%wan cat.png --dry-run -p x.y={SECRET}\nA cat",
    "a gateway's": "%%wan cat.png\nsk-Ab3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hI6kL9nO2qR5tU8",
}


@pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS)
def test_a_key_in_a_cell_is_refused(shell: Shell, cell: str) -> None:
    """Before anything is sent, kept or opened; the two lines say what to do, and not what was typed."""
    ran = shell.run(cell)
    assert isinstance(ran.error, CredentialsError)
    assert ran.error.key == "key.typed"
    assert not [word for word in (SECRET, SECRET[3:12], "hunter2", "Ab3dE6gH") if word in ran.out + ran.err]
    assert shell.workspace.rows() == shell.workspace.tasks() == []
    assert not [value for name, value in shell.names.items() if name.startswith("_i") and value == cell]
    assert shell.names["In"][-1] == ""


def test_a_key_that_is_known_is_found_in_any_words(shell: Shell, there: PortEmulator) -> None:
    """Whatever it looks like: in the prompt, or in a variable that fills it."""
    shell.ok("%env DASHSCOPE_API_KEY=simple-key-of-a-school")
    shell.names["words"] = "a simple-key-of-a-school"
    for prompt in ("A simple-key-of-a-school", "A cat and {{ words }}"):
        assert shell.run(f"%%wan cat.png {SMALL}\n{prompt}").error.key == "key.typed"
    assert there.requests == []
    assert shell.workspace.rows() == []


@pytest.mark.parametrize("line", ['-n "{{ words }}"', "-n $words", "-p $pair", "--template $words"])
def test_a_key_that_a_variable_brings_into_an_option_is_refused(shell: Shell, line: str) -> None:
    """Filled in or looked up: it would stand in the dry run, the journal and the sidecar."""
    shell.names["words"], shell.names["pair"] = f"no {SECRET}", f"x.y={SECRET}"
    ran = shell.run(f"%%wan cat.png {SMALL} --dry-run {line}\nA cat")
    assert isinstance(ran.error, CredentialsError)
    assert (ran.error.key, SECRET in ran.out + ran.err) == ("key.typed", False)


@pytest.mark.parametrize("prompt", ["An sk-2026-spring-collection of dresses", "She is the key, sk-eyes emulated"])
def test_words_are_no_keys(shell: Shell, prompt: str) -> None:
    """A prompt may say what it likes."""
    shell.order(prompt, "cat.png").result(PATIENCE)


# ---- in a real kernel -----------------------------------------------------------------------------------------------


def test_a_password_field_is_asked_for_in_a_notebook(
    own_kernel: Kernel, workspace: Workspace, port: PortEmulator
) -> None:
    """The kernel asks its front end for a hidden input; the answer is in no message that comes back."""
    kernel = own_kernel
    kernel.begin(workspace, {"WAN_PROVIDER": "dashscope-intl", "WAN_BASE_URL": port.base_url})
    cell = kernel.start("%wan login", live=True)
    request = kernel.client.get_stdin_msg(timeout=PATIENCE)
    assert request["content"]["password"] is True
    assert "dashscope-intl" in request["content"]["prompt"]
    kernel.client.input(SECRET)
    kernel.until(lambda: cell.idle)
    assert "dashscope-intl accepted the key" in cell.stream
    assert SECRET not in str(kernel.log)
    assert kernel.ask("wan_jupyter.Session.__name__ if 'wan_jupyter' in dir() else ''") == ""


def test_a_run_without_a_keyboard_is_told_the_variable(
    own_kernel: Kernel, workspace: Workspace, port: PortEmulator
) -> None:
    """nbclient and papermill: an error, no hanging."""
    own_kernel.begin(workspace, {"WAN_PROVIDER": "dashscope-intl", "WAN_BASE_URL": port.base_url})
    error = own_kernel.run("%wan login").error
    assert error is not None
    assert "DASHSCOPE_API_KEY" in "".join(error["traceback"])


@pytest.fixture
def history(own_kernel: Kernel, workspace: Workspace) -> Path:
    """The file in which the kernel's IPython remembers what was typed."""
    own_kernel.begin(workspace, {"WAN_PROVIDER": "emulator"})
    name = own_kernel.ask("str(get_ipython().history_manager.hist_file)")
    return Path(name)


def test_what_ipython_remembers_is_cleaned(own_kernel: Kernel, history: Path) -> None:
    """Not in memory, not in its database, not in the file's unused pages; what stands around it stays."""
    run = {"store_history": True, "allow_stdin": False}
    own_kernel.client.execute_interactive("before = 1", timeout=PATIENCE, **run)
    for cell in (CELLS["login"], CELLS["the prompt"], CELLS["an option that is none"]):
        reply = own_kernel.client.execute_interactive(cell, timeout=PATIENCE, output_hook=lambda _: None, **run)
        assert "was removed" in "".join(reply["content"]["traceback"])
    own_kernel.client.execute_interactive("after = 2", timeout=PATIENCE, **run)
    own_kernel.ok("get_ipython().history_manager.writeout_cache()")
    with closing(sqlite3.connect(history)) as sql:
        inputs = [text for (text,) in sql.execute("SELECT source_raw FROM history ORDER BY session, line")]
    assert {"before = 1", "after = 2"} <= set(inputs)
    assert not [text for text in inputs if "sk-4f" in text]
    for path in history.parent.glob(f"{history.name}*"):
        assert SECRET.encode() not in path.read_bytes()
    seen = own_kernel.ask("[str(value) for name, value in globals().items() if name[:2] in ('_i', 'In')]")
    assert SECRET not in str(seen)


def test_a_history_that_cannot_be_cleaned_is_told(own_kernel: Kernel, history: Path) -> None:
    """Another process holds the database: the file is named, so that the user can do it."""
    with closing(sqlite3.connect(history, isolation_level=None)) as other:
        own_kernel.ok("get_ipython().history_manager.db.execute('PRAGMA busy_timeout = 0')")
        other.execute("BEGIN EXCLUSIVE")
        error = own_kernel.run(CELLS["login"]).error
        other.execute("ROLLBACK")
    assert error is not None
    assert "history_manager.hist_file" in "".join(error["traceback"])
