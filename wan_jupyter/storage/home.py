"""Names of the files and folders in `$WAN_HOME`, beside the user's `settings.toml`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class HomeLayout:
    """Paths in a home folder; none of them need exist."""

    root: Path

    @property
    def journal(self) -> Path:
        """The SQLite file; its `-wal` and `-shm` files are beside it."""
        return self.root / "journal.sqlite3"

    @property
    def inputs(self) -> Path:
        """Folder of spooled pictures, each named by its SHA-256, until their jobs end."""
        return self.root / "inputs"

    @property
    def owners(self) -> Path:
        """Folder of lock files, one for each running process."""
        return self.root / "owners"

    @property
    def emulator(self) -> Path:
        """Folder of the built-in emulator's state."""
        return self.root / "emulator"
