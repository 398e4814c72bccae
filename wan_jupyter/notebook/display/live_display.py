"""A live display: follows a job or a group of jobs and updates one surface, then leaves a static bundle.

A display sends at most two updates a second, only when something visible changed, and all displays of the process
share one message rate.
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

UPDATE_INTERVAL_S = 0.5  # the least, for one display


class Subject(Protocol):
    """What a display follows: a job or a group of jobs."""

    @property
    def id(self) -> str:
        """The id of the job, or the ids of the jobs."""

    @property
    def done(self) -> bool:
        """Whether there is nothing more to follow."""

    def watch(self, watcher: Callable[[Any], object]) -> None:
        """Have `watcher` called on the loop at each change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DisplaySpec:
    """What a display shows of its subject.

    Attributes:
        painter: how its views are drawn.
        view: returns its present state.
        final: returns the bundle that stays in the notebook; slow.
        widget_final: returns the HTML that stays in a widget, made from the final bundle; slow.
        fallback: returns the bundle to show if `final` raises.
        succeeded: whether it ended as the user wanted.
        request: returns the request that was sent, as text; slow. None where it is unknown.
        notify: how the end is announced, "none", "bell" or "sound".
    """

    painter: Painter
    view: Callable[[], Any]
    final: Callable[[], Bundle]
    fallback: Callable[[Exception], Bundle]
    succeeded: Callable[[], bool]
    widget_final: Callable[[Bundle], str] = itemgetter("text/html")
    request: Callable[[], str] | None = None
    notify: str = "none"


class LiveDisplay:
    """One subject on one surface.

    Attributes:
        subject: what it follows.
        settled: done as soon as the end is on display.
    """

    def __init__(self, subject: Subject, surface: Surface, spec: DisplaySpec, engine: Engine) -> None:
        self.settled: Future[None] = Future()
        self.subject = subject
        self._surface, self._spec, self._engine = surface, spec, engine
        self._limiter = engine.share(("budget", "messages"), MessageRateLimiter)
        self._last_visible: object = None
        self._next_update = 0.0
        self._last_update = 0.0
        self._scheduled = False
        self._ending = False

    def open(self) -> None:
        """Show the subject and begin to follow it; main thread."""
        view = self._spec.view()
        self._last_visible, self._last_update = self._spec.painter.visible(view), time.monotonic()
        self._surface.open(view)
        self.subject.watch(self._changed)
        if self._surface.redraw_interval_s:
            self._engine.call(self._tick)
        if self._surface.shows_request and self._spec.request is not None:
            self._engine.start(partial(self._show_request, self._spec.request))

    def set_language(self, language: str) -> None:
        """Show the subject in `language` from now on; a final output stays as it was written."""
        if self.subject.done:
            return
        self._surface.set_language(language)
        self._last_visible = None  # every word changes
        self._engine.call(self._schedule_update)

    def leave(self) -> None:
        """Show that nobody waits here any more; the subject is still followed; main thread."""
        self._surface.leave()

    def close(self) -> None:
        """Release what the kernel holds for the display, unless it is still followed; main thread."""
        if self.settled.done():
            self._surface.close()

    # ---- on the loop ------------------------------------------------------------------------------------------

    def _changed(self, _: object) -> None:
        if not self.subject.done:
            self._schedule_update()
        elif not self._ending:
            self._ending = True
            self._engine.start(self._end)

    def _schedule_update(self) -> None:
        if self._scheduled or self._ending:
            return
        self._scheduled = True
        delay = max(0.0, self._next_update - time.monotonic())
        asyncio.get_running_loop().call_later(delay, self._update_if_visible)

    def _update_if_visible(self) -> None:
        """Update the surface when the rate limit allows, if there is anything new to see."""
        if self._has_news(self._spec.view()):
            asyncio.get_running_loop().call_later(self._limiter.turn(), self._update)
        else:
            self._scheduled = False

    def _update(self) -> None:
        self._scheduled = False
        if self._ending:
            return
        self._last_update = time.monotonic()
        self._next_update = self._last_update + UPDATE_INTERVAL_S
        view = self._spec.view()
        self._last_visible = self._spec.painter.visible(view)
        self._surface.update(view)

    def _has_news(self, view: Any) -> bool:
        interval = self._surface.redraw_interval_s
        due = interval and time.monotonic() - self._last_update >= interval
        return bool(due) or self._spec.painter.visible(view) != self._last_visible

    def _tick(self) -> None:
        """Redraw from time to time, for clocks that do not run by themselves."""
        if not self._ending:
            self._schedule_update()
            asyncio.get_running_loop().call_later(self._surface.redraw_interval_s, self._tick)

    async def _show_request(self, request: Callable[[], str]) -> None:
        """Show the request that was sent; the display does without it if it cannot be made."""
        try:
            text = await self._engine.work(request)
        except Exception:
            logger.debug("the request of job %s could not be shown", self.subject.id, exc_info=True)
            return
        await asyncio.sleep(self._limiter.turn())
        if not self._ending:
            self._surface.show_request(text)

    async def _end(self) -> None:
        try:
            final = await self._engine.work(self._spec.final)
            held = await self._engine.work(self._spec.widget_final, final) if self._surface.keeps_html else ""
            await asyncio.sleep(self._surface.notify(self._spec.notify))
            await asyncio.sleep(self._limiter.turn(self._surface.end_messages))
            await self._engine.work(self._surface.end, final, self._spec.succeeded(), held)
        except Exception as error:  # a failed drawing must never harm what was paid for
            logger.exception("job %s could not be shown", self.subject.id)
            fallback = self._spec.fallback(error)
            self._surface.end(fallback, False, fallback["text/html"])
        finally:
            self.settled.set_result(None)


MESSAGES_PER_SECOND = 100.0


class MessageRateLimiter:
    """Spaces out the messages of all displays."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._free_at = 0.0

    def turn(self, messages: int = 1) -> float:
        """Reserve a turn for `messages` messages and return the seconds until it comes."""
        now = self._clock()
        begin = max(now, self._free_at)
        self._free_at = begin + messages / MESSAGES_PER_SECOND
        return begin - now
