"""The product speaks its users' languages: complete, with the same values and the same things to type."""

from __future__ import annotations

import pickle
import re
from string import Formatter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.ipython_shell import Shell
from wan_jupyter import errors
from wan_jupyter.i18n.messages import ENGLISH, LANGUAGES, Phrase, catalogue, language_of, language_scope, tr
from wan_jupyter.i18n.suggestions import nearest
from wan_jupyter.notebook.commands import COMMANDS
from wan_jupyter.rendering.columns import cut, padded, width
from wan_jupyter.request.command_line import help_text

pytest_plugins = ("tests.support.notebook_fixtures",)

OTHERS = [language for language in LANGUAGES if language != ENGLISH]
# What is typed stays as it is in every language: options, commands, variables, code in quotes.
TYPED = re.compile(
    rf"--[a-z][a-z-]*|%{{1,2}}wan(?: (?:{'|'.join(COMMANDS)})\b)?|%load_ext \w+|%config [A-Za-z]+\.[a-z_]+"
    r"|(?<![A-Za-z_])[A-Z]+(?:_[A-Z]+)+(?![A-Za-z_])|pip install"
)
# Names, units and code: there is nothing to translate.
SAME = re.compile(r"[\W\d_]*(?:\{\w+\}[\W\d_]*)*(?:[a-zA-Z]{1,4}\b[\W\d_]*(?:\{\w+\}[\W\d_]*)*)?")

# What every language has to say: only English has a form of its own for a single thing.
ENGLISH_TEXTS = {key: text for key, text in catalogue(ENGLISH).items() if not key.endswith(".one")}


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("language", OTHERS)
def test_a_language_is_complete(language: str) -> None:
    """Each sentence, and none that English does not have."""
    assert sorted(set(catalogue(language)) ^ set(ENGLISH_TEXTS)) == []


@pytest.mark.parametrize("language", OTHERS)
def test_a_sentence_takes_the_same_values(language: str) -> None:
    """What the code fills in is named alike."""
    own, english = catalogue(language), ENGLISH_TEXTS
    assert [key for key in english if fields(own[key]) != fields(english[key])] == []


@pytest.mark.parametrize("language", OTHERS)
def test_what_is_typed_stays_english(language: str) -> None:
    """Options, commands and variables are the same in every language."""
    own, english = catalogue(language), ENGLISH_TEXTS
    wrong = {key: own[key] for key in english if not set(TYPED.findall(english[key])) <= set(TYPED.findall(own[key]))}
    assert wrong == {}


@pytest.mark.parametrize("language", OTHERS)
def test_nothing_is_left_in_english(language: str) -> None:
    """Where a text is the same, it is a name, a unit or code."""
    own, english = catalogue(language), ENGLISH_TEXTS
    left = [key for key, text in english.items() if own[key] == text and not SAME.fullmatch(text)]
    assert [key for key in left if len(english[key].split()) > 3] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_help_fits_its_columns(language: str) -> None:
    """Wide letters count as two."""
    with language_scope(language):
        wide = [line for line in help_text().splitlines() if width(line) > 120]
    assert wide == []


# ---- which one ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tags", "language"),
    [
        (("ko",), "ko"),
        (("", "ko_KR.UTF-8"), "ko"),
        (("zh-Hans-CN", "ja"), "zh"),
        (("ja_JP",), "ja"),
        (("fr_FR", "ko"), "en"),
        ((), "en"),
    ],
)
def test_the_first_tag_that_says_anything_counts(tags: tuple[str, ...], language: str) -> None:
    """A language that we do not speak is answered in English, not in the next best one."""
    assert language_of(*tags) == language


@given(st.lists(st.text(max_size=20), max_size=4))
def test_any_tag_gives_a_language(tags: list[str]) -> None:
    """Locales hold anything."""
    assert language_of(*tags) in LANGUAGES


def test_a_shell_speaks_the_language_of_its_user(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """`WAN_LANG`; what `%config` says is stronger."""
    monkeypatch.setenv("WAN_LANG", "ko")
    assert tr("where.provider", "ko") in shell.ok("%wan").out
    shell.ok("%config WanMagics.language = 'ja'")
    assert tr("where.provider", "ja") in shell.ok("%wan").out


def test_the_locale_is_asked_last(bare: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing else says anything."""
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    bare.ok("%load_ext wan_jupyter")
    assert tr("where.provider", "zh") in bare.ok("%wan").out


def test_an_error_is_shown_in_the_users_language_and_logged_in_english(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the parts of its sentence; `str(error)` is for logs and searches."""
    monkeypatch.setenv("WAN_LANG", "ko")
    shell.ok("%wan")
    ran = shell.run("%%wan cat.png --dry-rum\nA cat")
    shown = tr("option.unknown.text", "ko", name="--dry-rum")
    assert shown in ran.out
    assert tr("option.did_you_mean", "ko", word="--dry-run").strip() in ran.out
    assert isinstance(ran.error, errors.OptionError)
    assert str(ran.error).startswith("Unknown option --dry-rum.\nDid you mean --dry-run?")


def test_a_card_and_a_table_speak_it_too(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is drawn in the background names its language."""
    monkeypatch.setenv("WAN_LANG", "ja")
    job = shell.order("猫が見上げる")
    job.result(60)
    assert tr("state.succeeded", "ja") in shell.ok("%wan jobs").out
    shell.ok("%unload_ext wan_jupyter")


# ---- parts of sentences -------------------------------------------------------------------------------------------


def test_a_part_of_a_sentence_is_said_in_the_sentences_language() -> None:
    """It reads as English, and survives pickling."""
    part = nearest("wan2.6-i2v-flesh", ["wan2.6-i2v-flash"])
    assert isinstance(part, Phrase)
    assert part == "Did you mean wan2.6-i2v-flash? "
    again = pickle.loads(pickle.dumps(part))
    korean = tr("option.unknown.hint", "ko", suggestion=again)
    assert tr("option.did_you_mean", "ko", word="wan2.6-i2v-flash") in korean


# ---- columns ------------------------------------------------------------------------------------------------------


@given(st.text(max_size=40), st.integers(1, 60))
def test_a_cut_text_fits_and_a_padded_one_fills(text: str, columns: int) -> None:
    """Whatever letters it has."""
    assert width(cut(text, columns)) <= max(columns, 1)
    assert width(padded(text, columns)) >= columns


@pytest.mark.parametrize(("text", "columns"), [("cat", 3), ("고양이", 6), ("猫", 2), ("é", 1), ("e\u0301", 1), ("", 0)])
def test_the_columns_of_a_text(text: str, columns: int) -> None:
    """Two for a wide letter, none for a mark on one."""
    assert width(text) == columns
