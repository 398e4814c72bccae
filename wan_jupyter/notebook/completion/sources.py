"""What Tab may offer of a state: quiet answers, nothing opened and nothing printed for them. Floor 6."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ...config import settings as environment
from ..commands import COMMANDS, FLAGS
from .candidates import CompletionContext

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ...config.settings import Settings
    from ..shell_state import ShellState


def offers(state: ShellState) -> CompletionContext:
    """Return what there is to offer now; pictures are found where the working directory is, as a cell finds them."""
    return CompletionContext(
        folder=Path.cwd(),
        names=state.ip.user_ns,
        commands=tuple(COMMANDS),
        flags=FLAGS,
        provider=lambda name: _provider(state, name),
        model=lambda name: _model(state, name),
        sessions=lambda: tuple(_settings(state).sessions),
        jobs=lambda: _jobs(state),
    )


def _settings(state: ShellState) -> Settings:
    return environment.read_settings(fixed=state.fixed, config=state.configured())


def _provider(state: ShellState, name: str) -> str:
    found = _settings(state)
    chosen = name or state.named or found.provider or found.chosen
    if chosen in found.sessions:
        return found.sessions[chosen].provider
    opened = (session.provider.name for (named, *_), session in state.opened.items() if named == (chosen or None))
    return chosen or next(opened, "")


def _model(state: ShellState, name: str) -> str:
    found = _settings(state)
    own = found.sessions.get(name or state.named or found.chosen)
    said = {**{key: value for key, (value, _) in found.defaults.items()}, **(own.defaults if own else {})}
    return str(said.get("model", ""))


def _jobs(state: ShellState) -> Iterable[tuple[str, bool]]:
    """Return the newest jobs, where a session is open already."""
    session = next(iter(state.opened.values()), None)
    return [(job.id, job.status.live) for job in session.history()] if session else []
