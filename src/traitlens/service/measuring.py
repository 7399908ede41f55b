"""What Prometheus is told: requests and their seconds, what is under way, what is served.

With `PROMETHEUS_MULTIPROC_DIR` set, several processes write there, and each tells the sum of all.
"""

from __future__ import annotations

import os
import time

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # the environment variable; prometheus_client reads it


class Metrics:
    """The counts of one service."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self.requests = Counter(
            "traitlens_requests", "Requests.", ["path", "status"], registry=registry
        )
        self.seconds = Histogram(
            "traitlens_seconds", "Seconds of a request.", ["path"], registry=registry
        )
        self.under_way = Gauge(
            "traitlens_under_way",
            "Questions that wait for the index or are put to it, also those given up.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self.reloads = Counter("traitlens_reloads", "Newer indexes.", registry=registry)
        self.tokens = Gauge(
            "traitlens_tokens",
            "Tokens of the index.",
            registry=registry,
            multiprocess_mode="mostrecent",
        )

    def text(self) -> bytes:
        """Return all of them in Prometheus' text format."""
        if SHARED_FOLDER not in os.environ:
            return generate_latest(self._registry)
        every = CollectorRegistry()
        MultiProcessCollector(every)  # type: ignore[no-untyped-call]
        return generate_latest(every)


class Measured:
    """Counts each request by its route and its status, also those that are refused."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 500  # of what ends without an answer

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, sending)
        finally:
            path = getattr(scope.get("route"), "path", "unknown")
            self._metrics.requests.labels(path, str(status)).inc()
            self._metrics.seconds.labels(path).observe(time.perf_counter() - started)
