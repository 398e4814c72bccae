"""The jobs of a form: their cards, the newest first, each of which ends as a player."""

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
    """A card among the form's widgets: a widget that is there already may be changed from the loop; nothing is
    displayed anew, for an output of a button's callback belongs to no cell."""

    def __init__(self, put: Callable[[Any], None], job: Job, language: str) -> None:
        super().__init__(job.cancel, language)
        self._put = put

    def open(self, view: Any) -> None:
        """Put the card on the shelf."""
        self.build(view)
        self._box.add_class("wan-job")
        self._put(self._box)

    def end(self, final: Bundle, made: bool, inside: str = "") -> None:
        """Show the player, or what happened, where the card was."""
        self._box.children = (self._html,)
        self._html.value = inside


class JobList:
    """A box of cards."""

    def __init__(self, presenter: Presenter) -> None:
        import ipywidgets as w

        self._presenter = presenter
        self._boxes: dict[str, Any] = {}
        self.box = w.VBox()

    def add(self, job: Job) -> None:
        """Show a job on top; one that is here already only comes to the top."""
        if job.id in self._boxes:
            self._put(job.id, self._boxes[job.id])
            return
        face = JobListSurface(partial(self._put, job.id), job, self._presenter.language)
        self._presenter.show_on(job, face)

    def _put(self, identity: str, box: Any) -> None:
        self._boxes[identity] = box
        self.box.children = (box, *(other for other in self.box.children if other is not box))


def relative(path: Path) -> str:
    """Return a path as a cell names it: from the working directory, or whole where that is elsewhere."""
    try:
        return path.relative_to(Path.cwd()).as_posix()
    except ValueError:
        return str(path)
