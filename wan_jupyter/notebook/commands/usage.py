"""`%wan help`: the list of commands, and the usage of one; also the rows of the commands table in the docs."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping

from ...errors import OptionError
from ...i18n.messages import tr
from ...i18n.suggestions import nearest
from ...rendering.columns import padded
from ..shell_state import ShellState
from .spec import CommandSpec

USAGE_WIDTH = 30  # columns; longer usage has a line of its own
DEFAULT = "where"  # what a bare `%wan` runs


def find(table: Mapping[str, CommandSpec], name: str) -> CommandSpec:
    """Return a command by name.

    Raises:
        OptionError: there is no such command; the nearest name is suggested.
    """
    if name not in table:
        raise OptionError("command.unknown", name=name, suggestion=nearest(name, table))
    return table[name]


def list_commands(state: ShellState, table: Mapping[str, CommandSpec]) -> None:
    """Show all commands with their usage."""
    lines = _columns((usage, text) for usage, text in rows(table.values()))
    state.presenter.show_text("\n".join([tr("command.title"), "", *lines]))


def describe(state: ShellState, spec: CommandSpec) -> None:
    """Show what one command does and which flags it takes."""
    lines = [usage_of(spec), *textwrap.wrap(spec.help, 100, initial_indent="  ", subsequent_indent="  ")]
    flags = list(_columns((flag.usage, tr(flag.help_key)) for flag in spec.flags))
    state.presenter.show_text("\n".join([*lines, *(["", *flags] if flags else [])]))


def rows(specs: Iterable[CommandSpec]) -> list[tuple[str, str]]:
    """Return usage and explanation of each command, in the language in force: the commands table of the docs."""
    return [(usage_of(spec), spec.help) for spec in specs]


def usage_of(spec: CommandSpec) -> str:
    """Return how a command is typed; the default one needs no name."""
    return "%wan" if spec.name == DEFAULT else spec.usage


def _columns(pairs: Iterable[tuple[str, str]]) -> Iterable[str]:
    for left, right in pairs:
        if len(left) <= USAGE_WIDTH:
            yield f"  {padded(left, USAGE_WIDTH)}  {right}"
        else:
            yield f"  {left}"
            yield f"  {' ' * USAGE_WIDTH}  {right}"
