"""A prompt's templates are filled in one pass, from names alone; what is no template stays as it was typed."""

from __future__ import annotations

import datetime
import json
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wan_jupyter.errors import PromptError
from wan_jupyter.request.templates import fill, is_lookup, lookup, normal

quick = settings(max_examples=100, deadline=None, database=None)


class Hostile:
    """An object of the user's whose every door raises."""

    @property
    def broken(self) -> str:
        raise RuntimeError("the\nsensor is off")

    def __getitem__(self, key: object) -> object:
        raise RuntimeError("no items today")

    def __format__(self, spec: str) -> str:
        raise ValueError("not printable")

    def __dir__(self) -> list[str]:
        raise RuntimeError("no names either")


NAMES: dict[str, object] = {
    "animal": "cat",
    "number": 3,
    "ratio": 0.625,
    "when": datetime.datetime(2026, 1, 2, 3, 4),
    "rows": ["first", ["inner"]],
    "table": {"key": "value", "a b": "blank", "]": "bracket", "}}": "braces", 7: "seven", "it's": "apostrophe"},
    "thing": SimpleNamespace(name="whiskers", inner=SimpleNamespace(list=[10, 20]), _hidden=1),
    "braces": "{{ animal }}",
    "nothing": None,
    "고양이": "cat in Korean",
    "hostile": Hostile(),
    "_private": "own",
}


def refused(text: str) -> PromptError:
    with pytest.raises(PromptError) as caught:
        fill(text, NAMES)
    assert 1 <= len(caught.value.lines()) <= 2
    assert all("\n" not in line for line in caught.value.lines())
    return caught.value


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("A {{ animal }} looks up", "A cat looks up"),
        ("{{animal}}{{ animal }}{{\n animal\t}}", "catcatcat"),
        ("{{ thing.name }} and {{ thing.inner.list[1] }}", "whiskers and 20"),
        ("{{ rows[0] }} {{ rows[-1][ 0 ] }}", "first inner"),
        ("{{ table['key'] }} {{ table[\"a b\"] }} {{ table[7] }}", "value blank seven"),
        ("{{ table[']'] }} {{ table['}}'] }} {{ table[\"it's\"] }}", "bracket braces apostrophe"),
        ("{{ number:03d }} {{ ratio:.1% }} {{ animal:>5 }}|{{ animal: <5 }}|", "003 62.5%   cat|cat  |"),
        ("{{ when:%H:%M }} {{ when.year }}", "03:04 2026"),
        ("{{ nothing }} {{ 고양이 }} {{ _private }}", "None cat in Korean own"),
        ("{{ animal: }}", "cat"),
        ("{{{animal}}}", "{cat}"),
        ("{{ animal }}}", "cat}"),
    ],
)
def test_names_attributes_indexes_and_formats_are_filled(text: str, filled: str) -> None:
    """A template is a name, then attributes and indexes, then a format."""
    assert fill(text, NAMES) == filled


@pytest.mark.parametrize(
    "text",
    [
        '{"a": {"b": 1}}',
        "body { color: red } p{margin:0}",
        "a {animal} b",
        "}} }}}",
        '{{"a": 1}}',
        "{{ 5 }} {{}} {{ }} {{[x]}} {{#each}} {{/each}} {{'x'}} {{(x)}}",
        "{{{{{",
        "$animal ${animal} %(animal)s",
        "",
    ],
)
def test_what_is_no_template_passes_untouched(text: str) -> None:
    """JSON, CSS, single braces, closing braces, and `{{` before anything but a name."""
    assert fill(text, NAMES) == text


def test_filled_text_is_never_read_as_a_template() -> None:
    """One pass: a value that looks like a template is text, also beside other text that could complete it."""
    assert fill("{{ braces }}", NAMES) == "{{ animal }}"
    assert fill("{{{ left }}{ animal }}", {"left": "{", "animal": "cat"}) == "{{{ animal }}"


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("{{ animl }}", "prompt.unknown_name"),
        ("{{ __builtins__ }}", "prompt.unknown_name"),
        ("{{ thing.nme }}", "prompt.unknown_attribute"),
        ("{{ rows[5] }}", "prompt.unknown_index"),
        ("{{ table['kye'] }}", "prompt.unknown_index"),
        ("{{ number[0] }}", "prompt.unknown_index"),
        ("{{ rows['0'] }}", "prompt.unknown_index"),
        ("{{ thing._hidden }}", "prompt.private"),
        ("{{ animal.__class__ }}", "prompt.private"),
        ("{{ animal.＿class }}", "prompt.bad_expression"),
        ("{{ animal.upper() }}", "prompt.bad_expression"),
        ("{{ number + 1 }}", "prompt.bad_expression"),
        ("{{ rows[number] }}", "prompt.bad_expression"),
        ("{{ rows[0:1] }}", "prompt.bad_expression"),
        ("{{ animal!r }}", "prompt.bad_expression"),
        ("{{ animal:{number} }}", "prompt.bad_expression"),
        ("{{ thing. }}", "prompt.bad_expression"),
        ("{{ rows[" + "9" * 5000 + "] }}", "prompt.bad_expression"),
        ("{{ animal:d }}", "prompt.bad_format"),
        ("{{ nothing:>3 }}", "prompt.bad_format"),
        ("{{ animal", "prompt.unclosed"),
        ("{{ animal } and so on", "prompt.unclosed"),
        ("{{ animal }} {{ number:", "prompt.unclosed"),
    ],
)
def test_what_cannot_be_filled_is_refused_before_anything_is_sent(text: str, key: str) -> None:
    """Each mistake has its message."""
    assert refused(text).key == key


def test_a_misspelt_name_is_answered_with_the_right_one() -> None:
    """The suggestion comes from the names, and from the object's own attributes."""
    assert refused("{{ animl }}").hint().startswith("Did you mean animal? ")
    assert refused("{{ thing.nme }}").hint().startswith("Did you mean name? ")
    assert refused("{{ qqq }}").hint().startswith("Define it")


def test_hints_show_templates_as_they_are_typed() -> None:
    """The braces of a hint can be copied."""
    assert refused("{{ number + 1 }}").hint().endswith("type {{ x }}.")
    assert refused("{{ animal").hint() == "Close it with }}"
    assert "{{ animal }}" in refused("{{ animal:d }}").hint()


@pytest.mark.parametrize("text", ["{{ hostile.broken }}", "{{ hostile[0] }}", "{{ hostile }}", "{{ hostile.missing }}"])
def test_an_exception_of_the_users_own_is_told_with_its_name(text: str) -> None:
    """A property, an index, a format and `dir` may each raise."""
    error = refused(text)

    assert error.key == "prompt.raised"
    assert "Error: " in error.message()


def test_an_interrupt_is_no_error_of_the_prompt() -> None:
    """Ctrl-C during a slow property stays Ctrl-C."""

    class Slow:
        @property
        def value(self) -> str:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fill("{{ slow.value }}", {"slow": Slow()})


def test_a_dollar_name_is_the_object_itself() -> None:
    """`$name` takes the same attributes and indexes as a template."""
    assert lookup("$rows", NAMES) is NAMES["rows"]
    assert lookup("$thing.inner.list[1]", NAMES) == 20
    assert lookup("$table['a b']", NAMES) == "blank"


@pytest.mark.parametrize("word", ["$animl", "$thing.nme", "$rows[9]", "$animal.__class__", "$hostile.broken"])
def test_an_unknown_dollar_name_is_refused(word: str) -> None:
    """In the same words as a template's."""
    with pytest.raises(PromptError):
        lookup(word, NAMES)


@pytest.mark.parametrize("word", ["$", "$5.png", "$a-b", "$a b", "price$", "", "$a[", "$a()", "${a}"])
def test_other_words_with_a_dollar_are_plain_text(word: str) -> None:
    """File names and prices may hold a dollar."""
    assert not is_lookup(word)
    with pytest.raises(PromptError):
        lookup(f"{word}!", NAMES)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("  a\r\nb\rc\n\n", "a\nb\nc"), ("a  b", "a  b"), ("", ""), ("\u3000고양이\n", "고양이"), ("a\n\nb", "a\n\nb")],
)
def test_prompts_are_compared_without_line_ends_and_outer_blanks(text: str, expected: str) -> None:
    """Line ends become \\n; blanks inside stay."""
    assert normal(text) == expected


# ---- anything at all ------------------------------------------------------------------------------------------------


@quick
@given(st.text())
def test_text_without_an_opening_is_unchanged(text: str) -> None:
    """Only `{{` can open a template."""
    text = text.replace("{{", "{ {")

    assert fill(text, NAMES) == text


@quick
@given(st.recursive(st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_any_json_without_templates_in_its_texts_passes(value: object) -> None:
    """Compact JSON holds `}}` and `{"`, but `{{` only inside a text."""
    text = json.dumps(value).replace("{{", "{ {")

    assert fill(text, NAMES) == text


@quick
@given(st.text() | st.text("{}[]'\"animl.:0-x_ $", max_size=40))
def test_any_text_is_filled_or_refused_by_us(text: str) -> None:
    """Only a PromptError comes out, and it can be shown."""
    for ask in (lambda: fill(text, NAMES), lambda: fill(f"{{{{{text}}}}}", NAMES), lambda: lookup(text, NAMES)):
        try:
            ask()
        except PromptError as error:
            told = str(error)
            assert len(told.encode().splitlines()) <= 2


@quick
@given(st.text(), st.text(), st.text())
def test_any_value_is_put_in_as_it_is(before: str, value: str, after: str) -> None:
    """Text around a template and the value in it stay whole."""
    before, after = before.replace("{", "("), after.replace("{", "(")

    assert fill(before + "{{ x }}" + after, {"x": value}) == before + value + after


@quick
@given(st.text())
def test_a_normal_prompt_stays_as_it_is(text: str) -> None:
    """Normalising twice is normalising once."""
    assert normal(normal(text)) == normal(text)


def test_a_long_text_takes_no_long_time() -> None:
    """Neither openings without a name nor many templates are read more than once."""
    assert len(fill("{{ " * 50_000, NAMES)) == 150_000
    assert fill("{{ animal }}" * 20_000, NAMES) == "cat" * 20_000
    assert refused("{{ " + "a" * 200_000).key == "prompt.unclosed"
    assert refused("{{ a['" + "x" * 200_000).key == "prompt.unclosed"
