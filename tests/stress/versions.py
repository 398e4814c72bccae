"""The versions that are tested, each in an environment of its own: `python tests/stress/versions.py build/versions`.

An environment is made once and kept until its pins or the project's dependencies change; the product in it is a wheel
of this checkout as it is now, so that what is tested is what is installed.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

ROOT = Path(__file__).parents[2]
PROJECT = ROOT / "pyproject.toml"
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check")
EXTRA = "demo"  # what runs a notebook without anyone looking

# What pyproject.toml promises at the least, one line a dependency; a test compares the two.
LOWEST = (
    "ipython==7.34",
    "ipywidgets==7.7.1",
    "httpx==0.27",
    "nest-asyncio2==1.7.3",
    "pillow==10.1",
    "av==14.0",
    "starlette==0.44",
    "uvicorn==0.30",
    "python-multipart==0.0.9",
    "platformdirs==4.0",
    "wcwidth==0.3",
    "nbconvert==7.16",
    "nbclient==0.10",
    "ipykernel==6.17",
)
# The middle rows stand where IPython and ipykernel changed: 8.12 has matchers, 9 dropped what it had deprecated;
# ipykernel 7.2 runs cells differently under asyncio. The last row is whatever is newest on the day it is made.
PINS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "lowest": (*LOWEST, "notebook==6.4.*"),  # ipywidgets 7 asks for a notebook: one of its own time
        "ipykernel-6.29": ("ipython==8.12.*", "ipykernel==6.29.*", "ipywidgets==8.1.*"),
        "ipykernel-7.2": ("ipython==9.0.*", "ipykernel==7.2.*"),
        "newest": (),
    }
)


@dataclass(frozen=True)
class Environment:
    """Name one environment in `folder`, and the pins it is made with."""

    name: str
    pins: tuple[str, ...]
    folder: Path

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")

    def run(self, *arguments: str, **how: object) -> subprocess.CompletedProcess[str]:
        """Run its interpreter and return what came of it; `how` is for `subprocess.run`."""
        command = [str(self.python), *arguments]
        return subprocess.run(command, text=True, capture_output=True, **how)  # type: ignore[call-overload,no-any-return]


def promised() -> tuple[str, ...]:
    """Return what the project declares as the lowest: its run-time dependencies, and what runs a notebook."""
    project = tomllib.loads(PROJECT.read_text("utf-8"))["project"]
    declared = [*project["dependencies"], *project["optional-dependencies"][EXTRA]]
    return tuple(one.split(",")[0].replace(">=", "==") for one in declared)


def ready(name: str, under: Path) -> Environment:
    """Return a row's environment under a folder; make it, or put the product of now into it, where that is needed."""
    made = Environment(name, PINS[name], under / name)
    wheel = _wheel(under / "wheels")
    whole = _digest(PROJECT, *made.pins)
    if _stamp(made, "pins") != whole:
        subprocess.run([sys.executable, "-m", "venv", "--clear", "--without-pip", made.folder], check=True)
        _install(made, f"{wheel}[{EXTRA}]", *made.pins)
        _stamp(made, "pins", whole)
    elif _stamp(made, "wheel") != wheel.parent.name:
        _install(made, "--force-reinstall", "--no-deps", str(wheel))
    _stamp(made, "wheel", wheel.parent.name)
    return made


def _install(made: Environment, *what: str) -> None:
    # pip of this environment fills the other one: a pip in each would take longer than the tests.
    command = [*PIP, "--python", str(made.python), "install", "--quiet", "--no-compile", *what]
    subprocess.run(command, check=True)


def _wheel(under: Path) -> Path:
    """Return a wheel of the checkout as it is now."""
    sources = [path for path in sorted((ROOT / "wan_jupyter").rglob("*")) if path.is_file() and path.suffix != ".pyc"]
    folder = under / _digest(PROJECT, *sources)
    if not list(folder.glob("*.whl")):
        shutil.rmtree(under, ignore_errors=True)
        subprocess.run([*PIP, "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, str(ROOT)], check=True)
    [wheel] = folder.glob("*.whl")
    return wheel


def _digest(*parts: Path | str) -> str:
    whole = hashlib.sha256(sys.version.encode())
    for part in parts:
        whole.update(part.encode() if isinstance(part, str) else str(part).encode() + part.read_bytes())
    return whole.hexdigest()[:16]


def _stamp(made: Environment, name: str, text: str = "") -> str:
    """Return what an environment's stamp says, "" without one; `text` writes it."""
    path = made.folder / f".{name}"
    if text:
        path.write_text(text, "utf-8")
    return path.read_text("utf-8") if path.exists() else ""


if __name__ == "__main__":
    for row in PINS:
        print(f"versions: {row}", flush=True)
        ready(row, Path(sys.argv[1]).resolve())
