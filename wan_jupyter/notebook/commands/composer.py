"""A form for people who do not want to learn options. Floor 6."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import OptionError
from ...i18n.suggestions import shorten
from ..shell_state import ShellState

if TYPE_CHECKING:
    from ...session.session import Composer

CELL = "cell"


def compose(state: ShellState, what: str = "") -> Composer | None:
    """Show the form of the session in use, and return it; or put what the newest form says into a cell below."""
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
    """Put the newest form's cell below the one that runs: a front end makes cells at the end of a cell only.

    Asked for from a button of a form, the new cell would come below whichever cell is run next.
    """
    form = state.presenter.form
    if form is None:
        raise OptionError("compose.nothing")
    state.ip.set_next_input(form.cell(), replace=False)
