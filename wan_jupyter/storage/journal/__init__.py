"""The journal: one SQLite file that knows every job."""
