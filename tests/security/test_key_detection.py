"""What looks like a key in a cell is found, and what people write is not taken for one."""

from __future__ import annotations

import random
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wan_jupyter.security.api_key import Key
from wan_jupyter.security.key_detection import holds_key, names_key

HEX, BASE62 = "0123456789abcdef", string.ascii_letters + string.digits
KNOWN = Key("local-server-key-without-digits", "a test")
WORDS = ("inspired", "Watercolour", "spring", "2026", "1980s", "4k", "고양이", "risk-averse", "FujiFilm", "iPhone16")


@given(st.integers(0, 10**9), st.sampled_from([(HEX, 32), (BASE62, 48), (BASE62, 32)]), st.text(max_size=20))
@settings(derandomize=True, deadline=None)
def test_whatever_the_services_give_out_is_found(seed: int, kind: tuple[str, int], around: str) -> None:
    """32 hexadecimal digits at Model Studio, 48 letters and digits at gateways; anywhere in a text."""
    key = "sk-" + "".join(random.Random(seed).choices(kind[0], k=kind[1]))
    assert holds_key(f"{around} {key}\n{around}")
    assert holds_key(f'"{key}",')


@given(st.lists(st.sampled_from(WORDS), max_size=8), st.sampled_from(["-", "_", ""]), st.text("abc def", max_size=20))
@settings(deadline=None)
def test_a_prompt_that_speaks_of_sk_is_no_key(words: list[str], between: str, around: str) -> None:
    """Words and years with dashes, however many."""
    prompt = f"{around} An sk-{(between or '-').join(words)} for a {between.join(['sk-', *words[:1]])}"
    assert not holds_key(prompt)


@given(st.text(max_size=200))
@settings(deadline=None)
def test_only_a_text_with_sk_or_bearer_may_look_like_a_key(text: str) -> None:
    """Whatever else is typed is nobody's business."""
    if "sk-" not in text and "Bearer" not in text:
        assert not holds_key(text)


def test_a_known_key_is_found_whatever_it_looks_like() -> None:
    """A long one anywhere, a short one as a word of its own."""
    short, placeholder = Key("cat-gate", "a test"), Key("cat", "a test")
    assert holds_key(f"x{KNOWN.reveal()}y", [KNOWN])
    assert holds_key("a cat-gate here", [short])
    assert not holds_key("a cat-gatelike cat", [short, placeholder, KNOWN])


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("%%wan cat.png -p api_key=abc", True),
        ("%%wan cat.png --param Authorization=$key", True),
        ("%%wan cat.png -p headers.x-api-key=1", True),
        ("%%wan cat.png -p 'authorization=Bearer x'", True),
        ("%%wan cat.png --key abcdef", True),
        ("%%wan cat.png --api-key=abcdef", True),
        ("%%wan cat.png -p key_frames=3", False),
        ("%%wan cat.png -p parameters.max_tokens=3", False),
        ("%%wan key.png keys/door.png -n key", False),
        ("%%wan cat.png --param a.cookie_jar=full", False),
    ],
)
def test_a_value_that_is_called_a_key_is_one(line: str, named: bool) -> None:
    """Whatever it looks like; what only sounds like it is not."""
    assert names_key(line) is named
