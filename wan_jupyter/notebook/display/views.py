"""Turn jobs and videos into views for rendering. Reading a video is slow: call `player_view` on a worker thread."""

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
from ...billing.pricing import FREE
from ...errors import OutputError
from ...errors.system import reason_of
from ...i18n.messages import has_message, tr
from ...jobs.job import Job
from ...media.video.video import Video
from ...rendering import Bundle, CardView, PlayerView
from ...request.options import Declared, VideoRequest, declared
from ...status import Status
from .frontend import EMBED_FILE, EMBED_TOTAL

MAX_PROMPT = 60  # characters of a prompt in a table
MAX_VALUE = 32  # characters of an option's value in a chip
WORDED = ("model", "resolution", "duration", "seed")  # options with a message of their own


@dataclass
class Page:
    """The notebook that a video is shown in, and how many bytes of video it may embed.

    Attributes:
        folder: the folder that links are relative to.
        embedded: bytes of video that this kernel has embedded in the notebook.
        largest: bytes up to which one video is embedded.
        most: bytes up to which videos are embedded in total.
    """

    folder: Path
    embedded: int = 0
    largest: float = EMBED_FILE
    most: float = EMBED_TOTAL

    def embeds(self, size: int, policy: str) -> bool:
        """Return whether a video of `size` bytes is embedded, and count its bytes if so."""
        fits = size <= self.largest and self.embedded + size <= self.most
        wanted = {"always": True, "never": False}.get(policy, fits)
        self.embedded += size if wanted else 0
        return wanted

    def link(self, path: Path) -> str:
        """Return a path relative to the notebook, percent-encoded; "" if there is none (another drive)."""
        try:
            relative = os.path.relpath(path, self.folder)
        except ValueError:
            return ""
        return quote(relative.replace(os.sep, "/"))


def card_view(job: Job, now: float, language: str = "en") -> CardView:
    """Return the present state of a job, for its card."""
    snapshot = job.snapshot
    error = job.error
    return CardView(
        job_id=job.id,
        status=snapshot.status,
        since=job.info.created_at,
        now=now,
        prompt=job.request.filled_prompt,
        model=job.info.model,
        provider="" if job.info.emulated else job.provider,  # the badge says it
        chips=(*chips(job.request, language), *price_chips(job, language)),
        progress=snapshot.progress,
        moved=snapshot.moved,
        expected=job.info.expected,
        note=_note(job, language),
        lines=tuple(error.parts(language)) if error else (),
        emulated=job.info.emulated,
        thumbnails=job.thumbnails,
        file=Path(snapshot.file).name if snapshot.file else "",
        cancel_requested=job.cancel_requested,
        stopped=job.done and snapshot.status.live,
    )


def chips(request: VideoRequest, language: str = "en") -> tuple[str, ...]:
    """Return the short facts of a request: each option that applies to it, in words or as it is typed."""
    values = {"resolution": request.resolution, "seconds": request.duration, "seed": request.seed}
    smart = request.duration == -1  # the model chooses, so there is no length to show
    worded = {name: value for name, value in values.items() if value is not None and (name, smart) != ("seconds", True)}
    typed_names = {"duration"} if smart else set()
    fields = [field for field in declared(VideoRequest) if field.name not in WORDED or field.name in typed_names]
    asked = request.asked()
    typed = (_typed(field, value) for field in fields if (value := asked.get(field.name)) is not None)
    return (*(tr(f"chip.{name}", language, value=value) for name, value in worded.items()), *typed)


def _typed(field: Declared, value: Any) -> str:
    """Return an option as it is typed, without the dashes; without its value where that may hold a secret."""
    name = field.option.flags[-1].lstrip("-")
    if field.option.kind == "switch":
        return name if value else f"no-{name}"
    if field.option.kind == "pairs":
        return " ".join(path for path, _ in value)
    return name if field.option.kind == "url" else f"{name} {rendering.one_line(str(value), MAX_VALUE)}"


def price_chips(job: Job, language: str = "en") -> tuple[str, ...]:
    """Return the expected price of a job until it is known; nothing for a free one."""
    may_still_cost = job.status.live or job.status is Status.UNCERTAIN
    if not may_still_cost or job.cost or job.info.emulated or job.info.estimate == FREE:
        return ()
    estimate = job.info.estimate
    return (tr("chip.price", language, price=estimate) if estimate else tr("chip.price_unknown", language),)


def player_view(
    video: Video, page: Page, *, policy: str = "auto", origin: str = "new", warning: str = "", cell: str = ""
) -> PlayerView:
    """Return a video with its poster and facts, for the player. Slow.

    Raises:
        OutputError: the file is missing, unreadable or does not decode.
    """
    data = _bytes_of(video.path)
    link = page.link(video.path)
    reachable = link and not link.startswith("..")  # not every front end serves files outside the notebook's folder
    embedded = page.embeds(len(data), policy if reachable or (link and policy == "never") else "always")
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


def missing_video_lines(path: Path, identity: str, error: OutputError, language: str = "en") -> list[str]:
    """Return the text for a video that cannot be shown: its path, what is wrong, and how to get it back."""
    again = tr("player.lost", language, id=identity) if identity else error.hint(language)
    return [*([] if error.key == "video.missing" else [str(path)]), error.message(language), again]


def warning_of(job: Job, language: str = "en") -> str:
    """Return the warning about a finished video, as sentences; "" for none."""
    sentences = [tr(f"remark.{job.warning}", language)] if job.warning else []
    sentences += [tr(key, language, **values) for key, values in job.remarks]
    return " ".join(sentences)


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


def job_row(job: Job, language: str = "en") -> dict[str, str]:
    """Return a job as a row of the table of `%wan jobs`, by column."""
    name = Path(job.snapshot.file).name if job.snapshot.file else ""
    prompt = rendering.one_line(job.request.filled_prompt, MAX_PROMPT)
    status = tr(f"state.{job.status.lower()}", language)
    when = datetime.fromtimestamp(max(0.0, job.info.created_at)).strftime("%m-%d %H:%M")
    return {"id": job.id, "when": when, "status": status, "model": job.info.model, "prompt": prompt, "file": name}


MAX_WIDGET_HTML = 12_000_000  # characters
EMBEDDED = 'src="data:video/'  # values are escaped, so no text of the user can look like this


def widget_html(final: Bundle, embedded: Callable[[], Bundle], too_heavy: Callable[[], Bundle]) -> str:
    """Return the HTML that stays in a widget, where a relative link would lead nowhere after a reload.

    Args:
        final: the bundle that stays in the notebook.
        embedded: draws that bundle with the video embedded, as long as there is room.
        too_heavy: draws the replacement for a video that does not fit.
    """
    html = str(final["text/html"])
    if "<video" not in html:
        return html
    if EMBEDDED not in html:
        html = str(embedded()["text/html"])
    return html if EMBEDDED in html and len(html) <= MAX_WIDGET_HTML else str(too_heavy()["text/html"])
