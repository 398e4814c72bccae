"""What Tab offers after `%%wan` and `%wan`: the pure function, then IPython's completer, then a real kernel."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.support.clock import PATIENCE
from tests.support.ipython_shell import Shell
from tests.support.kernel_client import Kernel
from tests.support.processes import python
from tests.support.world import picture
from wan_jupyter.catalog import order, plan
from wan_jupyter.media.video.video import Video
from wan_jupyter.notebook.commands import COMMANDS
from wan_jupyter.notebook.completion import install, uninstall
from wan_jupyter.notebook.completion.candidates import KINDS, CompletionContext
from wan_jupyter.notebook.completion.complete import Completion, _completions, complete
from wan_jupyter.notebook.completion.magic_line import is_ours
from wan_jupyter.request.command_line import read_line, spellings

pytest_plugins = ("tests.support.notebook_fixtures",)

JOBS = (("k3x9a", True), ("k3b77", False), ("m2q41", True))
FILES = ("cat.png", "cat 2.png", "cat 10.png", "Dog.JPG", "notes.txt", ".hidden.png", "-minus.png", "$5.png")
JOB_FILTERS = ["--since", "--failed", "--model", "--limit"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A notebook's folder with pictures of several names, and folders."""
    for name in (*FILES, "sub dir/inside.webp", "cats/tom.gif", "cats/deep/x.bmp"):
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).write_bytes(b"")
    return tmp_path


@pytest.fixture
def here(folder: Path) -> CompletionContext:
    """A notebook in that folder."""
    names = {"photo": b"\x89PNG", "path": "cat.png", "number": 5, "text": "a cat", "_hidden": b""}
    return CompletionContext(folder, names, lambda: COMMANDS, sessions=lambda: ("lab", "course"), jobs=lambda: JOBS)


def offered(line: str, here: CompletionContext) -> list[str]:
    """Return what is offered where `|` stands in the line, or at its end."""
    before, _, after = line.partition("|")
    return [one.text for one in complete(before + after, len(before), here)]


def typed(line: str, here: CompletionContext, choice: int = 0) -> str:
    """Return the line after an offer was taken."""
    before, _, after = line.partition("|")
    one = complete(before + after, len(before), here)[choice]
    return before[: one.start] + one.text + (before + after)[one.end :]


# ---- pictures -----------------------------------------------------------------------------------------------------


def test_pictures_come_first_then_folders(here: CompletionContext) -> None:
    """Numbers in the order of numbers, blanks in quotes, no other files, nothing hidden."""
    assert offered("%%wan c", here) == ['"cat 2.png"', '"cat 10.png"', "cat.png", "cats/"]
    assert offered("%%wan n", here) == []
    assert offered("%%wan .h", here) == [".hidden.png"]


def test_an_empty_word_may_become_anything(here: CompletionContext) -> None:
    """Pictures, folders, variables, then the options, each with its kind."""
    found = complete("%%wan ", 6, here)
    kinds = [one.kind for one in found]

    assert list(dict.fromkeys(kinds)) == ["picture", "folder", "name", "option"]
    assert {(one.start, one.end) for one in found} == {(6, 6)}


@pytest.mark.parametrize(
    ("line", "result"),
    [
        ("%%wan d", "%%wan Dog.JPG"),
        ("%%wan cats/", "%%wan cats/tom.gif"),
        ("%%wan cats/d", "%%wan cats/deep/"),
        ("%%wan ./cats/t", "%%wan ./cats/tom.gif"),
        ("%%wan su", '%%wan "sub dir/'),
        ('%%wan "sub dir/', '%%wan "sub dir/inside.webp"'),
        ("%%wan 'cat 1", "%%wan 'cat 10.png'"),
        ('%%wan "cat 1|" -d 5', '%%wan "cat 10.png" -d 5'),  # the notebook closed the quote by itself
        ("%%wan ca| -d 5", '%%wan "cat 2.png" -d 5'),
        ("%%wan -d 5 cat.png d", "%%wan -d 5 cat.png Dog.JPG"),
        ("%%wan -- d", "%%wan -- Dog.JPG"),
        ("%%wan ./-", "%%wan ./-minus.png"),
    ],
)
def test_a_picture_is_completed_where_it_stands(here: CompletionContext, line: str, result: str) -> None:
    """In folders, in quotes, before other words, after options."""
    assert typed(line, here) == result


def test_every_picture_is_offered_as_it_has_to_be_typed(here: CompletionContext, folder: Path) -> None:
    """Read back, each names its own file: blanks, quotes, a dash or a dollar in front do not matter."""
    for name in ("it's.png", 'in "quotes".png', "both\" it's.png", "#1.png", "고양이 사진.png", "a=b.png", "(1).png"):
        (folder / name).write_bytes(b"")
    there = {path.name for path in folder.glob("[!.]*.*") if path.suffix.lower() in (".png", ".jpg")}
    texts = [one.text for one in complete("%%wan ", 6, here) if one.kind == "picture"]
    read = [read_line(text, {}).images[0] for text in texts]

    assert {(folder / str(name)).name for name in read} == there
    assert all((folder / str(name)).is_file() for name in read)


def test_a_name_that_no_quote_can_hold_is_not_offered(here: CompletionContext, folder: Path) -> None:
    """Better nothing than a line that means something else."""
    (folder / "z\" one ' two.png").write_bytes(b"")
    (folder / "z\nline.png").write_bytes(b"")

    assert offered("%%wan z", here) == []


def test_the_home_folder_is_written_with_a_tilde(here: CompletionContext, tmp_path: Path) -> None:
    """It stays so."""
    (tmp_path / "user" / "me.png").write_bytes(b"")

    assert offered("%%wan ~/m", here) == ["~/me.png"]
    assert offered("%%wan ~", here) == ["~/me.png"]


def test_a_third_picture_is_not_offered(here: CompletionContext) -> None:
    """There are a first and a last one only."""
    assert {text[:2] for text in offered("%%wan cat.png Dog.JPG ", here)} == {"--"}
    assert offered("%%wan cat.png Dog.JPG c", here) == []


def test_a_folder_that_is_not_there_offers_nothing(here: CompletionContext) -> None:
    """Nor does one that is a file, or a name that no system has."""
    assert [offered(f"%%wan {word}", here) for word in ("none/", "cat.png/", "a\0/")] == [[], [], []]


def test_as_much_is_offered_as_can_be_shown(here: CompletionContext, folder: Path) -> None:
    """A folder of thousands of frames costs no more than that."""
    for i in range(700):
        (folder / f"frame{i}.png").write_bytes(b"")

    assert offered("%%wan fr", here) == [f"frame{i}.png" for i in range(500)]


def test_variables_are_offered_if_they_may_be_pictures(here: CompletionContext, tmp_path: Path) -> None:
    """By their type alone: PIL, numpy, matplotlib, bytes, paths, links, videos."""
    import numpy
    from matplotlib.figure import Figure
    from PIL import Image

    class Asked:
        """An object that answers no question without an error."""

        def __getattribute__(self, name: str) -> Any:
            raise AssertionError(name)

    yes = {
        "pil": Image.new("RGB", (2, 2)), "array": numpy.zeros((2, 2, 3)), "figure": Figure(), "raw": b"x",
        "path": tmp_path / "a.PNG", "link": "https://host/cat", "video": Video(tmp_path / "a.mp4"),
    }  # fmt: skip
    no = {"row": numpy.zeros(3), "text": "cat", "number": 5, "kind": Image.Image, "asked": Asked(), "none": None}
    facts = replace(here, names={**yes, **no})

    assert offered("%%wan $", facts) == sorted(f"${name}" for name in yes)
    assert offered("%%wan cat.png $pi", facts) == ["$pil"]
    assert offered('%%wan "$pi', facts) == []


# ---- options ------------------------------------------------------------------------------------------------------


def test_options_are_those_that_can_be_typed(here: CompletionContext) -> None:
    """All of them, the long spellings first; of what is typed already none, but for what may come again."""
    assert offered("%%wan --", here) == [flag for flag in spellings() if flag.startswith("--")]
    assert set(offered("%%wan -", here)) == set(spellings())
    assert offered("%%wan --du", here) == ["--duration"]
    assert [offered(f"%%wan {typed} --du", here) for typed in ("-d 5", "--dur=5", "-d5")] == [[], [], []]
    assert offered("%%wan --no-audio --au", here) == ["--audio-url"]
    assert offered("%%wan -p a=1 --par", here) == ["--param"]
    assert offered("%%wan -- --du", here) == []


@pytest.mark.parametrize("lead", ["-d ", "--duration ", "--duration=", "--dur ", "-d=", '-d "', "cat.png -r 720P -d "])
def test_durations_are_those_of_the_model(here: CompletionContext, lead: str) -> None:
    """However the option is written."""
    row = plan.models()["wan2.6-i2v"]

    assert [one.strip('"') for one in offered(f"%%wan -m {row.id} {lead}", here)] == [str(one) for one in row.durations]


@pytest.mark.parametrize(
    ("line", "row", "field"),
    [
        ("%%wan cat.png -d | -m wan2.5-i2v-preview", "wan2.5-i2v-preview", "durations"),
        ('%%wan cat.png -d "|" --model=wan2.5-i2v-preview', "wan2.5-i2v-preview", "durations"),
        ("%%wan cat.png -m wan2.6-i2v -d | -m wan2.5-i2v-preview", "wan2.6-i2v", "durations"),
        ("%%wan -r | cat.png Dog.JPG", "wan2.2-kf2v-flash", "resolutions"),
        ("%%wan cat.png -r | # -m wan2.5-i2v-preview", "wan2.6-i2v-flash", "resolutions"),
    ],
)
def test_what_stands_behind_the_cursor_counts(here: CompletionContext, line: str, row: str, field: str) -> None:
    """A line is changed in its middle as well; what stands before the cursor goes first, and a comment says nothing."""
    said = [one.strip('"') for one in offered(line, here)]

    assert said == [str(one) for one in getattr(plan.models()[row], field)]
    assert offered("%%wan c| cat.png Dog.JPG", here) == []
    assert offered("%%wan --du| -d 5", here) == []


def test_a_model_that_is_not_typed_is_the_usual_one(here: CompletionContext) -> None:
    """The provider's for so many pictures, or the user's own."""
    rows = plan.models()
    usual = plan.providers()["emulator"].defaults

    def tiers(line: str, facts: CompletionContext) -> tuple[str, ...]:
        return tuple(offered(f"%%wan {line} -r ", facts))

    assert tiers("cat.png", here) == rows[usual["first"]].resolutions
    assert tiers("a.png b.png", here) == rows[usual["first_last"]].resolutions
    own = replace(here, model=lambda _: "wan2.2-i2v-plus")
    assert tiers("cat.png", own) == rows["wan2.2-i2v-plus"].resolutions != rows[usual["first"]].resolutions


def test_values_are_those_of_the_provider_on_the_line(here: CompletionContext) -> None:
    """A gateway's own documents say what its models take; a session stands for its provider."""
    told = plan.providers()["ssanai"].models["wan2.6-i2v"]["durations"]
    session = replace(here, provider=lambda name: {"lab": "ssanai"}.get(name, name))

    for line, facts in (("--provider ssanai", here), ("--session lab", session), ("--session=lab", session)):
        assert offered(f"%%wan {line} -m wan2.6-i2v -d ", facts) == [str(one) for one in told]
    assert offered("%%wan --provider ssanai -m ", here)[: len(plan.providers()["ssanai"].models)] == list(
        plan.providers()["ssanai"].models
    )


def test_a_region_has_its_own_durations(here: CompletionContext) -> None:
    """As the catalogue says."""
    rows = [row for row in plan.models().values() if row.durations_at]
    assert rows
    for row in rows:
        for where in (one for one in plan.providers().values() if one.region in row.durations_at):
            line = f"%%wan --provider {where.name} -m {row.id} -d "
            assert offered(line, here)[: len(row.durations_at[where.region])] == [
                str(one) for one in row.durations_at[where.region]
            ]


def test_an_unknown_model_has_the_usual_tiers(here: CompletionContext) -> None:
    """Catalogues age: nothing is known of its durations."""
    assert offered("%%wan -m wan9.9-i2v -r ", here) == list(order.TIERS)
    assert offered("%%wan -m wan9.9-i2v -d ", here) == []


def test_names_are_completed(here: CompletionContext) -> None:
    """Models, providers, sessions, choices, templates, sizes."""
    row = next(row for row in plan.models().values() if row.templates)

    assert offered("%%wan -m wan2.5", here) == [name for name in plan.models() if name.startswith("wan2.5")]
    assert set(offered("%%wan -m ", here)) == set(plan.models())
    assert offered("%%wan --provider ", here) == list(plan.providers())
    assert offered("%%wan --session ", here) == ["lab", "course", *plan.providers()]
    assert offered("%%wan --embed a", here) == ["auto", "always"]
    assert offered("%%wan --shot-type=", here) == ["single", "multi"]
    assert offered(f"%%wan -m {row.id} --template ", here) == list(row.templates)
    assert "1280x720" in offered("%%wan --size ", here)


@pytest.mark.parametrize(
    "line", ["-n ", '-n "c', "-o ", "-s 4", "--audio-url h", "--timeout ", "--param c", "--nonsense=c"]
)
def test_a_value_that_is_the_users_own_is_not_guessed(here: CompletionContext, line: str) -> None:
    """Least of all as a picture."""
    assert offered(f"%%wan {line}", here) == []


@pytest.mark.parametrize(
    "line", ["%%wan # c", "%%wan cat.png # --d", '%%wan "cat.png"', "%%wan", "%%wan|x c", "|%%wan c"]
)
def test_nothing_is_offered_where_nothing_goes(here: CompletionContext, line: str) -> None:
    """In a comment, after a closed quote, in the magic's own name."""
    assert offered(line, here) == []


@pytest.mark.parametrize(
    "line", ["", "x", "wan c", "%wanted c", "%%wanted c", "print('%%wan c", " %%wan c", "x == %wan c"]
)
def test_other_lines_are_left_alone(here: CompletionContext, line: str) -> None:
    """They are IPython's."""
    assert offered(line, here) == []


# ---- %wan ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "texts"),
    [
        ("%wan ", list(COMMANDS)),
        ("%wan s", ["sessions", "show", "spend"]),
        ("  x = %wan sh", ["show"]),
        ("%wan show ", ["k3x9a", "k3b77", "m2q41"]),
        ("%wan show k", ["k3x9a", "k3b77"]),
        ("%wan show k3x9a ", []),
        ("%wan wait k3x9a ", ["m2q41"]),
        ("%wan cancel ", ["k3x9a", "m2q41"]),
        ("%wan spend ", ["today", "all"]),
        ("%wan spend today ", []),
        ("%wan use l", ["lab"]),
        ("%wan use op", ["ope", "openai-videos"]),
        ("%wan adopt ", []),
        ("%wan adopt 0385 wan2.7", [name for name in plan.models() if name.startswith("wan2.7")]),
        ("%wan models wan3", [name for name in plan.models() if name.startswith("wan3")]),
        ("%wan help ", list(COMMANDS)),
        ("%wan help sp", ["spend"]),
        ("%wan help -", []),
        ("%wan resume ", []),
        ("%wan jobs ", JOB_FILTERS),
        ("%wan jobs --f", ["--failed"]),
        ("%wan jobs --failed -", [flag for flag in JOB_FILTERS if flag != "--failed"]),
        ("%wan jobs --since ", ["today", "yesterday", "week"]),
        ("%wan jobs --since=w", ["week"]),
        ("%wan jobs --since today --l", ["--limit"]),
        ("%wan jobs --limit ", []),
        ("%wan jobs --limit 5 --failed ", ["--since", "--model"]),
        ("%wan jobs --nonsense=t", []),
        ("%wan frame --strip 8 k3x", ["k3x9a"]),
        ("%wan show --x=k", []),
        ("%wan jobs --model wan3", [name for name in plan.models() if name.startswith("wan3")]),
        ("%wan frame k3x9a ", ["--strip"]),
        ("%wan frame -", ["--strip"]),
        ("%wan frame --strip ", ["k3x9a", "k3b77", "m2q41"]),
        ("%wan retry --yes m", ["m2q41"]),
        ("%wan clean --", ["--yes"]),
        ("%wan login ope --", ["--keep"]),
        ("%wan login --keep op", ["ope", "openai-videos"]),
        ("%wan nonsense ", []),
    ],
)
def test_commands_and_their_words_are_completed(here: CompletionContext, line: str, texts: list[str]) -> None:
    """Ids the newest first; where something is waited for or stopped, those under way."""
    assert offered(line, here) == texts


def test_tab_knows_every_kind_of_word_that_commands_take() -> None:
    """A word is text of the user's own, has fixed choices, or is of a kind with candidates."""
    arguments = [word for spec in COMMANDS.values() for word in spec.words]
    arguments += [flag.value for spec in COMMANDS.values() for flag in spec.flags if flag.value]
    kinds = {argument.kind for argument in arguments} - {""}
    assert kinds == set(KINDS)
    assert [argument for argument in arguments if argument.kind and argument.choices] == []


# ---- whatever happens ---------------------------------------------------------------------------------------------


def fail(*_: object) -> Any:
    """Do what a broken journal or a broken settings file does."""
    raise OSError("broken")


@pytest.mark.parametrize("line", ["%%wan --session ", "%%wan -m ", "%%wan -d ", "%wan show ", "%wan use ", "%%wan -r "])
def test_what_fails_offers_nothing(here: CompletionContext, line: str) -> None:
    """Tab is no place for an error."""
    broken = replace(here, sessions=fail, jobs=fail, provider=fail, model=fail)

    assert offered(line, broken) == []


LINES = st.lists(
    st.sampled_from(
        [
            "%%wan", "%wan", " ", "  ", "x =", "cat.png", "ca", '"', "'", "$", "$ph", "-", "--", "-d", "5", "=", "--du",
            "-m", "wan2", "--session", "--provider", "ope", "#", "~", "/", "..", "\\", "cats/", "show", "wait", "k3",
            "\t", "–", "é", "\U0001f408", "\ud800", "\0", "\n", "--template=", "-n\"", "{", "a" * 300,
        ]
    ) | st.text(max_size=5),
    max_size=8,
).map("".join)  # fmt: skip


@settings(max_examples=500, deadline=None)
@given(st.sampled_from(["", "%%wan ", "%wan ", "x = %wan "]), LINES, st.none() | st.integers(-3, 60) | st.just(10**9))
@example("%%wan ", '-n="', 10)
def test_any_line_and_cursor_are_survived(lead: str, rest: str, cursor: int | None) -> None:
    """No exception; what is replaced lies in the line and ends at the cursor; what is offered is one line of text."""
    line = lead + rest
    cursor = len(line) if cursor is None else cursor
    facts = CompletionContext(
        Path(__file__).parent, {"photo": b""}, lambda: COMMANDS, sessions=lambda: ("lab",), jobs=lambda: JOBS
    )
    found = complete(line, cursor, facts)

    assert found == (list(_completions(line, cursor, facts)) if is_ours(line, cursor) else [])  # nothing was swallowed
    assert all(isinstance(one, Completion) for one in found)
    assert {one.end for one in found} <= {cursor}
    assert all(0 <= one.start <= one.end <= len(line) for one in found)
    assert not [one.text for one in found if not one.text or re.search(r"[\r\n\0]", one.text)]


# ---- IPython's own completer --------------------------------------------------------------------------------------


def ask(ip: Any, code: str, cursor: int | None = None) -> list[str]:
    """Return what IPython itself offers, as texts of the whole first line after each."""
    from IPython.core.completer import provisionalcompleter

    at = len(code) if cursor is None else cursor
    with provisionalcompleter():
        return [code[: one.start] + one.text for one in ip.Completer.completions(code, at)]


@pytest.fixture
def hooked(bare: Shell, here: CompletionContext) -> Iterator[Shell]:
    """An IPython with the completer, in that folder."""
    install(bare.ip, lambda: here)
    yield bare
    uninstall(bare.ip)


@pytest.mark.parametrize(
    ("code", "offers"),
    [
        ("%%wan --du", ["%%wan --duration"]),
        ("%%wan cat.png -r ", ["%%wan cat.png -r 720P", "%%wan cat.png -r 1080P"]),
        ("%%wan c", ['%%wan "cat 2.png"', '%%wan "cat 10.png"', "%%wan cat.png", "%%wan cats/"]),
        ('%%wan "cat 1', ['%%wan "cat 10.png"']),
        ("%%wan $ph", ["%%wan $photo"]),
        ("%%wan --embed=al", ["%%wan --embed=always"]),
        ("x = %wan sh", ["x = %wan show"]),
        ("import os\n%wan show ", [f"import os\n%wan show {id_}" for id_, _ in JOBS]),
    ],
)
def test_ipython_offers_just_that(hooked: Shell, code: str, offers: list[str]) -> None:
    """Neither magics nor files nor names of its own among it, in our order."""
    assert ask(hooked.ip, code) == offers


def test_the_prompt_is_left_alone(hooked: Shell) -> None:
    """Below the first line IPython is asked as before, and so it is where nothing is known."""
    assert "%%wan\nprint" in ask(hooked.ip, "%%wan\nprin")
    assert any(text.endswith("notes.txt") for text in ask(hooked.ip, "%%wan -n n"))


def test_loading_twice_and_unloading_leave_one_and_none(bare: Shell, here: CompletionContext) -> None:
    """The lists of IPython are as they were."""
    before = list(bare.ip.Completer.custom_matchers), list(bare.ip.Completer.magic_arg_matchers)
    install(bare.ip, lambda: here)
    install(bare.ip, lambda: here)

    assert len(bare.ip.Completer.custom_matchers) == len(before[0]) + 1
    assert ask(bare.ip, "%%wan --du") == ["%%wan --duration"]
    uninstall(bare.ip)
    uninstall(bare.ip)
    assert (bare.ip.Completer.custom_matchers, bare.ip.Completer.magic_arg_matchers) == before
    assert "%%wan --duration" not in ask(bare.ip, "%%wan --du")


def test_jobs_are_not_asked_for_before_there_are_any(
    hooked: Shell, here: CompletionContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tab does not load the journal."""
    assert len(ask(hooked.ip, "%wan show k")) == 2
    monkeypatch.delitem(sys.modules, "wan_jupyter.storage.journal.journal", raising=False)
    assert not [text for text in ask(hooked.ip, "%wan show k") if "k3" in text]


def test_facts_are_asked_for_at_our_lines_only(bare: Shell, here: CompletionContext) -> None:
    """And an error in making them offers nothing, and is not shown."""
    asked: list[str] = []

    def make() -> CompletionContext:
        asked.append("again")
        raise OSError

    install(bare.ip, make)
    ask(bare.ip, "prin")
    ask(bare.ip, "%%wanted c")
    assert asked == []
    ran = bare.run("from IPython.core.completer import provisionalcompleter\nwith provisionalcompleter():\n"
                   "    list(get_ipython().Completer.completions('%%wan --du', 10))")  # fmt: skip
    assert (asked, ran.error, ran.err) == (["again"], None, "")
    uninstall(bare.ip)


@pytest.mark.parametrize(
    ("line", "whole"),
    [
        ("%%wan --du", ["%%wan --duration"]),
        ("%%wan -d1", ["%%wan -d10", "%%wan -d11", "%%wan -d12", "%%wan -d13", "%%wan -d14", "%%wan -d15"]),
        ("%%wan --embed=al", ["%%wan --embed=always"]),
        ("%%wan $ph", ["%%wan $photo"]),
        ('%%wan "cat 1', ['%%wan "cat 10.png"']),
        ("%%wan cat", ['%%wan "cat 2.png"', '%%wan "cat 10.png"', "%%wan cat.png", "%%wan cats/"]),
        ("%%wan cats/d", ["%%wan cats/deep/"]),
        ("%wan show k", ["%wan show k3x9a", "%wan show k3b77"]),
    ],
)
def test_an_older_ipython_is_answered_in_its_own_terms(here: CompletionContext, line: str, whole: list[str]) -> None:
    """It replaces what stands after the last blank, quote, `=` or `$`, wherever our word begins."""
    from IPython.core.completer import CompletionSplitter

    from wan_jupyter.notebook.completion.ipython_hook import _older

    completer = SimpleNamespace(text_until_cursor=line, splitter=CompletionSplitter())
    kept = line[: len(line) - len(completer.splitter.split_line(line, len(line)))]

    assert [kept + text for text in _older(completer, lambda: here)(line)] == whole


# ---- a kernel -----------------------------------------------------------------------------------------------------

HOOK = """
from pathlib import Path
from wan_jupyter.notebook import completion as completer
from wan_jupyter.notebook.commands import COMMANDS
from wan_jupyter.notebook.completion.candidates import CompletionContext
ip = get_ipython()
completer.install(ip, lambda: CompletionContext(Path.cwd(), ip.user_ns, lambda: COMMANDS))
photo, number = b"x", 5
"""


@contextmanager
def hooked_kernel(kernel: Kernel) -> Iterator[Kernel]:
    """Hook the completer into a kernel, and take it out again."""
    kernel.ok(HOOK)
    try:
        yield kernel
    finally:
        kernel.ok("completer.uninstall(get_ipython())")


@pytest.mark.parametrize("jedi", [True, False])
def test_a_front_end_is_answered_by_a_kernel(kernel: Kernel, jedi: bool) -> None:
    """`complete_request`, as JupyterLab sends it: what may be typed, from where, and of what kind."""
    (kernel_folder := Path(kernel.ask("__import__('os').getcwd()"))).joinpath("my cat.png").write_bytes(picture())
    (kernel_folder / "cat.png").write_bytes(picture())
    kernel.ok(f"get_ipython().Completer.use_jedi = {jedi}")
    cases = {
        "%%wan --du\nA cat": (10, 6, ["--duration"], "option"),
        "%%wan cat.png -r \nA cat": (17, 17, ["720P", "1080P"], "value"),
        "%%wan my\nA cat": (8, 6, ['"my cat.png"'], "picture"),
        "%%wan c": (7, 6, ["cat.png"], "picture"),
        "%%wan 고양이.png $ph": (17, 14, ["$photo"], "name"),
        "%wan sh": (7, 5, ["show"], "command"),
    }
    with hooked_kernel(kernel):
        for code, (cursor, start, matches, kind) in cases.items():
            reply = kernel.client.complete(code, cursor, reply=True, timeout=PATIENCE)["content"]
            seen = reply["cursor_start"], reply["cursor_end"], reply["matches"]
            kinds = {one["type"] for one in reply["metadata"].get("_jupyter_types_experimental", ())}
            assert (code, *seen, kinds) == (code, start, cursor, matches, {kind})
    kernel.ok("get_ipython().Completer.use_jedi = True")


TAB = """
import sys
from pathlib import Path
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
before = set(sys.modules)
from wan_jupyter.notebook import completion as completer

def context():
    from wan_jupyter.notebook.commands import COMMANDS
    from wan_jupyter.notebook.completion.candidates import CompletionContext

    return CompletionContext(Path(), shell.user_ns, lambda: COMMANDS, jobs=lambda: [("abc12", True)])

completer.install(shell, context)
with provisionalcompleter():
    for line in ("%%wan ", "%%wan $", "%%wan --", "%%wan -m ", "%%wan -d ", "%%wan -r ", "%wan show ", "%wan use "):
        found = [one.text for one in shell.Completer.completions(line, len(line))]
        assert "abc12" not in found
print(*sorted({name.split(".")[0] for name in set(sys.modules) - before}))
print("wan_jupyter.storage.journal.journal" in sys.modules)
"""
DEAR = {"httpx", "httpcore", "anyio", "PIL", "av", "numpy", "ipywidgets", "keyring", "sqlite3", "starlette", "uvicorn"}


def test_tab_imports_nothing_dear(tmp_path: Path) -> None:
    """Whatever is completed: models, durations, pictures, jobs."""
    ran = python(TAB, tmp_path)

    assert ran.returncode == 0, ran.stderr
    loaded, journal = ran.stdout.splitlines()
    assert set(loaded.split()) & DEAR == set()
    assert journal == "False"
