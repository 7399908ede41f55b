"""How well families of collections that share art are found from their pictures alone.

    python benchmarks/families.py --pfp ../shared/pfp

`--pfp` is a folder of collection zips whose `collection.json` names the true `family`; nothing of
it is shown to the search. A pair of collections counts as found when both end in one family:
precision is the share of found pairs that are true ones, recall the share of true pairs found.

The second table is about one collection at a time: its pictures are parted into two halves, the
second is changed as another collection's pictures might be, and the two halves must be linked.
"limit" is how many shared shapes make a link.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import time
import zipfile
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from PIL import Image, ImageOps

from traitlens.split import FamilySketch, find_families, sketch
from traitlens.split.families import MIN_SHARED_SHAPES
from traitlens.standardization.png import png_bytes

Change = Callable[[Image.Image], Image.Image]


@dataclass(frozen=True, slots=True)
class Collection:
    """Some pictures of a collection, as PNG, and the family that it is of."""

    name: str
    family: str
    pictures: Sequence[bytes]


def main() -> None:
    """Print both tables."""
    options = _options()
    collections = [_read(path, options.pictures) for path in sorted(options.pfp.glob("*.zip"))]
    start = time.perf_counter()
    sketches = {c.name: sketch(c.pictures) for c in collections}
    seconds = time.perf_counter() - start
    _print_families(collections, sketches)
    pictures = sum(len(c.pictures) for c in collections)
    shapes = sorted(len(s.shapes_S) for s in sketches.values())
    print(
        f"\n{1000 * seconds / pictures:.1f} ms a picture; shapes a collection: "
        f"{shapes[len(shapes) // 2]} (median), {shapes[-1]} (most), 4 bytes each"
    )
    _print_halves(collections)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pfp", type=Path, default=Path("../shared/pfp"), help="folder of zips")
    parser.add_argument("--pictures", type=int, default=128, help="of each collection")
    return parser.parse_args()


def _read(path: Path, count: int) -> Collection:
    with zipfile.ZipFile(path) as archive:
        family = json.loads(archive.read("collection.json"))["family"]
        names = [name for name in archive.namelist() if name.startswith("images/")]
        names.sort(key=lambda name: hashlib.sha256(f"{path.stem}/{name}".encode()).digest())
        return Collection(path.stem, family, [archive.read(name) for name in names[:count]])


def _print_families(
    collections: Sequence[Collection], sketches: Mapping[str, FamilySketch]
) -> None:
    truth = {c.name: c.family for c in collections}
    found = find_families(sketches)
    named = defaultdict(list)
    for name, family in truth.items():
        named[family].append(name)
    print(f"{'true family':16}{'collections':>12}  found as")
    for family, names in sorted(named.items()):
        if len(names) > 1:
            parts = Counter(found.of[name] for name in names).most_common()
            print(f"{family:16}{len(names):12}  {', '.join(f'{k} ({n})' for k, n in parts)}")
    print("\nlinks between families (shared shapes, whether they were joined):")
    for link in found.links:
        if truth[link.first] != truth[link.second]:
            joined = "joined" if link.one_family else "not joined"
            print(f"  {link.first} - {link.second}: {link.shared_shapes}, {joined}")
    pairs = [(found.of[a] == found.of[b], truth[a] == truth[b]) for a, b in combinations(truth, 2)]
    both, either = sum(f and t for f, t in pairs), [sum(side) for side in zip(*pairs, strict=True)]
    print(f"\nprecision {both / max(either[0], 1):.3f}   recall {both / either[1]:.3f}")


def _changes() -> dict[str, Change]:
    def recoloured(image: Image.Image) -> Image.Image:
        red, green, blue = image.split()
        return Image.merge("RGB", (green, blue, red))

    def twice(image: Image.Image) -> Image.Image:
        return image.resize((2 * image.width, 2 * image.height), Image.Resampling.NEAREST)

    def paper(image: Image.Image) -> Image.Image:
        method = Image.Resampling.NEAREST if image.width <= 64 else Image.Resampling.LANCZOS
        return image.resize((512, round(512 * image.height / image.width)), method)

    return {
        "as it is": lambda image: image,
        "recoloured": recoloured,
        "mirrored": ImageOps.mirror,
        "twice": twice,
        "512 px": paper,
        "framed": lambda image: ImageOps.expand(image, border=5, fill=(9, 99, 199)),
    }


def _print_halves(collections: Sequence[Collection]) -> None:
    changes = _changes()
    print("\nshapes shared by two halves of one collection, the second half changed:")
    print(f"{'collection':26}", *(f"{name:>11}" for name in changes))
    missed = Counter[str]()
    for collection in collections:
        middle = len(collection.pictures) // 2
        first = sketch(collection.pictures[:middle])
        counts = {
            name: _shared(first, sketch(map(_changed(change), collection.pictures[middle:])))
            for name, change in changes.items()
        }
        missed.update(name for name, count in counts.items() if count < MIN_SHARED_SHAPES)
        print(f"{collection.name:26}", *(f"{count:11}" for count in counts.values()), flush=True)
    print(f"{f'below the limit of {MIN_SHARED_SHAPES}':26}", *(f"{missed[n]:11}" for n in changes))


def _changed(change: Change) -> Callable[[bytes], bytes]:
    def apply(picture: bytes) -> bytes:
        with Image.open(io.BytesIO(picture)) as image:
            return png_bytes(change(image.convert("RGB")))

    return apply


def _shared(first: FamilySketch, second: FamilySketch) -> int:
    return len(set(first.shapes_S.tolist()) & set(second.shapes_S.tolist()))


if __name__ == "__main__":
    main()
