"""What every protocol shares: creating tasks, reporting their state, signing their links.

A protocol is one `Protocol` value: its routes, and how to read an order out of a request. Slow work runs in three kinds
of threads, so that a short answer never waits for a clip.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import random
import secrets
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from starlette.routing import BaseRoute

from .clip_spec import ClipOrder, ClipSpec, Refusal
from .input_store import InputFolder
from .rendering.renderer import Renderer
from .serving_lock import ServingLock
from .settings import Settings
from .tasks import Task, TaskFolder, TaskState, life, sweep
from .worker import Worker

T = TypeVar("T")

LARGEST_SEED = 2**31 - 1
UNUSED_RETENTION_S = 7 * 24 * 3600.0  # files untouched for this long are removed


@dataclass(frozen=True)
class FaultPoint:
    """A place where faults may act: requests of this method whose whole path matches this pattern."""

    at: str
    method: str
    pattern: str
    protocol: str | None = None


@dataclass(frozen=True)
class Protocol:
    """Everything the app needs of a protocol; `order` returns what a task asks for, or why it will fail."""

    name: str
    routes: Sequence[BaseRoute]
    points: Sequence[FaultPoint]
    order: Callable[[Task], ClipOrder | Refusal]


class Service:
    """Serves the tasks of one folder."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._serving_lock = ServingLock(settings.state)
        self.tasks = TaskFolder(settings.state)
        self.inputs = InputFolder(settings.state)
        self.renderer = Renderer(settings.clips or settings.state / "clips", self.inputs, settings.clip_seconds)
        self._secret = _secret(settings.state)
        self._quick_worker = Worker("wan-emulator-quick")
        self._image_worker = Worker("wan-emulator-images")
        self._orders: dict[str, Callable[[Task], ClipOrder | Refusal]] = {}
        self._quick_worker.start("sweep", lambda: sweep(settings.state, time.time() - UNUSED_RETENTION_S))

    def learn(self, protocol: Protocol) -> None:
        """Register a protocol's rule for reading orders."""
        self._orders[protocol.name] = protocol.order

    def now(self) -> float:
        """Return the time in epoch seconds."""
        return self.settings.now()

    async def aside(self, job: Callable[[], T]) -> T:
        """Run a short function off the event loop."""
        return await self._quick_worker.run(uuid.uuid4().hex, job)

    async def inspect(self, job: Callable[[], T]) -> T:
        """Run a function that may take seconds, like fetching a picture, off the event loop."""
        return await self._image_worker.run(uuid.uuid4().hex, job)

    def account(self, key: str) -> str:
        """Return the name that a key's tasks are stored under; the key cannot be derived from it.

        Several keys of one account differ only after a `~`.
        """
        return hmac.new(self._secret, b"account " + key.partition("~")[0].encode(), hashlib.sha256).hexdigest()[:32]

    async def take(
        self,
        protocol: str,
        model: str,
        request: dict[str, Any],
        *,
        key: str,
        seed: int | None = None,
        failure: Refusal | None = None,
        uploads: dict[str, str] | None = None,
        task_id: str | None = None,
    ) -> Task:
        """Create a task from a request, and begin to inspect its pictures."""

        def write() -> Task:
            task = Task(
                task_id=task_id or str(uuid.uuid4()),
                protocol=protocol,
                model=model,
                request=self.inputs.set_aside(request),
                account=self.account(key),
                created=self.now(),
                speed=self.settings.speed,
                seed=random.randint(1, LARGEST_SEED) if seed is None else seed,  # noqa: S311 (a camera move)
                failure=failure,
                uploads=uploads or {},
            )
            self.tasks.put(task)
            return task

        task = await self.aside(write)
        self._image_worker.start(task.task_id, lambda: self._look(task))
        return task

    async def life(self, task: Task) -> TaskState:
        """Return the task's state now; once work on it has begun, its clip is being rendered."""
        now = self.now()
        outcome = await self.outcome(task) if now >= task.starts else None
        state = life(task, outcome, now)
        if isinstance(outcome, ClipSpec) and state.status in ("RUNNING", "SUCCEEDED"):
            self.renderer.begin(outcome)
        return state

    async def outcome(self, task: Task) -> ClipSpec | Refusal:
        """Return the clip to make or why there is none, inspecting the task's pictures if that was not done yet."""
        known = self.tasks.outcome(task.task_id)
        if known is not None:
            return known
        return await self._image_worker.run(task.task_id, lambda: self._look(task))

    def signature(self, resource: str, expires: int) -> str:
        """Return the signature for a GET of this resource until `expires` (epoch seconds)."""
        text = f"GET\n{expires}\n{resource}".encode()
        return base64.b64encode(hmac.new(self._secret, text, hashlib.sha256).digest()[:20]).decode()

    def _look(self, task: Task) -> ClipSpec | Refusal:
        known = self.tasks.outcome(task.task_id)
        if known is not None:
            return known
        order = self._orders[task.protocol](task)
        outcome = order if isinstance(order, Refusal) else self.renderer.plan(order, task.seed)
        self.tasks.put_outcome(task.task_id, outcome)
        return outcome


def _secret(folder: Path) -> bytes:
    """Return the folder's own secret, creating it if needed; several processes agree on one."""
    for place in (folder.parent, folder):  # `parents` would create them open to everyone
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / "secret"
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secrets.token_bytes(32))
    except FileExistsError:
        for _ in range(100):  # another process may have created it a moment ago and not written it yet
            if path.stat().st_size:
                break
            time.sleep(0.01)
    return path.read_bytes()
