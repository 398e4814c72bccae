"""Check that a built site loads nothing from elsewhere: `python tools/check_site.py FOLDER`.

Links to other sites are fine; scripts, styles, fonts, images, frames and requests are not.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

LOADED = {"src", "srcset", "poster", "data", "href"}
LINKS = {"a", "area", "base"}
NAMING = {"canonical", "next", "prev", "alternate", "edit"}  # `<link>`s that name a page and load nothing
# What makes the theme's script fetch something: the number of stars from GitHub's API, Mermaid from a CDN.
FETCHING = {"data-md-component": "source", "class": "mermaid"}
ELSEWHERE = re.compile(r"^\s*(?:https?:)?//", re.IGNORECASE)
IN_CSS = re.compile(r"""(?:url\(|@import)\s*["']?\s*(?:https?:)?//""", re.IGNORECASE)


class _Page(HTMLParser):
    """Collects what a page loads from other origins."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at one element."""
        values = dict(attrs)
        self.found += [f"<{tag} {name}={value}>" for name, value in FETCHING.items() if values.get(name) == value]
        if tag in LINKS or (tag == "link" and NAMING & set((values.get("rel") or "").split())):
            return
        for name in LOADED & values.keys():
            parts = (values[name] or "").split(",")
            self.found += [f"<{tag} {name}={part.strip()}>" for part in parts if ELSEWHERE.match(part)]


def loads_from_elsewhere(site: Path) -> Iterator[str]:
    """Yield each place where a page or a stylesheet of the site loads something from another origin."""
    for path in sorted(site.rglob("*")):
        name = path.relative_to(site)
        if path.suffix == ".html":
            page = _Page()
            page.feed(path.read_text(encoding="utf-8"))
            yield from (f"{name}: {found}" for found in page.found)
        if path.suffix in (".html", ".css") and IN_CSS.search(path.read_text(encoding="utf-8")):
            yield f"{name}: {IN_CSS.search(path.read_text(encoding='utf-8'))}"


def main(site: Path) -> None:
    """Print what is wrong and exit with 1, or print where the site is."""
    found = list(loads_from_elsewhere(site))
    if found or not (site / "index.html").is_file():
        sys.exit("\n".join(["The site loads from elsewhere, or is not there:", *found]))
    print(site / "index.html")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
