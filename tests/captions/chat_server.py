"""A real HTTP server that speaks chat completions, and fails as it is told to.

>>> with chat_server([busy(retry_after="1"), broken()]) as server:
...     OpenAIWriter(EndpointConfig(url=server.url, model="m"))

The first answers come from the script; when it is used up, every answer is an honest caption.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Fault:
    """One answer of the server."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    wait: threading.Event | None = None  # answered when it is set


Answer = Callable[[dict[str, Any]], Fault]


def said(text: str) -> Fault:
    """Return an answer with a caption."""
    message = {"role": "assistant", "content": text}
    usage = {"prompt_tokens": 100, "completion_tokens": 20}
    body = {"choices": [{"message": message, "finish_reason": "stop"}], "usage": usage}
    return Fault(body=json.dumps(body).encode())


def failed(status: int, message: str = "no", **headers: str) -> Fault:
    """Return an error as the protocol says it."""
    body = json.dumps({"error": {"message": message, "type": "t"}}).encode()
    return Fault(status, body, {k.replace("_", "-"): v for k, v in headers.items()})


def data_of(request: dict[str, Any]) -> dict[str, Any]:
    """Return the collection and the traits that a request asks about."""
    content = request["messages"][1]["content"]
    text = content if isinstance(content, str) else content[0]["text"]
    found: dict[str, Any] = json.loads(text.splitlines()[0])
    return found


def honest(request: dict[str, Any]) -> Fault:
    """Say every trait and nothing else."""
    data = data_of(request)
    phrases = [f"{value} {kind}" for kind, value in data["traits"]]
    return said(f"A {data['collection']} picture showing {', '.join(phrases)}.")


@dataclass
class Server:
    url: str
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    most_at_once: int = 0
    at_once: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


@contextmanager
def chat_server(
    script: Iterable[Fault | Answer] = (), *, otherwise: Answer = honest
) -> Iterator[Server]:
    """Run a server until the block ends."""
    waiting = iter(script)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:  # the base class calls it so
            length = int(self.headers["Content-Length"])
            request = json.loads(self.rfile.read(length))
            with server.lock:
                server.requests.append(request)
                server.headers.append(dict(self.headers))
                server.at_once += 1
                server.most_at_once = max(server.most_at_once, server.at_once)
                step = next(waiting, otherwise)
            fault = step if isinstance(step, Fault) else step(request)
            if fault.wait is not None:
                fault.wait.wait(10)
            with server.lock:
                server.at_once -= 1
            self.send_response(fault.status)
            for name, value in fault.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(fault.body)))
            self.end_headers()
            self.wfile.write(fault.body)

        def log_message(self, *_: object) -> None:
            pass

        def handle(self) -> None:
            # A client may have read enough.
            with suppress(BrokenPipeError, ConnectionResetError):
                super().handle()

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    server = Server(url=f"http://127.0.0.1:{http.server_address[1]}/v1")
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()
        thread.join()
