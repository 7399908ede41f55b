"""How a request is told that it cannot be answered: always {"detail": one sentence}."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from traitlens.errors import QueryError, TraitlensError, UnknownTokenError
from traitlens.service.schemas import ErrorOut

_LOG = logging.getLogger(__name__)

REFUSALS: dict[int | str, dict[str, Any]] = {
    400: {"model": ErrorOut, "description": "What is asked cannot be understood."},
    401: {"model": ErrorOut, "description": "The API key is missing or wrong."},
    404: {"model": ErrorOut, "description": "The index has no such token."},
    408: {"model": ErrorOut, "description": "The request did not arrive in time."},
    413: {"model": ErrorOut, "description": "The request is too large."},
    421: {"model": ErrorOut, "description": "The service does not answer to that host name."},
    422: {"model": ErrorOut, "description": "A parameter is not accepted."},
    429: {"model": ErrorOut, "description": "Too many requests of one client."},
    503: {"model": ErrorOut, "description": "Too many requests at once, or no index to ask."},
    504: {"model": ErrorOut, "description": "The answer was not found in time."},
}


def refused(status: int, detail: str, **headers: str) -> JSONResponse:
    """Return a refusal; `retry_after="1"` is the header retry-after."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return JSONResponse({"detail": detail}, status_code=status, headers=named)


def add_refusals(app: FastAPI) -> None:
    """Have the app turn errors into refusals."""

    @app.exception_handler(UnknownTokenError)
    async def unknown(_: Request, error: UnknownTokenError) -> JSONResponse:
        return refused(404, str(error))

    @app.exception_handler(QueryError)
    async def not_understood(_: Request, error: QueryError) -> JSONResponse:
        return refused(400, str(error))

    @app.exception_handler(RequestValidationError)
    async def not_accepted(_: Request, error: RequestValidationError) -> JSONResponse:
        return refused(422, "; ".join(map(_sentence, error.errors())))

    @app.exception_handler(TraitlensError)
    async def without_index(_: Request, error: TraitlensError) -> JSONResponse:
        _LOG.error("the index cannot be asked: %s", error)  # not for visitors: it names paths
        return refused(503, "the index cannot be asked now", retry_after="10")

    @app.exception_handler(Exception)
    async def failed(_: Request, error: Exception) -> JSONResponse:
        return refused(500, "the service failed; its log says how")


def _sentence(error: dict[str, Any]) -> str:
    place: Sequence[object] = error["loc"][1:] or error["loc"]
    return f"{'.'.join(map(str, place))}: {error['msg']}"
