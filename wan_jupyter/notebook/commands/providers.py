"""Where am I, and what is there: provider, sessions, models, the doctor, help. Floor 6."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ...catalog import plan as catalog
from ...catalog.plan import Model
from ...catalog.validate import spans
from ...errors import ModelError, SettingsError
from ...i18n.messages import tr, translated
from ...i18n.suggestions import nearest, shorten
from ...rendering.columns import padded, width
from ...workflows.composer_options import SELF_HOSTED
from ..shell_state import ShellState

if TYPE_CHECKING:
    from ...session.session import Session


def where(state: ShellState) -> None:
    """Say what is in use: provider, key's source, outputs, jobs under way."""
    session = state.session()
    live = [job.id for job in session.live_jobs()]
    facts = {
        **({"session": session.name} if session.name != session.provider.name else {}),
        "provider": f"{session.provider.name} ({translated(session.provider.title)})",
        "address": address_of(session),
        "key": key_of(session),
        "outputs": session.outputs,
        "jobs": ", ".join(live) or tr("where.no_jobs"),
    }
    wide = max(width(tr(f"where.{name}")) for name in facts)
    lines = (f"{padded(tr(f'where.{name}'), wide)}  {value}" for name, value in facts.items())
    state.presenter.show_text("\n".join(lines))


def use(state: ShellState, name: str = "") -> None:
    """Choose the provider, or the session of your settings, for this notebook's cells."""
    if not name:
        from ...config.provider_selection import provider_names

        raise SettingsError("provider.which", names=", ".join(provider_names(state.read())))
    session = state.session(name)
    state.named = name
    state.presenter.say("where.now", provider=name, title=session.provider.title)


def sessions(state: ShellState) -> None:
    """List the sessions: those of your settings, and those that were opened here."""
    using, problem = _in_use(state)
    opened = {one.name: one for one in state.opened.values()} | ({using.name: using} if using else {})
    current = using.name if using else state.named or ""
    rows = []
    for name in dict.fromkeys((*state.read().sessions, *opened, *([current] if current else []))):
        mark = tr("sessions.in_use") if name == current else ""
        rows.append([name, *_told(state, name, opened.get(name)), mark])
    heads = ("name", "provider", "address", "key", "jobs", "in_use")
    state.presenter.show_rows(rows, [tr(f"sessions.{head}") for head in heads])
    if problem is not None and not current:
        state.presenter.show_text("\n".join(problem.lines()))


def _in_use(state: ShellState) -> tuple[Session | None, SettingsError | None]:
    """Return the session in use, or why there is none: a list of what there is must not fail for it."""
    try:
        return state.session(), None
    except SettingsError as problem:
        return None, problem


def _told(state: ShellState, name: str, session: Session | None) -> list[str]:
    """Return provider, address, where the key comes from, and jobs under way; or why there is no such session."""
    try:
        session = session or state.session(name)
    except SettingsError as problem:
        return ["", "", problem.message(), ""]
    live = ", ".join(job.id for job in session.live_jobs() if job.info.session == name)
    return [session.provider.name, address_of(session), key_of(session), live or tr("where.no_jobs")]


def address_of(session: Session) -> str:
    """Return where a session's requests go, for people."""
    return tr("where.in_kernel") if session._resources.in_process else session.provider.origin


def key_of(session: Session) -> str:
    """Return where a session's key comes from; never the key."""
    return translated(key.source) if (key := session._resources.key) else tr("where.no_key")


def models(state: ShellState, name: str = "") -> None:
    """List the models that are known, or show one with all that is known of it."""

    spoken = state.presenter.language
    if name:
        return state.presenter.show_rows(details(name, spoken), [])
    return state.presenter.show_rows(overview(spoken), head(spoken))


def help_text(state: ShellState, names: Iterable[str]) -> None:
    """List the commands."""
    rows = "\n".join(f"  %wan {name:<8} {tr(f'command.{name}')}" for name in names if name != "where")
    state.presenter.show_text(f"{tr('command.title')}\n\n  %wan          {tr('command.where')}\n{rows}")


COLUMNS = ("id", "modes", "resolutions", "durations")


def head(language: str = "en") -> list[str]:
    """Return the table's column titles."""
    return [tr(f"models.{name}", language) for name in COLUMNS]


def overview(language: str = "en") -> list[list[str]]:
    """Return one row a model."""
    return [
        [row.id, _modes(row, language), " ".join(row.resolutions), _durations(row, language)]
        for row in catalog.models().values()
    ]


def details(name: str, language: str = "en") -> list[list[str]]:
    """Return what is known of one model, a fact a row.

    Raises:
        ModelError: the catalogue does not have it; the service may all the same.
    """
    if name not in catalog.models():
        raise ModelError("model.unlisted", model=shorten(name), suggestion=nearest(name, catalog.models()))
    row = catalog.models()[name]
    facts = {
        "id": row.id,
        "modes": _modes(row, language),
        "resolutions": " ".join(row.resolutions),
        "durations": _durations(row, language),
        "sound": tr("models.yes" if row.sound else "models.no", language),
        "options": ", ".join(field.replace("_", "-") for field in row.fields),
        "templates": ", ".join(row.templates),
        "regions": tr("part.comma", language).join(_region(region, language) for region in row.regions),
        "prompt": str(row.prompt_max or ""),
        "prices": tr("part.semicolon", language).join(_price(price, language) for price in row.prices),
    }
    return [[tr(f"models.{name}", language), value] for name, value in facts.items() if value]


def _modes(row: Model, language: str) -> str:
    return tr("part.comma", language).join(tr(f"models.mode.{mode}", language) for mode in row.modes)


def _durations(row: Model, language: str) -> str:
    return tr("chip.seconds", language, value=spans(row.durations)) if row.durations else ""


def _region(name: str, language: str) -> str:
    """Return a region as the vendor calls it; what is no vendor's is said."""
    return tr("models.self_hosted", language) if name == SELF_HOSTED else name


def _price(row: Mapping[str, Any], language: str) -> str:
    kind = {True: "sound", False: "silent"}.get(row.get("sound", ""), "plain")
    price = f"{row['per_second']:g} {row['currency']}"
    facts = {name: row[name] for name in ("tariff", "resolution", "seen")}
    return tr(f"models.tariff.{kind}", language, price=price, **facts)
