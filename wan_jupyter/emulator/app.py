"""Put the service together: one core, every protocol, result links, our own doors, and the gate around them.

To add a protocol, write its file and add it to `build`.
"""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from .control import Control
from .core import Core
from .dashscope import DashScope, RefusedError, answer_problem
from .faults import FaultList
from .gate import Gate
from .ledger import Ledger
from .links import Results
from .settings import Settings


def build(settings: Settings) -> ASGIApp:
    """Make the app."""
    core = Core(settings)
    faults = FaultList()
    protocols = [DashScope(core).protocol()]
    for protocol in protocols:
        core.learn(protocol)
    results = Results(core)
    points = [*results.points, *(point for each in protocols for point in each.points)]
    ledger = Ledger()
    control = Control(core, faults, ledger.lines)
    routes = [*control.routes, *results.routes, *(route for each in protocols for route in each.routes)]
    problems = {RefusedError: answer_problem, HTTPException: answer_problem}
    inner = Starlette(routes=routes, exception_handlers=problems)
    inner.router.redirect_slashes = False
    return Gate(inner, points, faults, ledger, results.protocol_of, settings.now)
