"""What lies about: sizes, and what may go. Floor 6."""

from __future__ import annotations

from ...errors import OptionError
from ...i18n.messages import say
from ...request.options import shorten
from ..shell_state import Desk

YES = "--yes"


def clean(desk: Desk, word: str = "") -> None:
    """List what is kept on disk and what of it nothing needs; with --yes, remove that."""
    from ...workflows.cleanup import clear

    if word not in ("", YES):
        raise OptionError("clean.word", value=shorten(word))
    if not word:
        return _tell(desk)
    count, size = clear(desk.session())
    return desk.presenter.say("clean.done", count=count, size=_megabytes(size))


def _tell(desk: Desk) -> None:
    from ...workflows.cleanup import look, weight

    shelves = look(desk.session())
    heads = ("what", "where", "files", "size", "spare")
    rows = []
    for shelf in shelves:
        sizes = [_megabytes(weight(files)) for files in (shelf.files, shelf.spare)]
        rows.append([say(f"clean.name.{shelf.name}"), str(shelf.where), str(len(shelf.files)), *sizes])
    desk.presenter.show_rows(rows, [say(f"clean.{head}") for head in heads])
    for shelf in shelves:
        if shelf.kept:
            desk.presenter.say(f"clean.{shelf.kept}")
    spare = [path for shelf in shelves for path in shelf.spare]
    if spare:
        return desk.presenter.say("clean.how", count=len(spare), size=_megabytes(weight(spare)))
    return desk.presenter.say("clean.nothing")


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
