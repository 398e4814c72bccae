"""The only two declarations of options: `VideoRequest` (what is asked for) and `CellOptions` (how a cell behaves).

Flags, `--help`, Tab completion, Python keywords, the journal's JSON and the docs' tables are all made from the
fields of `VideoRequest` and `CellOptions`. A field's metadata holds an `Option`; what a kind of value accepts, from
text and from Python, is the table `KINDS`.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from ..billing.money import Amount
from ..i18n.messages import tr
from ..media.image.reader import Image
from ..security.urls import unsigned

MAX_SEED = 2**31 - 1  # DashScope's documents give 0 to 2147483647


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
    """A field with its option: one entry of help, completion and the docs' table."""

    name: str
    option: Option

    @property
    def help(self) -> str:
        """The option's line in `--help`."""
        return tr(f"help.{self.name}")


def opt(
    *flags: str, kind: str, metavar: str = "", choices: tuple[str, ...] = (), default: Any = None, shown: bool = True
) -> Any:
    """Declare a dataclass field that is also an option; repr leaves it out unless `shown`: it may hold a signature."""
    option = Option(flags, kind, metavar, choices)
    return field(default=default, metadata={"option": option}, repr=shown)


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoRequest:
    """One video, as asked for. None means "not set": the value comes from settings or the model's entry.

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
    seed: int | None = opt("-s", "--seed", kind="seed", metavar=f"0-{MAX_SEED}")
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
        """What the video begins and ends with: "first", "first_last", "clip", "clip_last", "last" or "text"."""
        begins = "clip" if self.clip_url else "first" if self.first else ""  # a clip replaces the first frame
        return "_".join(part for part in (begins, "last" if self.last else "") if part) or "text"

    @property
    def frames(self) -> tuple[tuple[str, Image], ...]:
        """The images with their roles ("first", "last")."""
        return tuple((role, image) for role, image in (("first", self.first), ("last", self.last)) if image)

    @property
    def links(self) -> dict[str, str]:
        """The URLs of sound and clip, by field name; they may be signed, so they are secrets."""
        named = (one.name for one in declared(VideoRequest) if one.option.kind == "url")
        return {name: getattr(self, name) for name in named if getattr(self, name)}

    def asked(self) -> dict[str, Any]:
        """Return the options that are set, by field name."""
        values = ((option.name, getattr(self, option.name)) for option in declared(VideoRequest))
        return {name: value for name, value in values if value is not None and value != ()}

    def as_json(self) -> dict[str, Any]:
        """Return the request as the journal stores it: text and digests, no image bytes."""
        frames = {role: image.as_json() for role, image in self.frames}
        return {"prompt": self.prompt, "filled_prompt": self.filled_prompt, **self.asked(), "frames": frames}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> VideoRequest:
        """Rebuild a request from the journal; keys of other versions are ignored."""
        names = {option.name for option in declared(VideoRequest)} | {"prompt", "filled_prompt"}
        values = {name: kept[name] for name in names & kept.keys()}
        frames: dict[str, Any] = {role: Image.from_json(image) for role, image in kept.get("frames", {}).items()}
        values["params"] = tuple((path, value) for path, value in values.get("params", ()))
        return cls(**values, **frames)


@dataclass(frozen=True, slots=True, kw_only=True)
class CellOptions:
    """How a cell behaves; neither stored in the journal nor part of the fingerprint."""

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
    """Return the options of the given declarations, in order."""
    fields = [field for kind in types for field in dataclasses.fields(kind) if "option" in field.metadata]
    return tuple(Declared(field.name, field.metadata["option"]) for field in fields)


# ---- same request, same video -------------------------------------------------------------------------------------


def fingerprint(request: VideoRequest, provider: str, origin: str) -> str:
    """Return the SHA-256 of what makes two requests the same, written as versioned canonical JSON.

    Only fields that are set count, so a field that a later release adds changes no stored fingerprint. The caller
    passes the resolved request without a random seed: a seed that the user did not set does not count.
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
