"""What type checkers say of the public calls; never run. `test_typing.py` checks it with mypy.

Right use passes. A line of wrong use has a `type: ignore` with its error code, and mypy warns about one that ignores
nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import assert_type

import numpy as np
from PIL import Image

import wan_jupyter
from wan_jupyter import Job, Session, Video, VideoRequest
from wan_jupyter.billing.pricing import Price
from wan_jupyter.catalog.dry_run import DryRun

session = Session("emulator", budget="5 USD/day", outputs=Path("videos"))


async def right(video: Video, picture: Image.Image) -> None:
    """Every form of an image, every option, every result."""
    job = session.submit("A cat looks up", image="cat.png", duration=5, resolution="720P")
    assert_type(job, Job)
    assert_type(await job, Video)
    assert_type(job.result(timeout=600), Video)
    assert_type(session.dry_run("A cat", image="cat.png", model="wan2.6-i2v"), DryRun)
    assert_type(session.price("A cat", image=b"...", duration=10), Price | None)
    assert_type(session.resume(), list[Job])
    assert_type(session.history(5), list[Job])
    assert_type(wan_jupyter.last(), Job)
    request = VideoRequest(prompt="A cat", filled_prompt="A cat")
    assert_type(session.dry_run(request), DryRun)
    assert_type(session.submit(request, new=True, budget=0.5, yes=True), Job)
    for image in (Path("cat.png"), picture, np.zeros((9, 9, 3)), video, job, bytearray(b"..."), None):
        session.submit("A cat", image=image, last_image=image)
    with Path("cat.png").open("rb") as file:
        session.submit("A cat", image=file)
    session.submit("A cat", seed=7, size="1280x720", negative_prompt="blur", audio=False, shot_type="multi")
    session.submit("A cat", prompt_extend=True, watermark=False, template="hug", params={"parameters.fps": 24})
    session.submit("A cat", audio_url="https://a.test/a.mp3", clip_url="https://a.test/a.mp4", params=["a.b=1"])


def wrong() -> None:
    """A wrong type, and a keyword that does not exist, through each call."""
    session.submit("A cat", duration="five")  # type: ignore[arg-type]
    session.submit("A cat", image=5)  # type: ignore[arg-type]
    session.submit("A cat", image=["cat.png"])  # type: ignore[list-item]
    session.submit("A cat", shot_type="singel")  # type: ignore[arg-type]
    session.submit("A cat", watermark="no")  # type: ignore[arg-type]
    session.submit("A cat", durration=5)  # type: ignore[arg-type]
    session.submit(5)  # type: ignore[arg-type]
    session.dry_run("A cat", duration="five")  # type: ignore[arg-type]
    session.dry_run("A cat", durration=5)  # type: ignore[arg-type]
    session.price("A cat", image=5)  # type: ignore[arg-type]
    session.price("A cat", seed="seven")  # type: ignore[arg-type]
