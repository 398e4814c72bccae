"""The candidates for a word: options and their values, pictures, commands, jobs.

Options come from `spellings()`, models and providers from the catalogue, commands from their `CommandSpec`s; everything
else is asked of the `CompletionContext`, and only when it is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from ...request.command_line import DASHES, MAX_IMAGES, PartialLine, PartialWord, SplitLine, read_partial, spellings
from ..picture_sources import files, pictures

if TYPE_CHECKING:
    from ...catalog.plan import Model, Provider
    from ...request.options import Declared
    from ..commands.spec import Argument, CommandSpec

Offer = tuple[str, str]  # text and kind
Offers = tuple[PartialWord, Iterator[Offer]]  # the word that they replace, and what replaces it


@dataclass(frozen=True, slots=True)
class CompletionContext:
    """The state that candidates come from, apart from options and the catalogue.

    Attributes:
        folder: where relative names of pictures begin.
        names: the user's variables.
        commands: the commands of `%wan` by name, in the order of help.
        provider: the provider of a session or provider by name; "" is the one in use.
        model: the user's own default model there, "" if there is none.
        sessions: the names that `--session` and `%wan use` take besides the providers'.
        jobs: ids, newest first, each with whether the job is unfinished.
    """

    folder: Path
    names: Mapping[str, object] = field(default_factory=dict, repr=False)
    commands: Callable[[], Mapping[str, CommandSpec]] = dict
    provider: Callable[[str], str] = str
    model: Callable[[str], str] = lambda _: ""
    sessions: Callable[[], Iterable[str]] = tuple
    jobs: Callable[[], Iterable[tuple[str, bool]]] = tuple


# ---- %%wan --------------------------------------------------------------------------------------------------------


def cell(split: SplitLine, context: CompletionContext) -> Offers:
    """Return what can follow `%%wan`."""
    line = read_partial(split)
    word = line.word
    if word.flag or line.waiting is not None:
        values = _values(line.waiting, line, context) if line.waiting else ()
        return word, _matching(word.text, values)
    if word.text[:1] in tuple(DASHES) and not word.quote and not line.ended:
        return word, _flags(word.text, line)
    return word, _pictures(line, context)


def _pictures(line: PartialLine, context: CompletionContext) -> Iterator[Offer]:
    """Offer files, folders and variables; before anything is typed, options as well."""
    word = line.word
    if len(line.images) < MAX_IMAGES:
        if not word.text.startswith("$"):
            yield from files(word.text, context.folder)
        if not word.quote and word.text[:1] in ("", "$"):
            yield from _matching(word.text, pictures(context.names))
    if not word.text and not word.quote and not line.ended:
        yield from _flags("--", line)


def _flags(typed: str, line: PartialLine) -> Iterator[Offer]:
    """Offer the options that begin with the word and are not in the line yet, long spellings first."""
    fitting = [
        flag
        for flag, spelling in spellings().items()
        if flag.startswith(typed) and (spelling.option.name not in line.asked or spelling.option.option.kind == "pairs")
    ]
    return ((flag, "option") for flag in sorted(fitting, key=lambda flag: not flag.startswith("--")))


def _values(option: Declared, line: PartialLine, context: CompletionContext) -> Iterator[Offer]:
    """Offer the values of an option, as far as they are known."""
    known = VALUES.get(option.name)
    texts = known(line, context) if known else option.option.choices
    return ((text, "value") for text in texts)


def _durations(line: PartialLine, context: CompletionContext) -> Iterable[str]:
    model = _model(line, context)
    return [*(str(seconds) for seconds in model.durations), *(["-1"] if model.smart else [])]


def _resolutions(line: PartialLine, context: CompletionContext) -> Iterable[str]:
    from ...catalog.order import TIERS

    return _model(line, context).resolutions or tuple(TIERS)


def _sizes(line: PartialLine, context: CompletionContext) -> Iterable[str]:
    from ...catalog.order import TIERS

    sides = [TIERS[tier] for tier in _resolutions(line, context) if tier in TIERS]
    return [f"{wide}x{high}" for side in sides for wide, high in (side, side[::-1])]


def _models(line: PartialLine, context: CompletionContext) -> Iterable[str]:
    """Return all models, those of the provider first."""
    from ...catalog import plan

    provider = _provider(line, context)
    offered = [model.id for model in plan.models().values() if provider.offers(model)]
    return dict.fromkeys((*provider.models, *offered, *plan.models()))


def _model(line: PartialLine, context: CompletionContext) -> Model:
    """Return the model that the line names, or the default one, with the limits of its provider."""
    from ...catalog import plan

    provider = _provider(line, context)
    default = provider.defaults.get("first_last" if len(line.images) > 1 else "first", "")
    model = plan.model(line.asked.get("model") or context.model(_service(line)) or default, provider.protocol)
    differs = {
        "durations": model.durations_at.get(provider.region, model.durations),
        **provider.models.get(model.id, {}),
    }
    return replace(model, **differs)


def _provider(line: PartialLine, context: CompletionContext) -> Provider:
    from ...catalog import plan

    providers, name = plan.providers(), _service(line)
    return providers.get(context.provider(name)) or providers.get(name) or providers[plan.EMULATOR]


def _service(line: PartialLine) -> str:
    return line.asked.get("session") or line.asked.get("provider") or ""


def _providers(line: PartialLine, context: CompletionContext) -> Iterable[str]:
    from ...catalog import plan

    del line, context
    return plan.providers()


VALUES: Mapping[str, Callable[[PartialLine, CompletionContext], Iterable[str]]] = MappingProxyType(
    {
        "model": _models,
        "duration": _durations,
        "resolution": _resolutions,
        "size": _sizes,
        "template": lambda line, context: _model(line, context).templates,
        "provider": _providers,
        "session": lambda _, context: _services(context),
    }
)


# ---- %wan ---------------------------------------------------------------------------------------------------------


def command(split: SplitLine, context: CompletionContext) -> Offers:
    """Return what can follow `%wan`: a command, then the words and flags that it takes."""
    name, *typed = [word.text for word in split.before] or [""]
    if not name:
        return split.word, _matching(split.word.text, ((name, "command") for name in context.commands()))
    spec = context.commands().get(name)
    return _command_words(spec, typed, split.word, context) if spec else (split.word, iter(()))


def _command_words(spec: CommandSpec, typed: list[str], word: PartialWord, context: CompletionContext) -> Offers:
    """Return the candidates for a word of a command: the value of a flag, else a word or a flag not typed yet."""
    given = spec.read(typed)
    name, equals, value = word.text.partition("=")
    if equals and not word.quote and spec.flag(name):
        word = word.value_of(name, value)
    if word.flag:
        flag = spec.flag(word.flag)
        return word, _matching(word.text, _argument(flag.value if flag else None, context))
    if given.waiting is not None and not given.waiting.default:
        return word, _matching(word.text, _argument(given.waiting.value, context))
    offers: list[Offer] = []
    if not word.text.startswith("-"):
        offers += _argument(spec.argument(len(given.words)), context)
    if not word.quote and word.text[:1] in ("", "-"):
        offers += [(flag.name, "option") for flag in spec.flags]
    return word, _matching(word.text, (offer for offer in offers if offer[0] not in (*given.words, *given.values)))


def _argument(argument: Argument | None, context: CompletionContext) -> Iterable[Offer]:
    """Return the candidates for a word that a command takes, or the value of a flag."""
    if argument is None:
        return ()
    known = KINDS.get(argument.kind)
    kind = "job" if argument.kind in ("job", "live_job") else "value"
    return [(text, kind) for text in (known(context) if known else argument.choices)]


def _jobs(context: CompletionContext) -> Iterable[str]:
    return [id_ for id_, _ in context.jobs()]


def _live_jobs(context: CompletionContext) -> Iterable[str]:
    return [id_ for id_, live in context.jobs() if live]


def _services(context: CompletionContext) -> Iterable[str]:
    from ...catalog import plan

    return dict.fromkeys((*context.sessions(), *plan.providers()))


# What a word of a command is, to its candidates.
KINDS: Mapping[str, Callable[[CompletionContext], Iterable[str]]] = MappingProxyType(
    {
        "job": _jobs,
        "live_job": _live_jobs,
        "service": _services,
        "model": lambda context: _models(PartialLine(), context),
        "command": lambda context: context.commands(),
    }
)


def _matching(typed: str, offers: Iterable[Offer]) -> Iterator[Offer]:
    """Yield the offers that begin with the word, in any case."""
    prefix = typed.casefold()
    return (offer for offer in offers if offer[0].casefold().startswith(prefix))
