"""The components of an index's collections: copied from its data set, seen in one of its tokens.

A collection's file has some tens of kB, however many tokens there are, so the index takes it as it
is. Which pixels of a token show a component is told when somebody asks
(`separation.ComponentMasks`). `separation` is imported late, since a search needs nothing of it.

Axes: H height, W width.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from traitlens import files
from traitlens.engines import Entry, Equals, VectorEngine
from traitlens.engines.where import COLLECTION
from traitlens.errors import DatasetError
from traitlens.records import Token, Trait
from traitlens.retrieval.small_pictures import MAX_SIDE_PX

if TYPE_CHECKING:
    from traitlens.separation import ComponentMasks
    from traitlens.store import Dataset

Mask = NDArray[np.bool_]

FOLDER = "components"  # in a data set and in an index
_SUFFIX = ".npz"


def components_of(data: Dataset) -> dict[str, str]:
    """Return {collection: SHA-256 of its file} for the collections that have components."""
    folder = data.path / FOLDER
    if not folder.is_dir():
        return {}
    found = {name: files.collection_file(folder, name, _SUFFIX) for name in data.collections}
    return {name: files.sha256_of(file) for name, file in found.items() if file.is_file()}


def copy_components(data: Dataset, index: Path, digests: Mapping[str, str]) -> None:
    """Make the components of an index those of its data set, each file whole or not at all."""
    folder = index / FOLDER
    wanted = {files.collection_file(folder, name, _SUFFIX): name for name in digests}
    for file in set(folder.glob("*")) - wanted.keys():
        file.unlink()
    for file, name in wanted.items():
        if not file.is_file() or files.sha256_of(file) != digests[name]:
            folder.mkdir(exist_ok=True)
            files.write_bytes(file, (data.path / FOLDER / file.name).read_bytes())


def forget_components(index: Path, engine: VectorEngine) -> dict[str, str]:
    """Remove what an index knows of values that no token has any longer; return the new digests."""
    from traitlens.separation import forget_values

    found = {file.stem: file for file in sorted((index / FOLDER).glob(f"*{_SUFFIX}"))}
    for name in found:
        values = engine.vocabulary(Equals(COLLECTION, name))
        left = {(kind, value) for kind, of_it in values.items() for value in of_it}
        forget_values(index / FOLDER, name, left=left)
    return {name: files.sha256_of(file) for name, file in found.items() if file.is_file()}


class StoredComponents:
    """The components that an index holds; a collection's are read when they are first asked for."""

    def __init__(self, index: Path) -> None:
        self._folder = index / FOLDER
        self._read: dict[str, ComponentMasks | None] = {}

    def seen(self, token: Entry, picture: Image.Image) -> dict[Trait, Mask]:
        """Return where one sees the components of a token in its picture: bool (H, W), disjoint.

        H and W are those of the components. In a picture of another size (the small one of large
        art) colours cannot be read, so it is told by the order of the layers alone. A collection
        without components, or with a file that cannot be read, has none.
        """
        masks = self._of(token.collection)
        if masks is None or not _is_same_shape(picture, masks):
            return {}
        drawn = Token(
            token_uid=token.token_uid,
            collection=token.collection,
            token_id=token.token_id,
            traits=token.traits,
            caption=token.caption,
            width=masks.width,
            height=masks.height,
        )
        if picture.size == (masks.width, masks.height):
            return masks.visible(drawn, picture)
        return _uncovered(masks, drawn)

    def _of(self, collection: str) -> ComponentMasks | None:
        from traitlens.separation import load_masks

        if collection not in self._read:
            try:
                self._read[collection] = load_masks(self._folder, collection)
            except DatasetError:
                self._read[collection] = None
        return self._read[collection]


def mask_picture(mask_HW: Mask) -> Image.Image:
    """Return a mask as a small picture: white where it is, transparent elsewhere."""
    alpha = Image.fromarray(mask_HW.astype(np.uint8) * 255)
    alpha.thumbnail((MAX_SIDE_PX, MAX_SIDE_PX), Image.Resampling.BOX)
    return Image.merge("LA", (Image.new("L", alpha.size, 255), alpha))


def _is_same_shape(picture: Image.Image, masks: ComponentMasks) -> bool:
    """Return whether a picture may be one of the components' size, reduced."""
    if not masks.components:
        return False
    scale = max(picture.size) / max(masks.width, masks.height)
    expected = (round(masks.width * scale), round(masks.height * scale))
    return scale <= 1 and all(abs(a - b) <= 1 for a, b in zip(picture.size, expected, strict=True))


def _uncovered(masks: ComponentMasks, token: Token) -> dict[Trait, Mask]:
    """Return where each component is drawn and no higher one is."""
    layers = {component.name: component.layer for component in masks.components}
    drawn = masks.for_token(token)
    free_HW = np.ones((masks.height, masks.width), np.bool_)
    seen: dict[Trait, Mask] = {}
    for trait in sorted(drawn, key=lambda t: layers[t.trait_type, t.value], reverse=True):
        seen[trait] = drawn[trait] & free_HW
        free_HW &= ~drawn[trait]
    return seen
