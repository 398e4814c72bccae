"""What a client process of the stress tests is to have made, as a file that outlives its kills."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from zlib import crc32

COLORS = ("teal", "navy", "olive", "maroon", "indigo", "sienna")


@dataclass(frozen=True)
class Orders:
    """Name the provider, where its service is, and one prompt for each video.

    Attributes:
        home: the client's WAN_HOME is `home/wan`.
        options: of every request, by field name.
        at_once: how many jobs are under way together.
        shared: whether the client is told that others use its key, too.
        twin: tells apart two clients that share a home.
        since: the epoch second at which the scenario began; its time runs faster from there on.
    """

    provider: str
    base_url: str
    home: str
    outputs: str
    prompts: tuple[str, ...]
    options: Mapping[str, Any] = field(default_factory=dict)
    since: float = 0.0
    at_once: int = 24
    twin: str = ""
    shared: bool = False

    @classmethod
    def read(cls, path: Path) -> Orders:
        """Read what `write` wrote."""
        kept = json.loads(path.read_text("utf-8"))
        return cls(**kept | {"prompts": tuple(kept["prompts"])})

    def write(self) -> Path:
        """Write the orders into the client's home and return the file."""
        path = Path(self.home) / f"orders{self.twin}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self)), "utf-8")
        return path


def color_of(prompt: str) -> str:
    """Return the colour of a prompt's picture: several pictures, so that a mix-up of videos shows."""
    return COLORS[crc32(prompt.encode()) % len(COLORS)]


def prompts(count: int) -> tuple[str, ...]:
    """Return different prompts."""
    return tuple(f"Clip {number}: a cat looks up" for number in range(count))
