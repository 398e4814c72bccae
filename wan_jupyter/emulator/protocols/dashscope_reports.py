"""DashScope's answer to a poll, also for tasks that a gateway forwards to it.

Source: https://www.alibabacloud.com/help/en/model-studio/manage-asynchronous-tasks, read 2026-11-21.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from ..clip_spec import FRAMES_PER_SECOND, Refusal
from ..tasks import Task, TaskState
from .dashscope_rules import Model, Parameters, parameters_of

CHINA = timezone(timedelta(hours=8))
REWRITTEN = " The camera moves slowly and evenly, the light is soft, and fine details stay sharp throughout."


def report(model: Model, task: Task, state: TaskState, link: str | None) -> dict[str, Any]:
    """Return a task's state as DashScope reports it; `link` is the video of a task that succeeded."""
    output: dict[str, Any] = {"task_id": task.task_id, "task_status": state.status} | _times(task, state)
    if state.status == "RUNNING" and model.metrics:
        output["task_metrics"] = {"TOTAL": 1, "SUCCEEDED": 0, "FAILED": 0}
    if state.refusal is not None:
        problem = {"code": state.refusal.code, "message": state.refusal.message}
        output |= {name: value for name, value in problem.items() if value is not None}
    wanted = parameters_of(model, task.request)
    if state.status != "SUCCEEDED" or isinstance(wanted, Refusal):
        return {"output": output}
    output |= _prompts(model, task, wanted)
    output["video_url"] = link
    return {"output": output, "usage": _usage(model, wanted)}


def _times(task: Task, state: TaskState) -> dict[str, str]:
    moments = {"submit_time": task.created, "scheduled_time": state.scheduled, "end_time": state.ended}
    if state.status == "PENDING":  # the samples have no times then
        return {}
    return {name: _clock(moment) for name, moment in moments.items() if moment is not None}


def _clock(moment: float) -> str:
    return datetime.fromtimestamp(moment, CHINA).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def _prompts(model: Model, task: Task, wanted: Parameters) -> dict[str, str]:
    prompt = task.request["input"].get("prompt")
    if not isinstance(prompt, str) or not prompt:
        return {}
    rewritten = {"actual_prompt": prompt + REWRITTEN} if model.rewritten and wanted.extend else {}
    return {"orig_prompt": prompt} | rewritten


def _usage(model: Model, wanted: Parameters) -> dict[str, Any]:
    facts = {
        "video_count": 1,
        "video_duration": wanted.duration,
        "video_ratio": "standard",
        "duration": wanted.duration,
        "input_video_duration": 0,  # clips are not decoded; the whole length is billed in any case
        "output_video_duration": wanted.duration,
        "SR": int(wanted.resolution.removesuffix("P")),
        "audio": wanted.sound,
        "fps": FRAMES_PER_SECOND,
        "ratio": "adaptive",
    }
    return {name: facts[name] for name in model.usage}
