"""The service: what is asked over HTTP is asked of the index.

    /search          words, a token, a filter
    /image-search    a picture, and words beside it
    /tokens/…        one token; /thumbnails/… and /pictures/… how it looks
    /facets          how many tokens have each trait
    /health, /metrics
    /                the page

Its OpenAPI description is at /openapi.json.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable
from importlib import resources
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, TypeVar

from anyio import to_thread
from fastapi import FastAPI, File, Form, Query, Request, Response, UploadFile
from fastapi.responses import JSONResponse
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)

import traitlens
from traitlens.errors import QueryError, TraitlensError
from traitlens.models.encoder import Encoder
from traitlens.retrieval import Answer, Mode
from traitlens.retrieval.asking import Asked, Encoded
from traitlens.retrieval.searching import MAX_CHARACTERS, MAX_K
from traitlens.service.config import ServeConfig
from traitlens.service.limits import Gate
from traitlens.service.live_index import LiveIndex, Served
from traitlens.service.schemas import (
    AnswerOut,
    ErrorOut,
    FacetsOut,
    HealthOut,
    TokenOut,
    answer_out,
    token_out,
)
from traitlens.service.uploads import Uploads

T = TypeVar("T")
_LOG = logging.getLogger(__name__)
_REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorOut} for status in (400, 401, 404, 413, 421, 429, 503, 504)
}
_PAGE_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_A_DAY = "private, max-age=86400"

Words = Annotated[str | None, Query(max_length=MAX_CHARACTERS, description="what it looks like")]
Where = Annotated[
    str | None, Query(max_length=10_000, description="a filter: collection=nouns AND Head=Cat")
]
Skip = Annotated[int, Query(ge=0, le=MAX_K)]


class Service:
    """What the endpoints share."""

    def __init__(
        self,
        path: Path,
        config: ServeConfig,
        *,
        load_encoder: Callable[[str], Encoder] | None = None,
    ) -> None:
        self.config = config
        self.live = LiveIndex(path, load_encoder=load_encoder)
        self.uploads = Uploads(max_bytes=config.max_body_bytes)
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "traitlens_requests", "Requests.", ["path", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "traitlens_seconds", "Seconds of a request.", ["path"], registry=self.registry
        )
        self.reloads = Counter("traitlens_reloads", "Newer indexes.", registry=self.registry)
        self.tokens = Gauge("traitlens_tokens", "Tokens of the index.", registry=self.registry)

    def check_k(self, k: int) -> None:
        """Raise QueryError for more hits than the service gives at once."""
        if k > self.config.max_k:
            raise QueryError(f"k must be at most {self.config.max_k} here; got {k}")

    async def search(self, served: Served, asked: Asked) -> Answer:
        """Return the answer to a search, encoded together with others that wait."""
        started = time.perf_counter()
        text = None if asked.text is None else await served.texts.vector(asked.text)
        image = None if asked.image is None else await served.images.vector(asked.image)
        encode_ms = 1e3 * (time.perf_counter() - started)
        answer = await in_thread(served.index.answer, asked, Encoded(text=text, image=image))
        return answer.with_encode_ms(encode_ms)

    async def watch(self) -> None:
        """Take the place of an index by a newer one when there is one."""
        while True:
            await asyncio.sleep(self.config.reload_s)
            try:
                if await in_thread(self.live.refresh):
                    self.reloads.inc()
            except TraitlensError as error:
                _LOG.warning("the newer index is not served: %s", error)

    def close(self) -> None:
        """Let go of the index and the decoder."""
        self.uploads.close()
        self.live.close()


async def in_thread(function: Callable[..., T], *arguments: object) -> T:
    """Return what a function returns that would block."""
    return await to_thread.run_sync(lambda: function(*arguments))


def create_app(
    path: Path,
    config: ServeConfig | None = None,
    *,
    load_encoder: Callable[[str], Encoder] | None = None,
) -> FastAPI:
    """Return the service of the index at a path; `LiveIndex` says how to replace it."""
    config = config or ServeConfig()
    service = Service(path, config, load_encoder=load_encoder)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        watching = asyncio.create_task(service.watch())
        yield
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching
        service.close()

    app = FastAPI(
        title="traitlens",
        version=traitlens.__version__,
        description="Find any NFT by describing it.",
        lifespan=lifespan,
        docs_url=None,  # its page loads scripts from elsewhere
        redoc_url=None,
        responses=_REFUSALS,
    )
    app.state.service = service
    app.add_middleware(Gate, config=config)
    _add_answers_to_errors(app)
    _add_measuring(app, service)
    _add_search(app, service)
    _add_tokens(app, service)
    _add_health(app, service)
    _add_page(app)
    return app


def _add_search(app: FastAPI, service: Service) -> None:
    @app.get("/search", summary="Find tokens by words, by another token, by traits.")
    async def search(
        q: Words = None,
        like: Annotated[str | None, Query(max_length=1_000)] = None,
        where: Where = None,
        mode: Mode = "hybrid",
        k: Annotated[int, Query(ge=1, le=MAX_K)] = 24,
        skip: Skip = 0,
        fold: bool = True,
    ) -> AnswerOut:
        service.check_k(k)
        async with asyncio.timeout(service.config.timeout_s):
            with service.live.served() as served:
                asked = await in_thread(
                    lambda: served.index.ask(
                        q, like=like, where=where, mode=mode, k=k, skip=skip, fold=fold
                    )
                )
                return answer_out(await service.search(served, asked))

    @app.post("/image-search", summary="Find tokens by a picture, and words beside it.")
    async def image_search(
        picture: Annotated[UploadFile, File(description="PNG, JPEG, WebP, SVG, GIF, MP4 ...")],
        q: Annotated[str | None, Form(max_length=MAX_CHARACTERS)] = None,
        where: Annotated[str | None, Form(max_length=10_000)] = None,
        mode: Annotated[Mode, Form()] = "hybrid",
        weight: Annotated[float, Form(ge=0, le=1, description="the words' share")] = 0.5,
        k: Annotated[int, Form(ge=1, le=MAX_K)] = 24,
        skip: Annotated[int, Form(ge=0, le=MAX_K)] = 0,
        fold: Annotated[bool, Form()] = True,
    ) -> AnswerOut:
        service.check_k(k)
        async with asyncio.timeout(service.config.timeout_s):
            image = await service.uploads.picture(await picture.read())
            with service.live.served() as served:
                asked = await in_thread(
                    lambda: served.index.ask(
                        q,
                        image=image,
                        where=where,
                        mode=mode,
                        weight=weight,
                        k=k,
                        skip=skip,
                        fold=fold,
                    )
                )
                return answer_out(await service.search(served, asked))

    @app.get("/facets", summary="Count the tokens that have each trait.")
    async def facets(where: Where = None) -> FacetsOut:
        with service.live.served() as served:
            found = await in_thread(served.index.facets, where)
            return FacetsOut(matching=sum(found.get("collection", {}).values()), facets=found)


def _add_tokens(app: FastAPI, service: Service) -> None:
    @app.get("/tokens/{token_uid:path}", summary="Return one token.")
    async def token(token_uid: str) -> TokenOut:
        with service.live.served() as served:
            return token_out(await in_thread(served.index.token, token_uid))

    @app.get("/thumbnails/{token_uid:path}", response_class=Response)
    async def thumbnail(token_uid: str) -> Response:
        with service.live.served() as served:
            return _picture(await in_thread(served.index.thumbnail, token_uid))

    @app.get("/pictures/{token_uid:path}", response_class=Response)
    async def picture(token_uid: str) -> Response:
        with service.live.served() as served:
            found = await in_thread(served.index.token, token_uid)
            return _picture(await in_thread(served.index.picture, found))


def _add_health(app: FastAPI, service: Service) -> None:
    @app.get("/health", summary="Say what is served.")
    async def health() -> HealthOut:
        with service.live.served() as served:
            manifest = served.index.manifest
            return HealthOut(
                status="ok",
                tokens=len(served.index),
                encoder=manifest.encoder_fingerprint,
                engine=manifest.engine,
            )

    @app.get("/metrics", response_class=Response, summary="Prometheus metrics.")
    async def metrics() -> Response:
        with service.live.served() as served:
            service.tokens.set(len(served.index))
        return Response(generate_latest(service.registry), media_type=CONTENT_TYPE_LATEST)


def _add_page(app: FastAPI) -> None:
    folder = resources.files("traitlens.service") / "page"
    files = {file.name: file.read_bytes() for file in folder.iterdir()}

    @app.get("/", include_in_schema=False)
    async def page() -> Response:
        return Response(files["index.html"], media_type="text/html; charset=utf-8")

    @app.get("/static/{name}", include_in_schema=False)
    async def static(name: str) -> Response:
        media_type = _PAGE_TYPES.get(PurePosixPath(name).suffix)
        if name not in files or media_type is None:
            return JSONResponse({"detail": "Not Found"}, status_code=404)
        return Response(files[name], media_type=media_type)


def _picture(data: bytes | None) -> Response:
    if data is None:
        raise QueryError("the index has no picture of this token")
    media_type = "image/png" if data.startswith(b"\x89PNG") else "image/webp"
    return Response(data, media_type=media_type, headers={"cache-control": _A_DAY})


def _add_answers_to_errors(app: FastAPI) -> None:
    @app.exception_handler(QueryError)
    async def refused(_: Request, error: QueryError) -> JSONResponse:
        status = 404 if str(error).startswith("the index has no") else 400
        return JSONResponse({"detail": str(error)}, status_code=status)

    @app.exception_handler(TimeoutError)
    async def late(_: Request, error: TimeoutError) -> JSONResponse:
        return JSONResponse({"detail": "the search took too long"}, status_code=504)


def _add_measuring(app: FastAPI, service: Service) -> None:
    @app.middleware("http")
    async def measured(request: Request, call_next: Callable[..., Any]) -> Response:
        started = time.perf_counter()
        response: Response = await call_next(request)
        route = request.scope.get("route")
        path = getattr(route, "path", "unknown")
        service.requests.labels(path, str(response.status_code)).inc()
        service.seconds.labels(path).observe(time.perf_counter() - started)
        return response
