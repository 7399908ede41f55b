"""Draw DiceBear styles as collections with exact masks, in the form of the collection zips.

    python -m benchmarks.separation.draw /tmp/dice
    python -m benchmarks.separation.draw /tmp/dice --styles clay moods --tokens 500 --size 256

    <out>/<style>.zip
      images/<id>.png
      metadata/<id>.json    name, image, attributes, mask, mask_labels
      masks/<id>.png        the index in `mask_labels` of what one sees; 0 is the base
      layers/<id>.png       of the first --layers tokens: each component drawn alone, as RGBA, one
                            below the other in the order of `mask_labels` without the base
      collection.json       whose art it is, and how it was drawn

How masks are found: `tracing`. A style with 300 tokens takes some 30 s of one core.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from traitlens.sources.dicebear_styles import style_credit

from .families import STYLES
from .tracing import Traced, Tracer
from .zips import ZipFolder

_MOST_DRAWN = 20  # tokens drawn for one that is kept: those that equal another are left out


def main() -> None:
    """Draw one zip a style."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, help="folder for the zips")
    parser.add_argument("--styles", nargs="+", default=STYLES, metavar="STYLE", choices=STYLES)
    parser.add_argument("--tokens", type=int, default=300, help="in each collection")
    parser.add_argument("--size", type=int, default=128, help="width and height in px")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--layers", type=int, default=40, help="tokens with their layers alone")
    options = parser.parse_args()
    for style in options.styles:
        path = options.out / f"{style}.zip"
        count = draw(
            path,
            style,
            tokens=options.tokens,
            size=options.size,
            seed=options.seed,
            layers=options.layers,
        )
        print(f"{path}: {count} tokens", flush=True)


def draw(path: Path, style: str, *, tokens: int, size: int, seed: int, layers: int) -> int:
    """Write a style's zip, whole or not at all, and return how many tokens it holds.

    They are fewer than asked for where the style has fewer that differ in their traits.
    """
    tracer = Tracer(style, seed=seed, size=size)
    with ZipFolder.writing(path) as folder:
        count = 0
        for token_id, traced in _different(tracer, tokens):
            _save(folder, style, token_id, traced)
            if count < layers:
                layers_KHWC = tracer.layers(token_id, traced.kinds)
                folder.image(f"layers/{token_id}.png", np.concatenate(layers_KHWC))
            count += 1
        folder.json("collection.json", _about(style, seed=seed, size=size, tokens=count))
    return count


def _different(tracer: Tracer, tokens: int) -> Iterator[tuple[int, Traced]]:
    """Yield so many tokens that differ in their traits, or as many as are found."""
    seen: set[frozenset[tuple[str, str]]] = set()
    for token_id in range(1, tokens * _MOST_DRAWN + 1):
        traced = tracer.trace(token_id)
        traits = frozenset(traced.drawing.traits)
        if traits not in seen:
            seen.add(traits)
            yield token_id, traced
        if len(seen) == tokens:
            return


def _save(folder: ZipFolder, style: str, token_id: int, traced: Traced) -> None:
    traits = traced.drawing.traits
    folder.image(f"images/{token_id}.png", traced.drawing.image_HWC)
    folder.image(f"masks/{token_id}.png", traced.labels_HW)
    folder.json(
        f"metadata/{token_id}.json",
        {
            "name": f"{style} #{token_id}",
            "image": f"images/{token_id}.png",
            "attributes": [{"trait_type": kind, "value": value} for kind, value in traits],
            "mask": f"masks/{token_id}.png",
            "mask_labels": list(traced.mask_labels),
        },
    )


def _about(style: str, **drawn: Any) -> dict[str, Any]:
    return {
        "collection": style,
        "family": f"dicebear-{style}",
        **asdict(style_credit(style)),
        **drawn,
    }


if __name__ == "__main__":
    main()
