"""Find files in a state folder that no known task needs. It removes nothing and needs no app."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from .clip_spec import ClipSpec
from .serving_lock import others
from .tasks import TaskFolder

UPLOAD_RETENTION_S = 48 * 3600.0  # for so long, new tasks may use an uploaded file (see `oss_uploads`)
MAX_WRITE_S = 3600.0  # a part that is older was abandoned
FOLDERS = ("tasks", "outcomes", "clips", "inputs", "uploads")
DIGEST = re.compile(r"[0-9a-f]{64}")


def spare(folder: Path, known: Collection[str], now: float) -> list[Path] | None:
    """Return the files that the tasks with these ids do not need; None while another process serves the folder."""
    if others(folder):
        return None
    needed = set(_needed(folder, known, now))
    files = (path for name in FOLDERS for path in (folder / name).glob("*") if path.is_file())
    return sorted(path for path in files if not _is_needed(path, needed))


def _is_needed(path: Path, needed: Collection[Path]) -> bool:
    # File times are real time, whatever clock the emulator uses.
    return path in needed or (path.suffix == ".part" and time.time() - path.stat().st_mtime < MAX_WRITE_S)


def _needed(folder: Path, known: Collection[str], now: float) -> Iterator[Path]:
    tasks = TaskFolder(folder)
    for task_id in known:
        yield folder / "tasks" / f"{task_id}.json"
        yield folder / "outcomes" / f"{task_id}.json"
        if (task := tasks.get(task_id)) is not None:
            yield from (folder / "inputs" / digest for digest in _digests([task.request, task.uploads]))
            outcome = tasks.outcome(task_id)
            if isinstance(outcome, ClipSpec):
                yield folder / "clips" / f"{outcome.digest}.mp4"
                yield from (folder / "inputs" / digest for digest in outcome.pictures)
    for path in (folder / "uploads").glob("*.json"):
        record: Mapping[str, Any] = json.loads(path.read_bytes())
        if now - record["when"] <= UPLOAD_RETENTION_S:
            yield path
            yield folder / "inputs" / record["sha256"]


def _digests(value: Any) -> Iterator[str]:
    """Yield whatever looks like a digest in a request; a false one only keeps a file longer."""
    if isinstance(value, str) and DIGEST.fullmatch(value):
        yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _digests(item)
