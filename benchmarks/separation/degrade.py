"""Degraded copies of collections with true masks: what marketplaces do to pictures.

    python -m benchmarks.separation.degrade /tmp/degraded --pfp ../shared/pfp --styles /tmp/dice

    <out>/jpeg90/<collection>.zip       JPEG of quality 90, colours at half the size (4:2:0)
    <out>/lanczos512/<collection>.zip   Lanczos to 512 x 512 px

JPEG keeps a picture's size, but pixel art is first enlarged to 512 x 512 px, each pixel a block:
nobody serves 24 px as JPEG. What is transparent becomes white. Label maps grow by nearest pixel.
"""

from __future__ import annotations

import argparse
import io
from pathlib import Path

import numpy as np
from PIL import Image

from traitlens.sources import open_sources

from .families import COLLECTIONS, PIXEL_ART
from .zips import ZipFolder, zip_of

KINDS = ("jpeg90", "lanczos512")

_SIZE = (512, 512)


def degraded(media: bytes, kind: str, *, pixel_art: bool) -> bytes:
    """Return a picture file as `kind` has it: JPEG or PNG."""
    with Image.open(io.BytesIO(media)) as image:
        picture = _on_white(image)
    sink = io.BytesIO()
    if kind == "jpeg90":
        if pixel_art:
            picture = picture.resize(_SIZE, Image.Resampling.NEAREST)
        picture.save(sink, "jpeg", quality=90)
    else:
        assert kind == "lanczos512", kind
        picture.resize(_SIZE, Image.Resampling.LANCZOS).save(sink, "png", compress_level=1)
    return sink.getvalue()


def _on_white(image: Image.Image) -> Image.Image:
    if not image.has_transparency_data:
        return image.convert("RGB")
    picture = image.convert("RGBA")
    white = Image.new("RGBA", picture.size, "white")
    return Image.alpha_composite(white, picture).convert("RGB")


def enlarged(labels: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Return a label map at the width and height of its picture."""
    return labels if labels.size == size else labels.resize(size, Image.Resampling.NEAREST)


def main() -> None:
    """Write one zip a collection and kind."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--pfp", type=Path, default=Path("../shared/pfp"), help="folder of zips")
    parser.add_argument("--styles", type=Path, default=Path("/tmp/dice"), help="as `draw` left it")
    parser.add_argument("--collections", nargs="+", default=COLLECTIONS, metavar="NAME")
    parser.add_argument("--kinds", nargs="+", default=KINDS, choices=KINDS)
    parser.add_argument(
        "--limit", type=int, default=300, help="tokens a collection, the first ones"
    )
    options = parser.parse_args()
    for name in options.collections:
        source = zip_of(name, pfp=options.pfp, styles=options.styles)
        for kind in options.kinds:
            path = options.out / kind / f"{name}.zip"
            print(f"{path}: {copy(source, path, kind, limit=options.limit)} tokens", flush=True)


def copy(source: Path, path: Path, kind: str, *, limit: int) -> int:
    """Write a degraded copy of a zip, whole or not at all; return how many tokens it holds."""
    (collection,) = open_sources([source])
    suffix = ".jpg" if kind == "jpeg90" else ".png"
    found = collection.found[:limit]
    with ZipFolder.writing(path) as folder:
        for raw in map(collection.read, found):
            assert raw.media is not None, raw.problem
            media = degraded(raw.media, kind, pixel_art=collection.info.name in PIXEL_ART)
            with Image.open(io.BytesIO(media)) as picture:
                size = picture.size
            with Image.open(io.BytesIO(collection.files.read(raw.metadata["mask"]))) as labels:
                label_map = np.asarray(enlarged(labels, size), np.uint8)
            image_name = f"images/{raw.token_id}{suffix}"
            folder.bytes(image_name, media)
            folder.image(raw.metadata["mask"], label_map)
            folder.json(f"metadata/{raw.token_id}.json", {**raw.metadata, "image": image_name})
        folder.bytes("collection.json", collection.files.read("collection.json"))
    return len(found)


if __name__ == "__main__":
    main()
