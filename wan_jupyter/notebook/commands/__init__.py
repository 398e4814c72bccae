"""The commands of `%wan`: one function each, called with the state and the words that follow its name. Floor 6."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from inspect import signature
from types import MappingProxyType
from typing import Any

from ...errors import OptionError
from ...i18n.suggestions import nearest, shorten
from ...request.command_line import split
from ..shell_state import ShellState
from . import composer, history, jobs, login, maintenance, providers

Command = Callable[..., Any]

ALIASES: Mapping[str, str] = MappingProxyType({"--help": "help", "-h": "help"})
# In the order in which help lists them.
COMMANDS: Mapping[str, Command] = MappingProxyType(
    {
        "where": providers.where,
        "use": providers.use,
        "login": login.login,
        "logout": login.logout,
        "sessions": providers.sessions,
        "jobs": history.jobs,
        "show": jobs.show,
        "frame": history.frame,
        "wait": jobs.wait,
        "resume": jobs.resume,
        "retry": jobs.retry,
        "cancel": jobs.cancel,
        "adopt": jobs.adopt,
        "compose": composer.compose,
        "spend": maintenance.spend,
        "models": providers.models,
        "clean": maintenance.clean,
        "doctor": maintenance.doctor,
        "help": lambda state: providers.help_text(state, COMMANDS),
    }
)
# What may follow them beside words; Tab offers it.
FLAGS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "login": (login.KEEP,),
        "jobs": tuple(history.FILTERS),
        "frame": (history.STRIP,),
        "retry": (jobs.YES,),
        "clean": (maintenance.YES,),
    }
)


def run(state: ShellState, line: str) -> Any:
    """Carry out one line of `%wan`, and return its object.

    Raises:
        OptionError: no such command, or a word too many.
    """
    words = split(line)
    name, *rest = words or ["where"]
    try:
        command = COMMANDS[ALIASES.get(name, name)]
    except KeyError:
        suggestion = nearest(name, COMMANDS)
        raise OptionError("command.unknown", name=name, suggestion=suggestion) from None
    try:
        signature(command).bind(state, *rest)
    except TypeError:
        raise OptionError("command.too_many", name=name, value=shorten(rest[-1])) from None
    return command(state, *rest)
