"""Finds English in what is shown in another language; a name, or what the language's own sentences hold, is none."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from html.parser import HTMLParser
from typing import Any

from wan_jupyter.i18n.messages import catalogue
from wan_jupyter.notebook.commands import COMMANDS

# Two words with a blank between them are a sentence's; names and units rarely are.
RUN = re.compile(r"(?<![\w./$%<-])[A-Za-z][a-z']+(?: [A-Za-z][a-z']+)+(?![\w./=(-])")
# And these are no names alone, either.
SMALL = "an the of or and to with without is are was no not none from it in on at by for seen silent session keyring"
WORD = re.compile(rf"(?<![\w./$%<=\"'-])(?:{'|'.join(SMALL.split())})(?![\w./=(-])")
TYPED = re.compile(rf"%{{1,2}}wan (?:{'|'.join(COMMANDS)})\b(?: [A-Za-z][\w-]*)?")  # a command with its first word
# Names of things, and what is no text of ours: the emulator's words, this machine, the tests' own prompts.
NAMES = (
    "Input data may contain inappropriate content", "Model Studio", "Alibaba Cloud", "SGLang Diffusion",
    "Bearer", "content type", "curl", "application json",
)  # fmt: skip
DATA = re.compile(r"data:[\w/+-]+;base64,[\w+/=]+")
SHOWN = ("title", "alt", "aria-label", "aria-valuetext", "placeholder", "data-done")
TRAITS = ("description", "tooltip", "placeholder", "value", "titles", "_titles", "_options_labels")


class Words(HTMLParser):
    """What of a piece of HTML people read, or have read to them; without styles and pictures."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self._silent = 0
        self.feed(DATA.sub("", text))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in ("style", "script")
        self.found += [value for name, value in attrs if name in SHOWN and value]

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in ("style", "script")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.found.append(data)


@cache
def kept(language: str) -> frozenset[str]:
    """Return the runs that stand in a language's own sentences: code and names that its reader is meant to type."""
    texts = [re.sub(r"\{\w+\}", " ◌ ", text) for text in catalogue(language).values()]
    return frozenset(run for text in texts for kind in (RUN, WORD) for run in kind.findall(text))


def english(text: str, language: str, names: tuple[str, ...] = ()) -> list[str]:
    """Return what is left in English in a plain text; `names` are the test's own words."""
    text = re.sub(r"https?://\S+|\d{4}-\d\d-\d\d\S*", " ", DATA.sub(" ", text))
    for name in (*NAMES, *names):
        text = text.replace(name, " ◌ ")
    found = [run for kind in (RUN, WORD) for run in kind.findall(TYPED.sub(" ◌ ", text))]
    return sorted({run for run in found if not any(f" {run} " in f" {known} " for known in kept(language))})


@cache
def english_in_html(text: str, language: str, names: tuple[str, ...] = ()) -> list[str]:
    """Return what is left in English in a piece of HTML; a front end asks often for the same."""
    return english("\n".join(Words(text).found), language, names)


def english_in_bundle(bundle: Mapping[str, Any], language: str, names: tuple[str, ...] = ()) -> list[str]:
    """Return what is left in English in an output."""
    html = english_in_html(bundle.get("text/html", ""), language, names)
    return sorted({*html, *english(bundle.get("text/plain", ""), language, names)})


def english_in_widgets(widgets: Iterable[Mapping[str, Any]], language: str, names: tuple[str, ...] = ()) -> list[str]:
    """Return what is left in English in widgets, by the states that a front end has of them."""
    texts: list[str] = []
    for state in widgets:
        for trait in TRAITS:
            value = state.get(trait)
            several = list(value.values()) if isinstance(value, dict) else value
            texts += [one for one in (several if isinstance(several, list) else [several]) if isinstance(one, str)]
    return sorted({word for text in texts for word in english_in_html(text, language, names)})
