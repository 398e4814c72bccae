"""Width of text in a terminal, in columns.

The unit of text is the grapheme (Unicode Standard Annex #29), what a reader sees as one character: a letter with its
marks, a flag, a family of emoji joined by ZWJ. `wcwidth` knows how many columns each takes; prompt_toolkit, which
IPython's terminal is made of, depends on it.
"""

from __future__ import annotations

ELLIPSIS = "…"


def width(text: str) -> int:
    """Return the number of columns that `text` takes in a terminal; control characters take none."""
    if _is_plain(text):
        return len(text)
    from wcwidth import iter_graphemes  # here: plain text does not need its tables

    return sum(map(_grapheme_width, iter_graphemes(text)))


def padded(text: str, columns: int) -> str:
    """Return `text` padded with spaces to at least `columns` columns."""
    return text + " " * max(0, columns - width(text))


def cut(text: str, columns: int) -> str:
    """Return `text` cut to at most `columns` columns, with an ellipsis if it was cut; never inside a grapheme."""
    if width(text) <= columns:
        return text
    if _is_plain(text):
        return text[: max(0, columns - 1)] + ELLIPSIS
    from wcwidth import iter_graphemes

    kept, used = "", len(ELLIPSIS)
    for grapheme in iter_graphemes(text):
        used += _grapheme_width(grapheme)
        if used > columns:
            break
        kept += grapheme
    return kept + ELLIPSIS


def _is_plain(text: str) -> bool:
    """Return whether each character of `text` takes one column."""
    return text.isascii() and text.isprintable()


def _grapheme_width(grapheme: str) -> int:
    from wcwidth import wcswidth

    return max(0, wcswidth(grapheme))  # -1 stands for a control character
