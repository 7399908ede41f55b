"""/tokens, /thumbnails and /pictures: one token, and how it looks."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from traitlens.errors import UnknownTokenError
from traitlens.retrieval import Index
from traitlens.service.http_answers import file_answer
from traitlens.service.schemas import TokenOut, token_out
from traitlens.service.serving import Service

_A_DAY = "private, max-age=86400"
_PICTURES: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/png": {}, "image/webp": {}}},
    304: {"description": "The client has it, by its ETag."},
}


def token_endpoints(service: Service) -> APIRouter:
    """Return the endpoints that look one token up, by its token_uid or as collection/token_id."""
    router = APIRouter()

    @router.get("/tokens/{token_uid:path}", summary="Return one token.")
    async def token(token_uid: str) -> TokenOut:
        return await service.looked_up(lambda index: token_out(index.token(token_uid)))

    @router.get(
        "/thumbnails/{token_uid:path}",
        summary="Return a token's picture of at most 256 px, by its token_uid.",
        response_class=Response,
        responses=_PICTURES,
    )
    async def thumbnail(token_uid: str, request: Request) -> Response:
        data = await service.looked_up(lambda index: index.thumbnail(token_uid))
        return _picture(request, data)

    @router.get(
        "/pictures/{token_uid:path}",
        summary="Return a token's picture as large as the data set has it.",
        response_class=Response,
        responses=_PICTURES,
    )
    async def picture(token_uid: str, request: Request) -> Response:
        def found(index: Index) -> bytes | None:
            return index.picture(index.token(token_uid))

        return _picture(request, await service.looked_up(found))

    return router


def _picture(request: Request, data: bytes | None) -> Response:
    if data is None:
        raise UnknownTokenError("the index has no picture of this token")
    media_type = "image/png" if data.startswith(b"\x89PNG") else "image/webp"
    return file_answer(request, data, media_type=media_type, cache=_A_DAY)
