"""Surface: an HTML widget with a Cancel button, opened on the main thread and updated from the loop.

From a background thread only two channels reach the right cell with ipykernel 6.29 and 7.4 alike (measured 2026-11):
traits of existing widgets, and `DisplayHandle.update`. A new display would go to the cell that runs now. So nothing
here prints or displays anything new from the background.
"""

from __future__ import annotations

import contextlib
from typing import Any

from .... import rendering
from ....i18n.messages import tr
from ....rendering import Bundle
from .base import CARD, WIDGET_VIEW, Cancel, Painter, close


class WidgetSurface:
    """An HTML widget and a Cancel button, with a static text in the same output for readers without a kernel.

    What never changes (the style, the request) is a widget of its own, so that it is not sent with every update.
    """

    redraw_interval_s = 12.0  # a clock made of CSS starts over when its panel was hidden
    end_messages = 3
    shows_request = True
    keeps_html = True

    def __init__(self, cancel: Cancel, language: str, painter: Painter = CARD) -> None:
        self._cancel, self._language, self._painter = cancel, language, painter
        self._request = ""

    def open(self, view: Any) -> None:
        """Show the card."""
        from IPython.display import display

        self.build(view)
        reference = {"version_major": 2, "version_minor": 0, "model_id": self._box.model_id}
        first = {WIDGET_VIEW: reference, **self._painter.static_bundle(view, self._language)}
        self._handle = display(first, raw=True, display_id=True)

    def build(self, view: Any) -> None:
        """Make the widgets; ipywidgets is imported here, where it is first needed."""
        import ipywidgets

        shown = self._painter.live_html(view, self._language)
        self._html = ipywidgets.HTML(value=shown, layout={"flex": "1 1 240px", "min_width": "0"})
        self._button = self._cancel_button() if self._cancel else None
        self._details = ipywidgets.HTML(value=rendering.card_details(), layout={"flex": "1 1 100%", "min_width": "0"})
        children = [widget for widget in (self._html, self._button, self._details) if widget is not None]
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

    def set_language(self, language: str) -> None:
        """Relabel what an update does not touch: the button and the request."""
        self._language = language
        if self._button is not None:
            for trait, words in self._button_words().items():
                setattr(self._button, trait, words)
        if self._request:
            self.show_request(self._request)

    def update(self, view: Any) -> None:
        """Replace the card; disable the button after it was pressed."""
        self._html.value = self._painter.live_html(view, self._language)
        if self._button is not None and view.cancel_requested and not self._button.disabled:
            self._button.disabled = True

    def show_request(self, request: str) -> None:
        """Put the request below the card, folded."""
        self._request = request
        self._details.value = rendering.card_details(request, self._language)

    def notify(self, kind: str) -> float:
        """Play a sound; it is in the widget only, so that no saved notebook plays it again."""
        if kind != "sound":
            return 0.0
        self._html.value = f"{self._html.value}{rendering.sound()}"
        return rendering.SOUND_SECONDS

    def end(self, final: Bundle, succeeded: bool, widget_html: str = "") -> None:
        """Put the final output into the widget, which a reloaded page shows, then replace the display by the bundle."""
        self._box.children = (self._html,)
        self._html.value = widget_html
        self._handle.update(final, raw=True)

    def leave(self) -> None:
        """Do nothing: the card belongs to the job, not to the wait."""

    def close(self) -> None:
        """Close the widgets."""
        close(self._box, self._html, self._button, self._details)


def _hear_clicks_while_busy(button: Any) -> None:
    """Let the button work while a cell computes.

    ipykernel 7.4 routes a widget's messages to the (sub)shell that the widget last wrote from, which is the busy one
    (measured 2026-11). The routing is a private attribute, so its absence in another version is ignored.
    """
    with contextlib.suppress(Exception):
        if getattr(button.comm, "_reply_subshell_for", None) is not None:
            button.comm._reply_subshell_for = lambda data, default: default
