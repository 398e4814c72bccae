"""The options of the chosen model as widgets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from ...errors import OptionError
from ...workflows.composer_draft import value_typed
from ...workflows.composer_options import Control, Offer
from ..display.surfaces.base import close
from .widget_texts import Translations

MAX_BUTTONS = 4  # choices shown as buttons; more become a drop-down
FOLDED = frozenset({"template", "prompt_extend", "watermark", "seed", "negative_prompt", "audio_url"})
LABEL: Mapping[str, str] = MappingProxyType({"description_width": "110px"})
FILL: Mapping[str, str] = MappingProxyType({"width": "auto"})


class OptionControls:
    """Widgets that come and go with the model's options; a typed text is restored with its widget."""

    def __init__(self, changed: Callable[[], None], translations: Translations) -> None:
        import ipywidgets as w

        self._changed, self._translations = changed, translations
        self._made: dict[str, tuple[Control, Any]] = {}
        self._quiet = False
        self._open, self._folded = w.Box(), w.Box()
        for box in (self._open, self._folded):
            box.add_class("wan-options")
        self._open.add_class("wan-options-open")
        self._more = w.Accordion(children=[self._folded], selected_index=None)
        self.box = w.VBox([self._open, self._more])
        self.set_language()

    def set_language(self) -> None:
        """Translate the title of the folded part; the controls are bound to the form's translations."""
        self._more.set_title(0, self._translations("compose.more"))

    def close(self) -> None:
        """Close the widgets, also those that the present model has no option for."""
        close(self.box, *(widget for _, widget in self._made.values()))

    def asked(self) -> tuple[dict[str, Any], OptionError | None]:
        """Return the chosen values by field name, and the error of the first invalid text."""
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
        """Show the controls of an offer with the chosen values."""
        self._quiet = True
        try:
            widgets = {control.name: self._widget(control, asked.get(control.name)) for control in offer.controls}
        finally:
            self._quiet = False
        self._open.children = tuple(widget for name, widget in widgets.items() if name not in FOLDED)
        self._folded.children = tuple(widget for name, widget in widgets.items() if name in FOLDED)
        self._more.layout.display = None if self._folded.children else "none"

    def _widget(self, control: Control, value: Any) -> Any:
        """Return the widget of a control; the present one if the control has not changed."""
        before, widget = self._made.get(control.name, (None, None))
        if before == control:
            return widget
        made = MAKE[control.kind](control, self._translations)
        self._translations.bind(made, "description", f"compose.label.{control.name}")
        if control.kind in ("text", "seed") and widget is not None:
            made.value = widget.value
        elif value is not None:
            WRITE[control.kind](control, made, value)
        if widget is not None:
            self._translations.unbind(widget)
            close(widget)
        trait = "index" if control.kind == "pick" else "value"
        made.observe(lambda _: None if self._quiet else self._changed(), names=trait)
        made.add_class(f"wan-option-{control.name.replace('_', '-')}")
        self._made[control.name] = control, made
        return made


# ---- a kind of control: how it is made, written and read -------------------------------------------------------------


def _make_pick(control: Control, translations: Translations) -> Any:
    import ipywidgets as w

    del translations
    labels = [label for label, _ in control.choices]
    default = next((at for at, (_, value) in enumerate(control.choices) if value is None), 0)
    traits: dict[str, Any] = {"options": labels, "index": default, "style": dict(LABEL), "layout": dict(FILL)}
    if len(labels) <= MAX_BUTTONS:
        traits["style"]["button_width"] = "auto"
        return w.ToggleButtons(**traits)
    return w.Dropdown(**traits)  # not a slider: its handle has no name for a screen reader


def _make_switch(control: Control, translations: Translations) -> Any:
    import ipywidgets as w

    del translations
    return w.Checkbox(value=bool(control.default), indent=False, layout=dict(FILL))


def _make_text(control: Control, translations: Translations) -> Any:
    import ipywidgets as w

    hints = {"seed": "compose.seed_hint", "audio_url": "compose.url_hint"}
    made = w.Text(style=dict(LABEL), layout=dict(FILL))
    if control.default:
        translations.bind(made, "placeholder", "compose.usual_hint", value=control.default)
    else:
        translations.bind(made, "placeholder", hints.get(control.name, "compose.text_hint"))
    return made


def _write_pick(control: Control, widget: Any, value: Any) -> None:
    matches = [at for at, (_, choice) in enumerate(control.choices) if choice == value]
    if matches:
        widget.index = matches[0]


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
