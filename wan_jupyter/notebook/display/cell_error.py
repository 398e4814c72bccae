"""The error that a cell ends with because of what it displayed.

A display cannot fail its cell by raising: IPython's formatters show the error and continue, and papermill would run
the next cell. So the error is kept until the cell has ended and then put into its result, which every front end gets.
Measured with IPython 7.34 and 9.18, in kernels and without one (2026-11).
"""

from __future__ import annotations

from typing import Any

from ...errors import WanError


class CellError:
    """Ends the running cell of a shell with `error`, if there is one.

    Attributes:
        error: the error, None for a cell that succeeds.
    """

    def __init__(self, ip: Any) -> None:
        self._ip = ip
        self.error: WanError | None = None
        ip.events.register("pre_run_cell", self._begin)
        ip.events.register("post_run_cell", self._end)

    def close(self) -> None:
        """Leave the shell."""
        self._ip.events.unregister("pre_run_cell", self._begin)
        self._ip.events.unregister("post_run_cell", self._end)

    def _begin(self, _: object) -> None:
        self.error = None  # left by a display outside any cell

    def _end(self, result: Any) -> None:
        error, self.error = self.error, None
        if error is not None and result is not None and result.success:
            result.error_in_exec = error
            self._ip.showtraceback((type(error), error, error.__traceback__))
