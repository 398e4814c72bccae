"""The model's options as widgets: those that its row has, and no others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from ...errors import OptionError
from ...workflows.composer_draft import value_typed
from ...workflows.composer_options import Control, Offer
from ..display.surfaces.base import close
from .translations import Translations

FEW = 4  # choices that stand side by side
FOLDED = frozenset({"template", "prompt_extend", "watermark", "seed", "negative_prompt", "audio_url"})
LABEL: Mapping[str, str] = MappingProxyType({"description_width": "110px"})
FILL: Mapping[str, str] = MappingProxyType({"width": "auto"})


class OptionControls:
    """Rows of widgets that come and go with the offer; a text that was typed is there again when its row is."""

    def __init__(self, changed: Callable[[], None], words: Translations) -> None:
        import ipywidgets as w

        self._changed, self._words = changed, words
        self._made: dict[str, tuple[Control, Any]] = {}
        self._quiet = False
        self._open, self._folded = w.Box(), w.Box()
        for box in (self._open, self._folded):
            box.add_class("wan-options")
        self._open.add_class("wan-options-open")
        self._more = w.Accordion(children=[self._folded], selected_index=None)
        self.box = w.VBox([self._open, self._more])
        self.speak()

    def speak(self) -> None:
        """Title the folded part; the rows are labelled with the form's other widgets."""
        self._more.set_title(0, self._words("compose.more"))

    def close(self) -> None:
        """Take back the widgets, also those that the present offer has no place for."""
        close(self.box, *(widget for _, widget in self._made.values()))

    def asked(self) -> tuple[dict[str, Any], OptionError | None]:
        """Return what was chosen, by field name, and the first text that is nothing its option takes."""
        asked: dict[str, Any] = {}
        problem = None
        for name, (control, widget) in self._made.items():
            if not any(widget in box.children for box in (self._open, self._folded)):
                continue
            try:
                value = READ[control.kind](control, widget)
            except OptionError as error:
                problem = problem or error
                continue
            if value is not None:
                asked[name] = value
        return asked, problem

    def show(self, offer: Offer, asked: Mapping[str, Any]) -> None:
        """Show the offer's controls, holding what was chosen."""
        self._quiet = True
        try:
            rows = {control.name: self._widget(control, asked.get(control.name)) for control in offer.controls}
        finally:
            self._quiet = False
        self._open.children = tuple(widget for name, widget in rows.items() if name not in FOLDED)
        self._folded.children = tuple(widget for name, widget in rows.items() if name in FOLDED)
        self._more.layout.display = None if self._folded.children else "none"

    def _widget(self, control: Control, value: Any) -> Any:
        """Return the widget of a control: the one that there is, if it asks the same."""
        before, widget = self._made.get(control.name, (None, None))
        if before == control:
            return widget
        made = MAKE[control.kind](control, self._words)
        self._words.put(made, "description", f"compose.label.{control.name}")
        if control.kind in ("text", "seed") and widget is not None:
            made.value = widget.value
        elif value is not None:
            WRITE[control.kind](control, made, value)
        if widget is not None:
            self._words.drop(widget)
            close(widget)
        trait = "index" if control.kind == "pick" else "value"
        made.observe(lambda _: None if self._quiet else self._changed(), names=trait)
        made.add_class(f"wan-option-{control.name.replace('_', '-')}")
        self._made[control.name] = control, made
        return made


# ---- a kind of control: how it is made, written and read -------------------------------------------------------------


def _make_pick(control: Control, words: Translations) -> Any:
    import ipywidgets as w

    del words
    labels = [label for label, _ in control.choices]
    usual = next((at for at, (_, value) in enumerate(control.choices) if value is None), 0)
    how: dict[str, Any] = {"options": labels, "index": usual, "style": dict(LABEL), "layout": dict(FILL)}
    if len(labels) <= FEW:
        how["style"]["button_width"] = "auto"
        return w.ToggleButtons(**how)
    return w.Dropdown(**how)  # a slider's handle has no name that a screen reader could say


def _make_switch(control: Control, words: Translations) -> Any:
    import ipywidgets as w

    del words
    return w.Checkbox(value=bool(control.default), indent=False, layout=dict(FILL))


def _make_text(control: Control, words: Translations) -> Any:
    import ipywidgets as w

    hints = {"seed": "compose.seed_hint", "audio_url": "compose.url_hint"}
    made = w.Text(style=dict(LABEL), layout=dict(FILL))
    if control.default:
        words.put(made, "placeholder", "compose.usual_hint", value=control.default)
    else:
        words.put(made, "placeholder", hints.get(control.name, "compose.text_hint"))
    return made


def _write_pick(control: Control, widget: Any, value: Any) -> None:
    places = [at for at, (_, one) in enumerate(control.choices) if one == value]
    if places:
        widget.index = places[0]


def _write_plain(control: Control, widget: Any, value: Any) -> None:
    del control
    widget.value = value if isinstance(value, bool) else str(value)


def _read_pick(control: Control, widget: Any) -> Any:
    return None if widget.index is None else control.choices[widget.index][1]


def _read_switch(control: Control, widget: Any) -> Any:
    return None if widget.value == bool(control.default) else widget.value


def _read_text(control: Control, widget: Any) -> Any:
    return value_typed(control.name, widget.value)


MAKE: Mapping[str, Callable[[Control, Translations], Any]] = MappingProxyType(
    {"pick": _make_pick, "switch": _make_switch, "text": _make_text, "seed": _make_text}
)
WRITE: Mapping[str, Callable[[Control, Any, Any], None]] = MappingProxyType(
    {"pick": _write_pick, "switch": _write_plain, "text": _write_plain, "seed": _write_plain}
)
READ: Mapping[str, Callable[[Control, Any], Any]] = MappingProxyType(
    {"pick": _read_pick, "switch": _read_switch, "text": _read_text, "seed": _read_text}
)
