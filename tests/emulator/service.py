"""What the tests of the emulator share: a clock, pictures, and a client that calls the app in process."""

from __future__ import annotations

import asyncio
import base64
import io
from typing import Any

import httpx
from PIL import Image

from wan_jupyter.emulator import create_app

GENERAL = "/api/v1/services/aigc/video-generation/video-synthesis"
FRAMES = "/api/v1/services/aigc/image2video/video-synthesis"
START = 1765328779.25  # 2025-12-10 09:06:19.250 in China


def picture(size=(320, 180), color="teal", kind="PNG", **options) -> bytes:
    """Make the bytes of a picture with a lighter middle."""
    image = Image.new("RGB", size, color)
    image.paste("white", (size[0] // 3, size[1] // 3, size[0] // 2, size[1] // 2))
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def data_uri(data: bytes, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


class Service:
    """Call one app at times we choose; every call runs a loop of its own, as separate clients would."""

    def __init__(self, folder, *, clip_seconds=0.2, **options) -> None:
        self.time = START
        self.app = create_app(folder, clip_seconds=clip_seconds, now=lambda: self.time, **options)

    def call(self, method: str, path: str, *, key: str | None = "sk-one", headers=None, **body) -> httpx.Response:
        async def once() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://emulator.test") as client:
                return await client.request(method, path, headers=own | (headers or {}), **body)

        own = {} if key is None else {"Authorization": f"Bearer {key}"}
        return asyncio.run(once())

    def create(self, body: dict[str, Any], path: str = GENERAL, **options) -> httpx.Response:
        headers = {"X-DashScope-Async": "enable"}
        return self.call("POST", path, json=body, headers=headers, **options)

    def first_frame(self, *, model="wan2.5-i2v-preview", prompt="A cat", image=None, **parameters) -> str:
        """Create a task and return its id; the smallest size unless told otherwise."""
        uri = image if isinstance(image, str) else data_uri(image or picture())
        inputs = {"img_url": uri, "prompt": prompt}
        body = {"model": model, "input": inputs, "parameters": {"resolution": "480P"} | parameters}
        return self.create(body).json()["output"]["task_id"]

    def both_frames(self, first: bytes, last: bytes, *, model="wan2.2-kf2v-flash", **parameters) -> str:
        inputs = {"first_frame_url": data_uri(first), "last_frame_url": data_uri(last), "prompt": "A cat"}
        body = {"model": model, "input": inputs, "parameters": {"resolution": "480P"} | parameters}
        return self.create(body, FRAMES).json()["output"]["task_id"]

    def poll(self, task_id: str, **options) -> dict[str, Any]:
        return self.call("GET", f"/api/v1/tasks/{task_id}", **options).json()

    def status(self, task_id: str, **options) -> str:
        return self.poll(task_id, **options)["output"]["task_status"]

    def after(self, seconds: float, task_id: str) -> dict[str, Any]:
        """Let time pass, then poll."""
        self.time += seconds
        return self.poll(task_id)["output"]

    def finished(self, task_id: str) -> str:
        """Let the task end and return its result link."""
        return self.after(7, task_id)["video_url"]

    def clip(self, task_id: str) -> bytes:
        return self.call("GET", self.finished(task_id), key=None).content

    def faults(self, *faults: dict[str, Any]) -> list[dict[str, Any]]:
        return self.call("POST", "/_emulator/faults", key=None, json=list(faults)).json()

    def ledger(self) -> dict[str, Any]:
        return self.call("GET", "/_emulator/ledger", key=None).json()
