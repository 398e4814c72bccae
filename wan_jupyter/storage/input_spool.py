"""Pictures kept on disk until their jobs end."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

from ..errors import OutputError
from ..errors.system import reason_of
from .atomic_files import write_whole


@dataclass(frozen=True, slots=True)
class Spool:
    """Pictures as they were when the cell ran: one file of mode 0600 each, named by its SHA-256."""

    folder: Path

    def keep(self, digest: str, data: bytes) -> Path:
        """Write a picture's bytes unless they are there; jobs with the same picture share them."""
        path = self.folder / digest
        if not path.exists():
            for folder in (self.folder.parent, self.folder):  # `parents` would create it with default permissions
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_whole(path, data)
        return path

    def read(self, digest: str) -> bytes:
        """Return a spooled picture.

        Raises:
            OutputError: its file is gone or cannot be read.
        """
        try:
            return (self.folder / digest).read_bytes()
        except OSError as error:
            raise OutputError("output.spool_gone", reason=reason_of(error)) from None

    def has(self, digest: str) -> bool:
        """Return whether a picture is in the spool."""
        return (self.folder / digest).is_file()

    def drop(self, digest: str) -> None:
        """Remove a picture that no job needs."""
        with contextlib.suppress(OSError):
            (self.folder / digest).unlink(missing_ok=True)
