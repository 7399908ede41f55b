"""Why a token answers some words: /explanations/…"""

from __future__ import annotations

import base64
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from traitlens.records import Trait
from traitlens.retrieval import ExplainedTerm, Explanation
from traitlens.retrieval.asking import MAX_CHARACTERS
from traitlens.retrieval.component_masks import Mask, mask_picture
from traitlens.retrieval.heat import Grid
from traitlens.service.serving import Service
from traitlens.standardization import png_bytes

HeatOut = Annotated[
    list[list[float]] | None,
    Field(description="[0, 1], rows top to bottom, over the picture; null where none is clear"),
]


class ExplainedTermOut(BaseModel):
    """Words of the query, and whether the token has what they mean, or lacks what it should."""

    meant: str
    wanted: bool
    matched: bool
    trait: str | None = Field(description="the token's trait that they mean, as Type: Value")
    heat: HeatOut


class MaskOut(BaseModel):
    """Where one sees a matched trait: white on transparent, over the picture."""

    type: str
    value: str
    image: str = Field(description="a data URI")


class ExplanationOut(BaseModel):
    """Why a token answers some words, or does not."""

    token_uid: str
    cosine: float
    closer_than: float | None = Field(description="share of a sample of the index, in [0, 1]")
    terms: list[ExplainedTermOut]
    heat: HeatOut
    masks: list[MaskOut]
    note: str | None


def explanation_endpoints(service: Service) -> APIRouter:
    """Return the endpoint that says why a token answers some words."""
    router = APIRouter()

    @router.get(
        "/explanations/{token_uid:path}", summary="Say why a token answers some words, and where."
    )
    async def explanation(
        token_uid: str,
        q: Annotated[str, Query(max_length=MAX_CHARACTERS, description="what was asked for")],
    ) -> ExplanationOut:
        return explanation_out(await service.explained(token_uid, q))

    return router


def explanation_out(found: Explanation) -> ExplanationOut:
    """Return an explanation as JSON has it."""
    return ExplanationOut(
        token_uid=found.hit.token_uid,
        cosine=found.cosine,
        closer_than=found.closer_than,
        terms=[_term_out(term) for term in found.terms],
        heat=_heat_out(found.heat_GG),
        masks=[_mask_out(trait, mask) for trait, mask in found.masks.items()],
        note=found.note,
    )


def _term_out(term: ExplainedTerm) -> ExplainedTermOut:
    trait = term.met_by[0] if term.met_by else None
    return ExplainedTermOut(
        meant=term.meant,
        wanted=term.wanted,
        matched=term.is_met,
        trait=None if trait is None else f"{trait.trait_type}: {trait.value}",
        heat=_heat_out(term.heat_GG),
    )


def _heat_out(heat_GG: Grid | None) -> list[list[float]] | None:
    return None if heat_GG is None else heat_GG.round(3).tolist()


def _mask_out(trait: Trait, mask: Mask) -> MaskOut:
    encoded = base64.b64encode(png_bytes(mask_picture(mask))).decode()
    return MaskOut(
        type=trait.trait_type, value=trait.value, image=f"data:image/png;base64,{encoded}"
    )
