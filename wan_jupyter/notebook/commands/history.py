"""`%wan jobs` and `%wan frame`: the table of jobs, and single frames of a video."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from ...errors import OptionError
from ...i18n.suggestions import shorten
from ...status import Status
from ..shell_state import ShellState
from .spec import Argument, CommandSpec, Flag

DEFAULT_LIMIT = 50  # jobs in a table
DEFAULT_STRIP = 8  # frames in a filmstrip
FAILED = (Status.FAILED, Status.CANCELED, Status.EXPIRED, Status.UNCERTAIN)
DAYS: Mapping[str, int] = MappingProxyType({"today": 0, "yesterday": 1, "week": 6})  # name to days back
LAST = "last"
TIME = re.compile(rf"{LAST}|\d+\.\d*s?|\.\d+s?")  # never the beginning of an id


def jobs(state: ShellState, *, since: str = "", failed: bool = False, model: str = "", limit: str = "") -> None:
    """List the newest jobs that match the filters."""
    count = _count("--limit", limit) if limit else DEFAULT_LIMIT
    filters: dict[str, Any] = {
        **({"since": _day(since)} if since else {}),
        **({"states": FAILED} if failed else {}),
        **({"model": model} if model else {}),
    }
    found = state.session().history(count + 1, **filters)
    if not found and (filters or limit):
        return state.presenter.say("jobs.none_such")
    state.presenter.show_jobs(found[:count])
    if len(found) > count:
        state.presenter.say("jobs.more", count=count, next=10 * count)
    return None


def frame(state: ShellState, *words: str, strip: str = "") -> Any:
    """Return one frame of a job's video (PIL), or with `strip` several side by side; the cell shows the picture.

    Args:
        state: the shell's state.
        words: the beginning of the job's id, by default the newest job; then a time in seconds or "last".
        strip: the number of frames in the filmstrip, "" for a single frame.
    """
    beginning, *times = ("", *words) if _is_time_alone(words) else (words or ("",))
    video = state.job(beginning).result(0.1)
    if strip:
        if times:
            raise OptionError("command.too_many", name="frame", value=shorten(times[0]))
        return video.strip(_count("--strip", strip))
    return video.last_frame if times == [LAST] else video.frame(_seconds(times))


def _is_time_alone(words: Sequence[str]) -> bool:
    return len(words) == 1 and (words[0].startswith("-") or TIME.fullmatch(words[0]) is not None)


def _count(flag: str, word: str) -> int:
    number = int(word[:9]) if word.isdecimal() else 0
    if not number:
        raise OptionError("option.bad_count", flag=flag, value=shorten(word))
    return number


def _seconds(words: Sequence[str]) -> float:
    try:
        return float(words[0].removesuffix("s")) if words else 0.0
    except ValueError:
        raise OptionError("frame.bad_time", value=shorten(words[0])) from None


def _day(word: str) -> float:
    """Return the local midnight at which a day begins, in epoch seconds: today, yesterday, week, 3d, or an ISO date."""
    today = datetime.fromtimestamp(time.time()).replace(hour=0, minute=0, second=0, microsecond=0)
    back = DAYS.get(word.lower())
    if back is None and word[:-1].isdecimal() and word[-1] == "d":
        back = min(int(word[:-1]), 36500)
    try:
        return (datetime.fromisoformat(word) if back is None else today - timedelta(days=back)).timestamp()
    except (ValueError, OverflowError, OSError):
        raise OptionError("jobs.bad_since", value=shorten(word)) from None


JOBS = CommandSpec(
    "jobs",
    jobs,
    flags=(
        Flag("--since", "command.flag.since", Argument("DAY", choices=tuple(DAYS))),
        Flag("--failed", "command.flag.failed"),
        Flag("--model", "command.flag.model", Argument("NAME", "model")),
        Flag("--limit", "command.flag.limit", Argument("N")),
    ),
    help_key="command.jobs",
)
FRAME = CommandSpec(
    "frame",
    frame,
    (Argument("ID", "job"), Argument("SECONDS|last")),
    (Flag("--strip", "command.flag.strip", Argument("N"), default=str(DEFAULT_STRIP)),),
    help_key="command.frame",
)
