"""The service: what is asked over HTTP is asked of the index.

    /search          words, a token, a filter                 search_endpoints
    /image-search    a picture, and words beside it
    /facets          how many tokens have each trait
    /tokens/…        one token; /thumbnails/… and             token_endpoints
    /pictures/…      how it looks
    /explanations/…  why a token answers some words, where    explanation_endpoints
    /health          for those who run it; /metrics           health_endpoints
    /                the page                                 page_endpoints

Its OpenAPI description is at /openapi.json.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from fastapi import FastAPI, Security
from fastapi.security import APIKeyHeader

import traitlens
from traitlens.models.encoder import Encoder
from traitlens.service.config import ServeConfig
from traitlens.service.explanation_endpoints import explanation_endpoints
from traitlens.service.health_endpoints import health_endpoints
from traitlens.service.http_answers import HeadAsGet
from traitlens.service.limits import Gate
from traitlens.service.measuring import Measured
from traitlens.service.page_endpoints import page_endpoints
from traitlens.service.refusals import REFUSALS, add_refusals
from traitlens.service.search_endpoints import search_endpoints
from traitlens.service.serving import Service
from traitlens.service.token_endpoints import token_endpoints


def create_app(
    path: Path,
    config: ServeConfig | None = None,
    *,
    load_encoder: Callable[[str], Encoder] | None = None,
) -> FastAPI:
    """Return the service of the index at a path; `LiveIndex` says how to replace it."""
    config = config or ServeConfig()
    service = Service(path, config, load_encoder=load_encoder)
    app = FastAPI(
        title="traitlens",
        version=traitlens.__version__,
        description="Find any NFT by describing it.",
        lifespan=_lifespan(service),
        docs_url=None,  # its page loads scripts from elsewhere
        redoc_url=None,
        responses=REFUSALS,
    )
    app.state.service = service
    add_refusals(app)
    # `Gate` asks for the key; this says so in the description, for clients made from it.
    key = [] if config.api_key is None else [_KEY]
    for endpoints in (search_endpoints, token_endpoints, explanation_endpoints):
        app.include_router(endpoints(service), dependencies=key)
    app.include_router(health_endpoints(service))
    app.include_router(page_endpoints())
    # The last one is the first that a request meets.
    app.add_middleware(Gate, config=config)
    app.add_middleware(Measured, metrics=service.metrics)
    app.add_middleware(HeadAsGet)
    return app


_KEY = Security(APIKeyHeader(name="X-API-Key", auto_error=False))


def _lifespan(
    service: Service,
) -> Callable[[FastAPI], contextlib.AbstractAsyncContextManager[None]]:
    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        watching = asyncio.create_task(service.watch())
        yield
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching
        service.close()

    return lifespan
