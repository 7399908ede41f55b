"""What the service asks of a request before it does anything for it."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import cookie_parser
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from traitlens.service.config import ServeConfig
from traitlens.service.refusals import refused

KEY_COOKIE = "traitlens_key"
# /health is for those who only want to know that it is there; the page asks for the key itself.
_OPEN = ("/", "/health")
_OPEN_BELOW = "/static/"
_MOST_CLIENTS = 10_000  # whose rate is remembered

# Nothing from anywhere else, no inline script or style, no frame around it.
SECURITY_HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' blob: data:; connect-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
}
_HEADERS = [(name.encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]


class Gate:
    """Lets in what has the key, is not too much and not too often; ends what takes too long.

    The time of a request runs from its first line to the last of its answer, so that neither a slow
    search nor a client that sends or reads drop by drop keeps its place.
    """

    def __init__(self, app: ASGIApp, *, config: ServeConfig) -> None:
        self._app = app
        self._config = config
        self._rates = _Rates(rate=config.rate, burst=config.burst)
        self._at_work = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        send = _Headed(send)
        refusal = self._refusal(scope)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        self._at_work += 1
        body = _Bounded(
            receive, most=self._config.max_body_bytes, is_whole=not _has_body(Headers(scope=scope))
        )
        try:
            async with asyncio.timeout(self._config.timeout_s) as limit:
                await self._app(scope, body, send)
        except TimeoutError:
            if not limit.expired():
                raise
            if not send.has_begun:
                await _late(body)(scope, receive, send)
        except asyncio.CancelledError:  # the service has been told to end, and has waited for it
            if send.has_begun:
                raise
            await refused(503, "the service ends", connection="close")(scope, receive, send)
        finally:
            self._at_work -= 1

    def _refusal(self, scope: Scope) -> Response | None:
        """Return why a request is not let in, if it is not."""
        headers = Headers(scope=scope)
        if not _is_addressed(headers.get("host", ""), self._config):
            return refused(421, "this service does not answer to that host name")
        if scope["path"] in _OPEN or scope["path"].startswith(_OPEN_BELOW):
            return None
        if not self._config.is_local and not self._rates.take(
            scope["client"] and scope["client"][0]
        ):
            return refused(429, "too many requests; wait a second", retry_after="1")
        if self._config.api_key is not None and not _has_key(headers, self._config.api_key):
            return refused(401, "the API key is missing or wrong; send it as X-API-Key")
        if not _is_at_most(headers.get("content-length", "0"), self._config.max_body_bytes):
            return _too_large(self._config.max_body_bytes)
        if self._at_work >= self._config.max_waiting:
            return refused(503, "too many requests at once; try again", retry_after="1")
        return None


class _Bounded:
    """What arrives of a body whose length was not said, up to a bound."""

    def __init__(self, receive: Receive, *, most: int, is_whole: bool) -> None:
        self._receive = receive
        self._most = self._left = most
        self.is_whole = is_whole  # whether all of it has arrived

    async def __call__(self) -> Message:
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise HTTPException(413, f"a request has at most {self._most} bytes")
        self.is_whole = not message.get("more_body", False)
        return message


class _Headed:
    """Sends an answer with the headers that every answer has."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.has_begun = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.has_begun = True
            present = {name.lower() for name, _ in message["headers"]}
            added = [(name, value) for name, value in _HEADERS if name not in present]
            message = {**message, "headers": [*message["headers"], *added]}
        await self._send(message)


class _Rates:
    """A bucket of requests for each client, which fills as time passes."""

    def __init__(
        self, *, rate: float, burst: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._buckets: OrderedDict[str | None, tuple[float, float]] = OrderedDict()

    def take(self, client: str | None) -> bool:
        """Return whether the client has a request left, and take it."""
        now = self._clock()
        left, then = self._buckets.pop(client, (float(self._burst), now))
        left = min(self._burst, left + (now - then) * self._rate)
        allowed = left >= 1
        self._buckets[client] = (left - 1 if allowed else left, now)
        if len(self._buckets) > _MOST_CLIENTS:
            self._buckets.popitem(last=False)
        return allowed


def _is_addressed(host: str, config: ServeConfig) -> bool:
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() else host
    name = name.strip("[]").lower()
    if not config.is_local and not config.hosts:
        return True  # behind whatever name; the key is what counts
    return name in {
        "127.0.0.1",
        "::1",
        "localhost",
        config.host.lower(),
        *map(str.lower, config.hosts),
    }


def _has_key(headers: Headers, key: str) -> bool:
    bearer = headers.get("authorization", "").removeprefix("Bearer ")
    cookie = cookie_parser(headers.get("cookie", "")).get(KEY_COOKIE, "")
    given = (headers.get("x-api-key", ""), bearer, cookie)
    return any(secrets.compare_digest(one.encode(), key.encode()) for one in given)


def _has_body(headers: Headers) -> bool:
    return headers.get("content-length", "0") != "0" or "transfer-encoding" in headers


def _is_at_most(length: str, most: int) -> bool:
    return length.isdecimal() and len(length) < 16 and int(length) <= most


def _too_large(most: int) -> Response:
    return refused(413, f"a request has at most {most} bytes", connection="close")


def _late(body: _Bounded) -> Response:
    """Return who was too slow: the service, or a client that has not sent all yet."""
    if body.is_whole:
        return refused(504, "the answer was not found in time")
    return refused(408, "the request did not arrive in time", connection="close")
