"""The commands about providers: where, use, sessions, models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ...catalog import plan as catalog
from ...catalog.plan import Model
from ...catalog.validate import spans
from ...errors import ModelError, SettingsError
from ...i18n.messages import tr, translated
from ...i18n.suggestions import nearest, shorten
from ...rendering.columns import padded, width
from ..shell_state import ShellState
from .spec import Argument, CommandSpec

if TYPE_CHECKING:
    from ...session.session import Session


def where(state: ShellState) -> None:
    """Show what is in use: provider, source of the key, outputs folder, unfinished jobs."""
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
    """Choose the provider or named session for this notebook's cells."""
    if not name:
        from ...config.provider_selection import provider_names

        raise SettingsError("provider.which", names=", ".join(provider_names(state.read())))
    session = state.session(name)
    state.named = name
    state.presenter.say("where.now", provider=name, title=session.provider.title)


def sessions(state: ShellState) -> None:
    """List the sessions of the settings file and those opened in this kernel."""
    using, problem = _in_use(state)
    opened = {session.name: session for session in state.opened.values()} | ({using.name: using} if using else {})
    current = using.name if using else state.named or ""
    rows = []
    for name in dict.fromkeys((*state.read().sessions, *opened, *([current] if current else []))):
        mark = tr("sessions.in_use") if name == current else ""
        rows.append([name, *_session_cells(state, name, opened.get(name)), mark])
    heads = ("name", "provider", "address", "key", "jobs", "in_use")
    state.presenter.show_rows(rows, [tr(f"sessions.{head}") for head in heads])
    if problem is not None and not current:
        state.presenter.show_text("\n".join(problem.lines()))


def _in_use(state: ShellState) -> tuple[Session | None, SettingsError | None]:
    """Return the session in use, or the error: the list of sessions is shown without it."""
    try:
        return state.session(), None
    except SettingsError as problem:
        return None, problem


def _session_cells(state: ShellState, name: str, session: Session | None) -> list[str]:
    """Return provider, address, source of the key and unfinished jobs; or why the session cannot be opened."""
    try:
        session = session or state.session(name)
    except SettingsError as problem:
        return ["", "", problem.message(), ""]
    live = ", ".join(job.id for job in session.live_jobs() if job.info.session == name)
    return [session.provider.name, address_of(session), key_of(session), live or tr("where.no_jobs")]


def address_of(session: Session) -> str:
    """Return where a session's requests go, as shown to users."""
    return tr("where.in_kernel") if session._resources.in_process else session.provider.origin


def key_of(session: Session) -> str:
    """Return the source of a session's key; never the key."""
    return translated(key.source) if (key := session._resources.key) else tr("where.no_key")


def models(state: ShellState, name: str = "") -> None:
    """List the models, or show everything known about one."""
    language = state.presenter.language
    if name:
        return state.presenter.show_rows(details(name, language), [])
    return state.presenter.show_rows(overview(language), head(language))


COLUMNS = ("id", "modes", "resolutions", "durations")


def head(language: str = "en") -> list[str]:
    """Return the table's column titles."""
    return [tr(f"models.{name}", language) for name in COLUMNS]


def overview(language: str = "en") -> list[list[str]]:
    """Return one row per model."""
    return [
        [model.id, _modes(model, language), " ".join(model.resolutions), _durations(model, language)]
        for model in catalog.models().values()
    ]


def details(name: str, language: str = "en") -> list[list[str]]:
    """Return everything known about one model, one fact per row.

    Raises:
        ModelError: the catalogue does not list it; the service may still have it.
    """
    if name not in catalog.models():
        raise ModelError("model.unlisted", model=shorten(name), suggestion=nearest(name, catalog.models()))
    model = catalog.models()[name]
    facts = {
        "id": model.id,
        "modes": _modes(model, language),
        "resolutions": " ".join(model.resolutions),
        "durations": _durations(model, language),
        "sound": tr("models.yes" if model.sound else "models.no", language),
        "options": ", ".join(field.replace("_", "-") for field in model.fields),
        "templates": ", ".join(model.templates),
        "regions": tr("part.comma", language).join(_region(region, language) for region in model.regions),
        "prompt": str(model.prompt_max or ""),
        "prices": tr("part.semicolon", language).join(_price(price, language) for price in model.prices),
    }
    return [[tr(f"models.{name}", language), value] for name, value in facts.items() if value]


def _modes(model: Model, language: str) -> str:
    return tr("part.comma", language).join(tr(f"models.mode.{mode}", language) for mode in model.modes)


def _durations(model: Model, language: str) -> str:
    return tr("chip.seconds", language, value=spans(model.durations)) if model.durations else ""


def _region(name: str, language: str) -> str:
    """Return the vendor's name of a region; self-hosted models are marked as such."""
    from ...workflows.composer_options import SELF_HOSTED

    return tr("models.self_hosted", language) if name == SELF_HOSTED else name


def _price(price: Mapping[str, Any], language: str) -> str:
    kind = {True: "sound", False: "silent"}.get(price.get("sound", ""), "plain")
    amount = f"{price['per_second']:g} {price['currency']}"
    facts = {name: price[name] for name in ("tariff", "resolution", "seen")}
    return tr(f"models.tariff.{kind}", language, price=amount, **facts)


WHERE = CommandSpec("where", where, help_key="command.where")
USE = CommandSpec("use", use, (Argument("NAME", "service", required=True),), help_key="command.use")
SESSIONS = CommandSpec("sessions", sessions, help_key="command.sessions")
MODELS = CommandSpec("models", models, (Argument("NAME", "model"),), help_key="command.models")
