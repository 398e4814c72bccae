"""What there is to offer for a word: options, their values, pictures, commands, jobs.

Everything that is not said by `options.spellings()` or the catalogue's rows is asked of `Facts`, and only where it is
wanted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from ...request.command_line import DASHES, MAX_IMAGES, spellings
from ..picture_sources import files, pictures
from .partial_line import PartialLine, Token, Words, is_option, read, spelling

if TYPE_CHECKING:
    from ...catalog.plan import Model, Provider
    from ...request.options import Declared

Offer = tuple[str, str]  # text and kind


@dataclass(frozen=True, slots=True)
class CompletionContext:
    """What there is to offer beside options and models.

    Attributes:
        folder: where relative names of pictures begin.
        names: the user's variables.
        commands: the words that may follow `%wan`.
        flags: by command, the flags that may follow it.
        provider: the provider of a session or provider by name, "" being the one in use.
        model: the user's own default model there, "" where there is none.
        sessions: names that `--session` and `%wan use` take, beside the providers'.
        jobs: ids with whether each is under way, the newest first.
    """

    folder: Path
    names: Mapping[str, object] = field(default_factory=dict, repr=False)
    commands: Iterable[str] = ()
    flags: Mapping[str, Iterable[str]] = field(default_factory=dict)
    provider: Callable[[str], str] = str
    model: Callable[[str], str] = lambda _: ""
    sessions: Callable[[], Iterable[str]] = tuple
    jobs: Callable[[], Iterable[tuple[str, bool]]] = tuple


# ---- %%wan --------------------------------------------------------------------------------------------------------


def cell(words: Words, token: Token, here: CompletionContext) -> Iterator[Offer]:
    """Offer what may follow `%%wan`."""
    said = _all_said(words, token)
    meant = spelling(token.flag) if token.flag else None
    row = meant.row if meant else said.waiting
    begins_option = not token.quote and is_option(token.text)
    if token.flag or (row is not None and not begins_option):
        return _matching(token.text, _values(row, said, here)) if row else iter(())
    if token.text[:1] in tuple(DASHES) and not token.quote and not said.ended:
        return _flags(token.text, said)
    return _plain(token, said, here)


def _all_said(words: Words, token: Token) -> PartialLine:
    """Return what the whole line says but for the word at the cursor: a model may be named behind it."""
    before, behind = read(words), read(token.behind)
    return replace(before, plain=before.plain + behind.plain, asked={**behind.asked, **before.asked})


def _plain(token: Token, said: PartialLine, here: CompletionContext) -> Iterator[Offer]:
    """Offer pictures: files, folders, variables; and the options, where nothing is typed yet."""
    if len(said.plain) < MAX_IMAGES:
        if not token.text.startswith("$"):
            yield from files(token.text, here.folder)
        if not token.quote and token.text[:1] in ("", "$"):
            yield from _matching(token.text, pictures(here.names))
    if not token.text and not token.quote and not said.ended:
        yield from _flags("--", said)


def _flags(begun: str, said: PartialLine) -> Iterator[Offer]:
    """Offer the options that begin so and were not typed yet, the long spellings first."""
    fitting = [
        flag
        for flag, meant in spellings().items()
        if flag.startswith(begun) and (meant.row.name not in said.asked or meant.row.option.kind == "pairs")
    ]
    return ((flag, "option") for flag in sorted(fitting, key=lambda flag: not flag.startswith("--")))


def _values(row: Declared, said: PartialLine, here: CompletionContext) -> Iterator[Offer]:
    """Offer the values of an option, as far as they can be told."""
    known = VALUES.get(row.name)
    texts = known(said, here) if known else row.option.choices
    return ((text, "value") for text in texts)


def _durations(said: PartialLine, here: CompletionContext) -> Iterable[str]:
    row = _model(said, here)
    return [*(str(seconds) for seconds in row.durations), *(["-1"] if row.smart else [])]


def _resolutions(said: PartialLine, here: CompletionContext) -> Iterable[str]:
    from ...catalog.order import TIERS

    return _model(said, here).resolutions or tuple(TIERS)


def _sizes(said: PartialLine, here: CompletionContext) -> Iterable[str]:
    from ...catalog.order import TIERS

    sides = [TIERS[tier] for tier in _resolutions(said, here) if tier in TIERS]
    return [f"{wide}x{high}" for one in sides for wide, high in (one, one[::-1])]


def _models(said: PartialLine, here: CompletionContext) -> Iterable[str]:
    """Return the models, first those that the provider has."""
    from ...catalog import plan

    where = _provider(said, here)
    had = [row.id for row in plan.models().values() if where.offers(row)]
    return dict.fromkeys((*where.models, *had, *plan.models()))


def _model(said: PartialLine, here: CompletionContext) -> Model:
    """Return the row of the model that the line names, else of the default one, as it is at its provider."""
    from ...catalog import plan

    where = _provider(said, here)
    usual = where.defaults.get("first_last" if len(said.plain) > 1 else "first", "")
    row = plan.model(said.asked.get("model") or here.model(_service(said)) or usual, where.protocol)
    differs = {"durations": row.durations_at.get(where.region, row.durations), **where.models.get(row.id, {})}
    return replace(row, **differs)


def _provider(said: PartialLine, here: CompletionContext) -> Provider:
    from ...catalog import plan

    rows = plan.providers()
    return rows.get(here.provider(_service(said))) or rows.get(_service(said)) or rows[plan.EMULATOR]


def _service(said: PartialLine) -> str:
    return said.asked.get("session") or said.asked.get("provider") or ""


def _providers(said: PartialLine, here: CompletionContext) -> Iterable[str]:
    from ...catalog import plan

    del said, here
    return plan.providers()


VALUES: Mapping[str, Callable[[PartialLine, CompletionContext], Iterable[str]]] = MappingProxyType(
    {
        "model": _models,
        "duration": _durations,
        "resolution": _resolutions,
        "size": _sizes,
        "template": lambda said, here: _model(said, here).templates,
        "provider": _providers,
        "session": lambda _, here: [name for name, _ in _services(here)],
    }
)


# ---- %wan ---------------------------------------------------------------------------------------------------------


def command(words: Words, token: Token, here: CompletionContext) -> Iterator[Offer]:
    """Offer what may follow `%wan`: a command, then what that one takes."""
    before = [text for text, _ in words]
    if not before:
        return _matching(token.text, ((name, "command") for name in here.commands))
    name, *typed = before
    flags = tuple(here.flags.get(name, ()))
    asked = token.flag or (typed[-1] if typed and typed[-1] in flags else "")
    if asked in FOLLOWS:
        return _matching(token.text, FOLLOWS[asked](here))
    offers = [(flag, "option") for flag in flags] if not token.quote and not token.flag else []
    if not token.text.startswith("-"):
        plain = [
            word for at, word in enumerate(typed) if word not in flags and (at == 0 or typed[at - 1] not in FOLLOWS)
        ]
        offers = [*_words(name, len(plain), here), *(offers if not token.text else [])]
    return _matching(token.text, (offer for offer in offers if offer[0] not in typed))


def _words(name: str, count: int, here: CompletionContext) -> Iterable[Offer]:
    """Return what a command takes behind so many words."""
    sources = TAKES.get(name, ())
    place = min(count, len(sources) - 1) if name in MANY else count
    return sources[place](here) if 0 <= place < len(sources) else ()


def _jobs(here: CompletionContext) -> Iterable[Offer]:
    return [(id_, "job") for id_, _ in here.jobs()]


def _live_jobs(here: CompletionContext) -> Iterable[Offer]:
    return [(id_, "job") for id_, live in here.jobs() if live]


def _services(here: CompletionContext) -> Iterable[Offer]:
    from ...catalog import plan

    return [(name, "value") for name in dict.fromkeys((*here.sessions(), *plan.providers()))]


def _known_models(here: CompletionContext) -> Iterable[Offer]:
    return [(name, "value") for name in _models(NOTHING, here)]


def _composed(here: CompletionContext) -> Iterable[Offer]:
    del here
    return [("cell", "value")]


def _spans(here: CompletionContext) -> Iterable[Offer]:
    from ...billing.budget import SINCE

    del here
    return [(word, "value") for word in SINCE]


def _days(here: CompletionContext) -> Iterable[Offer]:
    from ..commands.history import DAYS

    del here
    return [(word, "value") for word in DAYS]


def _nothing(here: CompletionContext) -> Iterable[Offer]:
    del here
    return ()


Source = Callable[[CompletionContext], Iterable[Offer]]
NOTHING = PartialLine((), MappingProxyType({}), None, False)
# Command to what its words are, one after another.
TAKES: Mapping[str, tuple[Source, ...]] = MappingProxyType(
    {
        "use": (_services,),
        "doctor": (_services,),
        "login": (_services,),
        "logout": (_services,),
        "models": (_known_models,),
        "compose": (_composed,),
        "adopt": (_nothing, _known_models),
        "spend": (_spans,),
        "show": (_jobs,),
        "wait": (_live_jobs,),
        "cancel": (_live_jobs,),
        "retry": (_jobs,),
        "frame": (_jobs,),
        "export": (_jobs,),
        "compare": (_jobs,),
        "concat": (_jobs,),
    }
)
# Flag of a command to what its value is.
FOLLOWS: Mapping[str, Source] = MappingProxyType({"--since": _days, "--model": _known_models, "--limit": _nothing})
MANY = frozenset({"wait", "compare", "concat"})  # the last word's kind comes any number of times


def _matching(typed: str, offers: Iterable[Offer]) -> Iterator[Offer]:
    """Yield the offers that begin with what is typed, whatever the case."""
    begun = typed.casefold()
    return (offer for offer in offers if offer[0].casefold().startswith(begun))
