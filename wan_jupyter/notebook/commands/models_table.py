"""What `%wan models` shows: all models as a table, or one with everything that its row says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...catalog.plan import Model, models, spans
from ...errors import ModelError
from ...i18n.messages import say
from ...request.options import nearest, shorten
from ...workflows.composer_options import SELF_HOSTED

COLUMNS = ("id", "modes", "resolutions", "durations")


def head(language: str = "en") -> list[str]:
    """Return the table's column titles."""
    return [say(f"models.{name}", language) for name in COLUMNS]


def overview(language: str = "en") -> list[list[str]]:
    """Return one row a model."""
    return [
        [row.id, _modes(row, language), " ".join(row.resolutions), _durations(row, language)]
        for row in models().values()
    ]


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
        "durations": _durations(row, language),
        "sound": say("models.yes" if row.sound else "models.no", language),
        "options": ", ".join(field.replace("_", "-") for field in row.fields),
        "templates": ", ".join(row.templates),
        "regions": say("part.comma", language).join(_region(region, language) for region in row.regions),
        "prompt": str(row.prompt_max or ""),
        "prices": say("part.semicolon", language).join(_price(price, language) for price in row.prices),
    }
    return [[say(f"models.{name}", language), value] for name, value in facts.items() if value]


def _modes(row: Model, language: str) -> str:
    return say("part.comma", language).join(say(f"models.mode.{mode}", language) for mode in row.modes)


def _durations(row: Model, language: str) -> str:
    return say("chip.seconds", language, value=spans(row.durations)) if row.durations else ""


def _region(name: str, language: str) -> str:
    """Return a region as the vendor calls it; what is no vendor's is said."""
    return say("models.self_hosted", language) if name == SELF_HOSTED else name


def _price(row: Mapping[str, Any], language: str) -> str:
    kind = {True: "sound", False: "silent"}.get(row.get("sound", ""), "plain")
    price = f"{row['per_second']:g} {row['currency']}"
    facts = {name: row[name] for name in ("tariff", "resolution", "seen")}
    return say(f"models.tariff.{kind}", language, price=price, **facts)
