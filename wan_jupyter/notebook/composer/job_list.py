"""The jobs of a form: their cards, newest first; each becomes a player."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from ...jobs.job import Job
from ...rendering import Bundle
from ..display.presenter import Presenter
from ..display.surfaces.widget import WidgetSurface


class JobListSurface(WidgetSurface):
    """A card among the form's widgets.

    Only existing widgets are changed, never a new output displayed: the output of a button's callback belongs to no
    cell.
    """

    def __init__(self, put: Callable[[Any], None], job: Job, language: str) -> None:
        super().__init__(job.cancel, language)
        self._put = put

    def open(self, view: Any) -> None:
        """Put the card into the list."""
        self.build(view)
        self._box.add_class("wan-job")
        self._put(self._box)

    def end(self, final: Bundle, succeeded: bool, widget_html: str = "") -> None:
        """Replace the card by the player, or by what happened."""
        self._box.children = (self._html,)
        self._html.value = widget_html


class JobList:
    """A box of cards, newest on top."""

    def __init__(self, presenter: Presenter) -> None:
        import ipywidgets as w

        self._presenter = presenter
        self._boxes: dict[str, Any] = {}
        self.box = w.VBox()

    def add(self, job: Job) -> None:
        """Show a job on top; move it there if it is in the list already."""
        if job.id in self._boxes:
            self._put(job.id, self._boxes[job.id])
            return
        surface = JobListSurface(partial(self._put, job.id), job, self._presenter.language)
        self._presenter.show_on(job, surface)

    def _put(self, identity: str, box: Any) -> None:
        self._boxes[identity] = box
        self.box.children = (box, *(other for other in self.box.children if other is not box))


def relative(path: Path) -> str:
    """Return a path as a cell would name it: relative to the working directory, or absolute if it is elsewhere."""
    try:
        return path.relative_to(Path.cwd()).as_posix()
    except ValueError:
        return str(path)
