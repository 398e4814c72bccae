"""Tasks as files: a task's state is a pure function of its file and the clock.

So a task outlives the process that created it, and several processes may serve one folder. The names of states are the
emulator's own; each protocol translates them.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import uuid
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from .clip_spec import ClipSpec, Refusal

PENDING_SECONDS = 1.0  # a task waits this long, at speed 1
RUNNING_SECONDS = 5.0  # and is then worked at for this long
# Every protocol has a spelling of its own; none of them leads out of the folder.
TASK_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|(task_|video_gen_)[0-9a-f]{32}")


@dataclass(frozen=True)
class Task:
    """What was received, when, and from whom; times are in epoch seconds.

    Attributes:
        account: a keyed hash of the key.
        speed: the emulator's speed when the task was created.
        failure: set by a fault.
        uploads: digests of the files behind the request's `oss://` links.
        deleted: when a client deleted it; it stays in the ledger.
    """

    task_id: str
    protocol: str
    model: str
    request: dict[str, Any]
    account: str
    created: float
    speed: float
    seed: int
    canceled: float | None = None
    failure: Refusal | None = None
    uploads: dict[str, str] = field(default_factory=dict)
    deleted: float | None = None

    @property
    def starts(self) -> float:
        """When work on the task begins."""
        return self.created + PENDING_SECONDS / self.speed

    @property
    def ends(self) -> float:
        """When work on the task is done, if nothing stops it."""
        return self.starts + RUNNING_SECONDS / self.speed


@dataclass(frozen=True)
class TaskState:
    """A task's state at one moment; a time is None until it has come."""

    status: str
    scheduled: float | None = None
    ended: float | None = None
    refusal: Refusal | None = None


def life(task: Task, outcome: ClipSpec | Refusal | None, now: float) -> TaskState:
    """Return the task's state. `outcome` may be None before the task has started."""
    if task.canceled is not None and now >= task.canceled:
        return TaskState("CANCELED", ended=task.canceled)
    if now < task.starts:
        return TaskState("PENDING")
    if isinstance(outcome, Refusal):
        return TaskState("FAILED", task.starts, task.starts, outcome)
    if now < task.ends:
        return TaskState("RUNNING", task.starts)
    if task.failure is not None:
        return TaskState("FAILED", task.starts, task.ends, task.failure)
    return TaskState("SUCCEEDED", task.starts, task.ends)


class TaskFolder:
    """Stores tasks and the outcomes of inspecting their pictures as files that are always complete."""

    def __init__(self, folder: Path) -> None:
        self._tasks = folder / "tasks"
        self._outcomes = folder / "outcomes"
        self._read: dict[str, tuple[tuple[int, int, int], Task]] = {}

    def put(self, task: Task) -> None:
        """Write the task, replacing an older version."""
        fields = json.dumps(asdict(task), ensure_ascii=False)
        write_whole(self._tasks / f"{task.task_id}.json", fields.encode())

    def get(self, task_id: str) -> Task | None:
        """Return the task, None for an unknown or malformed id."""
        fields = read_json(self._tasks / f"{task_id}.json") if TASK_ID.fullmatch(task_id) else None
        if fields is None:
            return None
        failure = fields.pop("failure")
        return Task(**fields, failure=failure and Refusal(**failure))

    def all(self) -> list[Task]:
        """Return every task, oldest first."""
        marks = {}
        for path in self._tasks.glob("*.json"):
            with contextlib.suppress(FileNotFoundError):
                about = path.stat()
                marks[path.stem] = (about.st_ino, about.st_mtime_ns, about.st_size)
        self._read = {name: kept for name, mark in marks.items() if (kept := self._as_read(name, mark))}
        return sorted((task for _, task in self._read.values()), key=lambda task: (task.created, task.task_id))

    def _as_read(self, task_id: str, mark: tuple[int, int, int]) -> tuple[tuple[int, int, int], Task] | None:
        """Return a task with its file's fingerprint; an unchanged file is not read again."""
        kept = self._read.get(task_id)
        if kept is not None and kept[0] == mark:
            return kept
        task = self.get(task_id)
        return (mark, task) if task else None

    def cancel(self, task: Task, when: float) -> None:
        """Record that the task was canceled at this time."""
        self.put(replace(task, canceled=when))

    def delete(self, task: Task, when: float) -> None:
        """Record that the task was deleted at this time; its outcome stays."""
        self.put(replace(task, deleted=when))

    def fail(self, task: Task, why: Refusal) -> None:
        """Record that the task will fail at its end, whatever its pictures are."""
        self.put(replace(task, failure=why))

    def outcome(self, task_id: str) -> ClipSpec | Refusal | None:
        """Return the outcome of inspecting the task's pictures, None if that was not done yet."""
        fields = read_json(self._outcomes / f"{task_id}.json")
        if fields is None:
            return None
        if "pictures" not in fields:
            return Refusal(**fields)
        return ClipSpec(**fields | {"pictures": tuple(fields["pictures"])})

    def put_outcome(self, task_id: str, outcome: ClipSpec | Refusal) -> None:
        """Store the outcome of inspecting the task's pictures."""
        write_whole(self._outcomes / f"{task_id}.json", json.dumps(asdict(outcome)).encode())


def read_json(path: Path) -> dict[str, Any] | None:
    """Return the JSON object in a file, None if there is no such file."""
    try:
        fields: dict[str, Any] = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    return fields


def write_whole(path: Path, data: bytes) -> None:
    """Write a file atomically, readable by its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = path.with_name(f"{path.name}.{uuid.uuid4().hex}.part")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
    part.replace(path)


def sweep(folder: Path, before: float) -> None:
    """Remove tasks, pictures, clips and parts that were last written before this time (epoch seconds)."""
    for path in folder.glob("*/*"):
        with contextlib.suppress(OSError):
            if path.is_file() and path.stat().st_mtime < before:
                path.unlink()
