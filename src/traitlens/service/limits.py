"""What the service asks of a request before it does anything for it."""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict
from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import cookie_parser
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from traitlens.service.config import ServeConfig

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


class Gate:
    """Lets in what has the key, is not too much and not too often, and closes what is too long."""

    def __init__(self, app: ASGIApp, *, config: ServeConfig) -> None:
        self._app = app
        self._config = config
        self._rates = _Rates(rate=config.rate, burst=config.burst)
        self._at_work = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal is not None:
            await refusal(scope, receive, _with_headers(send))
            return
        self._at_work += 1
        try:
            bounded = _Bounded(receive, most=self._config.max_body_bytes)
            await self._app(scope, bounded, _with_headers(send))
        finally:
            self._at_work -= 1

    def _refusal(self, scope: Scope) -> JSONResponse | None:
        """Return why a request is not let in, if it is not."""
        headers = Headers(scope=scope)
        if not _is_addressed(headers.get("host", ""), self._config):
            return _refused(421, "this service does not answer to that host name")
        if scope["path"] in _OPEN or scope["path"].startswith(_OPEN_BELOW):
            return None
        if not self._config.is_local and not self._rates.take(
            scope["client"] and scope["client"][0]
        ):
            return _refused(429, "too many requests; wait a second", retry_after_s=1)
        if self._config.api_key is not None and not _has_key(headers, self._config.api_key):
            return _refused(401, "the API key is missing or wrong; send it as X-API-Key")
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > self._config.max_body_bytes:
            return _refused(413, f"a request has at most {self._config.max_body_bytes} bytes")
        if self._at_work >= self._config.max_waiting:
            return _refused(503, "too many requests at once; try again", retry_after_s=1)
        return None


class _Bounded:
    """What arrives of a body whose length was not said, up to a bound."""

    def __init__(self, receive: Receive, *, most: int) -> None:
        self._receive = receive
        self._most = self._left = most

    async def __call__(self) -> Message:
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise HTTPException(413, f"a request has at most {self._most} bytes")
        return message


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
    return name in {"127.0.0.1", "::1", "localhost", config.host.lower(), *config.hosts}


def _has_key(headers: Headers, key: str) -> bool:
    bearer = headers.get("authorization", "").removeprefix("Bearer ")
    cookie = cookie_parser(headers.get("cookie", "")).get(KEY_COOKIE, "")
    given = (headers.get("x-api-key", ""), bearer, cookie)
    return any(secrets.compare_digest(one.encode(), key.encode()) for one in given)


def _refused(status: int, detail: str, *, retry_after_s: int | None = None) -> JSONResponse:
    headers = {} if retry_after_s is None else {"retry-after": str(retry_after_s)}
    return JSONResponse({"detail": detail}, status_code=status, headers=headers)


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            present = {name.lower() for name, _ in message["headers"]}
            message["headers"] = [
                *message["headers"],
                *(
                    (name.encode(), value.encode())
                    for name, value in SECURITY_HEADERS.items()
                    if name.encode() not in present
                ),
            ]
        await send(message)

    return sending
