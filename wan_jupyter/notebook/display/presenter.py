"""Shows jobs, videos, tables and forms in one shell, and waits for jobs where nobody could come back to them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from ... import rendering
from ...catalog.dry_run import DryRun
from ...errors import OutputError, WanError
from ...i18n.messages import ENGLISH, language_in_force, tr, tr_count
from ...jobs import background
from ...jobs.job import Job
from ...media.video.video import Video
from ...rendering import Bundle
from .cell_error import CellError
from .cell_log import CellLog
from .display_specs import DisplaySpecs
from .dry_run import dry_text
from .embedding import EmbeddingPolicy
from .frontend import FrontEnd, detect, settings_of, user_setting
from .job_group import JobGroup
from .live_display import DisplaySpec, LiveDisplay, Subject
from .open_displays import Form, OpenDisplays
from .surfaces import QUIET_SURFACES, SURFACES
from .surfaces.base import CARD, JOB_TABLE, Cancel, Painter, Surface
from .surfaces.terminal import ring_bell
from .thumbnails import pictures
from .views import Page, job_row, missing_video_lines, player_view
from .waiter import Waiter

JOB_COLUMNS = ("id", "when", "status", "model", "prompt", "file")


class Presenter:
    """The face of the package in one shell; each part of the work has an object of its own.

    Attributes:
        embedding: whether videos are embedded or linked.
        form: the newest form of the composer, None before there is one.
    """

    def __init__(self, ip: Any, folder: Path | None = None) -> None:
        """Make the presenter of a shell whose notebook is in `folder`; None: find out where."""
        settings = settings_of(ip)
        self._ip = ip
        language = language_in_force()
        self._language = language if language != ENGLISH else settings.language
        self.form: Form | None = None
        self.embedding = EmbeddingPolicy(ip, folder or settings.notebook, settings.embed)
        self._specs = DisplaySpecs(self.embedding, lambda: self._language, self._notify)
        self._cell_log = CellLog(ip)
        self._open_displays = OpenDisplays()
        self._waiter = Waiter(ip)
        self._cell_error = CellError(ip)  # registered after the waiter: the card comes first, then the error

    @property
    def language(self) -> str:
        """The language of this shell; a change applies to what is on display, too."""
        return self._language

    @language.setter
    def language(self, language: str) -> None:
        if language != self._language:
            self._language = language
            self._open_displays.set_language(language)

    @property
    def page(self) -> Page:
        """The notebook that videos are shown in."""
        return self.embedding.page

    @property
    def variables(self) -> Mapping[str, object]:
        """The notebook's variables."""
        found: Mapping[str, object] = self._ip.user_ns
        return found

    @property
    def has_widgets(self) -> bool:
        """Whether widgets can be shown here."""
        return detect(self._ip).surface == "widget"

    def close(self) -> None:
        """Leave the shell; only cards of unfinished jobs stay in the kernel."""
        self._waiter.close()
        self._cell_error.close()
        self._open_displays.close()

    # ---- jobs -------------------------------------------------------------------------------------------------

    def render(self, job: Job) -> None:
        """Show a job that is a cell's value, unless this very cell has shown it already (`%wan show ID`).

        If that waits and the job fails, the cell ends with the job's error.
        """
        if self._cell_log.has_just_shown(job.id):
            return
        try:
            self.show(job)
        except WanError as problem:  # raised here, IPython would show it, then the job again, and continue
            self._cell_error.error = problem

    def show(
        self,
        job: Job,
        *,
        wait: bool | None = None,
        timeout: float | None = None,
        embed: str = "",
        quiet: bool = False,
    ) -> bool:
        """Show a job, live while it is unfinished; wait for it if that is asked for or needed here.

        Args:
            wait: whether to wait; None: as the front end and the settings say.
            timeout: seconds after which the wait ends; the job keeps running.
            embed: "always", "never" or "auto"; "": as set.
            quiet: show nothing before the end.

        Returns:
            False if the user interrupted the wait.

        Raises:
            JobError: the job that was waited for ended without a video.
            WaitTimeout: the job did not end within `timeout` seconds.
        """
        self._cell_log.record(job.id)
        front = detect(self._ip)
        waits = front.waits if wait is None else wait
        quiet = quiet or front.quiet
        policy = self.embedding.choose(front, embed)
        if job.done:
            self._display(self._specs.final(job, policy, job.origin))
        elif not waits:
            self._show_in_background(job, front, policy, quiet)
        elif not self._show_and_wait(job, front, policy, quiet, timeout):
            return False
        if waits:
            job.result(0.1)
        return True

    def wait_for(self, jobs: list[Job]) -> bool:
        """Show several jobs in one table and wait until all have ended; False if the user interrupted the wait."""
        front = detect(self._ip)
        live = self._live_table(JobGroup(jobs, background.current()), front, front.quiet)
        finished = self._waiter.wait(live, partial(self._open, live, front.surface))
        if not finished:
            self.say("wait.interrupted" if len(jobs) == 1 else "wait.interrupted_all", id=live.subject.id)
        return finished

    def show_on(self, job: Job, surface: Surface) -> None:
        """Show a job on a caller's surface; its video goes into that surface, not into the notebook."""
        spec = self._specs.for_job(job, "always", self.embedding.unlimited_page())
        self._open(self._live(job, surface, spec), "widget")

    def _show_and_wait(self, job: Job, front: FrontEnd, policy: str, quiet: bool, timeout: float | None) -> bool:
        live = self._live_card(job, front, policy, quiet)
        finished = self._waiter.wait(live, partial(self._open, live, front.surface), timeout)
        if not finished:
            self.say("wait.interrupted", id=job.id)
        return finished

    def _show_in_background(self, job: Job, front: FrontEnd, policy: str, quiet: bool) -> None:
        if front.surface == "terminal":  # a line written later would fall into what is being typed
            self._display(self._specs.card(job))
            job.watch(partial(self._ring_at_end, job))
        elif quiet or self._cell_log.has_room_for_card():
            self._open(self._live_card(job, front, policy, quiet), front.surface)
        else:
            self._show_in_table(job, front)

    def _show_in_table(self, job: Job, front: FrontEnd) -> None:
        """Add a job to the cell's table; start another table if all jobs of the last one have ended."""
        group = self._cell_log.group
        if group is not None and group.join(job):
            return
        self._cell_log.group = group = JobGroup([job], background.current())
        self._open(self._live_table(group, front, quiet=False), front.surface)

    def _live_card(self, job: Job, front: FrontEnd, policy: str, quiet: bool) -> LiveDisplay:
        surface = self._surface(front, quiet, job.cancel, CARD)
        return self._live(job, surface, self._specs.for_job(job, policy))

    def _live_table(self, group: JobGroup, front: FrontEnd, quiet: bool) -> LiveDisplay:
        return self._live(group, self._surface(front, quiet, None, JOB_TABLE), self._specs.for_group(group))

    def _surface(self, front: FrontEnd, quiet: bool, cancel: Cancel, painter: Painter) -> Surface:
        kinds = QUIET_SURFACES if quiet else SURFACES
        return kinds[front.surface](cancel, self._language, painter)

    def _live(self, subject: Subject, surface: Surface, spec: DisplaySpec) -> LiveDisplay:
        return LiveDisplay(subject, surface, spec, background.current())

    def _open(self, live: LiveDisplay, surface_name: str) -> None:
        live.open()
        self._open_displays.translate(live)
        if surface_name == "widget":
            self._open_displays.close_at_end(live)
        if surface_name == "text":
            self._waiter.settle_after_cell(live)

    def _notify(self) -> str:
        return user_setting(self._ip, "notify", "none")

    def _ring_at_end(self, job: Job, _: object) -> None:
        if job.done:
            ring_bell(self._notify())

    # ---- all else ---------------------------------------------------------------------------------------------

    def show_video(self, video: Video) -> None:
        """Show a finished video; if its file is gone, show what is known of it."""
        try:
            view = player_view(video, self.page, policy=self.embedding.choose(detect(self._ip)))
        except OutputError as error:
            identity = str(video.facts.get("job", ""))
            return self.show_text("\n".join(missing_video_lines(video.path, identity, error, self.language)))
        return self._display(rendering.video_player(view, self.language))

    def show_form(self, form: Form) -> None:
        """Show a form of the composer; it follows the shell's language and is closed with the shell."""
        self.form = form
        self._open_displays.translate(form)
        self._open_displays.close_at_end(form)
        form.display()

    def already_shown(self, name: str) -> bool:
        """Return whether this very cell has shown `name` already, and record that it shows it now."""
        shown = self._cell_log.has_just_shown(name)
        self._cell_log.record(name)
        return shown

    def show_jobs(self, jobs: list[Job]) -> None:
        """Show jobs as a table, with a small picture of each."""
        if not jobs:
            return self.say("jobs.none")
        records = [job_row(job, self.language) for job in jobs]
        rows = [[record[name] for name in JOB_COLUMNS] for record in records]
        head = [tr(f"jobs.{name}", self.language) for name in JOB_COLUMNS]
        images = None if detect(self._ip).surface == "terminal" else pictures(jobs, background.current())
        return self._display(rendering.table(rows, head, pictures=images))

    def show_rows(self, rows: list[list[str]], head: list[str]) -> None:
        """Show any table."""
        self._display(rendering.table(rows, head))

    def show_dry_run(self, dry: DryRun) -> None:
        """Show the request that would be sent."""
        self._display(rendering.text_block(dry_text(dry, self.language)))

    def show_text(self, text: str) -> None:
        """Show plain text with its line breaks."""
        self._display(rendering.text_block(text))

    def say(self, key: str, **values: object) -> None:
        """Print the message of `key`."""
        print(tr(key, self.language, **values))  # noqa: T201 - the cell's own output

    def say_count(self, key: str, count: int, **values: object) -> None:
        """Print the message of `key` in its form for `count` things."""
        print(tr_count(key, count, self.language, **values))  # noqa: T201 - the cell's own output

    def _display(self, bundle: Bundle) -> None:
        if detect(self._ip).surface == "terminal":
            print(bundle["text/plain"])  # noqa: T201 - the terminal is the display
            return
        from IPython.display import display

        display(bundle, raw=True)


def show_job(job: Job, presenter: Presenter) -> None:
    """Show a job that is a cell's value."""
    presenter.render(job)


def show_video(video: Video, presenter: Presenter) -> None:
    """Show a video that is a cell's value."""
    presenter.show_video(video)
