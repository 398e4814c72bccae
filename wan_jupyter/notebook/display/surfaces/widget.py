"""How a live job looks in each kind of front end. A face is opened on the main thread and updated from the loop.

From the background only two channels are right in every front end: traits of widgets that exist, and
`DisplayHandle.update` (reference/jupyter-platform.md A3). Nothing here prints or displays anew from the background.
"""

from __future__ import annotations

import contextlib
from typing import Any

from .... import rendering
from ....i18n.messages import tr
from ....rendering import Bundle
from .base import CARD, WIDGET_VIEW, Cancel, Painter, close


class WidgetSurface:
    """An HTML widget and a Cancel button, with a static text beside them for readers without a kernel.

    What never changes (the style, the request) is a widget of its own, so that it does not travel with every update.
    """

    redraw = 12.0  # a clock made of CSS starts over when its panel was hidden
    closing = 3
    explains = True
    holds = True

    def __init__(self, cancel: Cancel, language: str, drawing: Painter = CARD) -> None:
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
        return {trait: tr(key, self._language) for trait, key in words.items()}

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


def _hear_clicks_while_busy(button: Any) -> None:
    """Let the button work while a cell computes.

    ipykernel 7.4 sends a widget's messages to the (sub)shell that the widget last wrote from, which is the busy one;
    the route is private there, so its absence or refusal is nothing to mention (reference/jupyter-platform.md A6).
    """
    with contextlib.suppress(Exception):
        if getattr(button.comm, "_reply_subshell_for", None) is not None:
            button.comm._reply_subshell_for = lambda data, default: default
