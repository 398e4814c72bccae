"""Files that a user asks for beside a video: where they go, and that they replace nothing by accident."""

from __future__ import annotations

import filecmp
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...errors import OutputError
from ...errors.system import reason_of


def target_of(typed: str | Path, usual: str) -> Path:
    """Return the file that was meant: in a folder under the usual name, or by the name typed, ending completed.

    Raises:
        OutputError: the name has the ending of another kind of file.
    """
    path, ending = Path(typed).expanduser(), Path(usual).suffix
    if path.is_dir() or str(typed).endswith(("/", "\\")):
        path = path / usual
    if not path.suffix:
        path = path.with_name(path.name + ending)
    if path.suffix.lower() != ending.lower():
        raise OutputError("video.other_kind", name=path.name, ending=ending, example=f"{path.stem}{ending}")
    return path.absolute()


def copied(source: Path, target: Path, overwrite: bool) -> Path:
    """Copy a file, unless it is there already, and return where it is.

    Raises:
        OutputError: something else is there, or nothing can be written there.
    """
    if _same(source, target):
        return target
    with replacing(target, source, overwrite) as part:
        shutil.copyfile(source, part)
    return target


@contextmanager
def replacing(target: Path, like: Path, overwrite: bool) -> Iterator[Path]:
    """Give a file to write that becomes `target` in one step, with the access rights of `like`.

    A file of the very same bytes is left as it is, so that a cell may be run again.

    Raises:
        OutputError: something else is there, or nothing can be written there.
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
    except OSError:  # one of them is not there
        return False


def _refuse_other(target: Path, overwrite: bool) -> None:
    if target.exists() and not overwrite:
        raise OutputError("video.exists", path=target)
