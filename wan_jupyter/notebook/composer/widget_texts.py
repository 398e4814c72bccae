"""The texts of widgets by message key, so that they can be translated again when the user changes the language."""

from __future__ import annotations

from typing import Any

from ...i18n.messages import tr


class Translations:
    """The language of a form, and the widget traits that hold its messages."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._bound: dict[tuple[Any, str], tuple[str, dict[str, object]]] = {}

    def __call__(self, key: str, /, **values: object) -> str:
        """Return a message in the form's language."""
        return tr(key, self.language, **values)

    def bind(self, widget: Any, trait: str, key: str, /, **values: object) -> None:
        """Set a widget's trait to the message of `key`, and keep it in the form's language."""
        self._bound[widget, trait] = key, values
        setattr(widget, trait, self(key, **values))

    def unbind(self, widget: Any) -> None:
        """Forget a closed widget."""
        self._bound = {trait: text for trait, text in self._bound.items() if trait[0] is not widget}

    def set_language(self, language: str) -> None:
        """Set all bound traits in another language."""
        self.language = language
        for (widget, trait), (key, values) in self._bound.items():
            setattr(widget, trait, self(key, **values))
