"""Every door builds its request with one function, which lets no API key through."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.ipython_shell import SMALL as SMALL_LINE
from tests.support.ipython_shell import Shell
from tests.support.secret_scanner import leaks, of_key
from tests.support.world import SMALL, World, picture
from wan_jupyter.config.settings import Settings
from wan_jupyter.errors import CredentialsError, OptionError, PromptError
from wan_jupyter.media.image.reader import read_image
from wan_jupyter.request.build import build_request
from wan_jupyter.request.options import VideoRequest
from wan_jupyter.security.api_key import Key
from wan_jupyter.workflows.composer_draft import Draft, Frame, cell_of, outlook, request_of

pytest_plugins = ("tests.support.notebook_fixtures",)

SHAPED = "sk-4f0c81d2b7a9463e95d0c3f2a1b8e764"  # looks like a key
KNOWN = "simple-words-of-a-school"  # is one, because the environment has it
BOTH = pytest.mark.parametrize("secret", [SHAPED, KNOWN], ids=["looks like a key", "is in the environment"])

# Where a key may hide in a request, by what is asked.
HIDING_PLACES: dict[str, Callable[[str], dict[str, Any]]] = {
    "prompt": lambda key: {"prompt": f"A cat named {key}"},
    "negative prompt": lambda key: {"negative_prompt": f"no {key}"},
    "model": lambda key: {"model": key},
    "resolution": lambda key: {"resolution": key},
    "template": lambda key: {"template": key},
    "parameter": lambda key: {"params": {"parameters.note": key}},
    "nested parameter": lambda key: {"params": {"parameters.note": {"deep": [1, {"er": key}]}}},
    "parameter as typed": lambda key: {"params": [f"parameters.note={key}"]},
    "parameter's path": lambda key: {"params": {key: 1}},
    "sound's user": lambda key: {"audio_url": f"https://{key}@store.test/a.mp3"},
    "sound's password": lambda key: {"audio_url": f"https://me:{key}@store.test/a.mp3"},
    "sound's password, encoded": lambda key: {"audio_url": f"https://me:{key.replace('-', '%2D')}@store.test/a.mp3"},
    "clip's query": lambda key: {"clip_url": f"https://store.test/a.mp4?token={key}"},
    "image's address": lambda key: {"image": f"https://store.test/{key}/a.png"},
    "image's path": lambda key: {"image": Path(f"{key}.png")},
    "last image's address": lambda key: {"last_image": f"https://me:{key}@store.test/a.png"},
}
EVERYWHERE = pytest.mark.parametrize("hide", HIDING_PLACES.values(), ids=HIDING_PLACES)


def settings_of(world: World) -> Settings:
    return world.settings(keys={"DASHSCOPE_API_KEY": Key(KNOWN, "DASHSCOPE_API_KEY")})


def nothing_happened(world: World, secret: str) -> None:
    """Nothing was sent, and no file below the world's folder has any eight characters of the key."""
    assert world.emulator().requests == []
    assert leaks(world.folder, [of_key(secret)]) == []


# ---- through every door -------------------------------------------------------------------------------------------


@BOTH
@EVERYWHERE
def test_python_refuses_a_key(world: World, secret: str, hide: Callable[[str], dict[str, Any]]) -> None:
    """Before anything is sent or written, in whatever part of the request; the error does not repeat it."""
    session = world.session(settings=settings_of(world))
    for call in (session.submit, session.dry_run, session.price):
        with pytest.raises(CredentialsError) as caught:
            call(**{"prompt": "A cat", "image": picture(), **SMALL, **hide(secret)})
        assert caught.value.key == "key.in_request"
        assert secret not in f"{caught.value} {caught.value!r}"
    nothing_happened(world, secret)


@BOTH
def test_python_refuses_a_key_in_a_request_built_by_hand(world: World, secret: str) -> None:
    """`VideoRequest` is public, so a request need not come from the function that checks."""
    session = world.session(settings=settings_of(world))
    request = VideoRequest(prompt=f"A {secret}", filled_prompt=f"A {secret}", first=read_image(picture()), **SMALL)
    for call in (session.submit, session._submit, session.dry_run, session.price):
        with pytest.raises(CredentialsError):
            call(request)
    nothing_happened(world, secret)


@BOTH
def test_a_key_in_a_default_setting_is_refused(world: World, secret: str) -> None:
    """A default completes the request, and is sent and saved with it."""
    settings = settings_of(world)
    default = {"negative_prompt": (f"no {secret}", "settings.toml")}
    session = world.session(settings=world.settings(keys=settings.keys, defaults=default))
    with pytest.raises(CredentialsError):
        session.submit("A cat", image=picture(), model="wan2.2-i2v-flash", resolution="480P")
    nothing_happened(world, secret)


@BOTH
@pytest.mark.parametrize(
    "draft",
    [
        Draft(prompt="A cat named {{ secret }}"),
        Draft(prompt="A cat", asked={"negative_prompt": "no {{ secret }}"}),
        Draft(prompt="A cat named SECRET"),
        Draft(prompt="A cat", asked={"negative_prompt": "no SECRET"}),
        Draft(prompt="A cat", asked={"audio_url": "https://me:SECRET@store.test/a.mp3"}),
    ],
    ids=["filled prompt", "filled negative prompt", "prompt", "negative prompt", "address"],
)
def test_the_composer_refuses_a_key(world: World, secret: str, draft: Draft) -> None:
    """What its price line says beforehand, and what the button does."""
    session = world.session(settings=settings_of(world))
    asked = {name: value.replace("SECRET", secret) for name, value in draft.asked.items()}
    frame = Frame("cat.png", read_image(picture()))
    typed = Draft(prompt=draft.prompt.replace("SECRET", secret), first=frame, asked={**SMALL, **asked})
    problem = outlook(typed, session, {"secret": secret}).problem
    assert isinstance(problem, CredentialsError)
    assert secret not in str(problem)
    with pytest.raises(CredentialsError):
        session._submit(request_of(typed, {"secret": secret}, session._known_keys))
    with pytest.raises(CredentialsError):  # also if the keys were not handed over
        session._submit(request_of(typed, {"secret": secret}, [Key(SHAPED[:-1] + "x", "another")]))
    nothing_happened(world, secret)


@BOTH
def test_the_composer_shows_no_cell_with_a_key(world: World, secret: str) -> None:
    """Its text would be kept in the notebook."""
    session = world.session(settings=settings_of(world))
    for draft in (Draft(prompt=f"A {secret}"), Draft(prompt="A cat", asked={"negative_prompt": f"no {secret}"})):
        with pytest.raises(CredentialsError) as caught:
            cell_of(draft, {}, keys=session._known_keys)
        assert secret not in str(caught.value)


@BOTH
@pytest.mark.parametrize(
    "line",
    ["$picture -n $words", "cat.png -n '{{ words }}'", "cat.png -p $pair", "cat.png --audio-url $sound", "$link"],
)
def test_a_cell_refuses_a_key_that_a_variable_brings(
    shell: Shell, secret: str, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the prompt, an option, or an image's address; IPython forgets the cells that hold it."""
    monkeypatch.setenv("DASHSCOPE_API_KEY", KNOWN)
    link = f"https://me:{secret}@store.test/a.mp3"
    shell.names.update(words=secret, pair=f"parameters.note={secret}", sound=link, link=link, picture="cat.png")
    ran = shell.run(f"%%wan {line} {SMALL_LINE}\nA cat")
    assert isinstance(ran.error, CredentialsError)
    assert ran.error.key == "key.typed"
    assert secret not in ran.out + ran.err
    assert shell.workspace.rows() == shell.workspace.tasks() == []
    assert leaks(shell.workspace.home, [of_key(secret)]) == []


@pytest.mark.parametrize("path", ["authorization", "headers.Authorization", "api_key", "x-api-key", "a.access_token"])
def test_a_parameter_that_is_named_as_a_key_is_one(path: str) -> None:
    """As on a cell's line: whatever its value looks like."""
    for params in ({path: "hunter2"}, [f"{path}=hunter2"], f"{path}=hunter2", ((path, "hunter2"),)):
        with pytest.raises(CredentialsError) as caught:
            build_request("A cat", options={"params": params})
        assert "hunter2" not in str(caught.value)


# ---- no false alarm -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        {"prompt": "An sk-2026-spring-collection of dresses by risk-averse Bearer of the Ring"},
        {"prompt": "She is the key, sk-eyes emulated; 50% of https://x.test/%E9%AB%98"},
        {"params": {"parameters.key_frames": 3, "input.max_tokens": 5, "cookie_jar": "full"}},
        {"audio_url": "https://bucket.s3.test/a.mp3?X-Amz-Signature=0f3a9bE7aa1F&X-Amz-Credential=AKIA%2F20261201"},
        {"clip_url": "https://me:word@store.test/task-0a1B2c3D4e5F6a7B8c9D.mp4"},
    ],
    ids=["prompt", "prompt with an address", "parameters", "signed link", "user and password"],
)
def test_ordinary_words_are_no_key(options: dict[str, Any]) -> None:
    """Even with keys at hand, one of them a placeholder such as local servers use."""
    prompt = options.pop("prompt", "A cat")
    keys = [Key(KNOWN, "a test"), Key("EMPTY", "a test"), Key("local", "a test")]
    assert build_request(prompt, images=[picture()], options=options, keys=keys).filled_prompt == prompt


def test_the_bytes_of_an_image_are_not_read_as_text() -> None:
    """A data URI is as long as its image, and its letters are as random as a key's."""
    import base64

    uri = "data:image/png;base64," + base64.b64encode(picture()).decode()
    request = build_request("A cat", images=[uri, None])
    assert request.first is not None
    assert request.first.label == "data:image/png"


# ---- what is built ------------------------------------------------------------------------------------------------


def test_python_takes_text_as_it_is() -> None:
    """`{{ }}` and `$name` are the magic's and the composer's; outer blanks are not sent."""
    request = build_request(" A {{ cat }} for $5 \r\n", images=[picture()])
    assert (request.prompt, request.filled_prompt) == (" A {{ cat }} for $5 \r\n", "A {{ cat }} for $5")


def test_an_image_that_was_read_stays_as_it_was() -> None:
    """The composer read it when it was chosen."""
    image = read_image(picture(), label="chosen")
    assert build_request("", images=[None, image]).last is image
    assert build_request("", images=[picture()], labels=["$cat"]).frames[0][1].label == "$cat"


@pytest.mark.parametrize("prompt", ["", " \n"])
def test_neither_prompt_nor_image_is_no_request(prompt: str) -> None:
    """A clip is one, and so is a last frame alone."""
    with pytest.raises(PromptError):
        build_request(prompt, images=[None, None])
    assert build_request(prompt, options={"clip_url": "https://store.test/a.mp4"}).mode == "clip"
    assert build_request(prompt, images=[None, picture()]).mode == "last"


def test_an_unknown_option_is_named_with_the_one_that_is_meant() -> None:
    """As Python's own errors do."""
    with pytest.raises(OptionError, match="duration"):
        build_request("A cat", options={"durration": 5})
