"""Type checkers, Shift+Tab and completion know every option: one declaration, seen from three sides."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes import ROOT
from tests.support.world import SMALL, World, picture
from wan_jupyter.errors import OptionError
from wan_jupyter.request.options import CellOptions, VideoRequest, declared
from wan_jupyter.session.session import Session

# Options of a cell that a Python call has, too; the others say where a cell's output goes.
OF_A_CALL = ("new", "budget", "yes")
WRONG = '\nsession.submit("A cat", duration="six")\nsession.submit("A cat", seed=7)  # type: ignore[arg-type]\n'


def checked(source: Path, cache: Path) -> list[str]:
    """Return what mypy says of a file."""
    command = [sys.executable, "-m", "mypy", "--strict", "--warn-unused-ignores", "--no-error-summary"]
    how = {"cwd": ROOT, "capture_output": True, "text": True, "check": False}
    cached = f"--cache-dir={cache}"
    ran = subprocess.run([*command, cached, "--config-file", "pyproject.toml", str(source)], **how)  # type: ignore[call-overload]
    return [line.partition(": ")[2] for line in (ran.stdout + ran.stderr).splitlines()]


@pytest.mark.timeout(300)
def test_type_checkers_know_the_public_calls(tmp_path: Path) -> None:
    """Right use passes and wrong use does not; the file's own ignores show it, and more wrong use is found."""
    source = ROOT / "tests" / "typing" / "api.py"
    assert checked(source, tmp_path) == []
    more = tmp_path / "api.py"
    more.write_text(source.read_text("utf-8") + WRONG, "utf-8")
    found = checked(more, tmp_path)
    assert len(found) == 2
    assert "[arg-type]" in found[0]
    assert "[unused-ignore]" in found[1]


@pytest.mark.parametrize("call", [Session.submit, Session.dry_run, Session.price])
def test_a_call_has_every_option_as_a_keyword(call: object) -> None:
    """The signature that Shift+Tab and completion show is the declaration of `VideoRequest` and `CellOptions`."""
    assert callable(call)
    shown = inspect.signature(call).parameters
    options = [option.name for option in declared(VideoRequest)]
    there = [option.name for option in declared(CellOptions) if option.name in OF_A_CALL]
    assert list(shown) == ["self", "prompt", "image", "last_image", *options, *there, "unknown"]
    assert {shown[name].kind for name in (*options, *there)} == {inspect.Parameter.KEYWORD_ONLY}
    assert [shown[name].default for name in options] == [None] * len(options)


def test_the_docstring_explains_every_option() -> None:
    """What Shift+Tab shows below the signature."""
    text = inspect.getdoc(Session.submit) or ""
    names = [name for name in inspect.signature(Session.submit).parameters if name not in ("self", "unknown")]
    assert [name for name in names if f"\n    {name}: " not in text] == []


def test_three_calls_take_the_same_arguments(world: World) -> None:
    """A dry run and a price are asked for as the video is; a request stands for its prompt, images and options."""
    session = world.session()
    asked = {"image": picture(), "seed": 7, "new": True, "budget": "5 USD", **SMALL}
    shown = session.dry_run("A cat", **asked)  # type: ignore[arg-type]
    assert (shown.plan.request.seed, shown.plan.model.id) == (7, SMALL["model"])
    request = VideoRequest(prompt="A cat", filled_prompt="A cat", first=shown.plan.request.first, seed=7, **SMALL)
    assert session.dry_run(request).request.body == shown.request.body
    assert session.price("A cat", **asked) == session.price(request) == shown.price  # type: ignore[arg-type]
    job = session.submit("A cat", **asked)  # type: ignore[arg-type]
    assert session.submit(request).id == job.id
    with pytest.raises(TypeError, match="seed"):
        session.dry_run(request, seed=8)
    for call in (session.submit, session.dry_run, session.price):
        with pytest.raises(OptionError, match="duration"):
            call("A cat", durration=5)  # type: ignore[arg-type]
