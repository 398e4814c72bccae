"""What the composer offers: the models that take a draft's pictures, and the options that the model has. Floor 5: pure.

What a model lacks falls back to the usual value, and that is said; so an offer and its draft always fit each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from ..catalog import plan as catalog
from ..catalog.plan import Model, Plan, Provider
from ..catalog.validate import spans
from ..errors import InputError
from ..i18n.messages import ENGLISH, tr
from ..media.image.reader import Image
from ..request.options import VideoRequest
from ..session.session import Session
from .composer_draft import NOTHING, ROWS, Draft

# What the form asks, in its order. A size, a clip and a path in the body are for those who type cells.
ASKED = (
    "duration", "resolution", "shot_type", "template", "audio", "prompt_extend", "watermark", "seed",
    "negative_prompt", "audio_url",
)  # fmt: skip
MODES = ("first", "first_last", "last", "text")
SELF_HOSTED = "self-hosted"  # the region of models to serve yourself


@dataclass(frozen=True, slots=True)
class Control:
    """One option that a model has.

    Attributes:
        kind: "pick" (one of `choices`), "switch" (on or off), "text", "seed".
        usual: what is sent where nothing is chosen, None where the service decides.
        choices: labels with values; the usual one stands for "nothing chosen" and has None.
    """

    name: str
    kind: str
    usual: Any = None
    choices: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Offer:
    """What a draft has to choose from: the model in force, all models with their labels, the controls."""

    model: Model | None
    models: tuple[tuple[str, str | None], ...]
    controls: tuple[Control, ...] = ()

    def control(self, name: str) -> Control | None:
        """Return the control of a field, None where the model has none."""
        return next((control for control in self.controls if control.name == name), None)


def offer(draft: Draft, session: Session, language: str = ENGLISH) -> Offer:
    """Return what there is to choose for a draft's pictures and model."""
    plan = _bare_plan(draft, session)
    usual = _bare_plan(replace(draft, asked=NOTHING), session)
    named = tuple(_models(draft, session.provider, usual, language))
    if plan is None:
        return Offer(None, named)
    return Offer(plan.model, named, tuple(_controls(plan, language)))


def fitted(draft: Draft, session: Session, language: str = ENGLISH) -> tuple[Draft, Offer, list[str]]:
    """Return a draft without what its pictures or its model leave no room for, what it may choose, and what was lost.

    Returns:
        The draft, the offer, and a sentence for each value that fell back to the usual one.
    """
    asked, notes = dict(draft.asked), []
    there = offer(draft, session, language)
    wanted = asked.get("model")
    if wanted is not None and wanted not in {value for _, value in there.models}:
        del asked["model"]
        draft = replace(draft, asked=asked)
        there = offer(draft, session, language)
        now = there.model.id if there.model else tr("compose.no_model", language)
        notes.append(tr("compose.model_yields", language, model=wanted, now=now))
    for name, value in list(asked.items()):
        if name != "model" and there.model and not _fits(there.control(name), value):
            del asked[name]
            what = tr(f"compose.label.{name}", language)
            notes.append(tr("compose.value_yields", language, name=what, value=value, model=there.model.id))
    return replace(draft, asked=MappingProxyType(asked)), there, notes


def _fits(control: Control | None, value: Any) -> bool:
    if control is None:
        return False
    return control.kind != "pick" or value == control.usual or value in {one for _, one in control.choices}


def _bare_plan(draft: Draft, session: Session) -> Plan | None:
    """Return how a draft's pictures and model resolve without its other values, None where there is no model.

    With nothing chosen yet, a first frame is expected, unless the model makes videos from words alone.
    """
    frames: dict[str, Any] = {role: frame.image for role, frame in draft.frames.items()}
    name = draft.asked.get("model")
    alone = "text" in (catalog.model(name, session.provider.protocol).modes if name else session.provider.defaults)
    if not frames and not alone:
        frames = {"first": Image("")}
    request = VideoRequest(prompt=".", filled_prompt=".", model=name, **frames)
    for attempt in (session._plan, lambda asked: catalog.resolve(asked, session.provider)):
        try:
            return attempt(request)
        except InputError:
            continue
    return None


def _models(draft: Draft, where: Provider, usual: Plan | None, language: str) -> Iterator[tuple[str, str | None]]:
    """Yield the usual model, then those of the provider that take such pictures, as labels with ids."""
    modes = ({draft.mode} if draft.frames else {"first", "text"}) & set(where.modes or MODES)
    if usual is not None:
        yield tr("compose.usual_model", language, model=_described(usual.model, language)), None
    for row in catalog.models().values():
        if modes & set(row.modes) and _had(where, row) and (usual is None or row.id != usual.model.id):
            yield _described(row, language), row.id


def _had(where: Provider, row: Model) -> bool:
    """Tell whether a model is known to be had from a provider; one to serve yourself only where people do that."""
    if where.models:
        return row.id in where.models
    own = row.regions == (SELF_HOSTED,)
    return where.region in row.regions if where.region or own else True


def _described(row: Model, language: str) -> str:
    seconds = tr("chip.seconds", language, value=spans(row.durations)) if row.durations else ""
    facts = (", ".join(row.resolutions), seconds, tr("compose.sound", language) if row.sound else "")
    return " · ".join(part for part in (row.id, *facts) if part)


def _controls(plan: Plan, language: str) -> Iterator[Control]:
    """Yield the controls of a model, in the form's order; one value alone is nothing to choose."""
    for name in ASKED:
        make = MAKERS.get(name)
        if make is not None:
            choices = make(plan.model, language)
            if len(choices) > 1:
                yield _pick(name, choices, getattr(plan.request, name), language)
        elif name in plan.model.fields:
            kind = ROWS[name].option.kind
            usual = getattr(plan.request, name)
            yield Control(name, KINDS[kind], plan.model.sound if name == "audio" and usual is None else usual)


def _pick(name: str, choices: list[tuple[str, Any]], usual: Any, language: str) -> Control:
    """Return a control whose usual value, if it is among the others, stands for "nothing chosen"."""
    if usual is None:
        return Control(name, "pick", None, ((tr(f"compose.unchosen.{name}", language), None), *choices))
    marked = [
        (tr("compose.usual", language, value=label), None) if value == usual else (label, value)
        for label, value in choices
    ]
    return Control(name, "pick", usual, tuple(marked))


def _durations(row: Model, language: str) -> list[tuple[str, Any]]:
    choices = [(tr("chip.seconds", language, value=seconds), seconds) for seconds in row.durations]
    return [*choices, *([(tr("compose.smart", language), -1)] if row.smart else [])]


def _shots(row: Model, language: str) -> list[tuple[str, Any]]:
    words = ROWS["shot_type"].option.choices if "shot_type" in row.fields else ()
    return [(tr(f"compose.shot.{word}", language), word) for word in words]


def _templates(row: Model, language: str) -> list[tuple[str, Any]]:
    del language
    return [(name, name) for name in row.templates]


def _tiers(row: Model, language: str) -> list[tuple[str, Any]]:
    return [(tr("chip.resolution", language, value=tier), tier) for tier in row.resolutions]


MAKERS: Mapping[str, Callable[[Model, str], list[tuple[str, Any]]]] = MappingProxyType(
    {"duration": _durations, "resolution": _tiers, "shot_type": _shots, "template": _templates}
)
KINDS: Mapping[str, str] = MappingProxyType({"switch": "switch", "seed": "seed", "text": "text", "url": "text"})
