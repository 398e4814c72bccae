"""What is shown of a job or a group of jobs: its card while it runs, and the output that remains."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from ... import rendering
from ...catalog.dry_run import DryRun
from ...errors import OutputError
from ...i18n.messages import language_scope, tr
from ...jobs import background
from ...jobs.job import Job
from ...rendering import Bundle, CardView
from .dry_run import request_text
from .embedding import EmbeddingPolicy
from .job_group import JobGroup
from .live_display import DisplaySpec
from .surfaces.base import CARD, JOB_TABLE
from .thumbnails import thumbnail_cache, thumbnail_of
from .views import Page, card_view, missing_video_lines, player_view, warning_of, widget_html


@dataclass(frozen=True, slots=True)
class DisplaySpecs:
    """Makes the display specs of one shell.

    Attributes:
        embedding: decides whether a finished video is embedded.
        language: returns the language of the moment, since the user may change it while a job runs.
        notify: returns how the end is announced, "none", "bell" or "sound".
    """

    embedding: EmbeddingPolicy
    language: Callable[[], str]
    notify: Callable[[], str]

    def for_job(self, job: Job, policy: str, page: Page | None = None) -> DisplaySpec:
        """Return what is shown of one job.

        Args:
            policy: whether its video is embedded, "auto", "always" or "never".
            page: where the final output goes; None: the notebook.
        """
        origin = job.origin  # now: a later cell that attaches says so in its own output
        dry_run = job._dry_run

        def final_for_widget() -> Bundle:
            return self.final(job, "auto", origin, self.embedding.widget_page)

        def too_heavy() -> Bundle:
            return self._without_video(job, tr("card.next.succeeded", self.language(), job=job.id))

        return DisplaySpec(
            painter=CARD,
            view=partial(self._view, job),
            final=partial(self.final, job, policy, origin, page),
            widget_final=lambda final: widget_html(final, final_for_widget, too_heavy),
            fallback=lambda error: self._without_video(job, type(error).__name__),
            succeeded=lambda: job.video is not None,
            request=None if dry_run is None else partial(self._request, dry_run),
            notify=self.notify(),
        )

    def for_group(self, group: JobGroup) -> DisplaySpec:
        """Return what is shown of several jobs: one table."""
        return DisplaySpec(
            painter=JOB_TABLE,
            view=partial(self._views, group),
            final=partial(self._final_table, group),
            fallback=lambda _: rendering.static_job_table(self._views(group), self.language()),
            succeeded=lambda: True,
            notify=self.notify(),
        )

    def card(self, job: Job) -> Bundle:
        """Return the static card of a job as it is now."""
        return rendering.static_card(self._view(job), self.language())

    def final(self, job: Job, policy: str, origin: str, page: Page | None = None) -> Bundle:
        """Return the static output of a job that has ended, or that this process no longer tracks. Slow."""
        if job.video is None:
            return self.card(job)
        warning = warning_of(job, self.language())
        try:
            facts = {"policy": policy, "origin": origin, "warning": warning, "cell": job.info.cell}
            view = player_view(job.video, page or self.embedding.page, **facts)
        except OutputError as error:  # a file that does not decode, or that was moved away meanwhile
            lines = missing_video_lines(job.video.path, job.id, error, self.language())
            return self._card_with_lines(job, (*lines, warning))
        return rendering.video_player(view, self.language())

    def _view(self, job: Job) -> CardView:
        return card_view(job, time.time(), self.language())

    def _views(self, group: JobGroup) -> tuple[CardView, ...]:
        return tuple(map(self._view, group.jobs))

    def _without_video(self, job: Job, reason: str) -> Bundle:
        return self._card_with_lines(job, (job.snapshot.file, reason))

    def _card_with_lines(self, job: Job, lines: tuple[str, ...]) -> Bundle:
        return rendering.static_card(replace(self._view(job), lines=lines), self.language())

    def _request(self, dry_run: Callable[[], DryRun]) -> str:
        with language_scope(self.language()):  # a worker thread starts without a language
            return request_text(dry_run())

    def _final_table(self, group: JobGroup) -> Bundle:
        cache = thumbnail_cache(background.current())
        jobs = group.jobs
        views = [replace(self._view(job), thumbnails=(thumbnail_of(job, cache),)) for job in jobs]
        return rendering.static_job_table(views, self.language())
