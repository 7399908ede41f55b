"""A collection of three drawn layers whose true masks are known: sky, body and hat, 8 x 8 px."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tests.helpers import png
from traitlens.captions import caption
from traitlens.records import CollectionInfo, Token, Trait, token_uid
from traitlens.separation import ComponentMasks, SeparationConfig, separate_tokens
from traitlens.separation.masks import read_picture

SIZE_PX = 8
BODY = (slice(4, 8), slice(2, 6))
HAT = (slice(1, 3), slice(2, 6))
SKIES = {"Dawn": (250, 200, 180), "Noon": (120, 180, 250), "Night": (20, 20, 60)}
BODIES = {"Red": (220, 30, 30), "Green": (30, 160, 40), "White": (240, 240, 240)}
HATS = {"Cap": (90, 60, 30), "Crown": (240, 200, 40)}

Pixels = NDArray[np.uint8]


def mask(*areas: tuple[slice, slice]) -> NDArray[np.bool_]:
    """Return the mask of some areas: bool (8, 8)."""
    result_HW = np.zeros((SIZE_PX, SIZE_PX), np.bool_)
    for area in areas:
        result_HW[area] = True
    return result_HW


def blank(colour: Sequence[int] = (0, 0, 0, 0)) -> Pixels:
    """Return an RGBA picture of one colour, transparent unless another is given."""
    return np.full((SIZE_PX, SIZE_PX, 4), (*colour, 255)[:4], np.uint8)


def draw(sky: str, body: str, hat: str | None) -> Pixels:
    """Return the picture of a token: its hat may be missing."""
    picture_HWC = blank(SKIES[sky])
    picture_HWC[BODY] = (*BODIES[body], 255)
    if hat:
        picture_HWC[HAT] = (*HATS[hat], 255)
    return picture_HWC


def token(number: int, picture_HWC: Pixels, traits: Sequence[Trait], **changes: object) -> Token:
    """Return a token of the collection "layers"."""
    image = Image.fromarray(picture_HWC)
    made = Token(
        token_uid=token_uid(CollectionInfo(name="layers"), str(number)),
        collection="layers",
        token_id=str(number),
        image=png(image),
        width=image.width,
        height=image.height,
        traits=tuple(traits),
        caption=caption("layers", traits).text,
        split="train",
        sha256=f"{number:064x}",
    )
    return dataclasses.replace(made, **changes)  # type: ignore[arg-type]


def layered_tokens() -> list[Token]:
    """Return one token for each sky, body and hat or bare head: 27, each value as often."""
    tokens: list[Token] = []
    for sky, body, hat in itertools.product(SKIES, BODIES, (None, *HATS)):
        traits = [Trait("Sky", sky), Trait("Body", body)] + ([Trait("Hat", hat)] if hat else [])
        tokens.append(token(len(tokens), draw(sky, body, hat), traits))
    return tokens


def separated(tokens: Sequence[Token], config: SeparationConfig | None = None) -> ComponentMasks:
    """Return the components of tokens that are all of one size."""
    pictures = [read_picture(token) for token in tokens]
    return separate_tokens("layers", tokens, pictures, config=config or SeparationConfig())
