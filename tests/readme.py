"""The generated part of the README: `python tests/readme.py` writes it anew, `test_readme` says when that is due."""

from __future__ import annotations

from pathlib import Path

from wan_jupyter.options import spellings
from wan_jupyter.request import CellOptions, VideoRequest, declared

README = Path(__file__).parent.parent / "README.md"
BEGIN, END = "<!-- options -->\n", "<!-- /options -->"


def options_table() -> str:
    """Return the table of a cell's options, made from the two declarations."""
    rows = ["| option | what it does |", "| --- | --- |"]
    for row in declared(VideoRequest, CellOptions):
        flags = ", ".join(f"`{flag}`" for flag, spelling in spellings().items() if spelling.row == row)
        value = f" `{row.option.metavar}`".replace("|", "\\|") if row.option.metavar else ""
        rows.append(f"| {flags}{value} | {row.help} |")
    return "\n".join(rows) + "\n"


def written(text: str) -> str:
    """Return the README's text with the table put in."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{options_table()}{END}{after}"


if __name__ == "__main__":
    README.write_text(written(README.read_text(encoding="utf-8")), encoding="utf-8")
