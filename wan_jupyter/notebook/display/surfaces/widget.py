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

from .... import rendering
from ....i18n.messages import say
from ....rendering import Bundle
from ....security.sanitize import cut, padded, width
from .closing import close
from .drawing import CARD, Drawing

Cancel = Callable[[], object] | None
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


class Face(Protocol):
    """What a live display can do; a view is what its drawing draws.

    Attributes:
        redraw: after how many seconds it wants to be drawn anew, 0 for never.
        closing: how many messages its end takes.
        explains: whether it has room for the request that was sent.
        holds: whether it keeps something of its own beside what remains in the notebook.
    """

    redraw: float
    closing: int
    explains: bool
    holds: bool

    def open(self, view: Any) -> None:
        """Show it for the first time; main thread."""

    def update(self, view: Any) -> None:
        """Show how things stand; the loop."""

    def explain(self, request: str) -> None:
        """Show the request that was sent; the loop."""

    def ring(self, wish: str) -> float:
        """Be heard, if that is wished for and can be, and return for how many seconds; the loop."""

    def end(self, final: Bundle, made: bool, inside: str = "") -> None:
        """Show what remains; `made` tells whether that is what was asked for, `inside` is for what it `holds`."""

    def speak(self, language: str) -> None:
        """Say what is shown from now on in another language; main thread."""

    def leave(self) -> None:
        """Nobody waits here any more, though the work goes on; main thread."""

    def close(self) -> None:
        """Give back what the kernel holds for it, after its end; main thread."""


class WidgetFace:
    """An HTML widget and a Cancel button, with a static text beside them for readers without a kernel.

    What never changes (the style, the request) is a widget of its own, so that it does not travel with every update.
    """

    redraw = 12.0  # a clock made of CSS starts over when its panel was hidden
    closing = 3
    explains = True
    holds = True

    def __init__(self, cancel: Cancel, language: str, drawing: Drawing = CARD) -> None:
        self._cancel, self._language, self._drawing = cancel, language, drawing
        self._request = ""

    def open(self, view: Any) -> None:
        """Show the card."""
        from IPython.display import display

        self.build(view)
        reference = {"version_major": 2, "version_minor": 0, "model_id": self._box.model_id}
        first = {WIDGET_VIEW: reference, **self._drawing.still(view, self._language)}
        self._handle = display(first, raw=True, display_id=True)

    def build(self, view: Any) -> None:
        """Make the widgets; importing ipywidgets is paid for here."""
        import ipywidgets

        shown = self._drawing.live(view, self._language)
        self._html = ipywidgets.HTML(value=shown, layout={"flex": "1 1 240px", "min_width": "0"})
        self._button = self._cancel_button() if self._cancel else None
        self._more = ipywidgets.HTML(value=rendering.frame(), layout={"flex": "1 1 100%", "min_width": "0"})
        children = [one for one in (self._html, self._button, self._more) if one is not None]
        layout = {"align_items": "flex-start", "max_width": "760px", "flex_flow": "row wrap"}
        self._box = ipywidgets.HBox(children, layout=layout, _dom_classes=("wan-box",))

    def _cancel_button(self) -> Any:
        import ipywidgets

        layout = {"width": "auto", "flex": "0 0 auto"}
        button = ipywidgets.Button(**self._button_words(), layout=layout, _dom_classes=("wan-cancel",))
        button.on_click(lambda _: self._cancel() if self._cancel else None)
        _hear_clicks_while_busy(button)
        return button

    def _button_words(self) -> dict[str, str]:
        words = {"description": "card.cancel", "tooltip": "card.cancel_tooltip"}
        return {trait: say(key, self._language) for trait, key in words.items()}

    def speak(self, language: str) -> None:
        """Relabel what an update leaves as it is: the button, the request."""
        self._language = language
        if self._button is not None:
            for trait, words in self._button_words().items():
                setattr(self._button, trait, words)
        if self._request:
            self.explain(self._request)

    def update(self, view: Any) -> None:
        """Replace the card's text; a button that was pressed is done with."""
        self._html.value = self._drawing.live(view, self._language)
        if self._button is not None and view.cancel_requested and not self._button.disabled:
            self._button.disabled = True

    def explain(self, request: str) -> None:
        """Put the request below the card, closed."""
        self._request = request
        self._more.value = rendering.frame(request, self._language)

    def ring(self, wish: str) -> float:
        """Play a sound; it lives in the widget alone, so that no saved notebook ever plays it again."""
        if wish != "sound":
            return 0.0
        self._html.value = f"{self._html.value}{rendering.sound()}"
        return rendering.SOUND_SECONDS

    def end(self, final: Bundle, made: bool, inside: str = "") -> None:
        """Put the end into the widget too, which a reloaded page shows, then replace it by the static bundle."""
        self._box.children = (self._html,)
        self._html.value = inside
        self._handle.update(final, raw=True)

    def leave(self) -> None:
        """Go on: the card is there for the job, not for the wait."""

    def close(self) -> None:
        """Close the widgets."""
        close(self._box, self._html, self._button, self._more)


class StaticFace:
    """One static display that is updated: headless runs, Colab."""

    redraw = 0.0
    closing = 1
    explains = False
    holds = False

    def __init__(self, cancel: Cancel, language: str, drawing: Drawing = CARD) -> None:
        self._language, self._drawing = language, drawing
        self._mark: object = None

    def open(self, view: Any) -> None:
        """Show the first text."""
        from IPython.display import display

        self._handle = display(self._drawing.still(view, self._language), raw=True, display_id=True)

    def update(self, view: Any) -> None:
        """Show a change of state; nobody watches a percentage here."""
        if self._drawing.mark(view) != self._mark:
            self._mark = self._drawing.mark(view)
            self._handle.update(self._drawing.still(view, self._language), raw=True)

    def explain(self, request: str) -> None:
        """Have no room for it."""

    def speak(self, language: str) -> None:
        """Write the next text in another language."""
        self._language, self._mark = language, None

    def ring(self, wish: str) -> float:
        """Stay silent: what is heard here would be heard at each reading."""
        return 0.0

    def end(self, final: Bundle, made: bool, inside: str = "") -> None:
        """Show what remains."""
        self._handle.update(final, raw=True)

    def leave(self) -> None:
        """Go on: the display is there for the job, not for the wait."""

    def close(self) -> None:
        """Have nothing to give back."""


class TerminalFace:
    """One line that is written over on a terminal; one line a change of state where the output goes elsewhere.

    It is there while someone waits; afterwards the terminal belongs to what is typed.
    """

    redraw = 1.0
    closing = 0
    explains = False
    holds = False

    def __init__(self, cancel: Cancel, language: str, drawing: Drawing = CARD) -> None:
        self._language, self._drawing = language, drawing
        self._shown = ""
        self._mark: object = None
        self._left = False

    def open(self, view: Any) -> None:
        """Write the first line."""
        self.update(view)

    def update(self, view: Any) -> None:
        """Write how things stand."""
        if self._left:
            return
        line = self._drawing.line(view, self._language)
        if sys.stderr.isatty():
            self._overwrite(line)
        elif self._drawing.mark(view) != self._mark:
            _write(line + "\n")
        self._mark = self._drawing.mark(view)

    def explain(self, request: str) -> None:
        """Have no room for it."""

    def speak(self, language: str) -> None:
        """Write the next line in another language."""
        self._language = language

    def ring(self, wish: str) -> float:
        """Ring the terminal's bell."""
        ring_bell(wish)
        return 0.0

    def end(self, final: Bundle, made: bool, inside: str = "") -> None:
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

    def close(self) -> None:
        """Have nothing to give back."""

    def _overwrite(self, line: str) -> None:
        import shutil

        columns = shutil.get_terminal_size().columns - 1
        shown = cut(rendering.one_line(line), columns)
        _write("\r" + padded(shown, width(self._shown)))
        self._shown = shown


def ring_bell(wish: str) -> None:
    """Ring a terminal's bell where that is wished for; elsewhere the character would stand in a file."""
    if wish != "none" and sys.stderr.isatty():
        _write("\a")


def _write(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()


class QuietFace(StaticFace):
    """Nothing until the end."""

    def open(self, view: Any) -> None:
        """Make the display, empty."""
        from IPython.display import display

        self._handle = display({"text/plain": ""}, raw=True, display_id=True)

    def update(self, view: Any) -> None:
        """Stay silent."""


class QuietTerminal(TerminalFace):
    """No line on the way, only what was made."""

    redraw = 0.0

    def update(self, view: Any) -> None:
        """Stay silent."""


FACES: Mapping[str, Callable[[Cancel, str, Drawing], Face]] = MappingProxyType(
    {"widget": WidgetFace, "text": StaticFace, "terminal": TerminalFace}
)
QUIET: Mapping[str, Callable[[Cancel, str, Drawing], Face]] = MappingProxyType(
    {"widget": QuietFace, "text": QuietFace, "terminal": QuietTerminal}
)


def _hear_clicks_while_busy(button: Any) -> None:
    """Let the button work while a cell computes.

    ipykernel 7.4 sends a widget's messages to the (sub)shell that the widget last wrote from, which is the busy one;
    the route is private there, so its absence or refusal is nothing to mention (reference/jupyter-platform.md A6).
    """
    with contextlib.suppress(Exception):
        if getattr(button.comm, "_reply_subshell_for", None) is not None:
            button.comm._reply_subshell_for = lambda data, default: default
