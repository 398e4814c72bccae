"""What remains of a job for a widget. Slow: for workers.

A page that was reloaded shows the widget and not the notebook's output, and a relative link leads nowhere in a widget
(reference/jupyter-platform.md C1): the video itself is put there, which no notebook keeps.
"""

from __future__ import annotations

from collections.abc import Callable

from .. import bundle
from ..bundle import Bundle
from ..job import Job
from ..messages import say

HEAVIEST = 12_000_000  # letters of a player that a widget can carry
EMBEDDED = 'src="data:video/'  # values are escaped, so no text of the user's reads like this


def inside(job: Job, final: Bundle, embedded: Callable[[], Bundle], language: str) -> str:
    """Return the HTML for a widget: what remains, with the video in it; of a large one only where it lies.

    Args:
        final: what remains in the notebook.
        embedded: draws it with the video in it.
    """
    found: str = final["text/html"]
    if job.video is None or "<video" not in found:
        return found
    if job.video.path.stat().st_size * 4 / 3 < HEAVIEST:
        return found if EMBEDDED in found else str(embedded()["text/html"])
    return str(bundle.page(say("compose.large", language, path=job.snapshot.file))["text/html"])
