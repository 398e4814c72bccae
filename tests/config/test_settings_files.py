"""The settings files and their rights: the user's own says where a key goes, a project's never."""

from __future__ import annotations

import re

import pytest

from tests.support.clock import FakeClock
from tests.support.emulator_client import PortEmulator
from tests.support.ipython_shell import LOAD, Shell
from tests.support.processes import ROOT
from tests.support.world import World, picture
from wan_jupyter import Session
from wan_jupyter.config.settings import Settings, read_settings
from wan_jupyter.errors import CredentialsError, SettingsError
from wan_jupyter.media.image.reader import read_image
from wan_jupyter.request.options import VideoRequest

pytest_plugins = ("tests.support.notebook_fixtures",)

SECRET = "sk-distinctive-4e81"
WORK = '[sessions.work]\nprovider = "dashscope-cn"\nbase_url = "https://work.test/api/v1"\nkey_variable = "WORK_KEY"\n'


def said(world: World, text: str, project: str = "", **variables: str) -> Settings:
    """Return the settings of a user's file, a project's, and an environment."""
    world.home.mkdir(exist_ok=True)
    (world.home / "settings.toml").write_text(text, encoding="utf-8")
    if project:
        (world.folder / "pyproject.toml").write_text(f"[tool.wan_jupyter]\n{project}", encoding="utf-8")
    nested = world.folder / "a" / "b"
    nested.mkdir(parents=True, exist_ok=True)
    notebook = nested / "one.ipynb"
    notebook.touch()
    return read_settings({"WAN_HOME": str(world.home), **variables}, notebook=str(notebook))


# ---- whose word counts ---------------------------------------------------------------------------------------------


def test_a_project_comes_before_the_user_and_after_the_environment(world: World) -> None:
    """For what it may say, found upward from the notebook's folder."""
    found = said(world, 'model = "a"\nduration = 5\nembed = "never"', 'model = "b"\nembed = "always"', WAN_LANG="ko")
    assert {name: value for name, (value, _) in found.defaults.items()} == {"model": "b", "duration": 5}
    assert (found.embed, found.language, found.notices) == ("always", "ko", ())


def test_a_project_cannot_take_a_key(
    world: World, port: PortEmulator, monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    """A foreign address in a cloned repository sees no request, and the user is told what was ignored."""
    monkeypatch.setenv("DASHSCOPE_API_KEY", SECRET)
    monkeypatch.setenv("WAN_PROVIDER", "emulator")
    text = f'[tool.wan_jupyter]\nprovider = "videos"\nbase_url = "{port.url}"\nkey_variable = "X"\nduration = 10\n'
    (world.folder / "pyproject.toml").write_text(text)
    monkeypatch.chdir(world.folder)
    found = read_settings()
    warned = Session()
    [warning] = recwarn.list
    for name in ("provider", "base_url", "key_variable"):
        assert name in str(warning.message)
    assert port.url not in str(warning.message)
    session = world.session(None, settings=Settings(**{**fields(found), "emulator": world.settings().emulator}))
    job = session.submit("A cat", image=picture(), model="wan2.5-i2v-preview", resolution="480P")
    job.result(60)
    assert (warned.provider.name, session.provider.name, job.request.duration) == ("emulator", "emulator", 10)
    assert port.requests == []


def fields(found: Settings) -> dict:
    return {name: getattr(found, name) for name in Settings.__dataclass_fields__}


def test_a_named_session_has_its_own_address_and_key(world: World) -> None:
    """Its key comes from its own variable, never from another."""
    found = said(world, WORK, DASHSCOPE_API_KEY="sk-other", WORK_KEY=SECRET)
    session = world.session("work", settings=found)
    assert (session.name, session.provider.name) == ("work", "dashscope-cn")
    assert session.provider.base_url == "https://work.test/api/v1"
    assert session._resources.key is not None
    assert (session._resources.key.source, session._resources.key.reveal()) == ("WORK_KEY", SECRET)
    with pytest.raises(CredentialsError, match="WORK_KEY"):
        world.session("work", settings=said(world, WORK, DASHSCOPE_API_KEY="sk-other"))


def test_the_file_chooses_where_nothing_else_does(world: World) -> None:
    """Argument > WAN_PROVIDER > the file > what key there is."""
    text = f'provider = "work"\n{WORK}'
    keys = {"WORK_KEY": SECRET, "DASHSCOPE_API_KEY": SECRET}
    assert world.session(None, settings=said(world, text, **keys)).name == "work"
    assert world.session("emulator", settings=said(world, text, **keys)).name == "emulator"
    assert world.session(None, settings=said(world, text, **keys, WAN_PROVIDER="emulator")).name == "emulator"


def test_the_environment_may_name_a_session(world: World) -> None:
    """And naming it in code works all the same; an address in the environment is for it, as it is for a provider."""
    found = said(world, WORK, WORK_KEY=SECRET, WAN_PROVIDER="work")
    for name in (None, "work"):
        session = world.session(name, settings=found)
        assert (session.name, session.provider.name) == ("work", "dashscope-cn")
    there = said(world, WORK, WORK_KEY=SECRET, WAN_PROVIDER="work", WAN_BASE_URL="https://other.test/api/v1")
    assert world.session(settings=there, provider=None).provider.base_url == "https://other.test/api/v1"


def test_a_default_yields_to_the_model(world: World) -> None:
    """What a model does not have is left out, and that is said."""
    found = said(world, 'duration = 7\nresolution = "480P"\nnegative_prompt = "blurry"\n')
    session = world.session(settings=found)
    plan = session._plan(
        VideoRequest(prompt="x", filled_prompt="x", model="wan2.2-i2v-flash", first=read_image(picture()))
    )
    assert (plan.request.duration, plan.request.resolution) == (5, "480P")
    assert plan.request.negative_prompt == "blurry"
    assert [(key, how["name"]) for key, how in plan.remarks if "yields" in key] == [
        ("remark.setting_yields", "duration")
    ]


def test_a_default_model_to_serve_oneself_yields_to_a_service(world: World) -> None:
    """A default never is the reason why a cell is refused."""
    session = world.session(settings=said(world, 'model = "served"'))
    plan = session._plan(VideoRequest(prompt="x", filled_prompt="x", first=read_image(picture())))
    assert (plan.model.id, [key for key, _ in plan.remarks]) == ("wan2.6-i2v-flash", ["remark.default_yields"])


def test_outputs_of_a_project_lie_beside_its_file(world: World) -> None:
    """And the user's beside the notebook."""
    assert said(world, 'outputs = "mine"').outputs == world.folder / "a" / "b" / "mine"
    assert said(world, 'outputs = "mine"', 'outputs = "clips"').outputs == world.folder / "clips"


# ---- mistakes ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [
        ("model = wan", 1, "Invalid"),
        ("\nmodel =", 2, "Invalid"),
        ('\n\nduration = "long"', 3, "duration"),
        ("durration = 5", 1, "Did you mean duration"),
        (f'key = "{SECRET}"', 1, "key_variable"),
        ('provider = "nobody"', 1, "provider"),
        ("embed = true", 1, "embed"),
        ("sessions = 1", 1, "sessions"),
        ('[sessions.work]\nprovider = "nobody"', 2, "provider"),
        ('[sessions.work]\nprovider = "videos"', 1, "no default URL"),
        ('[sessions.work]\nprovider = "ope"\nbase_url = "http://far.test"', 3, "unencrypted"),
        (f'[sessions.work]\nprovider = "ope"\nkey_variable = "{SECRET}"', 3, "never the key"),
        ('[sessions.emulator]\nprovider = "ope"', 1, "not a provider's"),
    ],
)
def test_a_mistake_is_named_with_file_and_line(world: World, text: str, line: int, word: str) -> None:
    """And never with what may be a key."""
    with pytest.raises(SettingsError) as caught:
        said(world, text)
    told = str(caught.value)
    assert f"settings.toml, line {line}:" in told
    assert word in told
    assert SECRET not in told


@pytest.mark.parametrize(("text", "wrong"), [('duration = "x"', True), ('[tool.other]\nx = = "wan"', False)])
def test_a_projects_mistake_is_ours_only_in_our_table(world: World, text: str, wrong: bool) -> None:
    """A broken pyproject.toml that does not name us is somebody else's."""
    path = world.folder / "pyproject.toml"
    path.write_text(f"[tool.wan_jupyter]\n{text}" if wrong else text)
    if wrong:
        with pytest.raises(SettingsError, match="line 2"):
            said(world, "")
    else:
        assert said(world, "").defaults == {}


def test_a_file_of_nothing_but_brackets_is_a_mistake(world: World) -> None:
    """A cloned folder must not keep the extension from loading, however deep its lists are."""
    (world.folder / "pyproject.toml").write_text(f"[tool.wan_jupyter]\nmodel = {'[' * 5000}\n")
    with pytest.raises(SettingsError, match="line 2"):
        said(world, "")


def test_a_long_line_is_looked_at_once(world: World) -> None:
    """What begins as a table's name and goes on as blanks: each way to part them was tried."""
    text = f"[tool.wan_jupyter]\noutputs = '''\n[{' ' * 20_000}\n'''\nduration = 'x'\n"
    (world.folder / "pyproject.toml").write_text(text)
    with pytest.raises(SettingsError, match="line 5"):
        said(world, "")


def test_a_file_that_is_no_text_is_said(world: World) -> None:
    """Not a traceback."""
    world.home.mkdir()
    (world.home / "settings.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="UTF-8"):
        read_settings({"WAN_HOME": str(world.home)})


def test_the_file_in_the_documentation_can_be_read(world: World) -> None:
    """As it is printed there."""
    text = (ROOT / "docs" / "how-to" / "settings.md").read_text("utf-8").split("<!-- settings -->")[1]
    found = said(world, re.findall(r"```toml\n(.*?)```", text, re.DOTALL)[0])
    assert (found.chosen, found.sessions["work"].key_variable) == ("work", "WORK_KEY")


# ---- in a notebook -------------------------------------------------------------------------------------------------


def test_sessions_are_listed_and_chosen(bare: Shell, port: PortEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Name, provider, address, where the key is from and jobs; a job keeps the session that it started with."""
    bare.workspace.home.mkdir(exist_ok=True)
    table = f'[sessions.{{}}]\nprovider = "dashscope-cn"\nbase_url = "{port.base_url}"\nkey_variable = "{{}}"\n'
    tables = table.format("work", "WORK_KEY") + table.format("home", "HOME_KEY")
    (bare.workspace.home / "settings.toml").write_text(tables)
    monkeypatch.setenv("WORK_KEY", SECRET)
    clock = FakeClock()  # nobody waits between polls
    monkeypatch.setattr("wan_jupyter.session.resources.RealClock", lambda: clock)
    bare.ok(LOAD)
    clock.hold()
    line = "-m wan2.5-i2v-preview -r 480P"
    bare.ok(f"%%wan cat.png {line} --session work --no-wait -o job\nA cat")
    job = bare.names["job"]
    bare.ok("%wan use emulator")
    listed = bare.ok("%wan sessions").out
    assert re.search(rf"work\s+.*dashscope-cn\s.*127\.0\.0\.1.*WORK_KEY.*{job.id}", listed)
    assert re.search(r"home\s.*key", listed)
    assert re.search(r"emulator\s.*in use", listed)
    assert SECRET not in listed
    clock.release()
    bare.ok(f"%wan wait {job.id}")
    assert (job.info.session, job.provider, job.status.lower()) == ("work", "dashscope-cn", "succeeded")
    assert bare.workspace.rows()[0]["session"] == "work"
    refused = bare.run("%%wan cat.png --session work --provider ope\nA cat")
    assert "--session work and --provider ope" in str(refused.error)


def test_loading_does_not_fail_for_a_file(bare: Shell) -> None:
    """The first cell that needs it says so; once mended, it goes on."""
    bare.workspace.home.mkdir(exist_ok=True)
    file = bare.workspace.home / "settings.toml"
    file.write_text("model =")
    bare.ok(LOAD)
    bare.ok("%%wan --help\n")
    assert "settings.toml, line 1" in str(bare.run("%wan").error)
    assert "FAILED" in bare.ok("%wan doctor").out
    file.unlink()
    bare.ok("%wan")


def test_what_is_ignored_is_said_once(bare: Shell) -> None:
    """One sentence in the notebook."""
    (bare.workspace.folder / "pyproject.toml").write_text('[tool.wan_jupyter]\nbase_url = "https://evil.test"\n')
    bare.ok(LOAD)
    assert bare.ok("%wan").out.count(": ignored ") == 1
    assert "is ignored" not in bare.ok("%wan sessions").out
