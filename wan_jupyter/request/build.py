"""Build a `VideoRequest`: the one way from a cell, the composer, and Python to what is sent.

What is special about a door happens before: a cell and the composer fill `{{ templates }}` and look `$names` up, and
Python takes text as it is. The check for API keys happens here, so that no door can forget it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import PurePath
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import unquote

from ..errors import CredentialsError, PromptError
from ..media.image.reader import Image, read_image
from ..security.api_key import Key
from ..security.key_detection import holds_key, is_key_name
from ..security.sanitize import whole
from .options import VideoRequest
from .templates import normal
from .values import read_keywords

if TYPE_CHECKING:

    class _HasImage(Protocol):
        """A `Video`, a `Job`, or any object that gives an image of itself."""

        def __wan_image__(self) -> object: ...

    class _HasPixels(Protocol):
        """A numpy array or a PIL image."""

        @property
        def __array_interface__(self) -> dict[str, Any]: ...

    class _Figure(Protocol):
        """A matplotlib figure."""

        def savefig(self, *args: Any, **options: Any) -> Any: ...

    class _File(Protocol):
        """A binary file object."""

        def read(self, size: int = ..., /) -> bytes: ...

    # For type checkers; what an image is at run time is decided by `media.image.reader.FORMS`.
    ImageSource = (
        str | PurePath | bytes | bytearray | memoryview | Image | _HasImage | _HasPixels | _Figure | _File
        | Sequence[Mapping[str, Any]] | Mapping[str, Any]
    )  # fmt: skip

ROLES = ("first", "last")
NO_OPTIONS: Mapping[str, Any] = MappingProxyType({})


def build_request(
    prompt: str,
    *,
    images: Sequence[object] = (),
    labels: Sequence[str] = (),
    options: Mapping[str, Any] = NO_OPTIONS,
    filled_prompt: str | None = None,
    keys: Collection[Key] = (),
) -> VideoRequest:
    """Return the request for a prompt, images and options, without any API key in it.

    Args:
        prompt: the text as it was typed.
        images: the first and the last frame, None for one that is missing: an `Image`, or whatever `read_image` takes.
        labels: names to show for the images; by default those that `read_image` finds.
        options: options by field name, as text or as values; None means "not set".
        filled_prompt: the prompt with its templates filled; by default the prompt itself.
        keys: the API keys that are known: the session's, those of the environment, and logins.

    Raises:
        CredentialsError: a text of the request holds a known key, or something that looks like one.
        PromptError: there is no prompt, image or clip.
        ImageError: an image cannot be used.
        OptionError: an unknown option, or a value that the option does not take.
    """
    filled = normal(prompt if filled_prompt is None else filled_prompt)
    # Before anything is read: the error about a bad value or a missing image would repeat the text.
    refuse_keys({"prompt": (prompt, filled), "image": tuple(images), **options}, keys)
    frames = {
        role: value if isinstance(value, Image) else read_image(value, label=label or "")
        for role, value, label in zip_longest(ROLES, images, labels)
        if value is not None
    }
    asked = read_keywords(VideoRequest, options)
    request = VideoRequest(
        prompt=whole(prompt), filled_prompt=filled, first=frames.get("first"), last=frames.get("last"), **asked
    )
    if request.mode == "text" and not filled:
        raise PromptError("prompt.empty")
    return request


def refuse_keys(parts: Mapping[str, Any], keys: Collection[Key]) -> None:
    """Make sure that no part of a request holds an API key, which journal, sidecar and service would then keep.

    Args:
        parts: values by their name in the request; texts inside of mappings, sequences and images count.
        keys: the keys that are known, which are found whatever they look like.

    Raises:
        CredentialsError: one does; it names the part, and nothing of its value.
    """
    for name, value in parts.items():
        if any(holds_key(text, keys) for text in _texts(value)) or (name == "params" and _names_key(value)):
            raise CredentialsError("key.in_request", part=name)


def refuse_keys_in(request: VideoRequest, keys: Collection[Key]) -> None:
    """Make sure that a request that was built elsewhere, or completed by default settings, holds no API key.

    Raises:
        CredentialsError: it does.
    """
    images = tuple(image for _, image in request.frames)
    refuse_keys({"prompt": (request.prompt, request.filled_prompt), "image": images, **request.asked()}, keys)


def _texts(value: object) -> Iterator[str]:
    """Yield every text in a value; a link also unquoted, since its user and password may be percent-encoded."""
    if isinstance(value, str):
        text = value.partition(",")[0] if value[:5].lower() == "data:" else value  # the rest is the image's bytes
        yield text
        if "://" in text and "%" in text:
            yield unquote(text)
    elif isinstance(value, PurePath):
        yield str(value)
    elif isinstance(value, Image):
        yield from (text for part in (value.label, value.url) for text in _texts(part))
    elif isinstance(value, Mapping):
        yield from (text for pair in value.items() for part in pair for text in _texts(part))
    elif isinstance(value, tuple | list):
        yield from (text for item in value for text in _texts(item))


def _names_key(params: object) -> bool:
    """Check whether a parameter's path says that its value is a key: "authorization", "api_key"."""
    if isinstance(params, Mapping):
        return any(isinstance(path, str) and is_key_name(path) for path in params)
    items = [params] if isinstance(params, str) else params
    if not isinstance(items, tuple | list):
        return False
    paths = [item.partition("=")[0] if isinstance(item, str) else item[0] for item in items if item]
    return any(isinstance(path, str) and is_key_name(path) for path in paths)
