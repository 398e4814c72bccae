"""What cannot be sent: at most two lines that name the thing to type, no traceback, and nothing was sent."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import pytest

from tests.support.emulator_client import PortEmulator
from tests.support.ipython_shell import SMALL, Shell, Workspace
from tests.support.kernel_client import Kernel
from tests.support.world import picture

pytest_plugins = ("tests.support.notebook_fixtures",)

NAMES = "colour = 'blue'\npicture = 'cat.png'\nnumber = 3"

# What is typed, and words that the two lines must have.
TABLE: dict[str, tuple[str, tuple[str, ...]]] = {
    "missing file": ("%%wan kat.png\nA cat", ("kat.png", "Did you mean cat.png?")),
    "missing file in a folder": ("%%wan pictures/dog.png\nA dog", ("pictures/dog.png",)),
    "not an image": ("%%wan notes.txt\nA cat", ("notes.txt is not an image", "JPEG, PNG")),
    "an empty file": ("%%wan empty.png\nA cat", ("empty.png is an empty file",)),
    "a damaged file": ("%%wan damaged.png\nA cat", ("damaged.png is damaged",)),
    "a drawing": ("%%wan logo.svg\nA cat", ("logo.svg is an SVG drawing", "Convert it to PNG")),
    "a bomb": ("%%wan bomb.png\nA cat", ("bomb.png has more than 100 million pixels",)),
    "a file URL": ("%%wan file://./my%20cat+1#2.png\nA cat", ("my cat+1#2.png", "Searched in")),
    "a file URL of Windows": ("%%wan file:///C:/pictures/cat.png\nA cat", ("Image C:/pictures/cat.png not found",)),
    "a path of Windows": (r"%%wan 'C:\pictures\cat.png'" + "\nA cat", (r"C:\pictures\cat.png",)),
    "a folder": ("%%wan pictures\nA cat", ("pictures is a folder", "pictures/cat.png")),
    "unknown option": ("%%wan cat.png --duraton 5\nA cat", ("--duraton", "Did you mean --duration?")),
    "one dash": ("%%wan cat.png -duration 5\nA cat", ("-duration", "--duration")),
    "ambiguous option": ("%%wan cat.png --a\nA cat", ("--audio", "--audio-url")),
    "bad number": (
        "%%wan cat.png -d soon\nA cat",
        ("--duration needs a whole number of seconds, not soon", "--duration 5"),
    ),
    "bad choice": ("%%wan cat.png --embed alwys\nA cat", ("alwys", "Did you mean always?")),
    "bad resolution": ("%%wan cat.png -r big\nA cat", ("--resolution", "720P")),
    "bad time": ("%%wan cat.png --timeout later\nA cat", ("later", "20m")),
    "bad name": ("%%wan cat.png -o 1st\nA cat", ("1st", "my_video")),
    "bad value of a variable": ("%%wan cat.png -r $colour\nA cat", ("not blue", "720P")),
    "no value": ("%%wan cat.png -d\nA cat", ("-d needs a value", "-d SECONDS")),
    "open quote": ("%%wan 'cat.png\nA cat", ("Missing closing quote", "Close it with '")),
    "three pictures": ("%%wan cat.png cat.png A\ncat", ("two images", "Unexpected argument: A")),
    "a prompt in the line": ("%%wan cat.png The cat looks up", ("Unexpected argument", "body, below the %%wan line")),
    "neither picture nor prompt": ("%%wan", ("No image and no prompt were given", "%%wan cat.png")),
    "options only": ("%%wan -d 5", ("No image and no prompt were given", "%%wan cat.png")),
    "a prompt alone": ("%%wan\nA cat", ("No image was given", "%%wan cat.png")),
    "unknown template": ("%%wan cat.png\nA {{ color }} cat", ("color", "Did you mean colour?")),
    "unknown attribute": ("%%wan cat.png\nA {{ colour.uper }} cat", ("uper", "Did you mean upper?")),
    "open template": ("%%wan cat.png\nA {{ colour cat", ("Missing end of template", "}}")),
    "an expression": ("%%wan cat.png\nA {{ number + 1 }} cat", ("number + 1", "{{ x }}")),
    "unknown variable": ("%%wan $pictur\nA cat", ("pictur", "Did you mean picture?")),
    "a variable of no picture": ("%%wan $number\nA cat", ("$number", "int")),
    "wrong duration": (f"%%wan cat.png {SMALL} -d 7\nA cat", ("does not support 7 s", "--duration", "5, 10")),
    "wrong resolution": (
        "%%wan cat.png -m wan2.6-i2v-flash -r 480P\nA cat",
        ("does not support 480P", "--resolution", "720P"),
    ),
    "wrong mode": ("%%wan cat.png -m wan2.2-kf2v-flash\nA cat", ("wan2.2-kf2v-flash", "last frame")),
    "wrong mode, two pictures": (
        f"%%wan cat.png cat.png {SMALL}\nA cat",
        ("two were given", "--model wan2.2-kf2v-flash"),
    ),
    "an option of other models": (
        "%%wan cat.png -m wan2.5-i2v-preview --shot-type multi\nA cat",
        ("--shot", "--model wan2.6"),
    ),
    "unknown provider": ("%%wan cat.png --provider emulater\nA cat", ("emulater", "Did you mean emulator?")),
    "missing key": ("%%wan cat.png --provider dashscope-intl\nA cat", ("API key", "DASHSCOPE_API_KEY")),
    "a bad address": ("%%wan https:///cat.png\nA cat", ("not a complete URL", "https://")),
    "unknown command": ("%wan shwo", ("Unknown command %wan shwo", "Did you mean show?")),
    "a word too many": ("%wan where now", ("Unexpected argument for %wan where: now", "%wan help")),
    "unknown job": ("%wan show zzzzz", ("No job zzzzz", "%wan jobs")),
    "no provider named": ("%wan use", ("Missing provider name.", "emulator")),
    "unknown provider to use": ("%wan use dashscope", ("Unknown provider dashscope", "Did you mean dashscope-")),
    "use without a key": ("%wan use dashscope-cn", ("API key", "DASHSCOPE_API_KEY")),
}


def bomb(side: int) -> bytes:
    """Make a PNG whose header alone promises so many pixels."""
    head = b"IHDR" + struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n\0\0\0\x0d" + head + struct.pack(">I", zlib.crc32(head)) + b"\0\0\0\0IDAT"


def furnish(folder: Path) -> None:
    """Put the files there that the table names."""
    (folder / "notes.txt").write_text("This is a text, and not a short one.", encoding="utf-8")
    (folder / "empty.png").touch()
    (folder / "damaged.png").write_bytes(picture()[:20])
    (folder / "logo.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>', encoding="utf-8")
    (folder / "bomb.png").write_bytes(bomb(60_000))
    (folder / "pictures").mkdir()


def check(said: str, words: tuple[str, ...]) -> None:
    """At most two lines, with the words, and nothing of a traceback."""
    lines = [line for line in said.splitlines() if line.strip()]
    assert len(lines) <= 2, said
    assert [word for word in words if word not in said] == [], said
    assert not any(frame in said for frame in ("Traceback", "wan_jupyter/", ".py", "Cell In[", "---->")), said


@pytest.fixture
def terminal(shell: Shell) -> Shell:
    furnish(shell.workspace.folder)
    shell.ok(NAMES)
    return shell


@pytest.mark.parametrize("case", TABLE)
def test_a_terminal_shows_two_lines(terminal: Shell, case: str) -> None:
    """In a terminal IPython; the journal has no row and no task was made."""
    source, words = TABLE[case]
    ran = terminal.run(source)
    assert ran.error is not None
    check(ran.out, words)
    assert ran.err == ""
    assert terminal.workspace.rows() == terminal.workspace.tasks() == []


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    made = Workspace(tmp_path_factory.mktemp("bad"))
    furnish(made.folder)
    return made


@pytest.fixture(scope="module")
def notebook(_kernel: Kernel, room: Workspace, _port: PortEmulator) -> Kernel:
    """A kernel as it is for a whole notebook of mistakes."""
    _kernel.begin(room, {"WAN_PROVIDER": "emulator", "WAN_BASE_URL": _port.base_url})
    _kernel.ok(NAMES)
    return _kernel


@pytest.mark.parametrize("case", TABLE)
def test_a_notebook_shows_two_lines(notebook: Kernel, room: Workspace, port: PortEmulator, case: str) -> None:
    """In a live notebook the error is the cell's only output, and the service heard nothing."""
    source, words = TABLE[case]
    cell = notebook.run(source, live=True)
    assert cell.error is not None
    check("\n".join(cell.error["traceback"]), words)
    assert cell.outputs == [cell.error]
    assert room.rows() == []
    assert port.ledger() == {"tasks": [], "requests": []}


def test_an_error_of_the_users_own_keeps_its_traceback(shell: Shell) -> None:
    """Only our errors are two lines."""
    ran = shell.run("def broken():\n    1 / 0\nbroken()")
    assert "ZeroDivisionError" in ran.out
    assert "broken()" in ran.out


def test_nothing_is_kept_of_what_was_not_sent(terminal: Shell) -> None:
    """No copy of the picture, no video folder, no variable."""
    terminal.run(f"%%wan cat.png {SMALL} -d 7 -o job\nA cat")
    assert "job" not in terminal.names
    assert not terminal.workspace.outputs.exists()
    assert not list((terminal.workspace.home / "inputs").glob("*"))


def test_an_error_in_python_keeps_the_users_frames_alone(shell: Shell) -> None:
    """Through the Python door, too, a cell shows our two lines and no frame of ours."""
    ran = shell.run("import wan_jupyter\nwan_jupyter.Session('emulator').submit('A cat', image='kat.png')")
    check(ran.out, ("kat.png", "Did you mean cat.png?"))


def test_a_mistyped_keyword_is_named(shell: Shell) -> None:
    """And the right one beside it."""
    ran = shell.run("import wan_jupyter\nwan_jupyter.Session('emulator').submit('A cat', image='cat.png', durration=5)")
    check(ran.out, ("durration", "Did you mean duration?"))
