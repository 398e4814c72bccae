"""The composer's widgets. What they know is in `composing`; here is only what is drawn and who is told.

`form` the whole · `panel` one frame · `controls` the model's options · `shelf` the jobs · `watch` waits for a pause ·
`words` the texts.

The kernel's thread makes widgets and writes those that people use; the loop alone writes price, problem, previews and
cards (reference/jupyter-platform.md A2), so they go on while a cell computes.
"""

from __future__ import annotations

from ...session.session import Composer
from ..display.presenter import Presenter
from .form import Form

__all__ = ["Form", "show"]


def show(composer: Composer, presenter: Presenter) -> None:
    """Show a composer's form, unless this very cell has shown it already (`%wan compose`)."""
    if presenter.shows_now(f"form {id(composer)}"):
        return
    if presenter.has_widgets:
        presenter.show_form(Form(composer, presenter, presenter.names))
    else:
        presenter.say("compose.needs_notebook")
