"""The text of `--dry-run`: the exact request, its price and the same as a curl command."""

from __future__ import annotations

import json

from ...catalog.dry_run import DryRun
from ...i18n.messages import tr


def dry_text(dry: DryRun, language: str = "en") -> str:
    """Return the request that would be sent, its price, remarks and curl command."""
    remarks = [tr(key, language, **values) for key, values in dry.plan.remarks]
    return "\n\n".join([request_text(dry), price_line(dry, language), *remarks, dry.request.curl])


def request_text(dry: DryRun) -> str:
    """Return the request alone, as it is sent."""
    request = dry.request
    head = [f"{request.method} {request.url}", *(f"{name}: {value}" for name, value in request.headers.items())]
    return "\n".join([*head, "", json.dumps(request.body, ensure_ascii=False, indent=2)])


def price_line(dry: DryRun, language: str = "en") -> str:
    """Return the price in words."""
    if dry.price is None:
        return tr("price.unknown", language, model=dry.plan.model.id)
    if not dry.price.amount:
        return tr("price.free", language)
    return tr("price.about", language, price=dry.price, seen=dry.price.seen)
