"""Write the generated tables of the README and the documentation: `python -m tools.generate_tables`.

A page marks the place of a table with `<!-- NAME -->` and `<!-- /NAME -->`. `tests/test_docs.py` fails while a table
is not up to date.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from wan_jupyter.catalog.entries import Model, models
from wan_jupyter.catalog.plan import Provider, providers
from wan_jupyter.catalog.validate import spans
from wan_jupyter.config.setting_names import PROJECT, SESSION, USER, names_in
from wan_jupyter.errors import JobFailed, JobUncertain, ModelError, Problem, WanError
from wan_jupyter.errors.kinds import ADVICE
from wan_jupyter.i18n.messages import ENGLISH, catalogue, tr
from wan_jupyter.media.image.conversion import Bounds
from wan_jupyter.media.image.pixels import FORMATS
from wan_jupyter.notebook.commands import SPECS
from wan_jupyter.notebook.commands.spec import CommandSpec
from wan_jupyter.notebook.commands.usage import usage_of
from wan_jupyter.protocols import dashscope_errors as codes
from wan_jupyter.protocols import new_api, openai_videos
from wan_jupyter.protocols.responses import Errors
from wan_jupyter.request.command_line import spellings
from wan_jupyter.request.options import CellOptions, VideoRequest, declared

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PAGES = (README, *sorted((ROOT / "docs").rglob("*.md")))

SOURCES: Mapping[str, Errors] = {
    "Model Studio, and gateways in front of it": codes.STUDIO,
    "Gateways": new_api.OWN,
    "Your own servers": openai_videos.ERRORS,
}
KEYS: Mapping[str, str] = {
    "built-in": "none needed",
    "none": "none needed",
    "optional": "optional: `WAN_API_KEY`, keyring",
    "required": "`WAN_API_KEY`, keyring",
}
# Problems that the client detects itself: in which situation, and whether another attempt can help.
DETECTED: Mapping[str, tuple[str, bool]] = {
    "unknown": ("any other code", False),
    "no_reason": ("no code at all", False),
    "operator": ("a code that concerns the gateway's own account", False),
    "connection": ("no connection", True),
    "unreadable": ("an undocumented response", False),
    "upload": ("the upload of a picture fails", True),
    "no_storage": ("the service has no storage for pictures", False),
    "storage": ("the download of a video fails", True),
    "canceled": ("canceled", True),
    "expired": ("`UNKNOWN`", True),
    "lost": ("the server no longer knows the job", True),
    "uncertain": ("no answer, or HTTP 5xx, to a submit", False),
    "recognising": ("the same, while the service's task list is searched", False),
    "no_trace": ("the same, and the list has no such task", True),
    "several": ("the same, and several tasks could be it", False),
}
# Each conversion, in the order in which they are applied, and the pictures that need it.
CONVERSIONS: Mapping[str, str] = {
    "rotation": "rotated by an EXIF tag",
    "alpha": "with transparency",
    "format": ", ".join(name for name, mime in FORMATS.items() if mime not in Bounds().formats),
    "scaled": "more pixels than the model accepts",
    "weight": "more megabytes than the model accepts",
}
SAMPLE: Mapping[str, str] = {
    "label": "cat", "was": "image/gif", "mime": "image/png", "old": "9000x4500", "new": "8000x4000",
    "megabytes": "31.5", "now": "4.2",
}  # fmt: skip
# Every environment variable that the package reads itself.
VARIABLES: Mapping[str, str] = {
    "WAN_PROVIDER": "provider or named session to use when neither the cell nor `%wan use` names one",
    "WAN_BASE_URL": "base URL of the provider in `WAN_PROVIDER`, or of a provider that has no address of its own",
    "WAN_API_KEY": "API key of the provider in `WAN_PROVIDER`; without that variable, of the non-DashScope provider "
    "that you name in code",
    "DASHSCOPE_API_KEY": "API key of the `dashscope-*` providers",
    "WAN_MODEL": "default model",
    "WAN_HOME": "folder for the journal, settings and working files; by default the user data folder",
    "WAN_LANG": "language of messages: `en`, `ko`, `zh` or `ja`; by default that of the settings, then of the system",
    "WAN_SHARED_KEY": "set to `1` if other programs use the same key: a task in the service's list is then never "
    "attributed to an uncertain job automatically",
    "WAN_EMULATOR_SPEED": "divides the 6 seconds that a task takes on the built-in emulator (default 1)",
    "WAN_EMULATOR_CLIP_SECONDS": "length of every clip of the built-in emulator; by default as requested",
}


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """Return a Markdown table."""
    head = list(head)
    lines = (f"| {' | '.join(str(cell) for cell in cells)} |" for cells in (head, ["---"] * len(head), *rows))
    return "\n".join(lines) + "\n"


def escaped(text: str) -> str:
    """Return a text that may stand in a table cell."""
    return text.replace("|", "\\|")


def code(text: str) -> str:
    """Return a text as code in a table cell; GitHub and Python-Markdown do not agree on how to escape `|` there."""
    return f"<code>{html.escape(text).replace('|', '&#124;')}</code>" if "|" in text else f"`{text}`"


# ---- options, commands, settings ----------------------------------------------------------------------------------


def options_table() -> str:
    """Return the options of a cell, from their two declarations."""
    return table(("option", "Python keyword", "what it does"), (_option(option) for option in _options()))


def _options() -> Iterator[tuple[object, str]]:
    request, cell = declared(VideoRequest), declared(CellOptions)
    yield from ((option, f"`{option.name}`") for option in request)
    yield from ((option, f"`{option.name}`" if option.name in IN_PYTHON else "") for option in cell)


IN_PYTHON = frozenset({"new", "budget", "yes"})  # what `Session.submit` takes of a cell's own options


def _option(pair: tuple[object, str]) -> tuple[str, str, str]:
    option, keyword = pair
    by_field = [f"`{flag}`" for flag, spelling in spellings().items() if spelling.option == option]
    value = f" {code(option.option.metavar)}" if option.option.metavar else ""
    return f"{', '.join(by_field)}{value}", keyword, escaped(option.help)


def commands_table() -> str:
    """Return the commands of `%wan`, as `%wan help` lists them."""
    return table(("command", "what it does"), ((code(usage_of(spec)), _command_help(spec)) for spec in SPECS))


def _command_help(spec: CommandSpec) -> str:
    """Return what a command does, then its flags, a line each."""
    flags = (f"{code(flag.usage)}: {escaped(tr(flag.help_key))}" for flag in spec.flags)
    return "<br>".join([escaped(spec.help), *flags])


def config_table() -> str:
    """Return the `%config WanMagics` settings, with their values and defaults."""
    from wan_jupyter.notebook.magics import WanMagics

    traits = WanMagics.class_own_traits(config=True)
    return table(("`%config WanMagics.…`", "default", "what it does"), (_trait(*item) for item in traits.items()))


def _trait(name: str, trait: object) -> tuple[str, str, str]:
    values = ", ".join(f"`{value}`" for value in getattr(trait, "values", None) or () if value)
    default = trait.default()
    shown = "" if default in ("", None) else f"`{default:g}`" if isinstance(default, float) else f"`{default}`"
    text = escaped(tr(f"config.{name}"))
    return f"`{name}`", shown, f"{text} Values: {values}." if values else text


def settings_table() -> str:
    """Return what a settings file may contain, and where."""
    places = {"settings.toml": USER, "[sessions.NAME]": SESSION, "[tool.wan_jupyter]": PROJECT}
    rights = [names_in(place) for place in places.values()]
    names = dict.fromkeys((*names_in(SESSION), *names_in(USER)))
    rows = (
        (f"`{name}`", escaped(tr(f"settings.takes.{name}")), *("yes" if name in allowed else "" for allowed in rights))
        for name in names
    )
    return table(("setting", "value", *(f"`{place}`" for place in places)), rows)


def environment_table() -> str:
    """Return the environment variables."""
    return table(("variable", "meaning"), ((f"`{name}`", text) for name, text in VARIABLES.items()))


# ---- the catalogue ------------------------------------------------------------------------------------------------


def providers_table() -> str:
    """Return the providers with the source of each key, for the README."""
    rows = ((f"`{each.name}`", each.title, _key_of(each)) for each in providers().values())
    return table(("provider", "service", "key"), rows)


def addresses_table() -> str:
    """Return the providers with all that the catalogue says of them."""
    head = ("provider", "service", "base URL", "protocol", "default models", "polls every")
    return table(head, (_address(each) for each in providers().values()))


def _address(provider: Provider) -> tuple[str, ...]:
    base_url = "in this kernel" if provider.emulated else f"`{provider.base_url}`" if provider.base_url else "yours"
    protocol = f"`{provider.protocol}`" + (f" ({provider.dialect})" if provider.dialect else "")
    by_model: dict[str, list[str]] = {}
    for mode, model in provider.defaults.items():
        by_model.setdefault(model, []).append(tr(f"models.mode.{mode}"))
    defaults = "; ".join(f"`{model}`: {', '.join(modes)}" for model, modes in by_model.items())
    interval = " to ".join(f"{seconds:g}" for seconds in dict.fromkeys(provider.poll))
    return f"`{provider.name}`", provider.title, base_url, protocol, defaults, f"{interval} s"


def _key_of(provider: Provider) -> str:
    own = [f"`{name}`" for name in (*provider.key_variables, provider.key_file) if name]
    return f"{', '.join(own)}, keyring" if own else KEYS[provider.key]


def models_table() -> str:
    """Return the models and what each can do."""
    head = ("model", "input", "resolutions", "seconds", "sound", "options", "regions")
    return table(head, (_model(model) for model in models().values()))


def _model(model: Model) -> tuple[str, ...]:
    return (
        f"`{model.id}`",
        ", ".join(tr(f"models.mode.{mode}") for mode in model.modes),
        " ".join(model.resolutions),
        spans(model.durations) if model.durations else "",
        "yes" if model.sound else "no",
        ", ".join(f"`{field}`" for field in model.fields),
        ", ".join(model.regions),
    )


def prices_table() -> str:
    """Return every price row, with the day on which it was seen."""
    head = ("model", "tariff", "resolution", "sound", "price per second", "seen")
    sound = {True: "with", False: "without"}
    rows = (
        (f"`{model.id}`", price["tariff"], price["resolution"], sound.get(price.get("sound"), ""),
         f"{price['per_second']:g} {price['currency']}", price["seen"])
        for model in models().values() for price in model.prices
    )  # fmt: skip
    return table(head, rows)


# ---- pictures and errors ------------------------------------------------------------------------------------------


def pictures_table() -> str:
    """Return which pictures are sent unchanged, and what the card says of those that are converted."""
    unchanged = ", ".join(name for name, mime in FORMATS.items() if mime in Bounds().formats)
    names = [key.rpartition("_")[2] for key in catalogue(ENGLISH) if key.startswith("remark.repaired_")]
    rows = ((CONVERSIONS[name], f"“{_remark(name)}”") for name in sorted(names, key=list(CONVERSIONS).index))
    return table(("picture", "what is sent"), ((unchanged, "the file, byte for byte"), *rows))


def _remark(name: str) -> str:
    values = {**SAMPLE, **({"mime": "image/jpeg"} if name == "weight" else {})}
    return tr(f"remark.repaired_{name}", **values)


def errors_table() -> str:
    """Return the error codes, from the protocols' tables and the table of kinds."""
    head = ("code", "what happened", "billed?", "what to do", "retry helps?")
    rows: list[tuple[str, ...]] = []
    for source, kinds in SOURCES.items():
        rows += [(f"**{source}**", "", "", "", ""), *(_error(*row) for row in _by_kind(kinds))]
    rows += [("**Detected by the client**", "", "", "", "")]
    rows += [_error(situation, kind, again) for kind, (situation, again) in DETECTED.items()]
    return table(head, rows)


def _by_kind(errors: Errors) -> Iterator[tuple[str, str, bool]]:
    """Yield the codes that mean the same, in the order of the table."""
    for kind, again in dict.fromkeys(errors.values()):
        yield ", ".join(f"`{code}`" for code, meant in errors.items() if meant == (kind, again)), kind, again


def _error(situation: str, kind: str, again: bool) -> tuple[str, ...]:
    happened, advice = (escaped(tr(f"{family}.{kind}", id="ID")) for family in ("happened", "advice"))
    money = ADVICE[kind]
    billed = f"{money.billed}; in answer to a submit, maybe" if money.unsure else money.billed
    return situation, happened, billed, advice, "yes" if again else "no"


def failures() -> str:
    """Return three errors as a notebook shows them, for the README."""
    moderation = Problem("DataInspectionFailed", "Input data may contain inappropriate content.", "…", 0, "moderation")
    lost = Problem("lost_answer", "ReadError", advice="uncertain")
    errors: tuple[WanError, ...] = (
        ModelError("model.duration", model="wan2.6-i2v-flash", value=99, choices="2 to 15"),
        JobFailed("job.failed", problem=moderation, id="k3x9q"),
        JobUncertain("job.uncertain", problem=lost, id="k3x9q"),
    )
    return "\n".join("\n".join(("```text", *error.lines(), "```", "")) for error in errors)


TABLES: Mapping[str, Callable[[], str]] = {
    "options": options_table,
    "commands": commands_table,
    "config": config_table,
    "settings table": settings_table,
    "environment": environment_table,
    "providers": providers_table,
    "addresses": addresses_table,
    "models": models_table,
    "prices": prices_table,
    "pictures": pictures_table,
    "errors": errors_table,
    "failures": failures,
}


def with_tables(text: str) -> str:
    """Return a page's text with its tables filled in."""
    for name, made in TABLES.items():
        start, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
        before, found, rest = text.partition(start)
        if found:
            text = f"{before}{start}\n{made()}\n{end}{rest.partition(end)[2]}"
    return text


if __name__ == "__main__":
    for page in PAGES:
        page.write_text(with_tables(page.read_text(encoding="utf-8")), encoding="utf-8")
