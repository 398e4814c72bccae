"""`python -m wan_jupyter.emulator`: the service on a port, for other processes and other languages."""

from __future__ import annotations

import argparse
import contextlib
import logging
import socket
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from . import create_app
from .settings import GATEWAYS, OPENAI_SERVERS, SERVED_MODEL, VIDEOS_DIALECTS, default_state

if TYPE_CHECKING:
    from starlette.types import ASGIApp


def main(arguments: Sequence[str] | None = None, now: Callable[[], float] = time.time) -> None:
    """Serve until interrupted; print one line when connections are accepted. `now` returns epoch seconds."""
    parser = _parser()
    asked = parser.parse_args(arguments)
    try:
        app = create_app(
            asked.state or default_state(),
            speed=asked.speed,
            clip_seconds=asked.clip_seconds,
            strict_paths=asked.strict_paths,
            videos_dialect=asked.videos_dialect,
            gateway=asked.gateway,
            openai_server=asked.openai_server,
            served_model=asked.served_model,
            now=now,
        )
        family = socket.AF_INET6 if ":" in asked.host else socket.AF_INET
        listener = socket.create_server((asked.host, asked.port), family=family)
    except (ValueError, OSError, OverflowError) as problem:
        parser.error(str(problem))
    with listener:
        _serve(app, listener, asked.host)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m wan_jupyter.emulator", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="0 picks a free one")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at (default: %(default)s)")
    parser.add_argument("--speed", type=float, default=1.0, help="divides the 6 seconds a task takes")
    parser.add_argument("--clip-seconds", type=float, help="make every clip this long; bills stay as asked")
    parser.add_argument("--videos-dialect", choices=VIDEOS_DIALECTS, default="ope")
    parser.add_argument("--gateway", choices=GATEWAYS, default=GATEWAYS[0], help="which generation of it (new-api)")
    parser.add_argument("--openai-server", choices=OPENAI_SERVERS, default=OPENAI_SERVERS[0], help="whose quirks")
    parser.add_argument("--served-model", default=SERVED_MODEL, help="of the openai dialect (default: %(default)s)")
    parser.add_argument("--strict-paths", action="store_true", help="refuse kf2v models on the general path")
    parser.add_argument("--state", type=Path, help="folder of tasks and clips")
    return parser


def _serve(app: ASGIApp, listener: socket.socket, host: str) -> None:
    import uvicorn

    shown = f"[{host}]" if ":" in host else host
    line = f"emulator ready on http://{shown}:{listener.getsockname()[1]}"

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            print(line, flush=True)  # noqa: T201 (the starting process waits for it)

    # h11: faults drop its connections. No lifespan, as in process.
    config = uvicorn.Config(
        app,
        http="h11",
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_level="error",
        date_header=False,
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    server = Server(config)
    # While shutting down, uvicorn would log a traceback for every answer it breaks off.
    logging.getLogger("uvicorn.error").addFilter(lambda record: not server.should_exit)
    server.run(sockets=[listener])


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
