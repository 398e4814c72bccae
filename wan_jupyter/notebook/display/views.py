"""From a job or a video to what the bundle draws. Reading a video is slow: `player_view` is for worker threads."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ... import rendering
from ...billing.money import FREE
from ...errors import OutputError
from ...errors.system import reason_of
from ...i18n.messages import has_message, tr
from ...jobs.job import Job
from ...media.video.video import Video
from ...rendering import Bundle, CardView, PlayerView
from ...request.options import Declared, VideoRequest, declared
from ...status import Status
from .frontend import EMBED_FILE, EMBED_TOTAL

LONGEST = 60  # characters of a prompt in a list
SHORT = 32  # characters of an option's value in a chip
UNTYPED = ("model", "resolution", "duration", "seed")  # have words of their own


@dataclass
class Page:
    """The notebook a video is shown in: where it lies and how much it holds already.

    Attributes:
        folder: what relative links are relative to.
        embedded: bytes of video put into this notebook by this kernel.
        largest: bytes up to which a video is embedded.
        most: bytes up to which videos are embedded, all together.
    """

    folder: Path
    embedded: int = 0
    largest: float = EMBED_FILE
    most: float = EMBED_TOTAL

    def takes(self, weight: int, policy: str) -> bool:
        """Tell whether a video of `weight` bytes is embedded, and count it if so."""
        fits = weight <= self.largest and self.embedded + weight <= self.most
        wanted = {"always": True, "never": False}.get(policy, fits)
        self.embedded += weight if wanted else 0
        return wanted

    def link(self, path: Path) -> str:
        """Return a path relative to the notebook, percent-encoded, "" where there is none (another drive)."""
        try:
            relative = os.path.relpath(path, self.folder)
        except ValueError:
            return ""
        return quote(relative.replace(os.sep, "/"))


def card_view(job: Job, now: float, language: str = "en") -> CardView:
    """Return how a job stands, for the card."""
    shot = job.snapshot
    error = job.error
    return CardView(
        job_id=job.id,
        status=shot.status,
        since=job.info.created_at,
        now=now,
        prompt=job.request.filled_prompt,
        model=job.info.model,
        provider="" if job.info.emulated else job.provider,  # its badge says so
        chips=(*chips(job.request, language), *price_chips(job, language)),
        progress=shot.progress,
        moved=shot.moved,
        expected=job.info.expected,
        note=_note(job, language),
        lines=tuple(error.parts(language)) if error else (),
        emulated=job.info.emulated,
        thumbnails=job.thumbnails,
        file=Path(shot.file).name if shot.file else "",
        cancel_requested=job.cancel_requested,
        stopped=job.done and shot.status.live,
    )


def chips(request: VideoRequest, language: str = "en") -> tuple[str, ...]:
    """Return the short facts of a request: every option that counts for it, in words or as it is typed."""
    values = {"resolution": request.resolution, "seconds": request.duration, "seed": request.seed}
    smart = request.duration == -1  # the model chooses: no length that could be said
    said = {name: value for name, value in values.items() if value is not None and (name, smart) != ("seconds", True)}
    rows = [row for row in declared(VideoRequest) if row.name not in UNTYPED or (row.name == "duration" and smart)]
    typed = (_typed(row, value) for row in rows if (value := request.asked().get(row.name)) is not None)
    return (*(tr(f"chip.{name}", language, value=value) for name, value in said.items()), *typed)


def _typed(row: Declared, value: Any) -> str:
    """Return an option as it is typed, without the dashes; of what may hold a secret, that it is there."""
    name = row.option.flags[-1].lstrip("-")
    if row.option.kind == "switch":
        return name if value else f"no-{name}"
    if row.option.kind == "pairs":
        return " ".join(path for path, _ in value)
    return name if row.option.kind == "url" else f"{name} {rendering.one_line(str(value), SHORT)}"


def price_chips(job: Job, language: str = "en") -> tuple[str, ...]:
    """Return what a job is expected to cost, while that may still come true; nothing for one that costs nothing."""
    open_yet = job.status.live or job.status is Status.UNCERTAIN
    if not open_yet or job.cost or job.info.emulated or job.info.estimate == FREE:
        return ()
    estimate = job.info.estimate
    return (tr("chip.price", language, price=estimate) if estimate else tr("chip.price_unknown", language),)


def player_view(
    video: Video, page: Page, *, policy: str = "auto", origin: str = "new", warning: str = "", cell: str = ""
) -> PlayerView:
    """Return a video with its pictures and facts, for the player. Slow.

    Raises:
        OutputError: the file cannot be read.
    """
    data = _bytes_of(video.path)
    link = page.link(video.path)
    reached = link and not link.startswith("..")  # no front end is sure to serve what lies outside
    embedded = page.takes(len(data), policy if reached or (link and policy == "never") else "always")
    src = f"data:video/mp4;base64,{base64.b64encode(data).decode('ascii')}" if embedded else link
    facts = video.facts
    emulated = facts.get("provider") == "emulator"
    return PlayerView(
        job_id=str(facts.get("job", "")),
        src=src,
        poster=video.jpeg(),
        path=_shown_path(video.path, page.folder),
        embedded=embedded,
        prompt=str(facts.get("filled_prompt", "")),
        model=str(facts.get("model", "")),
        provider="" if emulated else str(facts.get("provider", "")),
        seed=facts.get("seed"),
        resolution=str(facts.get("options", {}).get("resolution", "")),
        size=video.size,
        duration=video.duration,
        take=int(facts.get("take", 1)),
        cost="" if emulated else str(facts.get("cost", "")),
        emulated=emulated,
        origin=origin,
        warning=warning,
        cell=cell,
    )


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise OutputError("video.missing", path=path) from None
    except OSError as error:
        raise OutputError("video.undecodable", path=path, why=reason_of(error)) from None


def lost_lines(path: Path, identity: str, error: OutputError, language: str = "en") -> list[str]:
    """Return what to say of a video that cannot be shown: where it lay, what is wrong, and how it may come back."""
    again = tr("player.lost", language, id=identity) if identity else error.hint(language)
    return [*([] if error.key == "video.missing" else [str(path)]), error.message(language), again]


def warning_of(job: Job, language: str = "en") -> str:
    """Return what the user should know of a finished video, as sentences."""
    said = [tr(f"remark.{job.warning}", language)] if job.warning else []
    said += [tr(key, language, **values) for key, values in job.remarks]
    return " ".join(said)


def _note(job: Job, language: str) -> str:
    key = f"note.{job.snapshot.note}"
    if job.snapshot.note and has_message(key, language):
        return tr(key, language, word=job.snapshot.word, id=job.id)
    return warning_of(job, language)


def _shown_path(path: Path, folder: Path) -> str:
    try:
        return str(path.relative_to(folder))
    except ValueError:
        return str(path)


def where(job: Job, language: str = "en") -> dict[str, Any]:
    """Return a job as a row of `%wan jobs`."""
    name = Path(job.snapshot.file).name if job.snapshot.file else ""
    prompt = rendering.one_line(job.request.filled_prompt, LONGEST)
    status = tr(f"state.{job.status.lower()}", language)
    when = datetime.fromtimestamp(max(0.0, job.info.created_at)).strftime("%m-%d %H:%M")
    return {"id": job.id, "when": when, "status": status, "model": job.info.model, "prompt": prompt, "file": name}


HEAVIEST = 12_000_000  # letters that a widget can carry
EMBEDDED = 'src="data:video/'  # values are escaped, so no text of the user's reads like this


def inside(final: Bundle, again: Callable[[], Bundle], instead: Callable[[], Bundle]) -> str:
    """Return the HTML for a widget.

    Args:
        final: what remains in the notebook.
        again: draws it with the video in it, as long as there is room.
        instead: draws what takes the place of a video that is too heavy.
    """
    found = str(final["text/html"])
    if "<video" not in found:
        return found
    if EMBEDDED not in found:
        found = str(again()["text/html"])
    return found if EMBEDDED in found and len(found) <= HEAVIEST else str(instead()["text/html"])
