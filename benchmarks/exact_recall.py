"""Exact recall among many: its time beside that of the products alone, and beside CLIP_benchmark's.

    python benchmarks/exact_recall.py products --n 20000 50000 100000
    python benchmarks/exact_recall.py products --n 1000000 --first 4096
    python benchmarks/exact_recall.py all-pairs --n 1000 2000 5000 10000 20000

Vectors are made up: collections as clusters, a token's text and picture as two noisy views of it,
512 numbers of float16 mapped from disk. Each size runs in a fresh process, whose peak memory is the
kernel's (VmHWM: mapped files count). `products` computes every block's product twice and times one
of them alone, so what else the machine does slows both; `--first` stops each size after so many
queries, which takes the memory of all, and gives their time in proportion. `all-pairs` also runs,
written anew, the scoring of CLIP_benchmark's `zeroshot_retrieval.evaluate` (LAION, MIT licence):
all scores in memory, `topk`, `one_hot`, batches of 64. `--quick` takes small sizes and seconds.
"""

# Axes: N tokens, Q queries, D dimensions, B batch, K places

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from traitlens.metrics import Keys, NumpyBlocks, Ranking, hits, rank
from traitlens.metrics.counts import Floats

D = 512
EACH = 5_000  # tokens a collection
BATCH = 64  # CLIP_benchmark's default
KS = (1, 5, 10)
MILLION = 1_000_000
SYSTEMS = ("instance", "caption", "collection")
NOISE = {"texts": 2.0, "images": 1.3}  # beside the token's own 0.7

MEMORY = ("peak MB", "above start")  # of the process, and beyond what it had before

Result = dict[str, Any]


def main() -> None:
    """Make vectors of each size, measure each in its own process, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["products", "all-pairs"])
    parser.add_argument("--n", type=int, nargs="+", help="tokens")
    parser.add_argument("--systems", nargs="+", choices=SYSTEMS, default=["instance"])
    parser.add_argument("--first", type=int, default=0, help="stop after so many queries")
    parser.add_argument("--ours", type=int, nargs="*", help="more tokens, for ours alone")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--worker", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--who", choices=list(WORKERS), help=argparse.SUPPRESS)
    options, console = parser.parse_args(), Console(width=110)
    if options.worker:
        print(json.dumps(WORKERS[options.who](options.worker, options.systems, options.first)))
    elif options.what == "products":
        sizes = [2_000, 5_000] if options.quick else options.n or [20_000, 50_000, 100_000]
        console.print(products_table(sizes, options.systems, first=options.first))
    else:
        sizes = [500, 1_000, 2_000] if options.quick else options.n or [1_000, 5_000, 20_000]
        alone = [5_000] if options.quick else options.ours or [100_000]
        console.print(all_pairs_table(sizes, alone=alone))


def products_table(sizes: Sequence[int], systems: Sequence[str], *, first: int) -> Table:
    """Return the time of ranking in both directions beside that of its products.

    With `first`, both are what all queries would take at the cost of the first ones.
    """
    heads = ("tokens", "ranking s", "products s", "ratio", "ns a score", *MEMORY, "R@1, %")
    table = Table(title=f"exact ranks of both directions, {', '.join(systems)}; {D} dimensions")
    for head in heads:
        table.add_column(head, justify="right")
    found: list[Result] = []
    for n in sizes:
        with tempfile.TemporaryDirectory() as folder:
            make_vectors(Path(folder), n)
            found.append(_run("with-products", Path(folder), systems, first=first))
        table.add_row(*_products_row(found[-1]))
    hours = found[-1]["seconds"] * (MILLION / sizes[-1]) ** 2 / 3600
    table.caption = (
        f"at the last row's cost a score, {MILLION:,} tokens would take {hours:.1f} hours here"
    )
    return table


def _products_row(found: Result) -> tuple[str, ...]:
    n, seconds, alone = found["n"], found["seconds"], found["products"]
    return (
        f"{n:,}",
        f"{seconds:.1f}",
        f"{alone:.1f}",
        f"{seconds / alone:.2f}",
        f"{seconds / n**2 * 1e9:.2f}",
        *_memory(found),
        _first(found),
    )


def all_pairs_table(sizes: Sequence[int], *, alone: Sequence[int]) -> Table:
    """Return time and memory beside those of all pairs at once, and for `alone` without."""
    table = Table(title=f"recall at 1, 5 and 10, both directions, {D} dimensions")
    for head in ("tokens", "who", "seconds", "ns a pair", *MEMORY, "R@1, %"):
        table.add_column(head, justify="right")
    found: list[Result] = []
    for n in (*sizes, *alone):
        with tempfile.TemporaryDirectory() as folder:
            make_vectors(Path(folder), n)
            who = ("ours", "all-pairs") if n in sizes else ("ours",)
            both = [_run(name, Path(folder), ["instance"]) for name in who]
        assert np.allclose(both[0]["recalls"], both[-1]["recalls"], atol=2 / n), "recalls differ"
        found += both
        for one in both:
            table.add_row(*_pairs_row(one))
    table.caption = _same_memory(found)
    return table


def _pairs_row(found: Result) -> tuple[str, ...]:
    nanoseconds = found["seconds"] / found["n"] ** 2 * 1e9
    times = (f"{found['seconds']:.2f}", f"{nanoseconds:.1f}")
    return (f"{found['n']:,}", found["who"], *times, *_memory(found), _first(found))


def _same_memory(found: Sequence[Result]) -> str:
    """Return what our largest size takes above the start, and theirs in no more than that."""
    ours = max((one for one in found if one["who"] == "ours"), key=lambda one: one["n"])
    room = ours["peak"] - ours["start"]
    fitting = [
        one["n"] for one in found if one["who"] != "ours" and one["peak"] - one["start"] <= room
    ]
    theirs = max(fitting, default=0)
    times = f", {ours['n'] / theirs:.0f} times as many" if theirs else ""
    return f"in {room / 1e6:.0f} MB above the start: {ours['n']:,} beside {theirs:,}{times}"


def _memory(found: Result) -> tuple[str, str]:
    return f"{found['peak'] / 1e6:.0f}", f"{(found['peak'] - found['start']) / 1e6:.0f}"


def _first(found: Result) -> str:
    """Return the recall at 1, text to image and image to text."""
    return " / ".join(f"{100 * recalls[0]:.1f}" for recalls in found["recalls"])


def _run(who: str, folder: Path, systems: Sequence[str], *, first: int = 0) -> Result:
    """Return what a fresh process measures."""
    command = [sys.executable, __file__, "products", "--worker", str(folder), "--who", who]
    options = ["--first", str(first), "--systems", *systems]
    done = subprocess.run([*command, *options], stdout=subprocess.PIPE, text=True, check=True)
    result: Result = json.loads(done.stdout)
    return {**result, "who": who}


def make_vectors(folder: Path, n: int) -> None:
    """Write `texts.npy` and `images.npy`, and `collections.npy`, the collection of each token."""
    rng = np.random.default_rng(0)
    collection_N = np.sort(rng.integers(0, max(2, n // EACH), n))
    centres = rng.normal(size=(collection_N[-1] + 1, D)).astype(np.float32)
    np.save(folder / "collections.npy", collection_N)
    views = {
        name: np.lib.format.open_memmap(folder / f"{name}.npy", "w+", np.float16, (n, D))
        for name in NOISE
    }
    for start in range(0, n, EACH):
        rows = slice(start, min(start + EACH, n))
        tokens = centres[collection_N[rows]]
        tokens += 0.7 * rng.standard_normal(tokens.shape, np.float32)
        for name, noise in NOISE.items():
            seen = tokens + noise * rng.standard_normal(tokens.shape, np.float32)
            views[name][rows] = seen / np.linalg.norm(seen, axis=1, keepdims=True)


def rank_here(folder: Path, systems: Sequence[str], _: int) -> Result:
    """Measure the ranking as it is."""
    texts, images, keys = _inputs(folder, systems)
    resting, start = _peak_bytes(), time.perf_counter()
    ranking = rank(texts, images, keys=keys, both_ways=True)
    seconds = time.perf_counter() - start
    return _result(len(texts), seconds, _recalls(ranking, systems[0]), resting)


def rank_with_products(folder: Path, systems: Sequence[str], first: int) -> Result:
    """Measure the ranking, and the product of each of its blocks once more alone."""
    texts, images, keys = _inputs(folder, systems)
    resting, twice = _peak_bytes(), Twice(first=first or len(texts))
    recalls = []
    with suppress(EnoughError):
        ranking = rank(
            texts, images, keys=keys, both_ways=True, blocks=twice, progress=twice.progress
        )
        recalls = _recalls(ranking, systems[0])
    result = _result(len(texts), twice.ranking_s(len(texts)), recalls, resting)
    return {**result, "products": twice.products_s(len(texts))}


class EnoughError(Exception):
    """So many queries as were asked for are ranked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Twice(NumpyBlocks):
    """The CPU, computing each product twice and timing the first."""

    first: int  # queries after which it is enough
    alone_s: list[float] = field(default_factory=list)
    at: list[tuple[int, float, int]] = field(
        default_factory=lambda: [(0, time.perf_counter(), 0)]
    )  # queries ranked, when, and products by then

    def product(self, rows: Floats, columns: Floats, *, double: bool) -> Floats:
        """Return the dot products."""
        start = time.perf_counter()
        NumpyBlocks.product(self, rows, columns, double=double)
        self.alone_s.append(time.perf_counter() - start)
        return NumpyBlocks.product(self, rows, columns, double=double)

    def progress(self, stage: str, done: int, total: int, _note: str = "", /) -> None:
        """Note how far the pass over all blocks is."""
        if stage == "rank":
            self.at.append((done, time.perf_counter(), len(self.alone_s)))
            if self.first <= done < total:
                raise EnoughError

    def ranking_s(self, queries: int) -> float:
        """Return the seconds for all queries, without those of the products that were timed."""
        (_, made, _), (_, start, before), *_, (done, end, after) = self.at
        found = start - made - sum(self.alone_s[:before])  # the best right items
        return found + (end - start - sum(self.alone_s[before:after])) * queries / done

    def products_s(self, queries: int) -> float:
        """Return the seconds of the products of the pass over all blocks, for all queries."""
        _, (_, _, before), *_, (done, _, after) = self.at
        return sum(self.alone_s[before:after]) * queries / done


def _inputs(folder: Path, systems: Sequence[str]) -> tuple[Floats, Floats, dict[str, Keys]]:
    texts, images = (np.load(folder / f"{name}.npy", mmap_mode="r") for name in NOISE)
    number = np.arange(len(texts))
    collection = np.load(folder / "collections.npy")
    of = {"instance": number, "caption": number // 2, "collection": collection}
    return texts, images, {name: Keys(queries=of[name], gallery=of[name]) for name in systems}


def _recalls(ranking: Ranking, system: str) -> list[list[float]]:
    """Return the recalls by k, text to image and image to text."""
    assert ranking.backward is not None
    counts = (ranking.forward[system], ranking.backward[system])
    return [[float(hits(one, k).mean()) for k in KS] for one in counts]


def all_pairs(folder: Path, _systems: Sequence[str], _first: int) -> Result:
    """Measure what CLIP_benchmark does once it has the vectors of all texts and images."""
    import torch
    from torch import Tensor

    def recall_at_k(scores_BN: Tensor, right_BN: Tensor, k: int) -> Tensor:
        first_BK = torch.topk(scores_BN, k, dim=1)[1]
        marks_BKN = torch.nn.functional.one_hot(first_BK, num_classes=scores_BN.shape[1])
        found_B = (marks_BKN * right_BN[:, None, :]).sum(dim=(1, 2))
        return found_B / right_BN.sum(dim=1)

    def recall(scores_QN: Tensor, right_QN: Tensor, k: int) -> float:
        shares = [
            recall_at_k(scores_QN[start : start + BATCH], right_QN[start : start + BATCH], k)
            for start in range(0, len(scores_QN), BATCH)
        ]
        return float((torch.cat(shares) > 0).float().mean())

    texts, images = (torch.from_numpy(np.load(folder / f"{name}.npy")).float() for name in NOISE)
    number = torch.arange(len(texts))
    resting, start = _peak_bytes(), time.perf_counter()
    scores = texts @ images.t()
    right = torch.zeros_like(scores, dtype=torch.bool)
    right[number, number] = True
    recalls = [[recall(scores, right, k) for k in KS], [recall(scores.T, right.T, k) for k in KS]]
    return _result(len(texts), time.perf_counter() - start, recalls, resting)


def _result(n: int, seconds: float, recalls: list[list[float]], resting: int) -> Result:
    peak = _peak_bytes()
    return {"n": n, "seconds": seconds, "recalls": recalls, "start": resting, "peak": peak}


def _peak_bytes() -> int:
    """Return the most memory that this process had, shared and mapped pages included."""
    lines = Path("/proc/self/status").read_text().splitlines()
    (peak,) = (line for line in lines if line.startswith("VmHWM:"))
    return 1024 * int(peak.split()[1])


WORKERS: dict[str, Callable[[Path, Sequence[str], int], Result]] = {
    "ours": rank_here,
    "with-products": rank_with_products,
    "all-pairs": all_pairs,
}


if __name__ == "__main__":
    main()
