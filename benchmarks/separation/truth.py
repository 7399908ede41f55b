"""Collections with their true masks, read from zips.

`masks/<id>.png` is an 8-bit map of the topmost component at each pixel, whose values index
`mask_labels` in `metadata/<id>.json` (0 is the base). A label is a trait type, or "type: value".
`layers/<id>.png`, where there is one, has each component drawn alone, as RGBA, one below the other.

Axes: N tokens, K labelled components of a token, H height, W width.
"""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from traitlens.construction import rows
from traitlens.records import RawToken, Token, Trait
from traitlens.separation.pixels import Mask
from traitlens.sources import open_sources
from traitlens.sources.folder import Collection, FoundToken
from traitlens.standardization import StandardizeConfig
from traitlens.standardization.guard import GuardedStandardizer

from .degrade import degraded, enlarged
from .families import PIXEL_ART

OPAQUE = 128  # alpha from which a component counts as drawn at a pixel


@dataclass(frozen=True, slots=True)
class Labelled:
    """A token and its true label map.

    `traits[i - 1]` is the trait whose component is seen where `labels_HW` is i; 0 is the base.
    `layers_KHWC` holds the components drawn alone, in the order of `traits`, where that is known:
    RGBA at the size at which they were drawn, also where the picture was enlarged since.
    """

    token: Token
    labels_HW: NDArray[np.uint8]
    traits: tuple[Trait, ...]
    layers_KHWC: NDArray[np.uint8] | None

    def visible(self) -> Iterator[tuple[Trait, Mask]]:
        """Yield each component that is seen, with its visible mask: bool (H, W)."""
        present = np.bincount(self.labels_HW.ravel(), minlength=len(self.traits) + 1) > 0
        for index, trait in enumerate(self.traits, start=1):
            if present[index]:
                yield trait, self.labels_HW == index


def read(path: Path, *, limit: int | None = None, kind: str | None = None) -> list[Labelled]:
    """Return the tokens of a zip, the first `limit` ones, standardized as a data set has them.

    Their pictures are degraded as `kind` says, one of `degrade.KINDS`.
    """
    (collection,) = open_sources([path])
    raw_tokens = [_raw(collection, found, kind) for found in collection.found[:limit]]
    with GuardedStandardizer(StandardizeConfig()) as guard:
        tokens = list(rows(raw_tokens, collection.info, pictures=guard.pictures))
    names = {entry.name for entry in collection.files.entries()}
    return [
        _labelled(collection, raw, token, names)
        for raw, token in zip(raw_tokens, tokens, strict=True)
        if token.status == "kept"
    ]


def _raw(collection: Collection, found: FoundToken, kind: str | None) -> RawToken:
    raw = collection.read(found)
    if kind is None:
        return raw
    assert raw.media is not None, raw.problem
    pixel_art = collection.info.name in PIXEL_ART
    return dataclasses.replace(raw, media=degraded(raw.media, kind, pixel_art=pixel_art))


def _labelled(
    collection: Collection, raw: RawToken, token: Token, names: AbstractSet[str]
) -> Labelled:
    with Image.open(io.BytesIO(collection.files.read(raw.metadata["mask"]))) as image:
        native = (image.height, image.width)
        labels_HW = np.asarray(enlarged(image, (token.width, token.height)), np.uint8)
    traits = tuple(_trait(token, label) for label in raw.metadata["mask_labels"][1:])
    name, layers_KHWC = f"layers/{raw.token_id}.png", None
    if name in names:
        with Image.open(io.BytesIO(collection.files.read(name))) as image:
            layers_KHWC = np.asarray(image.convert("RGBA")).reshape(len(traits), *native, 4)
    return Labelled(dataclasses.replace(token, metadata=None), labels_HW, traits, layers_KHWC)


def _trait(token: Token, label: str) -> Trait:
    """Return the token's trait that a label means: a trait type, or "type: value"."""
    return next(t for t in token.traits if label in (t.trait_type, f"{t.trait_type}: {t.value}"))
