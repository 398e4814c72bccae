"""The commands for housekeeping: clean (disk use), doctor (diagnosis), spend (costs)."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ...billing.budget import SINCE, Spending
from ...billing.money import Amount
from ...config import settings as environment
from ...errors import WanError
from ...i18n.messages import tr, translated
from ..shell_state import ShellState
from .spec import Argument, CommandSpec, Flag

if TYPE_CHECKING:
    from ...workflows.doctor import Finding, Patient

HEADS = ("session", "provider", "currency", "jobs", "made", "spent", "reserved", "unknown", "budget", "left")


def clean(state: ShellState, *, yes: bool = False) -> None:
    """Show disk use and what can be removed; with `yes`, remove it."""
    from ...workflows.cleanup import clear

    if not yes:
        return _show_disk_use(state)
    count, size = clear(state.session())
    return state.presenter.say_count("clean.done", count, size=_megabytes(size))


def _show_disk_use(state: ShellState) -> None:
    from ...workflows.cleanup import look, weight

    shelves = look(state.session())
    heads = ("what", "where", "files", "size", "spare")
    rows = []
    for shelf in shelves:
        sizes = [_megabytes(weight(files)) for files in (shelf.files, shelf.spare)]
        rows.append([tr(f"clean.name.{shelf.name}"), str(shelf.where), str(len(shelf.files)), *sizes])
    state.presenter.show_rows(rows, [tr(f"clean.{head}") for head in heads])
    for shelf in shelves:
        if shelf.kept:
            state.presenter.say(f"clean.{shelf.kept}")
    spare = [path for shelf in shelves for path in shelf.spare]
    if spare:
        return state.presenter.say("clean.how", count=len(spare), size=_megabytes(weight(spare)))
    return state.presenter.say("clean.nothing")


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"


def doctor(state: ShellState, name: str = "") -> None:
    """Diagnose the machine, a session and its service, with a fix for each problem."""
    from ...workflows import doctor

    patient = _patient(state, name)
    state.presenter.show_text(doctor.report([*doctor.examine(patient), *findings(state.ip)]))


def _patient(state: ShellState, name: str) -> Patient:
    from ...workflows.doctor import Patient, visit

    try:
        session = state.session(name or None)
        return Patient(environment.read_settings(fixed=state.folders), session, None, time.time)
    except WanError:
        return visit(name or state.named or "")


def spend(state: ShellState, span: str = "all") -> None:
    """Show the costs of all jobs by session, provider and currency, and what is left of the budgets."""
    rows = state.session().spend(span)
    if not rows:
        return state.presenter.say("spend.nothing")
    return state.presenter.show_rows([_cells(row) for row in rows], [tr(f"spend.{head}") for head in HEADS])


def _cells(row: Spending) -> list[str]:
    counts = (row.jobs, row.made, Amount(row.spent), Amount(row.reserved), row.unknown)
    limits = ("" if row.budget is None else translated(row.budget.phrase), "" if row.left is None else Amount(row.left))
    return [row.session, row.provider, row.currency, *map(str, counts), *map(str, limits)]


def findings(ip: Any) -> Iterator[Finding]:
    """Yield findings about the front end and the number of live widgets; counting them imports nothing."""
    from ...workflows.doctor import Finding
    from ..display.frontend import detect

    front = detect(ip)
    ways = tr("doctor.waits" if front.waits else "doctor.returns")
    yield Finding(tr("doctor.name.front"), tr("part.semicolon").join((tr(f"doctor.face.{front.surface}"), ways)))
    module = sys.modules.get("ipywidgets.widgets.widget")
    alive = getattr(module, "_instances", None)  # ipywidgets 8; version 7 keeps them on the class
    if alive is None:
        alive = getattr(getattr(module, "Widget", None), "widgets", {})
    fix = tr("doctor.widgets_fix") if front.surface == "widget" and not _comms(ip) else ""
    yield Finding(tr("doctor.name.widgets"), tr("doctor.widgets", count=len(alive)), fix)


def _comms(ip: Any) -> bool:
    """Return whether the kernel can open a comm to a front end."""
    return getattr(ip.kernel, "comm_manager", None) is not None


CLEAN = CommandSpec("clean", clean, flags=(Flag("--yes", "command.flag.clean_yes"),), help_key="command.clean")
DOCTOR = CommandSpec("doctor", doctor, (Argument("NAME", "service"),), help_key="command.doctor")
SPEND = CommandSpec("spend", spend, (Argument("|".join(SINCE), choices=tuple(SINCE)),), help_key="command.spend")
