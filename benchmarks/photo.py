"""A token's picture from the street: does it find the token among all collections?

    python benchmarks/photo.py shipped data/ --each 50

Each query is a token's picture at three quarters of its size (at least 96 px wide) through JPEG of
quality 60, and beside it the same with a tenth cut off at each edge. The gallery is every token of
the data set, and the right answer any token of equal pixels. For reporting only.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image
from rich.console import Console
from rich.table import Table

from traitlens.evaluation.encoding import encode_pictures
from traitlens.metrics import Counts, count_matches, hits
from traitlens.models import load_encoder
from traitlens.progress import silent
from traitlens.records import Token
from traitlens.standardization import decode
from traitlens.store import Dataset

KS = (1, 10)


def main() -> None:
    """Encode the gallery once, ask, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model")
    parser.add_argument("data", type=Path)
    parser.add_argument("--each", type=int, default=50, help="queries a collection")
    options = parser.parse_args()
    encoder, data = load_encoder(options.model), Dataset.open(options.data)
    gallery = list(data.tokens(images=False))
    (vectors,) = encode_pictures([encoder], data, gallery, progress=silent)
    keys = {pixels: n for n, pixels in enumerate({t.pixels_sha256 for t in gallery})}
    gallery_keys = np.array([keys[token.pixels_sha256] for token in gallery])
    table = Table("collection", title=f"photos of tokens among {len(gallery):,}, in %")
    for head in ("queries", *(f"{kind} top-{k}" for kind in DISTORTIONS for k in KS)):
        table.add_column(head, justify="right")
    found: list[list[float]] = []
    for name in data.collections:
        tokens = list(islice(data.tokens(collections=[name]), options.each))
        query_keys = np.array([keys[token.pixels_sha256] for token in tokens])
        shares: list[float] = []
        for distort in DISTORTIONS.values():
            queries = encoder.encode_images([distort(_picture(token)) for token in tokens])
            counts = count_matches(
                queries, vectors, query_keys=query_keys, gallery_keys=gallery_keys
            )
            shares += _shares(counts)
        found.append(shares)
        table.add_row(name, str(len(tokens)), *(f"{share:.1f}" for share in shares))
    table.add_row("mean", "", *(f"{share:.1f}" for share in np.mean(found, axis=0)))
    Console().print(table)


def _shares(counts: Counts) -> list[float]:
    return [float(100 * hits(counts, k).mean()) for k in KS]


def _picture(token: Token) -> Image.Image:
    picture = decode(token.image or b"")
    assert isinstance(picture, Image.Image)
    return picture


def smaller_jpeg(picture: Image.Image) -> Image.Image:
    """Return the picture on white, at three quarters of its size, through JPEG."""
    width = max(96, picture.width * 3 // 4)
    sheet = Image.new("RGBA", picture.size, "white")
    opaque = Image.alpha_composite(sheet, picture.convert("RGBA")).convert("RGB")
    sink = io.BytesIO()
    opaque.resize((width, max(1, width * picture.height // picture.width))).save(
        sink, "JPEG", quality=60
    )
    return Image.open(sink).convert("RGB")


def cropped_jpeg(picture: Image.Image) -> Image.Image:
    """Return the same with a tenth cut off at each edge."""
    photo = smaller_jpeg(picture)
    x, y = photo.width // 10, photo.height // 10
    return photo.crop((x, y, photo.width - x, photo.height - y))


DISTORTIONS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "JPEG": smaller_jpeg,
    "cropped": cropped_jpeg,
}


if __name__ == "__main__":
    main()
