"""The presenter: shows jobs and videos in the shell it belongs to, and waits where nobody could come back.

One a shell. It holds what the notebook holds: how many bytes of video were embedded, and in which language it is
spoken to.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol
from weakref import WeakSet

from ... import rendering
from ...catalog.dry_run import DryRun
from ...errors import OutputError, WaitTimeout, WanError
from ...i18n.messages import ENGLISH, current_language, language_scope, tr
from ...jobs import background
from ...jobs.job import Job
from ...media.video.video import Video
from ...rendering import Bundle, CardView
from .cell_error import CellError
from .dry_run import dry_text, request_text
from .frontend import EMBED_FILE, EMBED_TOTAL, MB, FrontEnd, detect, settings_of, user_setting
from .job_group import CARDS_IN_A_CELL, JobGroup, ends_within, until_done
from .live_display import DisplaySpec, LiveDisplay, Subject
from .surfaces import QUIET_SURFACES, SURFACES
from .surfaces.base import BOARD, CARD, Surface
from .surfaces.terminal import ring_bell
from .thumbnails import picture_of, pictures, shelf
from .views import Page, card_view, inside, lost_lines, player_view, warning_of, where

PATIENCE = 10.0  # seconds for drawing what lies on disk already


class Speaker(Protocol):
    """What says something for longer than a cell runs."""

    def speak(self, language: str) -> None:
        """Say it in another language from now on."""


class Form(Speaker, Protocol):
    """A form of the composer, as far as its shell's presenter knows it."""

    def display(self) -> None:
        """Show the form as the output of the cell that runs."""

    def cell(self) -> str:
        """Return the text of the cell that asks for the same."""

    def close(self) -> None:
        """Take the form's widgets out of the kernel."""


@dataclass
class Cell:
    """What one execution of a cell has shown: so many cards of live jobs, and the board of those beyond them."""

    number: int
    cards: int = 0
    board: JobGroup | None = None


class Presenter:
    """Draws in one shell."""

    def __init__(self, ip: Any, folder: Path | None = None) -> None:
        """Make the presenter of a shell whose notebook lies in `folder`; None: find out where."""
        self._ip = ip
        found = settings_of(ip)
        self.page = Page(folder or found.notebook)
        self._widgets = Page(self.page.folder)  # what the widgets hold, which no notebook keeps
        self.embed = found.embed
        self._language = current_language.get() if current_language.get() != ENGLISH else found.language
        self._speakers: WeakSet[Speaker] = WeakSet()  # displays that live on, and are to change their language, too
        self._shown: tuple[str, int] | None = None
        self._unsettled: list[LiveDisplay] = []
        self._opened: list[LiveDisplay | Form] = []
        self.form: Form | None = None  # the newest
        self._cell = Cell(-1)
        ip.events.register("post_run_cell", self._settle)
        self._verdict = CellError(ip)  # after what settles: the card first, then the error

    @property
    def language(self) -> str:
        """The language that this shell is spoken to."""
        return self._language

    @language.setter
    def language(self, language: str) -> None:
        if language == self._language:
            return
        self._language = language
        for speaker in list(self._speakers):
            speaker.speak(language)

    def close(self) -> None:
        """Leave the shell, and nothing in the kernel but cards of jobs under way."""
        self._ip.events.unregister("post_run_cell", self._settle)
        self._verdict.close()
        for shown in self._opened:
            shown.close()

    def render(self, job: Job) -> None:
        """Show a job that is a cell's value, unless this very cell has shown it already (`%wan show ID`).

        Where that waits, the cell ends with the job's error.
        """
        if self._shown == (job.id, self._ip.execution_count):
            return
        try:
            self.show(job)
        except WanError as problem:  # raised here, IPython would show it, then the job once more, and go on
            self._verdict.error = problem

    def show(
        self,
        job: Job,
        *,
        wait: bool | None = None,
        timeout: float | None = None,
        embed: str = "",
        quiet: bool = False,
    ) -> bool:
        """Show a job: live if it is under way, else what it ended as; wait for it where that is asked or needed.

        Returns:
            False when the user stopped the wait.

        Raises:
            JobError: the job that was waited for ended without a video.
            WaitTimeout: the wait ended first.
        """
        self._shown = (job.id, self._ip.execution_count)
        front = detect(self._ip)
        waits = front.waits if wait is None else wait
        quiet = quiet or front.quiet
        policy = self._embedding(front, embed)
        origin = job.origin  # now: a later cell that attaches says so in its own output
        if job.done:
            self._display(self._final(job, policy, origin))
        elif front.face == "terminal" and not waits:  # a line written later would fall into what is being typed
            self._display(rendering.still(card_view(job, time.time(), self.language), self.language))
            job.watch(partial(self._ring_at_end, job))
        elif not waits and not quiet and self._joins_board(job, front.face):
            pass  # the board of this cell shows it
        else:
            face = (QUIET_SURFACES if quiet else SURFACES)[front.face](job.cancel, self.language, CARD)
            live = self._live(job, face, self._story(job, policy, origin))
            if not waits:
                self._open(live, front.face)
            elif not self._wait(job, live, face, front.face, timeout):
                return False
        if waits:
            job.result(0.1)
        return True

    def wait_for(self, jobs: list[Job]) -> bool:
        """Show several jobs in one table and wait until all have ended; False when the user stopped the wait."""
        front, many = detect(self._ip), JobGroup(jobs, background.current())
        face = (QUIET_SURFACES if front.quiet else SURFACES)[front.face](None, self.language, BOARD)
        live = self._live(many, face, self._board_story(many))
        return self._wait(many, live, face, front.face, None)

    def show_video(self, video: Video) -> None:
        """Show a video that was made; where its file is gone, what is known of it."""
        try:
            view = player_view(video, self.page, policy=self._embedding(detect(self._ip)))
        except OutputError as error:
            return self.show_text(
                "\n".join(lost_lines(video.path, str(video.facts.get("job", "")), error, self.language))
            )
        return self._display(rendering.player(view, self.language))

    def shows_now(self, mark: str) -> bool:
        """Tell whether this very cell has shown something already, and take down that it shows it now."""
        shown, self._shown = self._shown, (mark, self._ip.execution_count)
        return shown == self._shown

    def show_form(self, form: Form) -> None:
        """Show a form, which is spoken to and closed with this shell."""
        self.form = form
        self._speakers.add(form)
        self._opened.append(form)
        form.display()

    @property
    def names(self) -> Mapping[str, object]:
        """The notebook's variables."""
        found: Mapping[str, object] = self._ip.user_ns
        return found

    @property
    def has_widgets(self) -> bool:
        """Whether widgets can be shown here."""
        return detect(self._ip).face == "widget"

    def show_on(self, job: Job, face: Surface) -> None:
        """Show a job on a face that somebody else has a place for; a video is put into it, not into the notebook."""
        self._open(self._live(job, face, self._story(job, "always", job.origin, Page(self.page.folder))), "widget")

    def show_jobs(self, jobs: list[Job]) -> None:
        """Show jobs as a table, with a small picture of each."""
        if not jobs:
            return self.say("jobs.none")
        names = ("id", "when", "status", "model", "prompt", "file")
        rows = [[where(job, self.language)[name] for name in names] for job in jobs]
        shown = None if detect(self._ip).face == "terminal" else pictures(jobs, background.current())
        return self._display(
            rendering.table(rows, [tr(f"jobs.{name}", self.language) for name in names], pictures=shown)
        )

    def show_rows(self, rows: list[list[str]], head: list[str]) -> None:
        """Show any table."""
        self._display(rendering.table(rows, head))

    def show_dry_run(self, dry: DryRun) -> None:
        """Show what would be sent."""
        self._display(rendering.page(dry_text(dry, self.language)))

    def show_text(self, text: str) -> None:
        """Show plain text, line by line."""
        self._display(rendering.page(text))

    def say(self, key: str, **values: object) -> None:
        """Print one sentence."""
        print(tr(key, self.language, **values))  # noqa: T201 - the cell's own output

    def _embedding(self, front: FrontEnd, asked: str = "") -> str:
        """Return whether videos are embedded: as was typed, as was set just now, as the settings said at last."""
        limits = (("embed_limit_mb", EMBED_FILE), ("embed_total_mb", EMBED_TOTAL))
        self.page.largest, self.page.most = (
            float(user_setting(self._ip, name, f"{n / MB}")) * MB for name, n in limits
        )
        policy = asked or user_setting(self._ip, "embed", "") or self.embed
        return "always" if front.embeds and policy == "auto" else policy

    # ---- what is told of a job ----------------------------------------------------------------------------------

    def _live(self, subject: Subject, face: Surface, story: DisplaySpec) -> LiveDisplay:
        return LiveDisplay(subject, face, story, background.current())

    def _story(self, job: Job, policy: str, origin: str, page: Page | None = None) -> DisplaySpec:
        def view() -> CardView:
            return card_view(job, time.time(), self.language)

        def without_video(why: str) -> Bundle:
            return rendering.still(replace(view(), lines=(job.snapshot.file, why)), self.language)

        def again() -> Bundle:
            return self._final(job, "auto", origin, self._widgets)

        def instead() -> Bundle:
            return without_video(tr("card.next.succeeded", self.language, job=job.id))

        look = job._dry_run
        return DisplaySpec(
            drawing=CARD,
            view=view,
            final=partial(self._final, job, policy, origin, page),
            inside=lambda final: inside(final, again, instead),
            lost=lambda error: without_video(type(error).__name__),
            made=lambda: job.video is not None,
            request=None if look is None else partial(self._request, look),
            ring=user_setting(self._ip, "notify", "none"),
        )

    def _request(self, look: Callable[[], DryRun]) -> str:
        with language_scope(self.language):
            return request_text(look())

    def _board_story(self, many: JobGroup) -> DisplaySpec:
        def views() -> tuple[CardView, ...]:
            return tuple(card_view(job, time.time(), self.language) for job in many.jobs)

        def still(_: object = None) -> Bundle:
            return rendering.board_still(views(), self.language)

        def final() -> Bundle:
            kept = shelf(background.current())
            pairs = zip(many.jobs, views(), strict=True)
            shown = [replace(view, thumbnails=(picture_of(job, kept),)) for job, view in pairs]
            return rendering.board_still(shown, self.language)

        ring = user_setting(self._ip, "notify", "none")
        return DisplaySpec(drawing=BOARD, view=views, final=final, lost=still, made=lambda: True, ring=ring)

    def _joins_board(self, job: Job, kind: str) -> bool:
        """Put a job onto the board of its cell, once the cell has shown as many cards as it should."""
        if self._cell.number != self._ip.execution_count:
            self._cell = Cell(self._ip.execution_count)
        self._cell.cards += 1
        if self._cell.cards <= CARDS_IN_A_CELL:
            return False
        board = self._cell.board
        if board is not None and board.join(job):
            return True
        self._cell.board = many = JobGroup([job], background.current())
        face = SURFACES[kind](None, self.language, BOARD)
        self._open(self._live(many, face, self._board_story(many)), kind)
        return True

    def _ring_at_end(self, job: Job, _: object) -> None:
        if job.done:
            ring_bell(user_setting(self._ip, "notify", "none"))

    # ---- waiting ----------------------------------------------------------------------------------------------

    def _open(self, live: LiveDisplay, kind: str) -> None:
        live.open()
        self._speakers.add(live)
        if kind == "widget":
            self._opened.append(live)
        if kind == "text":
            self._unsettled.append(live)

    def _wait(self, job: Subject, live: LiveDisplay, face: Surface, kind: str, timeout: float | None) -> bool:
        """Show the job and wait until its end is on display; False when the user stopped the wait."""
        try:  # a stop that comes while the card is being made ends the wait as well
            self._open(live, kind)
            if timeout is None or not isinstance(job, Job) or ends_within(job, timeout):
                until_done(live.settled)
        except KeyboardInterrupt:
            face.leave()
            self.say("wait.interrupted" if isinstance(job, Job) else "wait.interrupted_all", id=job.id)
            return False
        except WaitTimeout:
            face.leave()
            raise
        return True

    def _settle(self, _: object) -> None:
        """Let no headless cell end before what it has waited for is on display: it may be the notebook's last."""
        self._unsettled = [live for live in self._unsettled if not live.settled.done()]
        for live in self._unsettled:
            with contextlib.suppress(TimeoutError):
                if live.job.done:
                    live.settled.result(PATIENCE)

    # ---- drawing ----------------------------------------------------------------------------------------------

    def _final(self, job: Job, embed: str, origin: str, page: Page | None = None) -> Bundle:
        """Return the static bundle of a job that has ended, or that this process follows no more. Slow."""
        if job.video is None:
            return rendering.still(card_view(job, time.time(), self.language), self.language)
        warning = warning_of(job, self.language)
        try:
            facts = {"policy": embed, "origin": origin, "warning": warning, "cell": job.info.cell}
            view = player_view(job.video, page or self.page, **facts)
        except OutputError as error:  # a file that does not decode, or that was moved away meanwhile
            lines = (*lost_lines(job.video.path, job.id, error, self.language), warning)
            return rendering.still(replace(card_view(job, time.time(), self.language), lines=lines), self.language)
        return rendering.player(view, self.language)

    def _display(self, final: Bundle) -> None:
        if detect(self._ip).face == "terminal":
            print(final["text/plain"])  # noqa: T201 - the terminal is the display
            return
        from IPython.display import display

        display(final, raw=True)


def show_job(job: Job, presenter: Presenter) -> None:
    """Show a job that is a cell's value."""
    presenter.render(job)


def show_video(video: Video, presenter: Presenter) -> None:
    """Show a video that is a cell's value."""
    presenter.show_video(video)
