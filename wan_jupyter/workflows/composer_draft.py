"""What the composer knows: a draft becomes a request, a cell's text, a price or a problem. Floor 5: draws nothing.

A draft says of a request what a cell says, and it is read as a cell is: `{{ name }}` in its prompt is filled, and
`$name` is a picture of the notebook's variables. So the text of its cell, read by `options.read_line`, is the same
request; what a cell's line has no way to write is refused there, and can be made from the form all the same.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from ..billing.money import Price
from ..catalog.remarks import Remark
from ..errors import CredentialsError, InputError, JobError, OptionError, WanError
from ..i18n.suggestions import shorten
from ..jobs.job import Job
from ..media.image.reader import Image, read_image
from ..request.build import build_request
from ..request.command_line import NO_IMAGE, read_line, split
from ..request.options import Declared, VideoRequest, declared
from ..request.templates import fill, is_lookup, lookup, normal
from ..request.values import read_value
from ..security.api_key import Key
from ..session.session import Session

NOTHING: Mapping[str, Any] = MappingProxyType({})
ROWS: Mapping[str, Declared] = MappingProxyType({row.name: row for row in declared(VideoRequest)})


@dataclass(frozen=True, slots=True)
class Frame:
    """A picture that was chosen.

    Attributes:
        word: as a cell's line names it: a path, an address, "$name"; for an upload its file's name.
        image: the picture as it was when it was chosen.
        upload: its bytes, where they lie in no file yet.
    """

    word: str
    image: Image
    upload: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a form holds; `asked` has the fields of `VideoRequest` that were chosen, as values."""

    prompt: str = ""
    first: Frame | None = None
    last: Frame | None = None
    asked: Mapping[str, Any] = field(default_factory=dict)
    new: bool = False

    @property
    def frames(self) -> dict[str, Frame]:
        """The pictures that there are, by role."""
        return {role: frame for role, frame in (("first", self.first), ("last", self.last)) if frame is not None}

    @property
    def mode(self) -> str:
        """What its pictures make of it, as a request's own."""
        return "_".join(self.frames) or "text"

    @property
    def empty(self) -> bool:
        """Whether nothing was begun yet."""
        return not self.frames and not self.prompt.strip()


# ---- pictures -----------------------------------------------------------------------------------------------------


def frame_named(word: str, names: Mapping[str, object]) -> Frame:
    """Return the picture that a word of a line stands for.

    Raises:
        ImageError, PromptError: there is none, or none that can be used.
        JobError: it is a job whose video is not there yet.
    """
    value = lookup(word, names) if is_lookup(word) else word
    if isinstance(value, Job) and not value.done:  # taking its last frame would wait for it
        raise JobError("compose.not_ready", name=word)
    return Frame(word, read_image(value, label=word if value is not word else ""))


def frame_uploaded(name: str, data: bytes) -> Frame:
    """Return the picture that was uploaded under a name.

    Raises:
        ImageError: it is none that can be used.
    """
    return Frame(name, read_image(data, label=name), data)


def as_now(draft: Draft, names: Mapping[str, object]) -> Draft:
    """Return a draft with its files and variables read anew, as a cell that runs now would read them."""
    fresh = {role: frame if frame.upload else frame_named(frame.word, names) for role, frame in draft.frames.items()}
    return replace(draft, **fresh)  # type: ignore[arg-type]


# ---- as a request -------------------------------------------------------------------------------------------------


def request_of(draft: Draft, names: Mapping[str, object], keys: Collection[Key] = ()) -> VideoRequest:
    """Return the request of a draft, as the magic reads a cell.

    Args:
        keys: the API keys that are known, which no request may hold.

    Raises:
        CredentialsError: the draft, or a variable that fills it, holds an API key.
        PromptError: there is neither image nor prompt, or a template cannot be filled.
    """
    options = dict(draft.asked)
    if "negative_prompt" in options:
        options["negative_prompt"] = fill(options["negative_prompt"], names)
    images = [frame.image if frame else None for frame in (draft.first, draft.last)]
    filled = fill(draft.prompt, names)
    return build_request(normal(draft.prompt), images=images, options=options, filled_prompt=filled, keys=keys)


@dataclass(frozen=True, slots=True)
class Outlook:
    """What would become of a draft: its price (None: unknown) and remarks, or the first problem."""

    problem: WanError | None = None
    model: str = ""
    price: Price | None = None
    remarks: tuple[Remark, ...] = ()


def outlook(draft: Draft, session: Session, names: Mapping[str, object]) -> Outlook:
    """Return what a draft would cost, or why it cannot be sent; nothing is sent."""
    try:
        request = request_of(draft, names, session._known_keys)
        plan = session._plan(request)
        return Outlook(None, plan.model.id, session.price(request), plan.remarks)
    except (InputError, CredentialsError) as problem:
        return Outlook(problem)


# ---- as a cell ----------------------------------------------------------------------------------------------------


def cell_of(draft: Draft, names: Mapping[str, object], session: str = "") -> str:
    """Return the text of the cell that asks for the same.

    Args:
        session: the session or provider to name, "" for the one that is in use.

    Raises:
        OptionError: a line has no way to write a value; there are no escapes in it.
    """
    words = [*_pictures(draft, names), *(["--session", session] if session else [])]
    words += [word for name in ROWS if name in draft.asked for word in _option(ROWS[name], draft.asked[name])]
    line = " ".join(["%%wan", *words, *(["--new"] if draft.new else [])])
    return f"{line}\n{normal(draft.prompt)}".rstrip()


def _pictures(draft: Draft, names: Mapping[str, object]) -> list[str]:
    words = [_quoted(frame.word) if frame else NO_IMAGE for frame in (draft.first, draft.last)]
    meant = [frame.word if frame else NO_IMAGE for frame in (draft.first, draft.last)]
    for written, word in zip(words, meant, strict=True):
        if not written or read_line(written, names).image_labels != (word,):
            raise OptionError("compose.unwritable_picture", name=shorten(word))
    while words and words[-1] == NO_IMAGE:
        words.pop()
    return words


def _option(row: Declared, value: Any) -> list[str]:
    """Return the words of an option, checked to be read as this very value."""
    flag = row.option.flags[-1]
    if row.option.kind == "switch":
        return [flag if value else f"--no-{flag[2:]}"]
    words = [flag, _quoted(str(value))]
    try:
        read = dict(read_line(" ".join(words), NOTHING).asked)
    except InputError:  # no quotes will do, or "$name", which a line looks up
        read = {}
    if read != {row.name: value}:
        raise OptionError("compose.unwritable", flag=flag)
    return words


def _quoted(word: str) -> str:
    """Return a word as a line holds it: bare, else in the quotes that it leaves room for; "" where there are none."""
    bare = re.fullmatch(r"[^\s\"'#-][^\s\"']*|-[0-9]+", word)
    marks = ("", '"', "'") if bare else ('"', "'")
    return next((f"{mark}{word}{mark}" for mark in marks if _reads(f"{mark}{word}{mark}", word)), "")


def _reads(written: str, word: str) -> bool:
    """Tell whether a word is read as it was meant, with neighbours on its line; IPython ends lines as Python does."""
    if len(f".{word}.".splitlines()) != 1:
        return False
    try:
        return split(f". {written} .") == [".", word, "."]
    except OptionError:
        return False


def value_typed(name: str, text: str) -> Any:
    """Return what a text in the form asks for, None where it is blank.

    Raises:
        OptionError: it is nothing that the option takes.
    """
    return read_value(ROWS[name], " ".join(text.split())) if text.strip() else None
