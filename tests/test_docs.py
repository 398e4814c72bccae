"""The documentation is true: its cells run, its tables are generated, its files and commands exist."""

from __future__ import annotations

import dataclasses
import json
import re
import shlex
import sys
import textwrap
import tomllib
import types
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.support.ipython_shell import FAST, Workspace
from tests.support.kernel_client import Kernel
from tests.support.processes import ROOT
from tests.support.wire_examples import answer, first
from tools.check_site import loads_from_elsewhere
from tools.generate_tables import PAGES, README, VARIABLES, with_tables
from wan_jupyter.catalog.entries import Model, Provider, models
from wan_jupyter.config.settings import read_settings
from wan_jupyter.config.settings_files import project_file
from wan_jupyter.emulator.__main__ import _parser
from wan_jupyter.i18n.messages import LANGUAGES
from wan_jupyter.protocols.base import CreateRequest
from wan_jupyter.status import MOVES

FENCE = re.compile(
    r"(?:<!-- raises: (?P<raises>\w+) -->\n)?^ *```(?P<language>[^\n]*)\n(?P<text>.*?)^ *```$", re.MULTILINE | re.DOTALL
)
RUN = ("python", "ipython")
CHECKED = (*RUN, "sh", "toml", "text")
CONTRIBUTING = ROOT / "CONTRIBUTING.md"
PROJECT_PAGES = (*PAGES, CONTRIBUTING, ROOT / "SECURITY.md", ROOT / "CHANGELOG.md")
# Nothing but this machine can be reached from a page's cells.
SHORT = {"WAN_EMULATOR_CLIP_SECONDS": "0.1"}  # three frames
NO_NETWORK = {"HTTPS_PROXY": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9"}
ADDRESS = re.compile(r"https?://|mailto:")


@dataclass(frozen=True)
class Block:
    """A fenced block of a page; `raises` names the error that the page says it ends with."""

    language: str
    text: str
    raises: str


def blocks(page: Path, *languages: str) -> list[Block]:
    """Return the fenced blocks of a page, in order, or those in some languages."""
    found = (Block(m["language"], m["text"], m["raises"] or "") for m in FENCE.finditer(page.read_text("utf-8")))
    return [block for block in found if not languages or block.language in languages]


def cells(page: Path) -> list[Block]:
    """Return the blocks that a kernel can run; a profile's lines run in `test_readme`, in a profile."""
    profile = part(page, "autoload") if "<!-- autoload -->" in page.read_text("utf-8") else None
    return [block for block in blocks(page, *RUN) if block.text != profile]


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def part(page: Path, mark: str) -> str:
    """Return what stands between the marks of a part, without its fence."""
    inside = page.read_text("utf-8").split(f"<!-- {mark} -->")[1].split(f"<!-- /{mark} -->")[0]
    return re.sub(r"^```\w*\n", "", inside.strip(), count=1).removesuffix("```")


each_page = pytest.mark.parametrize("page", PAGES, ids=name)


# ---- cells --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shared_kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    kernel = Kernel(tmp_path_factory.mktemp("pages"))
    yield kernel
    kernel.stop()


@pytest.mark.parametrize("page", [page for page in PAGES if cells(page)], ids=name)
def test_every_cell_of_a_page_runs(page: Path, shared_kernel: Kernel, tmp_path: Path) -> None:
    """From top to bottom, in a fresh folder; a page that does not load the extension starts as the home page says."""
    desk = Workspace(tmp_path / "notebook")
    (desk.folder / "cat.png").unlink()
    shared_kernel.begin(desk, {"WAN_PROVIDER": "emulator", **FAST, **SHORT, **NO_NETWORK})
    if "%load_ext" in cells(page)[0].text:
        shared_kernel.ok("%unload_ext wan_jupyter")
    else:
        shared_kernel.ok(cells(ROOT / "docs" / "index.md")[0].text)
    for cell in cells(page):
        error = shared_kernel.run(cell.text).error
        assert (error["ename"] if error else "") == cell.raises, f"{cell.text}\n{error}"


@pytest.mark.parametrize("page", PROJECT_PAGES, ids=name)
def test_every_block_says_what_it_is(page: Path) -> None:
    """A block without a language, or in one that nothing here checks, would be a hole in these tests."""
    assert [block for block in blocks(page) if block.language not in CHECKED] == []
    assert page.read_text("utf-8").count("```") == 2 * len(blocks(page))


# ---- tables and files ---------------------------------------------------------------------------------------------


@each_page
def test_the_tables_are_up_to_date(page: Path) -> None:
    """Run `python -m tools.generate_tables` after a change of options, commands, messages, providers or errors."""
    text = page.read_text("utf-8")
    assert with_tables(text) == text


@each_page
def test_settings_files_can_be_read(page: Path, tmp_path: Path) -> None:
    """Every TOML block is a settings file, a project's if it has the project's table."""
    for block in blocks(page, "toml"):
        home = tmp_path / "home"
        home.mkdir(exist_ok=True)
        if "[tool.wan_jupyter]" in block.text:
            (tmp_path / "pyproject.toml").write_text(block.text, "utf-8")
            found = project_file(tmp_path)
            assert found.values
            assert found.ignored == ()
        else:
            (home / "settings.toml").write_text(block.text, "utf-8")
            assert read_settings({"WAN_HOME": str(home)}).home == home


def test_every_environment_variable_is_documented() -> None:
    """Those that the package's sources name, and no others; `DASHSCOPE_…` beyond the key is not ours."""
    sources = "\n".join(path.read_text("utf-8") for path in (ROOT / "wan_jupyter").rglob("*.py"))
    assert set(re.findall(r"\bWAN_[A-Z_]+[A-Z]\b", sources)) | {"DASHSCOPE_API_KEY"} == set(VARIABLES)


def test_every_status_and_its_moves_are_documented() -> None:
    """The table of `job-life.md` has each status with the states that may follow; two rows say it in words."""
    table = (ROOT / "docs" / "explanation" / "job-life.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \|.*\| (.*?) ?\|$", table, re.MULTILINE))
    assert set(rows) == {status.name for status in MOVES}
    for status, after in MOVES.items():
        named = set(re.findall(r"`(\w+)`", rows[status.name]))
        assert named == {each.name for each in after if each is not status} or status.name in (
            "SUBMITTING",
            "UNCERTAIN",
        )


# ---- commands, links ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PROJECT_PAGES, ids=name)
def test_commands_for_a_terminal_exist(page: Path) -> None:
    """`make` targets are in the Makefile, scripts are files, and the emulator knows its options."""
    makefile = (ROOT / "Makefile").read_text("utf-8")
    lines = [line.partition("  #")[0] for block in blocks(page, "sh") for line in block.text.splitlines()]
    for words in (shlex.split(line) for line in lines):
        if words[:1] == ["make"]:
            assert re.search(rf"^{words[1]}:", makefile, re.MULTILINE), words
        if words[:3] == ["python", "-m", "wan_jupyter.emulator"]:
            assert _parser().parse_args(words[3:])
        assert not [word for word in words if word.startswith("tests/") and not (ROOT / word).exists()]


@pytest.mark.parametrize("page", [page for page in PROJECT_PAGES if page.parent == ROOT], ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    """Of the pages outside `docs/`, which `make docs` does not see: the file is there, and so is the heading."""
    for target in re.findall(r"(?:\]\(|srcset=\"|src=\")([^)\"\s]+)", page.read_text("utf-8")):
        if ADDRESS.match(target):
            continue
        path, _, anchor = target.partition("#")
        file = page.parent / path
        assert file.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", file.read_text("utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


def test_every_page_is_in_the_navigation() -> None:
    """And every entry of the navigation is a page."""
    named = set(re.findall(r": ([\w/-]+\.md)$", (ROOT / "mkdocs.yml").read_text("utf-8"), re.MULTILINE))
    assert named == {page.relative_to(ROOT / "docs").as_posix() for page in PAGES if page != README}


@pytest.mark.parametrize(
    ("html", "loads"),
    [
        ('<script src="https://cdn.example.com/x.js"></script>', True),
        ('<link rel="stylesheet" href="//fonts.example.com/css">', True),
        ('<img srcset="a.png 1x, https://example.com/b.png 2x">', True),
        ("<style>@import url(https://example.com/x.css)</style>", True),
        ('<a data-md-component="source" href="x">', True),
        ('<pre class="mermaid">graph</pre>', True),
        ('<a href="https://example.com">x</a><link rel="canonical" href="https://example.com">', False),
        ('<script src="assets/x.js"></script><img src="data:image/png;base64,aGk=">', False),
    ],
)
def test_what_a_page_loads_from_elsewhere_is_found(html: str, loads: bool, tmp_path: Path) -> None:
    """`make docs` looks at the site that it built."""
    (tmp_path / "index.html").write_text(html, "utf-8")
    assert bool(list(loads_from_elsewhere(tmp_path))) is loads


# ---- the worked examples of CONTRIBUTING.md -----------------------------------------------------------------------

EXAMPLES = [Block(block.language, textwrap.dedent(block.text), "") for block in blocks(CONTRIBUTING, "python", "toml")]


def files_of(language: str) -> dict[str, list[str]]:
    """Return the examples of a language, by the file that their first line names."""
    found: dict[str, list[str]] = {}
    for block in EXAMPLES:
        if block.language == language:
            path = block.text.removeprefix("# ").split(",")[0].split()[0]
            found.setdefault(path, []).append(block.text)
    return found


def test_the_examples_name_files() -> None:
    """Of those that exist, but for the new protocol."""
    new = {"wan_jupyter/protocols/example.py"}
    assert {path for path in {**files_of("python"), **files_of("toml")} if not (ROOT / path).is_file()} == new


def test_the_example_of_a_protocol_makes_a_video() -> None:
    """It is a whole module; a task goes from its create to the link of its video."""
    [source] = files_of("python")["wan_jupyter/protocols/example.py"]
    names = {"__name__": "wan_jupyter.protocols.example", "__package__": "wan_jupyter.protocols"}
    module = types.ModuleType(names["__name__"])
    sys.modules[names["__name__"]] = module  # dataclasses look there
    try:
        module.__dict__.update(names)
        exec(compile(source, "example.py", "exec"), module.__dict__)
        spoken = module.Example("https://example.com")
        create = CreateRequest("wan", "first", "", "", "A cat", {"duration": 5}, {"first": "data:,"})
        assert json.loads(first(spoken.submit(create)).content)["duration"] == 5
        created = answer(spoken.submit(create), httpx.Response(200, json={"id": "7"}))
        assert str(first(spoken.poll(created.remote_id)).url) == "https://example.com/v1/films/7"
        done = httpx.Response(200, json={"state": "done", "url": "https://example.com/7.mp4"})
        assert str(spoken.content(answer(spoken.poll("7"), done)).request.url) == "https://example.com/7.mp4"
    finally:
        del sys.modules[names["__name__"]]


def test_the_example_rows_fit_the_catalogue() -> None:
    """The model has what it does not say itself from another; the provider speaks its protocol."""
    rows = [tomllib.loads(text) for text in files_of("toml")["wan_jupyter/catalog/catalog.toml"]]
    [model], providers = rows[0]["models"], rows[1]["providers"]
    assert model["same_as"] in models()
    like = models()[model["same_as"]]
    made = Model(**{**vars_of(like), **model})
    assert made.prices[0].keys() == like.prices[0].keys()
    assert Provider(name="example", title="", **providers["example"]).speak().base_url == "https://gateway.example.com"


def vars_of(model: Model) -> dict[str, object]:
    return {each.name: getattr(model, each.name) for each in dataclasses.fields(model)}


def test_the_other_examples_are_python() -> None:
    """And the languages are those that there are, and one more."""
    for texts in files_of("python").values():
        for text in texts:
            compile(text, "example", "exec")
    [line] = files_of("python")["wan_jupyter/i18n/messages.py"]
    assert str(LANGUAGES)[:-1] in line.replace('"', "'")
