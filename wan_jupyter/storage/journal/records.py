"""`JobRecord`: one job in the journal, and its conversion to columns and back."""

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
    """One job in the journal; times are epoch seconds.

    `size` (bytes) and `mtime` (ns) are those of the file as saved: while they are equal, it has not been changed.
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


def columns(record: JobRecord, now: float) -> dict[str, Any]:
    """Return a new record as columns; `now` (epoch seconds) is its heartbeat."""
    plain = {name: getattr(record, name) for name in PLAIN}
    request = json.dumps(record.request, ensure_ascii=False)
    encoded = {"request": request, "remarks": of_remarks(record.remarks), **of_snapshot(record.snapshot)}
    return {**plain, "heartbeat": now, "updated_at": now, **encoded}


def of_remarks(remarks: Remarks) -> str:
    """Return remarks as their column's JSON."""
    return json.dumps([[key, _packed(values)] for key, values in remarks], ensure_ascii=False)


def of_snapshot(snapshot: Snapshot) -> dict[str, Any]:
    """Return a job's state as columns."""
    return {
        "status": str(snapshot.status),
        "remote_id": snapshot.remote_id or None,
        "word": snapshot.word,
        "note": snapshot.note,
        "problem": json.dumps(_packed(asdict(snapshot.problem))) if snapshot.problem else None,
        "result": json.dumps(asdict(snapshot.result)) if snapshot.result else None,
        "usage": json.dumps(dict(snapshot.usage)),
        "facts": json.dumps(dict(snapshot.facts)),
        "file": snapshot.file,
    }


def read_record(row: sqlite3.Row) -> JobRecord:
    """Return a row of the table as a record."""
    snapshot = Snapshot(
        status=Status(row["status"]),
        remote_id=row["remote_id"] or "",
        word=row["word"],
        note=row["note"],
        problem=Problem(**_unpacked(json.loads(row["problem"]))) if row["problem"] else None,
        result=Result(**json.loads(row["result"])) if row["result"] else None,
        usage=json.loads(row["usage"]),
        facts=json.loads(row["facts"]),
        file=row["file"],
    )
    plain = {name: row[name] for name in PLAIN}
    remarks = tuple((key, _unpacked(values)) for key, values in json.loads(row["remarks"]))
    return JobRecord(**plain, request=json.loads(row["request"]), snapshot=snapshot, remarks=remarks)


def _packed(values: Mapping[str, Any]) -> dict[str, object]:
    return {name: packed(value) for name, value in values.items()}


def _unpacked(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: unpacked(value) for name, value in values.items()}
