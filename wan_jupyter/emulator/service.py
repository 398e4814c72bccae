"""What every protocol shares: taking tasks, telling how they stand, signing their links.

It knows no protocol's words. A protocol is one `Protocol` value: its routes, and how to read an order out
of a request. Slow work is done in threads of three kinds, so that a short answer never waits for a clip.
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
KEPT_SECONDS = 7 * 24 * 3600.0  # files nobody touched for this long are removed


@dataclass(frozen=True)
class FaultPoint:
    """Name a place where faults may act: requests of this method whose whole path matches this pattern."""

    at: str
    method: str
    pattern: str
    protocol: str | None = None


@dataclass(frozen=True)
class Protocol:
    """Hold all the app needs of a protocol; `order` says what a task of it asks for, or why it fails."""

    name: str
    routes: Sequence[BaseRoute]
    points: Sequence[FaultPoint]
    order: Callable[[Task], ClipOrder | Refusal]


class Service:
    """Serve tasks out of one folder."""

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
        self._quick_worker.start("sweep", lambda: sweep(settings.state, time.time() - KEPT_SECONDS))

    def learn(self, protocol: Protocol) -> None:
        """Learn how to read the orders of a protocol's tasks."""
        self._orders[protocol.name] = protocol.order

    def now(self) -> float:
        """Give the time in seconds since 1970."""
        return self.settings.now()

    async def aside(self, job: Callable[[], T]) -> T:
        """Do a short job off the event loop."""
        return await self._quick_worker.run(uuid.uuid4().hex, job)

    async def inspect(self, job: Callable[[], T]) -> T:
        """Do a job that may take seconds, like fetching a picture, off the event loop."""
        return await self._image_worker.run(uuid.uuid4().hex, job)

    def account(self, key: str) -> str:
        """Give the name under which the tasks of a key are kept; the key cannot be found from it.

        An account may have several keys: they are alike up to a `~`.
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
        """Accept a request as a new task and begin to look at its pictures."""

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
        """Tell how the task stands now; once work on it has begun, its clip is being made."""
        now = self.now()
        outcome = await self.outcome(task) if now >= task.starts else None
        state = life(task, outcome, now)
        if isinstance(outcome, ClipSpec) and state.status in ("RUNNING", "SUCCEEDED"):
            self.renderer.begin(outcome)
        return state

    async def outcome(self, task: Task) -> ClipSpec | Refusal:
        """Tell what looking at the task's pictures came to, looking now if nobody did."""
        known = self.tasks.outcome(task.task_id)
        if known is not None:
            return known
        return await self._image_worker.run(task.task_id, lambda: self._look(task))

    def signature(self, resource: str, expires: int) -> str:
        """Sign a link that allows to GET this resource until `expires` (seconds since 1970)."""
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
    """Read the folder's own secret, making it first if need be; several processes agree on one."""
    for place in (folder.parent, folder):  # what `parents` makes would be open to everyone
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / "secret"
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secrets.token_bytes(32))
    except FileExistsError:
        for _ in range(100):  # whoever made it a moment ago may not have written it yet
            if path.stat().st_size:
                break
            time.sleep(0.01)
    return path.read_bytes()
