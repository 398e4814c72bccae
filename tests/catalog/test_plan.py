"""The gate before anything is sent: what exists, what is filled in, what is refused and how to put it right."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import PIL.Image
import pytest

from tests.support.world import picture
from wan_jupyter.catalog import plan as catalog
from wan_jupyter.catalog import validate
from wan_jupyter.errors import ImageError, ModelError, SettingsError
from wan_jupyter.i18n.messages import tr
from wan_jupyter.media.image.conversion import Bounds
from wan_jupyter.media.image.reader import Image, read_image
from wan_jupyter.protocols import dashscope, openai_videos
from wan_jupyter.request.options import VideoRequest, declared

PROVIDERS = sorted(catalog.providers())
MODELS = sorted(catalog.models())
CAT = read_image(picture())
CLIP = "https://host/clip.mp4?Signature=secret"
OPTIONS = {row.name for row in declared(VideoRequest)}


def ask(**wishes: object) -> VideoRequest:
    return VideoRequest(prompt="A cat", filled_prompt="A cat", **{"first": CAT, **wishes})  # type: ignore[arg-type]


def check(provider: str = "dashscope-intl", **wishes: object) -> catalog.Plan:
    return catalog.check(ask(**wishes), catalog.provider(provider))


def refused(provider: str = "dashscope-intl", **wishes: object) -> str:
    with pytest.raises(ModelError) as caught:
        check(provider, **wishes)
    return str(caught.value)


# ---- rows ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PROVIDERS)
def test_every_providers_default_models_exist_and_have_the_mode(name: str) -> None:
    """A default is never an error."""
    defaults = catalog.providers()[name].defaults
    assert defaults
    assert [mode for mode, model in defaults.items() if mode not in catalog.models()[model].modes] == []


@pytest.mark.parametrize("name", PROVIDERS)
def test_every_provider_can_be_spoken_to(name: str) -> None:
    """Its protocol exists and is spoken at its base URL, over TLS unless it is the emulator."""
    row = catalog.provider(name, None if catalog.providers()[name].base_url else "https://gateway.test/v1")
    assert row.speak().base_url == row.base_url
    assert row.base_url.startswith("https://") or row.emulated
    assert row.base_url.startswith(row.origin)
    assert row.poll[0] <= row.poll[1]


@pytest.mark.parametrize("name", MODELS)
def test_every_model_takes_only_options_that_exist_and_can_be_sent(name: str) -> None:
    """Each field is declared and has its place on the wire; each shape is known."""
    row = catalog.models()[name]
    assert set(row.fields) <= OPTIONS
    own = "self-hosted" in row.regions
    assert set(row.fields) <= set(openai_videos.FIELDS if own else dashscope.FIELDS)
    assert own or row.shape in dashscope.SHAPES
    assert own or row.path.startswith("/services/aigc/")
    assert row.resolutions
    assert row.durations == tuple(sorted(row.durations))


@pytest.mark.parametrize("name", MODELS)
def test_frame_to_frame_models_go_the_other_path(name: str) -> None:
    """`kf2v` models have a path of their own (first-and-last-frame API reference)."""
    row = catalog.models()[name]
    assert ("image2video" in row.path, row.shape == "first_last") == ("kf2v" in name, "kf2v" in name)


@pytest.mark.parametrize("name", MODELS)
def test_every_price_says_when_and_where_it_was_seen(name: str) -> None:
    """A price without a source is a guess."""
    for row in catalog.models()[name].prices:
        assert set(row) >= {"tariff", "resolution", "currency", "per_second", "seen", "source"}
        assert row["resolution"] in catalog.models()[name].resolutions
        assert row["tariff"] in {provider.tariff for provider in catalog.providers().values()}


# ---- what is filled in --------------------------------------------------------------------------------------------


def test_defaults_are_sent_and_not_left_to_the_service() -> None:
    """720P, 5 s, no watermark, prompt rewriting as the service does it."""
    plan = check()
    sent = {"resolution": "720P", "duration": 5, "watermark": False, "prompt_extend": True}
    assert (plan.model.id, dict(plan.order.fields)) == ("wan2.6-i2v-flash", sent)
    assert plan.request.asked() == {"model": "wan2.6-i2v-flash", **sent}


def test_two_pictures_take_the_frame_to_frame_model() -> None:
    """And its fixed duration is not sent, since it has no such parameter."""
    plan = check(last=CAT)
    assert plan.model.id == "wan2.2-kf2v-flash"
    assert dict(plan.order.fields) == {"resolution": "720P", "watermark": False, "prompt_extend": True}
    assert plan.request.duration == 5


def test_a_model_without_720p_takes_its_smallest() -> None:
    """The default yields to what the model can do."""
    assert check(model="wan2.2-i2v-plus").request.resolution == "480P"


def test_what_was_typed_is_sent_as_typed() -> None:
    """No default replaces it."""
    wanted = {"duration": 10, "resolution": "1080P", "watermark": True, "prompt_extend": False, "audio": False}
    assert check(**wanted, seed=7).order.fields == {**wanted, "seed": 7}


def test_negative_prompt_and_params_reach_the_order() -> None:
    """What was set by hand is applied last, by the protocol."""
    plan = check(negative_prompt="blur", params=(("watermark", "true"),))
    assert (plan.order.fields["negative_prompt"], plan.order.params) == ("blur", (("watermark", "true"),))


# ---- what is refused ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wishes", "words"),
    [
        ({"duration": 16}, ("wan2.6-i2v-flash", "16 s", "--duration", "2 to 15")),
        ({"model": "wan2.6-i2v-us", "duration": 6}, ("--duration", "5, 10, 15")),
        ({"model": "wan2.2-kf2v-flash", "last": CAT, "duration": 6}, ("--duration", "5.")),
        ({"resolution": "480P"}, ("480P", "--resolution", "720P, 1080P")),
        ({"model": "wanx2.1-i2v-plus", "resolution": "1080P"}, ("--resolution", "720P")),
        ({"model": "wan2.6-i2v", "audio": True}, ("--audio", "--model wan2.6-i2v-flash")),
        ({"model": "wan2.2-i2v-flash", "shot_type": "multi"}, ("--shot-type", "--model wan2.6-i2v")),
        ({"last": CAT, "audio": True}, ("wan2.2-kf2v-flash", "--audio", "Remove it")),
        ({"model": "wan2.2-kf2v-flash"}, ("first and a last frame", "--model wan2.6-i2v-flash")),
        ({"model": "wan2.6-i2v", "last": CAT}, ("takes one image", "--model wan2.2-kf2v-flash")),
        ({"model": "wan2.6-i2v", "first": None}, ("needs an image", "%%wan cat.png")),
        ({"first": None}, ("No image was given", "%%wan cat.png")),
        ({"first": None, "last": CAT}, ("without a first frame", "first.png last.png")),
        ({"clip_url": CLIP}, ("replaces the first frame", "Remove --clip-url or the image", "- last.png")),
        ({"clip_url": CLIP, "last": CAT}, ("replaces the first frame", "Remove --clip-url or the image")),
        ({"clip_url": CLIP, "first": None, "audio_url": "https://a/b"}, ("--audio-url", "Remove one")),
        ({"clip_url": CLIP, "first": None, "model": "wan2.6-i2v"}, ("continue a clip", "--model wan2.7-i2v")),
        ({"clip_url": CLIP, "first": None, "model": "wan3.0-video"}, ("continue a clip", "--model wan2.7-i2v")),
        (
            {"clip_url": CLIP, "first": None, "last": CAT, "model": "wan2.2-kf2v-flash"},
            ("to a last frame", "--model wan2.7-i2v"),
        ),
        ({"clip_url": CLIP, "first": None, "duration": 16}, ("wan2.7-i2v", "--duration", "2 to 15")),
    ],
    ids=str,
)
def test_what_the_model_cannot_do_is_refused_with_the_fix(wishes: dict[str, object], words: tuple[str, ...]) -> None:
    """The message says what is wrong, the hint what to type."""
    said = refused(**wishes)
    assert [word for word in words if word not in said] == []
    assert len(said.splitlines()) == 2


def test_a_provider_without_a_model_for_two_pictures_says_so() -> None:
    """The second gateway's documents have none."""
    assert "ope has no model for a first and a last frame" in refused("ope", last=CAT)


def test_virginia_has_a_model_for_two_pictures() -> None:
    """No frame-to-frame model, but one that takes a last frame, too (models.json)."""
    assert check("dashscope-us", last=CAT).order.model == "wan2.7-i2v"


@pytest.mark.parametrize("last", [None, CAT])
def test_a_text_model_is_not_said_to_want_more_pictures(last: Image | None) -> None:
    """It wants none."""
    said = refused(model="wan2.6-t2v", last=last)
    assert [word for word in ("text only", "Remove it", "--model wan2.") if word not in said] == []


def test_an_unknown_model_passes_with_a_remark() -> None:
    """Catalogues age: nothing is checked, and the user is told so, with the nearest name."""
    plan = check(model="wan2.6-i2v-flahs", duration=99, resolution="999P")
    ((key, values),) = plan.remarks
    assert (plan.order.model, plan.model.known, key) == ("wan2.6-i2v-flahs", False, "remark.unknown_model")
    assert "wan2.6-i2v-flash" in values["suggestion"]
    assert (plan.order.fields["duration"], plan.order.fields["resolution"]) == (99, "999P")


def test_an_unknown_model_is_sent_every_option_that_was_typed() -> None:
    """Nothing is known against it; left out silently, `--no-audio` would cost money."""
    assert check(model="wan9-i2v", audio=False).order.fields["audio"] is False
    assert check(model="wan9-kf2v", last=CAT, duration=8).order.fields["duration"] == 8


def test_an_unknown_frame_to_frame_model_goes_the_other_path() -> None:
    """Its name tells."""
    plan = check(model="wan9-kf2v-plus", last=CAT)
    assert (plan.order.path, plan.order.shape) == ("/services/aigc/image2video/video-synthesis", "first_last")


def test_a_long_prompt_is_a_remark() -> None:
    """The service cuts it silently; we say so."""
    request = VideoRequest(prompt="x" * 801, filled_prompt="x" * 801, first=CAT, model="wan2.2-i2v-flash")
    ((key, values),) = catalog.check(request, catalog.provider("dashscope-cn")).remarks
    assert (key, values["limit"], values["length"]) == ("remark.long_prompt", "800", "801")


def test_an_address_is_a_picture_too() -> None:
    """Nothing about it is known before the service fetches it."""
    plan = check(first=Image("a.png", url="https://example.com/a.png"))
    assert plan.request.mode == "first"


def test_shot_type_without_rewriting_is_refused() -> None:
    """It acts only there; the default, which rewrites, is fine."""
    assert "--no-prompt-extend" in refused(shot_type="multi", prompt_extend=False)
    assert check(shot_type="multi").order.fields["shot_type"] == "multi"


def test_no_sound_on_a_silent_model_is_what_it_does_anyway() -> None:
    """Nothing is refused and nothing is sent."""
    assert "audio" not in check(model="wan2.2-i2v-flash", audio=False).order.fields


def test_a_size_is_refused_where_the_picture_gives_the_shape() -> None:
    """With what to type instead."""
    for name in ("dashscope-intl", "ssanai"):
        with pytest.raises(ModelError) as caught:
            check(name, size="1280x720")
        assert caught.value.key == "model.size"
        assert "--resolution" in str(caught.value)


def test_the_model_may_choose_the_length_where_it_can() -> None:
    """-1 is Wan 3.0's alone."""
    assert check(model="wan3.0-video", duration=-1).order.fields["duration"] == -1
    assert "--duration" in refused(duration=-1)


@pytest.mark.parametrize(
    ("wishes", "keys"),
    [
        ({"model": "wanx2.1-i2v-plus", "template": "melt"}, {"remark.template_prompt", "remark.not_offered"}),
        ({"model": "wan2.1-i2v-plus", "template": "mellt"}, {"remark.template_prompt", "remark.unknown_template"}),
        ({"model": "wan2.1-kf2v-plus", "template": "hanfu-1"}, {"remark.template_prompt"}),
        ({"negative_prompt": "x" * 501}, {"remark.long_negative"}),
        ({"model": "wan2.6-i2v-us"}, {"remark.not_offered"}),
    ],
    ids=["not offered, with a template", "unknown template", "template with a prompt", "long negative", "not offered"],
)
def test_what_is_sent_all_the_same_is_remarked_upon(wishes: dict[str, object], keys: set[str]) -> None:
    """The service decides; the user knows."""
    plan = check(**wishes)
    assert {key for key, _ in plan.remarks} == keys
    assert all(tr(key, **values) for key, values in plan.remarks)


def test_a_template_is_for_the_models_that_have_it() -> None:
    """Named in the hint."""
    assert "--model w" in refused(template="hug")


def test_virginia_makes_three_lengths() -> None:
    """The same model, another region (models.json)."""
    assert "5, 10, 15" in refused("dashscope-us", model="wan2.6-i2v", duration=6)
    assert check("dashscope-cn", model="wan2.6-i2v", duration=6).request.duration == 6


# ---- pictures -----------------------------------------------------------------------------------------------------


def shaped(width: int, height: int, **more: object) -> Image:
    return Image("cat.png", "d", "image/png", width, height, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("model", "image", "key"),
    [
        ("wan2.2-i2v-flash", shaped(359, 500), "picture.sides"),
        ("wan2.2-i2v-flash", shaped(359, 4000), "picture.sides"),
        ("wan2.2-i2v-flash", shaped(400, 3000), "picture.sides"),  # scaled to 2000 it would be too narrow
        ("wan2.7-i2v", shaped(239, 239), "picture.sides"),
        ("wan2.7-i2v", shaped(300, 2401), "picture.aspect"),
        ("wan3.0-video", shaped(2401, 300), "picture.aspect"),
    ],
    ids=str,
)
def test_a_picture_out_of_bounds_is_refused_before_it_is_sent(model: str, image: Image, key: str) -> None:
    """By its header; the message says what fits."""
    with pytest.raises(ImageError) as caught:
        check(model=model, first=image)
    assert caught.value.key == key
    assert len(str(caught.value).splitlines()) == 2


@pytest.mark.parametrize("size", [(240, 1920), (8000, 1000), (240, 240), (360, 2000)])
def test_a_picture_at_the_bounds_passes(size: tuple[int, int]) -> None:
    """The bounds belong to what is allowed."""
    assert check(model="wan2.7-i2v", first=shaped(*size)).remarks == ()


def test_bounds_that_are_only_told_are_a_remark() -> None:
    """For 2.5 and 2.6 the service decides."""
    assert [key for key, _ in check(first=shaped(300, 300)).remarks] == ["remark.picture_sides"]


def test_nothing_is_held_against_an_address() -> None:
    """Its picture is not known."""
    assert check(model="wan2.7-i2v", first=Image("a.png", url="https://a/b.png")).remarks == ()


@pytest.mark.parametrize(
    "image",
    [
        shaped(500, 2001),
        shaped(9000, 3000),
        shaped(500, 500, weight=90_000_000),
        Image("cat.gif", "d", "image/gif", 500, 500),
    ],
    ids=str,
)
@pytest.mark.parametrize("model", ["wan2.2-i2v-flash", "wan2.6-i2v-flash", "wan2.7-i2v"])
def test_what_can_be_repaired_passes(model: str, image: Image) -> None:
    """Large sides, weight and format are repaired on the way to the service; nothing is said here."""
    assert check(model=model, first=image).remarks == ()


@pytest.mark.parametrize(
    ("model", "bounds"),
    [("wan2.2-i2v-flash", Bounds(2000, 360, 10_000_000, alpha=False)),
     ("wan2.6-i2v-flash", Bounds(2000, 360, 10_000_000, alpha=False)),
     ("wan2.7-i2v", Bounds(8000, 240, 20_000_000, alpha=False)),
     ("wan9-i2v", Bounds())],
)  # fmt: skip
def test_the_order_says_what_the_model_takes(model: str, bounds: Bounds) -> None:
    """From the model's row; where nothing is known, what every service takes. A resumed job is repaired alike."""
    assert check(model=model).order.bounds == bounds
    assert catalog.plan_of(ask(model=model), catalog.provider("dashscope-intl")).order.bounds == bounds


@pytest.mark.parametrize(("orientation", "size"), [(1, "1280x720"), (3, "1280x720"), (6, "720x1280")])
def test_a_turned_photograph_is_upright(orientation: int, size: str) -> None:
    """The shape of the video is that of the picture as it is seen."""
    exif, sink = PIL.Image.Exif(), io.BytesIO()
    exif[0x0112] = orientation
    PIL.Image.new("RGB", (600, 400)).save(sink, "JPEG", exif=exif.tobytes())
    assert check("ope", first=read_image(sink.getvalue())).order.fields["size"] == size


def test_frames_by_address_only_are_refused_as_files() -> None:
    """The seed of the first gateway says so; the hint says what to do. Addresses pass."""
    with pytest.raises(ImageError) as caught:
        check("ssanai", last=CAT)
    assert caught.value.key == "picture.link_only"
    assert "https://" in str(caught.value)
    with pytest.raises(ImageError):  # with a template one frame is enough, and goes by the same name
        check("ssanai", model="wan2.1-kf2v-plus", template="hanfu-1")
    link = Image("a.png", url="https://example.com/a.png")
    assert check("ssanai", first=link, last=link).order.mode == "first_last"


def test_a_file_where_the_documents_name_only_links_is_a_remark() -> None:
    """Not said to be refused; DashScope itself has storage for it."""
    assert "remark.link_safer" in dict(check("ope").remarks)
    assert check("dashscope-intl", model="wan2.7-i2v").order.inline_max == 0
    assert check("dashscope-intl").order.inline_max > 0


# ---- gateways and servers -----------------------------------------------------------------------------------------


def test_what_a_gateway_drops_is_said() -> None:
    """In one remark; what the service does by itself is not among it."""
    said = dict(check("ssanai", seed=0, shot_type="multi").remarks)["remark.not_carried"]
    assert said == {"provider": "ssanai", "values": "seed=0, watermark=false, shot_type=multi"}


def test_a_secret_is_not_said() -> None:
    """Addresses and long texts go by their names."""
    said = dict(check("ope", audio_url="https://a/b.mp3?sig=secret", negative_prompt="blur").remarks)
    assert said["remark.not_carried"]["values"] == "negative_prompt, audio_url, watermark=false"


@pytest.mark.parametrize("name", ["dashscope-intl", "dashscope-cn", "dashscope-us", "emulator"])
@pytest.mark.parametrize(("last", "mode"), [(None, "clip"), (CAT, "clip_last")])
def test_a_clip_goes_to_the_model_that_takes_one(name: str, last: Image | None, mode: str) -> None:
    """Without a model typed; and what the length means is said."""
    plan = check(name, first=None, last=last, clip_url=CLIP, duration=10)
    assert (plan.model.id, plan.order.mode) == ("wan2.7-i2v", mode)
    assert plan.order.fields["clip_url"] == CLIP
    assert dict(plan.remarks)["remark.clip_total"] == {"seconds": "10"}


@pytest.mark.parametrize("name", ["ssanai", "ope", "video-generations", "videos", "videos-new-api", "openai-videos"])
@pytest.mark.parametrize("model", [None, "wan2.7-i2v", "wan2.6-i2v", "wan9"])
def test_a_service_that_would_lose_the_clip_is_not_asked(name: str, model: str | None) -> None:
    """What it would make is not what was asked for; the hint names a service that can."""
    where = catalog.provider(name, "https://gateway.test/v1")
    with pytest.raises(ModelError) as caught:
        catalog.check(ask(first=None, clip_url=CLIP, model=model), where)
    assert caught.value.key == "mode.none_clip"
    assert "--provider dashscope-intl" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_gateway_refuses_a_blank_prompt_and_so_do_we() -> None:
    """Before anything is sent."""
    with pytest.raises(ModelError) as caught:
        catalog.check(VideoRequest(first=CAT), catalog.provider("ssanai"))
    assert caught.value.key == "provider.needs_prompt"


def test_a_provider_without_an_address_needs_one() -> None:
    """No address is guessed."""
    with pytest.raises(SettingsError) as caught:
        catalog.provider("openai-videos")
    assert "base_url=" in str(caught.value)


def test_a_providers_own_documents_come_first() -> None:
    """Ssanai's sound switch and lengths; what its documents do not name is asked for all the same."""
    assert check("ssanai", model="wan2.5-i2v-preview", audio=True).order.fields["audio"] is True
    assert "5, 10, 15" in refused("ssanai", duration=6)
    assert "remark.not_offered" in dict(check("ssanai", model="wan2.2-i2v-flash").remarks)


@pytest.mark.parametrize(
    ("wishes", "resolution", "size"),
    [
        ({}, "720P", "1280x720"),
        ({"resolution": "1080P"}, "1080P", "1920x1080"),
        ({"size": "1920x1080"}, "1080P", "1920x1080"),
        ({"size": "700x1200"}, "720P", "700x1200"),
        ({"first": shaped(500, 900)}, "720P", "720x1280"),
    ],
    ids=str,
)
def test_a_tier_becomes_a_size_where_one_is_wanted(wishes: dict[str, object], resolution: str, size: str) -> None:
    """And a size that was typed tells the tier."""
    plan = check("ope", **wishes)
    assert (plan.request.resolution, plan.order.fields["size"]) == (resolution, size)
    assert "resolution" not in plan.order.fields


def test_a_job_under_way_is_not_refused_any_more() -> None:
    """Rules may have come since it was made."""
    made = catalog.plan_of(ask(duration=99, model="wan2.6-i2v"), catalog.provider("dashscope-intl"))
    assert dict(made.order.fields) == {"duration": 99}


@pytest.mark.parametrize(
    ("name", "shape", "modes"),
    [
        ("wan2.7-i2v-2027", "media", ("first", "first_last", "clip", "clip_last")),
        ("wan3.5-video", "media", ("first", "first_last", "last", "text")),
        ("wan9-t2v", "img_url", ("text",)),
        ("wan2.2-ti2v-5b", "img_url", ("first", "text")),
        ("wan2.2-i2v-diffusers", "img_url", ("first",)),
    ],
)
def test_an_unknown_model_is_taken_for_its_kin(name: str, shape: str, modes: tuple[str, ...]) -> None:
    """By its name; of a service's models none is one to serve yourself."""
    for protocol in ("dashscope", "video-generations", "videos"):
        row = catalog.model(name, protocol)
        assert (row.shape, row.modes, row.known) == (shape, modes, False)


@pytest.mark.parametrize(
    ("name", "modes"),
    [
        ("Wan-AI/Wan3-I2V-Diffusers", ("first", "text")),
        ("Wan-AI/Wan3-T2V-Diffusers", ("text",)),
        ("my-wan", ("first", "text")),
    ],
)
def test_a_server_of_ones_own_serves_any_name(name: str, modes: tuple[str, ...]) -> None:
    """Its pictures go as files, whatever the name looks like."""
    row = catalog.model(name, "openai-videos")
    assert (row.shape, row.modes, row.known) == ("file", modes, False)


@pytest.mark.parametrize("where", ["dashscope-intl", "dashscope-cn", "dashscope-us", "emulator"])
@pytest.mark.parametrize("name", ["wan2.2-ti2v-5b", "my/wan-diffusers"])
def test_an_unknown_model_with_an_open_ones_name_can_be_sent(where: str, name: str) -> None:
    """With the usual warning, and a body that DashScope knows."""
    plan = check(where, model=name)
    assert [key for key, _ in plan.remarks] == ["remark.unknown_model"]
    assert dashscope.body_of(replace(plan.order, frames={"first": "https://a/b.png"}))["input"]["img_url"]


@pytest.mark.parametrize(
    "name", ["wan2.6-t2v", "wan2.5-t2v-preview", "wan2.2-t2v-plus", "wanx2.1-t2v-turbo", "wan2.6-t2v-us"]
)
@pytest.mark.parametrize(
    ("wishes", "size"),
    [({}, "1280*720"), ({"resolution": "1080P"}, "1920*1080"), ({"size": "720x1280"}, "720*1280")],
    ids=str,
)
@pytest.mark.parametrize("where", ["dashscope-intl", "emulator", "videos-new-api"])
def test_a_text_model_up_to_26_is_told_width_and_height(
    where: str, name: str, wishes: dict[str, object], size: str
) -> None:
    """It reads no tier: left out, it would make its own size, which may be the dearest."""
    provider = catalog.provider(where, None if catalog.providers()[where].base_url else "https://gateway.test/v1")
    plan = catalog.check(ask(first=None, model=name, **wishes), provider)
    body = provider.speak().submit(plan.order)
    sent = json.loads(next(body).content)
    parameters = sent.get("metadata", sent)["parameters"]
    assert (parameters["size"], "resolution" in parameters) == (size, False)
    assert plan.request.size == wishes.get("size")  # so that the same cell is the same request as ever


@pytest.mark.parametrize("name", ["wan2.7-t2v", "wan3.0-t2v", "wan9-t2v"])
def test_a_newer_text_model_is_told_a_tier(name: str) -> None:
    """From 2.7 on."""
    fields = check(first=None, model=name).order.fields
    assert (fields["resolution"], "size" in fields) == ("720P", False)


@pytest.mark.parametrize("where", ["dashscope-intl", "emulator", "ssanai", "ope", "videos", "videos-new-api"])
@pytest.mark.parametrize("name", ["served", "Wan-AI/Wan2.2-I2V-A14B-Diffusers"])
def test_a_model_to_serve_yourself_is_refused_elsewhere(where: str, name: str) -> None:
    """A service has none of that name; the hint says where it can be had."""
    provider = catalog.provider(where, None if catalog.providers()[where].base_url else "https://gateway.test/v1")
    with pytest.raises(ModelError) as caught:
        catalog.check(ask(model=name), provider)
    assert caught.value.key == "model.self_hosted"
    assert [word for word in (name, where, "--provider openai-videos") if word not in str(caught.value)] == []


# ---- providers ----------------------------------------------------------------------------------------------------


def test_an_unknown_provider_is_refused_with_the_nearest() -> None:
    """And with all that are known."""
    with pytest.raises(SettingsError) as caught:
        catalog.provider("dashscop-intl")
    assert "Did you mean dashscope-intl?" in str(caught.value)
    assert "emulator" in str(caught.value)


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("dashscope-intl.aliyuncs.com/api/v1", "provider.bad_url"),
        ("ftp://example.com", "provider.bad_url"),
        ("https://", "provider.bad_url"),
        ("http://example.com/api/v1", "provider.plain_http"),
        ("http://127.0.0.1.example.com/", "provider.plain_http"),
        ("http://127.example.com/", "provider.plain_http"),
        ("https://user:sk-secret@example.com/", "provider.url_with_key"),
        ("https://example.com:99999/", "provider.bad_url"),
        ("https://[::1/", "provider.bad_url"),
    ],
)
def test_an_address_that_would_give_the_key_away_is_refused(url: str, key: str) -> None:
    """Only https, but on this machine; and never a key in an address."""
    with pytest.raises(SettingsError) as caught:
        catalog.provider("dashscope-intl", url)
    assert caught.value.key == key
    assert "sk-secret" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8000/v1/", "http://localhost/v1/", "http://[::1]:1/v1/", "https://a/v1/"]
)
def test_an_address_may_be_given(url: str) -> None:
    """A slash at its end does not matter."""
    assert catalog.provider("dashscope-intl", url).base_url == url.rstrip("/")


@pytest.mark.parametrize(("numbers", "words"), [((2, 3, 4), "2 to 4"), ((5, 10), "5, 10"), ((5,), "5"), ((), "")])
def test_numbers_are_said_as_people_say_them(numbers: tuple[int, ...], words: str) -> None:
    """ "2 to 15", or one by one."""
    assert validate.spans(numbers) == words
