"""The HTML of the composer between its widgets. Values in, escaped HTML out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache
from importlib import resources

from ..i18n.messages import ENGLISH, tr
from ..security.sanitize import one_line
from .html import Html, image, joined, tag

# Selects the cell's text and copies it. `execCommand` also works on plain http, where `navigator.clipboard` is missing;
# without scripts the text can still be selected by hand.
COPY = (
    "const t=this.closest('.wan-cell').querySelector('pre'),s=getSelection();s.selectAllChildren(t);"
    "document.execCommand('copy');this.textContent=this.dataset.done"
)


@cache
def form_style() -> Html:
    """Return the form's `<style>` element, minified."""
    text = (resources.files(__package__) / "composer.css").read_text(encoding="utf-8")
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    return Html("<style>" + " ".join(text.split()) + "</style>")


def form_head(provider: str, language: str = ENGLISH) -> str:
    """Return the form's style, its title and the provider it is for."""
    title = tag("span", tr("compose.title", language), class_="wan-title")
    return str(joined(form_style(), tag("div", title, tag("span", one_line(provider), class_="wan-where", dir="auto"))))


def frame_preview(role: str, jpeg: bytes, caption: str, language: str = ENGLISH) -> str:
    """Return the preview of a frame: its picture, if there is one, and a caption."""
    title = tr(f"compose.{role}", language)
    words = one_line(caption)
    content = image(jpeg, f"{title}: {words}") if jpeg else words or tr("compose.no_picture", language)
    preview = tag("div", content, class_="wan-sight" if jpeg else "wan-sight wan-none")
    under = tag("figcaption", words if jpeg else "", dir="auto", title=words)
    return str(tag("figure", tag("div", title, class_="wan-frame-title"), preview, under, class_="wan-frame"))


def draft_status(price: str, problem: Sequence[str], remarks: Iterable[str]) -> str:
    """Return the status of a draft: its price, or a problem with its fix; then remarks."""
    parts = [tag("div", one_line(price), class_="wan-price")] if price else []
    if problem:
        first, *rest = (one_line(line) for line in problem)
        parts.append(tag("div", first, *(tag("span", line) for line in rest), class_="wan-problem", dir="auto"))
    parts += [tag("div", one_line(line), class_="wan-remark", dir="auto") for line in remarks]
    return str(tag("div", *parts, class_="wan-said", role="status", aria_live="polite"))


def notes(lines: Iterable[str]) -> str:
    """Return notes about what was done or changed, one per line; "" for no lines."""
    shown = [tag("div", one_line(line), class_="wan-soft", dir="auto") for line in lines]
    return str(tag("div", *shown, class_="wan-notes", role="status", aria_live="polite")) if shown else ""


def cell_text(text: str, saved: Iterable[str], language: str = ENGLISH) -> str:
    """Return the text of a cell to copy, with notes about the files saved for it."""
    done = tr("compose.copied", language)
    button = tag("button", tr("compose.copy", language), type="button", onclick=COPY, data_done=done)
    top = tag("div", tag("span", tr("compose.cell_title", language)), button, class_="wan-cell-top")
    # Not cleaned: it is the user's own text, and the copy must equal what was typed.
    source = tag("pre", text, tabindex="0", dir="auto", aria_label=tr("compose.cell_title", language))
    under = [tag("div", one_line(line), class_="wan-soft") for line in (*saved, tr("compose.cell_hint", language))]
    return str(tag("div", top, source, *under, class_="wan-cell"))
