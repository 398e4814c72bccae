"""What is asked for, and how a cell behaves: the only two declarations of options. Floor 0.

Flags, `--help`, Tab completion, Python keywords, the journal's JSON and the README's tables are all made from the
fields of `VideoRequest` and `CellOptions`. A field's metadata holds an `Option`; what a kind of value accepts, from
text and from Python, is the table `KINDS`.
"""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import json
import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import Any

from ..billing.money import Amount, read_amount
from ..errors import OptionError
from ..i18n.messages import Phrase, say
from ..media.image.files import one_line
from ..media.image.reader import Image, unsigned
from ..security.sanitize import whole


@dataclass(frozen=True, slots=True)
class Option:
    """How one field is typed in a cell.

    Attributes:
        flags: spellings, the long one last; a `switch` also has its `--no-` form.
        kind: key into `KINDS`.
        metavar: what help shows for the value.
        choices: the values of a `choice`.
    """

    flags: tuple[str, ...]
    kind: str
    metavar: str = ""
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Declared:
    """A field with its option: one row of help, completion and the README's table."""

    name: str
    option: Option

    @property
    def help(self) -> str:
        """The row's sentence."""
        return say(f"help.{self.name}")


def opt(
    *flags: str, kind: str, metavar: str = "", choices: tuple[str, ...] = (), default: Any = None, shown: bool = True
) -> Any:
    """Declare a dataclass field that is also an option; one that may hold a signature is not `shown` by repr."""
    option = Option(flags, kind, metavar, choices)
    return field(default=default, metadata={"option": option}, repr=shown)


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoRequest:
    """One video, as asked for. What is None was not asked and is resolved from the model's row.

    Attributes:
        prompt: the text as typed.
        filled_prompt: the text that is sent: templates filled, line ends unified, outer blanks stripped.
        first, last: the first and the last frame.
    """

    prompt: str = ""
    filled_prompt: str = ""
    first: Image | None = None
    last: Image | None = None
    model: str | None = opt("-m", "--model", kind="text", metavar="NAME")
    duration: int | None = opt("-d", "--duration", kind="seconds", metavar="SECONDS")
    resolution: str | None = opt("-r", "--resolution", kind="resolution", metavar="480P|720P|1080P")
    size: str | None = opt("--size", kind="size", metavar="WIDTHxHEIGHT")
    seed: int | None = opt("-s", "--seed", kind="seed", metavar="0-2147483647")
    negative_prompt: str | None = opt("-n", "--negative", kind="text", metavar="TEXT")
    audio: bool | None = opt("--audio", kind="switch")
    audio_url: str | None = opt("--audio-url", kind="url", metavar="URL", shown=False)
    clip_url: str | None = opt("--clip-url", kind="url", metavar="URL", shown=False)
    prompt_extend: bool | None = opt("--prompt-extend", kind="switch")
    watermark: bool | None = opt("--watermark", kind="switch")
    shot_type: str | None = opt("--shot-type", kind="choice", choices=("single", "multi"), metavar="single|multi")
    template: str | None = opt("--template", kind="text", metavar="NAME")
    params: tuple[tuple[str, str], ...] = opt(
        "-p", "--param", kind="pairs", metavar="PATH=VALUE", default=(), shown=False
    )

    @property
    def mode(self) -> str:
        """What it begins and ends with: "first", "first_last", "clip", "clip_last", "last" or "text"."""
        begins = "clip" if self.clip_url else "first" if self.first else ""  # a clip takes the first frame's place
        return "_".join(part for part in (begins, "last" if self.last else "") if part) or "text"

    @property
    def frames(self) -> tuple[tuple[str, Image], ...]:
        """The pictures with their roles ("first", "last")."""
        return tuple((role, image) for role, image in (("first", self.first), ("last", self.last)) if image)

    @property
    def links(self) -> dict[str, str]:
        """The addresses of sound and clip, by field name; they may be signed, so they are secrets."""
        named = (row.name for row in declared(VideoRequest) if row.option.kind == "url")
        return {name: getattr(self, name) for name in named if getattr(self, name)}

    def asked(self) -> dict[str, Any]:
        """Return the options that are set, by field name."""
        values = ((row.name, getattr(self, row.name)) for row in declared(VideoRequest))
        return {name: value for name, value in values if value is not None and value != ()}

    def as_json(self) -> dict[str, Any]:
        """Return the request as the journal keeps it: text and digests, no picture bytes."""
        frames = {role: image.as_json() for role, image in self.frames}
        return {"prompt": self.prompt, "filled_prompt": self.filled_prompt, **self.asked(), "frames": frames}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> VideoRequest:
        """Rebuild a request from the journal; keys of other versions are left out."""
        names = {row.name for row in declared(VideoRequest)} | {"prompt", "filled_prompt"}
        values = {name: kept[name] for name in names & kept.keys()}
        frames: dict[str, Any] = {role: Image.from_json(row) for role, row in kept.get("frames", {}).items()}
        values["params"] = tuple((path, value) for path, value in values.get("params", ()))
        return cls(**values, **frames)


@dataclass(frozen=True, slots=True, kw_only=True)
class CellOptions:
    """How a cell behaves; neither journalled nor part of the fingerprint."""

    out: str | None = opt("-o", "--out", kind="name", metavar="NAME")
    session: str | None = opt("--session", kind="text", metavar="NAME")
    provider: str | None = opt("--provider", kind="text", metavar="NAME")
    wait: bool | None = opt("--wait", kind="switch")
    timeout: float | None = opt("--timeout", kind="time", metavar="20m")
    new: bool = opt("--new", kind="flag", default=False)
    dry_run: bool = opt("--dry-run", kind="flag", default=False)
    embed: str | None = opt("--embed", kind="choice", choices=("auto", "always", "never"), metavar="auto|always|never")
    budget: Amount | None = opt("--budget", kind="amount", metavar="0.5USD")  # noqa: RUF009 - a field, as the others
    yes: bool = opt("--yes", kind="flag", default=False)
    quiet: bool = opt("--quiet", kind="flag", default=False)
    help: bool = opt("-h", "--help", kind="flag", default=False)


@cache
def declared(*types: Any) -> tuple[Declared, ...]:
    """Return the option rows of the given declarations, in order."""
    fields = [row for kind in types for row in dataclasses.fields(kind) if "option" in row.metadata]
    return tuple(Declared(row.name, row.metadata["option"]) for row in fields)


# ---- what a kind of value accepts ---------------------------------------------------------------------------------


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError
    return whole(value)


def _whole(value: Any) -> int:
    if isinstance(value, bool):
        raise ValueError
    return int(value) if isinstance(value, str) else operator.index(value)  # numpy's integers too


def _typed(value: Any) -> str:
    """Return a number as it would be typed; text as it is."""
    if isinstance(value, str):
        return value.strip()
    return str(value if isinstance(value, float) else _whole(value))


def _seconds(value: Any) -> int:
    """Seconds as a whole number of at least 1, or -1 (let the model choose): 5, "5", "5s"."""
    number = _whole(value.strip().removesuffix("s") if isinstance(value, str) else value)
    if number < 1 and number != -1:
        raise ValueError
    return number


def _seed(value: Any) -> int:
    number = _whole(value)
    if not 0 <= number <= 2147483647:
        raise ValueError
    return number


def _resolution(value: Any) -> str:
    """A tier: 720P, "720p", 720."""
    found = re.fullmatch(r"([0-9]{3,4})[pP]?", _typed(value))
    if not found:
        raise ValueError
    return f"{found[1]}P"


def _size(value: Any) -> str:
    """Width and height: "1280x720", "1280*720"."""
    found = re.fullmatch(r"([1-9][0-9]{1,4})\s*[x*×]\s*([1-9][0-9]{1,4})", _text(value).strip().lower())
    if not found:
        raise ValueError
    return f"{found[1]}x{found[2]}"


def _switch(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError
    return value


def _url(value: Any) -> str:
    if not isinstance(value, str) or not value.startswith(("http://", "https://")):
        raise ValueError
    return value


def _name(value: Any) -> str:
    if not isinstance(value, str) or not value.isidentifier():
        raise ValueError
    return value


UNITS: Mapping[str, int] = MappingProxyType({"": 1, "s": 1, "m": 60, "min": 60, "h": 3600})


def _time(value: Any) -> float:
    """A time in seconds: 90, "90s", "20m", "1.5h"."""
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*([a-z]*)", _typed(value))
    if not found or found[2] not in UNITS:
        raise ValueError
    seconds = float(found[1]) * UNITS[found[2]]
    if not (0 < seconds < math.inf):
        raise ValueError
    return seconds


def _pairs(value: Any) -> tuple[tuple[str, str], ...]:
    """PATH=VALUE from the cell (once an item), or a mapping from Python, whose values become JSON text."""
    if isinstance(value, Mapping):
        return tuple((_text(path), json.dumps(one, ensure_ascii=False, allow_nan=False)) for path, one in value.items())
    if isinstance(value, str):
        path, equals, item = value.partition("=")
        if not equals or not path.strip():
            raise ValueError
        return ((path.strip(), item),)
    return tuple(pair for item in value for pair in _pairs(item))


KINDS: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {
        "text": _text,
        "seconds": _seconds,
        "seed": _seed,
        "resolution": _resolution,
        "size": _size,
        "switch": _switch,
        "flag": _switch,
        "url": _url,
        "name": _name,
        "time": _time,
        "pairs": _pairs,
        "amount": read_amount,
        "choice": _text,
    }
)


def read_value(row: Declared, value: Any) -> Any:
    """Return `value` (text from a cell, or an object from Python) as the field's own type.

    Raises:
        OptionError: the value is not one that this option takes.
    """
    try:
        read = KINDS[row.option.kind](value)
    except (ValueError, TypeError, OverflowError, RecursionError):
        raise refusal(row, value) from None
    if row.option.choices and read not in row.option.choices:
        raise refusal(row, value)
    return read


def refusal(row: Declared, value: Any) -> OptionError:
    """Return the error for a value that an option does not take, naming what it does take."""
    said = {"choices": ", ".join(row.option.choices), "flag": row.option.flags[-1], "value": shorten(value)}
    return OptionError(f"option.bad_{row.option.kind}", suggestion=nearest(said["value"], row.option.choices), **said)


def nearest(word: str, among: Iterable[str], cutoff: float = 0.5) -> str:
    """Return "Did you mean X? " for the nearest of `among`, or ""."""
    close = difflib.get_close_matches(word, list(among), n=1, cutoff=cutoff)
    return Phrase("option.did_you_mean", {"word": close[0]}) if close else ""


def shorten(value: object, limit: int = 80) -> str:
    """Return a value as text for an error line: one line, at most `limit` characters."""
    try:
        text = str(value)
    except Exception:  # the user's object may be unable to say what it is
        text = type(value).__name__
    return one_line(text, limit)


def read_keywords(kind: type, keywords: Mapping[str, Any]) -> dict[str, Any]:
    """Return Python keywords as field values; None means "not asked".

    Raises:
        OptionError: an unknown keyword, or a value that the option does not take.
    """
    rows = {row.name: row for row in declared(kind)}
    for name in keywords.keys() - rows.keys():
        raise OptionError("option.unknown_keyword", name=name, suggestion=nearest(name, rows))
    return {name: read_value(rows[name], value) for name, value in keywords.items() if value is not None}


# ---- same request, same video -------------------------------------------------------------------------------------


def fingerprint(request: VideoRequest, provider: str, origin: str) -> str:
    """Return the SHA-256 of what makes two requests the same, as versioned canonical JSON.

    Only fields that are set count, so a field that a later release adds changes no stored fingerprint. The caller
    passes the resolved request without a drawn seed: a seed that was not typed does not count.
    """
    counted = {
        "v": 1,
        "provider": provider,
        "origin": origin,
        "mode": request.mode,
        "prompt": request.filled_prompt,
        "frames": {role: image.identity for role, image in request.frames},
        **request.asked(),
        **{name: unsigned(link) for name, link in request.links.items()},
    }
    canonical = json.dumps(counted, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()
