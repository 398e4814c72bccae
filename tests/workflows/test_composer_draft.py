"""What the composer knows: a draft as a request, as a cell's text, with its price; and what there is to choose."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.support.ipython_shell import Shell
from tests.support.world import World, picture
from wan_jupyter.catalog import plan as catalog
from wan_jupyter.errors import ImageError, JobError, ModelError, OptionError, PromptError
from wan_jupyter.media.image.reader import read_image
from wan_jupyter.request.command_line import read_line
from wan_jupyter.request.options import VideoRequest
from wan_jupyter.request.templates import fill, normal
from wan_jupyter.storage.notebook_inputs import fit_name, keep_beside
from wan_jupyter.workflows.composer_draft import (
    OPTIONS,
    Draft,
    Frame,
    as_now,
    cell_of,
    frame_named,
    frame_uploaded,
    outlook,
    request_of,
    value_typed,
)
from wan_jupyter.workflows.composer_options import ASKED, fitted, offer

pytest_plugins = ("tests.support.notebook_fixtures",)

CAT = picture()
NAMES: dict[str, Any] = {"season": "autumn", "cat": CAT, "night": picture("navy")}
TRICKY = st.text(st.sampled_from(list("ab \t\"'-$#{}=\\\n\u3000猫🐈%;,.")), max_size=24)
ANY = st.one_of(st.text(max_size=40), TRICKY)


def read_back(text: str) -> VideoRequest:
    """Read a cell's text as the magic does: the line's words, the filled body; every picture is the same one."""
    head, _, body = text.partition("\n")
    assert len(head.splitlines()) == 1, "IPython would end the line earlier"
    typed = read_line(head.removeprefix("%%wan"), NAMES)
    named = zip(("first", "last"), typed.image_labels, strict=False)
    frames: dict[str, Any] = {role: read_image(CAT, label=label) for role, label in named if label != "-"}
    asked = dict(typed.asked)
    if "negative_prompt" in asked:
        asked["negative_prompt"] = fill(asked["negative_prompt"], NAMES)
    return VideoRequest(prompt=normal(body), filled_prompt=normal(fill(body, NAMES)), **frames, **asked)


def chosen(word: str) -> Frame:
    """A picture of a name, as if there were such a file."""
    return Frame(word, read_image(CAT, label=word))


WORDS = st.one_of(ANY, st.sampled_from(["cat.png", "my cat.png", "it's.png", "$cat", "-x.png", "#1.png", "猫.png"]))
FRAMES = st.none() | WORDS.filter(lambda word: word.strip() and word != "-").map(chosen)
VALUES = st.fixed_dictionaries(
    {},
    optional={
        "model": st.sampled_from([row.id for row in catalog.models().values()]),
        "duration": st.sampled_from([-1, 5, 10]),
        "resolution": st.sampled_from(["480P", "720P"]),
        "seed": st.integers(0, 2147483647),
        "negative_prompt": ANY.filter(str.strip).map(lambda text: " ".join(text.split())).filter(bool),
        "audio": st.booleans(),
        "audio_url": st.sampled_from(["https://example.com/a.mp3?x=1&y='2'", "https://example.com/ä b.mp3"]),
        "prompt_extend": st.booleans(),
        "watermark": st.booleans(),
        "shot_type": st.sampled_from(["single", "multi"]),
        "template": st.sampled_from(["hug", "hanfu-1"]),
    },
)
DRAFTS = st.builds(Draft, prompt=ANY, first=FRAMES, last=FRAMES, asked=VALUES)


@given(DRAFTS)
@example(Draft(prompt='A {{ season }} cat, {{"a": 1}} \'so\' "on"\n%%wan --seed 5', first=chosen("it's mine.png")))
@example(Draft(prompt="{{ season", first=chosen("cat.png")))
@example(Draft(first=chosen("$cat"), last=chosen("$night"), asked={"negative_prompt": '--no "blur"'}))
@example(Draft(last=chosen("a\u2028b.png")))
def test_the_cell_asks_for_the_same(draft: Draft) -> None:
    """Whatever a draft holds: its cell is the same request, or it is said that a line cannot hold it."""
    try:
        meant = request_of(draft, NAMES)
    except PromptError:  # nothing to send: no cell is looked at
        return
    try:
        text = cell_of(draft, NAMES)
    except OptionError:  # its sentences: test_what_a_line_cannot_write_is_refused
        return
    except PromptError:  # a `$name` that is none
        return
    assert read_back(text) == meant


@given(ANY, VALUES.map(lambda asked: {**asked, "negative_prompt": "blur"}))
def test_every_prompt_can_be_a_cell(prompt: str, asked: dict[str, Any]) -> None:
    """The body holds any text; only a line has words that it cannot write."""
    cell_of(Draft(prompt=prompt, first=chosen("cat.png"), asked=asked), NAMES)


@pytest.mark.parametrize(
    "text",
    ["ugly", "ugly, blurry", "it's ugly", 'a "soft" look', "猫 が いない", "--no", "-5", "# no", "a=b", "50 %", "'"],
)
def test_ordinary_texts_can_be_in_a_line(text: str) -> None:
    """One kind of quotes, blanks, dashes, any language."""
    draft = Draft(first=chosen("cat.png"), asked={"negative_prompt": text})
    assert read_back(cell_of(draft, NAMES)).negative_prompt == text


@pytest.mark.parametrize("text", ["say \"a\" and 'b' now", "$cat"])
def test_what_a_line_cannot_write_is_refused(text: str) -> None:
    """The grammar has no escapes, and `$name` is looked up whatever stands around it."""
    with pytest.raises(OptionError) as caught:
        cell_of(Draft(first=chosen("cat.png"), asked={"negative_prompt": text}), NAMES)
    assert "--negative" in caught.value.message()
    assert "quotes" in caught.value.hint()


def test_a_picture_that_a_line_cannot_write_is_refused() -> None:
    """Both kinds of quotes, each before a blank."""
    with pytest.raises(OptionError, match="written in a cell"):
        cell_of(Draft(first=chosen("a\" b' c.png")), NAMES)


def test_the_cell_says_what_was_chosen_and_no_more() -> None:
    """What is usual is not written, so that the cell stays short."""
    draft = Draft(prompt="A cat", first=chosen("my cat.png"), asked={"duration": 10, "audio": False, "seed": 7})
    assert cell_of(draft, NAMES) == '%%wan "my cat.png" --duration 10 --seed 7 --no-audio\nA cat'
    assert cell_of(Draft(first=chosen("cat.png")), NAMES) == "%%wan cat.png"
    assert cell_of(Draft(last=chosen("cat.png"), new=True), NAMES, "work") == "%%wan - cat.png --session work --new"


def test_the_cell_runs_in_a_shell(shell: Shell) -> None:
    """Through IPython's own reading of a cell: the journal has the draft's request."""
    prompt = "  A cat: {{ 1 }} {\"a\"} '''猫''' %wan \\n\n\n  second line  \n"
    asked = {"model": "wan2.5-i2v-preview", "resolution": "480P", "negative_prompt": "it's no blur", "watermark": True}
    (shell.workspace.folder / "my cat's.png").write_bytes(CAT)
    draft = Draft(prompt=prompt, first=frame_named("my cat's.png", {}), asked=asked)
    shell.ok(cell_of(draft, {}))
    [kept] = shell.workspace.requests()
    meant = request_of(draft, {})
    assert (kept["filled_prompt"], kept["frames"]["first"]["label"]) == (meant.filled_prompt, "my cat's.png")
    assert {name: kept[name] for name in asked} == asked


def test_form_and_cell_are_the_same_request(world: World) -> None:
    """The cell of a draft that was ordered makes no second job."""
    session = world.session()
    draft = Draft(prompt="A cat", first=frame_uploaded("up.png", CAT), asked={"model": "wan2.2-i2v-flash"})
    job = session._submit(request_of(draft, {}))
    job.result(60)
    (world.folder / "up.png").write_bytes(CAT)
    kept = keep_beside(world.folder, "up.png", CAT, "image/png")
    typed = replace(draft, first=frame_named(str(kept), {}))
    assert session._submit(request_of(typed, {})).id == job.id


# ---- price and problems -------------------------------------------------------------------------------------------


def test_the_outlook_is_a_price_or_a_problem(world: World) -> None:
    """The emulator is free; what is wrong is the error that the cell would end with."""
    session = world.session()
    draft = Draft(prompt="A cat", first=frame_uploaded("cat.png", CAT))
    seen = outlook(draft, session, {})
    assert (seen.problem, seen.model) == (None, "wan2.6-i2v-flash")
    assert seen.price is not None
    assert seen.price.amount == 0.0
    wrong = outlook(replace(draft, asked={"duration": 99}), session, {})
    assert isinstance(wrong.problem, ModelError)
    unknown = outlook(replace(draft, prompt="A {{ wolf }}"), session, {})
    assert isinstance(unknown.problem, PromptError)
    assert isinstance(outlook(Draft(prompt="A cat"), session, {}).problem, ModelError)


def test_the_price_follows_what_is_chosen(world: World) -> None:
    """Seconds and sound count; where no row states a price it is unknown."""
    session = world.session("dashscope-intl", key="sk-test")
    draft = Draft(prompt="A cat", first=frame_uploaded("cat.png", CAT))

    def price(**asked: Any) -> float | None:
        seen = outlook(replace(draft, asked=asked), session, {}).price
        return None if seen is None else seen.amount

    assert price() == pytest.approx(0.25)
    assert price(duration=10) == pytest.approx(0.5)
    assert price(audio=False) == pytest.approx(0.125)
    assert price(resolution="1080P") is None


# ---- what there is to choose --------------------------------------------------------------------------------------

PROVIDERS = [name for name, row in catalog.providers().items() if row.base_url]


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("roles", [(), ("first",), ("first", "last")], ids=["none", "first", "both"])
def test_every_value_that_is_offered_is_taken(provider: str, roles: tuple[str, ...], world: World) -> None:
    """Each model, and each value of each control, passes the gate: the form never offers what is refused."""
    session = world.session(provider, key=None if provider == "emulator" else "sk-test")
    address = read_image("https://example.com/cat.png")
    frames: dict[str, Any] = {role: Frame("https://example.com/cat.png", address) for role in roles}
    start = Draft(prompt="A cat", **frames)
    for _, model in offer(start, session).models:
        draft = replace(start, asked={"model": model} if model else {})
        there = offer(draft, session)
        if draft.mode == "text" and there.model and "text" not in there.model.modes:
            continue  # offered before the picture that it needs
        for control in there.controls:
            for _, value in control.choices:
                asked = {**draft.asked, **({control.name: value} if value is not None else {})}
                assert outlook(replace(draft, asked=asked), session, {}).problem is None


def test_models_are_those_that_take_the_pictures(world: World) -> None:
    """One picture, two pictures; nobody's own server on a cloud."""
    session = world.session()
    cat = frame_uploaded("cat.png", CAT)
    one = {name for _, name in offer(Draft(first=cat), session).models}
    two = {name for _, name in offer(Draft(first=cat, last=cat), session).models}
    assert "wan2.6-i2v" in one - two
    assert "wan2.7-i2v" in one & two
    assert "wan2.1-kf2v-plus" in two - one
    assert "served" not in one | two
    first, *_ = offer(Draft(first=cat), session).models
    assert first[1] is None
    assert "wan2.6-i2v-flash" in first[0]


def test_controls_are_those_of_the_models_row(world: World) -> None:
    """A switch for sound where the model has one, effects where it knows some; one value alone is no choice."""
    session = world.session()

    def names(model: str) -> set[str]:
        draft = Draft(first=frame_uploaded("cat.png", CAT), asked={"model": model})
        return {control.name for control in offer(draft, session).controls}

    assert {"audio", "shot_type", "duration"} <= names("wan2.6-i2v-flash")
    assert names("wan2.2-i2v-flash") & {"audio", "shot_type", "duration", "template"} == set()
    assert "template" in names("wanx2.1-i2v-plus")
    assert "resolution" not in names("wanx2.1-i2v-plus")


def test_the_usual_value_is_marked_and_stands_for_nothing(world: World) -> None:
    """What one does not touch is not asked for."""
    control = offer(Draft(first=frame_uploaded("cat.png", CAT)), world.session()).control("duration")
    assert control is not None
    assert [label for label, value in control.choices if value is None] == ["5 s (default)"]
    assert 5 not in {value for _, value in control.choices}


def test_a_value_that_the_model_lacks_falls_back_and_it_is_said(world: World) -> None:
    """Length, tier and options; a model that does not take the pictures."""
    cat = frame_uploaded("cat.png", CAT)
    asked = {"model": "wan2.5-i2v-preview", "duration": 7, "resolution": "480P", "shot_type": "multi", "seed": 7}
    draft, there, notes = fitted(Draft(first=cat, asked=asked), world.session())
    assert dict(draft.asked) == {"model": "wan2.5-i2v-preview", "resolution": "480P", "seed": 7}
    assert len(notes) == 2
    assert "Duration: wan2.5-i2v-preview does not support 7" in notes[0]
    both, there, notes = fitted(replace(draft, last=cat), world.session())
    assert "model" not in both.asked
    assert there.model is not None
    assert there.model.id == "wan2.2-kf2v-flash"
    assert notes == ["wan2.5-i2v-preview does not support these images; using wan2.2-kf2v-flash."]


@given(asked=VALUES, roles=st.sets(st.sampled_from(["first", "last"])))
def test_what_fits_fits_for_good(asked: dict[str, Any], roles: set[str]) -> None:
    """A fitted draft loses nothing more, and asks only for what its offer has."""
    frames: dict[str, Any] = {role: chosen("cat.png") for role in roles}
    draft, there, _ = fitted(Draft(asked=asked, **frames), SESSION)
    again, same, notes = fitted(draft, SESSION)
    assert (again, same, notes) == (draft, there, [])
    assert all(there.control(name) for name in draft.asked if name != "model" and there.model)


class _Gate:
    """As much of a session as the gate needs; the real one needs a home for each example."""

    provider = catalog.provider("emulator")

    @staticmethod
    def _plan(request: VideoRequest) -> catalog.Plan:
        return catalog.check(request, catalog.provider("emulator"))


SESSION: Any = _Gate()


def test_every_field_of_the_form_is_declared() -> None:
    """The form asks for nothing that a cell could not."""
    assert set(ASKED) <= set(OPTIONS)


def test_texts_are_read_as_their_options_read_them() -> None:
    """A seed is a number; blank is nothing; line breaks become blanks, for a line has none."""
    assert value_typed("seed", " 7 ") == 7
    assert value_typed("seed", "  ") is None
    assert value_typed("negative_prompt", "ugly,\nblurry") == "ugly, blurry"
    with pytest.raises(OptionError):
        value_typed("seed", "seven")


# ---- pictures -----------------------------------------------------------------------------------------------------


def test_a_picture_is_named_as_in_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Paths from the working directory, `$name`, addresses; what is missing says so."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cat.png").write_bytes(CAT)
    assert frame_named("cat.png", {}).image.label == "cat.png"
    assert frame_named("$cat", NAMES).image.label == "$cat"
    assert frame_named("https://example.com/c.png?sig=1", {}).image.url
    with pytest.raises(ImageError):
        frame_named("dog.png", {})
    with pytest.raises(PromptError):
        frame_named("$dog", NAMES)


def test_a_draft_reads_its_files_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is sent is what is there when the button is pressed, as with a cell."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cat.png").write_bytes(CAT)
    draft = Draft(first=frame_named("cat.png", {}), last=frame_uploaded("up.png", CAT))
    (tmp_path / "cat.png").write_bytes(picture("red"))
    now = as_now(draft, {})
    assert now.first is not None
    assert draft.first is not None
    assert now.first.image.digest != draft.first.image.digest
    assert now.last == draft.last
    (tmp_path / "cat.png").unlink()
    with pytest.raises(ImageError):
        as_now(draft, {})


def test_a_job_under_way_is_no_picture_yet(world: World) -> None:
    """Its last frame would be waited for, and a form never waits."""
    world.clock.hold()
    job = world.order()
    with pytest.raises(JobError, match="not ready yet"):
        frame_named("$job", {"job": job})


def test_an_upload_is_kept_beside_the_notebook(tmp_path: Path) -> None:
    """Once; another file of the name is left alone, and the same picture is not written twice."""
    first = keep_beside(tmp_path, "cat.png", CAT, "image/png")
    assert first == tmp_path / "wan_inputs" / "cat.png"
    assert keep_beside(tmp_path, "cat.png", CAT, "image/png") == first
    other = keep_beside(tmp_path, "cat.png", picture("red"), "image/png")
    assert other.name == "cat-2.png"
    assert first.read_bytes() == CAT
    assert keep_beside(tmp_path, "cat.png", picture("red"), "image/png") == other


@given(ANY)
@example("../../etc/passwd")
@example("..\\..\\x.png")
@example("")
@example("a\x00b.png")
@example("猫 の 写真.JPG")
def test_an_uploads_name_is_a_plain_name_that_a_line_can_write(name: str) -> None:
    """No folder, no hidden file, no quotes; and a cell can name it bare."""
    made = fit_name(name, "image/png")
    assert Path(made).name == made
    assert not made.startswith((".", "-"))
    assert cell_of(Draft(first=chosen(f"wan_inputs/{made}")), {}) == f"%%wan wan_inputs/{made}"
