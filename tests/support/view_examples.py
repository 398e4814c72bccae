"""Examples of a video and a job to draw, and a reader of the resulting HTML, for the tests of `rendering`."""

from __future__ import annotations

from html.parser import HTMLParser

from wan_jupyter.rendering import CardView, PlayerView, live_card, video_player
from wan_jupyter.status import Status

POSTER = b"\xff\xd8 a poster \xff\xd9"
NOW = 1_790_000_000.0

PLAYER = PlayerView(
    job_id="k3x9q",
    src="wan_outputs/2026-11-21-k3x9q.mp4",
    poster=POSTER,
    path="wan_outputs/2026-11-21-k3x9q.mp4",
    embedded=False,
    prompt="A cat looks up",
    model="wan2.6-i2v-flash",
    provider="dashscope-intl",
    seed=42,
    resolution="720P",
    size=(1280, 720),
    duration=5.0,
    take=2,
    cost="$0.25",
    emulated=True,
    origin="shown",
    warning="The last frame is damaged.",
    cell="%%wan cat.png\nA cat looks up",
)
CARD = CardView(
    job_id="k3x9q",
    status=Status.RUNNING,
    since=NOW - 75,
    now=NOW,
    prompt="A cat looks up",
    model="wan2.6-i2v-flash",
    provider="dashscope-intl",
    chips=("720P", "5 s", "seed 42"),
    note="The service is slow today.",
    lines=("It failed.", "Run it again."),
    emulated=True,
    thumbnails=(POSTER, POSTER),
    cancel_requested=True,
)


class Page(HTMLParser):
    """A parsed piece of HTML: its elements with their attributes, and its text without styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == [], "every element is closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag != "img":
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self._open:
            self.text += data

    @property
    def shape(self) -> set[tuple[str, ...]]:
        """Every kind of element, with the names of its attributes."""
        return {(tag, *sorted(attributes)) for tag, attributes in self.elements}

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of all elements of a kind."""
        return [attributes for name, attributes in self.elements if name == tag]

    def role(self, role: str) -> dict[str, str | None]:
        """The attributes of the one element with this role."""
        (found,) = (attributes for _, attributes in self.elements if attributes.get("role") == role)
        return found


def shown(view: PlayerView | CardView) -> Page:
    """Return the HTML of a player or of a live card, parsed."""
    return Page(video_player(view)["text/html"] if isinstance(view, PlayerView) else live_card(view))
