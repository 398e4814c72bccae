"""`%wan compose`: a form for making videos without learning options."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import OptionError
from ...i18n.suggestions import shorten
from ..shell_state import ShellState
from .spec import Argument, CommandSpec

if TYPE_CHECKING:
    from ...session.session import Composer

CELL = "cell"


def compose(state: ShellState, what: str = "") -> Composer | None:
    """Show the form of the session in use and return it, or with `cell` insert the newest form as a cell below."""
    if what not in ("", CELL):
        raise OptionError("command.too_many", name="compose", value=shorten(what))
    if what == CELL:
        _put_cell(state)
        return None
    from ...session.session import Composer
    from ..composer import show

    made = Composer(state.session(), named=False)
    show(made, state.presenter)
    return made


def _put_cell(state: ShellState) -> None:
    """Insert the newest form's cell below the running one.

    Front ends insert a cell only when the running cell ends. A button of the form could not do this: the new cell would
    appear below whichever cell is run next.
    """
    form = state.presenter.form
    if form is None:
        raise OptionError("compose.nothing")
    state.ip.set_next_input(form.cell(), replace=False)


COMPOSE = CommandSpec("compose", compose, (Argument(CELL, choices=(CELL,)),), help_key="command.compose")
