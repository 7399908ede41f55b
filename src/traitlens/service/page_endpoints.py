"""The page and its files, all of them from here."""

from __future__ import annotations

from importlib import resources

from fastapi import APIRouter, HTTPException, Request, Response

from traitlens.service.http_answers import file_answer

_PAGE_FILES = {
    "page.css": "text/css; charset=utf-8",
    "page.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
_ASK_EACH_TIME = "no-cache"  # whether it has changed; an upgrade must not mix old and new files


def page_endpoints() -> APIRouter:
    """Return the endpoints of the page, which no program needs to know of."""
    router = APIRouter(include_in_schema=False)
    files = resources.files("traitlens.service") / "page"

    @router.get("/")
    async def page(request: Request) -> Response:
        data = (files / "index.html").read_bytes()
        media_type = "text/html; charset=utf-8"
        return file_answer(request, data, media_type=media_type, cache=_ASK_EACH_TIME)

    @router.get("/static/{name}")
    async def static(name: str, request: Request) -> Response:
        if name not in _PAGE_FILES:
            raise HTTPException(404)
        data = (files / name).read_bytes()
        return file_answer(request, data, media_type=_PAGE_FILES[name], cache=_ASK_EACH_TIME)

    return router
