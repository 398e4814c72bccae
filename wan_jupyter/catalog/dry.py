"""What a request would do, without doing it. Floor 5: pure, but pictures are made fit, which may take seconds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from ..billing.prices import Price
from ..i18n.messages import say
from .dry_run import Preview, preview
from .plan import Plan, Provider


@dataclass(frozen=True, slots=True)
class DryRun:
    """What a request would do: the exact request, its price (None: unknown) and what the user should know."""

    request: Preview
    price: Price | None
    plan: Plan


def dry_run(plan: Plan, where: Provider, price: Callable[[Plan], Price | None]) -> DryRun:
    """Return what a plan would send to a provider, what that would cost, and what is done to its pictures before.

    Raises:
        ImageError: a picture that cannot be read to its end.
    """
    variable = next(iter(where.key_variables), "")
    drawn = plan.request.seed is None and "seed" in plan.model.fields
    fields = {**plan.order.fields, **({"seed": say("preview.seed")} if drawn else {})}
    shown = preview(plan.request, replace(plan.order, fields=fields), where.speak(), variable)
    return DryRun(shown, price(plan), replace(plan, remarks=(*plan.remarks, *shown.remarks)))


def sent_later(plan: Plan, where: Provider, price: Callable[[Plan], Price | None]) -> Callable[[], DryRun]:
    """Return a way to look at a job's request later on, which keeps none of its pixels."""
    frames: dict[str, Any] = {role: replace(image, source=None) for role, image in plan.request.frames}
    light = replace(plan, request=replace(plan.request, **frames))
    return partial(dry_run, light, where, price)
