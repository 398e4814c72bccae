"""Inspect pictures and render clips, each clip once, in a thread of its own."""

from __future__ import annotations

import uuid
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..clip_spec import ClipOrder, ClipSpec, Refusal, clip_size
from ..input_store import InputFolder
from ..worker import Worker
from .camera import VIEWS
from .source_images import measure, paint


@dataclass(frozen=True)
class Picture:
    """A picture by its digest; width and height are in pixels, as a viewer sees it."""

    digest: str
    width: int
    height: int


class Renderer:
    """Renders the clips of one folder."""

    def __init__(self, clips: Path, inputs: InputFolder, clip_seconds: float | None) -> None:
        self._clips = clips
        self._inputs = inputs
        self._clip_seconds = clip_seconds
        self._worker = Worker("wan-emulator-renderer")

    def plan(self, order: ClipOrder, seed: int) -> ClipSpec | Refusal:
        """Fetch and inspect an order's pictures; return the clip to render. May take seconds."""
        painted = order.continued or not order.pictures
        begins = ({"sha256": self._inputs.put(paint(seed))},) if painted else ()
        seen = [self._see(reference) for reference in (*begins, *order.pictures)]
        for one in seen:
            if isinstance(one, Refusal):
                return one
        pictures = [one for one in seen if isinstance(one, Picture)]
        width, height = order.size or clip_size(order.area, pictures[0].width, pictures[0].height)
        return ClipSpec(
            pictures=tuple(picture.digest for picture in pictures),
            width=width,
            height=height,
            seconds=self._clip_seconds or order.seconds,
            asked=order.seconds,
            sound=order.sound,
            # Two pictures leave the camera no choice, so every seed gives the same clip.
            view=seed % len(VIEWS) if len(pictures) == 1 else 0,
            rate=order.rate,
        )

    def begin(self, plan: ClipSpec) -> Future[Path] | None:
        """Start to render the clip unless it exists."""
        if self.path(plan).exists():
            self.path(plan).touch()  # in use: `sweep` keeps it
            return None
        return self._worker.start(plan.digest, lambda: self._make(plan))

    async def clip(self, plan: ClipSpec) -> Path:
        """Return the clip's file, waiting until it is rendered."""
        if not self.path(plan).exists():
            await self._worker.run(plan.digest, lambda: self._make(plan))
        return self.path(plan)

    def path(self, plan: ClipSpec) -> Path:
        """Return the file that holds, or will hold, the clip."""
        return self._clips / f"{plan.digest}.mp4"

    def _see(self, reference: Any) -> Picture | Refusal:
        digest = self._inputs.fetch(reference)
        if isinstance(digest, Refusal):
            return digest
        size = measure(self._inputs.path(digest))
        return size if isinstance(size, Refusal) else Picture(digest, *size)

    def _make(self, plan: ClipSpec) -> Path:
        from .encoder import render

        path = self.path(plan)
        if path.exists():
            return path
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        part = path.with_name(f"{path.name}.{uuid.uuid4().hex}.part")
        try:
            part.touch(0o600)  # PyAV would create it readable by everyone
            render(plan, self._inputs.path, part)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
        return path
