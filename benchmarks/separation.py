"""How well components are separated: IoU of the visible masks with the true ones.

    python benchmarks/separation.py --pfp ../shared/pfp

`--pfp` is a folder of collection zips that also hold the truth: `masks/<id>.png` is an 8-bit map of
the topmost component at each pixel, whose values index `mask_labels` in `metadata/<id>.json` (0 is
the base). A label is a trait type, or "type: value" where a type repeats.

Two predictions are scored for each method. "mask" is the value's mask as it is, the same in every
token. "seen" is `ComponentMasks.visible`: a pixel belongs to a value when it lies in its mask and
shows the colour that the mask has there; of several such values to the one with the greatest
weight. The weight is the lead of the colour for `contrast`, and the share of the rounds that found
the pixel for `paper`; the paper itself stops at the mask. Masks are found and scored on the same
tokens, without a look at the truth.

IoU is the mean over the tokens of a trait value, then over the values of a collection, then over
collections, in [0, 1]. Labels that are wholly covered in a token are left out; a value without a
mask scores 0. The truth of cryptopunks covers accessories only; that of moonbirds was found by
colour match and is no more than a plausibility check.
"""

from __future__ import annotations

import argparse
import dataclasses
import io
import resource
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from traitlens.construction import rows
from traitlens.records import Token, Trait
from traitlens.separation import ComponentMasks, ContrastConfig, SeparationConfig, separate_tokens
from traitlens.separation.masks import read_picture
from traitlens.separation.pixels import Mask
from traitlens.separation.separate import sample
from traitlens.sources import open_sources
from traitlens.standardization import StandardizeConfig
from traitlens.standardization.guard import GuardedStandardizer

COLLECTIONS = ("nouns", "lilnouns", "cryptopunks", "mfers", "avastars", "moonbirds")
METHODS = ("paper", "contrast")

Truth = Mapping[Trait, Mask]


@dataclass(frozen=True, slots=True)
class Labelled:
    """A token and its true visible masks, without the wholly covered ones."""

    token: Token
    truth: Truth


def main() -> None:
    """Print one row a collection."""
    options = _options()
    columns = [f"{method} {what}" for method in METHODS for what in ("mask", "seen")]
    print(f"{'collection':14}{'tokens':>8}{'values':>8}", *(f"{c:>14}" for c in columns), "seconds")
    totals = []
    for name in options.collections:
        labelled = [_labelled(*pair) for pair in _read(options.pfp / f"{name}.zip", options.limit)]
        values = {(t.trait_type, t.value) for one in labelled for t in one.truth}
        scores, seconds = [], []
        for method in METHODS:
            config = dataclasses.replace(options.config, method=method)
            start = time.perf_counter()
            masks = _separate(name, [one.token for one in labelled], config)
            seconds.append(time.perf_counter() - start)
            scores += [mean_iou(masks, labelled, visible=visible) for visible in (False, True)]
        totals.append(scores)
        cells = " ".join(f"{score:14.3f}" for score in scores)
        times = " + ".join(f"{s:.1f}" for s in seconds)
        print(f"{name:14}{len(labelled):8}{len(values):8} {cells} {times}", flush=True)
    print(f"{'mean':30}", *(f"{score:14.3f}" for score in np.mean(totals, axis=0)))
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GB")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pfp", type=Path, default=Path("../shared/pfp"), help="folder of zips")
    parser.add_argument("--collections", nargs="+", default=COLLECTIONS, metavar="NAME")
    parser.add_argument("--limit", type=int, help="tokens a collection, the first ones")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--min-tokens", type=int, default=SeparationConfig().min_tokens)
    parser.add_argument("--colour-bits", type=int, help="a channel; default: as the art suggests")
    parser.add_argument("--share", type=float, default=ContrastConfig().share)
    parser.add_argument("--margin", type=float, default=ContrastConfig().margin)
    parser.add_argument("--no-rivals", action="store_true")
    options = parser.parse_args()
    options.config = SeparationConfig(
        seed=options.seed,
        min_tokens=options.min_tokens,
        colour_bits=options.colour_bits,
        contrast=ContrastConfig(
            share=options.share, margin=options.margin, rivals=not options.no_rivals
        ),
    )
    return options


def _read(path: Path, limit: int | None) -> list[tuple[Token, NDArray[np.uint8], list[str]]]:
    """Return the tokens of a zip with their label maps (H, W) and the labels' names."""
    (collection,) = open_sources([path])
    raw_tokens = [collection.read(found) for found in collection.found[:limit]]
    with GuardedStandardizer(StandardizeConfig()) as guard:
        tokens = list(rows(raw_tokens, collection.info, pictures=guard.pictures))
    result = []
    for raw, token in zip(raw_tokens, tokens, strict=True):
        with Image.open(io.BytesIO(collection.files.read(raw.metadata["mask"]))) as image:
            result.append((token, np.asarray(image, np.uint8), raw.metadata["mask_labels"]))
    return result


def _labelled(token: Token, labels_HW: NDArray[np.uint8], names: list[str]) -> Labelled:
    masks = {_trait(token, name): labels_HW == i for i, name in enumerate(names) if i}
    return Labelled(token, {trait: mask for trait, mask in masks.items() if mask.any()})


def _trait(token: Token, label: str) -> Trait:
    """Return the token's trait that a label means: a trait type, or "type: value"."""
    return next(t for t in token.traits if label in (t.trait_type, f"{t.trait_type}: {t.value}"))


def _separate(name: str, tokens: list[Token], config: SeparationConfig) -> ComponentMasks:
    used = sample(tokens, config, area=tokens[0].width * tokens[0].height)
    return separate_tokens(name, used, (read_picture(token) for token in used), config=config)


def mean_iou(masks: ComponentMasks, labelled: Iterable[Labelled], *, visible: bool = True) -> float:
    """Return the IoU of the predicted with the true masks, averaged over tokens, then values."""
    by_value: dict[tuple[str, str], list[float]] = defaultdict(list)
    for one in labelled:
        found = masks.visible(one.token) if visible else masks.for_token(one.token)
        for trait, true_HW in one.truth.items():
            score = iou(found[trait], true_HW) if trait in found else 0.0
            by_value[trait.trait_type, trait.value].append(score)
    return float(np.mean([np.mean(scores) for scores in by_value.values()]))


def iou(found: Mask, true: Mask) -> float:
    """Return intersection over union of two masks, of which `true` is not empty."""
    return float((found & true).sum() / (found | true).sum())


if __name__ == "__main__":
    main()
