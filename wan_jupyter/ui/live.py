"""A live display: follows a job from the loop, slowly enough for the front end, and ends as a static bundle.

At most two updates a second, only when something visible changed, and slower when many jobs share the notebook: the
server drops messages above 1000 a second, the last ones too (reference/jupyter-platform.md F).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace

from .. import bundle
from ..bundle import Bundle, CardView
from ..engine import Engine, logger
from ..job import Job
from ..status import Snapshot
from .faces import Face
from .views import card_view

FASTEST = 0.5  # seconds between updates of one job
MESSAGES_A_SECOND = 100.0


class Live:
    """One job on one face."""

    def __init__(self, job: Job, face: Face, final: Callable[[], Bundle], engine: Engine, language: str) -> None:
        self.settled: Future[None] = Future()
        self.job = job
        self._face, self._final, self._engine = face, final, engine
        self._language = language
        self._last: CardView | None = None
        self._next = 0.0
        self._drawn = 0.0
        self._waiting = False
        self._ending = False

    def open(self) -> None:
        """Show the job and begin to follow it; main thread."""
        self._face.open(self._view())
        self.job.watch(self._changed)
        if self._face.redraw:
            self._engine.call(self._tick)

    # ---- on the loop ------------------------------------------------------------------------------------------

    def _changed(self, _: Snapshot) -> None:
        if self.job.done:
            if not self._ending:
                self._ending = True
                self._engine.start(self._end)
        elif not self._waiting:
            self._waiting = True
            wait = max(0.0, self._next - time.monotonic())
            asyncio.get_running_loop().call_later(wait, self._draw)

    def _draw(self) -> None:
        self._waiting = False
        if self._ending:
            return
        now = time.monotonic()
        live = sum(not job.done for job in self._engine.jobs.values())
        self._next = now + max(FASTEST, live / MESSAGES_A_SECOND)
        view = self._view()
        visible = replace(view, now=0.0)
        if visible != self._last or now - self._drawn >= self._face.redraw > 0:
            self._last, self._drawn = visible, now
            self._face.update(view)

    def _tick(self) -> None:
        """Draw anew from time to time, for clocks that do not run by themselves."""
        if not self._ending:
            self._draw()
            asyncio.get_running_loop().call_later(self._face.redraw, self._tick)

    async def _end(self) -> None:
        try:
            final = await self._engine.work(self._final)
            await self._engine.work(self._face.end, final, self.job.video is not None)
        except Exception as error:  # what is drawn must never hurt what is paid for
            logger.exception("job %s could not be shown", self.job.id)
            lines = (self.job.snapshot.file, type(error).__name__)
            self._face.end(bundle.still(replace(self._view(), lines=lines), self._language), False)
        finally:
            self.settled.set_result(None)

    def _view(self) -> CardView:
        return card_view(self.job, time.time(), self._language)
