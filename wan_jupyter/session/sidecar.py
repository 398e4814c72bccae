"""The sidecar: the JSON file beside a video that says how it was made."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from ..jobs.job import Job
from ..security.urls import shown_url
from ..storage.output_files import OutputPaths

# In JSON a slash may be escaped. Matched only at the beginning of a run of letters, so that the search stays linear.
ADDRESS = re.compile(r"""(?<![A-Za-z0-9+.-])([0-9+.-]*)([A-Za-z][A-Za-z0-9+.-]*:(?:\\?/){2}[^\s"'<>]*)""")


def sidecar_of(job: Job, place: OutputPaths) -> Mapping[str, Any]:
    """Return the contents of a job's sidecar, without signatures: everyone who gets the folder may read it."""
    request, shot = job.request, job.snapshot
    asked = {**request.asked(), **{name: shown_url(link) for name, link in request.links.items()}}
    options = {name: value for name, value in asked.items() if name not in ("seed", "model")}
    if request.params:
        options["params"] = [(path, _shown(value)) for path, value in request.params]
    times = {name: shot.facts[name] for name in ("submit_time", "scheduled_time", "end_time") if name in shot.facts}
    reported = shot.facts.get("orig_prompt", "")  # of an adopted task, which may report it only at its end
    return {
        "prompt": request.prompt or reported,
        "filled_prompt": request.filled_prompt or reported,
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
    """Return a parameter's value with its URLs cut to what may be shown: queries may be signatures."""
    try:
        parsed = json.loads(value)
        bare = _each(parsed)
        return value if bare == parsed else json.dumps(bare, ensure_ascii=False)
    except (ValueError, RecursionError):
        return _without_queries(value)


def _each(value: Any) -> Any:
    """Cut the URLs in every text of a JSON value; a text may itself be JSON."""
    if isinstance(value, dict):
        return {_shown(name): _each(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_each(item) for item in value]
    return _shown(value) if isinstance(value, str) else value


def _without_queries(text: str) -> str:
    return ADDRESS.sub(lambda found: found[1] + shown_url(found[2].replace("\\/", "/")), text)
