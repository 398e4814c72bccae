"""Translatable reasons for errors of the operating system, SQLite and FFmpeg, whose own words are English only."""

from __future__ import annotations

import errno
from collections.abc import Iterator

from ..i18n.messages import ENGLISH, Phrase, has_message
from ..security.sanitize import one_line


def reason_of(error: BaseException) -> str:
    """Return why something failed, without the path: a phrase of ours, else the error's own words."""
    for name in _names(error):
        if has_message(f"reason.{name}", ENGLISH):
            return Phrase(f"reason.{name}", {})
    own = getattr(error, "strerror", "") or ("" if isinstance(error, OSError) else str(error))
    return one_line(own) or type(error).__name__


def _names(error: BaseException) -> Iterator[str]:
    """Yield the names of an error: SQLite's without its details, its type (FFmpeg), the system's errno."""
    yield "_".join(getattr(error, "sqlite_errorname", "").split("_")[:2]).lower()
    yield type(error).__name__.lower()
    yield errno.errorcode.get(getattr(error, "errno", None) or 0, "").lower()
