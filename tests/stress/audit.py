"""The audit: journal, disk and the service's own ledger must tell one story, in which everything was paid for once."""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from tests.support.emulator_client import PortEmulator
from wan_jupyter.errors import JobUncertain, Problem
from wan_jupyter.media.video.video import inspect

from .orders import Orders

HIDDEN = ("result", "request", "facts", "usage")  # too long, or secret
ENDS = ("SUCCEEDED", "FAILED", "CANCELED", "EXPIRED", "UNCERTAIN")


@dataclass
class Audit:
    """What stands at the end for one client: the counts, and what is wrong, each with the prompt concerned."""

    orders: Orders
    rows: list[dict[str, Any]]
    events: list[dict[str, Any]]
    tasks: list[dict[str, Any]]
    clips: Mapping[str, Path]
    counts: Counter[str] = field(default_factory=Counter)
    problems: list[tuple[str, str]] = field(default_factory=list)

    def blame(self, prompt: str, what: str) -> None:
        """Write down that something is wrong."""
        self.problems.append((prompt, what))

    def history(self, prompt: str) -> str:
        """Return all that is known of a prompt: its rows, what was noted of them, its tasks."""
        rows = [row for row in self.rows if prompt_of(row["request"]) == prompt]
        lines = [f"== {prompt}"]
        for row in rows:
            lines.append(f"  row { ({name: row[name] for name in row if name not in HIDDEN and row[name]}) }")
            lines += [f"    event {event}" for event in self.events if event["job"] == row["id"]]
        lines += [
            f"  task { ({**task, 'request': '…'}) }" for task in self.tasks if prompt_of(task["request"]) == prompt
        ]
        return "\n".join(lines)

    def verdict(self) -> str:
        """Return what is wrong, with the histories of the first prompts concerned; "" if nothing is."""
        if not self.problems:
            return ""
        said = [f"{prompt}: {what}" for prompt, what in self.problems[:20]]
        shown = [self.history(prompt) for prompt in dict.fromkeys(p for p, _ in self.problems[:4] if p)]
        return "\n".join([f"{len(self.problems)} things are wrong", *said, *shown])


def audit(orders: Orders, emulator: PortEmulator, state: Path, *, mine: str) -> Audit:
    """Compare what a client's journal and disk say with what the service's ledger says.

    Args:
        state: the service's own folder, whose clips the videos must be.
        mine: a client whose tasks are to be told apart has this text in its requests; "" has none of the others'.
    """
    tasks = [task for task in emulator.tasks if _is_of(task, mine)]
    rows, events = _read(Path(orders.home) / "wan" / "journal.sqlite3")
    found = Audit(orders, rows, events, tasks, _clips(state))
    found.counts["requests"] = len(orders.prompts)
    by_prompt: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        by_prompt[prompt_of(row["request"])].append(row)
    for prompt in orders.prompts:
        _one_order(found, prompt, by_prompt.pop(prompt, []))
    for prompt in by_prompt:
        found.blame(prompt, "nobody ordered this")
    _ledger(found)
    _leftovers(found)
    return found


MARK = "the second client"


def _is_of(task: Mapping[str, Any], mine: str) -> bool:
    said = json.dumps(task["request"])
    return mine in said if mine else MARK not in said


def prompt_of(request: Any) -> str:
    """Find the prompt in a request of any protocol, or in the journal's own."""
    if isinstance(request, str) and request.startswith("{"):
        return prompt_of(json.loads(request))
    if isinstance(request, dict):
        found = (request.get("prompt"), *map(prompt_of, (v for v in request.values() if isinstance(v, dict))))
        return next((text for text in found if text), "")
    return ""


# ---- one order ------------------------------------------------------------------------------------------------------


def _one_order(found: Audit, prompt: str, rows: list[dict[str, Any]]) -> None:
    """Check that an order came to exactly one end; jobs that were provably never created are none."""
    standing = [row for row in rows if not _never_created(row)]
    if len(standing) != 1:
        found.blame(prompt, f"{len(standing)} jobs stand for it")
    for row in standing:
        check = CHECKS.get(row["status"])
        if check is None:
            found.blame(prompt, f"left as {row['status']}")
        else:
            check(found, prompt, row)


def _never_created(row: Mapping[str, Any]) -> bool:
    return row["status"] == "FAILED" and not row["remote_id"]


def _succeeded(found: Audit, prompt: str, row: Mapping[str, Any]) -> None:
    found.counts["videos"] += 1
    video = Path(row["file"])
    if not video.is_file():
        return found.blame(prompt, "its video is not on disk")
    digest = sha256(video)
    if digest != row["sha256"] or row["warning"]:
        found.blame(prompt, f"its video is not what was received ({row['warning']})")
    if not _decodes(digest, video):
        found.blame(prompt, "its video does not decode")
    clip = found.clips.get(row["remote_id"])
    if clip is None or sha256(clip) != digest:
        found.blame(prompt, "its video is not the clip of its task")
    sidecar = video.with_suffix(".json")
    if not sidecar.is_file() or json.loads(sidecar.read_text("utf-8"))["task_id"] != row["remote_id"]:
        found.blame(prompt, "what stands beside its video is not about its task")
    return None


def _failed(found: Audit, prompt: str, row: Mapping[str, Any]) -> None:
    found.counts["failed by the service"] += 1
    task = next((task for task in found.tasks if task["task_id"] == row["remote_id"]), None)
    if task is None or task["status"] != "FAILED":
        found.blame(prompt, "failed, and the service did not say so")


def _uncertain(found: Audit, prompt: str, row: Mapping[str, Any]) -> None:
    found.counts["uncertain"] += 1
    if not row["problem"]:
        return found.blame(prompt, "uncertain without a reason")
    error = JobUncertain("job.uncertain", problem=Problem(**json.loads(row["problem"])), id=row["id"])
    if len(error.lines()) < 2 or row["id"] not in str(error):
        found.blame(prompt, "uncertain, and the user is not told what to type")
    return None


CHECKS = {"SUCCEEDED": _succeeded, "FAILED": _failed, "UNCERTAIN": _uncertain}


# ---- the whole ------------------------------------------------------------------------------------------------------


def _ledger(found: Audit) -> None:
    """Check the service's books: no request made twice, none billed twice, none lost, none of someone else's taken."""
    known = {row["remote_id"]: row for row in found.rows if row["remote_id"]}
    uncertain = {prompt_of(row["request"]) for row in found.rows if row["status"] == "UNCERTAIN"}
    made = Counter(prompt_of(task["request"]) for task in found.tasks)
    billed = Counter(prompt_of(task["request"]) for task in found.tasks if task["billed_seconds"])
    for prompt, times in made.items():
        if times > 1:
            found.blame(prompt, f"{times} tasks, {billed[prompt]} of them billed")
    for task in found.tasks:
        prompt = prompt_of(task["request"])
        row = known.pop(task["task_id"], None)
        if row is None and prompt not in uncertain:
            found.blame(prompt, f"task {task['task_id']} is lost")
        if row is not None and prompt_of(row["request"]) != prompt:
            found.blame(prompt, f"task {task['task_id']} was taken for another request")
    for remote_id, row in known.items():
        found.blame(prompt_of(row["request"]), f"task {remote_id} is someone else's, or none")
    found.counts["tasks"] = sum(made.values())
    found.counts["billed"] = sum(billed.values())
    found.counts["billed twice"] = sum(times > 1 for times in billed.values())
    found.counts["never created, ordered again"] = sum(_never_created(row) for row in found.rows)


def _leftovers(found: Audit) -> None:
    """Check that nothing lies about: no half video, no picture that nobody needs, no video of no job."""
    outputs = Path(found.orders.outputs)
    for part in outputs.glob(".*"):
        found.blame("", f"{part.name} is left in the folder of videos")
    videos = {path.name for path in outputs.glob("*.mp4")}
    if videos != {Path(row["file"]).name for row in found.rows if row["file"]}:
        found.blame("", "the videos on disk are not those of the journal")
    spool = {path.name for path in (Path(found.orders.home) / "wan" / "inputs").glob("*")}
    if spool and not found.counts["uncertain"]:
        found.blame("", f"{len(spool)} pictures are left in the spool")


# ---- reading --------------------------------------------------------------------------------------------------------


def _read(path: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    with contextlib.closing(sqlite3.connect(path)) as sql:
        sql.row_factory = sqlite3.Row
        rows = [dict(row) for row in sql.execute("SELECT * FROM jobs ORDER BY rowid")]
        return rows, [dict(row) for row in sql.execute("SELECT * FROM events ORDER BY at")]


def _clips(state: Path) -> dict[str, Path]:
    """Return the file of each task's clip, by the service's own books."""
    return dict(_each_clip(state))


def _each_clip(state: Path) -> Iterator[tuple[str, Path]]:
    from wan_jupyter.emulator.clip_spec import ClipSpec

    for path in (state / "outcomes").glob("*.json"):
        kept = json.loads(path.read_bytes())
        if "pictures" in kept:
            clip = ClipSpec(**kept | {"pictures": tuple(kept["pictures"])})
            yield path.stem, state / "clips" / f"{clip.digest}.mp4"


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@cache
def _decodes(digest: str, video: Path) -> bool:
    """Tell whether both ends of a video decode."""
    return inspect(video) is not None


def table(*found: Audit, **more: object) -> str:
    """Return the report: a small table, one column for each client."""
    names = list(dict.fromkeys(name for one in found for name in one.counts))
    lines = [f"{name:<30}" + "".join(f"{one.counts[name]:>8}" for one in found) for name in names]
    return "\n".join([*lines, *(f"{name:<30}{value!s:>8}" for name, value in more.items())])
