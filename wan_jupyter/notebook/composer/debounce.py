"""Wait for a pause in typing, then compute a result on a worker thread and show it from the loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

from ...jobs.background import Engine, logger

PAUSE_S = 0.2  # without a change
Result = TypeVar("Result")


class Debounce(Generic[Result]):
    """Calls `compute` on a worker thread after the last of several changes, then `show` with its result on the loop.

    Args:
        failed: called with the error that `compute` or `show` raised.
    """

    def __init__(
        self,
        engine: Engine,
        compute: Callable[[], Result],
        show: Callable[[Result], None],
        failed: Callable[[Exception], None],
    ) -> None:
        self._engine, self._compute, self._show, self._failed = engine, compute, show, failed
        self._latest = 0

    def changed(self) -> None:
        """Report a change; from any thread."""
        self._engine.call(self._restart)

    # ---- on the loop ------------------------------------------------------------------------------------------

    def _restart(self) -> None:
        self._latest += 1
        asyncio.get_running_loop().call_later(PAUSE_S, self._due, self._latest)

    def _due(self, number: int) -> None:
        if number == self._latest:
            self._engine.start(self._work)

    async def _work(self) -> None:
        number = self._latest
        try:
            result = await self._engine.work(self._compute)
            if number == self._latest:  # else a newer result is coming
                self._show(result)
        except Exception as error:
            logger.exception("the form could not be checked")
            self._failed(error)
