"""Waits until nobody types for a moment, then works something out and shows it; on the loop, never on the kernel."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

from ...jobs.background import Engine, logger

PAUSE = 0.2  # seconds without a change
Seen = TypeVar("Seen")


class Debounce(Generic[Seen]):
    """Calls `look` on a worker thread after the last of several changes, and `show` with what it returned.

    Args:
        failed: called with what `look` or `show` raised.
    """

    def __init__(
        self,
        engine: Engine,
        look: Callable[[], Seen],
        show: Callable[[Seen], None],
        failed: Callable[[Exception], None],
    ) -> None:
        self._engine, self._look, self._show, self._failed = engine, look, show, failed
        self._number = 0

    def changed(self) -> None:
        """Say that there is something new to look at; from any thread."""
        self._engine.call(self._again)

    # ---- on the loop ------------------------------------------------------------------------------------------

    def _again(self) -> None:
        self._number += 1
        asyncio.get_running_loop().call_later(PAUSE, self._due, self._number)

    def _due(self, number: int) -> None:
        if number == self._number:
            self._engine.start(self._work)

    async def _work(self) -> None:
        number = self._number
        try:
            seen = await self._engine.work(self._look)
            if number == self._number:  # else something newer is on its way
                self._show(seen)
        except Exception as error:
            logger.exception("the form could not be looked at")
            self._failed(error)
