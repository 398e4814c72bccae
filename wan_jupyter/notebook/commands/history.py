"""Looking at what was made: the table of jobs, and single frames of a video. Floor 6."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from ...errors import OptionError
from ...i18n.suggestions import shorten
from ...status import Status
from ..shell_state import ShellState

STRIP = "--strip"
SHOWN = 50  # jobs in a table, where no number is typed
FAILED = (Status.FAILED, Status.CANCELED, Status.EXPIRED, Status.UNCERTAIN)
DAYS: Mapping[str, int] = MappingProxyType({"today": 0, "yesterday": 1, "week": 6})
LAST = "last"
TIME = re.compile(rf"{LAST}|\d+\.\d*s?|\.\d+s?")  # what is no beginning of an id


def jobs(state: ShellState, *words: str) -> None:
    """List the newest jobs, or those that are asked for."""
    asked = dict(_read(words, FILTERS))
    most = asked.pop("limit", SHOWN)
    found = state.session().history(most + 1, **asked)
    if words and not found:
        return state.presenter.say("jobs.none_such")
    state.presenter.show_jobs(found[:most])
    if len(found) > most:
        state.presenter.say("jobs.more", count=most, next=10 * most)
    return None


def frame(state: ShellState, beginning: str = "", *words: str) -> Any:
    """Return one picture (PIL) of a job's video, or with `--strip` several side by side; the cell shows it."""
    if beginning.startswith("-") or (not words and TIME.fullmatch(beginning)):
        beginning, words = "", (beginning, *words)
    video = state.job(beginning).result(0.1)
    if words and words[0].partition("=")[0] == STRIP:
        typed = [part for part in words[0].split("=")[1:] if part]
        return video.strip(_count(STRIP, (*typed, *words[1:]), usual=8))
    if words and words[0].startswith("--"):
        raise OptionError("option.unknown_here", name=shorten(words[0]), names=STRIP)
    if len(words) > 1:
        raise OptionError("command.too_many", name="frame", value=shorten(words[1]))
    return video.last_frame if words == (LAST,) else video.frame(_seconds(words))


def _count(flag: str, words: Sequence[str], usual: int = 0) -> int:
    if not words and usual:
        return usual
    number = int(words[0][:9]) if len(words) == 1 and words[0].isdecimal() else 0
    if not number:
        raise OptionError("option.bad_count", flag=flag, value=shorten(words[-1]))
    return number


def _seconds(words: Sequence[str]) -> float:
    try:
        return float(words[0].removesuffix("s")) if words else 0.0
    except ValueError:
        raise OptionError("frame.bad_time", value=shorten(words[0])) from None


# ---- filters ------------------------------------------------------------------------------------------------------

Reader = Callable[[Iterator[str]], tuple[str, Any]]


def _read(words: Sequence[str], readers: Mapping[str, Reader]) -> Iterator[tuple[str, Any]]:
    """Yield what each filter asks for; a value follows its flag as a word, or after `=`."""
    left = iter([part for word in words for part in (word.split("=", 1) if word.startswith("--") else [word])])
    for flag in left:
        if not flag.startswith("--"):
            raise OptionError("command.too_many", name="jobs", value=shorten(flag))
        if flag not in readers:
            raise OptionError("option.unknown_here", name=shorten(flag), names=", ".join(readers))
        yield readers[flag](left)


def _model(words: Iterator[str]) -> tuple[str, str]:
    return "model", _value("--model", "NAME", words)


def _limit(words: Iterator[str]) -> tuple[str, int]:
    return "limit", _count("--limit", [_value("--limit", "100", words)])


def _since(words: Iterator[str]) -> tuple[str, float]:
    value = _value("--since", "today", words)
    return "since", _day(value)


FILTERS: Mapping[str, Reader] = MappingProxyType(
    {"--since": _since, "--failed": lambda _: ("states", FAILED), "--model": _model, "--limit": _limit}
)


def _value(flag: str, metavar: str, words: Iterator[str]) -> str:
    value = next(words, "")
    if not value or value.startswith("--"):
        raise OptionError("option.needs_value", flag=flag, metavar=metavar)
    return value


def _day(word: str) -> float:
    """Return the epoch second at which a day begins here: today, yesterday, week, 3d, or a date."""
    today = datetime.fromtimestamp(time.time()).replace(hour=0, minute=0, second=0, microsecond=0)
    back = DAYS.get(word.lower())
    if back is None and word[:-1].isdecimal() and word[-1] == "d":
        back = min(int(word[:-1]), 36500)
    try:
        return (datetime.fromisoformat(word) if back is None else today - timedelta(days=back)).timestamp()
    except (ValueError, OverflowError, OSError):
        raise OptionError("jobs.bad_since", value=shorten(word)) from None
