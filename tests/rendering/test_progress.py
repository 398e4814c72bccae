"""How far and how long: bytes in words, a time learned from earlier jobs, and a bar that invents nothing."""

from __future__ import annotations

import re
import sqlite3
from dataclasses import replace

import pytest

from tests.support.clock import until
from tests.support.view_examples import CARD, NOW, Page, shown
from tests.support.world import World, loop_held
from wan_jupyter.notebook.display.views import chips
from wan_jupyter.rendering import (
    card_details,
    live_card,
    live_job_table,
    sound,
    static_job_table,
    status_counts,
    style,
    terminal_line,
)
from wan_jupyter.rendering.progress import bytes_text, estimate, expectation
from wan_jupyter.request.options import VideoRequest
from wan_jupyter.status import Status

LEARNED = replace(CARD, expected=60.0, since=NOW - 30)


def fill(view: object) -> str:
    """Return the class of what fills a card's bar, "" for a real share."""
    [found] = [a for a in shown(view).all("span") if a.get("class") in ("wan-about", "wan-unknown") or "width" in (a.get("style") or "")]  # fmt: skip  # noqa: E501
    return found.get("class") or ""


@pytest.mark.parametrize(
    ("moved", "words"),
    [
        ((1_250_000, 5_100_000), "1.2 of 5.1 MB"),
        ((3_400, 51_000), "3 of 51 kB"),
        ((12, 90), "12 of 90 B"),
        ((3_400_000, 0), "3.4 MB"),
        ((0, 0), "0 B"),
        (None, ""),
    ],
)
def test_bytes_are_said_in_one_unit(moved: tuple[int, int] | None, words: str) -> None:
    """Of how many, where that is known."""
    assert bytes_text(replace(CARD, status=Status.DOWNLOADING, moved=moved)) == words


def test_what_goes_is_said_with_its_bytes() -> None:
    """An upload is a state of its own in words; an ended job says nothing of bytes."""
    uploading = replace(CARD, status=Status.PREPARING, moved=(1_000_000, 5_000_000), progress=0.2)
    assert "Uploading1.0 of 5.0 MB20 %" in shown(uploading).text
    assert "Uploading 1.0 of 5.0 MB 20 %" in terminal_line(uploading)
    assert "Preparing" in shown(replace(CARD, status=Status.PREPARING)).text
    assert "MB" not in shown(replace(uploading, status=Status.FAILED)).text


def test_a_learned_time_is_said_with_about() -> None:
    """In the card and in a terminal's line; the bar has no value, since nobody measured one."""
    view = shown(LEARNED)
    assert "0:30" in view.text
    assert "usually about 1:00" in view.text
    assert "usually about 1:00" in terminal_line(LEARNED)
    bar = view.role("progressbar")
    assert "aria-valuenow" not in bar
    assert "about 1:00" in (bar["aria-valuetext"] or "")
    assert fill(LEARNED) == "wan-about"


def test_nothing_is_estimated_where_more_is_known_or_nothing() -> None:
    """A real percentage, a download, an end, and a first run without earlier jobs."""
    assert fill(replace(LEARNED, progress=0.4)) == ""
    assert fill(replace(LEARNED, expected=None)) == "wan-unknown"
    assert fill(replace(LEARNED, status=Status.DOWNLOADING)) == "wan-unknown"
    assert expectation(replace(LEARNED, status=Status.SUCCEEDED)) == ""
    assert "about" not in shown(replace(LEARNED, expected=None)).text


def test_an_estimate_never_comes_to_its_end() -> None:
    """It goes on, slower and slower, however long it takes."""
    ages = [0, 6, 30, 59, 60, 61, 90, 600, 86_400]
    shares = [estimate(replace(LEARNED, since=NOW - age)) for age in ages]
    assert shares == sorted(shares)
    assert shares[0] == 0.0
    assert shares[ages.index(60)] == pytest.approx(0.9)
    assert len(set(shares)) == len(shares)
    assert shares[-1] < 1
    # As written for readers who want no motion, and by the style sheet for the others: not rounded up to the end.
    late = Page(live_card(replace(LEARNED, since=NOW - 86_400)))
    [look] = [a["style"] or "" for _, a in late.elements if a.get("class") == "wan-about"]
    assert look.startswith("width:99%;")
    moving = re.search(r"@keyframes wan-near \{(.*?)\} *\}", str(style()))
    assert moving is not None
    assert max(float(end) for end in re.findall(r"width: ?([0-9.]+)", moving[1])) < 99


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", ("1 job ·", "2 jobs ·")), ("ko", ("작업 1개 ·", "작업 2개 ·")), ("zh", ("1 个任务 ·", "2 个任务 ·"))],
)
def test_jobs_are_counted_in_singular_and_plural(language: str, words: tuple[str, str]) -> None:
    """English has two forms, Korean and Chinese have one."""
    for count, start in enumerate(words, 1):
        assert status_counts([CARD] * count, language).startswith(start)


def test_the_job_table_has_a_row_for_each_job() -> None:
    """Live and static: id, state, time and prompt; one line counts the jobs."""
    views = [replace(CARD, job_id=f"job{n}", status=status) for n, status in enumerate(Status)]
    live = Page(live_job_table(views))
    still = static_job_table(views)
    for text in (live.text, *still.values()):
        assert all(view.job_id in text for view in views)
        assert "10 jobs" in text
        assert "1 Rendering" in text
    assert len(live.all("tr")) == len(views) + 1
    assert len([a for _, a in live.elements if a.get("role") == "progressbar"]) == 5
    assert "style" not in {tag for tag, _ in Page(still["text/html"]).elements}


def test_the_request_is_text_that_can_be_opened() -> None:
    """Escaped, reachable by keyboard, and with a name."""
    page = Page(card_details('{"prompt": "<b>"}'))
    assert '{"prompt": "<b>"}' in page.text
    [pre] = page.all("pre")
    assert pre["tabindex"] == "0"
    assert pre["aria-label"]


def test_the_sound_is_short_and_carries_itself() -> None:
    """Nothing is fetched."""
    [audio] = Page(sound()).all("audio")
    assert (audio["src"] or "").startswith("data:audio/wav;base64,")
    assert len(sound()) < 6000


# ---- learned --------------------------------------------------------------------------------------------------------


def took(world: World, seconds: dict[str, float]) -> None:
    """Have jobs taken so many seconds, in the journal."""
    with sqlite3.connect(world.home / "journal.sqlite3") as sql:
        for identity, time in seconds.items():
            sql.execute("UPDATE jobs SET updated_at = created_at + ? WHERE id = ?", (time, identity))
    sql.close()


def made(world: World, prompt: str, **how: object) -> str:
    job = world.order(prompt, **how)
    job.result(60)
    return job.id


def test_a_time_is_learned_from_two_jobs_of_the_same_kind(world: World) -> None:
    """The first and second run know nothing; the third has the median; another length or model knows nothing."""
    alike = {"model": "wan2.5-i2v-preview", "resolution": "480P", "duration": 5}
    first = world.order("One", **alike)
    first.result(60)
    second = world.order("Two", **alike)
    second.result(60)
    assert first.info.expected is second.info.expected is None
    took(world, {first.id: 40.0, second.id: 60.0})
    others: tuple[dict[str, object], ...] = ({"resolution": "720P"}, {"model": "wan2.2-i2v-flash"}, {"duration": 10})
    jobs = [world.order("Three", **alike), *(world.order("Three", **{**alike, **how}) for how in others)]
    assert [job.info.expected for job in jobs] == [pytest.approx(50.0), None, None, None]
    for job in jobs:  # what is given up in the middle of a download leaves a file to be closed
        job.result(60)


def test_failed_jobs_teach_nothing(world: World) -> None:
    """A refusal is quick, and no video."""
    for prompt in ("A forbidden prompt", "Another forbidden prompt"):
        job = world.order(prompt)
        until(lambda job=job: job.done)
    assert world.order("A cat").info.expected is None


def test_a_job_can_tell_what_was_sent_for_it(world: World) -> None:
    """The exact request, with a stand-in for the picture, and none of its pixels kept."""
    job = world.order("A cat")
    job.result(60)
    assert job._dry_run is not None
    shown = job._dry_run().request
    assert shown.body["input"]["prompt"] == "A cat"
    assert "sha256" in str(shown.body)
    assert "base64" not in str(shown.body)
    assert len(str(shown.body)) < 2000


def test_every_option_that_counts_is_a_chip(world: World) -> None:
    """Defaults that were sent, too; in words or as typed; of what may be a secret only that it is there."""
    usual = chips(world.order("One").request)
    assert usual[:2] == ("480P", "5 s")
    assert usual[2].startswith("seed ")
    assert usual[3:] == ("prompt-extend", "no-watermark")
    wishes = {"seed": 7, "negative_prompt": "blur, " * 20, "prompt_extend": False, "watermark": True}
    told = chips(world.order("Two", **wishes, params={"input.token": "abc"}).request)
    said = "negative blur, blur, blur, blur, blur, b…"
    assert told[2:] == ("seed 7", said, "no-prompt-extend", "watermark", "input.token")
    link = "https://example.com/a.mp3?Signature=abc"
    every = VideoRequest(duration=-1, size="1280x720", audio_url=link, audio=False, shot_type="multi", template="hug")
    words = ("duration -1", "size 1280x720", "no-audio", "audio-url", "shot-type multi", "template hug")
    assert chips(every) == words


def test_a_download_tells_its_bytes(world: World) -> None:
    """From the first piece to the whole; nothing of it is left when the video is saved."""
    seen: list[tuple[int, int]] = []
    with loop_held():
        job = world.order("A cat")
        job.watch(lambda shot: seen.append(shot.moved) if shot.moved else None)
    video = job.result(60)
    assert job.snapshot.moved is None
    assert seen == sorted(seen)
    assert seen[-1] == (video.path.stat().st_size,) * 2
