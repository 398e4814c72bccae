"""The composer's choices: the models that take a draft's images, and the options that the model has.

A value that the model does not support falls back to the default, with a note; so a draft always fits its choices.
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
from .composer_draft import NOTHING, OPTIONS, Draft

# Options in the form, in its order. Size, clip and other fields of the body are left to cells.
ASKED = (
    "duration", "resolution", "shot_type", "template", "audio", "prompt_extend", "watermark", "seed",
    "negative_prompt", "audio_url",
)  # fmt: skip
MODES = ("first", "first_last", "last", "text")
SELF_HOSTED = "self-hosted"  # the region of models that users serve themselves


@dataclass(frozen=True, slots=True)
class Control:
    """One option that a model has.

    Attributes:
        kind: "pick" (one of `choices`), "switch" (on or off), "text", "seed".
        default: what is sent if nothing is chosen, None if the service decides.
        choices: labels with values; the default's value is None, which means "nothing chosen".
    """

    name: str
    kind: str
    default: Any = None
    choices: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Offer:
    """The choices for a draft: the model in force, all models with their labels, the controls."""

    model: Model | None
    models: tuple[tuple[str, str | None], ...]
    controls: tuple[Control, ...] = ()

    def control(self, name: str) -> Control | None:
        """Return the control of a field, None if the model does not have it."""
        return next((control for control in self.controls if control.name == name), None)


def offer(draft: Draft, session: Session, language: str = ENGLISH) -> Offer:
    """Return the choices for a draft's images and model."""
    plan = _bare_plan(draft, session)
    default = _bare_plan(replace(draft, asked=NOTHING), session)
    named = tuple(_models(draft, session.provider, default, language))
    if plan is None:
        return Offer(None, named)
    return Offer(plan.model, named, tuple(_controls(plan, language)))


def fitted(draft: Draft, session: Session, language: str = ENGLISH) -> tuple[Draft, Offer, list[str]]:
    """Drop from a draft what its images or its model do not support.

    Returns:
        The draft, its choices, and a sentence for each value that fell back to the default.
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
    return control.kind != "pick" or value == control.default or value in {one for _, one in control.choices}


def _bare_plan(draft: Draft, session: Session) -> Plan | None:
    """Resolve a draft's images and model without its other values; None if no model takes them.

    With nothing chosen yet, a first frame is assumed, unless the model makes videos from text alone.
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


def _models(draft: Draft, provider: Provider, default: Plan | None, language: str) -> Iterator[tuple[str, str | None]]:
    """Yield the default model, then the provider's others that take such images, as labels with ids."""
    modes = ({draft.mode} if draft.frames else {"first", "text"}) & set(provider.modes or MODES)
    if default is not None:
        yield tr("compose.usual_model", language, model=_described(default.model, language)), None
    for model in catalog.models().values():
        if (
            modes & set(model.modes)
            and _is_offered(provider, model)
            and (default is None or model.id != default.model.id)
        ):
            yield _described(model, language), model.id


def _is_offered(provider: Provider, model: Model) -> bool:
    """Check whether a provider is known to have a model; self-hosted models only on self-hosted servers."""
    if provider.models:
        return model.id in provider.models
    own = model.regions == (SELF_HOSTED,)
    return provider.region in model.regions if provider.region or own else True


def _described(model: Model, language: str) -> str:
    seconds = tr("chip.seconds", language, value=spans(model.durations)) if model.durations else ""
    facts = (", ".join(model.resolutions), seconds, tr("compose.sound", language) if model.sound else "")
    return " · ".join(part for part in (model.id, *facts) if part)


def _controls(plan: Plan, language: str) -> Iterator[Control]:
    """Yield the controls of a model in the form's order; an option with a single value needs none."""
    for name in ASKED:
        make = MAKERS.get(name)
        if make is not None:
            choices = make(plan.model, language)
            if len(choices) > 1:
                yield _pick(name, choices, getattr(plan.request, name), language)
        elif name in plan.model.fields:
            kind = OPTIONS[name].option.kind
            default = getattr(plan.request, name)
            yield Control(name, KINDS[kind], plan.model.sound if name == "audio" and default is None else default)


def _pick(name: str, choices: list[tuple[str, Any]], default: Any, language: str) -> Control:
    """Return a control whose default, if it is among the choices, means "nothing chosen"."""
    if default is None:
        return Control(name, "pick", None, ((tr(f"compose.unchosen.{name}", language), None), *choices))
    marked = [
        (tr("compose.usual", language, value=label), None) if value == default else (label, value)
        for label, value in choices
    ]
    return Control(name, "pick", default, tuple(marked))


def _durations(model: Model, language: str) -> list[tuple[str, Any]]:
    choices = [(tr("chip.seconds", language, value=seconds), seconds) for seconds in model.durations]
    return [*choices, *([(tr("compose.smart", language), -1)] if model.smart else [])]


def _shots(model: Model, language: str) -> list[tuple[str, Any]]:
    words = OPTIONS["shot_type"].option.choices if "shot_type" in model.fields else ()
    return [(tr(f"compose.shot.{word}", language), word) for word in words]


def _templates(model: Model, language: str) -> list[tuple[str, Any]]:
    del language
    return [(name, name) for name in model.templates]


def _tiers(model: Model, language: str) -> list[tuple[str, Any]]:
    return [(tr("chip.resolution", language, value=tier), tier) for tier in model.resolutions]


MAKERS: Mapping[str, Callable[[Model, str], list[tuple[str, Any]]]] = MappingProxyType(
    {"duration": _durations, "resolution": _tiers, "shot_type": _shots, "template": _templates}
)
KINDS: Mapping[str, str] = MappingProxyType({"switch": "switch", "seed": "seed", "text": "text", "url": "text"})
