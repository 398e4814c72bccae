"""`rendering`: what is shown is complete and honest, in a notebook, without its kernel and in a terminal."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest

from tests.support.view_examples import CARD, NOW, PLAYER, POSTER, Page, shown
from wan_jupyter.i18n.messages import tr
from wan_jupyter.rendering import (
    card_details,
    live_card,
    static_card,
    style,
    table,
    terminal_line,
    text_block,
    video_player,
)
from wan_jupyter.rendering.columns import width
from wan_jupyter.status import Status

# ---- the player ------------------------------------------------------------------------------------------------------


def test_a_finished_video_has_html_a_picture_and_plain_text() -> None:
    """The picture is base64, as nbformat keeps it."""
    bundle = video_player(PLAYER)

    assert set(bundle) == {"text/html", "image/jpeg", "text/plain"}
    assert base64.b64decode(bundle["image/jpeg"]) == POSTER
    assert {type(value) for value in bundle.values()} == {str}


def test_the_video_has_its_source_as_an_attribute_and_its_poster_inside() -> None:
    """An untrusted notebook drops `<source>`; a page without the file still shows the poster."""
    (video,) = shown(PLAYER).all("video")

    assert video["src"] == PLAYER.src
    assert (video["poster"] or "").startswith("data:image/jpeg;base64,")
    assert {"controls", "loop", "muted", "playsinline"} <= set(video)
    assert video["preload"] == "metadata"


def test_where_videos_are_taken_away_a_picture_and_the_files_name_stay() -> None:
    """A page that keeps only what is in `<video>` (GitHub's) shows the first frame; others take `image/jpeg`."""
    inside = video_player(PLAYER)["text/html"].partition("<video")[2].partition("</video>")[0]

    assert "<img" in inside
    assert PLAYER.path in inside


def test_the_player_needs_no_style_sheet() -> None:
    """An untrusted notebook keeps no `<style>`."""
    assert not shown(PLAYER).all("style")
    assert not Page(static_card(CARD)["text/html"]).all("style")


@pytest.mark.parametrize(
    ("size", "expected"),
    [((1280, 720), (640, 360)), ((720, 1280), (270, 480)), ((64, 48), (640, 480)), ((0, 0), (480, 480))],
)
def test_the_video_is_fitted_into_the_page_and_keeps_its_shape(
    size: tuple[int, int], expected: tuple[int, int]
) -> None:
    """At most 640 × 480, upright ones too."""
    (video,) = shown(replace(PLAYER, size=size)).all("video")

    assert (int(video["width"] or 0), int(video["height"] or 0)) == expected


def test_the_caption_says_what_it_is_and_where_it_lies() -> None:
    """Prompt, model, provider, size, seed, take, price, file."""
    text = shown(PLAYER).text

    for part in ("A cat looks up", "wan2.6-i2v-flash", "dashscope-intl", "720P 1280×720", "5 s", "seed 42", "take 2",
                 "$0.25", "emulated", PLAYER.path, "linked", "The last frame is damaged.", "%%wan cat"):  # fmt: skip
        assert part in text


def test_the_caption_says_nothing_that_is_not_so() -> None:
    """A plain first take of a real service."""
    text = shown(replace(PLAYER, seed=None, take=1, cost="", emulated=False, origin="new", warning="", cell="")).text

    for part in ("seed", "take", "emulated", "⚠", "already", "The cell", "None"):
        assert part not in text


@pytest.mark.parametrize("origin", ["shown", "attached"])
def test_a_video_that_was_there_says_that_nothing_was_sent(origin: str) -> None:
    """And how to have another one."""
    text = shown(replace(PLAYER, origin=origin)).text

    assert tr(f"player.origin.{origin}") in text
    assert "--new" in text


def test_a_linked_file_is_a_link_and_an_embedded_one_says_so() -> None:
    """An embedded video is whole without the file."""
    embedded = shown(replace(PLAYER, embedded=True, src="data:video/mp4;base64,AAAA"))

    assert {link["href"] for link in shown(PLAYER).all("a")} == {PLAYER.src}
    assert embedded.all("a") == []
    assert "embedded in the notebook" in embedded.text


def test_each_line_of_a_prompt_has_its_own_direction() -> None:
    """Arabic above Japanese: each begins at its own side."""
    prompts = [a for a in shown(replace(PLAYER, prompt="قطة\n猫\n\ncat")).all("div") if a.get("dir") == "auto"]
    alone = [a for a in shown(PLAYER).all("div") if a.get("dir") == "auto"]

    assert len(prompts) == len(alone) + 2


def test_the_plain_text_names_file_facts_and_prompt() -> None:
    """Three lines for a terminal, then where it came from and what to know of it."""
    lines = video_player(replace(PLAYER, prompt="A cat\nlooks up"))["text/plain"].split("\n")

    assert lines[0] == PLAYER.path
    assert "wan2.6-i2v-flash" in lines[1]
    assert "seed 42" in lines[1]
    assert lines[2] == "A cat"
    assert "nothing was sent" in lines[3]
    assert lines[4:] == [PLAYER.warning]


# ---- the card ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", Status)
def test_every_state_has_words_and_a_sign(status: Status) -> None:
    """No state is told by colour alone, in any of the four displays."""
    view = replace(CARD, status=status)
    words = tr(f"state.{status.lower()}")

    assert all(words in text for text in (shown(view).text, *static_card(view).values(), terminal_line(view)))
    assert shown(view).role("status")["aria-live"] == "polite"


def test_a_known_progress_is_shown_and_never_rounded_up() -> None:
    """99.9 % is not done."""
    bar = shown(replace(CARD, status=Status.DOWNLOADING, progress=0.999))

    assert bar.role("progressbar")["aria-valuenow"] == "99"
    assert "99 %" in bar.text
    assert {"style": "width:99%"} in bar.all("span")


@pytest.mark.parametrize(("progress", "number"), [(-1.0, "0"), (0.0, "0"), (1.0, "100"), (7.5, "100")])
def test_a_progress_stays_between_its_ends(progress: float, number: str) -> None:
    """Whatever a service says."""
    assert shown(replace(CARD, progress=progress)).role("progressbar")["aria-valuenow"] == number


@pytest.mark.parametrize("progress", [None, float("nan")])
def test_an_unknown_progress_is_not_invented(progress: float | None) -> None:
    """The bar moves and promises nothing."""
    view = shown(replace(CARD, progress=progress))

    assert "aria-valuenow" not in view.role("progressbar")
    assert view.role("progressbar")["aria-label"]
    assert "%" not in view.text
    assert [span for span in view.all("span") if span.get("class") == "wan-unknown"]


def test_the_clock_goes_on_from_where_the_job_stands() -> None:
    """The animation begins in the past by the job's age; the time is written too, for a browser without it."""
    view = shown(CARD)

    assert view.role("timer")["style"] == "--wan-since:-75.0s"
    assert "1:15" in view.text
    assert "@property --wan-s" in style()


def test_a_job_that_ended_has_no_bar_and_no_running_clock() -> None:
    """Its time is what it took."""
    view = shown(replace(CARD, status=Status.FAILED, progress=0.5))

    assert "style" not in view.role("timer")
    assert not [attributes for _, attributes in view.elements if attributes.get("role") == "progressbar"]
    assert not [span for span in view.all("span") if span.get("class") == "wan-live"]
    assert "It failed." in view.text
    assert CARD.note not in view.text


def test_a_clock_set_back_does_not_count_backwards() -> None:
    """The machine's clock may be corrected while a job runs."""
    assert shown(replace(CARD, since=NOW + 30)).role("timer")["style"] == "--wan-since:-0.0s"


def test_a_live_card_shows_pictures_facts_note_and_the_wish_to_cancel() -> None:
    """In one compact row."""
    view = shown(CARD)

    assert [image["alt"] for image in view.all("img")] == ["First frame", "Last frame"]
    for part in ("720P", "5 s", "seed 42", "wan2.6-i2v-flash", "emulated", CARD.note, "cancel requested", "k3x9q"):
        assert part in view.text


def test_the_classes_that_others_rely_on_are_there() -> None:
    """`wan-card` and `wan-player` are a fixed interface."""
    for markup, name in ((live_card(CARD), "wan-card"), (static_card(CARD)["text/html"], "wan-card"),
                         (video_player(PLAYER)["text/html"], "wan-player")):  # fmt: skip
        assert [a for _, a in Page(markup).elements if name in (a.get("class") or "").split()]


def test_the_card_respects_those_who_want_no_motion() -> None:
    """And its style sheet is small, and travels once: updates of a card carry none."""
    assert "prefers-reduced-motion" in style()
    assert len(style()) < 6000
    assert style() in card_details()
    assert "<style" not in live_card(CARD)
    assert "/*" not in style()


# ---- at rest, in a line, in a table --------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [status for status in Status if status.live])
def test_a_job_read_without_its_kernel_says_how_to_get_the_video(status: Status) -> None:
    """Whether it is read as HTML or as text."""
    for text in static_card(replace(CARD, status=status, lines=())).values():
        assert "%wan show k3x9q" in text
        assert "run this cell again" in text.lower()


@pytest.mark.parametrize("status", [status for status in Status if status.ended])
def test_a_job_that_ended_says_what_happened_and_what_next(status: Status) -> None:
    """In the lines it was given, or in a sentence of its state."""
    given_lines = static_card(replace(CARD, status=status))
    without = static_card(replace(CARD, status=status, lines=()))

    assert all("It failed." in text and "Run it again." in text for text in given_lines.values())
    assert all(tr(f"card.next.{status.lower()}", job="k3x9q", when="") in text for text in without.values())


def test_a_job_fits_into_one_line_of_a_log() -> None:
    """State, progress, time, news, and last what a narrow terminal may cut off: the facts."""
    text = terminal_line(replace(CARD, progress=0.42, prompt="x\ny"))

    assert text.startswith("k3x9q · Rendering 42 % · 1:15 · cancel requested · The service is slow today. · emulated")
    assert text.endswith(" · wan2.6-i2v-flash 720P 5 s seed 42")
    assert "\n" not in text


def test_the_columns_of_a_table_line_up_in_every_script() -> None:
    """A wide character fills two columns of a terminal, a combining one none."""
    rows = [["저장됨", "x"], ["café\u0301", "x"], ["猫", "x"], ["a", "x"]]
    lines = table(rows, ["State", "Mark"])["text/plain"].split("\n")

    assert len({width(text.rpartition("x")[0]) for text in lines[1:]}) == 1
    assert lines[0].split() == ["State", "Mark"]


def test_an_empty_or_ragged_table_is_a_table() -> None:
    """No row, and rows of different lengths."""
    assert table([], ["A", "B"])["text/plain"] == "A  B"
    assert table([["1"], ["1", "2"]], ["A", "B"])["text/plain"].split("\n") == ["A  B", "1", "1  2"]


def test_a_page_of_text_keeps_its_lines() -> None:
    """And its indents."""
    assert text_block("a\n  <b>") == {"text/html": text_block("a\n  <b>")["text/html"], "text/plain": "a\n  <b>"}
    assert Page(text_block("a\n  <b>")["text/html"]).text == "a\n  <b>"
