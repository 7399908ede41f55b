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
from pathlib import Path

import numpy as np
from PIL import Image
from rich.console import Console
from rich.table import Table

from traitlens.embedding import Gallery, embed_all
from traitlens.metrics import Counts, count_matches, hits
from traitlens.models import load_encoder
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
    gallery = Gallery.of(data, split=None)
    (embedded,) = embed_all([encoder], gallery)
    table = Table("collection", title=f"photos of tokens among {len(gallery):,}, in %")
    for head in ("queries", *(f"{kind} top-{k}" for kind in DISTORTIONS for k in KS)):
        table.add_column(head, justify="right")
    found: list[list[float]] = []
    for name in gallery.collections:
        mine = gallery.rows(name)
        asked = range(mine.start, min(mine.start + options.each, mine.stop))
        pictures = gallery.pictures(asked)
        shares: list[float] = []
        for distort in DISTORTIONS.values():
            counts = count_matches(
                encoder.encode_images([distort(picture) for picture in pictures]),
                embedded.images_ND,
                query_keys=gallery.picture_of[asked],
                gallery_keys=gallery.picture_of,
            )
            shares += _shares(counts)
        found.append(shares)
        table.add_row(name, str(len(asked)), *(f"{share:.1f}" for share in shares))
    table.add_row("mean", "", *(f"{share:.1f}" for share in np.mean(found, axis=0)))
    Console().print(table)


def _shares(counts: Counts) -> list[float]:
    return [float(100 * hits(counts, k).mean()) for k in KS]


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
