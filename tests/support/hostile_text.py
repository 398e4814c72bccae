"""Texts that would act instead of being read, for tests: markup, terminal codes, marks that turn a line, paths."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

# Each of these says so in the page if it ever runs.
MARKUP = (
    "<script>window.hacked=1</script><img src=x onerror=window.hacked=1>\"'><svg onload=window.hacked=1>"
    "</div></style><iframe srcdoc='<script>parent.hacked=1</script>'></iframe>"
    '<a href="javascript:window.hacked=1">x</a>'
)
CODES = "\x1b[31mred\x1b]0;title\x07\x1b[2J \u202egpj.exe\u202c \u2066turned\u2069 \x00nul \x08back"
PATHS = "../../../escaped ..\\..\\escaped file:///etc/passwd"
LINK = "https://oss.example/v.mp4?Expires=1&Signature=very-secret"
EVERYTHING = f"{MARKUP} {CODES} {PATHS} {LINK}"
SIGNS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
ACTING = frozenset({"script", "iframe", "svg", "object", "embed", "form", "base", "meta", "link"})


class Elements(HTMLParser):
    """What acts in a page, as a browser would read it: elements, handlers, links that are code."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [tag] if tag in ACTING else []
        for name, value in attrs:
            code = (value or "").strip().lower().startswith(("javascript:", "data:text"))
            self.found += [f"{tag} {name}"] if name.startswith("on") or name == "srcdoc" or code else []


def texts(outputs: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """Yield each text of saved outputs, with its kind."""
    for output in outputs:
        for kind, value in output.get("data", {}).items():
            if kind.startswith("text/"):
                yield kind, "".join(value)
        yield "text/plain", "".join(output.get("text", ""))
        # A traceback's lines are ours; a terminal's colours are IPython's own.
        yield "text/plain", "\n".join(output.get("traceback", []))


def acts(outputs: list[dict[str, Any]]) -> list[str]:
    """Return what in saved outputs would act: elements and handlers in HTML, codes and turning marks anywhere."""
    found = []
    for kind, text in texts(outputs):
        bare = re.sub(r"data:[a-z0-9/]+;base64,[A-Za-z0-9+/=]*", "", text)
        found += [sign[0] for sign in SIGNS.finditer(bare)]
        found += Elements(bare).found if kind == "text/html" else []
        found += ["a signature"] if "very-secret" in bare else []
    return found
