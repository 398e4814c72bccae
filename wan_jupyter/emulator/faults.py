"""Injected faults: which of them acts on which request. `fault_middleware` makes them act."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from starlette.requests import Request

SCOPE_KEY = "wan_jupyter.emulator.draw"
PLACES = ("submit", "poll", "cancel", "list", "policy", "upload", "content")
# Each kind of fault with the keys it takes, and what a key is when it is left out.
KINDS: Mapping[str, Mapping[str, Any]] = {
    "status": {"status": 500, "headers": {}, "body": None},
    "drop_before": {},
    "drop_after": {},
    "delay": {"seconds": 1.0},
    "truncate": {"bytes": 1000},
    "wrong_length": {"bytes": 1000},
    "html": {"status": 200},
    "bad_json": {},
    "expired_link": {},
    "fail_task": {"code": "InternalError", "message": "The emulator was asked to fail this task."},
    "word": {"status": "WHATEVER"},
}


@dataclass(frozen=True)
class Fault:
    """What happens where: `skip` requests pass, then `times` are hit (0: all), each with probability `share`."""

    at: str
    do: str
    protocol: str | None = None
    skip: int = 0
    times: int = 1
    share: float = 1.0
    seed: int = 0
    details: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, asked: Any) -> Fault:
        """Return a fault from its posted form; raise ValueError that says what is wrong with it."""
        if not isinstance(asked, dict):
            raise ValueError("a fault is an object")
        if asked.get("at") not in PLACES:
            raise ValueError(f'"at" must be one of {", ".join(PLACES)}, not {asked.get("at")!r}')
        if asked.get("do") not in KINDS:
            raise ValueError(f'"do" must be one of {", ".join(KINDS)}, not {asked.get("do")!r}')
        known = {item.name for item in fields(cls)} - {"details"}
        allowed = KINDS[asked["do"]]
        unknown = sorted(set(asked) - known - set(allowed))
        if unknown:
            raise ValueError(f"{asked['do']} does not take {', '.join(unknown)}")
        details = {key: asked.get(key, default) for key, default in allowed.items()}
        return cls(**{key: value for key, value in asked.items() if key in known}, details=details)

    def shown(self) -> dict[str, Any]:
        """Return the fault as it would be posted."""
        plain = {item.name: getattr(self, item.name) for item in fields(self) if item.name != "details"}
        return plain | dict(self.details)


class FaultList:
    """The faults of one app in the order they were added, with counters."""

    def __init__(self) -> None:
        self._entries: list[_Entry] = []

    def add(self, faults: list[Fault]) -> None:
        """Append faults."""
        self._entries += [_Entry(fault) for fault in faults]

    def clear(self) -> None:
        """Remove all faults."""
        self._entries = []

    def shown(self) -> list[dict[str, Any]]:
        """Return every fault with how often it has `fired`."""
        return [entry.fault.shown() | {"fired": entry.fired} for entry in self._entries]

    def draw(self, at: str, protocol: str | None, kinds: Collection[str]) -> Fault | None:
        """Return the first fault of these kinds that hits a request at this place, and count it."""
        for entry in self._entries:
            fault = entry.fault
            here = fault.at == at and fault.do in kinds and fault.protocol in (None, protocol)
            if here and entry.hits():
                return fault
        return None


class _Entry:
    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.fired = 0
        self._met = 0
        self._dice = random.Random(fault.seed)  # noqa: S311 (a repeatable draw is wanted)

    def hits(self) -> bool:
        if self.fault.times and self.fired >= self.fault.times:
            return False
        self._met += 1
        if self._met <= self.fault.skip or self._dice.random() >= self.fault.share:
            return False
        self.fired += 1
        return True


def ordered(request: Request, kind: str) -> Fault | None:
    """Return the fault of this kind that hits the request, if any, and count it.

    Call it only where the fault has an effect: an expired link cannot be given before there is a link.
    """
    draw: Callable[[Collection[str]], Fault | None] | None = request.scope.get(SCOPE_KEY)
    return draw((kind,)) if draw else None
