"""The texts of widgets by their keys, so that they can be said anew when the user changes the language."""

from __future__ import annotations

from typing import Any

from ...i18n.messages import tr


class Translations:
    """One language for a form, and the widgets that have a text of it."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._put: dict[tuple[Any, str], tuple[str, dict[str, object]]] = {}

    def __call__(self, key: str, /, **values: object) -> str:
        """Return a message in the form's language."""
        return tr(key, self.language, **values)

    def put(self, widget: Any, trait: str, key: str, /, **values: object) -> None:
        """Give a widget's trait the text of a key, and keep it in the form's language."""
        self._put[widget, trait] = key, values
        setattr(widget, trait, self(key, **values))

    def drop(self, widget: Any) -> None:
        """Forget a widget that is closed."""
        self._put = {place: text for place, text in self._put.items() if place[0] is not widget}

    def speak(self, language: str) -> None:
        """Say all of it in another language."""
        self.language = language
        for (widget, trait), (key, values) in self._put.items():
            setattr(widget, trait, self(key, **values))
