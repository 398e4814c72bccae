"""One frame of the form: its preview, and the ways to choose a picture."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...errors import OutputError, WanError
from ...jobs.background import current
from ...jobs.job import Job
from ...media.image.reader import Image
from ...media.video.thumbnails import thumbnail
from ...rendering import composer as html
from ...request.command_line import DASHES, NO_IMAGE
from ...request.templates import is_lookup
from ...workflows.composer_draft import Frame, frame_named, frame_uploaded
from ..picture_sources import files, pictures
from .widget_texts import Translations

PREVIEW_WIDTH = 480  # pixels
MAX_OFFERED = 200  # file names
FOLDER = "folder"

Guard = Callable[[Callable[[], None]], None]


class FramePicker:
    """A preview, a field to choose or type a picture, an upload, and a button that removes it."""

    def __init__(
        self,
        role: str,
        names: Mapping[str, object],
        changed: Callable[[], None],
        guard: Guard,
        translations: Translations,
    ) -> None:
        import ipywidgets as w

        self.role, self.frame, self.problem = role, None, None
        self._names, self._changed, self._guard, self._translations = names, changed, guard, translations
        self._quiet = False
        self._preview = w.HTML(html.frame_preview(role, b"", "", translations.language))
        self.pick = w.Combobox(
            continuous_update=False, options=tuple(offered(names)), layout={"width": "auto"},
            style={"description_width": "88px"},
        )  # fmt: skip
        translations.bind(self.pick, "description", f"compose.pick_{role}")
        translations.bind(self.pick, "placeholder", "compose.pick_hint")
        self.pick.observe(lambda _: guard(self._picked), names="value")
        self.upload = w.FileUpload(accept="image/*", multiple=False)
        translations.bind(self.upload, "description", "compose.upload")
        translations.bind(self.upload, "tooltip", f"compose.upload_{role}")
        self.upload.observe(lambda _: guard(self._uploaded), names="value")
        self.clear = w.Button()
        translations.bind(self.clear, "description", "compose.clear")
        translations.bind(self.clear, "tooltip", f"compose.clear_{role}")
        self.clear.on_click(lambda _: guard(self._cleared))
        buttons = w.HBox([self.upload, self.clear])
        buttons.add_class("wan-row")
        self.box = w.VBox([self._preview, self.pick, buttons])
        self.box.add_class("wan-panel")
        self.box.add_class(f"wan-{role}")

    frame: Frame | None
    problem: WanError | None

    def put(self, frame: Frame | None, problem: WanError | None = None, *, typed: bool = False) -> None:
        """Set the picture, or remove it, with the problem that it had.

        Args:
            typed: the field holds the text already, valid or not.
        """
        self.frame, self.problem = frame, problem
        if frame is None or frame.upload not in [data for _, data in uploads(self.upload.value)]:
            self._reset_upload()
        if not typed:
            self._quiet = True
            try:
                self.pick.value = frame.word if frame and not frame.upload else ""
            finally:
                self._quiet = False
        current().start(lambda: self._draw(frame))

    def _reset_upload(self) -> None:
        """Reset the upload button, so that the same file can be uploaded again."""
        if self.upload.value:
            self.upload.set_trait("value", type(self.upload.value)())

    def set_language(self) -> None:
        """Translate the caption."""
        current().start(lambda: self._draw(self.frame))

    def refresh(self) -> None:
        """Offer the files and variables that exist now."""
        self.pick.options = tuple(offered(self._names))

    # ---- callbacks ---------------------------------------------------------------------------------------

    def _picked(self) -> None:
        if self._quiet:
            return
        word = self.pick.value.strip()
        self._set_from(lambda: frame_named(word, self._names) if word not in ("", NO_IMAGE) else None)

    def _uploaded(self) -> None:
        found = list(uploads(self.upload.value))
        if not found:
            return
        name, data = found[-1]
        self._set_from(lambda: frame_uploaded(name, data), typed=False)

    def _cleared(self) -> None:
        self.put(None)
        self._changed()

    def _set_from(self, make: Callable[[], Frame | None], *, typed: bool = True) -> None:
        try:
            self.put(make(), typed=typed)
        except WanError as problem:
            self.put(None, problem, typed=typed)
        self._changed()

    # ---- on the loop ------------------------------------------------------------------------------------------

    async def _draw(self, frame: Frame | None) -> None:
        """Show a preview; nothing else writes it."""
        jpeg = await current().work(_thumbnail, frame.image) if frame else b""
        if self.frame is frame:
            self._preview.value = html.frame_preview(self.role, jpeg, self._caption(frame), self._translations.language)

    def _caption(self, frame: Frame | None) -> str:
        if frame is None:
            return ""
        image, values = frame.image, {"width": frame.image.width, "height": frame.image.height}
        key = "compose.picture_facts" if image.width else "compose.address"
        facts = self._translations(key, label=image.label, **values)
        return f"{facts} · {self._translations('compose.uploaded')}" if frame.upload else facts


def uploads(value: Any) -> Iterator[tuple[str, bytes]]:
    """Yield the name and bytes of each upload: the value is a tuple since ipywidgets 8, a mapping by name before."""
    uploaded: Iterable[tuple[Any, Any]] = (
        value.items() if isinstance(value, Mapping) else ((file["name"], file) for file in value)
    )
    for name, file in uploaded:
        yield str(name), bytes(file["content"])


def offered(names: Mapping[str, object]) -> Iterator[str]:
    """Yield the pictures in the working directory, then the variables that hold pictures."""
    found = [name for name, kind in files("", Path.cwd()) if kind != FOLDER]
    yield from (f"./{name}" if name[:1] in tuple(DASHES) or is_lookup(name) else name for name in found[:MAX_OFFERED])
    known = dict(names)
    for word, _ in pictures(known):
        value = known[word[1:]]
        if not isinstance(value, Job) or value.video is not None:
            yield word


def _thumbnail(image: Image) -> bytes:
    """Return a preview as JPEG; b"" if none can be drawn, since the service may accept the picture anyway."""
    if image.source is None:
        return b""
    try:
        return thumbnail(image.encoded(), PREVIEW_WIDTH)
    except OutputError:
        return b""


def saved(frame: Frame, word: str) -> Frame:
    """Return an uploaded frame as the file it was saved to."""
    return replace(frame, word=word, image=replace(frame.image, label=Path(word).name), upload=b"")
