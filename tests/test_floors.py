"""The house has floors: a module imports only from below, and only its own thing from outside. DESIGN section 4."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from parts import ROOT, python

PACKAGE = ROOT / "wan_jupyter"
BESIDE = "emulator"

# Modules by floor; a name stands for a package's modules, too.
FLOORS: Mapping[int, tuple[str, ...]] = {
    0: (
        *("text", "urls", "amounts", "messages", "reasons", "advice", "errors", "key", "scrub", "spill", "status"),
        *("image", "samples", "request", "prompt", "options"),
    ),
    1: ("protocols",),
    2: ("rows", "catalog", "pacing", "prices", "budget", "preview", "bundle", "ranges"),
    3: (
        *("client", "journal", "owners", "settings", "settings_files", "credentials"),
        *("files", "outputs", "inputs", "video"),
    ),
    4: ("engine", "job", "tools", "turns", "listing", "collect", "links", "twins", "recognise", "refetch", "life"),
    5: (
        *("kept", "orphans", "adopting", "choice", "usual", "dry", "means", "spending", "carrying"),
        *("session", "composing", "choosing", "doctor", "clean"),
    ),
    6: ("magics", "completer", "desk", "offering", "commands", "ui", "__init__", "__main__"),
}  # fmt: skip
# On the floors named here a module may use its neighbours as far as this says; on 4 to 6, all of them.
NEIGHBOURS: Mapping[str, tuple[str, ...]] = {
    "errors": ("advice", "messages", "text"),
    "reasons": ("messages", "text"),
    "scrub": ("key", "text"),
    "spill": ("key",),
    "status": ("errors",),
    "image": ("errors", "messages", "reasons", "text"),
    "samples": ("errors", "reasons", "text"),
    "request": ("amounts", "errors", "image", "messages", "text"),
    "prompt": ("errors", "messages", "request", "text"),
    "options": ("errors", "messages", "prompt", "request"),
    "protocols.base": ("protocols.answers",),
    "protocols.dashscope": ("protocols.base", "protocols.answers", "protocols.codes"),
    "protocols.gateway": ("protocols.base", "protocols.answers", "protocols.codes"),
    "protocols.video_generations": ("protocols.base", "protocols.answers", "protocols.gateway"),
    "protocols.videos": ("protocols.base", "protocols.answers", "protocols.gateway"),
    "protocols.openai_videos": ("protocols.base", "protocols.answers"),
    "protocols.knock": ("protocols.base",),
    "catalog": ("rows",),
    "settings": ("settings_files",),
    "credentials": ("settings",),
    "outputs": ("files",),
}
OPEN_FLOORS = (4, 5, 6)
# Never, although it lies below.
NEVER: Mapping[int, tuple[str, ...]] = {4: ("catalog",), 6: ("protocols", "client", "journal")}
# What lies outside, and who may use it; whatever is neither here nor in the standard library may be used by nobody.
OUTSIDE: Mapping[str, tuple[str, ...]] = {
    "sqlite3": ("journal",),
    "httpx": ("client", "protocols"),
    "av": ("video", "emulator"),
    "PIL": ("image", "samples", "video", "emulator"),
    "keyring": ("credentials",),
    "platformdirs": ("settings", "emulator"),
    "IPython": ("magics", "completer", "ui"),
    "traitlets": ("magics", "ui"),
    "ipywidgets": ("ui",),
    "nest_asyncio2": ("__init__",),
    "starlette": ("emulator",),
    "uvicorn": ("emulator",),
    "asyncio": ("client", "engine", "job", "links", "tools", "ui", "emulator"),
    "threading": ("engine", "journal", "scrub", "emulator"),
    "concurrent": ("engine", "job", "ui", "emulator"),
    "logging": ("engine", "scrub", "emulator"),
    "os": ("completer", "engine", "journal", "owners", "files", "outputs", "settings", "ui", "emulator"),
    "socket": ("owners", "emulator"),
    "subprocess": (),
    "multiprocessing": (),
    "http": ("emulator",),
    "requests": (),
}
# Too dear for `%load_ext`: only inside functions.
LAZY = ("httpx", "PIL", "av", "keyring", "platformdirs", "ipywidgets", "nest_asyncio2", "starlette", "uvicorn")
# Of httpx, protocols know the two words of the wire, and what building a request may raise.
HTTPX_WORDS = {"Request", "Response", "InvalidURL"}


@dataclass(frozen=True)
class Import:
    """One name that a module imports, where: "top", "function", or "types" (for type checkers only)."""

    module: str
    name: str
    own: bool
    where: str


def modules(folder: Path = PACKAGE) -> dict[str, str]:
    """Return the package's sources by dotted name, without "wan_jupyter."."""
    found = {}
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(folder).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)] = path.read_text("utf-8")
    return found


def imports(module: str, source: str, packages: set[str]) -> Iterator[Import]:
    """Yield every import of a module, also those inside functions, relative ones resolved."""

    def visit(node: ast.AST, where: str) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                for alias in child.names:
                    yield _import(module, alias.name, where)
            elif isinstance(child, ast.ImportFrom):
                base = _base(module, child, packages)
                for alias in child.names:
                    yield _import(module, base if "." in base.strip(".") else f"{base}.{alias.name}".strip("."), where)
            elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                yield from visit(child, "function")
            elif isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
                yield from visit(child, "types")
            else:
                yield from visit(child, where)

    yield from visit(ast.parse(source), "top")


def _base(module: str, node: ast.ImportFrom, packages: set[str]) -> str:
    if not node.level:
        return node.module or ""
    here = ["wan_jupyter", *module.split(".")]
    inside = module in packages
    up = here[: len(here) - node.level + (1 if inside else 0)] if module != "__init__" else ["wan_jupyter"]
    return ".".join([*up, *([node.module] if node.module else [])])


def _import(module: str, name: str, where: str) -> Import:
    own = name == "wan_jupyter" or name.startswith("wan_jupyter.")
    return Import(module, name.removeprefix("wan_jupyter").lstrip(".") or "__init__", own, where)


def home(module: str) -> str:
    """Return the name under which the tables know a module."""
    return module.split(".")[0]


def floor(module: str) -> int | None:
    return next((number for number, names in FLOORS.items() if home(module) in names), None)


def violations(sources: Mapping[str, str]) -> list[str]:
    """Return what breaks the table, one line each."""
    packages = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    found = [f"{name} has no floor" for name in sources if home(name) != BESIDE and floor(name) is None]
    for module, source in sources.items():
        for one in imports(module, source, packages):
            problem = _inside(one) if one.own else _outside(one)
            if problem:
                found.append(f"{module} imports {one.name} ({one.where}): {problem}")
    return found


def _inside(one: Import) -> str:
    target = one.name
    if home(one.module) == BESIDE or home(target) == BESIDE:
        return _beside(one)
    here, there = floor(one.module), floor(target)
    if here is None or there is None:  # a name of the package's own front door
        return "" if here == max(FLOORS) else "not from below"
    if home(target) in NEVER.get(here, ()):
        return "forbidden on this floor"
    if there < here or (there == here and here in OPEN_FLOORS):
        return ""
    same_package = home(target) == home(one.module) and home(target) != "protocols"
    allowed = NEIGHBOURS.get(one.module, NEIGHBOURS.get(home(one.module), ()))
    fits = any(target == name or target.startswith(f"{name}.") for name in allowed)
    return "" if there == here and (same_package or fits) else "not from below"


def _beside(one: Import) -> str:
    if home(one.module) == home(one.name) == BESIDE:
        return ""
    lazily = one.module == "means" and one.where == "function"
    return "" if lazily else "the emulator stands beside"


def _outside(one: Import) -> str:
    name = home(one.name)
    if name in OUTSIDE:
        if home(one.module) not in OUTSIDE[name]:
            return "not its thing"
        dear = name in LAZY and one.where == "top"
        return "too dear at the top" if dear and not one.module.startswith(f"{BESIDE}.") else ""
    return "" if name in sys.stdlib_module_names or name == "__future__" else "unknown"


def test_every_import_keeps_to_the_floors() -> None:
    """Nothing is imported from above, from beside, or from outside without leave."""
    assert violations(modules()) == []


def test_the_table_names_no_module_that_is_gone() -> None:
    """Whoever removes a module removes its line."""
    here = {home(name) for name in modules()} | {"__main__"}
    assert [name for names in FLOORS.values() for name in names if name not in here] == []


def test_protocols_know_nothing_of_httpx_but_the_words_of_the_wire() -> None:
    """No client, no transport, no I/O."""
    used = {
        (name, node.attr)
        for name, source in modules().items()
        if home(name) == "protocols"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "httpx"
    }
    assert {word for _, word in used} <= HTTPX_WORDS


@pytest.mark.parametrize(
    ("module", "source", "complaint"),
    [
        ("messages", "from . import errors", "not from below"),
        ("messages", "from .errors import Problem", "not from below"),
        ("errors", "import wan_jupyter.session", "not from below"),
        ("status", "def f():\n    from .request import VideoRequest", "not from below"),
        ("key", "if TYPE_CHECKING:\n    from .job import Job", "not from below"),
        ("image", "from ..job import Job", "not from below"),
        ("protocols.other", "from .dashscope import WORDS", "not from below"),
        ("protocols.dashscope", "from ..catalog import models", "not from below"),
        ("protocols.dashscope", "from .gateway import body_of", "not from below"),
        ("protocols.videos", "from .openai_videos import WORDS", "not from below"),
        ("rows", "from .catalog import check", "not from below"),
        ("catalog", "from .prices import estimate", "not from below"),
        ("outputs", "from .journal import Journal", "not from below"),
        ("settings", "from .credentials import find", "not from below"),
        ("job", "from . import catalog", "forbidden on this floor"),
        ("magics", "from .protocols.dashscope import DashScope", "forbidden on this floor"),
        ("means", "from .emulator import create_app", "the emulator stands beside"),
        ("emulator.core", "from ..errors import WanError", "the emulator stands beside"),
        ("emulator.core", "from wan_jupyter import errors", "the emulator stands beside"),
        ("emulator.core", "import httpx", "not its thing"),
        ("session", "import sqlite3", "not its thing"),
        ("life", "import httpx", "not its thing"),
        ("session", "def f():\n    from IPython.display import display", "not its thing"),
        ("catalog", "import asyncio", "not its thing"),
        ("prices", "import os.path", "not its thing"),
        ("client", "import httpx", "too dear at the top"),
        ("video", "from PIL import Image", "too dear at the top"),
        ("session", "import nest_asyncio2", "not its thing"),
        ("video", "import cv2", "unknown"),
        ("novelty", "", "has no floor"),
    ],
)
def test_a_violation_is_found(module: str, source: str, complaint: str) -> None:
    """The test above would fail: at the top, in functions, for type checkers, relative and absolute."""
    (found,) = violations({module: source})
    assert found.startswith(module)
    assert complaint in found


LOADED = """
import sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
before = set(sys.modules)
shell.run_line_magic("load_ext", "wan_jupyter")
{more}
print(*sorted({{name.split(".")[0] for name in set(sys.modules) - before}}))
"""
TAB = """
from IPython.core.completer import provisionalcompleter
with provisionalcompleter():
    list(shell.Completer.completions("%%wan --du", 10))
"""
DEAR = {
    *("httpx", "httpcore", "anyio", "PIL", "av", "numpy", "ipywidgets", "keyring", "sqlite3", "starlette", "uvicorn"),
    "nbformat",
}
NEVER_ALONE = {"nest_asyncio2", "nest_asyncio", "matplotlib", "torch", "cv2", "requests"}


def test_importing_the_package_imports_nothing_dear(tmp_path: Path) -> None:
    """`import wan_jupyter`, in a script, brings nothing but itself and the standard library."""
    code = "import sys; before = set(sys.modules); import wan_jupyter; print(*(set(sys.modules) - before))"
    ran = python(code, tmp_path)
    assert ran.returncode == 0, ran.stderr
    outside = {name.split(".")[0] for name in ran.stdout.split()} - sys.stdlib_module_names
    assert outside == {"wan_jupyter"}


@pytest.mark.parametrize("more", ["", TAB], ids=["load_ext", "Tab"])
def test_loading_the_extension_imports_nothing_dear(tmp_path: Path, more: str) -> None:
    """`%load_ext wan_jupyter`, and Tab after it, leave the network, pictures, widgets and the emulator alone."""
    ran = python(LOADED.format(more=more), tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert "wan_jupyter" in ran.stdout.split()
    assert set(ran.stdout.split()) & (DEAR | NEVER_ALONE) == set()
