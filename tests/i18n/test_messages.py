"""Every sentence a user reads: what the code asks for exists, and what a hint tells to type can be typed."""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.support.processes import ROOT
from wan_jupyter import errors
from wan_jupyter.billing.budget import WRITTEN
from wan_jupyter.catalog import plan
from wan_jupyter.config.settings_files import SAID, SESSION_RULES, USER_RULES
from wan_jupyter.errors.kinds import ADVICE
from wan_jupyter.i18n.messages import ENGLISH, LANGUAGES, catalogue, has_message, tr
from wan_jupyter.notebook import commands, magics
from wan_jupyter.protocols import dashscope, new_api, openai_videos
from wan_jupyter.request.options import CellOptions, VideoRequest, declared
from wan_jupyter.request.values import KINDS
from wan_jupyter.status import Status
from wan_jupyter.workflows.composer_options import ASKED

SOURCES = [path for path in sorted((ROOT / "wan_jupyter").rglob("*.py")) if "emulator" not in path.parts]
KINDS_OF_ERROR = {name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, Exception)}
MODES = ("first", "first_last", "clip", "clip_last", "last", "text")
PICTURES = ("sides", "aspect")
# Advice that no table of codes and no literal in the code leads to.
WORKED_OUT = {"unknown", "operator", "no_reason", "expired", "recognising", "uncertain", "no_trace", "several"}
REPAIRS = ("rotation", "alpha", "format", "scaled", "weight")
# What is put together from a family and a word: the words each family must have.
FAMILIES: Mapping[str, tuple[str, ...]] = {
    "help.{}": tuple(row.name for row in declared(VideoRequest, CellOptions)),
    "state.{}": tuple(status.lower() for status in Status),
    "option.bad_{}.text": tuple(KINDS),
    "mode.none_{}.text": MODES,
    "mode.wrong_{}.text": MODES,
    "picture.{}.text": PICTURES,
    "remark.picture_{}": PICTURES,
    "remark.repaired_{}": REPAIRS,
    "models.mode.{}": MODES,
    "job.{}.text": ("failed", "canceled", "expired", "uncertain"),
    "command.{}": tuple(commands.COMMANDS),
    "compose.{}": ("first", "last", "swap", "refresh", "generate", "to_cell"),
    "compose.{}_hint": ("swap", "refresh", "generate", "to_cell"),
    "compose.pick_{}": ("first", "last"),
    "compose.upload_{}": ("first", "last"),
    "compose.clear_{}": ("first", "last"),
    "compose.label.{}": ASKED,
    "compose.unchosen.{}": ("shot_type", "template"),
    "compose.shot.{}": ("single", "multi"),
    "compose.origin.{}": ("new", "shown", "attached"),
    "player.origin.{}": ("shown", "attached"),
    "settings.takes.{}": ("sessions", *USER_RULES, *SESSION_RULES),
    "clean.name.{}": ("videos", "halves", "spool", "emulator", "owners", "journal"),
    "clean.{}": ("what", "where", "files", "size", "spare", "emulator_open", "emulator_served"),
    "doctor.{}_fix": ("python", "codecs", "clock", "home", "outputs", "room", "session", "package", "widgets"),
    "doctor.name.{}": ("home", "outputs", "settings", "session", "clock", "codecs", "python", "journal", "service"),
    "provider.title.{}": tuple(plan.providers()),
    "settings.toml.{}": (*(key for key, _ in SAID), "other"),
    "part.{}": ("comma", "semicolon", "span", "span_or_smart", "either", "of_session", "not_utf8", "video"),
    "said.{}": ("with_id", "silent", "no_whole_file", "wrong_length"),
    "key.from.{}": ("emulator", "argument", "keyring"),
    "video.why.{}": ("no_track", "no_frame", "cut"),
    "models.tariff.{}": ("plain", "sound", "silent"),
    "budget.span.{}": tuple(WRITTEN),
    "config.{}": tuple(magics.WanMagics.class_trait_names(config=True)),
    "doctor.face.{}": ("widget", "text", "terminal"),
}


def calls() -> Iterator[tuple[str, ast.Call]]:
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                yield f"{path.name}:{node.lineno}", node


def name_of(call: ast.Call) -> str:
    return ast.unparse(call.func).rpartition(".")[2]


def literal(node: ast.expr | None) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def first(call: ast.Call) -> str | None:
    return literal(call.args[0]) if call.args else None


def keyword(call: ast.Call, name: str) -> str | None:
    return next((literal(one.value) for one in call.keywords if one.arg == name), None)


def fields(text: str) -> set[str]:
    return {re.split(r"[.\[]", name)[0] for _, name, _, _ in string.Formatter().parse(text) if name}


def raised() -> list[tuple[str, str, ast.Call]]:
    """Return where an error is made with a literal key, the key, and the call."""
    found = [(where, first(call), call) for where, call in calls() if name_of(call) in KINDS_OF_ERROR]
    return [(where, key, call) for where, key, call in found if key is not None and key != "error"]


def test_every_error_has_a_text() -> None:
    """An error's key leads to a sentence."""
    assert len(raised()) > 50
    assert [(where, key) for where, key, _ in raised() if not has_message(f"{key}.text")] == []


def test_every_error_is_given_what_its_sentences_need() -> None:
    """No KeyError when it is shown."""
    missing = []
    for where, key, call in raised():
        if any(one.arg is None for one in call.keywords):  # **values: seen when it is raised
            continue
        given = {one.arg for one in call.keywords}
        given |= {"said"} if "problem" in given else set()
        needed = fields(catalogue(ENGLISH)[f"{key}.text"]) | fields(catalogue(ENGLISH).get(f"{key}.hint", ""))
        missing += [(where, key, needed - given)] if needed - given else []
    assert missing == []


def test_every_sentence_that_is_said_exists() -> None:
    """`say` with a literal key, and the presenter's own."""
    said = [(where, first(call)) for where, call in calls() if name_of(call) == "tr" and first(call)]
    assert said
    assert [(where, key) for where, key in said if not has_message(key)] == []


def test_every_sentence_that_counts_has_its_forms() -> None:
    """English one for a single thing and one for several; no language lacks the general form."""
    keys = {key for _, call in calls() if name_of(call) in ("tr_count", "say_count") and (key := first(call))}
    assert keys
    assert [key for key in keys if not {f"{key}.one", f"{key}.other"} <= set(catalogue(ENGLISH))] == []
    assert [(key, name) for key in keys for name in LANGUAGES if f"{key}.other" not in catalogue(name)] == []


def test_every_note_and_remark_exists() -> None:
    """What a snapshot or a plan points at by key."""
    notes = [(where, keyword(call, "note")) for where, call in calls()]
    assert [(where, note) for where, note in notes if note and not has_message(f"note.{note}")] == []
    text = (ROOT / "wan_jupyter" / "catalog" / "remarks.py").read_text("utf-8")
    remarks = re.findall(r'"(remark\.\w+)"', text)
    assert remarks
    assert [key for key in remarks if not has_message(key)] == []


def test_every_trouble_with_polling_has_a_note() -> None:
    """The notes that are worked out."""
    for name in ("no_answer", "key_refused", "unknown_task", "cannot_stop", "waiting_to_submit"):
        assert has_message(f"note.{name}")


def test_every_warning_has_a_remark() -> None:
    """A video that was kept although it does not decode says so."""
    assert has_message("remark.undecodable")


def advised() -> set[str]:
    """Return every advice of the protocols' tables, and each that is named in the code."""
    protocols = (dashscope, new_api, openai_videos)
    table = {advice for protocol in protocols for advice, _ in protocol.ERRORS.values()}
    named = {found for _, call in calls() if (found := keyword(call, "advice"))}
    assert table
    assert named
    return table | named | WORKED_OUT


def test_every_advice_exists() -> None:
    """It has its row, with the money, and none is there for nothing."""
    assert sorted(advised() ^ set(ADVICE)) == []


@pytest.mark.parametrize("family", ["happened", "advice"])
def test_every_advice_has_its_sentence(family: str) -> None:
    """What happened, and what to do: one short sentence each, for each row and for nothing else."""
    said = {key.partition(".")[2]: text for key, text in catalogue(ENGLISH).items() if key.startswith(f"{family}.")}
    assert sorted(set(said) ^ set(ADVICE)) == []
    assert [word for word, text in said.items() if ". " in text or not text.endswith(".") or len(text) > 115] == []


def test_no_sentence_of_an_advice_tells_of_money_by_itself() -> None:
    """Whether it was billed is data, and said once; `cannot_stop` alone tells on what it depends."""
    families = ("happened.", "advice.")
    telling = [key for key, text in catalogue(ENGLISH).items() if key.startswith(families) and "billed" in text]
    assert telling == ["happened.cannot_stop"]


def test_what_an_advice_says_to_do_is_no_report() -> None:
    """No word of it is filled from the service's answer but the job's id, which every job's error has."""
    said = {key: fields(text) for key, text in catalogue(ENGLISH).items() if key.startswith(("happened.", "advice."))}
    with_id = {key.partition(".")[2] for key, names in said.items() if names == {"id"}}
    assert [key for key, names in said.items() if names - {"id"}] == []
    assert with_id == {"uncertain", "recognising", "no_trace", "several"}


@pytest.mark.parametrize(("family", "words"), FAMILIES.items(), ids=str)
def test_every_member_of_a_family_exists(family: str, words: tuple[str, ...]) -> None:
    """Keys that are put together: states, options, commands, modes."""
    assert [word for word in words if not has_message(family.format(word))] == []


def test_every_table_of_headings_is_whole() -> None:
    """The columns that the magics ask for."""
    names = {
        "where": "session provider address key outputs jobs",
        "sessions": "name provider address key jobs in_use",
        "models": "id modes resolutions durations",
    }
    keys = [f"{family}.{name}" for family, columns in names.items() for name in columns.split()]
    assert [key for key in keys if not has_message(key)] == []


def test_no_value_is_named_like_an_argument() -> None:
    """`say(key, language, **values)` could not be given such a value."""
    assert [key for key, text in catalogue(ENGLISH).items() if "language" in fields(text)] == []


def test_values_are_text_and_no_templates() -> None:
    """Braces in what a user typed are shown as typed."""
    assert "{surprise}" in tr("job.unknown.text", id="{surprise}")


# ---- what can be typed --------------------------------------------------------------------------------------------

OPTIONS = [row.option for row in declared(VideoRequest, CellOptions)]
FLAGS = {flag for option in OPTIONS for flag in option.flags}
SWITCHES = {flag for option in OPTIONS for flag in option.flags if option.kind == "switch"}
COMMAND_FLAGS = {flag.name for spec in commands.SPECS for flag in spec.flags}
TYPED = COMMAND_FLAGS | FLAGS | {flag.replace("--", "--no-", 1) for flag in SWITCHES} | {"--no-"}
SENTENCES = [(key, text) for key, text in catalogue(ENGLISH).items()]


def test_every_flag_in_a_sentence_can_be_typed() -> None:
    """`--flag` is declared in `request`, follows a command, or is the beginning of one flag alone."""
    said = {flag for _, text in SENTENCES for flag in re.findall(r"--[a-z-]+", text)}
    assert said
    unknown = said - TYPED
    assert [flag for flag in unknown if sum(other.startswith(flag) for other in FLAGS) != 1] == []


def test_every_command_in_a_sentence_can_be_typed() -> None:
    """`%wan word` is one of the commands."""
    said = [(key, word) for key, text in SENTENCES for word in re.findall(r"(?<!%)%wan ([a-z]+)", text)]
    assert said
    # In "%wan commands" and "%wan shows", %wan is a command of its own.
    alone = {"commands", "shows"}
    assert [(key, word) for key, word in said if word not in commands.COMMANDS and word not in alone] == []


def test_every_setting_in_a_sentence_can_be_set() -> None:
    """`%config WanMagics.name` is a trait of the magics."""
    traits = magics.WanMagics.class_trait_names(config=True)
    said = [word for _, text in SENTENCES for word in re.findall(r"WanMagics\.(\w+)", text)]
    assert said
    assert [word for word in said if word not in traits] == []


def test_every_provider_in_a_sentence_exists() -> None:
    """A region that is named can be used."""
    said = {word for _, text in SENTENCES for word in re.findall(r"dashscope-[a-z]+(?!\.)\b", text)}
    assert {word for word in said if word not in plan.providers()} == set()


def test_an_error_is_at_most_two_lines() -> None:
    """What happened, and what to type."""
    long = [key for key, text in SENTENCES if "\n" in text and key.endswith((".text", ".hint"))]
    assert long == []


def test_there_is_one_file_a_language() -> None:
    """English is there, and every other language has no key that English lacks."""
    folder = ROOT / "wan_jupyter" / "i18n" / "locales"
    languages = [Path(path).stem for path in folder.glob("*.toml")]
    assert ENGLISH in languages
    assert [name for name in languages if set(catalogue(name)) - set(catalogue(ENGLISH))] == []
