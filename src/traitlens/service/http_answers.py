"""What HTTP has beside GET: HEAD, and a picture that is sent only once (RFC 9110, 9.3.2 and 13)."""

from __future__ import annotations

import hashlib

from fastapi import Request, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class HeadAsGet:
    """Answers HEAD as GET without the body."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def without_body(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        await self._app({**scope, "method": "GET"}, receive, without_body)


def file_answer(request: Request, data: bytes, *, media_type: str, cache: str) -> Response:
    """Return a file, or 304 where the client has it; `cache` is its cache-control."""
    tag = f'"{hashlib.blake2b(data, digest_size=16).hexdigest()}"'
    headers = {"etag": tag, "cache-control": cache}
    known = [one.strip() for one in request.headers.get("if-none-match", "").split(",")]
    if "*" in known or tag in known or f"W/{tag}" in known:
        return Response(status_code=304, headers=headers)
    return Response(data, media_type=media_type, headers=headers)
