"""The commands of `%wan`, in one table. To add one: write its function and `CommandSpec`, and list it in `SPECS`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from ...request.command_line import split
from ..shell_state import ShellState
from . import composer, history, jobs, login, maintenance, providers, usage
from .spec import HELP_FLAGS, Argument, CommandSpec


def _show_help(state: ShellState, name: str = "") -> None:
    """List the commands, or describe one."""
    if name:
        return usage.describe(state, usage.find(COMMANDS, name))
    return usage.list_commands(state, COMMANDS)


# In the order in which help lists them.
SPECS = (
    providers.WHERE,
    providers.USE,
    login.LOGIN,
    login.LOGOUT,
    providers.SESSIONS,
    history.JOBS,
    jobs.SHOW,
    history.FRAME,
    jobs.WAIT,
    jobs.RESUME,
    jobs.RETRY,
    jobs.CANCEL,
    jobs.ADOPT,
    composer.COMPOSE,
    maintenance.SPEND,
    providers.MODELS,
    maintenance.CLEAN,
    maintenance.DOCTOR,
    CommandSpec("help", _show_help, (Argument("COMMAND", "command"),), help_key="command.help"),
)
COMMANDS: Mapping[str, CommandSpec] = MappingProxyType({spec.name: spec for spec in SPECS})


def run(state: ShellState, line: str) -> Any:
    """Run one line of `%wan` and return its result.

    Raises:
        OptionError: the command or a flag is unknown, or there is a surplus word.
    """
    name, *typed = split(line) or [usage.DEFAULT]
    if name in HELP_FLAGS:
        name = "help"
    spec = usage.find(COMMANDS, name)
    spec.refuse_secrets(state, typed)
    if set(HELP_FLAGS) & set(typed):
        return usage.describe(state, spec)
    return spec.call(state, typed)
