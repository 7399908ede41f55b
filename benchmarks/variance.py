"""CVI without an N x N matrix: how long it takes, what it holds, and how near it comes.

    OMP_NUM_THREADS=1 python benchmarks/variance.py

Vectors are random unit rows about a common mean, of 512 dimensions, and the captions' are the
pictures' in reverse order, so that one array will do for both. Seconds are those of a modality,
half of the whole; the second figure is the processor's, which a busy machine does not change.
Memory is the most that was allocated at a time, without the vectors themselves. float16 is mapped
from a file of a temporary folder, float32 lies in memory.

Where BLAS has more threads than there are idle cores they wait for one another: try
OMP_NUM_THREADS=1 before anything else.

The error is the greatest relative one of the three terms, in float64, against the rows of the
N x N matrices; that for one token is the greatest of `token_hardness`. "apart" is how far tokens
lie from their mean, which sets how many digits the definition itself can keep.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from traitlens import metrics

Array = NDArray[np.floating[Any]]

CHUNK = 10_000  # rows drawn at a time


def main() -> None:
    """Print a table of times and one of errors."""
    options = _options()
    print(f"OMP_NUM_THREADS={os.environ.get('OMP_NUM_THREADS', 'not set')}")
    columns = ("terms s", "cpu s", "hardness s", "cpu s", "MB")
    print(f"{'tokens':>10} {'vectors':16}", *(f"{column:>10}" for column in columns))
    for tokens in options.tokens:
        for kind in ("float16 mapped", "float32"):
            with tempfile.TemporaryDirectory(dir=options.work) as folder:
                vectors = _vectors(tokens, options.dimension, kind=kind, folder=Path(folder))
                _print_times(vectors, kind=kind)
    print(f"\n{'tokens':>10}{'apart':>10}{'terms':>12}{'one token':>12}")
    for tokens in options.against_definition:
        for apart in (0.1, 0.5, 1.0):
            rows = _drawn(tokens, options.dimension, apart=apart, rng=np.random.default_rng(0))
            terms, token = _errors(rows, rows[::-1])
            print(f"{tokens:10,}{apart:10}{terms:12.1e}{token:12.1e}", flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tokens", type=int, nargs="+", default=[100_000, 1_000_000], metavar="N")
    parser.add_argument("--dimension", type=int, default=512, metavar="D")
    parser.add_argument(
        "--against-definition", type=int, nargs="+", default=[10, 300, 3000], metavar="N"
    )
    parser.add_argument("--work", type=Path, metavar="DIR", help="where the temporary file lies")
    return parser.parse_args()


def _vectors(tokens: int, dimension: int, *, kind: str, folder: Path) -> Array:
    """Return unit rows, drawn some at a time, in a mapped file or in memory."""
    shape = (tokens, dimension)
    vectors: Array = np.empty(shape, np.float32) if kind == "float32" else _mapped(folder, shape)
    rng = np.random.default_rng(0)
    for start in range(0, tokens, CHUNK):
        size = min(CHUNK, tokens - start)
        vectors[start : start + size] = _drawn(size, dimension, apart=0.5, rng=rng)
    return vectors


def _mapped(folder: Path, shape: tuple[int, int]) -> Array:
    return np.lib.format.open_memmap(
        folder / "vectors.npy", mode="w+", dtype=np.float16, shape=shape
    )


def _drawn(
    tokens: int, dimension: int, *, apart: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return unit rows about (1, ..., 1), farther from it the greater `apart` is."""
    rows = 1 + apart * rng.standard_normal((tokens, dimension))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows


def _print_times(vectors: Array, *, kind: str) -> None:
    tracemalloc.start()
    seconds = [
        each / 2
        for measure in (metrics.variance_terms, metrics.token_hardness)
        for each in _timed(partial(measure, vectors, vectors[::-1]))
    ]
    peak = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    times = " ".join(f"{each:10.1f}" for each in seconds)
    print(f"{len(vectors):10,} {kind:16} {times} {peak:10.0f}", flush=True)


def _timed(work: Callable[[], object]) -> tuple[float, float]:
    """Return the seconds on the clock and those of the processor."""
    start, cpu_start = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - start, time.process_time() - cpu_start


def _errors(images: Array, texts: Array) -> tuple[float, float]:
    """Return the greatest relative errors of the terms, and of one token's variances."""
    terms, tokens = metrics.variance_terms(images, texts), metrics.token_hardness(images, texts)
    found = (terms.image, terms.text, terms.cross)
    found_N = (tokens.image_N, tokens.text_N, tokens.cross_N)
    sides = ((images, images), (texts, texts), (texts, images))
    defined_N = [(rows @ columns.T).var(axis=1) for rows, columns in sides]
    return (
        max(_relative(f, d.mean()) for f, d in zip(found, defined_N, strict=True)),
        max(_relative(f, d) for f, d in zip(found_N, defined_N, strict=True)),
    )


def _relative(found: Array | float, defined: Array | float) -> float:
    return float(np.max(np.abs(np.asarray(found) / np.asarray(defined) - 1)))


if __name__ == "__main__":
    main()
