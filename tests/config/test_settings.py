"""What the environment says, read once."""

from __future__ import annotations

from pathlib import Path

import pytest

from wan_jupyter.config.settings import Settings, read_settings


def test_nothing_said_is_nothing_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No provider, no key, English; a home in the user's data folder, videos in the working directory."""
    monkeypatch.chdir(tmp_path)
    found = read_settings({})
    assert (found.provider, found.chosen, found.base_url, found.language) == ("", "", "", "en")
    assert (dict(found.defaults), dict(found.keys)) == ({}, {})
    assert found.home.name == "wan_jupyter"
    assert found.home.is_absolute()
    assert found.notebook == tmp_path


def test_everything_may_be_said(tmp_path: Path) -> None:
    """Outer blanks do not count."""
    said = {
        "WAN_HOME": str(tmp_path),
        "WAN_PROVIDER": " dashscope-cn ",
        "WAN_MODEL": "wan2.6-i2v\n",
        "WAN_BASE_URL": " https://example.com/api/v1 ",
        "WAN_LANG": "ko",
        "DASHSCOPE_API_KEY": "sk-one",
        "WAN_API_KEY": "sk-two",
    }
    found = read_settings(said)
    assert (found.home, found.provider, found.chosen) == (tmp_path, "dashscope-cn", "dashscope-cn")
    assert found.defaults == {"model": ("wan2.6-i2v", "WAN_MODEL")}
    assert (found.base_url, found.language) == ("https://example.com/api/v1", "ko")
    revealed = {name: key.reveal() for name, key in found.keys.items()}
    assert revealed == {"DASHSCOPE_API_KEY": "sk-one", "WAN_API_KEY": "sk-two"}


def test_a_blank_key_is_none() -> None:
    """`export DASHSCOPE_API_KEY=` unsets it."""
    assert dict(read_settings({"DASHSCOPE_API_KEY": "  ", "WAN_API_KEY": ""}).keys) == {}


def test_keys_are_not_shown() -> None:
    """Settings are in many a traceback."""
    assert "sk-one" not in repr(read_settings({"DASHSCOPE_API_KEY": "sk-one"}))


def test_a_home_may_begin_with_a_tilde(tmp_path: Path) -> None:
    """And is absolute from then on."""
    assert read_settings({"WAN_HOME": "~/wan"}).home == Path("~/wan").expanduser()
    assert read_settings({"WAN_HOME": "wan"}).home == Path.cwd() / "wan"


def test_videos_go_beside_the_notebook(tmp_path: Path) -> None:
    """As VS Code names it, else as JupyterLab does, if that file exists."""
    here, there = tmp_path / "a" / "one.ipynb", tmp_path / "b" / "two.ipynb"
    for notebook in (here, there):
        notebook.parent.mkdir()
        notebook.touch()
    lab = {"JPY_SESSION_NAME": str(there)}
    assert read_settings(lab, notebook=str(here)).notebook == here.parent
    assert read_settings(lab).notebook == there.parent
    assert read_settings({"JPY_SESSION_NAME": str(tmp_path / "none.ipynb")}).notebook == Path.cwd()
    assert read_settings({}, notebook="vscode-notebook-cell:/x").notebook == Path.cwd()


@pytest.mark.parametrize(("value", "found"), [("50", {"speed": 50.0}), ("fast", {}), ("", {})])
def test_the_emulators_speed_is_a_number_or_left_alone(value: str, found: dict[str, float]) -> None:
    """Nonsense does not stop a class."""
    assert read_settings({"WAN_EMULATOR_SPEED": value}).emulator == found


LAYERS = ("environment", "%config", "project", "user")  # the strongest first


@pytest.mark.parametrize("strongest", range(4), ids=LAYERS)
def test_the_strongest_layer_that_sets_a_name_wins(tmp_path: Path, strongest: int) -> None:
    """And the value's source goes with it."""
    present = LAYERS[strongest:]
    environ = {"WAN_HOME": str(tmp_path), **({"WAN_MODEL": "environment"} if "environment" in present else {})}
    config = {"model": "%config"} if "%config" in present else {}
    if "project" in present:
        (tmp_path / "pyproject.toml").write_text('[tool.wan_jupyter]\nmodel = "project"\n')
    (tmp_path / "settings.toml").write_text('model = "user"\nduration = 5\n')
    notebook = tmp_path / "one.ipynb"
    notebook.touch()
    found = read_settings(environ, str(notebook), config=config)
    sources = ("WAN_MODEL", "%config", str(tmp_path / "pyproject.toml"), str(tmp_path / "settings.toml"))
    assert found.defaults["model"] == (LAYERS[strongest], sources[strongest])
    assert found.defaults["duration"] == (5, sources[-1])


def test_settings_are_frozen(tmp_path: Path) -> None:
    """Handed down, never changed."""
    with pytest.raises(AttributeError):
        Settings(home=tmp_path, notebook=tmp_path).provider = "x"  # type: ignore[misc]
