"""Pictures kept on disk until their job has ended."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

from ..errors import OutputError
from ..errors.system import reason_of
from .atomic_files import write_whole


@dataclass(frozen=True, slots=True)
class Spool:
    """What was there when the cell ran, kept until its job ends: `$WAN_HOME/inputs/<sha256>`, 0600."""

    folder: Path

    def keep(self, digest: str, data: bytes) -> Path:
        """Write a picture's bytes once; a second job with the same picture finds them there."""
        path = self.folder / digest
        if not path.exists():
            for folder in (self.folder.parent, self.folder):  # what `parents` makes would be open to everyone
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_whole(path, data)
        return path

    def read(self, digest: str) -> bytes:
        """Return a spooled picture.

        Raises:
            OutputError: it is gone.
        """
        try:
            return (self.folder / digest).read_bytes()
        except OSError as error:
            raise OutputError("output.spool_gone", reason=reason_of(error)) from None

    def has(self, digest: str) -> bool:
        """Tell whether a picture is here."""
        return (self.folder / digest).is_file()

    def drop(self, digest: str) -> None:
        """Remove a picture that no job needs any more."""
        with contextlib.suppress(OSError):
            (self.folder / digest).unlink(missing_ok=True)
