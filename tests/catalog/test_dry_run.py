"""What a dry run shows is what is sent: pictures made fit, uploads as uploads, and no address with its secrets."""

from __future__ import annotations

import hashlib
import io
import json
from typing import Any

import PIL.Image
import pytest

from tests.support.clock import PATIENCE
from tests.support.emulator_client import PortEmulator
from tests.support.world import World, picture
from wan_jupyter.catalog import plan
from wan_jupyter.catalog.dry_run import DryRun
from wan_jupyter.errors import ImageError
from wan_jupyter.media.image.conversion import convert_to_fit
from wan_jupyter.media.image.reader import Image, read_image
from wan_jupyter.notebook.display.dry_run import dry_text
from wan_jupyter.request.options import VideoRequest
from wan_jupyter.session.session import Session

LINKS_ONLY = "wan2.7-i2v"
SIGNED = "https://user:pass%40word@host.test/cat.png?Signature=secret#secret"


def dry(world: World, model: str | None = None, provider: str = "dashscope-intl", **wishes: Any) -> DryRun:
    session = world.session(provider, key="sk-test")
    return session.dry_run(
        VideoRequest(filled_prompt="A cat", **{"first": read_image(picture()), "model": model, **wishes})
    )


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:12]


def turned() -> bytes:
    """Make a photograph that its camera marked as turned."""
    exif, sink = PIL.Image.Exif(), io.BytesIO()
    exif[0x0112] = 6
    PIL.Image.new("RGB", (600, 400), "teal").save(sink, "JPEG", exif=exif.tobytes())
    return sink.getvalue()


def test_a_model_that_takes_links_gets_an_upload(world: World) -> None:
    """The link's stand-in, the header that has it resolved, and a line on where the picture goes before."""
    shown = dry(world, LINKS_ONLY, first=read_image(picture(), label="cat.png"))
    (item,) = shown.request.body["input"]["media"]
    weight = f"{len(picture()) / 1e3:.1f} kB"
    assert item["url"] == f"oss://<upload of PNG, {weight}, sha256 {digest(picture())}…>"
    assert shown.request.headers["x-dashscope-ossresourceresolve"] == "enable"
    assert "x-dashscope-ossresourceresolve: enable" in shown.request.curl
    text = dry_text(shown)
    assert "cat.png is uploaded to the service's temporary storage first" in text
    assert "data:" not in text


@pytest.mark.parametrize(("heavy", "stored"), [(False, False), (True, True)])
def test_a_picture_too_large_for_the_body_is_an_upload(world: World, heavy: bool, stored: bool) -> None:
    """The protocol decides by the weight that is sent."""
    source = picture() if not heavy else noise(7_000_000)
    shown = dry(world, "wan2.6-i2v-flash", first=read_image(source))
    link = shown.request.body["input"]["img_url"]
    assert link.startswith("oss://<upload of BMP, 7.0 MB, " if stored else "<data:image/png, ")
    assert ("x-dashscope-ossresourceresolve" in shown.request.headers) is stored
    assert ("remark.uploads_first" in dict(shown.plan.remarks)) is stored


def noise(weight: int) -> bytes:
    """Make a picture of at least this weight: one that is not packed."""
    sink = io.BytesIO()
    PIL.Image.new("RGB", (1540, weight // (3 * 1540) + 10)).save(sink, "BMP")
    return sink.getvalue()


def test_each_of_two_uploads_is_said(world: World) -> None:
    """By name; an address is neither uploaded nor said."""
    both = dry(world, LINKS_ONLY, first=read_image(picture(), label="a"), last=read_image(picture("navy"), label="b"))
    said = [values["label"] for key, values in both.plan.remarks if key == "remark.uploads_first"]
    assert said == ["a", "b"]
    one = dry(world, LINKS_ONLY, first=Image("a", url="https://a/b.png"))
    assert "x-dashscope-ossresourceresolve" not in one.request.headers
    assert "remark.uploads_first" not in dict(one.plan.remarks)


def test_a_gateway_has_no_storage_to_show(world: World) -> None:
    """There it goes into the body, as it will."""
    shown = dry(world, provider="ope")
    assert "oss://" not in json.dumps(shown.request.body)
    assert "remark.uploads_first" not in dict(shown.plan.remarks)


def test_a_picture_is_shown_as_it_is_sent(world: World) -> None:
    """Turned upright first: other bytes, which is said."""
    source = turned()
    shown = dry(world, first=read_image(source, label="cat.jpg"))
    bounds = plan.limits("retold")
    sent = convert_to_fit(source, shown.plan.order.bounds, "cat.jpg").data
    assert bounds.formats
    assert digest(sent) in shown.request.body["input"]["img_url"]
    assert digest(source) not in shown.request.body["input"]["img_url"]
    assert dict(shown.plan.remarks)["remark.repaired_rotation"]["label"] == "cat.jpg"


def test_an_object_is_shown_as_the_file_it_becomes(world: World) -> None:
    """With a weight and the digest of its bytes, not of its pixels."""
    source = read_image(PIL.Image.open(io.BytesIO(picture())))
    shown = dry(world, first=source)
    assert digest(source.encoded()) in shown.request.body["input"]["img_url"]
    assert "0.0 kB" not in shown.request.body["input"]["img_url"]


def test_half_a_picture_is_found_before_anything_is_ordered(world: World) -> None:
    """As it would be on the way."""
    with pytest.raises(ImageError) as caught:
        dry(world, first=read_image(picture(size=(900, 900))[:-200]))
    assert caught.value.key == "image.truncated"


@pytest.mark.parametrize(
    ("model", "wishes"),
    [
        (None, {"first": Image("cat.png", url=SIGNED)}),
        (LINKS_ONLY, {"first": Image("cat.png", url=SIGNED), "audio_url": SIGNED}),
        ("wan2.6-i2v-flash", {"audio_url": SIGNED}),
        (LINKS_ONLY, {"first": None, "clip_url": SIGNED}),
        (LINKS_ONLY, {"first": None, "last": Image("cat.png", url=SIGNED), "clip_url": SIGNED}),
    ],
    ids=["picture", "picture and sound", "sound", "clip", "clip to a last frame"],
)
def test_an_address_is_shown_without_its_secrets(world: World, model: str | None, wishes: dict[str, Any]) -> None:
    """No query, no fragment, no name and password; of pictures, sound and clip."""
    shown = dry(world, model, **wishes)
    said = f"{shown.request} {dry_text(shown)}"
    assert "https://host.test/cat.png" in said
    assert [word for word in ("secret", "user", "pass%40word") if word in said] == []


def test_a_dry_run_is_what_the_service_receives(world: World, port: PortEmulator) -> None:
    """Body for body, but for the stand-ins: the seed that is drawn, and the name of the upload."""
    session: Session = world.session("dashscope-intl", base_url=port.base_url, key="sk-test")
    wishes: dict[str, Any] = {"model": LINKS_ONLY, "duration": 2, "seed": 7}
    shown = session.dry_run(VideoRequest(prompt="A cat", filled_prompt="A cat", first=read_image(picture()), **wishes))
    session.submit("A cat", image=picture(), **wishes).result(PATIENCE)
    got = port.tasks[0]["request"]
    (was,), (is_,) = shown.request.body["input"].pop("media"), got["input"].pop("media")
    assert was["url"].startswith("oss://<upload of PNG")
    assert (is_["type"], is_["url"][:6]) == (was["type"], "oss://")
    assert got == shown.request.body


@pytest.mark.parametrize("last", [False, True], ids=["clip", "clip to a last frame"])
def test_a_video_goes_on_from_a_clip(world: World, last: bool) -> None:
    """From Python: the clip by its whole address, the last frame uploaded, the whole length billed."""
    how = {"last_image": picture("navy")} if last else {}
    session = world.session()
    job = session.submit("And on", clip_url="https://host.test/clip.mp4?Signature=secret", duration=4, **how)
    assert job.result(PATIENCE).path.is_file()
    (task,) = world.emulator().tasks
    kinds = {item["type"]: item["url"] for item in task["request"]["input"]["media"]}
    assert list(kinds) == ["first_clip", *(["last_frame"] if last else [])]
    assert kinds["first_clip"] == "https://host.test/clip.mp4?Signature=secret"
    assert kinds.get("last_frame", "oss://").startswith("oss://")
    assert (task["model"], task["billed_seconds"]) == (LINKS_ONLY, 4)
    assert dict(job.remarks)["remark.clip_total"] == {"seconds": "4"}
    again = session.submit("And on", clip_url="https://host.test/clip.mp4?Signature=other", duration=4, **how)
    assert again.id == job.id
