"""The components of the collections of a data set: which pixels belong to which trait value.

Axes: N tokens that are looked at, H height, W width, P = H x W pixels.
"""

from __future__ import annotations

import dataclasses
import itertools
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from traitlens.config import check_choice, check_range, fingerprint, to_dict
from traitlens.errors import DatasetError
from traitlens.progress import Progress, silent
from traitlens.records import Split, Token, Trait
from traitlens.separation import contrast, paper
from traitlens.separation.contrast import ContrastConfig
from traitlens.separation.finding import Found, find_layers
from traitlens.separation.layers import LayersConfig
from traitlens.separation.masks import (
    FOLDER,
    FORMAT_VERSION,
    Component,
    ComponentMasks,
    Missing,
    Variant,
    load_masks,
    read_picture,
    save_masks,
)
from traitlens.separation.paper import PaperConfig
from traitlens.separation.pixels import Pixels, Region, colour_bits_for, pack
from traitlens.separation.reading import Reading
from traitlens.separation.values import Values
from traitlens.store import Dataset

# Why a value has no mask although enough tokens have it, and how many are enough
NOTHING_FOUND = {
    "layers": "nothing of its own",
    "contrast": "nothing of its own",
    "paper": "nothing shared",
}
LEAST_TOKENS = {"layers": 1, "contrast": 1, "paper": 2}

ANOTHER_SIZE = "another size"
NOT_SAMPLED = "not sampled"
TOO_FEW_TOKENS = "too few tokens"

_PICTURES_PER_READ = 256
_PICTURES_TO_JUDGE_BY = 16
_TOKENS_TO_MEASURE = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class SeparationConfig:
    """How components are found, and in how many tokens of a collection at most."""

    method: str = "layers"
    layers: LayersConfig = field(default_factory=LayersConfig)
    contrast: ContrastConfig = field(default_factory=ContrastConfig)
    paper: PaperConfig = field(default_factory=PaperConfig)
    # A channel, in [1, 8], for contrast and the paper's recipe; layers looks at all 8. None: 8 for
    # pixel art and for the paper, whose equal is equal, else 4.
    colour_bits: int | None = None
    min_tokens: int = 1  # a value that fewer tokens have gets no mask
    max_tokens: int = 10_000
    max_pixels: int = 2**27  # in all pictures together, 4 bytes each: 512 MB
    max_working_pixels: int = 2**23  # the same at the working size of layers
    seed: int = 0

    def __post_init__(self) -> None:
        check_choice("separation.method", self.method, NOTHING_FOUND)
        if self.colour_bits is not None:
            check_range("separation.colour_bits", self.colour_bits, low=1, high=8)
        check_range("separation.min_tokens", self.min_tokens, low=1)
        check_range("separation.max_tokens", self.max_tokens, low=1)
        check_range("separation.max_pixels", self.max_pixels, low=1)
        check_range("separation.max_working_pixels", self.max_working_pixels, low=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeparationReport:
    """What was found in one collection.

    `read` = `used` + the sum of `skipped`, and `values` = `with_mask` + the sum of `without_mask`.
    """

    collection: str
    read: int
    used: int
    skipped: Mapping[str, int]
    values: int
    with_mask: int
    without_mask: Mapping[str, int]
    reused: bool  # found by an earlier run

    @classmethod
    def of(cls, masks: ComponentMasks, *, reused: bool) -> SeparationReport:
        return cls(
            collection=masks.collection,
            read=masks.read,
            used=masks.read - sum(masks.skipped.values()),
            skipped=masks.skipped,
            values=len(masks.components) + len(masks.missing),
            with_mask=len(masks.components),
            without_mask=dict(sorted(Counter(m.reason for m in masks.missing).items())),
            reused=reused,
        )


def components(
    data: Dataset | str | Path,
    *,
    out: str | Path | None = None,
    config: SeparationConfig | None = None,
    split: Split | None = None,
    collections: Iterable[str] | None = None,
    replace: bool = False,
    progress: Progress = silent,
) -> list[SeparationReport]:
    """Find the components of each collection, write them to `out`, and return what was found.

    `out` is the folder `components` of the data set unless another is named; `split` restricts the
    tokens that are looked at. A collection that an earlier run has finished on the same data in the
    same way is left alone, unless `replace` is true.
    """
    data = data if isinstance(data, Dataset) else Dataset.open(data)
    config = config or SeparationConfig()
    folder = data.path / FOLDER if out is None else Path(out)
    names = data.collections if collections is None else tuple(collections)
    mark = fingerprint(FORMAT_VERSION, to_dict(config), data.manifest.fingerprint, split)
    reports = []
    for number, name in enumerate(names):
        progress("components", number, len(names), name)
        masks = None if replace else _finished(folder, name, mark)
        reused = masks is not None
        if masks is None:
            masks = _separate(data, name, split, config, mark)
            save_masks(folder, masks)
        reports.append(SeparationReport.of(masks, reused=reused))
    progress("components", len(names), len(names))
    return reports


def _finished(folder: Path, collection: str, mark: str) -> ComponentMasks | None:
    try:
        masks = load_masks(folder, collection)
    except DatasetError:
        return None
    return masks if masks.fingerprint == mark else None


def _separate(
    data: Dataset, collection: str, split: Split | None, config: SeparationConfig, mark: str
) -> ComponentMasks:
    tokens = list(data.tokens(collections=[collection], split=split, images=False))
    sizes = Counter((token.height, token.width) for token in tokens)
    size = max(sizes, key=lambda s: (sizes[s], s), default=(0, 0))
    fitting = [token for token in tokens if (token.height, token.width) == size]
    used = sample(fitting, config, area=size[0] * size[1])
    skipped = {ANOTHER_SIZE: len(tokens) - len(fitting), NOT_SAMPLED: len(fitting) - len(used)}
    return separate_tokens(
        collection,
        used,
        _pictures(data, used),
        config=config,
        all_traits=[token.traits for token in tokens],
        skipped={reason: count for reason, count in skipped.items() if count},
        mark=mark,
    )


def sample(tokens: Sequence[Token], config: SeparationConfig, *, area: int) -> list[Token]:
    """Return as many tokens as the config's caps allow, in the given order.

    The first to be taken are those that are needed to see every value once, then twice, and so on;
    chance decides between equals.
    """
    room = min(config.max_tokens, config.max_pixels // max(1, area))
    if config.method == "layers":
        working = min(area, config.layers.working_px**2)
        room = min(room, config.max_working_pixels // max(1, working))
    if len(tokens) <= room:
        return list(tokens)
    order = list(range(len(tokens)))
    random.Random(config.seed).shuffle(order)
    seen: Counter[tuple[str, str]] = Counter()
    turn = {}
    for at in order:
        names = {(trait.trait_type, trait.value) for trait in tokens[at].traits}
        turn[at] = min((seen[name] for name in names), default=len(tokens))
        seen.update(names)
    return [tokens[at] for at in sorted(sorted(order, key=turn.__getitem__)[:room])]


def _pictures(data: Dataset, tokens: Sequence[Token]) -> Iterator[Image.Image]:
    for start in range(0, len(tokens), _PICTURES_PER_READ):
        batch = tokens[start : start + _PICTURES_PER_READ]
        locations = [token.location for token in batch if token.location is not None]
        for token, png in zip(batch, data.images(locations), strict=True):
            yield read_picture(dataclasses.replace(token, image=png))


def separate_tokens(
    collection: str,
    tokens: Sequence[Token],
    pictures: Iterable[Image.Image],
    *,
    config: SeparationConfig,
    all_traits: Sequence[Sequence[Trait]] | None = None,
    skipped: Mapping[str, int] | None = None,
    mark: str = "",
) -> ComponentMasks:
    """Return the components of tokens whose pictures, in the same order, are all of one size.

    `all_traits` are those of every token that was read, `skipped` ones included; they say which
    values there are.
    """
    skipped = skipped or {}
    members = _members([token.traits for token in tokens])
    values = _members(all_traits) if all_traits is not None else members
    pixels_NP, bits, size = _stack(pictures, len(tokens), _colour_bits(config))
    least = max(config.min_tokens, LEAST_TOKENS[config.method])
    wanted = {n: members[n] for n in values if len(members.get(n, ())) >= least}
    result = _find(pixels_NP, Values.of(wanted, tokens=len(tokens)), size, config, colour_bits=bits)
    place = {name: at for at, name in enumerate(wanted)}
    found, missing = [], []
    for name in values:
        support, at = len(members.get(name, ())), place.get(name)
        if at is not None and len(result.regions[at]):
            found.append(_component(support, result, at, names=tuple(wanted)))
        else:
            reason = TOO_FEW_TOKENS if at is None else NOTHING_FOUND[config.method]
            missing.append(Missing(Trait(*name), support, reason))
    return ComponentMasks(
        collection=collection,
        height=size[0],
        width=size[1],
        colour_bits=bits,
        components=tuple(found),
        missing=tuple(missing),
        base_HWC=result.base_HWC,
        reading=result.reading,
        read=len(tokens) + sum(skipped.values()),
        skipped=skipped,
        config=to_dict(config),
        fingerprint=mark,
    )


def _component(
    support: int, result: Found, at: int, *, names: Sequence[tuple[str, str]]
) -> Component:
    variants = result.variants[at].items()
    return Component(
        trait=Trait(*names[at]),
        support=support,
        visible=float(result.visible_K[at]),
        confidence=float(result.confidence_K[at]),
        layer=int(result.layer_K[at]),
        region=result.regions[at],
        variants=tuple(Variant(Trait(*names[context]), region) for context, region in variants),
    )


def _members(traits: Sequence[Sequence[Trait]]) -> dict[tuple[str, str], NDArray[np.intp]]:
    """Return the rows of the tokens that have each trait type and value, sorted by name."""
    rows: dict[tuple[str, str], list[int]] = defaultdict(list)
    for row, of_token in enumerate(traits):
        for name in {(trait.trait_type, trait.value) for trait in of_token}:
            rows[name].append(row)
    return {name: np.array(rows[name], np.intp) for name in sorted(rows)}


def _colour_bits(config: SeparationConfig) -> int | None:
    if config.method == "layers" or (config.method == "paper" and config.colour_bits is None):
        return 8
    return config.colour_bits


def _stack(
    pictures: Iterable[Image.Image], count: int, bits: int | None
) -> tuple[Pixels, int, tuple[int, int]]:
    """Return the pictures as packed pixels (N, P), their bits a channel, height and width."""
    remaining = iter(pictures)
    first = list(itertools.islice(remaining, _PICTURES_TO_JUDGE_BY))
    bits = bits or colour_bits_for(first)
    width, height = first[0].size if first else (0, 0)
    pixels_NP = np.zeros((count, height * width), np.uint32)
    for row_P, picture in zip(pixels_NP, itertools.chain(first, remaining), strict=True):
        assert picture.size == (width, height), "pictures of one size"
        row_P[:] = pack(picture, colour_bits=bits).ravel()
    return pixels_NP, bits, (height, width)


def _find(
    pixels_NP: Pixels,
    values: Values,
    size: tuple[int, int],
    config: SeparationConfig,
    *,
    colour_bits: int,
) -> Found:
    if config.method == "layers" and pixels_NP.size and len(values):
        return find_layers(pixels_NP, values, size, config.layers, seed=config.seed)
    regions = []
    if config.method == "paper":
        rng = np.random.default_rng(config.seed)
        regions = paper.share(pixels_NP, values.rows, config.paper, rng=rng)
    elif config.method == "contrast":
        regions = contrast.contrast(
            pixels_NP, values.rows, config.contrast, colour_bits=colour_bits
        )
    shares = [_visible_share(pixels_NP, *pair) for pair in zip(values.rows, regions, strict=True)]
    sure = [float(region.weights_M.mean()) / 255 if len(region) else 0.0 for region in regions]
    return Found(
        regions=regions,
        variants=[{} for _ in regions],
        visible_K=np.array(shares),
        confidence_K=np.array(sure),
        layer_K=np.zeros(len(regions), np.intp),
        base_HWC=np.zeros((*size, 4), np.uint8),
        reading=Reading(),
    )


def _visible_share(pixels_NP: Pixels, rows: NDArray[np.intp], region: Region) -> float:
    """Return the mean share of the area in which tokens show the region's colours."""
    shown = [region.shown(pixels_NP[row]).sum() for row in rows[:_TOKENS_TO_MEASURE]]
    return float(np.mean(shown) / max(1, pixels_NP.shape[1]))
