"""The hook in IPython's completer: matchers in IPython 8.6 and later, the list of magic-argument matchers before.

Part of `%load_ext`: the candidates are imported at the first Tab in a `%wan` or `%%wan` line.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .magic_line import is_ours

if TYPE_CHECKING:
    from .candidates import CompletionContext
    from .complete import Completion

NAME = "_wan_completer"
JOURNAL = "wan_jupyter.storage.journal.journal"
PRIORITY = 1000  # above IPython's own matchers, so that Jedi does not analyse the line


def install(ip: Any, context: Callable[[], CompletionContext]) -> None:
    """Let Tab complete the words of `%%wan` and `%wan`; `context` is called at each Tab there."""
    uninstall(ip)
    chain, matcher = _matcher(ip.Completer, context)
    chain.insert(0, matcher)
    setattr(ip, NAME, (chain, matcher))


def uninstall(ip: Any) -> None:
    """Remove the matcher."""
    chain, matcher = getattr(ip, NAME, ([], None))
    chain[:] = [other for other in chain if other is not matcher]
    if hasattr(ip, NAME):
        delattr(ip, NAME)


def _matcher(completer: Any, context: Callable[[], CompletionContext]) -> tuple[list[Any], Any]:
    """Return the list of matchers of this IPython version, and the matcher for it."""
    try:
        from IPython.core.completer import context_matcher
    except ImportError:
        return completer.magic_arg_matchers, _older(completer, context)
    return completer.custom_matchers, context_matcher(priority=PRIORITY, identifier=NAME)(_newer(context))


def _offered(line: str, cursor: int, context: Callable[[], CompletionContext]) -> list[Completion]:
    if not is_ours(line, cursor):
        return []
    try:
        from dataclasses import replace

        from .complete import complete

        now = context()
    except Exception:  # completion must never raise into the user's typing
        return []
    # Job ids need the journal; Tab alone does not load it.
    return complete(line, cursor, now if JOURNAL in sys.modules else replace(now, jobs=tuple))


def _newer(context: Callable[[], CompletionContext]) -> Callable[[Any], Any]:
    def match(request: Any) -> Any:
        from IPython.core.completer import SimpleCompletion

        line, cursor = request.line_with_cursor, request.cursor_position
        found = _offered(line, cursor, context)
        return {
            "completions": [SimpleCompletion(offer.text, type=offer.kind) for offer in found],
            "matched_fragment": line[found[0].start : cursor] if found else "",
            "ordered": True,
            "suppress": bool(found),
        }

    return match


def _older(completer: Any, context: Callable[[], CompletionContext]) -> Callable[[str], list[str]]:
    """Return a matcher of the kind that completes `%config`: if it finds anything, nothing else is offered.

    The documented hook, `complete_command`, would add Jedi's completions of `%%wan` and drop quoted names.
    """

    def match(line: str) -> list[str]:
        cursor = len(completer.text_until_cursor)
        replaced = cursor - len(completer.splitter.split_line(line, cursor))
        fitted = (_from(replaced, offer, line) for offer in _offered(line, cursor, context))
        return [text for text in fitted if text]

    return match


def _from(start: int, offer: Completion, line: str) -> str:
    """Return an offer's text for a replacement that begins at `start`, "" if that is impossible."""
    if start <= offer.start:
        return line[start : offer.start] + offer.text
    kept = line[offer.start : start]
    return offer.text[len(kept) :] if offer.text.casefold().startswith(kept.casefold()) else ""
