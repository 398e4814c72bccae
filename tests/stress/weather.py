"""The faults of the stress tests: every fifth step of each kind is hit, by a seeded draw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

SHARE = 0.2
BUSY = {"code": "Throttling.RateQuota", "message": "Requests rate limit exceeded.", "request_id": "r-429"}
SERVER: Sequence[Mapping[str, Any]] = tuple({"do": "status", "status": status} for status in (500, 502, 503, 504))
THROTTLED: Sequence[Mapping[str, Any]] = (
    {"do": "status", "status": 429, "body": BUSY},
    {"do": "status", "status": 429, "body": BUSY, "headers": {"Retry-After": "3"}},
)
CUT: Sequence[Mapping[str, Any]] = ({"do": "drop_before"}, {"do": "drop_after"})
SLOW: Mapping[str, Any] = {"do": "delay", "seconds": 0.5}  # the headers come late
GARBLED: Sequence[Mapping[str, Any]] = ({"do": "bad_json"}, {"do": "html"}, {"do": "truncate", "bytes": 20})

# The steps of a job, each with what may happen to it.
STEPS: Mapping[str, Sequence[Mapping[str, Any]]] = {
    "submit": (*SERVER, *THROTTLED, *CUT, SLOW, *GARBLED, {"do": "fail_task"}),
    "poll": (*SERVER, *THROTTLED, *CUT, SLOW, *GARBLED, {"do": "word"}, {"do": "expired_link"}),
    "list": (*SERVER, *THROTTLED, *CUT, SLOW, *GARBLED),
    "content": (
        *SERVER, *CUT, SLOW, {"do": "html"}, {"do": "truncate", "bytes": 2000}, {"do": "wrong_length", "bytes": 500},
        {"do": "expired_link"},
    ),
}  # fmt: skip


def weather(seed: int, share: float = SHARE) -> list[dict[str, Any]]:
    """Return the faults to order: together they hit a step with the chance `share`, each for ever."""
    ordered = []
    for at, kinds in STEPS.items():
        each = 1 - (1 - share) ** (1 / len(kinds))
        for number, kind in enumerate(kinds):
            ordered.append({"at": at, "times": 0, "share": each, "seed": seed * 1000 + len(ordered) + number, **kind})
    return ordered
