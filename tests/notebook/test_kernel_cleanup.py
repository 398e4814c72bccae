"""Nothing English is left in what users of another language read: found by showing all there is, through real calls."""

from __future__ import annotations

import ast
import errno
import re
import socket
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import pytest

from tests.support.clock import PATIENCE
from tests.support.ipython_shell import SMALL, Shell
from tests.support.processes import ROOT
from tests.support.untranslated_text import english, english_in_bundle, english_in_html, kept
from tests.support.world import World, picture
from wan_jupyter import errors
from wan_jupyter.billing.budget import Budget, Spending, Terms
from wan_jupyter.billing.money import Amount
from wan_jupyter.catalog import plan
from wan_jupyter.config import credentials
from wan_jupyter.config.settings import read_settings
from wan_jupyter.errors import Problem, WanError
from wan_jupyter.errors.kinds import ADVICE
from wan_jupyter.errors.system import reason_of
from wan_jupyter.i18n.messages import ENGLISH, LANGUAGES, Phrase, language_scope, packed, tr, unpacked
from wan_jupyter.media.image.reader import read_image
from wan_jupyter.media.video.video import Video, inspect
from wan_jupyter.notebook.commands import COMMANDS
from wan_jupyter.notebook.commands.providers import details, head, overview
from wan_jupyter.notebook.display.views import card_view
from wan_jupyter.notebook.magics import WanMagics
from wan_jupyter.rendering import card_details, live_card, live_job_table, static_card, static_job_table, terminal_line
from wan_jupyter.rendering.composer import cell_text
from wan_jupyter.request.command_line import read_line
from wan_jupyter.request.options import VideoRequest
from wan_jupyter.status import Status
from wan_jupyter.storage.journal.database import sqlite_errors as journal_told
from wan_jupyter.workflows import doctor

pytest_plugins = ("tests.support.notebook_fixtures",)

OTHERS = [language for language in LANGUAGES if language != ENGLISH]
PROMPTS: Mapping[str, str] = {"ko": "고양이", "zh": "猫咪", "ja": "ねこ"}

# ---- the finder itself ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("--duration 값을 다음에서 고르세요: 2 to 15, -1.", ["to"]),
        ("A_KEY or WAN_API_KEY", ["or"]),
        ("%wan login ope or more", ["or", "or more"]),
        ("키 출처  the emulator, which needs none", ["none", "the", "the emulator", "which needs none"]),
        ("%wan login ope 명령을 실행하세요. pip install av, HTTP 401, 0.5 USD, 720P, wan2.6-i2v-flash", []),
        ("intl 720P with sound 0.1 USD/s (seen 2026)", ["seen", "with", "with sound"]),
    ],
)
def test_the_finder_finds(text: str, left: list[str]) -> None:
    """A test that finds nothing would always pass."""
    assert english(text, "ko") == left


def test_the_finder_reads_html_as_people_do() -> None:
    """Titles and labels, too; styles not."""
    text = '<style>.a of the{}</style><p title="Elapsed time">프롬프트</p><b aria-label="is seen">그</b>'
    assert english_in_html(text, "ko") == ["Elapsed time", "is", "is seen", "seen"]


KEPT = {
    "Alibaba Cloud Model Studio", "await job", "compose cell", "ipykernel ipywidgets", "keyring", "pip install",
    "pip install av", "pip uninstall av", "spend all", "spend today", "use emulator",
}  # fmt: skip

# ---- in the sources -------------------------------------------------------------------------------------------------

SOURCES = [path for path in sorted((ROOT / "wan_jupyter").rglob("*.py")) if "emulator" not in path.parts]
# Texts that no user reads as a sentence: SQL, CSS, what a parser or a service says, the log's, a programmer's mistake.
NO_SENTENCES = re.compile(
    r"(?s)\s*(?:SELECT|INSERT|UPDATE|DELETE|CREATE|ALTER|WHERE|ORDER|BEGIN|PRAGMA)\b.*"
    r"|(?:wan-[\w◌-]* ?)+|wan-card wan-now ◌"
    r"|.*[;{].*|row wrap|<audio .*|.*\b(?:AND note|IS NOT NULL|status IN) .*"
    r"|task failed, code: .*|foreign prompts|(?:user|project) file|◌ to ◌"
    r"|%{1,2}wan \w+|curl -X \S+|NOT AUTHORIZED|\d{4} \w+.*|<(?:Job|Session|Video) .*|adopted .*|as it came|went back"
)
NOT_SHOWN = ("logger", "sql", "TypeError", "AssertionError", "AttributeError", "ValueError", "TimeoutError", "__repr__")
PARSER = ("settings_files.py", "video.py")  # the beginnings of what `tomllib` says


def sentences(path: Path) -> Iterator[str]:
    """Yield the literals of a module that read like words of a sentence, with their lines."""
    tree = ast.parse(path.read_text("utf-8"))
    hidden = {id(one.value) for one in ast.walk(tree) if isinstance(one, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and any(name in ast.unparse(node.func) for name in NOT_SHOWN):
            hidden |= {id(inner) for inner in ast.walk(node)}
        if isinstance(node, ast.FunctionDef) and node.name in NOT_SHOWN:
            hidden |= {id(inner) for inner in ast.walk(node)}
        if isinstance(node, ast.JoinedStr):
            hidden |= {id(part) for part in node.values}
    for node in ast.walk(tree):
        if id(node) not in hidden and (text := literal(node)) and words(text) and not NO_SENTENCES.fullmatch(text):
            yield f"{path.name}:{node.lineno} {text!r}"  # type: ignore[attr-defined]


def literal(node: ast.AST) -> str:
    """Return a text as it is written, a blank circle for each value of an f-string."""
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "◌" for part in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def words(text: str) -> bool:
    """Tell whether two words stand beside each other, or one small one beside a value."""
    return bool(re.search(r"[A-Za-z]{2,} [A-Za-z]{2,}|◌ (?:or|and|to|of|with|in|from) |\b(?:or|and|to) ◌", text))


def test_no_sentence_is_written_into_the_code() -> None:
    """What users read stands in `lang/`; a literal of two words is SQL, a style, a log's line or a mistake."""
    found = [one for path in SOURCES if path.name not in PARSER for one in sentences(path)]
    assert found == []


@pytest.mark.parametrize("language", OTHERS)
def test_what_a_language_keeps_in_english_is_typed_or_a_name(language: str) -> None:
    """The finder takes no offence at it elsewhere, so it is declared here."""
    assert sorted(kept(language) - KEPT) == []


def test_no_list_is_joined_with_a_word() -> None:
    """`" or ".join(…)` is English."""
    joins = re.compile(r"""["'] ?[a-z]+ ["']\.join""")
    assert [path.name for path in SOURCES if joins.search(path.read_text("utf-8"))] == []


# ---- commands and what they answer ----------------------------------------------------------------------------------

ANSWERS = (
    "%wan", "%wan help", "%%wan --help", "%wan models", "%wan models wan2.6-i2v-flash", "%wan models wan2.7-i2v",
    "%wan sessions", "%wan jobs", "%wan jobs --failed", "%wan spend", "%wan spend today", "%wan clean",
    "%wan clean --yes",
    "%wan doctor", "%wan wait", "%wan resume", "%wan cancel", "%wan use emulator", "%wan login emulator",
    "%wan logout ope", "%wan show", "%wan compose", "%%wan cat.png --dry-run\n{prompt}",
    "%%wan cat.png -n x --template hug -s 7 --dry-run -m wan2.1-i2v-turbo\n{prompt}",
    "%%wan cat.png -m wan9.9-i2v --dry-run\n{prompt}",
)  # fmt: skip
REFUSED = (
    "%wan shwo", "%wan use", "%wan use nobody", "%wan login", "%wan login ope --keep", "%wan models nobody",
    "%wan show zzzz", "%wan retry zzzz", "%wan cancel zzzz", "%wan adopt", "%wan adopt 0385dc79", "%wan spend week",
    "%wan clean now", "%wan compose cell", "%wan compose more", "%wan jobs --since ever", "%wan jobs --newest",
    "%wan jobs --model", "%wan frame zzzz", "%wan doctor a b", "%wan use dashscope-intl", "%wan use videos",
    "%%wan cat.png -d 999\n{prompt}", "%%wan cat.png -d five\n{prompt}", "%%wan cat.png -r 33P\n{prompt}",
    "%%wan cat.png -r high\n{prompt}", "%%wan cat.png --size big\n{prompt}", "%%wan cat.png -s -3\n{prompt}",
    "%%wan cat.png --dry-rum\n{prompt}", "%%wan cat.png --embed some\n{prompt}", "%%wan cat.png --audio=1\n{prompt}",
    "%%wan cat.png --timeout ever\n{prompt}", "%%wan cat.png --param x\n{prompt}",
    "%%wan cat.png --budget much\n{prompt}",
    "%%wan cat.png -p style='ink'\n{prompt}",
    "%%wan cat.png -m\n{prompt}", "%%wan cat.png --p\n{prompt}", '%%wan "cat.png\n{prompt}', "%%wan a b c\n{prompt}",
    "%%wan cat.png --session a --provider b\n{prompt}", "%%wan\n", "%%wan nothing.png\n{prompt}", "%%wan .\n{prompt}",
    "%%wan text.txt\n{prompt}", "%%wan empty.png\n{prompt}", "%%wan half.png\n{prompt}", "%%wan film.mp4\n{prompt}",
    "%%wan ftp://a.test/cat.png\n{prompt}", "%%wan https://\n{prompt}", "%%wan data:image/png;base64,x\n{prompt}",
    "%%wan $number\n{prompt}", "%%wan $nobody\n{prompt}", "%%wan cat.png\n{{{{ nobody }}}}",
    "%%wan cat.png\n{{{{ number.x }}}}",
    "%%wan cat.png\n{{{{ number._x }}}}", "%%wan cat.png\n{{{{ names[9] }}}}", "%%wan cat.png\n{{{{ number",
    "%%wan cat.png -m wan2.2-kf2v-flash\n{prompt}", "%%wan cat.png cat.png -m wan2.6-i2v-flash\n{prompt}",
    "%%wan - cat.png\n{prompt}", "%%wan - --clip-url https://a.test/a.mp4 -m wan2.6-i2v-flash\n{prompt}",
    "%%wan cat.png --clip-url https://a.test/a.mp4\n{prompt}", "%%wan -m wan2.6-i2v-flash\n{prompt}",
    "%%wan cat.png --size 1280x720 -m wan2.6-i2v-flash\n{prompt}", "%%wan cat.png --template x\n{prompt}",
    "%%wan thin.png -m wan2.7-i2v\n{prompt}",
    "%%wan cat.png --shot-type multi --no-prompt-extend -m wan2.6-i2v\n{prompt}",
    "%%wan $number --out 7x\n{prompt}", "%%wan cat.png --audio-url cat.mp3\n{prompt}",
)  # fmt: skip


@pytest.mark.parametrize("language", OTHERS)
def test_every_command_answers_in_the_users_language(
    language: str, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tables, help pages, prices, remarks; and each mistake with its hint."""
    monkeypatch.setenv("WAN_LANG", language)
    monkeypatch.setenv("COLUMNS", "200")
    spoil(shell)
    prompt = PROMPTS[language]
    shell.order(prompt).result(PATIENCE)
    shell.run(f"%%wan cat.png {SMALL} --wait\nforbidden")
    left: dict[str, list[str]] = {}
    for source in (*ANSWERS, *REFUSED):
        shell.run("%wan use emulator")
        ran = shell.run(source.replace("{prompt}", prompt).replace("{{{{", "{{").replace("}}}}", "}}"))
        assert (ran.error is not None) == (source in REFUSED), (source, ran.out)
        shown = ran.out if ran.error is None else "\n".join(ours(ran.error).parts())
        names = (str(shell.workspace.folder), *shell.names.get("own_words", ()))
        if found := english(shown, language, names):
            left[source] = [*found, shown[:300]]
    assert left == {}


def spoil(shell: Shell) -> None:
    """Put files into the folder, and names into the notebook, that cannot be used."""
    whole = picture()
    files = {"text.txt": b"cat", "empty.png": b"", "half.png": whole[:40], "film.mp4": b"\0\0\0\x18ftypisom"}
    files["thin.png"] = picture(size=(2400, 240))
    for name, data in files.items():
        (shell.workspace.folder / name).write_bytes(data)
    shell.names.update(number=5, names=["cat"])


def ours(error: BaseException) -> WanError:
    assert isinstance(error, WanError), error
    return error


@pytest.mark.parametrize("language", OTHERS)
def test_every_setting_is_explained_in_the_users_language(
    language: str, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`%config WanMagics`; the frame around it is traitlets' own."""
    monkeypatch.setenv("WAN_LANG", language)
    shell.ok("%wan")
    shown = re.sub(r"\s+", "", shell.ok("%config WanMagics").out)
    for name in WanMagics.class_own_traits(config=True):
        assert re.sub(r"\s+", "", tr(f"config.{name}", language)) in shown


def test_every_command_was_asked() -> None:
    """A command more is asked here, too."""
    asked = {source.split()[1] for source in (*ANSWERS, *REFUSED) if source.startswith("%wan ")}
    assert set(COMMANDS) - asked - {"where"} == set()


# ---- tables and cards -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", OTHERS)
def test_every_model_is_described_in_the_users_language(language: str) -> None:
    """With all its prices."""
    rows = [*overview(language), head(language), *(row for name in plan.models() for row in details(name, language))]
    assert english("\n".join(" │ ".join(row) for row in rows), language) == []


@pytest.mark.parametrize("language", OTHERS)
def test_a_card_is_in_one_language_in_every_state(language: str, world: World) -> None:
    """Live, at rest, on a line, on a board; with every trouble there is."""
    job = world.order(PROMPTS[language])
    job.result(PATIENCE)
    left = {}
    for status in Status:
        for advice in ADVICE if status.ended and status is not Status.SUCCEEDED else ("unknown",):
            problem = Problem("Code", "", "7", advice=advice)
            job._publish(replace(job.snapshot, status=status, problem=problem if status.ended else None, file=""))
            view = replace(card_view(job, job.info.created_at + 3, language), expected=60.0, thumbnails=(b"1", b"2"))
            shown = [live_card(view, language), card_details("{}", language), live_job_table([view, view], language)]
            bundles = [static_card(view, language), static_job_table([view], language)]
            found = [*(word for html in shown for word in english_in_html(html, language))]
            found += [word for one in bundles for word in english_in_bundle(one, language)]
            found += english(terminal_line(view, language), language)
            if found:
                left[status, advice] = found
    assert left == {}
    assert english_in_html(cell_text("%%wan", ["◌"], language), language) == []


# ---- errors that no command leads to --------------------------------------------------------------------------------


def refuse(call: Callable[[], object]) -> WanError:
    with pytest.raises(WanError) as caught:
        call()
    return caught.value


def money(terms: Terms, estimate: Amount | None, *rows: Spending) -> WanError:
    return refuse(lambda: terms.admit("work", estimate, rows))


def files(folder: Path) -> Iterator[WanError]:
    """Yield what is said of files that are no videos, of a journal that cannot be used, of a settings file."""
    broken, sound, cut = (folder / name for name in ("broken.mp4", "sound.mp4", "cut.mp4"))
    broken.write_bytes(b"\0" * 100)
    with av.open(str(sound), "w") as container:
        stream = container.add_stream("aac", rate=44100)
        container.mux(stream.encode(None))
    yield refuse(lambda: inspect(broken))
    yield refuse(lambda: inspect(cut))
    yield refuse(lambda: Video(cut).save(folder / "a.mp4"))
    for problem in (sqlite3.OperationalError(), OSError(errno.EACCES, "Permission denied")):
        yield refuse(lambda problem=problem: raised(problem))
    toml = ("model = wan", "model =", "= 3", "model = 'a' 3", "a = 1\na = 2", 'model = "a', "a = [1", "[a", "model = 5")
    for text in (*toml, "durration = 5", '[sessions.work]\nprovider = "ope"\nbase_url = "http://far.test"'):
        (folder / "settings.toml").write_text(text, "utf-8")
        yield refuse(lambda: read_settings({"WAN_HOME": str(folder)}))
    (folder / "settings.toml").write_bytes(b"\xff\xfe")
    yield refuse(lambda: read_settings({"WAN_HOME": str(folder)}))


def raised(problem: Exception) -> None:
    with journal_told(Path("journal.sqlite3")):
        raise problem


def others(world: World) -> Iterator[WanError]:
    """Yield what is said of keys, prices and services."""
    day = Budget(1, "USD", "day")
    yield money(Terms(budget=day), Amount(2, "USD"))
    yield money(Terms(budget=Budget(1)), None, Spending(session="work", provider="ope", currency="USD", spent=2))
    yield money(Terms(budget=day), Amount(2, "CNY"))
    yield money(Terms(cap=Amount(1)), Amount(2, "CNY"))
    yield money(Terms(budget=day, yes=True), None, Spending(session="work", provider="ope", currency="USD", spent=2))
    one = Spending(session="work", provider="ope", currency="USD", spent=2)
    yield money(Terms(budget=Budget(1)), Amount(2, "CNY"), one)
    for name in plan.providers():
        row = plan.providers()[name]
        if row.key == "required":
            yield refuse(lambda row=row: credentials.find_key(row, world.settings()))
        yield refuse(lambda name=name: plan.provider(name, "ftp://a"))
    yield refuse(lambda: credentials.find_key(plan.providers()["ope"], world.settings(), "a b"))
    for seconds in (1, 99):
        for name in plan.models():
            request = VideoRequest(filled_prompt="x", model=name, duration=seconds, first=read_image(picture()))
            try:
                plan.check(request, plan.provider("dashscope-intl"))
            except WanError as problem:
                yield problem
    yield errors.JobError("job.unrecorded", id="k3x9q", task="0385", why=refuse(lambda: read_line("--x", {})).phrase())
    with socket.create_server(("127.0.0.1", 0)) as server:
        session = world.session(
            "dashscope-cn", key="sk-1", base_url=f"http://127.0.0.1:{server.getsockname()[1]}/api/v1"
        )
        yield refuse(lambda: session.ping(0.05))


@pytest.mark.parametrize("language", OTHERS)
def test_an_error_is_wholly_in_the_users_language(language: str, world: World) -> None:
    """With its real values, which hold parts of sentences themselves."""
    left = {}
    world.folder.mkdir(exist_ok=True)
    with language_scope(language):
        for error in (*files(world.folder), *others(world)):
            shown = "\n".join(error.parts(language))
            # In brackets after our words stand the parser's own, for those who look them up.
            shown = re.sub(r"[(（][A-Z][^()（）]*[)）]", "", shown) if error.key == "settings.no_toml" else shown
            if found := english(shown, language, (str(world.folder),)):
                left[error.key, shown] = found
    assert left == {}


@pytest.mark.parametrize("language", OTHERS)
@pytest.mark.parametrize(
    "error",
    [
        *(OSError(number, "words") for number in (errno.ENOENT, errno.EACCES, errno.ENOSPC, errno.EROFS, errno.EIO)),
        av.error.InvalidDataError(1094995529, "Invalid data found when processing input"),
    ],
    ids=repr,
)
def test_the_systems_reasons_are_said(language: str, error: OSError) -> None:
    """The system has English words only."""
    reason = reason_of(error)
    assert isinstance(reason, Phrase)
    assert english(tr(reason.key, language), language) == []


def test_sqlites_reasons_are_said(tmp_path: Path) -> None:
    """By SQLite's own name for them; in English its own words."""
    path = tmp_path / "a.sqlite3"
    path.write_bytes(b"no database at all, but text" * 10)
    with pytest.raises(sqlite3.DatabaseError) as caught:
        sqlite3.connect(path).execute("SELECT 1 FROM a")
    assert reason_of(caught.value) == str(caught.value) == "file is not a database"
    assert isinstance(reason_of(caught.value), Phrase)


def test_other_reasons_keep_their_words() -> None:
    """They are no sentence of ours."""
    assert reason_of(ValueError("far off")) == "far off"
    assert reason_of(OSError(-7, "far off")) == "far off"
    assert reason_of(OSError()) == "OSError"


@pytest.mark.parametrize("language", OTHERS)
def test_the_doctor_speaks_it_where_much_is_wrong(language: str, world: World) -> None:
    """A home that cannot be, a service that is not there, a session that is none."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with language_scope(language):
        found = read_settings({"WAN_HOME": str(world.home), "DASHSCOPE_API_KEY": "sk-1"})
        session = world.session("dashscope-cn", settings=found, base_url=f"http://127.0.0.1:{port}/api/v1")
        sick = [doctor.Patient(found, session, None, lambda: 0.0), doctor.visit("nobody", found)]
        world.folder.mkdir(exist_ok=True)
        (world.folder / "file").write_bytes(b"")
        nowhere = replace(found, home=world.folder / "file" / "home")
        sick.append(doctor.Patient(nowhere, None, None, lambda: 0.0))
        shown = "\n".join(doctor.report(doctor.examine(one)) for one in sick)
    assert english(shown, language, (str(world.folder),)) == []


# ---- what is kept ---------------------------------------------------------------------------------------------------


def test_what_the_journal_keeps_is_said_in_the_language_of_its_reader() -> None:
    """A part of a sentence is kept by its key, with the parts in it."""
    part = Phrase("part.either", {"one": Phrase("part.of_session", {"name": "work"}), "other": Path("x")})
    again = unpacked(packed(part))
    assert again == part == "session work or x"
    assert tr("key.unusable.text", "ko", source=again) == tr("key.unusable.text", "ko", source="work 세션 또는 x")
    assert unpacked(packed("words")) == "words"
    for other in ({"say": "of.another.release", "with": {}}, {"say": "part.either"}, {"say": [], "with": {}}, {}):
        assert unpacked(other) == ""


def test_a_remark_is_read_in_another_language_later(world: World) -> None:
    """It went through the journal."""
    session = world.session()
    job = session.submit("x", image=picture(), model="wan2.6-i2v-flesh", resolution="480P")
    with pytest.raises(errors.JobFailed):
        job.result(PATIENCE)
    [(key, values)] = [
        remark for remark in session._resources.journal.get(job.id).remarks if "unknown_model" in remark[0]
    ]
    assert tr("option.did_you_mean", "ko", word="wan2.6-i2v-flash").strip() in tr(key, "ko", **values)


def kinds_of_value() -> list[Any]:
    return [None, 3, 0.5, "text"]


@pytest.mark.parametrize("value", kinds_of_value())
def test_plain_values_are_kept_as_they_are(value: Any) -> None:
    """A journal of another release reads them, too."""
    assert unpacked(packed(value)) == value
