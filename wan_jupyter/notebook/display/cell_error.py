"""The error that a cell ends with because of what it displayed.

A display cannot fail its cell by raising: IPython's formatters show the error and go on, and papermill would go on with
the next cell. So the error is kept until the cell has ended, and put into its result, which every front end is told.
Tried with IPython 7.34 and 9.18, in kernels and without one.
"""

from __future__ import annotations

from typing import Any

from ...errors import WanError


class CellError:
    """What the running cell of a shell ends with."""

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
        self.error = None  # of a display outside of any cell

    def _end(self, result: Any) -> None:
        error, self.error = self.error, None
        if error is not None and result is not None and result.success:
            result.error_in_exec = error
            self._ip.showtraceback((type(error), error, error.__traceback__))
