"""/search, /image-search and /facets."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, File, Form, Query, UploadFile

from traitlens.engines.where import MAX_CHARACTERS as MAX_FILTER
from traitlens.retrieval import Mode
from traitlens.retrieval.asking import MAX_CHARACTERS, MAX_K
from traitlens.service.schemas import AnswerOut, FacetsOut
from traitlens.service.serving import Service

_FILTER = "a filter: collection=nouns AND Head=Cat"

Where = Annotated[str | None, Query(max_length=MAX_FILTER, description=_FILTER)]


def search_endpoints(service: Service) -> APIRouter:
    """Return the endpoints that ask all of the index."""
    router = APIRouter()

    @router.get("/search", summary="Find tokens by words, by another token, by traits.")
    async def search(
        q: Annotated[
            str | None, Query(max_length=MAX_CHARACTERS, description="what it looks like")
        ] = None,
        like: Annotated[str | None, Query(max_length=1_000)] = None,
        where: Where = None,
        mode: Mode = "hybrid",
        k: Annotated[int, Query(ge=1, le=MAX_K)] = 24,
        skip: Annotated[int, Query(ge=0, le=MAX_K)] = 0,
        fold: bool = True,
    ) -> AnswerOut:
        return await service.search(q, like=like, where=where, mode=mode, k=k, skip=skip, fold=fold)

    @router.post("/image-search", summary="Find tokens by a picture, and words beside it.")
    async def image_search(
        picture: Annotated[UploadFile, File(description="PNG, JPEG, WebP, SVG, GIF, MP4 ...")],
        q: Annotated[str | None, Form(max_length=MAX_CHARACTERS)] = None,
        where: Annotated[str | None, Form(max_length=MAX_FILTER, description=_FILTER)] = None,
        mode: Annotated[Mode, Form()] = "hybrid",
        weight: Annotated[float, Form(ge=0, le=1, description="the words' share")] = 0.5,
        k: Annotated[int, Form(ge=1, le=MAX_K)] = 24,
        skip: Annotated[int, Form(ge=0, le=MAX_K)] = 0,
        fold: Annotated[bool, Form()] = True,
    ) -> AnswerOut:
        image = await service.uploads.picture(await picture.read())
        return await service.search(
            q, image=image, where=where, mode=mode, weight=weight, k=k, skip=skip, fold=fold
        )

    @router.get("/facets", summary="Count the tokens that have each trait.")
    async def facets(where: Where = None) -> FacetsOut:
        found = await service.asked(lambda index: index.facets(where))
        return FacetsOut(matching=sum(found.get("collection", {}).values()), facets=found)

    return router
