"""The tokens that are trained on, ready to be drawn from.

Axes: N tokens, K components, H height, W width, C colour channels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from traitlens.captions import in_caption_order, phrase
from traitlens.errors import DatasetError
from traitlens.models.pixels import PixelConfig, frame
from traitlens.progress import Progress, silent
from traitlens.records import Split, Token
from traitlens.separation import ComponentMasks, load_masks
from traitlens.standardization import decode
from traitlens.store import Dataset

NO_COMPONENT = -1


@dataclass(frozen=True, slots=True)
class Tag:
    """One trait as training sees it: its words and the component that shows it."""

    words: str
    component: int  # row in `masks_KHW`, or NO_COMPONENT where no mask was found


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """Everything that training draws from; traits without words are left out."""

    collections: tuple[str, ...]
    collection_N: NDArray[np.int64]  # position in `collections`
    frames_NHWC: NDArray[np.uint8]
    tags: tuple[tuple[Tag, ...], ...]  # of each token
    masks_KHW: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.tags)

    def without_mask(self) -> int:
        """Return the number of tags that masking can never hide, over all tokens."""
        return sum(tag.component == NO_COMPONENT for tags in self.tags for tag in tags)


def gather(
    data: Dataset,
    pixels: PixelConfig,
    *,
    split: Split,
    masks_folder: Path | None,
    progress: Progress = silent,
) -> Material:
    """Return the tokens of a split with their frames and, from `masks_folder`, their components."""
    total = data.count(split=split)
    if total < 2:
        raise DatasetError(f"{data.path} has {total} tokens to {split} on; at least 2 are needed")
    frames_NHWC = _scratch_array((total, pixels.height, pixels.width, 3))
    masks: list[NDArray[np.bool_]] = []
    tags: list[tuple[Tag, ...]] = []
    collection_N = np.zeros(total, np.int64)
    for number, name in enumerate(data.collections):
        known = load_masks(masks_folder, name) if masks_folder else None
        components = _components(known, pixels, masks)
        for token in data.tokens(collections=[name], split=split):
            frames_NHWC[len(tags)] = _frame(token, pixels)
            collection_N[len(tags)] = number
            tags.append(_tags(token, known, components))
            progress("read", len(tags), total)
    shape = (0, pixels.height, pixels.width)
    return Material(
        collections=data.collections,
        collection_N=collection_N,
        frames_NHWC=frames_NHWC,
        tags=tuple(tags),
        masks_KHW=np.stack(masks) if masks else np.zeros(shape, np.bool_),
    )


def _scratch_array(shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Return an array in a nameless file, which the system pages out when memory is short."""
    with TemporaryFile() as file:
        return np.memmap(file, np.uint8, "w+", shape=shape)


def _frame(token: Token, pixels: PixelConfig) -> NDArray[np.uint8]:
    picture = decode(token.image or b"")
    assert isinstance(picture, Image.Image), "the data set has checked its pictures"
    return frame(picture, pixels)


def _components(
    known: ComponentMasks | None, pixels: PixelConfig, masks: list[NDArray[np.bool_]]
) -> Mapping[tuple[str, str], int]:
    """Append a collection's masks, at the model's size, and return their rows by trait."""
    if known is None:
        return {}
    rows = {}
    for (trait_type, value), mask_HW in known.masks.items():
        rows[trait_type, value] = len(masks)
        resized = Image.fromarray(mask_HW).resize((pixels.width, pixels.height))
        masks.append(np.asarray(resized, np.bool_))
    return rows


def _tags(
    token: Token, known: ComponentMasks | None, components: Mapping[tuple[str, str], int]
) -> tuple[Tag, ...]:
    fits = known is not None and (token.height, token.width) == (known.height, known.width)
    return tuple(
        Tag(
            words,
            components.get((t.trait_type, t.value), NO_COMPONENT) if fits else NO_COMPONENT,
        )
        for t in in_caption_order(token)
        if (words := phrase(t))
    )


def tag_words(tags: Sequence[Tag]) -> list[str]:
    """Return the words of some tags, in order."""
    return [tag.words for tag in tags]
