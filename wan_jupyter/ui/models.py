"""What `%wan models` shows: all models as a table, or one with everything that its row says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..catalog import Model, models, spans
from ..errors import ModelError
from ..messages import say
from ..request import nearest, shorten

COLUMNS = ("id", "modes", "resolutions", "durations")


def head(language: str = "en") -> list[str]:
    """Return the table's column titles."""
    return [say(f"models.{name}", language) for name in COLUMNS]


def overview(language: str = "en") -> list[list[str]]:
    """Return one row a model."""
    return [[row.id, _modes(row, language), " ".join(row.resolutions), _durations(row)] for row in models().values()]


def details(name: str, language: str = "en") -> list[list[str]]:
    """Return what is known of one model, a fact a row.

    Raises:
        ModelError: the catalogue does not have it; the service may all the same.
    """
    if name not in models():
        raise ModelError("model.unlisted", model=shorten(name), suggestion=nearest(name, models()))
    row = models()[name]
    facts = {
        "id": row.id,
        "modes": _modes(row, language),
        "resolutions": " ".join(row.resolutions),
        "durations": _durations(row),
        "sound": say("models.yes" if row.sound else "models.no", language),
        "options": ", ".join(field.replace("_", "-") for field in row.fields),
        "templates": ", ".join(row.templates),
        "regions": ", ".join(row.regions),
        "prompt": str(row.prompt_max or ""),
        "prices": "; ".join(_price(price) for price in row.prices),
    }
    return [[say(f"models.{name}", language), value] for name, value in facts.items() if value]


def _modes(row: Model, language: str) -> str:
    return ", ".join(say(f"models.mode.{mode}", language) for mode in row.modes)


def _durations(row: Model) -> str:
    return f"{spans(row.durations)} s" if row.durations else ""


def _price(row: Mapping[str, Any]) -> str:
    sound = {True: "with sound ", False: "silent "}.get(row.get("sound", ""), "")
    return f"{row['tariff']} {row['resolution']} {sound}{row['per_second']:g} {row['currency']}/s (seen {row['seen']})"
