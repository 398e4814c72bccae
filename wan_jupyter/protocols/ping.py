"""Check that a service answers, in any protocol: one free request for a task that does not exist."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import Problem, ServiceError
from .base import Flow, Protocol
from .responses import server_time

NO_TASK = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True, slots=True)
class PingReply:
    """What a service answered.

    Attributes:
        http_status: the HTTP status.
        server_time: the service's clock in epoch seconds, None if unknown.
        problem: the error it answered with, usually that there is no such task; None if it answered with a state.
    """

    http_status: int
    server_time: float | None
    problem: Problem | None


def ping(protocol: Protocol) -> Flow[PingReply]:
    """Poll a task that does not exist, and return whatever the service answers."""
    flow = protocol.poll(NO_TASK)
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
    return PingReply(response.status_code, server_time(response), problem)
