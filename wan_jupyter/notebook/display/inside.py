"""What remains of a job for its widget, which a page that was reloaded shows in the output's place. Slow: for workers.

In a widget a relative link leads nowhere (reference/jupyter-platform.md C1), so the video itself is put there. No
notebook keeps it; the kernel and the page do, so there is a limit to all of them together.
"""

from __future__ import annotations

from collections.abc import Callable

from ...rendering import Bundle

HEAVIEST = 12_000_000  # letters that a widget can carry
EMBEDDED = 'src="data:video/'  # values are escaped, so no text of the user's reads like this


def inside(final: Bundle, again: Callable[[], Bundle], instead: Callable[[], Bundle]) -> str:
    """Return the HTML for a widget.

    Args:
        final: what remains in the notebook.
        again: draws it with the video in it, as long as there is room.
        instead: draws what takes the place of a video that is too heavy.
    """
    found = str(final["text/html"])
    if "<video" not in found:
        return found
    if EMBEDDED not in found:
        found = str(again()["text/html"])
    return found if EMBEDDED in found and len(found) <= HEAVIEST else str(instead()["text/html"])
