"""The player: the final output of a finished video, which works without a kernel, trusted or not."""

from __future__ import annotations

import re

from ..i18n.messages import ENGLISH, tr
from ..security.sanitize import clean, one_line
from .html import LOOK, Bundle, Html, badge, base64_text, data_uri, image, isolated, tag, text_div
from .views import PlayerView

MAX_WIDTH, MAX_HEIGHT = 640, 480  # CSS pixels
# A relative path: no scheme (`javascript:`) and no host.
_PATH = re.compile(r"(?!//)[\w.~!$&'()*+,;=@%/-]+", re.ASCII)


def video_player(view: PlayerView, language: str = ENGLISH) -> Bundle:
    """Return the final output of a finished video: `text/html`, `image/jpeg` (base64) and `text/plain`."""
    figure = tag("figure", _video(view, language), _caption(view, language), class_="wan-player", style=LOOK["figure"])
    return {
        "text/html": str(figure),
        "image/jpeg": base64_text(view.poster),
        "text/plain": _plain_player(view, language),
    }


def _video(view: PlayerView, language: str) -> Html:
    """Return the `<video>`; its children are for pages that remove the element and keep them: a picture and a name."""
    width, height = _shown_size(view.size)
    return tag(
        "video",
        image(view.poster, one_line(view.prompt, 120)),
        _file(view),
        controls=True, loop=True, muted=True, playsinline=True, preload="metadata",
        width=width, height=height, src=_address(view.src), poster=data_uri(view.poster),
        aria_label=tr("player.label", language, prompt=one_line(view.prompt, 120)), style=LOOK["video"],
    )  # fmt: skip


def _shown_size(size: tuple[int, int]) -> tuple[int, int]:
    """Scale the video to fit the player's box, so that the page does not jump when it loads."""
    width, height = max(1, size[0]), max(1, size[1])
    scale = min(MAX_WIDTH / width, MAX_HEIGHT / height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def _address(src: str) -> str:
    """Return a source without control characters; the check is fast also for megabytes of base64."""
    return src if src.isprintable() else "".join(c if c.isprintable() else "\ufffd" for c in src)


def _caption(view: PlayerView, language: str) -> Html:
    parts = [
        *(text_div(line, "prompt") for line in clean(view.prompt).strip().split("\n")),  # a direction per line
        tag("div", badge(view.emulated, language), isolated(_facts(view, language)), style=LOOK["soft"]),
        tag("div", _file(view), " · ", _storage(view, language), style=LOOK["soft"]),
        text_div(_origin(view, language), "said"),
        text_div(f"⚠ {one_line(view.warning)}" if view.warning else "", "warning"),
        _cell(view.cell, language),
    ]
    return tag("figcaption", *parts, style=LOOK["caption"])


def _facts(view: PlayerView, language: str) -> str:
    facts = [
        view.model,
        view.provider,
        f"{view.resolution} {view.size[0]}×{view.size[1]}".strip(),
        tr("player.seconds", language, seconds=f"{round(view.duration, 1):g}"),
        tr("player.seed", language, seed=view.seed) if view.seed is not None else "",
        tr("player.take", language, take=view.take) if view.take > 1 else "",
        view.cost,
    ]
    return " · ".join(one_line(fact) for fact in facts if fact)


def _file(view: PlayerView) -> Html:
    """Return the file's name, as a link only if the source is a relative path."""
    name = isolated(one_line(view.path))
    is_path = not view.embedded and _PATH.fullmatch(view.src)
    return tag("a", name, href=view.src, target="_blank", style=LOOK["link"]) if is_path else name


def _storage(view: PlayerView, language: str) -> str:
    return tr("player.embedded" if view.embedded else "player.linked", language)


def _origin(view: PlayerView, language: str) -> str:
    return "" if view.origin == "new" else tr(f"player.origin.{view.origin}", language)


def _cell(cell: str, language: str) -> Html:
    if not cell.strip():
        return Html()
    summary = tag("summary", tr("player.cell", language), style="cursor:pointer")
    source = tag("pre", clean(cell), dir="auto", style=LOOK["pre"])
    return tag("details", summary, source, style=LOOK["details"])


def _plain_player(view: PlayerView, language: str) -> str:
    emulated = f" · {tr('card.emulated', language)}" if view.emulated else ""
    lines = [one_line(view.path), _facts(view, language) + emulated, _first_line(view.prompt)]
    lines += [_origin(view, language), one_line(view.warning)]
    return "\n".join(line for line in lines if line)


def _first_line(text: str) -> str:
    return one_line(clean(text).strip().partition("\n")[0], 120)
