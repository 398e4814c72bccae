"""The declaration of a `%wan` command: dispatch, help, Tab completion and the docs table are all made from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from ...errors import OptionError
from ...i18n.messages import tr
from ...i18n.suggestions import shorten

if TYPE_CHECKING:
    from ..shell_state import ShellState

# What Tab offers for a word: ids of jobs, providers and sessions, models, commands; "" for text of the user's own.
Kind = Literal["", "job", "live_job", "service", "model", "command"]


@dataclass(frozen=True, slots=True)
class Argument:
    """A word that a command takes, or the value of a flag.

    Attributes:
        metavar: its name in usage lines.
        kind: what Tab offers for it.
        choices: fixed words that Tab offers for it.
        required: whether the command needs it; this only changes the usage line, the command itself reports the error.
        repeats: whether any number of such words may follow (the last argument of a command only).
    """

    metavar: str
    kind: Kind = ""
    choices: tuple[str, ...] = ()
    required: bool = False
    repeats: bool = False

    @property
    def usage(self) -> str:
        """The word in a usage line."""
        text = f"{self.metavar} …" if self.repeats else self.metavar
        return text if self.required else f"[{text}]"


@dataclass(frozen=True, slots=True)
class Flag:
    """A flag of a command.

    Attributes:
        name: as typed, with its dashes.
        help_key: the message that explains it.
        value: its value, None if it takes none.
        default: the value where none is typed, "" if one is required; then only a number is taken as its value.
    """

    name: str
    help_key: str
    value: Argument | None = None
    default: str = ""

    @property
    def parameter(self) -> str:
        """The keyword of the command's function."""
        return self.name.removeprefix("--").replace("-", "_")

    @property
    def usage(self) -> str:
        """The flag in a usage line, without brackets."""
        if self.value is None:
            return self.name
        return f"{self.name} {f'[{self.value.metavar}]' if self.default else self.value.metavar}"

    def takes(self, word: str) -> bool:
        """Return whether the word that follows the flag is its value."""
        return self.value is not None and (not self.default or word.isdecimal())


@dataclass(frozen=True, slots=True)
class CommandWords:
    """What follows a command's name, sorted; mistakes are kept, not raised.

    Attributes:
        words: words that are neither flags nor their values.
        values: values by flag name, "" where there is none.
        waiting: the flag whose value comes next, if any.
        unknown: the first flag that the command does not have, or "".
    """

    words: tuple[str, ...]
    values: Mapping[str, str]
    waiting: Flag | None
    unknown: str


@dataclass(frozen=True, slots=True)
class CommandSpec:
    """One command of `%wan`.

    Attributes:
        name: the word after `%wan`.
        run: called with the shell's state, the words, and the flags as keywords; its result is that of the line.
        words: the words it takes, in their order.
        flags: the flags it takes, in any place.
        help_key: the message that explains it in one sentence.
        guard: raises if a word may be a secret; called before anything else is checked.
    """

    name: str
    run: Callable[..., Any]
    words: tuple[Argument, ...] = ()
    flags: tuple[Flag, ...] = ()
    help_key: str = ""
    guard: Callable[[ShellState, Sequence[str]], None] | None = None

    @property
    def usage(self) -> str:
        """How it is typed: `%wan adopt TASK_ID [MODEL]`."""
        parts = [word.usage for word in self.words] + [f"[{flag.usage}]" for flag in self.flags]
        return " ".join(["%wan", self.name, *parts])

    @property
    def help(self) -> str:
        """What it does, in one sentence of the language in force."""
        return tr(self.help_key)

    def flag(self, name: str) -> Flag | None:
        """Return a flag by its name."""
        return next((flag for flag in self.flags if flag.name == name), None)

    def argument(self, index: int) -> Argument | None:
        """Return the argument that the word at an index (from 0) is, None for a surplus word."""
        last = self.words[-1] if self.words else None
        return self.words[index] if index < len(self.words) else last if last and last.repeats else None

    def read(self, typed: Iterable[str]) -> CommandWords:
        """Sort words, flags and values; a value follows its flag as the next word or after `=`."""
        words: list[str] = []
        values: dict[str, str] = {}
        waiting: Flag | None = None
        unknown = ""
        for word in typed:
            if not word.startswith("--"):
                if waiting is not None and waiting.takes(word):
                    values[waiting.name] = word
                else:
                    words.append(word)
                waiting = None
                continue
            name, _, value = word.partition("=")
            flag = self.flag(name)
            if flag is None:
                unknown, waiting = unknown or name, None
                continue
            values[name] = value if flag.value else ""
            waiting = flag if flag.value and not value else None
            words += [value] if value and not flag.value else []
        return CommandWords(tuple(words), MappingProxyType(values), waiting, unknown)

    def refuse_secrets(self, state: ShellState, typed: Sequence[str]) -> None:
        """Let the command refuse words that must not be shown, before an error or help could quote them."""
        if self.guard is not None:
            self.guard(state, self.read(typed).words)

    def call(self, state: ShellState, typed: Sequence[str]) -> Any:
        """Run the command.

        Raises:
            OptionError: a flag is unknown or lacks its value, or there is a surplus word.
        """
        given = self.read(typed)
        self._check(given)
        flags = {flag.parameter: self._value(flag, given) for flag in self.flags if flag.name in given.values}
        return self.run(state, *given.words, **flags)

    def _check(self, given: CommandWords) -> None:
        if given.unknown:
            names = ", ".join(flag.name for flag in self.flags) or HELP_FLAGS[0]
            raise OptionError("option.unknown_here", name=shorten(given.unknown), names=names)
        if given.words and self.argument(len(given.words) - 1) is None:
            raise OptionError("command.too_many", name=self.name, value=shorten(given.words[-1]))

    @staticmethod
    def _value(flag: Flag, given: CommandWords) -> str | bool:
        if flag.value is None:
            return True
        value = given.values[flag.name] or flag.default
        if not value:
            raise OptionError("option.needs_value", flag=flag.name, metavar=flag.value.metavar)
        return value


HELP_FLAGS = ("--help", "-h")
