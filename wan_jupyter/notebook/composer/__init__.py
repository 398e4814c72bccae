"""The widgets of the composer; what they decide is in `workflows.composer_draft` and `workflows.composer_options`.

`form` is the whole, `frame_picker` one frame, `option_controls` the model's options, `job_list` the jobs; `debounce`
waits for a pause in typing, and `translations` holds the texts.

The kernel's main thread makes widgets and writes those that people use. Only the loop writes price, problem, previews
and cards, so these continue while a cell computes; ipywidgets has no lock, so each widget has one writing thread.
"""

from __future__ import annotations

from ...session.session import Composer
from ..display.presenter import Presenter
from .form import Form

__all__ = ["Form", "show"]


def show(composer: Composer, presenter: Presenter) -> None:
    """Show a composer's form, unless this very cell has shown it already (`%wan compose`)."""
    if presenter.already_shown(f"form {id(composer)}"):
        return
    if presenter.has_widgets:
        presenter.show_form(Form(composer, presenter, presenter.variables))
    else:
        presenter.say("compose.needs_notebook")
