"""A program in Alibaba's own SDK, as its pages show it: it works against an address and prints what it got as JSON.

Run by `test_sdks`; a process of its own, because the SDK reads its environment when it is imported.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from typing import Any

import dashscope
from dashscope import VideoSynthesis
from dashscope.aigc.video_synthesis import AioVideoSynthesis

FRAMES = {"model": "wan2.2-kf2v-flash", "prompt": "A cat looks up", "resolution": "480P", "prompt_extend": True}
FIRST = {"model": "wan2.6-i2v-flash", "prompt": "A cat runs", "resolution": "720P", "duration": 2, "audio": True}


def told(answer: Any) -> dict[str, Any]:
    """Keep what counts of an answer."""
    output = answer.output or {}
    kept = {"status_code": answer.status_code, "code": answer.code, "usage": answer.usage and dict(answer.usage)}
    names = ("task_id", "task_status", "video_url", "code", "message")
    return kept | {"output": {name: output.get(name) for name in names}}


def call(first: str, last: str) -> dict[str, Any]:
    """Both frames as files, in one call that waits."""
    return told(VideoSynthesis.call(first_frame_url=first, last_frame_url=last, **FRAMES))


def steps(first: str, _: str) -> list[dict[str, Any]]:
    """Create, look, wait."""
    created = VideoSynthesis.async_call(img_url=first, **FIRST)
    looked = VideoSynthesis.fetch(created)
    return [told(answer) for answer in (created, looked, VideoSynthesis.wait(created))]


def media(first: str, last: str) -> dict[str, Any]:
    """The shape of 2.7, whose files the SDK uploads too."""
    items = [{"type": "first_frame", "url": first}, {"type": "last_frame", "url": last}]
    return told(VideoSynthesis.call(model="wan2.7-i2v", prompt="A cat", media=items, resolution="720P", duration=2))


def cancel(first: str, _: str) -> dict[str, Any]:
    """Create and cancel at once; then list what was canceled."""
    created = VideoSynthesis.async_call(img_url=first, **FIRST)
    canceled = VideoSynthesis.cancel(created)
    after = VideoSynthesis.fetch(created)
    listed = VideoSynthesis.list(page_no=1, page_size=10, status="CANCELED")
    found = [[row["task_id"], row["status"]] for row in listed.output["data"]]
    return {"canceled": canceled.status_code, "after": told(after), "listed": found}


def failing(*_: str) -> dict[str, Any]:
    """A link that leads nowhere."""
    return told(VideoSynthesis.call(img_url="https://example.com/cat.png", **FIRST))


def wrong_key(first: str, _: str) -> dict[str, Any]:
    """A key the service does not know."""
    return told(VideoSynthesis.async_call(img_url="https://example.com/cat.png", api_key="bad-key", **FIRST))


def asynchronous(first: str, last: str) -> dict[str, Any]:
    """The asynchronous half, which adds slashes, arguments and bodies of its own."""

    async def run() -> dict[str, Any]:
        whole = await AioVideoSynthesis.call(first_frame_url=first, last_frame_url=last, **FRAMES)
        created = await AioVideoSynthesis.async_call(img_url=first, **FIRST)
        return {"call": told(whole), "waited": told(await AioVideoSynthesis.wait(created))}

    return asyncio.run(run())


def asynchronous_cancel(first: str, _: str) -> dict[str, Any]:
    """Its cancel and list."""

    async def run() -> dict[str, Any]:
        created = await AioVideoSynthesis.async_call(img_url=first, **FIRST)
        looked = await AioVideoSynthesis.fetch(created)
        canceled = await AioVideoSynthesis.cancel(created)
        listed = await AioVideoSynthesis.list(page_no=1, page_size=10)
        rows = [[row["task_id"], row["status"]] for row in listed.output["data"]]
        return {"looked": told(looked), "canceled": canceled.status_code, "listed": rows}

    return asyncio.run(run())


DEEDS: dict[str, Callable[[str, str], Any]] = {
    deed.__name__: deed for deed in (call, steps, media, cancel, failing, wrong_key, asynchronous, asynchronous_cancel)
}

if __name__ == "__main__":
    address, first_frame, last_frame, *names = sys.argv[1:]
    dashscope.base_http_api_url = f"{address}/api/v1"
    dashscope.api_key = "sk-one"
    print(json.dumps({name: DEEDS[name](first_frame, last_frame) for name in names}))
