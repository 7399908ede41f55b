"""A service in one process or several, from the first socket to the last answer."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from threading import Timer

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from traitlens.errors import ConfigError, TraitlensError
from traitlens.retrieval import Index
from traitlens.service.app import create_app
from traitlens.service.config import ServeConfig
from traitlens.service.measuring import SHARED_FOLDER

GRACE_S = 10  # that requests under way have, once the service is told to end
LEAVE_S = 5.0  # that a search has which nobody waits for any more
_START_S = 60  # that a worker may be silent: on a busy machine it imports for long
_BACKLOG = 2_048  # connections that wait to be accepted


def run(path: Path, config: ServeConfig, *, tell: Callable[[str], None]) -> None:
    """Serve the index at a path until SIGTERM or SIGINT; `tell` gets the address, once it is taken.

    Then requests under way are answered, for at most `GRACE_S`, and new ones are not accepted.
    """
    signal.signal(signal.SIGTERM, _end)  # uvicorn raises it again when all is done
    with contextlib.suppress(KeyboardInterrupt):
        if config.workers == 1:
            _run_here(path, config, tell=tell)
        else:
            _run_workers(path, config, tell=tell)


def _run_here(path: Path, config: ServeConfig, *, tell: Callable[[str], None]) -> None:
    app = _ending(create_app(path, config))
    with _listening(config) as listening:
        tell(_address(listening))
        uvicorn.Server(_settings(app)).run([listening])


def _run_workers(path: Path, config: ServeConfig, *, tell: Callable[[str], None]) -> None:
    Index.open(path).close()  # what cannot be served is said here, once
    with _listening(config) as listening, _shared_metrics():
        tell(_address(listening))
        make_app = partial(_worker_app, path, config)
        settings = _settings(make_app, factory=True, workers=config.workers)
        Multiprocess(settings, [listening]).run()


def _settings(app: ASGIApp | Callable[[], ASGIApp], **options: int) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        log_level="warning",
        server_header=False,
        http="h11",  # which bounds a request's headers; httptools, which is quicker, does not
        ws="none",
        timeout_worker_healthcheck=_START_S,
        timeout_graceful_shutdown=GRACE_S,
        **options,  # type: ignore[arg-type]
    )


def _worker_app(path: Path, config: ServeConfig) -> ASGIApp:
    """Return the app of one of several processes, or end them all where it cannot be made."""
    try:
        return _ending(create_app(path, config))
    except TraitlensError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(STARTUP_FAILURE)


def _ending(app: ASGIApp) -> ASGIApp:
    """Return the app, which ends its process soon after the service, whatever a thread still does.

    Python would wait for its threads, and one may be in the engine for long.
    """

    async def ended(scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            await send(message)
            if message["type"] == "lifespan.shutdown.complete":
                timer = Timer(LEAVE_S, os._exit, (0,))
                timer.daemon = True
                timer.start()

        await app(scope, receive, sending if scope["type"] == "lifespan" else send)

    return ended


def _listening(config: ServeConfig) -> socket.socket:
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    # Only where the protocol is named does asyncio send at once what it has (TCP_NODELAY): else
    # each answer's body waits 40 ms for the client's word that it has the headers.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((config.host, config.port))
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        raise ConfigError(
            f"cannot listen at {config.host}, port {config.port}: {error.strerror}; "
            "give another --port, 0 for any that is free"
        ) from error
    return listening


def _address(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@contextlib.contextmanager
def _shared_metrics() -> Iterator[None]:
    """Have the processes to come add up what they count, in a folder that is gone at the end."""
    with tempfile.TemporaryDirectory(prefix="traitlens-metrics-") as folder:
        os.environ[SHARED_FOLDER] = folder
        try:
            yield
        finally:
            del os.environ[SHARED_FOLDER]


def _end(*_: object) -> None:
    sys.exit(0)
