"""Where the journal's file lies: SQLite's WAL needs memory that all of its users share, so one machine."""

from __future__ import annotations

import sys
from pathlib import Path

MOUNTS = Path("/proc/self/mountinfo")
# Beginnings of the kinds of file systems that other machines may use at the same time. FUSE may be anything.
SHARED = ("nfs", "cifs", "smb", "9p", "fuse", "ceph", "lustre", "afs", "gpfs", "beegfs", "gluster", "drvfs", "virtiofs")


def is_shared(folder: Path) -> bool:
    """Tell whether other machines may use a folder's file system; SQLite itself does not see that."""
    if sys.platform == "win32":
        return str(folder).startswith("\\\\")
    try:
        mounts = MOUNTS.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return kind_of(folder, mounts).startswith(SHARED)


def kind_of(folder: Path, mounts: str) -> str:
    """Return the kind of file system that a folder is on, by the text of Linux's mountinfo; "" where it is not told."""
    best, kind = -1, ""
    for line in mounts.splitlines():
        words = line.split()
        if len(words) < 7 or "-" not in words[6:]:
            continue
        point = Path(_plain(words[4]))
        if (point == folder or point in folder.parents) and len(point.parts) >= best:  # a later mount hides an earlier
            best, kind = len(point.parts), words[words.index("-", 6) + 1]
    return kind


def _plain(name: str) -> str:
    """Undo the escapes that mountinfo has for blanks and backslashes."""
    for code, letter in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        name = name.replace(code, letter)
    return name
