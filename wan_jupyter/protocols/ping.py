"""Whether a service is there, in any protocol. Floor 1: one request for a task that nobody has, which costs nothing."""

from __future__ import annotations

from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from ..errors import Problem, ServiceError
from .base import Flow, Protocol

NOBODY = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True, slots=True)
class PingReply:
    """What came back.

    Attributes:
        http: the HTTP status.
        date: the service's clock in epoch seconds, None where it does not tell.
        problem: what it said, if it said no; not to know the task is one of the things it may say.
    """

    http: int
    date: float | None
    problem: Problem | None


def ping(protocol: Protocol) -> Flow[PingReply]:
    """Ask for a task that nobody has, and return whatever is answered."""
    flow = protocol.poll(NOBODY)
    response = yield next(flow)
    problem = None
    try:
        flow.send(response)
    except StopIteration:
        pass
    except ServiceError as error:
        problem = error.problem
    finally:
        flow.close()
    return PingReply(response.status_code, _epoch(response.headers.get("date", "")), problem)


def _epoch(date: str) -> float | None:
    try:
        return parsedate_to_datetime(date).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None
