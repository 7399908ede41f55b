"""The page and its files, all of them from here."""

from __future__ import annotations

from importlib import resources
from pathlib import PurePosixPath

from fastapi import APIRouter, HTTPException, Request, Response

from traitlens.service.http_answers import file_answer

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_ASK_EACH_TIME = "no-cache"  # whether it has changed; an upgrade must not mix old and new files


def page_endpoints() -> APIRouter:
    """Return the endpoints of the page, which no program needs to know of."""
    router = APIRouter(include_in_schema=False)
    folder = resources.files("traitlens.service") / "page"
    files = {file.name: file.read_bytes() for file in folder.iterdir()}

    @router.get("/")
    async def page(request: Request) -> Response:
        media_type = "text/html; charset=utf-8"
        return file_answer(
            request, files["index.html"], media_type=media_type, cache=_ASK_EACH_TIME
        )

    @router.get("/static/{name}")
    async def static(name: str, request: Request) -> Response:
        media_type = _TYPES.get(PurePosixPath(name).suffix)
        if name not in files or media_type is None:
            raise HTTPException(404)
        return file_answer(request, files[name], media_type=media_type, cache=_ASK_EACH_TIME)

    return router
