"""The completion context of a shell: nothing is opened and nothing printed for it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ...config import settings as environment
from .candidates import CompletionContext

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ...config.settings import Settings
    from ..commands.spec import CommandSpec
    from ..shell_state import ShellState


def context_of(state: ShellState) -> CompletionContext:
    """Return the context of this moment; pictures are looked for in the working directory, as a cell does."""
    return CompletionContext(
        folder=Path.cwd(),
        names=state.ip.user_ns,
        commands=_commands,
        provider=lambda name: _provider(state, name),
        model=lambda name: _model(state, name),
        sessions=lambda: tuple(_settings(state).sessions),
        jobs=lambda: _jobs(state),
    )


def _commands() -> Mapping[str, CommandSpec]:
    from ..commands import COMMANDS

    return COMMANDS


def _settings(state: ShellState) -> Settings:
    return environment.read_settings(fixed=state.folders, config=state.configured())


def _provider(state: ShellState, name: str) -> str:
    settings = _settings(state)
    chosen = name or state.named or settings.provider or settings.chosen
    if chosen in settings.sessions:
        return settings.sessions[chosen].provider
    opened = (session.provider.name for (named, *_), session in state.opened.items() if named == (chosen or None))
    return chosen or next(opened, "")


def _model(state: ShellState, name: str) -> str:
    settings = _settings(state)
    own = settings.sessions.get(name or state.named or settings.chosen)
    defaults = {**{key: value for key, (value, _) in settings.defaults.items()}, **(own.defaults if own else {})}
    return str(defaults.get("model", ""))


def _jobs(state: ShellState) -> Iterable[tuple[str, bool]]:
    """Return the newest jobs if a session is already open."""
    session = next(iter(state.opened.values()), None)
    return [(job.id, job.status.live) for job in session.history()] if session else []
