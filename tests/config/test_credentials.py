"""Which provider, which key: option, session, variables and settings, in this order."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

import pytest

from tests.support.world import World
from wan_jupyter.catalog.plan import Provider, provider, providers
from wan_jupyter.config.credentials import find_key, has_key
from wan_jupyter.config.settings import Settings, read_settings
from wan_jupyter.errors import CredentialsError, SettingsError
from wan_jupyter.security.api_key import Key
from wan_jupyter.session.session import Session

ONE, TWO = "sk-one-distinctive", "sk-two-distinctive"
KEYS = {"DASHSCOPE_API_KEY": ONE, "WAN_API_KEY": TWO}
INTL, CN = "dashscope-intl", "dashscope-cn"
URL = "https://workspace.example.com/api/v1"

OTHER = Provider(
    name="videos", title="", protocol="dashscope", base_url="https://videos.test/v1", key="optional", tariff="",
    poll=(1.0, 1.0), defaults={},
)  # fmt: skip


@pytest.fixture(autouse=True)
def _no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)


def settings(world: World, **said: str) -> Settings:
    return read_settings({"WAN_HOME": str(world.home), **said})


def opened(world: World, name: str | None = None, said: dict[str, str] | None = None, **how: Any) -> Session:
    return world.session(name, settings=settings(world, **(said or {})), **how)


def write_key_file(text: str) -> None:
    folder = Path("~/.dashscope").expanduser()
    folder.mkdir(parents=True)
    (folder / "api_key").write_text(text)


# ---- which provider -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "said", "how", "chosen"),
    [
        (None, {}, {}, "emulator"),
        (None, {"DASHSCOPE_API_KEY": ONE}, {}, INTL),
        (None, {"WAN_API_KEY": TWO}, {}, "emulator"),
        (None, {}, {"key": ONE}, INTL),
        (None, {"WAN_PROVIDER": "emulator", "DASHSCOPE_API_KEY": ONE}, {}, "emulator"),
        (None, {"WAN_PROVIDER": CN, "DASHSCOPE_API_KEY": ONE}, {}, CN),
        (None, {"WAN_PROVIDER": CN, "WAN_API_KEY": TWO}, {}, CN),
        (CN, {"WAN_PROVIDER": "emulator", "DASHSCOPE_API_KEY": ONE}, {}, CN),
        ("emulator", {"DASHSCOPE_API_KEY": ONE}, {}, "emulator"),
        ("emulator", {"WAN_PROVIDER": INTL}, {}, "emulator"),
    ],
    ids=str,
)
def test_the_provider_is_chosen(
    world: World, name: str | None, said: dict[str, str], how: dict[str, str], chosen: str
) -> None:
    """Argument, then `WAN_PROVIDER`, then `dashscope-intl` if there is a key for it, then the emulator."""
    assert opened(world, name, said, **how).provider.name == chosen


@pytest.mark.parametrize(
    ("name", "said", "how", "address"),
    [
        (INTL, {"DASHSCOPE_API_KEY": ONE}, {"base_url": URL}, URL),
        (None, {"WAN_PROVIDER": INTL, "WAN_BASE_URL": URL, "DASHSCOPE_API_KEY": ONE}, {}, URL),
        (INTL, {"WAN_PROVIDER": INTL, "WAN_BASE_URL": URL, "DASHSCOPE_API_KEY": ONE}, {}, URL),
        (CN, {"WAN_PROVIDER": INTL, "WAN_BASE_URL": URL, "DASHSCOPE_API_KEY": ONE}, {}, provider(CN).base_url),
        ("emulator", {"WAN_PROVIDER": INTL, "WAN_BASE_URL": URL}, {}, provider("emulator").base_url),
    ],
    ids=str,
)
def test_an_address_is_for_the_provider_it_was_given_with(
    world: World, name: str | None, said: dict[str, str], how: dict[str, str], address: str
) -> None:
    """`WAN_BASE_URL` belongs to the provider of `WAN_PROVIDER` and to no other."""
    assert opened(world, name, said, **how).provider.base_url == address


@pytest.mark.parametrize(
    ("said", "how"),
    [({"WAN_BASE_URL": URL}, {}), ({"WAN_BASE_URL": URL, "DASHSCOPE_API_KEY": ONE}, {}), ({}, {"base_url": URL})],
    ids=str,
)
def test_an_address_without_a_provider_is_an_error(world: World, said: dict[str, str], how: dict[str, str]) -> None:
    """Whose key would go there?"""
    with pytest.raises(SettingsError) as caught:
        opened(world, None, said, **how)
    assert (caught.value.key, "WAN_PROVIDER" in caught.value.hint()) == ("provider.url_without_name", True)


def test_the_environments_address_is_for_a_provider_that_has_none(world: World) -> None:
    """Named in code, it can mean nothing else; a provider with an address of its own is never led elsewhere by it."""
    session = opened(world, "openai-videos", {"WAN_BASE_URL": "http://127.0.0.1:8091"})
    assert session.provider.base_url == "http://127.0.0.1:8091"
    with pytest.raises(SettingsError, match="no provider"):
        opened(world, INTL, {"WAN_BASE_URL": URL, "DASHSCOPE_API_KEY": ONE})


@pytest.mark.parametrize(("name", "said"), [(INTL, {}), (None, {"WAN_PROVIDER": INTL}), (CN, {"WAN_API_KEY": TWO})])
def test_a_named_provider_without_its_key_is_an_error(world: World, name: str | None, said: dict[str, str]) -> None:
    """Never a silent fake: the variable is named, and the way to go on without a key."""
    with pytest.raises(CredentialsError) as caught:
        opened(world, name, said)
    assert "DASHSCOPE_API_KEY" in caught.value.hint()
    assert "%wan use emulator" in caught.value.hint()


def test_an_unknown_provider_in_the_environment_is_an_error(world: World) -> None:
    """Not the emulator in its place."""
    with pytest.raises(SettingsError, match="dashscope-intl"):
        opened(world, None, {"WAN_PROVIDER": "dashscop-intl"})


# ---- which key ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "said", "found"),
    [
        (provider(INTL), KEYS, ONE),
        (provider(INTL), {**KEYS, "WAN_PROVIDER": INTL}, ONE),
        (provider(INTL), {"WAN_API_KEY": TWO, "WAN_PROVIDER": INTL}, TWO),
        (provider("emulator"), KEYS, "emulated"),
        (OTHER, KEYS, TWO),
        (OTHER, {**KEYS, "WAN_PROVIDER": "videos"}, TWO),
        (OTHER, {**KEYS, "WAN_PROVIDER": INTL}, None),
        (OTHER, {"DASHSCOPE_API_KEY": ONE}, None),
        (OTHER, {}, None),
    ],
    ids=str,
)
def test_a_key_is_for_whom_it_was_meant(world: World, row: Provider, said: dict[str, str], found: str | None) -> None:
    """DashScope's for DashScope; `WAN_API_KEY` for whom `WAN_PROVIDER` names, else the one that is named in code."""
    key = find_key(row, settings(world, **said))
    assert (key.reveal() if key else None) == found


def test_the_nearest_source_is_taken(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Explicit, environment, the vendor's file, keyring."""
    keyring = types.SimpleNamespace(get_password=lambda service, name: f"sk-{service}-{name}")
    monkeypatch.setitem(sys.modules, "keyring", keyring)
    row = provider(INTL)
    assert _source(row, settings(world)) == ("keyring", "sk-wan_jupyter-dashscope-intl")
    write_key_file(" sk-file\n")
    assert _source(row, settings(world)) == ("~/.dashscope/api_key", "sk-file")
    assert _source(row, settings(world, **KEYS)) == ("DASHSCOPE_API_KEY", ONE)
    assert _source(row, settings(world, **KEYS), "sk-given") == ("the session's key argument", "sk-given")


def _source(row: Provider, found: Settings, explicit: str | None = None) -> tuple[str, str]:
    key = find_key(row, found, explicit)
    assert key
    return key.source, key.reveal()


def test_a_key_file_makes_dashscope_the_default(world: World) -> None:
    """It is how the vendor's own SDK keeps a key."""
    write_key_file("sk-file")
    session = opened(world)
    assert (session.provider.name, session._resources.key and session._resources.key.source) == (
        INTL,
        "~/.dashscope/api_key",
    )


@pytest.mark.parametrize("text", ["", "  \n"])
def test_an_empty_key_file_is_none(world: World, text: str) -> None:
    """Then it is the emulator."""
    write_key_file(text)
    assert opened(world).provider.name == "emulator"


def test_a_keyring_that_fails_is_only_a_source_less(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a desktop it raises many things."""

    def broken(*_: str) -> str:
        raise RuntimeError("no backend")

    monkeypatch.setitem(sys.modules, "keyring", types.SimpleNamespace(get_password=broken))
    assert not has_key(provider(INTL), settings(world))


def test_the_keyring_is_not_asked_if_a_key_was_found(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may pop up a window."""
    asked: list[str] = []
    ring = types.SimpleNamespace(get_password=lambda _, name: asked.append(name))
    monkeypatch.setitem(sys.modules, "keyring", ring)
    opened(world, None, KEYS)
    opened(world, "emulator")
    assert asked == []


@pytest.mark.parametrize("name", [name for name, row in providers().items() if row.key == "required"])
@pytest.mark.parametrize("used", ["", "emulator", "ope", "dashscope-cn"])
def test_a_missing_key_is_said_wherever_it_may_come_from(world: World, name: str, used: str) -> None:
    """Also where another provider is in use, to which WAN_API_KEY belongs."""
    with pytest.raises(CredentialsError) as caught:
        find_key(providers()[name], settings(world, WAN_PROVIDER=used))
    assert (caught.value.key, f"%wan login {name}" in str(caught.value), "_KEY" in str(caught.value)) == (
        "key.missing", True, True,
    )  # fmt: skip


@pytest.mark.parametrize("text", ["sk-a b", "sk-a\nEvil: yes", "sk-ключ", "sk-\x00", "sk-a\tb"])
def test_a_key_that_cannot_be_a_header_is_refused(world: World, text: str) -> None:
    """Before it could break out of the header; and it is not shown."""
    with pytest.raises(CredentialsError) as caught:
        find_key(provider(INTL), settings(world), text)
    assert (caught.value.key, text in str(caught.value)) == ("key.unusable", False)


def test_a_key_object_is_taken_as_it_is(world: World) -> None:
    """Sessions may share one."""
    key = Key(ONE, "elsewhere")
    assert find_key(provider(INTL), settings(world), key) is key


def test_a_session_does_not_show_its_key(world: World) -> None:
    """Nor does anything it holds."""
    session = opened(world, INTL, KEYS)
    assert "DASHSCOPE_API_KEY" in repr(session)
    assert not [name for name, value in vars(session).items() if ONE in repr(value)]
