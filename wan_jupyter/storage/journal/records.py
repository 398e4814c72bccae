"""One job as the journal keeps it: a row, to columns and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from ...errors import Problem
from ...i18n.messages import packed, unpacked
from ...status import Result, Snapshot, Status

if TYPE_CHECKING:
    import sqlite3


Remarks = tuple[tuple[str, Mapping[str, str]], ...]  # message keys with their values


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRecord:
    """One job as the journal keeps it; times are epoch seconds.

    `size` (bytes) and `mtime` (ns) are the saved file's as it came: while they are the same, nobody touched it.
    """

    id: str
    created_at: float
    owner: str
    account: str
    provider: str
    base_url: str
    session: str
    model: str
    mode: str
    request: Mapping[str, Any]
    fingerprint: str
    take: int
    folder: str
    cell: str
    snapshot: Snapshot = field(default_factory=Snapshot)
    heartbeat: float = 0.0
    sent_at: float | None = None
    estimate: float | None = None
    cost: float | None = None
    currency: str = ""
    sha256: str = ""
    size: int | None = None
    mtime: int | None = None
    warning: str = ""
    remarks: Remarks = ()


PLAIN = (
    "id", "created_at", "owner", "account", "provider", "base_url", "session", "model", "mode", "fingerprint", "take",
    "folder", "cell", "heartbeat", "sent_at", "estimate", "cost", "currency", "sha256", "size", "mtime",
    "warning",
)  # fmt: skip


def columns(row: JobRecord, now: float) -> dict[str, Any]:
    """Return a new row as columns; `now` is its heartbeat."""
    plain = {name: getattr(row, name) for name in PLAIN}
    request = json.dumps(row.request, ensure_ascii=False)
    kept = {"request": request, "remarks": of_remarks(row.remarks), **of_snapshot(row.snapshot)}
    return {**plain, "heartbeat": now, "updated_at": now, **kept}


def of_remarks(remarks: Remarks) -> str:
    """Return remarks as their column keeps them."""
    return json.dumps([[key, _packed(values)] for key, values in remarks], ensure_ascii=False)


def of_snapshot(shot: Snapshot) -> dict[str, Any]:
    """Return where a job stands as columns."""
    return {
        "status": str(shot.status),
        "remote_id": shot.remote_id or None,
        "word": shot.word,
        "note": shot.note,
        "problem": json.dumps(_packed(asdict(shot.problem))) if shot.problem else None,
        "result": json.dumps(asdict(shot.result)) if shot.result else None,
        "usage": json.dumps(dict(shot.usage)),
        "facts": json.dumps(dict(shot.facts)),
        "file": shot.file,
    }


def read_row(kept: sqlite3.Row) -> JobRecord:
    """Return columns as a row."""
    snapshot = Snapshot(
        status=Status(kept["status"]),
        remote_id=kept["remote_id"] or "",
        word=kept["word"],
        note=kept["note"],
        problem=Problem(**_unpacked(json.loads(kept["problem"]))) if kept["problem"] else None,
        result=Result(**json.loads(kept["result"])) if kept["result"] else None,
        usage=json.loads(kept["usage"]),
        facts=json.loads(kept["facts"]),
        file=kept["file"],
    )
    plain = {name: kept[name] for name in PLAIN}
    remarks = tuple((key, _unpacked(values)) for key, values in json.loads(kept["remarks"]))
    return JobRecord(**plain, request=json.loads(kept["request"]), snapshot=snapshot, remarks=remarks)


def _packed(values: Mapping[str, Any]) -> dict[str, object]:
    return {name: packed(value) for name, value in values.items()}


def _unpacked(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: unpacked(value) for name, value in values.items()}
