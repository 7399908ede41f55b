"""The tokens that are trained on, ready to be drawn from.

Axes: N tokens, G collections, H height, W width, C colour channels.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from traitlens.captions import WrittenCaption, in_caption_order, written_captions
from traitlens.captions.words import trait_words
from traitlens.errors import DatasetError
from traitlens.models.frames import frames_of
from traitlens.models.pixels import PixelConfig
from traitlens.progress import Progress, silent
from traitlens.records import Location, Split, Token, Trait
from traitlens.separation import ComponentMasks, load_masks
from traitlens.store import Dataset
from traitlens.training.grounds import bare_ground, based_ground
from traitlens.training.layering import Ground, Layer
from traitlens.training.layers import Layers
from traitlens.training.tags import NO_COMPONENT, Name, Tag, worn_together
from traitlens.training.trust import component_trust
from traitlens.training.vocabulary import Vocabulary

# More tokens tell nothing new of a collection's mean picture, or of the ground beneath its parts.
_TOKENS_OF_A_MEAN = 256
_TOKENS_OF_A_GROUND = 64


@dataclass(frozen=True, kw_only=True, eq=False)
class Material:
    """Everything that training draws from; traits without words are left out."""

    collections: tuple[str, ...]
    collection_N: NDArray[np.int64]  # position in `collections`
    frames_NHWC: NDArray[np.uint8]
    tags: tuple[tuple[Tag, ...], ...]  # of each token, in the order of its caption
    layers: Layers
    means_GHWC: NDArray[np.uint8]  # the mean picture of each collection
    grounds: tuple[Ground, ...]  # of each collection
    areas: Mapping[tuple[int, str], float]  # mean visible share, by collection and words
    trust: Mapping[int, float]  # in [0, 1], by the component's first row: see `component_trust`
    written: Sequence[str | None]  # a caption of each token that was not made by the template

    def __len__(self) -> int:
        return len(self.tags)

    def without_mask(self) -> int:
        """Return the number of tags that masking can never hide, over all tokens."""
        return sum(tag.component == NO_COMPONENT for tags in self.tags for tag in tags)

    def stack(self, tags: tuple[Tag, ...]) -> list[Layer]:
        """Return the layers of a token's tags, each once, in the order of their rows."""
        return [self.layers[row] for row in component_rows(tags)]

    def trusts(self, row: int, *, least: float) -> bool:
        """Return whether the component in a row is trusted at least so far."""
        return self.trust.get(self.layers.component_of(row), 0.0) >= least

    def untrusted(self, least: float) -> int:
        """Return the number of components that are not trusted so far."""
        return sum(share < least for share in self.trust.values())

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The phrases of all tokens."""
        return Vocabulary(self.collections, self.collection_N, self.tags, self.areas)

    @cached_property
    def kinds(self) -> dict[str, str]:
        """The kind of each phrase ("hat"); of one that several kinds share, one of them."""
        return {tag.words: tag.kind for tags in self.tags for tag in tags}

    @cached_property
    def values(self) -> dict[tuple[int, str], tuple[Tag, ...]]:
        """The tags that change a picture, by collection and trait type, each once.

        They have a component, or other components look otherwise by their type.
        """
        found: dict[tuple[int, str], dict[str, Tag]] = {}
        every = dict.fromkeys(
            (collection, tag)
            for collection, tags in zip(self.collection_N.tolist(), self.tags, strict=True)
            for tag in tags
        )
        shaping = {
            (collection, context[0])
            for collection, tag in every
            for context, _ in tag.looks
            if context is not None
        }
        for collection, tag in every:
            key = (collection, tag.trait_type)
            if tag.component != NO_COMPONENT or key in shaping:
                found.setdefault(key, {}).setdefault(tag.words, tag)
        return {key: tuple(sorted(tags.values(), key=self._order)) for key, tags in found.items()}

    def _order(self, tag: Tag) -> tuple[int, str]:
        known = tag.component != NO_COMPONENT
        return self.layers.component_of(tag.component) if known else -1, tag.words


def component_rows(tags: tuple[Tag, ...]) -> list[int]:
    """Return the rows of the components that tags have, each once, ascending."""
    return sorted({tag.component for tag in tags} - {NO_COMPONENT})


def gather(
    data: Dataset,
    pixels: PixelConfig,
    *,
    split: Split,
    masks_folder: Path | None,
    written: str | None = None,
    cache: Path | None = None,
    workers: int = 1,
    progress: Progress = silent,
) -> Material:
    """Return the tokens of a split with their frames and, from `masks_folder`, their components.

    `written` names captions that `traitlens caption` has written; those that passed its check are
    taken along. Frames are decoded in `workers` processes and kept in the folder `cache`, where one
    is named (`models.frames`, also for what they cost). In memory a token takes some 200 bytes.
    Raises DatasetError where there are less than 2 tokens, or no such captions.
    """
    total = data.count(split=split)
    if total < 2:
        raise DatasetError(f"{data.path} has {total} tokens to {split} on; at least 2 are needed")
    if cache is not None:
        cache.mkdir(parents=True, exist_ok=True)
    layers = Layers(pixels.height * pixels.width, folder=cache)
    read: list[_Collection] = []
    for name in data.collections:
        known = load_masks(masks_folder, name) if masks_folder else None
        captions = written_captions(data.path, written, name) if written else {}
        tokens = data.tokens(collections=[name], split=split, images=False, metadata=False)
        found = _add_layers(layers, known, pixels) if known else None
        read.append(_read(tokens, found, captions))
    locations = [location for collection in read for location in collection.locations]
    frames_NHWC = frames_of(
        data, locations, pixels, cache=cache, workers=workers, progress=progress
    )
    material = _joined(data.collections, read, layers, frames_NHWC, pixels)
    # Now, so that processes forked later share them
    _ = material.vocabulary, material.values, material.kinds
    return material


_Looks = tuple[tuple[Name | None, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """The components of a collection; its pictures have the size (height, width)."""

    size: tuple[int, int]
    # Rows in the layers by trait type and value, each with its context: see `Tag.looks`
    looks: Mapping[tuple[str, str], _Looks]
    areas: Mapping[str, float]  # mean visible share, by words
    base_HWC: NDArray[np.uint8]


def _add_layers(layers: Layers, known: ComponentMasks, pixels: PixelConfig) -> _Found:
    size = (known.height, known.width)
    return _Found(
        size=size,
        looks={
            component.name: _looks(layers.add_component(component, size=size, pixels=pixels))
            for component in known.components
        },
        areas={trait_words(c.trait).phrase: c.visible for c in known.components},
        base_HWC=known.base_HWC,
    )


def _looks(rows: Mapping[Trait | None, int]) -> _Looks:
    return tuple(
        ((context.trait_type, trait_words(context).phrase) if context else None, row)
        for context, row in rows.items()
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Collection:
    """What is read of a collection, but for its pictures."""

    tags: list[tuple[Tag, ...]]
    locations: list[Location]
    written: list[str | None]
    found: _Found | None


def _read(
    tokens: Iterable[Token], found: _Found | None, captions: Mapping[str, WrittenCaption]
) -> _Collection:
    result = _Collection(tags=[], locations=[], written=[], found=found)
    named: dict[tuple[Trait, bool], Tag] = {}  # one object for each
    for token in tokens:
        assert token.location is not None, "the reader fills it in"
        result.locations.append(token.location)
        fits = found is not None and (token.height, token.width) == found.size
        result.tags.append(_tags(token, found.looks if found and fits else {}, named))
        caption = captions.get(token.token_uid)
        result.written.append(caption.caption if caption and caption.status == "ok" else None)
    return result


def _tags(
    token: Token,
    looks: Mapping[tuple[str, str], _Looks],
    named: dict[tuple[Trait, bool], Tag],
) -> tuple[Tag, ...]:
    tags = []
    for trait in in_caption_order(token):
        key = (trait, bool(looks))
        if key not in named:
            named[key] = _tag(trait, looks.get((trait.trait_type, trait.value), ()))
        tags.append(named[key])
    return worn_together([tag for tag in tags if tag.words])


def _tag(trait: Trait, looks: _Looks) -> Tag:
    words = trait_words(trait)
    return Tag(
        words.phrase,
        looks[0][1] if looks else NO_COMPONENT,
        trait.trait_type,
        words.kind,
        words.is_measure,
        looks=looks if len(looks) > 1 else (),
    )


def _joined(
    names: tuple[str, ...],
    read: Sequence[_Collection],
    layers: Layers,
    frames_NHWC: NDArray[np.uint8],
    pixels: PixelConfig,
) -> Material:
    """Return all collections together, now that their frames are known."""
    sizes = [len(collection.tags) for collection in read]
    parts = np.split(frames_NHWC, np.cumsum(sizes)[:-1])
    likely = [
        _likely(collection, frames, layers, pixels)
        for collection, frames in zip(read, parts, strict=True)
    ]
    trust = {
        row: share
        for collection, frames, (_, ground) in zip(read, parts, likely, strict=True)
        for row, share in component_trust(frames, _worn(collection), layers, ground).items()
    }
    return Material(
        collections=names,
        collection_N=np.repeat(np.arange(len(read)), sizes),
        frames_NHWC=frames_NHWC,
        tags=tuple(tags for collection in read for tags in collection.tags),
        layers=layers,
        means_GHWC=np.stack([mean_HWC for mean_HWC, _ in likely]),
        grounds=tuple(ground for _, ground in likely),
        areas={
            (number, words): area
            for number, collection in enumerate(read)
            for words, area in (collection.found.areas if collection.found else {}).items()
        },
        trust=trust,
        written=tuple(text for collection in read for text in collection.written),
    )


def _worn(collection: _Collection) -> list[list[int]]:
    return [component_rows(tags) for tags in collection.tags]


def _likely(
    collection: _Collection, frames_NHWC: NDArray[np.uint8], layers: Layers, pixels: PixelConfig
) -> tuple[NDArray[np.uint8], Ground]:
    """Return the mean picture of a collection, (H, W, C), and its ground."""
    tokens, found = len(collection.tags), collection.found
    mean_HWC = _mean(frames_NHWC[_evenly(tokens, _TOKENS_OF_A_MEAN)])
    if found is None or not found.looks or not tokens:
        unknown_P = np.zeros(layers.pixels, np.bool_)
        return mean_HWC, Ground(mean_HWC.reshape(-1, 3), unknown_P)
    some = _evenly(tokens, _TOKENS_OF_A_GROUND)
    stacks = [[layers[row] for row in component_rows(tags)] for tags in collection.tags[some]]
    bare = bare_ground(frames_NHWC[some], stacks, mean_HWC)
    return mean_HWC, based_ground(found.base_HWC, bare, pixels)


def _evenly(count: int, most: int) -> slice:
    """Return a slice that takes `most` of `count` at most, evenly."""
    return slice(None, None, max(1, -(-count // most)))


def _mean(frames_SHWC: NDArray[np.uint8]) -> NDArray[np.uint8]:
    total_HWC = np.zeros(frames_SHWC.shape[1:], np.uint32)
    for frame_HWC in frames_SHWC:
        total_HWC += frame_HWC
    return (total_HWC / max(1, len(frames_SHWC)) + 0.5).astype(np.uint8)
