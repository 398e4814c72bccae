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

from ..bundle import Bundle, CardView
from ..engine import Engine, logger
from ..job import Job
from ..status import Snapshot
from .faces import Face
from .views import card_view

FASTEST = 0.5  # seconds between updates of one job
REDRAW = 12.0  # seconds after which the card is drawn anew: a clock made of CSS starts over when its panel was hidden
MESSAGES_A_SECOND = 100.0


class Live:
    """One job on one face."""

    def __init__(self, job: Job, face: Face, final: Callable[[], Bundle], engine: Engine, language: str) -> None:
        self.settled: Future[None] = Future()
        self._job, self._face, self._final, self._engine = job, face, final, engine
        self._language = language
        self._last: CardView | None = None
        self._next = 0.0
        self._drawn = 0.0
        self._waiting = False
        self._ending = False

    def open(self) -> None:
        """Show the job and begin to follow it; main thread."""
        self._face.open(self._view())
        self._job.watch(self._changed)

    # ---- on the loop ------------------------------------------------------------------------------------------

    def _changed(self, _: Snapshot) -> None:
        if self._job.done:
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
        self._next = now + max(FASTEST, len(self._engine.jobs) / MESSAGES_A_SECOND)
        view = self._view()
        visible = replace(view, now=0.0)
        if visible != self._last or now - self._drawn > REDRAW:
            self._last, self._drawn = visible, now
            self._face.update(view)

    async def _end(self) -> None:
        try:
            self._face.end(await self._engine.work(self._final))
        except Exception:  # what is drawn must never hurt what is paid for
            logger.exception("job %s could not be shown", self._job.id)
        finally:
            self.settled.set_result(None)

    def _view(self) -> CardView:
        return card_view(self._job, time.time(), self._language)
