"""The generated parts of the README: `python tests/readme.py` writes them anew, `test_readme` says when that is due."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from wan_jupyter.catalog.plan import Provider, providers
from wan_jupyter.errors.kinds import ADVICE
from wan_jupyter.i18n.messages import ENGLISH, catalogue, tr
from wan_jupyter.media.image.conversion import Bounds
from wan_jupyter.media.image.pixels import FORMATS
from wan_jupyter.protocols import dashscope_errors as codes
from wan_jupyter.protocols import new_api, openai_videos
from wan_jupyter.protocols.responses import Errors
from wan_jupyter.request.command_line import spellings
from wan_jupyter.request.options import CellOptions, VideoRequest, declared

README = Path(__file__).parents[2] / "README.md"
SOURCES: Mapping[str, Errors] = {
    "Model Studio, and gateways in front of it": codes.STUDIO,
    "gateways": new_api.OWN,
    "servers of your own": openai_videos.ERRORS,
}
KEYS: Mapping[str, str] = {
    "built-in": "none needed",
    "none": "none needed",
    "optional": "`WAN_API_KEY`, keyring; not needed",
    "required": "`WAN_API_KEY`, keyring",
}
# What is noticed here, without a code: by the state a job is in then, and whether trying again helps.
NOTICED: Mapping[str, tuple[str, bool]] = {
    "unknown": ("any other code", False),
    "no_reason": ("no code at all", False),
    "operator": ("one for the gateway's own account", False),
    "connection": ("no connection", True),
    "unreadable": ("an answer that nobody documents", False),
    "upload": ("a picture that is not taken", True),
    "no_storage": ("no storage", False),
    "storage": ("a video that does not come", True),
    "canceled": ("canceled", True),
    "expired": ("`UNKNOWN`", True),
    "lost": ("a job that was there, and is not", True),
    "uncertain": ("no answer, or HTTP 5xx, to a submit", False),
    "recognising": ("the same, where a service lists its tasks", False),
    "no_trace": ("…and none is found", True),
    "several": ("…and it cannot be told which", False),
}
# A repair to the pictures that need it; in the order in which they are made.
REPAIRS: Mapping[str, str] = {
    "rotation": "turned by its camera (EXIF)",
    "alpha": "transparent in parts",
    "format": ", ".join(name for name, mime in FORMATS.items() if mime not in Bounds().formats),
    "scaled": "larger than its model takes",
    "weight": "heavier than its model takes",
}
SAMPLE: Mapping[str, str] = {
    "label": "cat", "was": "image/gif", "mime": "image/png", "old": "9000x4500", "new": "8000x4000",
    "megabytes": "31.5", "now": "4.2",
}  # fmt: skip


def options_table() -> str:
    """Return the table of a cell's options, made from the two declarations."""
    rows = ["| option | what it does |", "| --- | --- |"]
    for row in declared(VideoRequest, CellOptions):
        flags = ", ".join(f"`{flag}`" for flag, spelling in spellings().items() if spelling.row == row)
        value = f" `{row.option.metavar}`".replace("|", "\\|") if row.option.metavar else ""
        rows.append(f"| {flags}{value} | {row.help} |")
    return "\n".join(rows) + "\n"


def providers_table() -> str:
    """Return the table of providers, made from the catalogue."""
    rows = ["| provider | what it is | address | the key comes from |", "| --- | --- | --- | --- |"]
    for row in providers().values():
        address = "in this kernel" if row.emulated else row.base_url.replace("https://", "") or "yours"
        rows.append(f"| `{row.name}` | {row.title} | {address} | {_key_of(row)} |")
    return "\n".join(rows) + "\n"


def _key_of(row: Provider) -> str:
    own = [f"`{name}`" for name in (*row.key_variables, row.key_file) if name]
    return f"{', '.join(own)}, keyring" if own else KEYS[row.key]


def pictures_table() -> str:
    """Return the table of pictures: those that go as they are, and what is done to the others, as the card says it."""
    taken = ", ".join(name for name, mime in FORMATS.items() if mime in Bounds().formats)
    rows = ["| a picture | is sent |", "| --- | --- |", f"| {taken} | as it is, byte for byte |"]
    told = [key.rpartition("_")[2] for key in catalogue(ENGLISH) if key.startswith("remark.repaired_")]
    kinds = sorted(told, key=list(REPAIRS).index)
    for name in kinds:
        said = tr(f"remark.repaired_{name}", **{**SAMPLE, **({"mime": "image/jpeg"} if name == "weight" else {})})
        rows.append(f"| {REPAIRS[name]} | repaired: “{said}” |")
    return "\n".join(rows) + "\n"


def errors_table() -> str:
    """Return the table of errors, made from the protocols' own, the table of advice, and what is said of each."""
    rows = ["| code | what happened | was it billed | what to do | does trying again help |", "| --- " * 5 + "|"]
    for source, table in SOURCES.items():
        rows += [f"| **{source}** | | | | |", *(_error(*cells) for cells in _errors_of(table))]
    rows += ["| **noticed here, without a code** | | | | |"]
    rows += [_error(when, advice, again) for advice, (when, again) in NOTICED.items()]
    return "\n".join(rows) + "\n"


def _errors_of(table: Errors) -> Iterator[tuple[str, str, bool]]:
    """Yield the codes, in the order of the table, that lead to the same advice."""
    for advice, again in dict.fromkeys(table.values()):
        yield ", ".join(f"`{code}`" for code, meant in table.items() if meant == (advice, again)), advice, again


def _error(codes: str, advice: str, again: bool) -> str:
    said = [tr(f"{family}.{advice}", id="ID").replace("|", "\\|") for family in ("happened", "advice")]
    money = ADVICE[advice]
    billed = f"{money.billed}; answering a submit, maybe" if money.unsure else money.billed
    return f"| {codes} | {said[0]} | {billed} | {said[1]} | {'yes' if again else 'no'} |"


TABLES: Mapping[str, Callable[[], str]] = {
    "options": options_table,
    "providers": providers_table,
    "pictures": pictures_table,
    "errors": errors_table,
}


def written(text: str) -> str:
    """Return the README's text with the tables put in."""
    for name, table in TABLES.items():
        before, _, rest = text.partition(f"<!-- {name} -->\n")
        _, _, after = rest.partition(f"<!-- /{name} -->")
        text = f"{before}<!-- {name} -->\n{table()}<!-- /{name} -->{after}"
    return text


if __name__ == "__main__":
    README.write_text(written(README.read_text(encoding="utf-8")), encoding="utf-8")
