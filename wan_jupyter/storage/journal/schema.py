"""The journal's tables as a list of migrations. A new column is one more migration at the end."""

from __future__ import annotations

from collections.abc import Sequence

MIGRATIONS: Sequence[tuple[str, str]] = (
    (
        "0001 jobs",
        """
        CREATE TABLE jobs (
            id TEXT PRIMARY KEY, created_at REAL NOT NULL, updated_at REAL NOT NULL,
            status TEXT NOT NULL, owner TEXT NOT NULL, heartbeat REAL NOT NULL,
            account TEXT NOT NULL, provider TEXT NOT NULL, base_url TEXT NOT NULL, session TEXT NOT NULL,
            model TEXT NOT NULL, mode TEXT NOT NULL, request TEXT NOT NULL, fingerprint TEXT NOT NULL,
            take INTEGER NOT NULL, folder TEXT NOT NULL, cell TEXT NOT NULL,
            sent_at REAL, remote_id TEXT, word TEXT NOT NULL DEFAULT '', note TEXT NOT NULL DEFAULT '',
            problem TEXT, result TEXT, usage TEXT NOT NULL DEFAULT '{}', facts TEXT NOT NULL DEFAULT '{}',
            estimate REAL, cost REAL, currency TEXT NOT NULL DEFAULT '',
            file TEXT NOT NULL DEFAULT '', sha256 TEXT NOT NULL DEFAULT '', warning TEXT NOT NULL DEFAULT ''
        );
        CREATE INDEX jobs_by_fingerprint ON jobs (fingerprint, created_at);
        CREATE INDEX jobs_by_status ON jobs (status);
        CREATE UNIQUE INDEX jobs_by_task ON jobs (base_url, remote_id) WHERE remote_id IS NOT NULL;
        CREATE TABLE events (job TEXT NOT NULL, at REAL NOT NULL, what TEXT NOT NULL, detail TEXT NOT NULL);
        CREATE INDEX events_by_job ON events (job, at);
        CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
        """,
    ),
    (
        "0002 uploads",
        """
        CREATE TABLE uploads (
            account TEXT NOT NULL, base_url TEXT NOT NULL, model TEXT NOT NULL, digest TEXT NOT NULL,
            link TEXT NOT NULL, expires REAL NOT NULL, PRIMARY KEY (account, base_url, model, digest)
        )
        """,
    ),
    ("0003 remarks", "ALTER TABLE jobs ADD COLUMN remarks TEXT NOT NULL DEFAULT '[]'"),
    ("0004 files", "ALTER TABLE jobs ADD COLUMN size INTEGER; ALTER TABLE jobs ADD COLUMN mtime INTEGER"),
    ("0005 jobs by model", "CREATE INDEX jobs_by_model ON jobs (model, created_at)"),
)
