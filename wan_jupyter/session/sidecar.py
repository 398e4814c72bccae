"""What is written beside a video."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from ..jobs.job import Job
from ..security.urls import shown_url
from ..storage.output_files import OutputPaths

# In JSON a slash may be escaped. Looked for at the beginning of a run of letters only: one look at each.
ADDRESS = re.compile(r"""(?<![A-Za-z0-9+.-])([0-9+.-]*)([A-Za-z][A-Za-z0-9+.-]*:(?:\\?/){2}[^\s"'<>]*)""")


def sidecar_of(job: Job, place: OutputPaths) -> Mapping[str, Any]:
    """Return what is written beside a video (DESIGN section 5, Files)."""
    request, shot = job.request, job.snapshot
    asked = {**request.asked(), **{name: shown_url(link) for name, link in request.links.items()}}
    options = {name: value for name, value in asked.items() if name not in ("seed", "model")}
    if request.params:
        options["params"] = [(path, _shown(value)) for path, value in request.params]
    times = {name: shot.facts[name] for name in ("submit_time", "scheduled_time", "end_time") if name in shot.facts}
    told = shot.facts.get("orig_prompt", "")  # an adopted task may not say it before it ends
    return {
        "prompt": request.prompt or told,
        "filled_prompt": request.filled_prompt or told,
        "actual_prompt": shot.facts.get("actual_prompt", ""),
        "provider": job.provider,
        "model": job.info.model,
        "options": options,
        "seed": request.seed,
        "cost": str(job.cost or ""),
        "times": {"created_at": job.info.created_at, **times},
        "inputs": [{"role": role, "name": image.label, "sha256": image.digest} for role, image in request.frames],
        "task_id": job.remote_id,
        "take": job.info.take,
        "job": job.id,
        "file": place.video.name,
    }


def _shown(value: str) -> str:
    """Return a parameter's value as it may be shown: its addresses without queries, which may be signatures."""
    try:
        told = json.loads(value)
        bare = _each(told)
        return value if bare == told else json.dumps(bare, ensure_ascii=False)
    except (ValueError, RecursionError):
        return _without_queries(value)


def _each(told: Any) -> Any:
    """Cut the addresses in every text of a JSON value."""
    if isinstance(told, dict):
        return {_shown(name): _each(one) for name, one in told.items()}
    if isinstance(told, list):
        return [_each(one) for one in told]
    return _shown(told) if isinstance(told, str) else told  # a text may be JSON, too


def _without_queries(text: str) -> str:
    return ADDRESS.sub(lambda found: found[1] + shown_url(found[2].replace("\\/", "/")), text)
