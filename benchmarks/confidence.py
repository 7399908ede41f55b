"""Do the intervals and p values of `traitlens compare` hold what they say?

    python benchmarks/confidence.py
    python benchmarks/confidence.py --a a.json --skip coverage

Three checks, each a table. An evaluation against itself with other seeds of the bootstrap must
never alarm. Where nothing is different but for noise, intervals that exclude 0 and p values up to
0.05 must be near 5% or below. And intervals must hold the true mean in near 95% of simulated
draws of skewed, bounded recalls, beside those that were not taken. `--a` takes the collections of
an evaluation instead of a drawn one with the sizes of 39 real collections. The coverage takes
some minutes.
"""

# Axes: C collections, G clusters, B resamples

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from traitlens.evaluation import compare
from traitlens.evaluation.reading import read_run
from traitlens.metrics import cluster_interval, sign_flip_p
from traitlens.metrics.confidence import student_quantile
from traitlens.tables import Column, Table, percents, to_markdown

Floats = NDArray[np.float64]
Ends = tuple[float, float]

# Tokens of 39 real collections: 226 to 10,000.
SIZES = [1868, 300, 2000, 1111, 226, 1000, 946, 1000, 1000, 1000, 261, 2000, 10000, 2000, 2000]
SIZES += [1000, 1972, 333, 2000, 3000, 3000, 500, 2000, 2000, 3000, 2000, 600, 1000, 3000, 600]
SIZES += [361, 1300, 1000, 2000, 2000, 2000, 2000, 2000, 2000]

LEVEL = 0.95
KINDS = ("recall", "near 1", "difference", "sparse")


def main() -> None:
    args = _parse()
    rng = np.random.default_rng(args.seed)
    recalls_C, sizes_C = _collections(args.a, rng)
    if "same" not in args.skip:
        print(to_markdown(same(args.a, recalls_C, sizes_C, repeats=args.repeats)), flush=True)
    if "null" not in args.skip:
        print(to_markdown(null(recalls_C, sizes_C, rng, args.null_repeats)), flush=True)
    if "coverage" not in args.skip:
        print(to_markdown(coverage(rng, draws=args.draws)))


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--a", type=Path, help="a file that `traitlens evaluate --json` wrote")
    parser.add_argument("--repeats", type=int, default=200, help="of an evaluation with itself")
    parser.add_argument("--null-repeats", type=int, default=1000, help="of each kind of noise")
    parser.add_argument("--draws", type=int, default=600, help="of each row of the coverage")
    parser.add_argument("--skip", nargs="*", default=[], choices=["same", "null", "coverage"])
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def _collections(path: Path | None, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Return top-1 and the number of queries of each collection."""
    if path is None:
        sizes_C = np.array(SIZES, dtype=np.float64)
        return rng.binomial(SIZES, rng.beta(1.2, 1.0, size=len(SIZES))) / sizes_C, sizes_C
    rows = read_run(path, where="a").within("text_to_image").values()
    recalls_C = np.array([row.scores["top-1"] for row in rows])
    return recalls_C, np.array([row.queries for row in rows], dtype=np.float64)


# -- an evaluation against itself


def same(path: Path | None, recalls_C: Floats, sizes_C: Floats, *, repeats: int) -> Table:
    """Return how often any endpoint of an evaluation and itself alarms, by other seeds."""
    source = path or _document(recalls_C, sizes_C)
    alarms = 0
    for seed in range(repeats):
        found = compare(source, source, by="collection", seed=seed)
        alarms += any(
            (each.interval is not None and 0 not in each.interval)
            or (each.adjusted_p is not None and each.adjusted_p <= 1 - LEVEL)
            for each in found.endpoints
        )
    return Table(
        title="An evaluation against itself, with another seed of the bootstrap each time",
        columns=(Column("repeats", "count"), Column("collections", "count"), Column("alarms")),
        rows=((repeats, len(recalls_C), str(alarms)),),
    )


def _document(recalls_C: Floats, sizes_C: Floats) -> dict[str, Any]:
    rows = [
        {
            "model": "drawn",
            "direction": direction,
            "scope": "collection",
            "gallery": f"collection {number}",
            "n": int(size),
            "queries": int(size),
            "recall": dict.fromkeys((1, 5, 10), float(recall)),
            "mrr": float(recall),
        }
        for direction in ("text_to_image", "image_to_text")
        for number, (recall, size) in enumerate(zip(recalls_C, sizes_C, strict=True))
    ]
    names = ("model", "model_fingerprint", "dataset", "dataset_fingerprint", "split", "split_rule")
    return dict.fromkeys(names, "drawn") | {"max_gallery": None, "seed": 0, "rows": rows}


# -- nothing but noise


def null(recalls_C: Floats, sizes_C: Floats, rng: np.random.Generator, repeats: int) -> Table:
    """Return how often noise alarms: two halves of the same queries, and models swapped."""
    kinds: dict[str, Callable[[], Floats]] = {
        "two halves of the queries": lambda: _halves(recalls_C, sizes_C, rng),
        "two models, swapped at random": lambda: _swapped(recalls_C, sizes_C, rng),
    }
    rows = []
    for kind, draw in kinds.items():
        for mean in ("macro", "micro"):
            alarms_2 = np.zeros(2)
            for seed in range(repeats):
                moved_C = draw()
                weights_C = sizes_C if mean == "micro" else None
                found = cluster_interval(moved_C, weights_C=weights_C, seed=seed, resamples=2000)
                p = sign_flip_p(moved_C, weights_C=weights_C, seed=seed, draws=2000)
                alarms_2 += (found is not None and 0 not in found, p <= 1 - LEVEL)
            rows.append((kind, mean, repeats, *(float(each) for each in alarms_2 / repeats)))
    return Table(
        title=f"Alarms where there is only noise, {len(sizes_C)} collections",
        columns=(
            *map(Column, ("noise", "mean")),
            Column("repeats", "count"),
            *percents(("intervals without 0", "p <= 0.05")),
        ),
        rows=tuple(rows),
        note="In %; near 5 or below is right.",
    )


def _halves(recalls_C: Floats, sizes_C: Floats, rng: np.random.Generator) -> Floats:
    """Return top-1 of one half of each collection's queries minus that of the other."""
    hits_C = np.rint(recalls_C * sizes_C).astype(int)
    half_C = sizes_C.astype(int) // 2
    rest_C = sizes_C.astype(int) - half_C
    first_C = rng.hypergeometric(hits_C, sizes_C.astype(int) - hits_C, half_C)
    moved_C: Floats = first_C / half_C - (hits_C - first_C) / rest_C
    return moved_C


def _swapped(recalls_C: Floats, sizes_C: Floats, rng: np.random.Generator) -> Floats:
    """Return differences of a model and one that is up to a third worse, in a random order."""
    worse_C = rng.binomial(sizes_C.astype(int), recalls_C * rng.uniform(0.67, 1, len(sizes_C)))
    moved_C: Floats = (worse_C / sizes_C - recalls_C) * rng.choice([-1, 1], size=len(sizes_C))
    return moved_C


# -- coverage


@dataclass(frozen=True, slots=True)
class Draw:
    """Collections at random: what was measured, their queries and their families."""

    values_C: Floats
    weights_C: Floats
    families_C: NDArray[np.intp]


def coverage(rng: np.random.Generator, *, draws: int) -> Table:
    """Return the shares of intervals that hold the true mean, of this and of other methods."""
    rows: list[tuple[str | float, ...]] = []
    for kind in KINDS:
        for sizes in ("two", "1 to 10"):
            everyone = _draw(rng, kind, sizes, 200_000)
            for families in (20, 40, 150):
                held = [
                    _held(_draw(rng, kind, sizes, families), everyone, seed=seed)
                    for seed in range(draws)
                ]
                for number, mean in enumerate(("macro", "micro")):
                    shares = np.array([each[number] for each in held]).mean(axis=0)
                    rows.append((kind, families, sizes, mean, *(float(s) for s in shares)))
    error = 100 * math.sqrt(LEVEL * (1 - LEVEL) / draws)
    return Table(
        title=f"Share of 95% intervals that hold the true mean, {draws} draws a row",
        columns=(
            Column("values"),
            Column("families", "count"),
            *map(Column, ("collections each", "mean")),
            *percents(("taken", *OTHERS)),
        ),
        rows=tuple(rows),
        note=f"In %; 95 is right. A share of 95 is off by {error:.1f} points, one standard error.",
    )


def _draw(rng: np.random.Generator, kind: str, sizes: str, families: int) -> Draw:
    """Return collections whose families share half of what makes them easy or hard.

    Small galleries are easier; numbers of queries are as skewed as those of real collections.
    """
    many = np.full(families, 2) if sizes == "two" else rng.geometric(0.45, families).clip(1, 10)
    of_C = np.repeat(np.arange(families), many)
    count = len(of_C)
    weights_C = np.rint(np.exp(rng.normal(7.0, 0.8, count))).clip(100, 10_000)
    family_C = rng.normal(size=families)[of_C]
    ease_C = (family_C + rng.normal(size=count)) / math.sqrt(2)
    size_C = np.log(weights_C) - 7
    if kind == "recall":
        true_C = _share(1.6 * ease_C - 2.2 - 0.5 * size_C)
    elif kind == "near 1":
        true_C = _share(1.5 * ease_C + 3.5)
    elif kind == "difference":
        change_C = (family_C + rng.normal(size=count)) / math.sqrt(2)
        true_C = _share(1.5 * ease_C + 0.6 * change_C - 1.2) - _share(1.5 * ease_C - 1.5)
    else:
        changed_C = rng.random(count) < 0.3
        true_C = changed_C * rng.normal(0.03, 0.08, count) * np.exp(0.5 * family_C)
    hits_C = rng.binomial(weights_C.astype(int), np.abs(true_C).clip(0, 1))
    return Draw(np.sign(true_C) * hits_C / weights_C, weights_C, of_C)


def _share(logit: Floats) -> Floats:
    share: Floats = 1 / (1 + np.exp(-logit))
    return share


def _held(draw: Draw, everyone: Draw, *, seed: int) -> list[list[bool]]:
    """Return for macro and micro whether each method's interval holds the mean of everyone."""

    def held(weights_C: Floats, truth: float) -> list[bool]:
        families = draw.families_C.tolist()
        found = cluster_interval(
            draw.values_C, weights_C=weights_C, clusters=families, resamples=1000, seed=seed
        )
        assert found is not None
        totals_G, sums_G = (
            np.bincount(draw.families_C, each).astype(np.float64)
            for each in (weights_C * draw.values_C, weights_C)
        )
        others = _other_intervals(totals_G, sums_G, seed)
        return [truth in found, *(low <= truth <= high for low, high in others)]

    truths = (everyone.values_C.mean(), np.average(everyone.values_C, weights=everyone.weights_C))
    sides = (np.ones_like(draw.weights_C), draw.weights_C)
    return [held(weights_C, truth) for weights_C, truth in zip(sides, truths, strict=True)]


OTHERS = ("percentile", "expanded", "BCa", "Student", "bootstrap-t")


def _other_intervals(totals_G: Floats, weights_G: Floats, seed: int) -> tuple[Ends, ...]:
    """Return the intervals that were not taken, in the order of `OTHERS`."""
    count = len(totals_G)
    rng = np.random.default_rng(seed)
    times_BG = rng.multinomial(count, np.full(count, 1 / count), size=1000)
    means_B = (times_BG @ totals_G) / (times_BG @ weights_G)
    mean = totals_G.sum() / weights_G.sum()
    left_out_G = (totals_G.sum() - totals_G) / (weights_G.sum() - weights_G)
    error = math.sqrt((count - 1) / count * float(((left_out_G - mean) ** 2).sum()))
    student = student_quantile((1 + LEVEL) / 2, degrees=count - 1)
    tail = (1 - LEVEL) / 2
    wider = NormalDist().cdf(-student * math.sqrt(count / (count - 1)))
    ratios_B = _ratios(totals_G - mean * weights_G, weights_G, times_BG)
    low_ratio, high_ratio = np.quantile(ratios_B, [tail, 1 - tail])
    return (
        _quantiles(means_B, tail, 1 - tail),
        _quantiles(means_B, wider, 1 - wider),
        _bca(means_B, mean, left_out_G.mean() - left_out_G, tail),
        (mean - student * error, mean + student * error),
        (mean - high_ratio * error, mean - low_ratio * error),
    )


def _quantiles(means_B: Floats, low: float, high: float) -> Ends:
    first, last = np.quantile(means_B, [low, high])
    return float(first), float(last)


def _ratios(residuals_G: Floats, weights_G: Floats, times_BG: NDArray[np.int64]) -> Floats:
    weights_B1 = (times_BG @ weights_G)[:, None]
    off_B1 = (times_BG @ residuals_G)[:, None] / weights_B1
    moves_BG = (residuals_G - off_B1 * weights_G) / (weights_B1 - weights_G)
    count = len(weights_G)
    errors_B = np.sqrt((count - 1) / count * (times_BG * moves_BG**2).sum(axis=1))
    spread_B = errors_B > 1e-12
    ratios_B: Floats = off_B1[spread_B, 0] / errors_B[spread_B]
    return ratios_B


def _bca(means_B: Floats, mean: float, moves_G: Floats, tail: float) -> Ends:
    """Return Efron's bias-corrected and accelerated interval."""
    normal = NormalDist()
    skew = float((moves_G**3).sum() / (6 * (moves_G**2).sum() ** 1.5))
    below = float((means_B < mean).mean() + (means_B == mean).mean() / 2)
    bias = normal.inv_cdf(min(max(below, 1e-3), 1 - 1e-3))
    ends = [bias + normal.inv_cdf(each) for each in (tail, 1 - tail)]
    low, high = (normal.cdf(bias + end / (1 - skew * end)) for end in ends)
    return _quantiles(means_B, low, high)


if __name__ == "__main__":
    main()
