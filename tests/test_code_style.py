"""House style that a machine can read: short functions, short files, typed, no state outside of objects."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from statistics import median, quantiles

import pytest

from tests.support.processes import ROOT

LONGEST_FILE = 500
LONGEST_FUNCTION = 60
FROZEN = {"MappingProxyType", "frozenset", "tuple", "Mapping", "Sequence"}
ENGINE_SLOT = ("background.py", "_slot")
SOURCES = sorted((ROOT / "wan_jupyter").rglob("*.py"))

Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(path: Path) -> Iterator[Function]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, Function):
            yield node


def length(node: Function) -> int:
    """Return the lines from `def` to the end."""
    return (node.end_lineno or node.lineno) - node.lineno + 1


def named(path: Path, node: Function) -> str:
    return f"{path.name}:{node.lineno} {node.name}"


LENGTHS = [(length(node), named(path, node)) for path in SOURCES for node in functions(path)]


def test_functions_are_short() -> None:
    """Half of them fit in nine lines, nine of ten in thirty."""
    lengths = [lines for lines, _ in LENGTHS]
    assert median(lengths) <= 9
    assert quantiles(lengths, n=10)[-1] <= 30


def test_no_function_is_long() -> None:
    """Sixty lines, docstring included, is the end."""
    assert [name for lines, name in LENGTHS if lines > LONGEST_FUNCTION] == []


def test_no_file_is_long() -> None:
    """A file that grows above 500 lines is two files."""
    counts = {path.name: len(path.read_text("utf-8").splitlines()) for path in SOURCES}
    assert {name: lines for name, lines in counts.items() if lines > LONGEST_FILE} == {}


def test_every_function_says_what_it_returns() -> None:
    """And so does every method."""
    assert [named(path, node) for path in SOURCES for node in functions(path) if node.returns is None] == []


def test_every_module_says_what_it_is_for() -> None:
    """The first thing in a file is why it exists."""
    assert [path.name for path in SOURCES if not ast.get_docstring(ast.parse(path.read_text("utf-8")))] == []


def globals_of(source: str) -> list[str]:
    """Return the names of functions that rebind names of their module."""
    return [name for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Global) for name in node.names]


def test_nothing_is_global() -> None:
    """No `global` statement."""
    assert [(path.name, names) for path in SOURCES if (names := globals_of(path.read_text("utf-8")))] == []


def mutables(source: str) -> list[str]:
    """Return the module's own names that hold a list, dict, set or an instance that may change."""
    found = []
    for node in ast.parse(source).body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        value = getattr(node, "value", None)
        if not isinstance(target, ast.Name) or value is None or target.id == "__all__":
            continue
        read_only = isinstance(node, ast.AnnAssign) and ast.unparse(node.annotation).startswith(("Mapping", "Sequence"))
        if _may_change(value) and not read_only:
            found.append(target.id)
    return found


def _may_change(value: ast.expr) -> bool:
    literal = ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp | ast.SetComp
    if isinstance(value, literal):
        return True
    calls = isinstance(value, ast.Call) and isinstance(value.func, ast.Name)
    return calls and value.func.id in {"list", "dict", "set", "defaultdict", "Counter", "deque", "bytearray", "_Slot"}


def test_no_module_holds_state() -> None:
    """What changes lives in a session, a job, the magics or the journal; the engine's slot is the one exception."""
    found = [(path.name, name) for path in SOURCES for name in mutables(path.read_text("utf-8"))]
    assert found == [ENGINE_SLOT]


@pytest.mark.parametrize(
    "source", ["JOBS = {}", "JOBS: list[str] = []", "JOBS = dict()", "JOBS = [x for x in ()]", "JOBS = {1}"]
)
def test_state_in_a_module_is_found(source: str) -> None:
    """The test above would fail."""
    assert mutables(source) == ["JOBS"]
