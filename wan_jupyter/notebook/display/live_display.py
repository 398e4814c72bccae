"""A live display: follows a job, or many, from the loop, slowly enough for the front end, and ends as a static bundle.

At most two updates a second, only when something visible changed, and within the one budget of all displays.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from typing import Any, Protocol

from ...jobs.background import Engine, logger
from ...rendering import Bundle
from .surfaces.base import Painter, Surface

FASTEST = 0.5  # seconds between updates of one display


class Subject(Protocol):
    """What is followed: a job, or many."""

    @property
    def id(self) -> str:
        """Its id, or theirs."""

    @property
    def done(self) -> bool:
        """Whether there is nothing more to follow."""

    def watch(self, watcher: Callable[[Any], object]) -> None:
        """Have `watcher` called on the loop at each change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DisplaySpec:
    """What is told of a subject.

    Attributes:
        drawing: how its views are drawn.
        view: how it stands now.
        final: what remains of it, slow.
        inside: what remains of it for a widget, from what remains in the notebook, slow.
        lost: what remains of it if that cannot be drawn.
        made: whether it ended as was asked for.
        request: what was sent for it as text, slow; None where that is not known.
        ring: how its end is to be heard: "none", "bell" or "sound".
    """

    drawing: Painter
    view: Callable[[], Any]
    final: Callable[[], Bundle]
    lost: Callable[[Exception], Bundle]
    made: Callable[[], bool]
    inside: Callable[[Bundle], str] = itemgetter("text/html")
    request: Callable[[], str] | None = None
    ring: str = "none"


class LiveDisplay:
    """One subject on one face."""

    def __init__(self, job: Subject, face: Surface, story: DisplaySpec, engine: Engine) -> None:
        self.settled: Future[None] = Future()
        self.job = job
        self._face, self._story, self._engine = face, story, engine
        self._budget = engine.share(("budget", "messages"), MessageRateLimiter)
        self._last: object = None
        self._next = 0.0
        self._drawn = 0.0
        self._waiting = False
        self._ending = False

    def open(self) -> None:
        """Show the subject and begin to follow it; main thread."""
        view = self._story.view()
        self._last, self._drawn = self._story.drawing.visible(view), time.monotonic()
        self._face.open(view)
        self.job.watch(self._changed)
        if self._face.redraw:
            self._engine.call(self._tick)
        if self._face.explains and self._story.request is not None:
            self._engine.start(partial(self._explain, self._story.request))

    def speak(self, language: str) -> None:
        """Show it in another language from now on."""
        if self.job.done:  # what remains of it stays as it was written
            return
        self._face.speak(language)
        self._last = None  # it is news in every word
        self._engine.call(self._draw_soon)

    def close(self) -> None:
        """Give back what the kernel holds for it, unless it is still followed; main thread."""
        if self.settled.done():
            self._face.close()

    # ---- on the loop ------------------------------------------------------------------------------------------

    def _changed(self, _: object) -> None:
        if not self.job.done:
            self._draw_soon()
        elif not self._ending:
            self._ending = True
            self._engine.start(self._end)

    def _draw_soon(self) -> None:
        if self._waiting or self._ending:
            return
        self._waiting = True
        wait = max(0.0, self._next - time.monotonic())
        asyncio.get_running_loop().call_later(wait, self._draw_in_turn)

    def _draw_in_turn(self) -> None:
        """Draw if there is anything new to see, when the budget has a message for it."""
        if self._is_news(self._story.view()):
            asyncio.get_running_loop().call_later(self._budget.turn(), self._draw)
        else:
            self._waiting = False

    def _draw(self) -> None:
        self._waiting = False
        if self._ending:
            return
        self._drawn = time.monotonic()
        self._next = self._drawn + FASTEST
        view = self._story.view()
        self._last = self._story.drawing.visible(view)
        self._face.update(view)

    def _is_news(self, view: Any) -> bool:
        due = self._face.redraw and time.monotonic() - self._drawn >= self._face.redraw
        return bool(due) or self._story.drawing.visible(view) != self._last

    def _tick(self) -> None:
        """Draw anew from time to time, for clocks that do not run by themselves."""
        if not self._ending:
            self._draw_soon()
            asyncio.get_running_loop().call_later(self._face.redraw, self._tick)

    async def _explain(self, request: Callable[[], str]) -> None:
        """Show the request: work for a worker, and of no weight if it cannot be had."""
        try:
            text = await self._engine.work(request)
        except Exception:
            logger.debug("the request of job %s could not be shown", self.job.id, exc_info=True)
            return
        await asyncio.sleep(self._budget.turn())
        if not self._ending:
            self._face.explain(text)

    async def _end(self) -> None:
        try:
            final = await self._engine.work(self._story.final)
            inside = await self._engine.work(self._story.inside, final) if self._face.holds else ""
            await asyncio.sleep(self._face.ring(self._story.ring))
            await asyncio.sleep(self._budget.turn(self._face.closing))
            await self._engine.work(self._face.end, final, self._story.made(), inside)
        except Exception as error:  # what is drawn must never hurt what is paid for
            logger.exception("job %s could not be shown", self.job.id)
            lost = self._story.lost(error)
            self._face.end(lost, False, lost["text/html"])
        finally:
            self.settled.set_result(None)


MESSAGES_A_SECOND = 100.0


class MessageRateLimiter:
    """Turns for messages, one after the other."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._free = 0.0

    def turn(self, messages: int = 1) -> float:
        """Take a turn for some messages, and return after how many seconds it comes."""
        now = self._clock()
        begin = max(now, self._free)
        self._free = begin + messages / MESSAGES_A_SECOND
        return begin - now
