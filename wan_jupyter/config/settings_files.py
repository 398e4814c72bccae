"""Read the two settings files: the user's `settings.toml` and a project's `pyproject.toml`.

`setting_names` lists what each may set. Other settings in a project's file are ignored, with a notice; any mistake is
an error that names file and line.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ..billing.budget import Budget, read_budget
from ..errors import OptionError, SettingsError
from ..errors.system import reason_of
from ..i18n.messages import Phrase
from ..i18n.suggestions import nearest, shorten
from ..request.options import CellOptions, VideoRequest, declared
from ..request.values import KINDS, read_value
from .setting_names import OPTION_DEFAULTS, PROJECT, SESSION, USER, names_in

USER_FILE = "settings.toml"
PROJECT_FILE = "pyproject.toml"
TOOL = "wan_jupyter"
# Key of a phrase -> beginnings of `tomllib`'s messages that it translates.
SAID = (
    ("value", ("Invalid value", "Invalid date")),
    ("statement", ("Invalid statement", "Invalid initial character")),
    ("equals", ("Expected '='",)),
    ("rest", ("Expected newline or end of document",)),
    ("twice", ("Cannot overwrite", "Cannot declare", "Cannot mutate", "Duplicate inline")),
    ("open_text", ("Unterminated string", "Illegal character")),
    ("open_list", ("Unclosed array", "Unclosed inline")),
    ("open_head", ("Expected ']'", "Expected ']]'")),
)


@dataclass(frozen=True, slots=True)
class NamedSession:
    """A `[sessions.NAME]` table of the user's file.

    Attributes:
        base_url: "" for the provider's own.
        key_variable: the one environment variable that its key may come from, "" for the provider's own sources.
        defaults: its own values for options of a request, by field name.
        budget: None if its table sets none.
    """

    provider: str
    base_url: str = ""
    key_variable: str = ""
    defaults: Mapping[str, Any] = field(default_factory=dict)
    budget: Budget | None = None


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """The settings in one file.

    Attributes:
        source: the file, as remarks name it.
        values: settings by name, converted to their types.
        sessions: named sessions, in the user's file only.
        ignored: names that a project's file may not set.
    """

    source: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    sessions: Mapping[str, NamedSession] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()


def user_file(home: Path) -> ParsedFile:
    """Return the settings in `home`'s file, empty if there is none.

    Raises:
        SettingsError: it cannot be read, or a setting is unknown or invalid.
    """
    path = home / USER_FILE
    text = _text(path)
    if text is None:
        return ParsedFile()
    page = _Page(path, text, _parsed(path, text))
    tables = page.data.get("sessions", {})
    if not isinstance(tables, dict):
        raise page.wrong("sessions")
    sessions = {name: _session(page, name, table) for name, table in tables.items()}
    own = {name: value for name, value in page.data.items() if name != "sessions"}
    values = page.read(own, USER_RULES, known=("sessions",))
    if values.get("provider") and values["provider"] not in (*sessions, *_providers()):
        raise page.wrong("provider")
    return ParsedFile(str(path), values, MappingProxyType(sessions))


def project_file(folder: Path) -> ParsedFile:
    """Return the settings of the nearest project file with a `[tool.wan_jupyter]` table, upward from a folder.

    Raises:
        SettingsError: the file cannot be read, or one of the settings that it may set is invalid.
    """
    for place in (folder, *folder.parents):
        path = place / PROJECT_FILE
        text = _text(path, strict=False) or ""
        if TOOL not in text:  # not meant for us, so errors in it do not matter
            continue
        tool = _parsed(path, text).get("tool")
        own = tool.get(TOOL) if isinstance(tool, dict) else None
        if isinstance(own, dict):
            allowed = {name: value for name, value in own.items() if name in PROJECT_RULES}
            values = _Page(path, text, own, f"tool.{TOOL}").read(allowed, PROJECT_RULES)
            return ParsedFile(str(path), values, ignored=tuple(name for name in own if name not in PROJECT_RULES))
    return ParsedFile()


def _session(page: _Page, name: str, table: object) -> NamedSession:
    """Return a named session; it cannot have a provider's name, which would then be ambiguous."""
    inside = _Page(page.path, page.text, {}, f"sessions.{name}")
    if not isinstance(table, dict) or name in _providers():
        raise inside.wrong("")
    values = inside.read(table, SESSION_RULES)
    if values.get("provider") not in _providers():
        raise inside.wrong("provider")
    from ..catalog.entries import provider

    base_url = values.get("base_url", "")
    try:
        provider(values["provider"], base_url or None)
    except SettingsError as error:
        line = inside.line("base_url")
        raise SettingsError("settings.address", file=page.path, line=line, reason=error.phrase()) from None
    defaults = {key: value for key, value in values.items() if key in OPTION_DEFAULTS}
    key_variable, budget = values.get("key_variable", ""), values.get("budget")
    return NamedSession(values["provider"], base_url, key_variable, MappingProxyType(defaults), budget)


def _providers() -> Mapping[str, Any]:
    from ..catalog.entries import providers  # read lazily: most files name no provider

    return providers()


# ---- a file and its lines -----------------------------------------------------------------------------------------


def _text(path: Path, strict: bool = True) -> str | None:
    """Return a file's text, None if it does not exist, or, unless `strict`, if it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, UnicodeDecodeError) as error:
        if not strict:
            return None
        reason = reason_of(error) if isinstance(error, OSError) else Phrase("part.not_utf8", {})
        raise SettingsError("settings.unreadable", file=path, reason=reason) from None


def _parsed(path: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:  # brackets in brackets, thousands deep
        found = re.search(r"line (\d+)", str(error))
        line = int(found[1]) if found else len(text.splitlines())
        raise SettingsError("settings.no_toml", file=path, line=line, reason=_in_words(str(error))) from None


def _in_words(said: str) -> str:
    """Return what the parser says, by a phrase of ours where it says one of the usual things."""
    words = shorten(re.sub(r" \(at .*\)$", "", said))
    key = next((key for key, begins in SAID if words.startswith(begins)), "other")
    return Phrase(f"settings.toml.{key}", {"words": words})


@dataclass(frozen=True, slots=True)
class _Page:
    """One table of a file, with what it takes to name a line."""

    path: Path
    text: str = field(repr=False)
    data: Mapping[str, Any] = field(repr=False)
    table: str = ""

    def read(self, said: Mapping[str, Any], rules: Rules, known: tuple[str, ...] = ()) -> Mapping[str, Any]:
        """Return the values of a table, converted by their rules.

        Raises:
            SettingsError: a name has no rule, or its rule refuses the value.
        """
        for name in said.keys() - rules.keys():
            names, where = (*rules, *known), {"file": self.path, "line": self.line(name), "name": shorten(name)}
            suggestion = nearest(name, names)
            raise SettingsError("settings.unknown", **where, suggestion=suggestion, names=", ".join(names))
        return MappingProxyType({name: self._value(name, value, rules[name]) for name, value in said.items()})

    def _value(self, name: str, value: object, rule: Callable[[Any], Any]) -> Any:
        try:
            return rule(value)
        except (ValueError, TypeError, OptionError):
            raise self.wrong(name) from None

    def wrong(self, name: str) -> SettingsError:
        """Return the error for a value: what is accepted, without the value, which may be a misplaced key."""
        takes, line = Phrase(f"settings.takes.{name or 'sessions'}", {}), self.line(name)
        return SettingsError("settings.value", file=self.path, line=line, name=name or self.table, takes=takes)

    def line(self, name: str) -> int:
        """Return the line that sets a name in this table, else the table's line."""
        table, place = "", 0
        for number, text in enumerate(self.text.splitlines(), 1):
            if header := re.match(r"\s*\[([^\[\]]+)\]", text):
                table = header[1].strip().replace('"', "").replace("'", "")
                place = number if table == self.table else place
            elif table == self.table and name and re.match(rf"""\s*["']?{re.escape(name)}["']?\s*=""", text):
                return number
        return place or 1


# ---- rules ---------------------------------------------------------------------------------------------

Rules = Mapping[str, Callable[[Any], Any]]


def _option_rules() -> Iterator[tuple[str, Callable[[Any], Any]]]:
    """Yield a rule for each setting that is an option of a cell, too: it accepts what the option accepts."""
    options = {option.name: option for option in declared(VideoRequest, CellOptions)}
    for name in (*OPTION_DEFAULTS, "embed"):
        yield name, partial(read_value, options[name])


def _language(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[a-zA-Z]{2,3}([-_][A-Za-z0-9]+)*", value):
        raise ValueError
    return value


def _text_value(value: object) -> str:
    read: str = KINDS["text"](value)
    return read.strip()


def _variable(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", value):
        raise ValueError
    return value


_READERS: Rules = MappingProxyType(
    {
        **dict(_option_rules()),
        **dict.fromkeys(("provider", "base_url", "outputs"), _text_value),
        "key_variable": _variable,
        "budget": read_budget,
        "language": _language,
    }
)


def _rules(place: str) -> Rules:
    return MappingProxyType({name: _READERS[name] for name in names_in(place)})


USER_RULES, PROJECT_RULES, SESSION_RULES = _rules(USER), _rules(PROJECT), _rules(SESSION)
