"""Write copies and exports of a video, without overwriting other files by accident."""

from __future__ import annotations

import filecmp
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...errors import OutputError
from ...errors.system import reason_of


def target_of(typed: str | Path, default_name: str) -> Path:
    """Return the file to write: the default name in a folder, or the typed name with the suffix added if missing.

    Raises:
        OutputError: the name has another suffix.
    """
    path, suffix = Path(typed).expanduser(), Path(default_name).suffix
    if path.is_dir() or str(typed).endswith(("/", "\\")):
        path = path / default_name
    if not path.suffix:
        path = path.with_name(path.name + suffix)
    if path.suffix.lower() != suffix.lower():
        raise OutputError("video.other_kind", name=path.name, ending=suffix, example=f"{path.stem}{suffix}")
    return path.absolute()


def copied(source: Path, target: Path, overwrite: bool) -> Path:
    """Copy a file, unless the target has the same bytes, and return the target.

    Raises:
        OutputError: another file is there, or the target cannot be written.
    """
    if _same(source, target):
        return target
    with replacing(target, source, overwrite) as part:
        shutil.copyfile(source, part)
    return target


@contextmanager
def replacing(target: Path, like: Path, overwrite: bool) -> Iterator[Path]:
    """Yield a temporary file that then replaces `target` in one step, with the permissions of `like`.

    A target with the same bytes is left alone, so that a cell can run again.

    Raises:
        OutputError: another file is there, or the target cannot be written.
    """
    part: Path | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.stem}.", delete=False) as file:
            part = Path(file.name)
        yield part
        shutil.copymode(like, part)
        if not _same(part, target):
            _refuse_other(target, overwrite)
            part.replace(target)
    except OSError as error:
        raise OutputError("video.unwritable", path=target, reason=reason_of(error)) from None
    finally:
        if part is not None:
            part.unlink(missing_ok=True)


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other) or filecmp.cmp(one, other, shallow=False)
    except OSError:  # one of them does not exist
        return False


def _refuse_other(target: Path, overwrite: bool) -> None:
    if target.exists() and not overwrite:
        raise OutputError("video.exists", path=target)
