"""The completer in a shell: IPython 8.6 and later asks matchers; an older one has a list for the arguments of magics.

Knows IPython's completer and nothing of what is offered.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from .candidates import CompletionContext
from .complete import Completion, complete, is_ours

NAME = "_wan_completer"
JOURNAL = "wan_jupyter.storage.journal.journal"
FIRST = 1000  # before IPython's own matchers, so that Jedi need not think about a prompt's first line


def install(ip: Any, facts: Callable[[], CompletionContext]) -> None:
    """Let Tab complete the words of `%%wan` and `%wan`; `facts` is called at each Tab there."""
    uninstall(ip)
    chain, matcher = _matcher(ip.Completer, facts)
    chain.insert(0, matcher)
    setattr(ip, NAME, (chain, matcher))


def uninstall(ip: Any) -> None:
    """Take it back."""
    chain, matcher = getattr(ip, NAME, ([], None))
    chain[:] = [one for one in chain if one is not matcher]
    if hasattr(ip, NAME):
        delattr(ip, NAME)


def _matcher(completer: Any, facts: Callable[[], CompletionContext]) -> tuple[list[Any], Any]:
    """Return the list of this IPython that a matcher belongs in, and the matcher."""
    try:
        from IPython.core.completer import context_matcher
    except ImportError:
        return completer.magic_arg_matchers, _older(completer, facts)
    return completer.custom_matchers, context_matcher(priority=FIRST, identifier=NAME)(_newer(facts))


def _offered(line: str, cursor: int, facts: Callable[[], CompletionContext]) -> list[Completion]:
    if not is_ours(line, cursor):
        return []
    try:
        here = facts()
    except Exception:  # Tab is no place for an error
        return []
    # Jobs are in the journal; Tab is no reason to load it.
    return complete(line, cursor, here if JOURNAL in sys.modules else replace(here, jobs=tuple))


def _newer(facts: Callable[[], CompletionContext]) -> Callable[[Any], Any]:
    def match(context: Any) -> Any:
        from IPython.core.completer import SimpleCompletion

        line, cursor = context.line_with_cursor, context.cursor_position
        found = _offered(line, cursor, facts)
        return {
            "completions": [SimpleCompletion(one.text, type=one.kind) for one in found],
            "matched_fragment": line[found[0].start : cursor] if found else "",
            "ordered": True,
            "suppress": bool(found),
        }

    return match


def _older(completer: Any, facts: Callable[[], CompletionContext]) -> Callable[[str], list[str]]:
    """Return a matcher of the kind that completes `%config`: what it finds is all that is offered.

    The documented hook, `complete_command`, would mix it with what Jedi makes of `%%wan`, and drop a quoted name.
    """

    def match(line: str) -> list[str]:
        cursor = len(completer.text_until_cursor)
        replaced = cursor - len(completer.splitter.split_line(line, cursor))
        fitted = (_from(replaced, one, line) for one in _offered(line, cursor, facts))
        return [text for text in fitted if text]

    return match


def _from(start: int, one: Completion, line: str) -> str:
    """Return an offer for a replacement that begins elsewhere, "" if it cannot be put so."""
    if start <= one.start:
        return line[start : one.start] + one.text
    kept = line[one.start : start]
    return one.text[len(kept) :] if one.text.casefold().startswith(kept.casefold()) else ""
