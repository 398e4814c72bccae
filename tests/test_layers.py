"""The layers: a folder imports only from layers below its own, and outside libraries only where they belong."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.processes import ROOT, python

PACKAGE = ROOT / "wan_jupyter"
BESIDE = "emulator"
DOORS = ("__init__", "__main__", "testing", "video")  # `video` keeps pickles of version 0.1.0 readable

# From the bottom up. A folder imports from the rows above its own, from itself, and along SAME_LAYER.
LAYERS: Mapping[str, tuple[str, ...]] = {
    "foundation": ("errors", "status", "i18n", "security"),
    "values": ("media", "billing", "request"),
    "rules": ("protocols", "catalog", "scheduling", "rendering"),
    "effects": ("config", "storage", "transport"),
    "jobs": ("jobs",),
    "session": ("session",),
    "workflows": ("workflows",),
    "notebook": ("notebook",),
    "doors": DOORS,
}
SAME_LAYER: Mapping[str, tuple[str, ...]] = {
    "errors": ("i18n", "security"),
    "i18n": ("security",),
    "status": ("errors",),
    "media": ("billing",),
    "request": ("media", "billing"),
    "catalog": ("protocols",),
}
# Folders and modules that lie below and are not to be used all the same.
NEVER: Mapping[str, tuple[str, ...]] = {
    "jobs": ("catalog",),
    "notebook": ("transport", "protocols", "storage.journal"),
}
# The modules that may import the emulator, inside functions.
EMULATOR_DOORS = ("session.resources", "testing")
# Outside libraries to the folders and modules that may use them; what is not here nor in the standard library, nobody.
OUTSIDE: Mapping[str, tuple[str, ...]] = {
    "sqlite3": ("storage.journal",),
    "httpx": ("transport", "protocols", "testing"),
    "av": ("media.video", "emulator"),
    "PIL": ("media", "testing", "emulator"),
    "keyring": ("config.credentials",),
    "platformdirs": ("config.folders", "emulator"),
    "wcwidth": ("rendering",),
    "IPython": ("notebook",),
    "traitlets": ("notebook",),
    "ipywidgets": ("notebook",),
    "nest_asyncio2": ("__init__",),
    "starlette": ("emulator",),
    "uvicorn": ("emulator",),
    "asyncio": ("transport", "jobs", "notebook", "testing", "emulator"),
    "threading": ("jobs", "storage.journal", "security", "testing", "emulator"),
    "concurrent": ("jobs", "notebook", "emulator"),
    "logging": ("jobs", "security", "emulator"),
    "os": ("jobs", "storage", "config", "notebook", "emulator"),
    "socket": ("storage.process_lock", "emulator"),
    "subprocess": (),
    "multiprocessing": (),
    "http": ("emulator",),
    "requests": (),
}
# Too dear for `%load_ext`: imported inside functions only.
LAZY = ("httpx", "PIL", "av", "keyring", "platformdirs", "ipywidgets", "nest_asyncio2", "starlette", "uvicorn")
# All that protocols know of httpx: the two words of the wire, and what building a request may raise.
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


PACKAGES = {".".join(path.parent.relative_to(PACKAGE).parts) for path in PACKAGE.rglob("__init__.py")} - {""}
MODULES = set(modules())


def imports(module: str, source: str) -> Iterator[Import]:
    """Yield every import of a module, also those inside functions, relative ones resolved."""

    def visit(node: ast.AST, where: str) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                yield from (_import(module, alias.name, where) for alias in child.names)
            elif isinstance(child, ast.ImportFrom):
                base = _base(module, child)
                yield from (_import(module, f"{base}.{alias.name}".strip("."), where) for alias in child.names)
            elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                yield from visit(child, "function")
            elif isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
                yield from visit(child, "types")
            else:
                yield from visit(child, where)

    yield from visit(ast.parse(source), "top")


def _base(module: str, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    here = ["wan_jupyter", *module.split(".")] if module != "__init__" else ["wan_jupyter", ""]
    up = here[: len(here) - node.level + (1 if module in PACKAGES else 0)]
    return ".".join([*up, *([node.module] if node.module else [])])


def _import(module: str, name: str, where: str) -> Import:
    own = name == "wan_jupyter" or name.startswith("wan_jupyter.")
    target = name.removeprefix("wan_jupyter").lstrip(".") or "__init__"
    while own and target not in MODULES and "." in target:
        target = target.rpartition(".")[0]
    return Import(module, target if not own or target in MODULES else "__init__", own, where)


def folder(module: str) -> str:
    """Return the folder at the top of the package that a module is in."""
    return module.split(".")[0]


def within(module: str, places: Iterable[str]) -> bool:
    """Tell whether a module is one of these, or in one of them."""
    return any(module == place or module.startswith(f"{place}.") for place in places)


def layer(module: str) -> int | None:
    """Return a module's layer, counted from the bottom."""
    rows = enumerate(LAYERS.values())
    return next((number for number, folders in rows if folder(module) in folders), None)


def violations(sources: Mapping[str, str]) -> list[str]:
    """Return what breaks the tables, one line each."""
    found = [f"{name} has no layer" for name in sources if folder(name) != BESIDE and layer(name) is None]
    for module, source in sources.items():
        for one in imports(module, source):
            problem = _inside(one) if one.own else _outside(one)
            if problem:
                found.append(f"{module} imports {one.name} ({one.where}): {problem}")
    return found


def _inside(one: Import) -> str:
    if BESIDE in (folder(one.module), folder(one.name)):
        return _beside(one)
    here, there = layer(one.module), layer(one.name)
    if here is None or there is None:
        return ""
    if within(one.name, NEVER.get(folder(one.module), ())):
        return "forbidden here"
    fits = folder(one.name) == folder(one.module) or folder(one.name) in SAME_LAYER.get(folder(one.module), ())
    return "" if there < here or fits else "uphill"


def _beside(one: Import) -> str:
    if folder(one.module) == folder(one.name) == BESIDE:
        return ""
    lazily = one.module in EMULATOR_DOORS and one.where == "function"
    return "" if lazily else "the emulator stands beside"


def _outside(one: Import) -> str:
    name = folder(one.name)
    if name in OUTSIDE:
        if not within(one.module, OUTSIDE[name]):
            return "does not belong here"
        dear = name in LAZY and one.where == "top"
        return "too dear at the top" if dear and folder(one.module) != BESIDE else ""
    return "" if name in sys.stdlib_module_names or name == "__future__" else "unknown"


def circles(sources: Mapping[str, str], depth: int = 99) -> list[list[str]]:
    """Return groups of modules, or of folders `depth` names deep, that import each other round in a circle."""
    arrows: dict[str, set[str]] = {}
    for module, source in sources.items():
        for one in imports(module, source):
            start, end = _place(module, depth), _place(one.name, depth)
            if one.own and start != end:
                arrows.setdefault(start, set()).add(end)
    reach = {place: _reached(place, arrows) for place in arrows}
    rings = {frozenset(other for other in reach[place] if place in reach.get(other, ())) for place in reach}
    return sorted(sorted(ring) for ring in rings if ring)


def _place(module: str, depth: int) -> str:
    return ".".join(module.split(".")[:depth])


def _reached(place: str, arrows: Mapping[str, set[str]]) -> set[str]:
    reached: set[str] = set()
    waiting = [place]
    while waiting:
        for other in arrows.get(waiting.pop(), set()) - reached:
            reached.add(other)
            waiting.append(other)
    return reached


def test_every_import_goes_down() -> None:
    """Nothing is imported from a layer above, from beside, or from outside where it does not belong."""
    assert violations(modules()) == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    """Not even through imports inside functions, or for type checkers only."""
    assert circles(modules()) == []


@pytest.mark.parametrize("depth", [1, 2])
def test_no_folders_import_each_other_in_a_circle(depth: int) -> None:
    """Neither the folders at the top of the package nor those inside them."""
    assert circles(modules(), depth) == []


def test_the_tables_name_nothing_that_is_gone() -> None:
    """Whoever removes a folder removes its line."""
    here = {folder(name) for name in modules()}
    assert [name for folders in LAYERS.values() for name in folders if name not in here] == []


def test_protocols_know_nothing_of_httpx_but_the_words_of_the_wire() -> None:
    """No client, no transport, no I/O."""
    used = {
        node.attr
        for name, source in modules().items()
        if folder(name) == "protocols"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "httpx"
    }
    assert used <= HTTPX_WORDS


@pytest.mark.parametrize(
    ("module", "source", "complaint"),
    [
        ("i18n.messages", "from .. import errors", "uphill"),
        ("i18n.messages", "from ..errors import Problem", "uphill"),
        ("errors", "import wan_jupyter.session", "uphill"),
        ("status", "def f():\n    from .request import options", "uphill"),
        ("security.api_key", "if TYPE_CHECKING:\n    from ..jobs.job import Job", "uphill"),
        ("media.image.reader", "from ...jobs.job import Job", "uphill"),
        ("billing.budget", "from ..request.options import VideoRequest", "uphill"),
        ("protocols.dashscope", "from ..catalog.entries import models", "uphill"),
        ("scheduling.retry", "from ..catalog.entries import Model", "uphill"),
        ("rendering.card", "from ..jobs.job import Job", "uphill"),
        ("storage.output_files", "from ..transport.client import Client", "uphill"),
        ("session.session", "from ..workflows import doctor", "uphill"),
        ("workflows.doctor", "from ..notebook import magics", "uphill"),
        ("notebook.magics", "from .. import __version__", "uphill"),
        ("jobs.job", "from ..catalog import entries", "forbidden here"),
        ("notebook.magics", "from ..protocols.dashscope import DashScope", "forbidden here"),
        ("notebook.display.views", "def f():\n    from ...storage.journal.journal import Journal", "forbidden here"),
        ("session.resources", "from ..emulator import create_app", "the emulator stands beside"),
        ("session.session", "def f():\n    from ..emulator import create_app", "the emulator stands beside"),
        ("emulator.service", "from ..errors import WanError", "the emulator stands beside"),
        ("emulator.service", "from wan_jupyter import errors", "the emulator stands beside"),
        ("emulator.service", "import httpx", "does not belong here"),
        ("session.session", "import sqlite3", "does not belong here"),
        ("storage.output_files", "import sqlite3", "does not belong here"),
        ("jobs.runner", "import httpx", "does not belong here"),
        ("session.session", "def f():\n    from IPython.display import display", "does not belong here"),
        ("catalog.plan", "import asyncio", "does not belong here"),
        ("billing.money", "import os.path", "does not belong here"),
        ("media.image.reader", "import av", "does not belong here"),
        ("transport.client", "import httpx", "too dear at the top"),
        ("media.video.decode", "from PIL import Image", "too dear at the top"),
        ("session.session", "import nest_asyncio2", "does not belong here"),
        ("media.video.decode", "import cv2", "unknown"),
        ("novelty", "", "has no layer"),
    ],
)
def test_a_violation_is_found(module: str, source: str, complaint: str) -> None:
    """The tests above would fail: at the top, in functions, for type checkers, relative and absolute."""
    (found,) = violations({module: source})
    assert found.startswith(module)
    assert complaint in found


def test_a_circle_is_found() -> None:
    """Among modules, and among folders that no two modules of theirs close."""
    lazily = {"jobs.job": "def f():\n    from . import runner", "jobs.runner": "from .job import Job"}
    assert circles(lazily) == [["jobs.job", "jobs.runner"]]
    folders = {
        "media.video.video": "from ..image.reader import take",
        "media.image.files": "from ..video.video import x",
    }
    assert circles(folders) == []
    assert circles(folders, depth=2) == [["media.image", "media.video"]]


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
