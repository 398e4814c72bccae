"""What the system, SQLite and FFmpeg say of an error, by phrases of ours. Floor 0: knows `messages` alone.

They speak English only. In English their words stay as they are.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator

from ..i18n.messages import ENGLISH, Phrase, has_message
from ..security.sanitize import one_line


def reason_of(error: BaseException) -> str:
    """Return why something failed, without the path; in the error's own words where there is no phrase for it."""
    for word in _words(error):
        if has_message(f"reason.{word}", ENGLISH):
            return Phrase(f"reason.{word}", {})
    own = getattr(error, "strerror", "") or ("" if isinstance(error, OSError) else str(error))
    return one_line(own) or type(error).__name__


def _words(error: BaseException) -> Iterator[str]:
    """Yield by what an error may be known: SQLite's name without its details, its kind for FFmpeg, the system's."""
    yield "_".join(getattr(error, "sqlite_errorname", "").split("_")[:2]).lower()
    yield type(error).__name__.lower()
    yield errno.errorcode.get(getattr(error, "errno", None) or 0, "").lower()
