"""A user's process that does with sessions, jobs, videos and errors all that could show a key. `test_leaks` starts it.

Everything that is shown goes into files of the working directory, and every logger speaks into another.
"""

from __future__ import annotations

import base64
import copy
import json
import logging
import os
import pickle
import pprint
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.support.clock import PATIENCE, FakeClock
from tests.support.emulator_client import Emulator
from tests.support.world import picture
from wan_jupyter.errors import WanError
from wan_jupyter.jobs import background
from wan_jupyter.security.api_key import Key
from wan_jupyter.session.session import Session
from wan_jupyter.status import Result

WRITERS: tuple[Callable[[Any], object], ...] = (
    repr, str, ascii, format, pprint.pformat, vars, dir, json.dumps, copy.copy, copy.deepcopy,
    lambda thing: pickle.dumps(thing, 0), pickle.dumps, lambda thing: thing.__reduce_ex__(2),
    lambda thing: thing.lines(), lambda thing: thing.facts, lambda thing: thing.snapshot,
    lambda thing: thing.request, lambda thing: thing.problem,
    lambda thing: thing.error, lambda thing: thing._repr_mimebundle_(), lambda thing: thing._repr_html_(),
)  # fmt: skip


def echo(status: int, key: str, **more: Any) -> dict[str, Any]:
    """Return a fault: a service that sends the request's own headers back, whole, in base64 and in part."""
    packed = base64.b64encode(f"Bearer {key}".encode()).decode()
    said = f"Authorization: Bearer {key}; Basic {packed}; Incorrect API key provided: {key[:11]}***{key[-9:]}"
    body = {"code": "SomeError", "message": said, "request_id": key, "error": {"message": said, "code": key[:20]}}
    asked = {"at": "submit", "do": "status", "status": status, "body": body, "headers": {"x-request-id": key}}
    return {**asked, **more}


def redirect(at: str, key: str, elsewhere: str, code: int = 302) -> dict[str, Any]:
    """Return a fault: a redirect to another origin, with a secret on the way."""
    headers = {"location": f"{elsewhere}?token={key}", "set-cookie": f"session={key}"}
    return {"at": at, "do": "status", "status": code, "body": "", "headers": headers}


def troubles(key: str, elsewhere: str) -> dict[str, list[dict[str, Any]]]:
    """Return all that may go wrong at any provider, by name."""
    return {
        "none": [],
        "401": [echo(401, key)],
        "403": [echo(403, key)],
        "400": [echo(400, key)],
        "500": [echo(500, key)],
        "500 at a poll": [echo(500, key, at="poll"), echo(401, key, at="poll", skip=1)],
        "200 that fails": [{"at": "submit", "do": "fail_task", "code": "X", "message": f"with {key} it fails"}],
        "lost answer": [{"at": "submit", "do": "drop_after"}],
        "no answer": [{"at": "poll", "do": "drop_before", "times": 2}],
        "redirected submit": [redirect("submit", key, elsewhere, 307)],
        "redirected video": [redirect("content", key, elsewhere), redirect("content", key, elsewhere)],
        "broken video": [{"at": "content", "do": "truncate"}],
        "expired video": [{"at": "content", "do": "expired_link"}],
    }


def storage(key: str) -> dict[str, list[dict[str, Any]]]:
    """Return what may go wrong with pictures that go to storage first."""
    return {
        "storage": [],
        "storage refuses": [echo(403, key, at="upload"), echo(403, key, at="policy", skip=1)],
        "storage breaks": [{"at": "upload", "do": "drop_before"}],
    }


def main() -> None:
    """Go through every provider, with every fault."""
    logging.basicConfig(level=logging.DEBUG, filename="debug.log", force=True)
    clock, key = FakeClock(), os.environ["WAN_LEAK_KEY"]
    everywhere, stored = troubles(key, os.environ["WAN_LEAK_ELSEWHERE"]), storage(key)
    for name, url in json.loads(os.environ["WAN_LEAK_PROVIDERS"]).items():
        emulator = Emulator(url.partition("/api/v1")[0])
        session = Session(name, base_url=url, key=key, clock=clock)
        tell(f"{name} session", *shown(session), *shown(session.provider), *shown(session._resources.settings))
        for trouble, faults in {**everywhere, **(stored if "dashscope" in name else {})}.items():
            live(session, Trouble(emulator, faults), f"{name}, {trouble}", upload=trouble in stored)
        tell(f"{name} after", *shown(session), *deep(session))
        background.current().start(session._resources.client.close).result(PATIENCE)
    tell("process", Path("/proc/self/cmdline").read_text().replace("\0", " "), str(sys.argv))


class Trouble:
    """What goes wrong, with a face that does not show the key: tracebacks show this module's variables, too."""

    __slots__ = ("emulator", "faults")

    def __init__(self, emulator: Emulator, faults: list[dict[str, Any]]) -> None:
        self.emulator, self.faults = emulator, faults

    def begin(self, at: str = "") -> None:
        self.emulator.clear()
        self.emulator.faults(*[{**fault, "at": at or fault["at"]} for fault in self.faults])


def live(session: Session, trouble: Trouble, title: str, upload: bool) -> None:
    """Order one video under some trouble, and show all that comes of it."""
    trouble.begin()
    options = {"model": "wan2.7-i2v", "duration": 2} if upload else {}
    said: list[str] = []
    job = session.submit(f"A cat: {title}", image=picture(), **options)
    try:
        job.watch(lambda shot: said.append(repr(shot)))
        said += [*shown(job), *shown(job.request)]
        video = job.result(PATIENCE)
        said += [*shown(video), *deep(video)]
    except WanError as error:
        said += [*shown(error), *ways(error), *deep(error)]
    trouble.begin(at="poll")
    try:
        said += shown(session.ping())
    except WanError as error:
        said += [*shown(error), *ways(error), *deep(error)]
    tell(title, *said, *shown(job), *deep(job))
    tell(f"{title}, later", *[text for one in session.history(3) for text in shown(one)])


def shown(thing: Any) -> Iterator[str]:
    """Yield all that can be shown of a thing, and what showing it fails with."""
    for write in WRITERS:
        try:
            made = write(thing)
        except Exception as error:
            yield f"{type(error).__name__}: {error}"
        else:
            yield made.decode("latin-1") if isinstance(made, bytes) else str(made)


def ways(error: BaseException) -> Iterator[str]:
    """Yield tracebacks as tools show them, with the locals of every frame; also of errors that are not shown."""
    yield "".join(traceback.format_exception(error))
    yield "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import cgitb

        yield cgitb.text((type(error), error, error.__traceback__))
        yield cgitb.html((type(error), error, error.__traceback__))
    from IPython.core.ultratb import VerboseTB

    yield VerboseTB().text(type(error), error, error.__traceback__)
    for one in chain(error):
        for frame, _ in traceback.walk_tb(one.__traceback__):
            if frame.f_globals.get("__name__") != __name__:  # this one knows what it looks for
                yield from (f"{name} = {value!r}" for name, value in frame.f_locals.items())
                yield from (text for value in frame.f_locals.values() for text in deep(value))


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error with its causes, and those behind them that `from None` hides."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def deep(thing: Any) -> list[str]:
    """Return every text that can be reached from a thing by attributes and items, but not inside the two secrets."""
    texts: list[str] = []
    seen: set[int] = set()
    todo = [(thing, type(thing).__name__)]
    while todo:
        one, path = todo.pop()
        if id(one) in seen or path.count("/") > 7 or isinstance(one, Key | Result | type | logging.Logger):
            continue
        seen.add(id(one))
        if isinstance(one, str | bytes):
            texts.append(f"{path}: {one if isinstance(one, str) else one[:2000].decode('latin-1')}")
            continue
        todo += [(inner, f"{path}/{type(inner).__name__}") for inner in inside(one)]
    return texts


def inside(one: Any) -> list[Any]:
    """Return what a thing holds, if it is a container, or of a module that has to do with us."""
    if isinstance(one, Mapping):
        return [*one.keys(), *one.values()]
    if isinstance(one, list | tuple | set | frozenset):
        return list(one)
    if type(one).__module__.partition(".")[0] not in ("wan_jupyter", "httpx", "httpcore", "h11"):
        return []
    slots = [name for kind in type(one).__mro__ for name in getattr(kind, "__slots__", ()) if hasattr(one, name)]
    return [*getattr(one, "__dict__", {}).values(), *(getattr(one, name) for name in slots)]


def tell(title: str, *texts: str) -> None:
    """Write what was shown into a file of its own."""
    folder = Path("told")
    folder.mkdir(exist_ok=True)
    (folder / f"{title}.txt").write_text("\n".join(texts), "utf-8", "backslashreplace")


if __name__ == "__main__":
    main()
