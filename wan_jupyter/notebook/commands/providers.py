"""Where am I, and what is there: provider, sessions, models, the doctor, help. Floor 6."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from ...config import settings as environment
from ...errors import SettingsError, WanError
from ...i18n.messages import say, told
from ...security.sanitize import padded, width
from ..shell_state import Desk

if TYPE_CHECKING:
    from ...session.session import Session
    from ...workflows.doctor import Patient


def where(desk: Desk) -> None:
    """Say what is in use: provider, key's source, outputs, jobs under way."""
    session = desk.session()
    live = [job.id for job in session.live_jobs()]
    facts = {
        **({"session": session.name} if session.name != session.provider.name else {}),
        "provider": f"{session.provider.name} ({told(session.provider.title)})",
        "address": address_of(session),
        "key": key_of(session),
        "outputs": session.outputs,
        "jobs": ", ".join(live) or say("where.no_jobs"),
    }
    wide = max(width(say(f"where.{name}")) for name in facts)
    lines = (f"{padded(say(f'where.{name}'), wide)}  {value}" for name, value in facts.items())
    desk.presenter.show_text("\n".join(lines))


def use(desk: Desk, name: str = "") -> None:
    """Choose the provider, or the session of your settings, for this notebook's cells."""
    if not name:
        from ...config.provider_selection import names

        raise SettingsError("provider.which", names=", ".join(names(desk.read())))
    session = desk.session(name)
    desk.named = name
    desk.presenter.say("where.now", provider=name, title=session.provider.title)


def sessions(desk: Desk) -> None:
    """List the sessions: those of your settings, and those that were opened here."""
    using, problem = _in_use(desk)
    opened = {one.name: one for one in desk.opened.values()} | ({using.name: using} if using else {})
    current = using.name if using else desk.named or ""
    rows = []
    for name in dict.fromkeys((*desk.read().sessions, *opened, *([current] if current else []))):
        mark = say("sessions.in_use") if name == current else ""
        rows.append([name, *_told(desk, name, opened.get(name)), mark])
    heads = ("name", "provider", "address", "key", "jobs", "in_use")
    desk.presenter.show_rows(rows, [say(f"sessions.{head}") for head in heads])
    if problem is not None and not current:
        desk.presenter.show_text("\n".join(problem.lines()))


def _in_use(desk: Desk) -> tuple[Session | None, SettingsError | None]:
    """Return the session in use, or why there is none: a list of what there is must not fail for it."""
    try:
        return desk.session(), None
    except SettingsError as problem:
        return None, problem


def _told(desk: Desk, name: str, session: Session | None) -> list[str]:
    """Return provider, address, where the key comes from, and jobs under way; or why there is no such session."""
    try:
        session = session or desk.session(name)
    except SettingsError as problem:
        return ["", "", problem.message(), ""]
    live = ", ".join(job.id for job in session.live_jobs() if job.facts.session == name)
    return [session.provider.name, address_of(session), key_of(session), live or say("where.no_jobs")]


def address_of(session: Session) -> str:
    """Return where a session's requests go, for people."""
    return say("where.in_kernel") if session.in_process else session.provider.origin


def key_of(session: Session) -> str:
    """Return where a session's key comes from; never the key."""
    return told(session.key.source) if session.key else say("where.no_key")


def models(desk: Desk, name: str = "") -> None:
    """List the models that are known, or show one with all that is known of it."""
    from .models_table import details, head, overview

    spoken = desk.presenter.language
    if name:
        return desk.presenter.show_rows(details(name, spoken), [])
    return desk.presenter.show_rows(overview(spoken), head(spoken))


def doctor(desk: Desk, name: str = "") -> None:
    """Look for what may be wrong, and say how to mend it."""
    from ...workflows import doctor
    from .checkup import findings

    patient = _patient(desk, name)
    desk.presenter.show_text(doctor.report([*doctor.examine(patient), *findings(desk.shell)]))


def _patient(desk: Desk, name: str) -> Patient:
    from ...workflows.doctor import Patient, visit

    try:
        session = desk.session(name or None)
        return Patient(environment.read(fixed=desk.fixed), session, None, time.time)
    except WanError:
        return visit(name or desk.named or "")


def help_text(desk: Desk, names: Iterable[str]) -> None:
    """List the commands."""
    rows = "\n".join(f"  %wan {name:<8} {say(f'command.{name}')}" for name in names if name != "where")
    desk.presenter.show_text(f"{say('command.title')}\n\n  %wan          {say('command.where')}\n{rows}")
