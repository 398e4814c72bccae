"""How self-hosted servers differ: SGLang Diffusion and vLLM-Omni.

Sources: the released packages sglang 0.5.23 and vllm-omni 0.30.0, run 2026-11-21.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from ..tasks import Task, TaskState
from .openai_rules import VideoRequest

WORDS: Mapping[str, str] = MappingProxyType(
    {"PENDING": "queued", "RUNNING": "in_progress", "SUCCEEDED": "completed", "FAILED": "failed", "CANCELED": "failed"}
)


@dataclass(frozen=True)
class Job:
    """Everything that a server may report of a job; `share` of the work is done, 0 to 1."""

    task: Task
    state: TaskState
    wanted: VideoRequest
    word: str
    share: float
    model: str

    @property
    def size(self) -> str:
        """The size as these servers spell it."""
        return "{}x{}".format(*self.wanted.size)

    @property
    def completed_at(self) -> int | None:
        """When the job ended, None if it has not."""
        return None if self.state.ended is None else int(self.state.ended)

    @property
    def worked(self) -> float | None:
        """The seconds of work on a completed job, else None."""
        done = self.word == "completed" and self.state.ended is not None and self.state.scheduled is not None
        return round((self.state.ended or 0) - (self.state.scheduled or 0), 3) if done else None

    @property
    def failure_status(self) -> int:
        """The HTTP status of a failure."""
        code = (self.state.refusal and self.state.refusal.code) or ""
        return int(code) if code.isdecimal() and 400 <= int(code) <= 599 else 500

    @property
    def failure(self) -> str:
        """Why the job failed."""
        return (self.state.refusal and self.state.refusal.message) or "Video generation failed."


@dataclass(frozen=True)
class Server:
    """The quirks of one server.

    Attributes:
        frames, rate: frames and frames a second if the request names none.
        exact_model: whether another model's name is refused.
        text_picture: whether `input_reference` may be text.
        references: its field names for a picture.
        failure_status: whether a failed job is answered with an HTTP status of 400 or more.
        stops: whether DELETE stops the work.
        variants: whether the content route takes the number of an output.
    """

    prefix: str
    frames: int
    rate: int
    exact_model: bool
    keyed: bool
    text_picture: bool
    references: tuple[str, ...]
    failure_status: bool
    stops: bool
    variants: bool
    failed_content: tuple[int, str]
    shown: Callable[[Job], dict[str, Any]]
    deleted: Callable[[Job], dict[str, Any]]


def _vllm_shown(job: Job) -> dict[str, Any]:
    done = job.word == "completed"
    error = {"code": job.failure_status, "message": job.failure} if job.word == "failed" else None
    return {
        "model": job.model,
        "prompt": job.wanted.prompt,
        "id": job.task.task_id,
        "object": "video",
        "status": job.word,
        "size": job.size,
        "progress": 100 if done else 0,  # nothing between, and nothing is left of it by a failure
        "seconds": str(job.wanted.seconds),
        "quality": "default",
        "completed_at": job.completed_at,
        "created_at": int(job.task.created),
        "error": error,
        "media_type": "video/mp4",
        "expires_at": None,
        "file_name": f"{job.task.task_id}.mp4" if done else None,
        "inference_time_s": job.worked,
        "fps": float(job.wanted.rate),
        "num_frames": job.wanted.frames,
        "duration_s": job.wanted.duration,
        "metrics": None,
        "stage_durations": {},
        "peak_memory_mb": 0.0,
        "action": None,
    }


def _sglang_shown(job: Job) -> dict[str, Any]:
    nothing = ("url", "urls", "remixed_from_video_id", "expires_at", "file_paths", "num_outputs", "revised_prompt")
    done = job.word == "completed"
    return {
        "id": job.task.task_id,
        "object": "video",
        "model": job.task.request.get("model") or job.model,
        "status": job.word,
        "progress": 100 if done else min(99, int(100 * job.share)),
        "created_at": int(job.task.created),
        "size": job.size,
        "seconds": str(job.wanted.seconds),
        "quality": "standard",
        "completed_at": job.completed_at if done else None,
        "error": {"message": job.failure} if job.word == "failed" else None,
        "file_path": f"/outputs/{job.task.task_id}.mp4",
        "peak_memory_mb": 0.0 if done else None,
        "inference_time_s": job.worked,
        "action": None,
        "lidar": None,
    } | dict.fromkeys(nothing)


SERVERS: Mapping[str, Server] = MappingProxyType(
    {
        "vllm-omni": Server(
            prefix="video_gen_",
            frames=81,
            rate=16,
            exact_model=True,
            keyed=True,
            text_picture=False,
            references=("input_reference", "image_reference"),
            failure_status=True,
            stops=True,
            variants=False,
            failed_content=(422, "Video generation failed: {failure}"),
            shown=_vllm_shown,
            deleted=lambda job: {"id": job.task.task_id, "deleted": True, "object": "video.deleted"},
        ),
        "sglang": Server(
            prefix="",
            frames=96,
            rate=24,
            exact_model=False,
            keyed=False,
            text_picture=True,
            references=("input_reference", "reference_url"),
            failure_status=False,
            stops=False,
            variants=True,
            failed_content=(404, "Video variant None not found"),
            shown=_sglang_shown,
            deleted=lambda job: _sglang_shown(job) | {"status": "deleted"},
        ),
    }
)
