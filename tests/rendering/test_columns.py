"""`rendering.columns`: texts of every script line up in a terminal, and a cut text stays readable."""

from __future__ import annotations

import unicodedata

import pytest

from wan_jupyter.rendering.columns import cut, padded, width

FAMILY = "👨\u200d👩\u200d👧"
WIDTHS = {
    "nothing": ("", 0),
    "ascii": ("cat.png", 7),
    "hangul": ("고양이", 6),
    "hangul in jamo": (unicodedata.normalize("NFD", "고양이"), 6),
    "kanji": ("猫の動画", 8),
    "full-width letters": ("ＡＢ", 4),
    "half-width kana": ("ﾈｺ", 2),
    "accent as a combining mark": ("cafe\u0301", 4),
    "thai vowel above its letter": ("กี", 1),
    "emoji": ("🐱", 2),
    "emoji joined to a family": (FAMILY, 2),
    "flag of two letters": ("🇰🇷", 2),
    "two flags": ("🇰🇷🇯🇵", 4),
    "flag of tags": ("🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", 2),
    "skin tone": ("👍🏽", 2),
    "heart as text": ("❤", 1),
    "heart as emoji": ("❤\ufe0f", 2),
    "keycap": ("1\ufe0f\u20e3", 2),
    "zero-width space": ("a\u200bb", 2),
    "control characters": ("a\x07b\x1b", 2),
}


@pytest.mark.parametrize(("text", "columns"), WIDTHS.values(), ids=WIDTHS)
def test_text_has_the_width_that_a_terminal_gives_it(text: str, columns: int) -> None:
    """Also what is joined from several characters."""
    assert width(text) == columns
    assert width(padded(text, 12)) == 12


CUTS = {
    "fits": ("cat", 3, "cat"),
    "ascii": ("cat.png", 4, "cat…"),
    "hangul": ("고양이", 5, "고양…"),
    "hangul with a column to spare": ("고양이", 4, "고…"),
    "a family stays together": (f"{FAMILY}{FAMILY}{FAMILY}", 5, f"{FAMILY}{FAMILY}…"),
    "a family is left out whole": (f"{FAMILY}{FAMILY}", 2, "…"),
    "a flag keeps both letters": ("🇰🇷🇯🇵🇨🇳", 4, "🇰🇷…"),
    "a thumb keeps its skin tone": ("👍🏽👍🏽", 3, "👍🏽…"),
    "a heart keeps its selector": ("❤\ufe0f❤\ufe0f", 3, "❤\ufe0f…"),
    "a letter keeps its accent": ("e\u0301e\u0301e\u0301", 2, "e\u0301…"),
}


@pytest.mark.parametrize(("text", "columns", "expected"), CUTS.values(), ids=CUTS)
def test_a_text_is_cut_between_graphemes(text: str, columns: int, expected: str) -> None:
    """And fits where it was cut to."""
    assert cut(text, columns) == expected
    assert width(expected) <= columns
