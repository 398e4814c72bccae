"""The composer's draft, and what can be made of it: a request, the text of a cell, a price or a problem.

A draft is read as a cell is: `{{ name }}` in its prompt is filled, and `$name` is an image among the notebook's
variables. So the text of its cell, read by `command_line.read_line`, makes the same request. Values that can't be
written on a cell's line are refused when that text is made; the form can send them all the same.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from ..billing.pricing import Price
from ..catalog.remarks import Remark
from ..errors import CredentialsError, InputError, JobError, OptionError, WanError
from ..i18n.suggestions import shorten
from ..jobs.job import Job
from ..media.image.reader import Image, read_image
from ..request.build import build_request, refuse_keys
from ..request.command_line import NO_IMAGE, read_line, split
from ..request.options import Declared, VideoRequest, declared
from ..request.templates import fill, is_lookup, lookup, normal
from ..request.values import read_value
from ..security.api_key import Key
from ..session.session import Session

NOTHING: Mapping[str, Any] = MappingProxyType({})
OPTIONS: Mapping[str, Declared] = MappingProxyType({option.name: option for option in declared(VideoRequest)})


@dataclass(frozen=True, slots=True)
class Frame:
    """An image that was chosen.

    Attributes:
        word: its name on a cell's line: a path, a URL, "$name"; for an upload, its file's name.
        image: the image as it was when it was chosen.
        upload: the bytes of an upload that is not saved to a file yet, else empty.
    """

    word: str
    image: Image
    upload: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """The contents of a form; `asked` has the chosen options as values, by field name of `VideoRequest`."""

    prompt: str = ""
    first: Frame | None = None
    last: Frame | None = None
    asked: Mapping[str, Any] = field(default_factory=dict)
    new: bool = False

    @property
    def frames(self) -> dict[str, Frame]:
        """The chosen images by role."""
        return {role: frame for role, frame in (("first", self.first), ("last", self.last)) if frame is not None}

    @property
    def mode(self) -> str:
        """The mode that a request with these images has."""
        return "_".join(self.frames) or "text"

    @property
    def empty(self) -> bool:
        """Whether nothing was chosen or typed yet."""
        return not self.frames and not self.prompt.strip()


# ---- images -------------------------------------------------------------------------------------------------------


def frame_named(word: str, names: Mapping[str, object]) -> Frame:
    """Return the image that a word on a cell's line names.

    Raises:
        ImageError, PromptError: there is no such image, or it cannot be used.
        JobError: it is a job without a video so far.
    """
    value = lookup(word, names) if is_lookup(word) else word
    if isinstance(value, Job) and not value.done:  # taking its last frame would wait for it
        raise JobError("compose.not_ready", name=word)
    return Frame(word, read_image(value, label=word if value is not word else ""))


def frame_uploaded(name: str, data: bytes) -> Frame:
    """Return the image that was uploaded under a name.

    Raises:
        ImageError: it cannot be used.
    """
    return Frame(name, read_image(data, label=name), data)


def as_now(draft: Draft, names: Mapping[str, object]) -> Draft:
    """Return a draft with its files and variables read again, as a cell that runs now would read them."""
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
    """A draft's price (None: unknown) and remarks, or its first problem."""

    problem: WanError | None = None
    model: str = ""
    price: Price | None = None
    remarks: tuple[Remark, ...] = ()


def outlook(draft: Draft, session: Session, names: Mapping[str, object]) -> Outlook:
    """Return what a draft would cost, or why it cannot be sent; send nothing."""
    try:
        request = request_of(draft, names, session._known_keys)
        plan = session._plan(request)
        return Outlook(None, plan.model.id, session.price(request), plan.remarks)
    except (InputError, CredentialsError) as problem:
        return Outlook(problem)


# ---- as a cell ----------------------------------------------------------------------------------------------------


def cell_of(draft: Draft, names: Mapping[str, object], session: str = "", keys: Collection[Key] = ()) -> str:
    """Return the text of the cell that makes the same request.

    Args:
        session: the session or provider to name, "" for the one in use.
        keys: the API keys that are known, which no cell may show.

    Raises:
        CredentialsError: the cell would hold an API key.
        OptionError: a value cannot be written on a line, which has no escapes.
    """
    words = [*_image_words(draft, names), *(["--session", session] if session else [])]
    words += [word for name in OPTIONS if name in draft.asked for word in _option(OPTIONS[name], draft.asked[name])]
    line = " ".join(["%%wan", *words, *(["--new"] if draft.new else [])])
    text = f"{line}\n{normal(draft.prompt)}".rstrip()
    refuse_keys({"cell": text}, keys)
    return text


def _image_words(draft: Draft, names: Mapping[str, object]) -> list[str]:
    words = [_quoted(frame.word) if frame else NO_IMAGE for frame in (draft.first, draft.last)]
    meant = [frame.word if frame else NO_IMAGE for frame in (draft.first, draft.last)]
    for written, word in zip(words, meant, strict=True):
        if not written or read_line(written, names).image_labels != (word,):
            raise OptionError("compose.unwritable_picture", name=shorten(word))
    while words and words[-1] == NO_IMAGE:
        words.pop()
    return words


def _option(declaration: Declared, value: Any) -> list[str]:
    """Return the words of an option, after checking that they are read as this very value."""
    flag = declaration.option.flags[-1]
    if declaration.option.kind == "switch":
        return [flag if value else f"--no-{flag[2:]}"]
    words = [flag, _quoted(str(value))]
    try:
        read = dict(read_line(" ".join(words), NOTHING).asked)
    except InputError:  # no kind of quotes works, or "$name", which a line looks up
        read = {}
    if read != {declaration.name: value}:
        raise OptionError("compose.unwritable", flag=flag)
    return words


def _quoted(word: str) -> str:
    """Return a word as a line holds it: bare, or in quotes that it does not contain; "" if neither works."""
    bare = re.fullmatch(r"[^\s\"'#-][^\s\"']*|-[0-9]+", word)
    marks = ("", '"', "'") if bare else ('"', "'")
    return next((f"{mark}{word}{mark}" for mark in marks if _reads(f"{mark}{word}{mark}", word)), "")


def _reads(written: str, word: str) -> bool:
    """Check whether a word is read as it was meant, between others; IPython ends lines where Python does."""
    if len(f".{word}.".splitlines()) != 1:
        return False
    try:
        return split(f". {written} .") == [".", word, "."]
    except OptionError:
        return False


def value_typed(name: str, text: str) -> Any:
    """Return the value of a text in the form, None if it is blank.

    Raises:
        OptionError: the option does not take it.
    """
    return read_value(OPTIONS[name], " ".join(text.split())) if text.strip() else None
