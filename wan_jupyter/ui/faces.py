"""How a live job looks in each kind of front end. A face is opened on the main thread and updated from the loop.

From the background only two channels are right in every front end: traits of widgets that exist, and
`DisplayHandle.update` (reference/jupyter-platform.md A3). Nothing here prints or displays anew from the background.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Protocol

from .. import bundle
from ..bundle import Bundle, CardView
from ..messages import say
from ..text import cut, padded, width

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


class Face(Protocol):
    """What a live display can do; `redraw` is after how many seconds it wants to be drawn anew, 0 for never."""

    redraw: float

    def open(self, view: CardView) -> None:
        """Show it for the first time; main thread."""

    def update(self, view: CardView) -> None:
        """Show where the job stands; the loop."""

    def end(self, final: Bundle, made: bool) -> None:
        """Show what remains; `made` tells whether that is a video."""

    def leave(self) -> None:
        """Nobody waits here any more, though the job goes on; main thread."""


class WidgetFace:
    """A card made of one HTML widget and a Cancel button, with a static line beside it for readers without a kernel."""

    redraw = 12.0  # a clock made of CSS starts over when its panel was hidden

    def __init__(self, cancel: Callable[[], object], language: str) -> None:
        self._cancel, self._language = cancel, language

    def open(self, view: CardView) -> None:
        """Show the card; importing ipywidgets is paid for here."""
        import ipywidgets
        from IPython.display import display

        card = bundle.card(view, self._language)
        self._html = ipywidgets.HTML(value=card, layout={"flex": "1 1 auto", "min_width": "0"})
        words = say("card.cancel", self._language)
        self._button = ipywidgets.Button(description=words, tooltip=say("card.cancel_tooltip", self._language))
        self._button.layout = {"width": "auto", "flex": "0 0 auto", "align_self": "center"}
        self._button.add_class("wan-cancel")
        self._button.on_click(lambda _: self._cancel())
        _hear_clicks_while_busy(self._button)
        layout = {"align_items": "stretch", "max_width": "760px", "flex_flow": "row wrap"}
        self._box = ipywidgets.HBox([self._html, self._button], layout=layout)
        reference = {"version_major": 2, "version_minor": 0, "model_id": self._box.model_id}
        first = {WIDGET_VIEW: reference, **bundle.still(view, self._language)}
        self._handle = display(first, raw=True, display_id=True)

    def update(self, view: CardView) -> None:
        """Replace the card's text; the button goes when there is nothing left to cancel."""
        self._html.value = bundle.card(view, self._language)
        if view.cancel_requested and not self._button.disabled:
            self._button.disabled = True

    def end(self, final: Bundle, made: bool) -> None:
        """Put the end into the widget too, which a reloaded page shows, then replace it by the static bundle."""
        self._box.children = (self._html,)
        self._html.value = final["text/html"] if len(final["text/html"]) < 12_000_000 else final["text/plain"]
        self._handle.update(final, raw=True)

    def leave(self) -> None:
        """Go on: the card is there for the job, not for the wait."""


class StaticFace:
    """One static display that is updated: headless runs, Colab."""

    redraw = 0.0

    def __init__(self, cancel: Callable[[], object], language: str) -> None:
        self._language = language
        self._status: object = None

    def open(self, view: CardView) -> None:
        """Show the first line."""
        from IPython.display import display

        self._handle = display(bundle.still(view, self._language), raw=True, display_id=True)

    def update(self, view: CardView) -> None:
        """Show a change of state; nobody watches a percentage here."""
        if view.status is not self._status:
            self._status = view.status
            self._handle.update(bundle.still(view, self._language), raw=True)

    def end(self, final: Bundle, made: bool) -> None:
        """Show what remains."""
        self._handle.update(final, raw=True)

    def leave(self) -> None:
        """Go on: the display is there for the job, not for the wait."""


class TerminalFace:
    """One line that is written over on a terminal; one line a change of state where the output goes elsewhere.

    It is there while someone waits; afterwards the terminal belongs to what is typed.
    """

    redraw = 1.0

    def __init__(self, cancel: Callable[[], object], language: str) -> None:
        self._language = language
        self._shown = ""
        self._status: object = None
        self._left = False

    def open(self, view: CardView) -> None:
        """Write the first line."""
        self.update(view)

    def update(self, view: CardView) -> None:
        """Write where the job stands."""
        if self._left:
            return
        if sys.stderr.isatty():
            self._overwrite(bundle.line(view, self._language))
        elif view.status is not self._status:
            _write(bundle.line(view, self._language) + "\n")
        self._status = view.status

    def end(self, final: Bundle, made: bool) -> None:
        """Take the line away and say what was made; a failure is said by the error that ends the wait."""
        if self._left:
            return
        if self._shown:
            self._overwrite("")
            _write("\r")
        if made:
            print(final["text/plain"], flush=True)  # noqa: T201 - the terminal is the display

    def leave(self) -> None:
        """Close the line and stay silent from now on."""
        self._left = True
        if self._shown:
            _write("\n")

    def _overwrite(self, line: str) -> None:
        import shutil

        columns = shutil.get_terminal_size().columns - 1
        shown = cut(bundle.one_line(line), columns)
        _write("\r" + padded(shown, width(self._shown)))
        self._shown = shown


def _write(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()


class QuietFace(StaticFace):
    """Nothing until the end."""

    def open(self, view: CardView) -> None:
        """Make the display, empty."""
        from IPython.display import display

        self._handle = display({"text/plain": ""}, raw=True, display_id=True)

    def update(self, view: CardView) -> None:
        """Stay silent."""


FACES: Mapping[str, Callable[[Callable[[], object], str], Face]] = MappingProxyType(
    {"widget": WidgetFace, "text": StaticFace, "terminal": TerminalFace, "quiet": QuietFace}
)


def _hear_clicks_while_busy(button: Any) -> None:
    """Let the button work while a cell computes.

    ipykernel 7.4 sends a widget's messages to the (sub)shell that the widget last wrote from, which is the busy one;
    the route is private there, so its absence or refusal is nothing to mention (reference/jupyter-platform.md A6).
    """
    with contextlib.suppress(Exception):
        if getattr(button.comm, "_reply_subshell_for", None) is not None:
            button.comm._reply_subshell_for = lambda data, default: default
