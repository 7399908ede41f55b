"""Tokens a second from zips to an index, and what a query costs, beside a plain NumPy scan.

    python benchmarks/end_to_end.py --pfp ../shared/pfp

Both sides of the comparison run in one process, query by query in turn, on the same vectors; the
ratio is what to quote.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image
from rich.console import Console
from rich.table import Table

from traitlens.construction import build
from traitlens.models import Encoder, Vectors, load_encoder
from traitlens.retrieval import Index, IndexManifest, Timings, index
from traitlens.standardization import decode
from traitlens.store import Dataset

COLLECTIONS = ("cryptopunks", "moonbirds", "nouns", "mfers", "cryptoadz")
K = 10


def main() -> None:
    """Build, index, ask; print."""
    options = _parse()
    encoder = load_encoder(options.model)
    sources = [options.pfp / f"{name}.zip" for name in options.collections]
    with TemporaryDirectory() as scratch:
        start = time.perf_counter()
        data = build(sources, Path(scratch, "data"))
        built = time.perf_counter()
        made = index(data, Path(scratch, "idx"), encoder=encoder)
        indexed = time.perf_counter()
        _print_stages(made, build_s=built - start, index_s=indexed - built)
        vectors = _embed(encoder, data)
        captions = _captions(data, options.queries)
        with Index.open(Path(scratch, "idx"), encoder=encoder) as opened:
            timings, scans_ms = _ask(opened, encoder, vectors, captions)
        _print_queries(timings, scans_ms, count=len(vectors))


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pfp", type=Path, default=Path("../shared/pfp"), help="zips")
    parser.add_argument("--collections", nargs="+", default=COLLECTIONS)
    parser.add_argument("--model", default="shipped")
    parser.add_argument("--queries", type=int, default=300)
    return parser.parse_args()


def _embed(encoder: Encoder, data: Dataset) -> Vectors:
    parts, batch = [], []
    for token in data.tokens():
        picture = decode(token.image or b"")
        assert isinstance(picture, Image.Image)
        batch.append(picture)
        if len(batch) == 64:
            parts.append(encoder.encode_images(batch))
            batch = []
    return np.concatenate([*parts, encoder.encode_images(batch)])


def _captions(data: Dataset, count: int) -> list[str]:
    """Return captions spread evenly over the data set."""
    step = max(1, data.count() // count)
    captions = [token.caption for token in data.tokens(images=False)]
    return captions[::step][:count]


def _ask(
    opened: Index, encoder: Encoder, vectors: Vectors, captions: Sequence[str]
) -> tuple[list[Timings], list[float]]:
    """Return the timings of each search and the milliseconds of a scan for the same query."""
    opened.search(captions[0])  # warm
    timings, scans_ms = [], []
    for words in captions:
        timings.append(opened.search(words, k=K).timings)
        query = encoder.encode_texts([words])[0]
        start = time.perf_counter()
        scores = vectors @ query
        best = np.argpartition(-scores, K)[:K]
        best[np.argsort(-scores[best])]
        scans_ms.append(1e3 * (time.perf_counter() - start))
    return timings, scans_ms


def _print_stages(made: IndexManifest, *, build_s: float, index_s: float) -> None:
    table = Table("stage", title=f"{made.indexed:,} tokens, encoder {made.encoder.path}")
    table.add_column("seconds", justify="right")
    table.add_column("tokens/s", justify="right")
    rows = {"build": build_s, "index, in all": index_s}
    rows |= {f"  {stage}": seconds for stage, seconds in asdict(made.seconds).items()}
    for stage, seconds in rows.items():
        table.add_row(stage, f"{seconds:.2f}", f"{made.indexed / max(seconds, 1e-9):,.0f}")
    Console().print(table)


def _print_queries(timings: Sequence[Timings], scans_ms: Sequence[float], *, count: int) -> None:
    table = Table(
        "part of a query", title=f"{len(timings)} text queries, k = {K}, {count:,} tokens"
    )
    table.add_column("median ms", justify="right")
    table.add_column("p95 ms", justify="right")
    parts = {name: [getattr(t, f"{name}_ms") for t in timings] for name in _PARTS}
    parts["in all"] = [sum(values) for values in zip(*parts.values(), strict=True)]
    parts["NumPy scan of the same vectors"] = list(scans_ms)
    for name, values in parts.items():
        table.add_row(name, f"{np.median(values):.2f}", f"{np.quantile(values, 0.95):.2f}")
    Console().print(table)
    ratio = np.median(np.array(parts["search"]) / np.array(scans_ms))
    Console().print(f"engine search / NumPy scan, query by query: median ratio {ratio:.2f}")


_PARTS = ("encode", "search", "fetch")


if __name__ == "__main__":
    main()
