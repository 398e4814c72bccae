"""A program in OpenAI's own SDK: it makes a video on a server of one's own and prints what it got as JSON.

Run by `test_sdks`, in a process of its own.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openai

ASKED = {"prompt": "A cat looks up", "size": "320x192", "extra_body": {"fps": 16, "num_frames": 17}}


def whole(client: openai.OpenAI, picture: Path) -> dict[str, Any]:
    """Create, poll, download, list and delete one video."""
    created = client.videos.create(input_reference=picture, **ASKED)
    looked = client.videos.retrieve(created.id)
    polled = client.videos.poll(created.id, poll_interval_ms=50)
    clip = picture.with_suffix(".mp4")
    client.videos.download_content(created.id).write_to_file(clip)
    listed = [video.id for video in client.videos.list(limit=10)]
    deleted = client.videos.delete(created.id)
    left = [video.id for video in client.videos.list()]
    return {
        "created": created.to_dict(),
        "looked": looked.to_dict(),
        "polled": polled.to_dict(),
        "clip": str(clip),
        "listed": listed,
        "deleted": deleted.to_dict(),
        "left": left,
    }


def pages(client: openai.OpenAI, picture: Path) -> dict[str, Any]:
    """List more jobs than fit on a page."""
    made = [client.videos.create(input_reference=picture, **ASKED).id for _ in range(3)]
    return {"made": made, "listed": [video.id for video in client.videos.list(limit=2)]}


def together(client: openai.OpenAI, picture: Path) -> dict[str, Any]:
    """Create and poll in one call."""
    made = client.videos.create_and_poll(input_reference=picture, poll_interval_ms=50, **ASKED)
    return made.to_dict()


def problems(client: openai.OpenAI, picture: Path) -> dict[str, Any]:
    """Ask for what is refused."""
    deeds = {
        "model": lambda: client.videos.create(model="sora-2", input_reference=picture, **ASKED),
        "unknown": lambda: client.videos.retrieve("video_gen_" + 32 * "0"),
        "early": lambda: client.videos.download_content(
            client.videos.create(input_reference=picture, **ASKED).id,
        ),
    }
    return {name: _problem(deed) for name, deed in deeds.items()}


def failing(client: openai.OpenAI, picture: Path) -> Any:
    """Poll a job that fails, which this SDK meets as an error of the server."""
    made = client.videos.create(prompt="no picture")
    return _problem(lambda: client.videos.poll(made.id, poll_interval_ms=50))


def _problem(deed: Callable[[], Any]) -> Any:
    try:
        return f"no problem: {deed()}"
    except openai.APIStatusError as problem:
        return [type(problem).__name__, problem.status_code, problem.body]


DEEDS: dict[str, Callable[[openai.OpenAI, Path], Any]] = {
    deed.__name__: deed for deed in (whole, pages, together, problems, failing)
}

if __name__ == "__main__":
    address, file, *names = sys.argv[1:]
    client = openai.OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0)
    print(json.dumps({name: DEEDS[name](client, Path(file)) for name in names}))
